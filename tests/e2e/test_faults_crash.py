"""kill -9 of every process of the router, under load: the books are whole afterwards, whoever died when."""

import asyncio
import random
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from smart_ai_router.testing.upstream import UpstreamServer, UpstreamThread
from tests.e2e.fault_calls import Answer, Load, chat, under
from tests.e2e.fault_harness import Router, check_books, configuration, until

VICTIMS = ("gateway", "control", "gateway", "supervisor", "gateway", "all")  # "gateway" is the first of several
KINDS: tuple[Mapping[str, object], ...] = (
    {},
    {"stream": True},
    {"model": "m1+fault:latency,ms=120"},
    {"stream": True, "model": "m1+fault:normal,chunk_ms=30"},
    {"model": "m1+fault:status-500"},
)
MODELS = tuple(dict.fromkeys(str(kind.get("model", "m1")) for kind in KINDS))


@pytest.fixture
def upstream() -> Iterator[UpstreamServer]:
    with UpstreamThread(UpstreamServer(entries_max=1_000_000)) as server:
        yield server


@pytest.fixture
def router(upstream: UpstreamServer, tmp_path: Path) -> Iterator[Router]:
    config = configuration(upstream.base_url, more="routing: {error_cooldown_period: 0.05}\n")
    config = config.replace("models: [m1,", f"models: [{', '.join(repr(model) for model in MODELS)},")
    started = Router(tmp_path, config)
    yield started
    started.close()


def kill_again_and_again(router: Router, upstream: UpstreamServer, kills: int) -> Load:
    """Kill somebody at a random moment under load, `kills` times, and wait until it serves again."""
    chance = random.Random(20_261_122)
    load = Load(lambda: router.port, KINDS, clients=6)
    with under(load):
        for number in range(kills):
            wait_for_calls(upstream, chance.randrange(1, 40))
            router.kill(VICTIMS[number % len(VICTIMS)])
            if router.process is None:
                router.start()
            router.wait_ready()
    return load


def wait_for_calls(upstream: UpstreamServer, count: int) -> None:
    """Until so many more have reached the upstream."""
    least = upstream.served.total + count
    until(lambda: upstream.served.total >= least, 20, "calls go on")


def check_everything(router: Router, upstream: UpstreamServer, load: Load) -> None:
    totals = router.statistics()
    assert router.stop() == 0, router.said()
    journal = router.journal()
    check_books(journal, load, upstream)
    assert totals == journal.totals
    assert router.open_slots() == 0
    router.verify()


@pytest.mark.timeout(150)
@pytest.mark.parametrize(("workers", "kills"), [(1, 12), (2, 8)])
def test_kills_under_load_leave_each_served_call_one_record(
    router: Router, upstream: UpstreamServer, workers: int, kills: int
) -> None:
    router.options = ("--workers", str(workers))
    router.start()
    load = kill_again_and_again(router, upstream, kills)

    check_everything(router, upstream, load)
    outcomes = {str(record["outcome"]) for record in router.journal().records}
    assert {"success", "failed", "interrupted"} <= outcomes  # the kills did hit calls in flight


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_thousand_kills_under_load_leave_each_served_call_one_record(
    router: Router, upstream: UpstreamServer
) -> None:
    router.start()
    load = kill_again_and_again(router, upstream, 1000)

    check_everything(router, upstream, load)


def test_a_start_that_is_killed_again_and_again_books_what_was_in_flight_once(
    router: Router, upstream: UpstreamServer
) -> None:
    router.start()
    upstream.set_mode("blackhole")
    load = Load(lambda: router.port, ({},), clients=4)
    with under(load):
        wait_for_calls(upstream, 4)
        router.kill("all")
        load.stop()
    for later_s in (0.0, 0.2, 0.4, 0.6):  # before, while and after the worker looks at what is in flight
        router.begin()
        until(lambda: "gateway" in router.children(), 10, "the worker is started")
        router.lives_for(later_s)
        router.kill("all")
    upstream.set_mode("normal")
    router.start()

    check_everything(router, upstream, load)
    assert [record["outcome"] for record in router.journal().records] == ["interrupted"] * 4


def test_sigterm_under_load_finishes_the_calls_that_were_accepted(router: Router, upstream: UpstreamServer) -> None:
    router.start()
    load = Load(lambda: router.port, KINDS, clients=6)
    with under(load):
        wait_for_calls(upstream, 50)
        code = router.stop()
        load.stop()

    assert code == 0, router.said()
    journal = router.journal()
    check_books(journal, load, upstream)
    assert {record["outcome"] for record in journal.records} <= {"success", "failed"}
    assert router.open_slots() == 0
    router.verify()


def test_a_stream_beyond_the_drain_deadline_is_cut_told_and_recorded(router: Router, upstream: UpstreamServer) -> None:
    router.config.write_text(router.config.read_text() + "server: {drain_timeout: 0.5}\n")
    router.start()
    upstream.set_mode("normal,chunk_ms=20,pieces=1000")
    answers: list[Answer] = []
    waiting = threading.Thread(target=lambda: answers.append(asyncio.run(chat(router.port, "long", stream=True))))
    waiting.start()
    wait_for_calls(upstream, 1)

    assert router.stop() == 0, router.said()

    waiting.join(5)
    (answer,) = answers
    assert answer.is_whole
    assert b'"code":"router_busy"' in answer.body
    assert answer.body.endswith(b"data: [DONE]\n\n")
    (record,) = router.journal().records
    assert (record["outcome"], record["usage_source"], record["user_charge"]) == ("interrupted", "estimated", 0)
    assert router.open_slots() == 0
