"""The server's framing, limits and ordering, over real loopback sockets."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from smart_ai_router.adapters.http_server import HttpServer, ServerLimits
from smart_ai_router.core.http_messages import ClientReply, HttpRequest

JSON = (("content-type", "application/json"),)
POST = b"POST /v1/x HTTP/1.1\r\nHost: x\r\n"


class Echo:
    """Answers with what it saw; paths choose the way of answering."""

    def __init__(self) -> None:
        self.seen: list[HttpRequest] = []
        self.held: asyncio.Queue[ClientReply] = asyncio.Queue()
        self.gone = asyncio.Event()

    def handle(self, request: HttpRequest, reply: ClientReply) -> None:
        self.seen.append(request)
        if request.path == "/hold":
            reply.events = self
            self.held.put_nowait(reply)
        elif request.path == "/stream":
            reply.start(200, JSON, None)
            reply.write(b"one")
            reply.write(b"two")
            reply.finish(b"end")
        elif request.path == "/mistake":
            raise LookupError("nobody thought of this")
        elif request.path == "/late-mistake":
            reply.start(200, JSON, None)
            raise LookupError("nobody thought of this")
        else:
            reply.send(200, JSON, json.dumps({"path": request.path, "body": len(request.body)}).encode())

    def refuse(self, status: int, message: str, reply: ClientReply) -> None:
        reply.send(status, JSON, json.dumps({"error": message}).encode())

    def on_client_gone(self) -> None:
        self.gone.set()

    def on_client_slow(self) -> None: ...

    def on_client_ready(self) -> None: ...


@asynccontextmanager
async def serving(
    limits: ServerLimits | None = None, now: Callable[[], float] | None = None
) -> AsyncIterator[tuple[HttpServer, Echo, int]]:
    echo = Echo()
    server = HttpServer(echo, limits or ServerLimits(), now or asyncio.get_running_loop().time)
    await server.start(asyncio.get_running_loop(), host="127.0.0.1", port=0)
    try:
        yield server, echo, server.port
    finally:
        server.close()
        await asyncio.sleep(0)


async def exchange(port: int, data: bytes, until: Callable[[bytes], bool] | None = None) -> bytes:
    """Send raw bytes; read until the condition holds or the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    got = b""
    try:
        while until is None or not until(got):
            chunk = await asyncio.wait_for(reader.read(65536), 5)
            if not chunk:
                break
            got += chunk
    except ConnectionResetError:
        pass
    await hang_up(writer)
    return got


async def hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def run(coroutine: Callable[[], object]) -> None:
    asyncio.run(coroutine())  # type: ignore[arg-type]


