"""What bounds an upstream call: time by phase, connections, queues, buffers; and what ends it early."""

import asyncio
import hashlib
import json
import socket
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from smart_ai_router.adapters.upstream_exchange import HttpExchange
from smart_ai_router.adapters.upstream_http import READ_BUFFER_BYTES
from smart_ai_router.adapters.upstream_pool import PoolLimits
from smart_ai_router.domain.faults import Fault, FaultKind
from smart_ai_router.testing.upstream import UpstreamServer
from tests.adapters.upstream_harness import (
    Recorder,
    begin,
    exchange,
    limited,
    open_files,
    opened,
    raw_server,
    read_request,
    run,
    until,
    within,
)

OK = b"HTTP/1.1 200 OK\r\n"


def asking(model: str, *, stream: bool = False) -> bytes:
    return json.dumps({"model": model, "stream": stream, "messages": []}).encode()


def assert_late(heard: Recorder, phase: str) -> None:
    assert heard.ends == ["fault"]
    assert heard.fault is not None
    assert heard.fault.kind is FaultKind.TIMEOUT
    assert heard.fault.details == {"phase": phase}


# --- time ----------------------------------------------------------------------------------------------------------


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


# --- the pool's bounds ---------------------------------------------------------------------------------------------


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
            assert open_files() == before
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
            assert open_files() == before

    run(scenario)


# --- cancelling ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["blackhole", "stall-after-head", "stall-mid-body", "infinite"])
def test_a_cancelled_exchange_is_closed_and_its_sink_hears_nothing_more(mode: str) -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server, opened() as upstream:
            heard = Recorder()
            body = asking(f"fault:{mode}", stream=True)
            under_way = begin(upstream, f"{server.base_url}/chat/completions", heard, body=body)
            await until(lambda: server.served.total == 1 and (mode == "blackhole" or bool(heard.calls)))
            under_way.cancel()
            under_way.cancel()
            calls = list(heard.calls)
            await until(lambda: server.connections_open == 0)
            assert heard.calls == calls
            assert heard.ends == []
            assert upstream.figures.connections_open == 0
            assert not server.served.entries[0].completed

    run(scenario)


def test_an_exchange_cancelled_before_it_has_a_connection_is_never_sent() -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server, opened() as upstream:
            url = f"{server.base_url}/chat/completions"
            heard = Recorder()
            begin(upstream, url, heard, body=asking("m")).cancel()
            assert (await exchange(upstream, url, body=asking("other"))).ends == ["end"]
            assert heard.calls == []
            assert dict(server.served.by_model) == {"other": 1}

    run(scenario)


class Canceller(Recorder):
    """Cancels its own exchange from within a callback."""

    def __init__(self, at: str) -> None:
        super().__init__()
        self.at = at
        self.exchange: HttpExchange | None = None

    def on_head(self, status: int, headers: Mapping[str, str]) -> None:
        super().on_head(status, headers)
        self._cancel_at("head")

    def on_data(self, data: bytes) -> None:
        super().on_data(data)
        self._cancel_at("data")

    def on_end(self) -> None:
        super().on_end()
        self._cancel_at("end")

    def _cancel_at(self, at: str) -> None:
        if self.at == at and self.exchange is not None:
            self.exchange.cancel()


@pytest.mark.parametrize(
    ("at", "calls", "connections"),
    [("head", ["head"], 2), ("data", ["head", "data"], 2), ("end", ["head", "data", "data", "end"], 1)],
)
def test_a_sink_may_cancel_from_within(at: str, calls: list[str], connections: int) -> None:
    raw = OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n"

    async def scenario() -> None:
        async with raw_server(raw) as server, opened() as upstream:
            heard = Canceller(at)
            heard.exchange = begin(upstream, server.url, heard)
            await until(lambda: heard.calls == calls)
            assert (await exchange(upstream, server.url)).body == b"helloworld"
            assert heard.calls == calls
            assert server.connections == connections

    run(scenario)


# --- a sink that fails ---------------------------------------------------------------------------------------------


class Failing(Recorder):
    """Raises in one of its callbacks."""

    def __init__(self, at: str) -> None:
        super().__init__()
        self.at = at

    def on_head(self, status: int, headers: Mapping[str, str]) -> None:
        super().on_head(status, headers)
        self._fail_at("head")

    def on_data(self, data: bytes) -> None:
        super().on_data(data)
        self._fail_at("data")

    def on_end(self) -> None:
        super().on_end()
        self._fail_at("end")

    def on_fault(self, fault: Fault) -> None:
        super().on_fault(fault)
        self._fail_at("fault")

    def _fail_at(self, at: str) -> None:
        if self.at == at:
            raise LookupError(at)


