"""What bounds an upstream call: time by phase, and the pool's connections and queues."""

import asyncio
import json
import socket

import pytest

from smart_ai_router.adapters.upstream_pool import PoolLimits
from smart_ai_router.domain.faults import FaultKind
from smart_ai_router.testing.upstream import UpstreamServer
from tests.adapters.upstream_harness import (
    Recorder,
    assert_late,
    begin,
    exchange,
    limited,
    open_files,
    opened,
    run,
    until,
    within,
)

OK = b"HTTP/1.1 200 OK\r\n"


def asking(model: str, *, stream: bool = False) -> bytes:
    return json.dumps({"model": model, "stream": stream, "messages": []}).encode()


def test_an_upstream_that_takes_no_connection_is_late_in_the_connect_phase() -> None:
    async def scenario() -> None:
        with socket.socket() as full, socket.socket() as first, socket.socket() as second:
            full.bind(("127.0.0.1", 0))
            full.listen(0)  # room for one; the next handshakes are dropped without an answer
            for filler in (first, second):
                filler.setblocking(False)
                filler.connect_ex(full.getsockname())
            async with opened() as upstream:
                url = f"http://127.0.0.1:{full.getsockname()[1]}/"
                assert_late(await exchange(upstream, url, route=limited(connect_s=0.05)), "connect")

    run(scenario)


def test_an_upstream_that_never_answers_is_late_in_the_first_byte_phase() -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server, opened() as upstream:
            url = f"{server.base_url}/chat/completions"
            heard = await exchange(upstream, url, body=asking("fault:blackhole"), route=limited(first_byte_s=0.05))
            assert_late(heard, "first_byte")
            await until(lambda: server.connections_open == 0)

    run(scenario)


@pytest.mark.parametrize(("first_byte_s", "expected"), [(0.05, ["fault"]), (2.0, ["end"])])
def test_the_first_byte_limit_has_two_sides(first_byte_s: float, expected: list[str]) -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server, opened() as upstream:
            url = f"{server.base_url}/chat/completions"
            route = limited(first_byte_s=first_byte_s)
            heard = await exchange(upstream, url, body=asking("fault:latency,ms=300"), route=route)
            assert heard.ends == expected

    run(scenario)


def test_a_head_that_trickles_in_does_not_count_as_an_answer() -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server, opened() as upstream:
            url = f"{server.base_url}/chat/completions"
            route = limited(first_byte_s=0.1)
            assert_late(await exchange(upstream, url, body=asking("fault:slow-head,ms=10"), route=route), "first_byte")

    run(scenario)


@pytest.mark.parametrize("stream", [False, True])
def test_a_reply_that_stops_in_the_middle_is_late_in_the_idle_phase(stream: bool) -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server, opened() as upstream:
            url = f"{server.base_url}/chat/completions"
            body = asking("fault:stall-mid-body", stream=stream)
            heard = await exchange(upstream, url, body=body, route=limited(idle_s=0.05))
            assert heard.calls[:2] == ["head", "data"]
            assert_late(heard, "idle")
            await until(lambda: server.connections_open == 0)

    run(scenario)


def test_a_reply_that_trickles_is_cut_at_the_total_limit() -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server, opened() as upstream:
            url = f"{server.base_url}/chat/completions"
            body = asking("fault:slow-loris,ms=10")
            heard = await exchange(upstream, url, body=body, route=limited(total_s=0.2))
            assert heard.body
            assert_late(heard, "total")

    run(scenario)


def test_one_trickling_reply_delays_no_other() -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server, opened() as upstream:
            url = f"{server.base_url}/chat/completions"
            slow = Recorder()
            begin(upstream, url, slow, body=asking("fault:slow-loris,ms=1000"))
            await within(slow.heard_head.wait())
            for _ in range(50):
                assert (await exchange(upstream, url, body=asking("m"))).ends == ["end"]
            assert slow.ends == []

    run(scenario)


def test_the_idle_limit_stands_still_while_we_pause() -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server, opened() as upstream:
            heard = Recorder()
            body = asking("fault:normal,chunk_ms=1,pieces=20", stream=True)
            url = f"{server.base_url}/chat/completions"
            under_way = begin(upstream, url, heard, body=body, route=limited(idle_s=0.2))
            await within(heard.heard_head.wait())
            under_way.pause_reading()
            asyncio.get_running_loop().call_later(0.6, under_way.resume_reading)
            await within(heard.done.wait())
            assert heard.ends == ["end"]
            assert heard.body.endswith(b"[DONE]\n\n")

    run(scenario)


