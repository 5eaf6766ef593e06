"""`/api/admin/billing/providers` and `/models`."""

from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from smart_ai_router.core.administration import Origin
from smart_ai_router.core.billing.market import Market
from smart_ai_router.core.ledger_requests import ModelSwitching
from smart_ai_router.core.snapshot import ModelDisabled
from smart_ai_router.domain.pools import REASON_NO_MONEY
from tests.api.billing.billing_fixtures import BILLING, billing_client, exact
from tests.core.billing.billing_samples import a_channel, market_of
from tests.core.billing.price_samples import BOOK

MARKET = market_of(
    a_channel("ch_p", "p", "m", "org/n"),
    a_channel("ch_q", "q", "m"),
    prices=BOOK,
    disabled=[ModelDisabled("q", "*", REASON_NO_MONEY), ModelDisabled("p", "org/n", "too dear")],
)


def test_m2_33_to_m2_35_m2_79_models_are_listed_with_their_status() -> None:
    client = billing_client(market=lambda: MARKET)

    told = exact(client.get(f"{BILLING}/models"))

    assert [(each["id"], each["status"], each["statusText"]) for each in told] == [
        ("p/m", "enabled", "启用"),
        ("p/org/n", "disabled", "too dear"),
        ("q/m", "no_money", "资费不足，暂不可用"),
    ]
    assert list(told[0])[:6] == ["id", "providerId", "modelCode", "modelName", "modelType", "enabled"]
    assert "sk-upstream" not in client.get(f"{BILLING}/models").text


def test_n_07_models_of_one_provider_and_one_model_are_read() -> None:
    client = billing_client(market=lambda: MARKET)

    for parameter in ("providerId", "provider"):
        assert [each["id"] for each in exact(client.get(f"{BILLING}/models", params={parameter: "q"}))] == ["q/m"]
    assert exact(client.get(f"{BILLING}/models/p/org/n"))["modelName"] == "org/n"
    assert exact(client.get(f"{BILLING}/models/p%2Forg%2Fn"))["modelName"] == "org/n"
    missing = client.get(f"{BILLING}/models/p/x")
    assert (missing.status_code, missing.json()["code"]) == (404, "model_not_found")


def test_n_07_providers_are_read() -> None:
    client = billing_client(market=lambda: MARKET)

    told = exact(client.get(f"{BILLING}/providers"))

    assert [list(each)[:6] for each in told] == [["id", "name", "displayName", "enabled", "createdAt", "updatedAt"]] * 2
    assert [(each["id"], each["enabled"], each["modelCount"]) for each in told] == [("p", True, 2), ("q", False, 1)]
    assert exact(client.get(f"{BILLING}/providers/q"))["statusText"] == "资费不足，暂不可用"
    assert client.get(f"{BILLING}/providers/x").status_code == 404


# --- switching by hand ---


class Switchboard:
    """Takes switches as the office of pools does, and changes what is on offer."""

    def __init__(self) -> None:
        self.off: dict[tuple[str, str], str] = {}
        self.keys: list[str | None] = []

    def switch(self, provider_id: str, model: str, asked: ModelSwitching, origin: Origin) -> None:
        self.keys.append(origin.idempotency_key)
        if asked.enabled:
            self.off.pop((provider_id, model), None)
        else:
            self.off[provider_id, model] = asked.reason or "手动停用"

    def market(self) -> Market:
        disabled = tuple(ModelDisabled(*place, reason) for place, reason in self.off.items())
        return Market(replace(MARKET.snapshot, disabled=(*MARKET.snapshot.disabled, *disabled)))


@pytest.fixture
def board() -> Switchboard:
    return Switchboard()


@pytest.fixture
def client(board: Switchboard) -> TestClient:
    return billing_client(market=board.market, switch_model=board.switch)


def test_m2_34_n_07_a_model_is_switched_off_with_a_reason_and_on_again(client: TestClient, board: Switchboard) -> None:
    off = client.put(
        f"{BILLING}/models/p/m", json={"enabled": False, "reason": "太贵"}, headers={"idempotency-key": "k"}
    )
    on = client.put(f"{BILLING}/models/p/m", json={"enabled": True})

    assert (exact(off)["statusText"], exact(off)["disabledCause"], exact(off)["enabled"]) == ("太贵", "hand", False)
    assert (exact(on)["statusText"], exact(on)["enabled"]) == ("启用", True)
    assert board.keys == ["k", None]


def test_n_07_a_provider_is_switched_with_all_of_its_models(client: TestClient) -> None:
    off = exact(client.put(f"{BILLING}/providers/p", json={"enabled": False}))

    assert (off["enabled"], off["statusText"]) == (False, "手动停用")
    assert exact(client.get(f"{BILLING}/models/p/m"))["status"] == "disabled"


def test_m2_79_a_model_without_money_stays_off_when_it_is_switched_on_by_hand(client: TestClient) -> None:
    told = exact(client.put(f"{BILLING}/models/q/m", json={"enabled": True}))

    assert (told["status"], told["statusText"]) == ("no_money", "资费不足，暂不可用")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("models/p/x", {"enabled": False}, 404),
        ("providers/x", {"enabled": False}, 404),
        ("models/p/m", {}, 400),
        ("models/p/m", {"enabled": "no"}, 400),
        ("models/p/m", {"enabled": False, "apiKey": "sk"}, 400),
    ],
)
def test_what_cannot_be_switched_is_refused_and_nothing_is(
    client: TestClient, board: Switchboard, path: str, body: dict[str, object], status: int
) -> None:
    assert client.put(f"{BILLING}/{path}", json=body).status_code == status
    assert board.keys == []


def test_where_nothing_can_be_switched_there_is_no_such_route() -> None:
    assert (
        billing_client(market=lambda: MARKET).put(f"{BILLING}/models/p/m", json={"enabled": False}).status_code == 405
    )
