"""Connections that are closed leave nothing behind that only the garbage collector would find."""

import asyncio
import gc
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, contextmanager

import pytest
import uvloop

from smart_ai_router.adapters.http_connection import Connection
from smart_ai_router.adapters.http_server import HttpServer, ServerLimits
from smart_ai_router.adapters.upstream_connection import UpstreamConnection
from smart_ai_router.adapters.upstream_http import HttpUpstream
from smart_ai_router.core.http_messages import ClientReply, HttpRequest
from smart_ai_router.core.ports import UpstreamRequest, UpstreamRoute
from smart_ai_router.domain.faults import Fault

CALLS = 5


class Greeter:
    def handle(self, request: HttpRequest, reply: ClientReply) -> None:
        reply.send(200, (("connection", "close"),), b"hello")

    def refuse(self, status: int, message: str, reply: ClientReply) -> None:
        reply.send(status, (), message.encode())


class Waiter:
    def __init__(self) -> None:
        self.over: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.body = b""

    def on_head(self, status: int, headers: object) -> None: ...

    def on_data(self, data: bytes) -> None:
        self.body += data

    def on_end(self) -> None:
        self.over.set_result(self.body)

    def on_fault(self, fault: Fault) -> None:
        self.over.set_exception(AssertionError(fault))


@contextmanager
def without_collector() -> object:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@asynccontextmanager
async def greeting() -> AsyncIterator[HttpServer]:
    server = HttpServer(Greeter(), ServerLimits(), asyncio.get_running_loop().time)
    await server.start(asyncio.get_running_loop(), host="127.0.0.1", port=0)
    try:
        yield server
    finally:
        server.close()


def alive(kind: type) -> int:
    return sum(isinstance(each, kind) for each in gc.get_objects())


async def calls_on_fresh_connections() -> None:
    async with greeting() as server:
        upstream = HttpUpstream(asyncio.get_running_loop())
        request = UpstreamRequest("POST", f"http://127.0.0.1:{server.port}/", (), b"{}")
        for _ in range(CALLS):
            waiter = Waiter()
            upstream.send(request, UpstreamRoute(5, 5, 5, 5), waiter)
            assert await waiter.over == b"hello"
        await upstream.close()
        while server.connection_count:  # noqa: ASYNC110 - the test's own limit bounds it
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_closed_connections_are_freed_without_the_garbage_collector(run: object) -> None:
    def main(coroutine: Coroutine[object, object, None]) -> None:
        assert callable(run)
        run(coroutine)

    with without_collector():
        before = (alive(Connection), alive(UpstreamConnection))
        main(calls_on_fresh_connections())
        after = (alive(Connection), alive(UpstreamConnection))

    assert after == before
