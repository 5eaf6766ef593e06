"""Clients that send too much, read too little or leave early: each costs a bounded amount and nobody else anything."""

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine

import pytest
import uvloop

from smart_ai_router.adapters.http_server import HttpServer, ServerLimits
from smart_ai_router.core.http_messages import ClientReply, HttpRequest
from tests.adapters.test_http_server import JSON, POST, exchange, hang_up, serving

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
BIG = 8 * 1024 * 1024


class Lavish:
    """Answers every request with a large body and counts them."""

    def __init__(self) -> None:
        self.requests: list[HttpRequest] = []
        self.started = asyncio.Event()

    def handle(self, request: HttpRequest, reply: ClientReply) -> None:
        self.requests.append(request)
        self.started.set()
        reply.send(200, JSON, b"x" * BIG)

    def refuse(self, status: int, message: str, reply: ClientReply) -> None:
        reply.send(status, JSON, json.dumps({"error": message}).encode())


class Clock:
    """Moves on when told."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.looks = 0

    def __call__(self) -> float:
        self.looks += 1
        return self.time

    async def passes(self, seconds: float) -> None:
        """Time passes, and the server has looked at its deadlines since."""
        self.time += seconds
        before = self.looks
        await turns_until(lambda: self.looks > before + 2)


def run(scenario: Callable[[], Coroutine[None, None, None]]) -> None:
    """On the loop that the gateway runs on."""
    uvloop.run(scenario())


async def turns_until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.001)


def test_a_trailer_cannot_change_the_request_that_it_follows() -> None:
    async def scenario() -> None:
        async with serving() as (_, echo, port):
            body = b"2\r\nhi\r\n0\r\nHost: y\r\nX-Admin: yes\r\n\r\n"
            got = await exchange(
                port, POST + b"Transfer-Encoding: chunked\r\n\r\n" + body, lambda data: data.endswith(b"}")
            )
            assert got.startswith(b"HTTP/1.1 200 ")
            (request,) = echo.seen
            assert request.headers == {"host": "x", "transfer-encoding": "chunked"}
            assert request.body == b"hi"

    run(scenario)


def test_a_body_in_a_million_pieces_arrives_whole() -> None:
    async def scenario() -> None:
        async with serving() as (_, echo, port):
            chunks = b"2\r\nab\r\n" * 200_000 + b"0\r\n\r\n"
            await exchange(
                port, POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunks, lambda data: data.endswith(b"}")
            )
            assert echo.seen[0].body == b"ab" * 200_000

    run(scenario)


def test_the_answer_to_a_body_too_large_reaches_a_client_that_is_still_sending() -> None:
    async def scenario() -> None:
        async with serving(ServerLimits(body_bytes_max=1000)) as (_, _, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(POST + b"Content-Length: 20000000\r\n\r\n" + b"x" * 20_000_000)
            await writer.drain()  # a reset would fail here
            got = await asyncio.wait_for(reader.read(), 5)
            assert got.startswith(b"HTTP/1.1 413 ")
            await hang_up(writer)

    run(scenario)


def test_a_client_that_sends_on_after_a_refusal_is_cut() -> None:
    async def scenario() -> None:
        clock = Clock()
        async with serving(ServerLimits(head_s=0.05), clock) as (server, _, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"NONSENSE\r\n\r\n")
            assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
            assert server.connection_count == 1
            clock.time += 6
            await turns_until(lambda: server.connection_count == 0)
            await hang_up(writer)

    run(scenario)


def test_a_client_that_reads_no_answers_is_not_served_its_next_request() -> None:
    async def scenario() -> None:
        lavish = Lavish()
        server = HttpServer(lavish, ServerLimits())
        await server.start(asyncio.get_running_loop(), host="127.0.0.1", port=0)
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1024)
        writer.write(GET * 12)
        await lavish.started.wait()
        writer.write(GET)
        await turns_until(lambda: writer.transport.get_write_buffer_size() == 0)
        assert len(lavish.requests) == 1
        got = 0
        while got < 13 * BIG:
            got += len(await asyncio.wait_for(reader.read(1 << 20), 5))
        assert len(lavish.requests) == 13
        await hang_up(writer)
        server.close()

    run(scenario)


@pytest.mark.parametrize("ending", [b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /a HTTP/1.0\r\nHost: x\r\n\r\n"])
def test_a_whole_answer_that_nobody_reads_is_given_up(ending: bytes) -> None:
    async def scenario() -> None:
        clock = Clock()
        lavish = Lavish()
        server = HttpServer(lavish, ServerLimits(head_s=0.05), clock)
        await server.start(asyncio.get_running_loop(), host="127.0.0.1", port=0)
        _, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1024)
        writer.write(ending)
        await lavish.started.wait()
        await clock.passes(59)
        assert server.connection_count == 1
        clock.time += 2
        await turns_until(lambda: server.connection_count == 0)
        await hang_up(writer)
        server.close()

    run(scenario)


def test_a_slow_reader_that_goes_on_reading_gets_the_whole_answer() -> None:
    async def scenario() -> None:
        clock = Clock()
        lavish = Lavish()
        server = HttpServer(lavish, ServerLimits(head_s=0.05), clock)
        await server.start(asyncio.get_running_loop(), host="127.0.0.1", port=0)
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1024)
        writer.write(b"GET /a HTTP/1.0\r\nHost: x\r\n\r\n")
        got = 0
        while chunk := await asyncio.wait_for(reader.read(1 << 18), 5):
            got += len(chunk)
            clock.time += 10
        assert got > BIG
        await hang_up(writer)
        server.close()

    run(scenario)


def test_a_body_that_is_late_but_not_slow_is_answered_408() -> None:
    async def scenario() -> None:
        clock = Clock()
        async with serving(ServerLimits(head_s=0.2), clock) as (server, echo, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(POST + b"Content-Length: 200000\r\n\r\n" + b"x" * 199_999)
            await turns_until(lambda: server.bodies_bytes == 199_999)
            clock.time += 61
            assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 408 ")
            assert echo.seen == []
            await hang_up(writer)

    run(scenario)


def test_the_bodies_of_all_connections_together_are_bounded_and_the_room_comes_back() -> None:
    async def scenario() -> None:
        async with serving(ServerLimits(bodies_bytes_max=100_000)) as (server, echo, port):
            half = POST + b"Content-Length: 60001\r\n\r\n" + b"x" * 60_000
            first_reader, first = await asyncio.open_connection("127.0.0.1", port)
            first.write(half)
            await turns_until(lambda: server.bodies_bytes == 60_000)
            got = await exchange(port, half)
            assert got.startswith(b"HTTP/1.1 503 ")
            first.write(b"x")
            assert (await first_reader.readuntil(b"}")).startswith(b"HTTP/1.1 200 ")
            again = await exchange(port, half + b"x", lambda data: data.endswith(b"}"))
            assert again.startswith(b"HTTP/1.1 200 ")
            assert len(echo.seen) == 2
            await hang_up(first)

    run(scenario)


def test_a_mistake_of_ours_costs_one_request_and_is_told(caplog: pytest.LogCaptureFixture) -> None:
    class Mistaken(Lavish):
        def handle(self, request: HttpRequest, reply: ClientReply) -> None:
            if request.path == "/a":
                raise KeyError("canary")
            reply.send(200, JSON, b"{}")

    async def scenario() -> None:
        server = HttpServer(Mistaken(), ServerLimits())
        await server.start(asyncio.get_running_loop(), host="127.0.0.1", port=0)
        with caplog.at_level(logging.CRITICAL + 1):
            got = await exchange(server.port, GET)
        assert got.startswith(b"HTTP/1.1 500 ")
        assert b"canary" not in got
        fine = await exchange(server.port, b"GET /b HTTP/1.1\r\nHost: x\r\n\r\n", lambda data: data.endswith(b"{}"))
        assert fine.startswith(b"HTTP/1.1 200 ")
        server.close()

    run(scenario)
