"""Rows M1.04 to M1.23 and M1.62: what stands in the journal after real calls to a running router."""

import http.client
import json
import os
import re
import signal
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from smart_ai_router.api.openai import ENDPOINTS
from smart_ai_router.testing.upstream import UpstreamServer
from tests.core.usage_samples import GUIDE_KEYS
from tests.e2e.router_harness import CHAT, GUIDE_PRICES, Answer, Record, Router, channel, running

CALLS: dict[str, dict[str, object]] = {
    "/v1/chat/completions": dict(CHAT),
    "/v1/completions": {"model": "gpt-4o-mini", "prompt": "Hello"},
    "/v1/embeddings": {"model": "text-embedding-3-small", "input": "Hello"},
}
CLIENTS = 8
CALLS_EACH = 125


@pytest.fixture(scope="module")
def router(upstream: UpstreamServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    url = upstream.base_url
    official = channel("ch_openai_001", url, "gpt-4o-mini", name="OpenAI Official", prices=GUIDE_PRICES)
    official["models"] = ["gpt-4o-mini", "text-embedding-3-small"]
    channels = [
        official,
        channel("ch_slow", url, "slow", "latency,ms=1250"),
        channel("ch_500", url, "broken", "status-500"),
        channel("ch_401", url, "locked-out", "status-401"),
        channel("ch_silent", url, "silent", "blackhole", timeouts={"first_byte": 0.3}),
        channel("ch_away", "http://127.0.0.1:9/v1", "away"),
        channel("ch_first", url, "either", "status-503", priority=1),
        channel("ch_second", url, "either", priority=2),
    ]
    with running(tmp_path_factory.mktemp("recording"), {"channels": channels}) as started:
        yield started


@pytest.fixture(scope="module")
def guide_record(router: Router) -> Record:
    """The record of a call like the one that the guide shows."""
    answer = router.chat()
    assert answer.status == 200
    return router.record(answer)


def test_m1_04_a_call_of_any_endpoint_is_recorded_by_itself(router: Router) -> None:
    assert set(CALLS) == set(ENDPOINTS)  # an endpoint that is added gets its call here

    for path, body in CALLS.items():
        before = len(router.records())
        answer = router.call(body, path)
        assert answer.status == 200, answer
        assert len(router.records()) == before + 1  # before the answer ends, so nothing is waited for
        assert router.record(answer)["request_type"] == ENDPOINTS[path].request_type


def test_m1_05_each_call_is_one_line_in_the_file_of_its_utc_day(router: Router) -> None:
    before = len(router.records())

    for _ in range(7):
        router.chat()

    assert len(router.records()) == before + 7
    for path in router.logs_dir.glob("usage_*.jsonl"):
        assert re.fullmatch(r"usage_\d{8}\.jsonl", path.name)
        for line in path.read_text().splitlines():
            assert json.loads(line)["timestamp"][:10].replace("-", "") == path.stem.removeprefix("usage_")


def test_m1_06_a_record_carries_model_channel_tokens_cost_and_time(guide_record: Record) -> None:
    assert list(guide_record)[: len(GUIDE_KEYS)] == GUIDE_KEYS
    assert {key: guide_record[key] for key in ("model", "channel_id", "total_tokens", "total_cost")} == {
        "model": "gpt-4o-mini",
        "channel_id": "ch_openai_001",
        "total_tokens": 450,
        "total_cost": Decimal("0.000375"),
    }
    assert guide_record["response_time_ms"] >= 0


def test_m1_07_m1_23_tags_are_taken_from_the_call(router: Router, guide_record: Record) -> None:
    streamed = router.chat(stream=True, max_tokens=50)

    assert guide_record["tags"] == ["gpt", "4o", "mini", "chat"]
    assert router.record(streamed)["tags"] == ["gpt", "4o", "mini", "chat", "streaming", "short_response"]


@pytest.mark.parametrize(
    ("model", "status", "error_kind", "words"),
    [
        ("broken", 502, "server_error", "The server had an error."),
        ("locked-out", 503, "api_key_invalid", "Incorrect API key provided."),
        ("silent", 504, "timeout", "0.3 s"),
        ("away", 502, "connect_failed", "127.0.0.1:9"),
        ("nobody-has-this", 404, "model_not_found", "nobody-has-this"),
    ],
)
def test_m1_08_a_call_that_fails_is_recorded_with_its_error(
    router: Router, model: str, status: int, error_kind: str, words: str
) -> None:
    answer = router.chat(model)

    record = router.record(answer)
    assert (answer.status, record["status_code"], record["status"]) == (status, status, "error")
    assert record["error_kind"] == error_kind
    assert words in record["error_message"]
    assert record["total_cost"] == 0


def test_m1_08_a_call_that_the_next_channel_answers_is_one_record_with_both_attempts(router: Router) -> None:
    answer = router.chat("either")

    record = router.record(answer)
    assert answer.status == 200
    assert (record["status"], record["channel_id"]) == ("success", "ch_second")
    tried = [(each["channel_id"], each["error_kind"]) for each in record["attempts"]]
    assert tried == [("ch_first", "server_error"), ("ch_second", None)]


def test_m1_09_the_timestamp_is_iso_8601_in_utc(guide_record: Record) -> None:
    assert guide_record["timestamp"].endswith("Z")
    moment = datetime.fromisoformat(guide_record["timestamp"])
    assert abs((datetime.now(UTC) - moment).total_seconds()) < 120


def test_m1_10_a_thousand_calls_have_a_thousand_ids(router: Router) -> None:
    # when: from several clients at once, each on a connection that it keeps
    def many(_client: int) -> list[str]:
        with closing(http.client.HTTPConnection("127.0.0.1", router.port, timeout=30)) as connection:
            return [_call_on(connection, router.port).request_id for _ in range(CALLS_EACH)]

    with ThreadPoolExecutor(CLIENTS) as clients:
        ids = [each for part in clients.map(many, range(CLIENTS)) for each in part]

    # then
    assert len(set(ids)) == CLIENTS * CALLS_EACH == 1000
    assert all(re.fullmatch(r"req_[0-9a-z]{18}", each) for each in ids)
    recorded = [record["request_id"] for record in router.records()]
    assert len(set(recorded)) == len(recorded)
    assert set(ids) <= set(recorded)


def test_m1_11_to_m1_14_model_and_channel_are_those_that_answered(guide_record: Record) -> None:
    assert guide_record["model"] == "gpt-4o-mini"
    assert guide_record["channel_id"] == "ch_openai_001"
    assert guide_record["channel_name"] == "OpenAI Official"
    assert guide_record["provider"] == "openai"


def test_m1_15_m1_16_tokens_are_the_providers_count(guide_record: Record) -> None:
    tokens = [guide_record[f"{kind}_tokens"] for kind in ("input", "output", "total")]
    assert tokens == [150, 300, 450]
    assert all(type(each) is int for each in tokens)


def test_m1_17_m1_18_m1_19_costs_are_exact_to_the_last_digit(router: Router, guide_record: Record) -> None:
    costs = [guide_record[f"{kind}_cost"] for kind in ("input", "output", "total")]
    assert costs == [Decimal("0.000075"), Decimal("0.0003"), Decimal("0.000375")]
    assert guide_record["cost_currency"] == "USD"
    (line,) = [line for line in _lines(router) if guide_record["request_id"] in line]
    assert '"input_cost":0.000075,"output_cost":0.0003,"total_cost":0.000375,"cost_currency":"USD"' in line


def test_m1_20_m1_21_a_chat_that_succeeds_says_so(guide_record: Record) -> None:
    assert (guide_record["request_type"], guide_record["status"]) == ("chat", "success")


def test_m1_22_the_response_time_is_that_of_the_whole_call(router: Router) -> None:
    record = router.record(router.chat("slow"))

    assert type(record["response_time_ms"]) is int
    assert 1250 <= record["response_time_ms"] < 5000


def test_m1_62_a_recorded_call_takes_hardly_longer_than_the_call_itself(
    router: Router, upstream: UpstreamServer
) -> None:
    # given: connections that are kept, to the router and to the upstream behind it
    times: dict[int, list[float]] = {router.port: [], upstream.port: []}
    with (
        closing(http.client.HTTPConnection("127.0.0.1", router.port, timeout=30)) as through,
        closing(http.client.HTTPConnection("127.0.0.1", upstream.port, timeout=30)) as direct,
    ):
        # when: the same call goes both ways in turn
        for _ in range(100):
            for connection, port in ((through, router.port), (direct, upstream.port)):
                begun = time.perf_counter()
                assert _call_on(connection, port).status == 200
                times[port].append(time.perf_counter() - begun)

    # then: routing, pricing and a durable record take a few milliseconds even on a busy machine
    added_s = statistics.median(times[router.port]) - statistics.median(times[upstream.port])
    assert added_s < 0.02


def test_m1_62_calls_are_answered_and_recorded_while_the_bookkeeper_stands_still(router: Router) -> None:
    before = router.stats("daily")["total_requests"]
    bookkeeper = router.child("_control")

    os.kill(bookkeeper, signal.SIGSTOP)
    try:
        answers = [router.chat() for _ in range(20)]
    finally:
        os.kill(bookkeeper, signal.SIGCONT)

    assert [answer.status for answer in answers] == [200] * 20
    assert all(router.record(answer)["status"] == "success" for answer in answers)
    assert router.stats("daily")["total_requests"] == before + 20


def _call_on(connection: http.client.HTTPConnection, port: int) -> Answer:
    headers = {"content-type": "application/json", "host": f"127.0.0.1:{port}"}
    connection.request("POST", "/v1/chat/completions", json.dumps(CHAT).encode(), headers)
    reply = connection.getresponse()
    body = reply.read()
    return Answer(reply.status, {name.lower(): value for name, value in reply.getheaders()}, body)


def _lines(router: Router) -> list[str]:
    return [line for path in router.logs_dir.glob("usage_*.jsonl") for line in path.read_text().splitlines()]