def test_the_total_limit_runs_on_while_we_pause() -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server, opened() as upstream:
            heard = Recorder()
            url = f"{server.base_url}/chat/completions"
            body = asking("fault:infinite", stream=True)
            under_way = begin(upstream, url, heard, body=body, route=limited(total_s=0.1))
            await within(heard.heard_head.wait())
            under_way.pause_reading()
            await within(heard.done.wait())
            assert_late(heard, "total")

    run(scenario)


def test_beyond_the_connections_exchanges_wait_and_beyond_the_queue_they_are_refused() -> None:
    async def scenario() -> None:
        limits = PoolLimits(connections_max=2, waiting_max=1)
        async with UpstreamServer() as server, opened(limits=limits) as upstream:
            sinks = [Recorder() for _ in range(4)]
            for sink in sinks:
                begin(upstream, f"{server.base_url}/chat/completions", sink, body=asking("fault:latency,ms=50"))
            assert all(sink.calls == [] for sink in sinks)
            for sink in sinks:
                await within(sink.done.wait())
            assert [sink.ends for sink in sinks] == [["end"], ["end"], ["end"], ["fault"]]
            refused = sinks[3].fault
            assert refused is not None
            assert (refused.kind, refused.details) == (FaultKind.CONNECT_FAILED, {"phase": "queue"})
            assert server.connections_total == 2

    run(scenario)


def test_an_exchange_that_waits_too_long_for_a_connection_is_late_and_leaves_the_queue() -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server, opened(limits=PoolLimits(connections_max=1)) as upstream:
            url = f"{server.base_url}/chat/completions"
            holder = Recorder()
            holding = begin(upstream, url, holder, body=asking("fault:blackhole"))
            assert_late(await exchange(upstream, url, route=limited(connect_s=0.05)), "connect")
            assert upstream.figures.exchanges_waiting == 0
            holding.cancel()
            assert (await exchange(upstream, url, body=asking("m"))).ends == ["end"]

    run(scenario)


def test_no_more_than_the_allowed_connections_lie_idle() -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server, opened(limits=PoolLimits(idle_max=2)) as upstream:
            sinks = [Recorder() for _ in range(5)]
            for sink in sinks:
                begin(upstream, f"{server.base_url}/chat/completions", sink, body=asking("fault:latency,ms=20"))
            for sink in sinks:
                await within(sink.done.wait())
            assert server.connections_total == 5
            assert upstream.figures.connections_idle == 2
            await until(lambda: server.connections_open == 2)

    run(scenario)


def test_an_idle_connection_is_closed_when_its_time_is_over() -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server, opened(limits=PoolLimits(idle_s=0.05)) as upstream:
            await exchange(upstream, f"{server.base_url}/chat/completions", body=asking("m"))
            assert upstream.figures.connections_idle == 1
            await until(lambda: server.connections_open == 0)
            assert upstream.figures.connections_open == 0

    run(scenario)


def test_a_connection_that_the_upstream_closes_while_idle_is_forgotten() -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server, opened() as upstream:
            heard = await exchange(
                upstream, f"{server.base_url}/chat/completions", body=asking("fault:close-after-reply")
            )
            assert heard.ends == ["end"]
            await until(lambda: upstream.figures.connections_open == 0)
            assert upstream.figures.connections_idle == 0

    run(scenario)


def test_a_thousand_exchanges_leave_no_file_open() -> None:
    modes = [
        "normal",
        "normal",
        "announce-close",
        "reset-mid-body",
        "until-close",
        "extra-bytes",
        "status-500",
        "garbage",
    ]

    async def scenario() -> None:
        async with UpstreamServer() as server:
            before = open_files()
            async with opened() as upstream:
                url = f"{server.base_url}/chat/completions"
                for number in range(1000):
                    heard = await exchange(upstream, url, body=asking(f"fault:{modes[number % len(modes)]}"))
                    assert len(heard.ends) == 1
                assert upstream.figures.connections_open <= 1
            await until(lambda: server.connections_open == 0)
            assert open_files() <= before  # fewer when something of an earlier test was closed meanwhile
            assert server.served.total == 1000

    run(scenario)


def test_closing_tells_every_exchange_that_is_still_open() -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server:
            before = open_files()
            sinks = [Recorder() for _ in range(3)]
            async with opened(limits=PoolLimits(connections_max=2)) as upstream:
                for sink in sinks:
                    begin(upstream, f"{server.base_url}/chat/completions", sink, body=asking("fault:blackhole"))
                await until(lambda: server.served.total == 2)
            for sink in sinks:
                assert sink.ends == ["fault"]
                assert sink.fault is not None
                assert sink.fault.message == "the gateway is stopping"
            await until(lambda: server.connections_open == 0)
            assert open_files() <= before  # fewer when something of an earlier test was closed meanwhile

    run(scenario)
