"""What a sink may do to its exchange: cancel it, fail it, chain it, slow it down."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from smart_ai_router.adapters.upstream_exchange import HttpExchange
from smart_ai_router.adapters.upstream_http import READ_BUFFER_BYTES
from smart_ai_router.domain.faults import Fault
from smart_ai_router.testing.upstream import UpstreamServer
from tests.adapters.upstream_harness import (
    Recorder,
    begin,
    exchange,
    limited,
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
        ("end", "normal", ["head", "data", "end", "fault"]),
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
