"""The configuration file is edited under a running router."""

from collections.abc import Iterator

import pytest

from smart_ai_router.testing.upstream import UpstreamServer
from tests.e2e.fault_harness import until
from tests.e2e.router_harness import GUIDE_PRICES, Router, channel, running

TAKEN_S = 3.0  # promised in words: about two seconds


@pytest.fixture(scope="module")
def first(upstream: UpstreamServer) -> dict[str, object]:
    return channel("ch_first", upstream.base_url, "gpt-4o-mini", prices=GUIDE_PRICES)


@pytest.fixture(scope="module")
def second(upstream: UpstreamServer) -> dict[str, object]:
    dearer = {"gpt-4o-mini": {"currency": "USD", "input": 5, "output": 10}}
    return channel("ch_second", upstream.base_url, "gpt-4o-mini", prices=dearer, priority=1)


@pytest.fixture(scope="module")
def router(first: dict[str, object], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    with running(tmp_path_factory.mktemp("reload"), {"channels": [first]}) as started:
        yield started


def served_by(router: Router) -> str:
    answer = router.chat()
    assert answer.status == 200
    return answer.headers["x-smart-ai-router-channel"]


def test_an_edited_file_changes_routing_within_three_seconds(
    router: Router, first: dict[str, object], second: dict[str, object]
) -> None:
    assert served_by(router) == "ch_first"

    router.write_config({"channels": [first, second]})

    until(lambda: served_by(router) == "ch_second", TAKEN_S, "the new channel, whose priority is first, answers")
    assert str(router.record(router.chat())["total_cost"]) == "0.00375"
    models = [model["id"] for model in router.get("/v1/models").json["data"]]
    assert "gpt-4o-mini" in models


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("channels: [", "router.yaml:1:12"),
        ("channels:\n  - {provider: openai, api_kye: sk-canary-0001}\n", "api_kye"),
        ("routing: {max_retry_attempts: many}\n", "routing.max_retry_attempts"),
    ],
)
def test_a_bad_file_is_refused_loudly_and_the_old_one_stays(router: Router, text: str, words: str) -> None:
    before = served_by(router)
    good = router.config_file.read_text()
    said = len(router.said())

    router.config_file.write_text(text)

    until(lambda: "the configuration in force stays" in router.said()[said:], TAKEN_S, "it is said")
    assert words in router.said()[said:]
    assert "sk-canary-0001" not in router.said()
    assert served_by(router) == before
    status = router.admin("GET", "/v1/admin/config/status").json["data"]
    assert any(words in problem for problem in status["refused_file_problems"])
    refused = router.admin("POST", "/v1/admin/config/reload")
    assert (refused.status, words in refused.json["detail"]) == (409, True)

    router.config_file.write_text(good)
    assert router.admin("POST", "/v1/admin/config/reload").status == 200


def test_reload_takes_the_file_at_once(router: Router, first: dict[str, object]) -> None:
    router.write_config({"channels": [{**first, "id": "ch_renamed"}]})

    answer = router.admin("POST", "/v1/admin/config/reload")

    assert (answer.status, answer.json["message"]) == (200, "配置已重新加载")
    until(lambda: served_by(router) == "ch_renamed", 3, "the workers have the new snapshot")
    again = router.admin("POST", "/v1/admin/config/reload")
    assert (again.status, again.json["message"]) == (200, "配置文件没有变化")


def test_calls_under_way_end_on_the_channel_they_began_with(
    router: Router, upstream: UpstreamServer, first: dict[str, object]
) -> None:
    # given
    prices = {"slow": {"currency": "USD", "input": 1, "output": 1}}
    slow = channel("ch_slow", upstream.base_url, "slow", "normal,pieces=10,chunk_ms=50", prices=prices)
    reload(router, {"channels": [first, slow]})
    until(lambda: router.chat("slow").status == 200, 3, "the slow channel is served")

    # when: a stream has begun, and its channel is taken away
    with router.stream("slow") as reply:
        reload(router, {"channels": [first]})
        until(lambda: router.chat("slow").status == 404, 3, "the channel is gone")
        rest = reply.read()

    # then: it ends whole, at the price that it began with
    assert rest.endswith(b"data: [DONE]\n\n")
    assert str(router.record_of(reply.headers["x-request-id"])["total_cost"]) == "0.00045"


def reload(router: Router, config: dict[str, object]) -> None:
    router.write_config(config)
    assert router.admin("POST", "/v1/admin/config/reload").status == 200