REFUSED = {
    "content-length and chunked together": (
        POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "chunked, then a hidden request": (
        POST
        + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
        400,
    ),
    "two content lengths": (POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi", 400),
    "a space before the colon": (POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
    "an unknown transfer coding": (POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
    "a negative chunk": (POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n", 400),
    "a chunk beyond 64 bits": (POST + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n\r\n", 400),
    "a negative length": (POST + b"Content-Length: -5\r\n\r\n", 400),
    "bare line feeds": (b"GET /a HTTP/1.1\nHost: x\n\n", 400),
    "a folded header": (b"GET /a HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400),
    "two hosts": (b"GET /a HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
    "no host": (b"GET /a HTTP/1.1\r\n\r\n", 400),
    "HTTP/0.9": (b"GET /a\r\n\r\n", 505),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "a TLS hello": (b"\x16\x03\x01\x02\x00\x01", 400),
    "a header of 70 kB": (b"GET /a HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 70_000 + b"\r\n\r\n", 431),
    "2000 headers": (
        b"GET /a HTTP/1.1\r\nHost: x\r\n" + b"".join(b"A%d: b\r\n" % n for n in range(2000)) + b"\r\n",
        431,
    ),
    "a body that is announced too large": (POST + b"Content-Length: 99999999999\r\n\r\n", 413),
    "an upgrade": (b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", 501),
}


@pytest.mark.parametrize("case", REFUSED)
def test_broken_framing_is_answered_once_and_the_connection_closed(case: str) -> None:
    data, status = REFUSED[case]

    async def scenario() -> None:
        async with serving() as (_, echo, port):
            got = await exchange(port, data)
            assert got.startswith(b"HTTP/1.1 %d " % status), got[:100]
            assert got.count(b"HTTP/1.1 ") == 1
            assert b"connection: close" in got
            assert echo.seen == []

    run(scenario)


def test_a_chunked_body_beyond_the_limit_is_refused_before_it_is_all_read() -> None:
    async def scenario() -> None:
        async with serving(ServerLimits(body_bytes_max=1000)) as (_, echo, port):
            chunk = b"1f4\r\n" + b"a" * 500 + b"\r\n"
            got = await exchange(port, POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 3)
            assert got.startswith(b"HTTP/1.1 413 ")
            assert echo.seen == []

    run(scenario)


def test_pipelined_requests_are_answered_in_order() -> None:
    async def scenario() -> None:
        async with serving() as (_, _, port):
            requests = b"".join(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % n for n in range(40))
            got = await exchange(port, requests, lambda data: data.count(b"HTTP/1.1 200") == 40)
            places = [got.index(b'"/%d"' % n) for n in range(40)]
            assert places == sorted(places)

    run(scenario)


def test_a_stream_is_chunked_for_http_1_1_and_closed_for_http_1_0() -> None:
    async def scenario() -> None:
        async with serving() as (_, _, port):
            new = await exchange(
                port, b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n", lambda data: data.endswith(b"0\r\n\r\n")
            )
            assert new.endswith(b"3\r\none\r\n3\r\ntwo\r\n3\r\nend\r\n0\r\n\r\n")
            old = await exchange(port, b"GET /stream HTTP/1.0\r\n\r\n")
            assert old.endswith(b"\r\n\r\nonetwoend")

    run(scenario)


def test_a_mistake_of_the_handler_costs_its_request_and_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with serving() as (_, _, port):
            got = await exchange(port, b"GET /mistake HTTP/1.1\r\nHost: x\r\n\r\n")
            assert got.startswith(b"HTTP/1.1 500 ")
            late = await exchange(port, b"GET /late-mistake HTTP/1.1\r\nHost: x\r\n\r\n")
            assert not late.endswith(b"0\r\n\r\n")  # never the end of a whole answer
            assert (await exchange(port, b"GET /a HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.1 200 ")

    run(scenario)
    assert [record.message for record in caplog.records] == [
        "GET '/mistake' could not be handled",
        "GET '/late-mistake' could not be handled",
    ]


def test_a_half_sent_head_is_closed_in_time() -> None:
    async def scenario() -> None:
        async with serving(ServerLimits(head_s=0.2)) as (_, _, port):
            got = await exchange(port, b"GET /a HTTP/1.1\r\nHos")
            assert got.startswith(b"HTTP/1.1 408 ")

    run(scenario)


def test_a_body_that_trickles_is_closed_in_time() -> None:
    async def scenario() -> None:
        async with serving(ServerLimits(head_s=0.2)) as (_, echo, port):
            got = await exchange(port, POST + b"Content-Length: 100000\r\n\r\nabc")
            assert got.startswith(b"HTTP/1.1 408 ")
            assert echo.seen == []

    run(scenario)


def test_an_idle_connection_is_closed_without_a_word() -> None:
    async def scenario() -> None:
        async with serving(ServerLimits(keep_alive_s=0.2)) as (_, _, port):
            got = await exchange(port, b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
            assert got.count(b"HTTP/1.1 ") == 1
            assert got.startswith(b"HTTP/1.1 200 ")

    run(scenario)


def test_a_client_that_leaves_is_noticed() -> None:
    async def scenario() -> None:
        async with serving() as (_, echo, port):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /hold HTTP/1.1\r\nHost: x\r\n\r\n")
            reply = await echo.held.get()
            await hang_up(writer)
            await echo.gone.wait()
            reply.send(200, JSON, b"{}")
            assert not reply.is_open

    run(scenario)


def test_beyond_the_connection_cap_the_answer_is_503() -> None:
    async def scenario() -> None:
        async with serving(ServerLimits(connections_max=1)) as (_, _, port):
            reader, first = await asyncio.open_connection("127.0.0.1", port)
            first.write(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
            assert await reader.readuntil(b"}")  # the server knows of this connection now
            got = await exchange(port, b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
            assert got.startswith(b"HTTP/1.1 503 ")
            await hang_up(first)

    run(scenario)


def test_draining_finishes_what_is_under_way_and_accepts_nothing_new() -> None:
    async def scenario() -> None:
        async with serving() as (server, echo, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /hold HTTP/1.1\r\nHost: x\r\n\r\n")
            reply = await echo.held.get()
            server.drain()
            with pytest.raises(OSError, match=r"Connect"):
                await asyncio.open_connection("127.0.0.1", port)
            reply.send(200, JSON, b"{}")
            got = await asyncio.wait_for(reader.read(), 5)
            assert got.startswith(b"HTTP/1.1 200 ")
            assert b"connection: close" in got
            await hang_up(writer)

    run(scenario)


def test_expect_100_continue_is_answered() -> None:
    async def scenario() -> None:
        async with serving() as (_, _, port):
            got = await exchange(
                port,
                POST + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\nhi",
                lambda data: data.endswith(b"}"),
            )
            assert got.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 ")

    run(scenario)
