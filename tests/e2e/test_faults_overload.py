"""More than the router can do: it says so with 429 or 503 and a time, goes on with what it has taken, and recovers."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import pytest

from smart_ai_router.testing.upstream import UpstreamServer
from tests.e2e.fault_calls import Answer, chat
from tests.e2e.fault_harness import ADMIN, Router, configuration, memory_kib, until
from tests.tidy.python_source import ROOT

CLIENTS, PROCESSES, SECONDS = 150, 2, 4.0
STATISTICS_S_MAX, HEALTH_S_MAX = 2.0, 0.5  # as a rule, with every core taken by the flood
ANSWER_S_MAX = 10.0  # and never longer, whatever else the machine is doing
GROWTH_KIB_MAX = 16 * 1024


@contextmanager
def running(upstream: UpstreamServer, folder: Path, more: str) -> Iterator[Router]:
    upstream.set_mode("normal")
    router = Router(folder, configuration(upstream.base_url, more=more))
    try:
        yield router.start()
        assert router.stop() == 0, router.said()
        assert "Traceback" not in router.said()
        assert router.open_slots() == 0
        router.verify()
    finally:
        router.close()


def answered_in(router: Router, path: str) -> float:
    began = time.monotonic()
    answer = router.ask("GET", path, b"", ADMIN)
    assert answer.status == 200, answer
    return time.monotonic() - began


def test_a_flood_is_served_or_refused_statistics_go_on_and_memory_comes_back(
    upstream: UpstreamServer, tmp_path: Path
) -> None:
    with running(upstream, tmp_path, "") as router:
        worker = router.children()["gateway"]
        for number in range(100):
            asyncio.run(chat(router.port, f"warm-{number}"))
        before = memory_kib(worker)
        command = [sys.executable, "-m", "tests.e2e.fault_load", str(router.port), str(CLIENTS), str(SECONDS)]
        loaders = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) for _ in range(PROCESSES)]
        try:
            until(lambda: upstream.served.total > 500, 20, "the flood has come")
            statistics_s, health_s = [], []
            while any(loader.poll() is None for loader in loaders):
                statistics_s.append(answered_in(router, "/v1/stats/summary"))
                health_s.append(answered_in(router, "/health"))
            told = [json.loads(loader.communicate()[0]) for loader in loaders]
        finally:
            for loader in loaders:
                loader.kill()
                loader.wait()
        assert median(statistics_s) < STATISTICS_S_MAX, statistics_s
        assert median(health_s) < HEALTH_S_MAX, health_s
        assert max(*statistics_s, *health_s) < ANSWER_S_MAX
        for each in told:
            assert each["served"] > 0
            assert set(each["refused"]) <= {"429", "503"}
            assert each["unexplained"] == []
        until(lambda: memory_kib(worker) - before < GROWTH_KIB_MAX, 10, "the memory is back")
        assert len(router.journal().records) == router.statistics().requests


def at_once(router: Router, count: int) -> list[Answer]:
    async def scenario() -> list[Answer]:
        return await asyncio.gather(*(chat(router.port, f"together-{number}") for number in range(count)))

    return asyncio.run(scenario())


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ("limits: {concurrency: 20}\n", 429, "rate_limit_exceeded"),
        ("server: {max_connections: 20}\n", 503, "router_busy"),
    ],
    ids=["key", "connections"],
)
def test_three_times_what_may_be_at_once_is_refused_with_a_time_and_the_rest_is_served(
    upstream: UpstreamServer, tmp_path: Path, more: str, status: int, code: str
) -> None:
    with running(upstream, tmp_path, more) as router:
        upstream.set_mode("normal,ms=300")
        answers = at_once(router, 60)
        served = [answer for answer in answers if answer.status == 200]
        refused = [answer for answer in answers if answer.status != 200]
        assert len(served) == 20
        for answer in refused:
            assert (answer.status, answer.error["code"]) == (status, code)
            assert int(answer.headers["retry-after"]) >= 1
            assert answer.headers["x-should-retry"] == "true"
        assert {answer.status for answer in at_once(router, 20)} == {200}
        assert router.statistics().requests == len(router.journal().records)


def test_an_upstream_that_stands_still_does_not_stop_the_others(upstream: UpstreamServer, tmp_path: Path) -> None:
    with running(upstream, tmp_path, "") as router:
        upstream.set_mode("blackhole")

        async def scenario() -> None:
            stuck = [asyncio.ensure_future(chat(router.port, f"stuck-{number}")) for number in range(200)]
            async with asyncio.timeout(5):
                while upstream.served.by_mode["blackhole"] < 200:  # noqa: ASYNC110 - it has no event
                    await asyncio.sleep(0.01)
            upstream.set_mode("normal")
            began = time.monotonic()
            for number in range(50):
                assert (await chat(router.port, f"free-{number}")).status == 200
            assert time.monotonic() - began < 1.5
            assert {answer.status for answer in await asyncio.gather(*stuck)} == {504}

        upstream.served.reset()
        asyncio.run(scenario())


def test_a_process_that_may_open_few_files_answers_503_and_goes_on(upstream: UpstreamServer, tmp_path: Path) -> None:
    upstream.set_mode("normal")
    router = Router(tmp_path, configuration(upstream.base_url))
    router.wrapper = ("bash", "-c", 'ulimit -n 200; exec "$@"', "bash")
    try:
        router.start()
        assert "allows 64 client connections instead of 10000" in router.said()
        upstream.set_mode("normal,ms=300")
        answers = at_once(router, 150)
        assert {answer.status for answer in answers} == {200, 503}
        assert sum(answer.status == 200 for answer in answers) == 64
        assert all("retry-after" in answer.headers for answer in answers if answer.status == 503)
        assert {answer.status for answer in at_once(router, 60)} == {200}
        assert router.stop() == 0
        assert "Traceback" not in router.said()
    finally:
        router.close()
