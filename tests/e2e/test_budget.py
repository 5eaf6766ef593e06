"""The budget of a day: a budget key that does nothing would be worse than none."""

from collections.abc import Iterator

import pytest

from smart_ai_router.testing.upstream import UpstreamServer
from tests.e2e.fault_harness import until
from tests.e2e.router_harness import GUIDE_PRICES, QUIET, Router, channel, running


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory, upstream: UpstreamServer) -> Iterator[Router]:
    paid = channel("ch_openai_001", upstream.base_url, "gpt-4o-mini", prices=GUIDE_PRICES)
    free = channel("ch_free", upstream.base_url, "gift", prices={"gift": {"currency": "USD", "input": 0, "output": 0}})
    config = {
        "system": QUIET,
        "channels": [paid, free],
        "cost_control": {
            "global_daily_budget": "0.0007",
            "alert_threshold": "0.5",
            "auto_disable_on_budget_exceeded": True,
            "currency": "USD",
        },
    }
    with running(tmp_path_factory.mktemp("budget"), config) as started:
        yield started


def test_the_budget_warns_at_its_share_and_closes_what_costs_money_when_it_is_spent(router: Router) -> None:
    assert router.chat().status == 200  # 0.000375: more than half
    warning = router.wait_for_alert("*", "budget_warning")
    assert warning["details"]["spent"] == "0.000375"
    assert router.chat().status == 200  # 0.00075: more than all
    router.wait_for_alert("*", "budget_exceeded")
    until(lambda: router.chat().status == 503, 10.0, "the paid model to be closed")
    refused = router.chat()
    assert "今日预算已用完" in refused.json["error"]["message"]
    assert refused.headers["x-should-retry"] == "false"
    assert router.chat("gift").status == 200