@pytest.mark.parametrize(
    ("at", "mode", "calls"),
    [
        ("head", "normal", ["head", "fault"]),
        ("data", "normal", ["head", "data", "fault"]),
        ("end", "normal", ["head", "data", "end"]),
        ("fault", "reset-before-head", ["fault"]),
        ("fault", "garbage", ["fault"]),
        ("fault", "blackhole", ["fault"]),
    ],
)
def test_a_sink_that_raises_is_reported_and_spoils_nothing(at: str, mode: str, calls: list[str]) -> None:
    async def scenario() -> None:
        reported: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
        async with UpstreamServer() as server, opened() as upstream:
            url = f"{server.base_url}/chat/completions"
            heard = Failing(at)
            begin(upstream, url, heard, body=asking(f"fault:{mode}"), route=limited(first_byte_s=0.05))
            await within(heard.done.wait())
            assert heard.calls == calls
            assert [str(context["exception"]) for context in reported] == [at]
            for _ in range(3):
                assert (await exchange(upstream, url, body=asking("m"))).ends == ["end"]

    run(scenario)


def test_a_sink_may_send_again_from_its_last_call_and_gets_the_same_connection() -> None:
    class Chain(Recorder):
        left = 5
        again: Callable[[], object] = staticmethod(lambda: None)

        def on_end(self) -> None:
            self.left -= 1
            if self.left:
                self.again()
            else:
                super().on_end()

    async def scenario() -> None:
        async with UpstreamServer() as server, opened() as upstream:
            heard = Chain()
            heard.again = lambda: begin(upstream, f"{server.base_url}/chat/completions", heard, body=asking("m"))
            heard.again()
            await within(heard.done.wait())
            assert server.served.total == 5
            assert server.connections_total == 1

    run(scenario)


# --- backpressure --------------------------------------------------------------------------------------------------


def test_a_sink_that_pauses_stops_the_upstream_and_loses_nothing() -> None:
    total = 64 * 1024 * 1024
    sent = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await read_request(reader)
        writer.write(OK + b"content-length: %d\r\n\r\n" % total)
        while sent < total:
            writer.write(bytes(65_536))
            await writer.drain()
            sent += 65_536
        await reader.read()

    class Pausing(Recorder):
        exchange: HttpExchange | None = None
        size = 0

        def on_data(self, data: bytes) -> None:
            self.size += len(data)
            if self.exchange is not None and not self.heard_data.is_set():
                self.exchange.pause_reading()
                self.heard_data.set()

    async def scenario() -> None:
        async with raw_server(answer) as server, opened() as upstream:
            heard = Pausing()
            heard.exchange = begin(upstream, server.url, heard)
            await within(heard.heard_data.wait())
            stood = asyncio.Event()
            asyncio.get_running_loop().call_later(0.3, stood.set)  # time enough to send all of it, were it read
            await within(stood.wait())
            assert heard.size <= READ_BUFFER_BYTES
            assert sent < total / 2  # what both kernels' buffers hold, and no more
            heard.exchange.resume_reading()
            await within(heard.done.wait())
            assert heard.size == total

    run(scenario)


def test_a_large_request_body_arrives_whole_at_a_slow_upstream() -> None:
    body = bytes(range(256)) * (64 * 1024)  # 16 MiB
    read_on = asyncio.Event()
    digests: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await read_on.wait()
        digests.append(hashlib.sha256(await reader.readexactly(len(body))).hexdigest())
        writer.write(OK + b"content-length: 2\r\n\r\nok")
        await reader.read()

    async def scenario() -> None:
        async with raw_server(answer) as server, opened() as upstream:
            heard = Recorder()
            begin(upstream, server.url, heard, body=body)
            await until(lambda: server.connections == 1)
            asyncio.get_running_loop().call_later(0.05, read_on.set)
            await within(heard.done.wait())
            assert heard.body == b"ok"
            assert digests == [hashlib.sha256(body).hexdigest()]
            assert upstream.figures.connections_idle == 1

    run(scenario)


@pytest.mark.parametrize("size", [1, 16_383, 16_384, 16_385, 262_144, 262_145, 1_000_000])
def test_request_bodies_of_every_way_of_writing_arrive_whole(size: int) -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server, opened() as upstream:
            body = (b"x" * (size - 1)) + b"y"
            heard = await exchange(upstream, f"{server.base_url}/embeddings", body=body)
            assert heard.status == 200
            assert server.served.entries[0].body_sha256 == hashlib.sha256(body).hexdigest()

    run(scenario)


def test_an_answer_before_the_request_was_sent_stands_and_the_connection_goes() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n")
        await asyncio.Event().wait()

    async def scenario() -> None:
        async with raw_server(answer) as server, opened() as upstream:
            heard = await exchange(upstream, server.url, body=bytes(32 * 1024 * 1024))
            assert (heard.status, heard.ends) == (413, ["end"])
            assert upstream.figures.connections_idle == 0

    run(scenario)
