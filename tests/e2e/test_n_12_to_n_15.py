"""Rows N.12, N.14 and N.15: streams, two hundred thousand records, a corrupt line. (N.13 is in test_m1_dimensions.)"""

import json
import re
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from smart_ai_router.domain.request_ids import EPOCH_MS, encode_request_id
from smart_ai_router.testing.upstream import UpstreamServer
from tests.core.usage_samples import GUIDE_LINE
from tests.e2e.fault_harness import until
from tests.e2e.router_harness import GUIDE_PRICES, Router, channel, running

RECORDS = 200_000
BOOKED_S = 90.0  # two hundred thousand lines on a machine that does other things too
HEALTH_S_MAX = 0.5  # the reference project: 8 s
SUMMARY_S_MAX = 2.0  # the reference project: 8.4 s for half as many
PRICES = dict.fromkeys(("gpt-4o-mini", "steady", "endless"), GUIDE_PRICES["gpt-4o-mini"])


@pytest.fixture(scope="module")
def router(upstream: UpstreamServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    channels = [
        channel("ch_openai_001", upstream.base_url, "gpt-4o-mini", prices=PRICES),
        channel("ch_steady", upstream.base_url, "steady", "normal,pieces=20,chunk_ms=30", prices=PRICES),
        channel("ch_endless", upstream.base_url, "endless", "infinite,chunk_ms=10", prices=PRICES),
    ]
    config = {"channels": channels, "routing": {"drain_timeout": 1.5}}
    with running(tmp_path_factory.mktemp("streams"), config) as started:
        yield started


def abandon(router: Router, model: str) -> str:
    """Begin a stream and leave after its first event; the request id."""
    with router.stream(model) as reply:
        return reply.headers["x-request-id"]


def test_n_12_a_stream_is_passed_on_whole_and_recorded_once_with_its_real_usage(router: Router) -> None:
    before = len(router.records())

    answer = router.chat(stream=True)

    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    events = answer.body.decode().split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    assert answer.body.count(b"[DONE]") == 1
    assert b'"usage":{' not in answer.body  # asked for by the router alone, so it stays here
    assert len(router.records()) == before + 1
    record = router.record(answer)
    assert (record["stream"], record["outcome"], record["usage_source"]) == (True, "success", "provider")
    assert (record["total_tokens"], record["total_cost"]) == (450, Decimal("0.000375"))


def test_n_12_the_client_that_asks_for_usage_gets_it(router: Router) -> None:
    answer = router.chat(stream=True, stream_options={"include_usage": True})

    (usage,) = re.findall(rb'"choices":\[\],"usage":(\{[^}]*\})', answer.body)
    assert json.loads(usage)["total_tokens"] == 450


def test_n_12_an_aborted_stream_is_recorded_once_with_the_providers_count(router: Router) -> None:
    record = router.record_of(abandon(router, "steady"))

    assert (record["outcome"], record["status"], record["status_code"]) == ("cancelled", "error", 499)
    assert (record["usage_source"], record["total_tokens"]) == ("provider", 450)
    assert record["total_cost"] == Decimal("0.000375")


def test_n_12_an_aborted_stream_without_end_is_cut_and_estimated(router: Router, upstream: UpstreamServer) -> None:
    record = router.record_of(abandon(router, "endless"))

    assert (record["outcome"], record["usage_source"]) == ("cancelled", "estimated")
    assert record["output_tokens"] > 0
    assert record["total_cost"] > 0
    entries = [entry for entry in upstream.served.entries if entry.model.startswith("endless")]
    assert [entry.completed for entry in entries] == [False]


def test_n_15_a_corrupt_line_costs_one_line_and_no_neighbour(router: Router) -> None:
    # given: someone else's torn write at the end of today's file, without a line feed
    before = router.stats("daily")
    router.chat()
    (journal,) = router.logs_dir.glob(f"usage_{datetime.now(UTC):%Y%m%d}.jsonl")
    with journal.open("ab") as file:
        file.write(b'{"timestamp": "2026-11-22T12:30:45Z", "request_id": "req_torn", "total_co')

    # when
    answer = router.chat()

    # then: both calls count, the torn line does not, and the line after it is whole
    after = router.stats("daily")
    assert after["total_requests"] == before["total_requests"] + 2
    assert after["total_cost"] == before["total_cost"] + 2 * Decimal("0.000375")
    assert router.record(answer)["total_tokens"] == 450
    assert "1 lines are no records" in router.said()


def write_big_day(logs: Path, day: datetime) -> None:
    """The guide's call two hundred thousand times on one day, with ids of their own, eight to a millisecond."""
    head, tail = GUIDE_LINE.replace(b"2025-08-24", f"{day:%Y-%m-%d}".encode()).split(b"req_abc123")
    first = (int(day.timestamp() * 1000) - EPOCH_MS) << 22
    ids = (encode_request_id(first + (number >> 3 << 22) + (number & 7), "00000") for number in range(RECORDS))
    content = b"".join([b"%b%b%b\n" % (head, each.encode(), tail) for each in ids])
    (logs / f"usage_{day:%Y%m%d}.jsonl").write_bytes(content)


def test_n_14_two_hundred_thousand_records_hold_nothing_up(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("many")
    (folder / "logs").mkdir()
    yesterday = datetime.now(UTC) - timedelta(days=1)
    write_big_day(folder / "logs", yesterday)
    slowest = 0.0
    stop = threading.Event()

    def watch(router: Router) -> None:
        nonlocal slowest
        while not stop.wait(0.1):
            begun = time.perf_counter()
            assert router.get("/health").status == 200
            slowest = max(slowest, time.perf_counter() - begun)

    with running(folder, {"system": {"demo_channel": "always", "probe_local_servers": False}}) as router:
        # when: /health is asked all the while the records are booked and the statistics read
        watcher = threading.Thread(target=watch, args=(router,))
        watcher.start()
        day = f"/v1/stats/daily?target_date={yesterday:%Y-%m-%d}"
        until(lambda: router.admin("GET", day).json["data"]["total_requests"] == RECORDS, BOOKED_S, "all are booked")
        begun = time.perf_counter()
        summary = router.stats("summary", target_date=f"{yesterday:%Y-%m-%d}")
        summary_s = time.perf_counter() - begun
        stop.set()
        watcher.join()

    # then
    assert summary["today"]["total_cost"] == RECORDS * Decimal("0.000375")
    assert summary_s < SUMMARY_S_MAX
    assert slowest < HEALTH_S_MAX
