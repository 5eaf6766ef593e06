"""What the tests of the upstream connection share: a sink that remembers, a server of raw bytes, one loop per test."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

import uvloop

from smart_ai_router.adapters.upstream_exchange import HttpExchange
from smart_ai_router.adapters.upstream_http import HttpUpstream
from smart_ai_router.adapters.upstream_pool import PoolLimits
from smart_ai_router.adapters.upstream_proxies import ProxySettings
from smart_ai_router.core.ports import Headers, UpstreamRequest, UpstreamRoute
from smart_ai_router.domain.faults import Fault, FaultKind

ROUTE = UpstreamRoute(connect_s=5, first_byte_s=5, idle_s=5, total_s=10)
BOUND_S = 10.0  # the longest any test waits for what must come
Answer = bytes | Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Recorder:
    """A sink that keeps all it hears."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self.pieces: list[bytes] = []
        self.fault: Fault | None = None
        self.calls: list[str] = []
        self.done = asyncio.Event()
        self.heard_head = asyncio.Event()
        self.heard_data = asyncio.Event()

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    def on_head(self, status: int, headers: Mapping[str, str]) -> None:
        self.calls.append("head")
        self.status = status
        self.headers = headers
        self.heard_head.set()

    def on_data(self, data: bytes) -> None:
        self.calls.append("data")
        self.pieces.append(data)
        self.heard_data.set()

    def on_end(self) -> None:
        self.calls.append("end")
        self.done.set()

    def on_fault(self, fault: Fault) -> None:
        self.calls.append("fault")
        self.fault = fault
        self.done.set()

    @property
    def ends(self) -> list[str]:
        """How often, and how, it was told that nothing follows."""
        return [call for call in self.calls if call in ("end", "fault")]


class RawServer:
    """Answers each request of a connection with raw bytes, or lets a function talk."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.requests: list[bytes] = []
        self.connections = 0
        self.closed = asyncio.Event()  # a connection was seen to end
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1/chat/completions"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            if callable(self._answer):
                await self._answer(reader, writer)
                writer.close()
            else:
                while True:
                    self.requests.append(await read_request(reader))
                    writer.write(self._answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            self.closed.set()


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """One request with a Content-Length, head and body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return head + await reader.readexactly(length)


@asynccontextmanager
async def raw_server(answer: Answer) -> AsyncIterator[RawServer]:
    server = RawServer(answer)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def opened(
    *, limits: PoolLimits | None = None, proxies: ProxySettings | None = None, ca_file: str | None = None
) -> AsyncIterator[HttpUpstream]:
    """An upstream door with a fine clock."""
    upstream = HttpUpstream(asyncio.get_running_loop(), limits=limits, proxies=proxies, ca_file=ca_file, tick_s=0.005)
    try:
        yield upstream
    finally:
        await upstream.close()


def begin(
    upstream: HttpUpstream,
    url: str,
    sink: Recorder,
    *,
    route: UpstreamRoute = ROUTE,
    method: str = "POST",
    headers: Headers = (),
    body: bytes = b"{}",
) -> HttpExchange:
    return upstream.send(UpstreamRequest(method, url, headers, body), route, sink)


async def exchange(
    upstream: HttpUpstream,
    url: str,
    *,
    route: UpstreamRoute = ROUTE,
    method: str = "POST",
    headers: Headers = (),
    body: bytes = b"{}",
) -> Recorder:
    """One exchange from beginning to end."""
    sink = Recorder()
    begin(upstream, url, sink, route=route, method=method, headers=headers, body=body)
    await within(sink.done.wait())
    return sink


async def within(awaited: Awaitable[object]) -> None:
    """Wait for what must come, and fail when it does not."""
    await asyncio.wait_for(awaited, BOUND_S)


async def until(holds: Callable[[], bool]) -> None:
    """Let the loop turn until something holds."""

    async def turn() -> None:
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0)  # what is waited for lies behind a socket and has no event to await

    await within(turn())


def assert_fault(heard: Recorder, kind: FaultKind, phase: str, *words: str) -> None:
    assert heard.ends == ["fault"]
    assert heard.fault is not None
    assert (heard.fault.kind, heard.fault.details) == (kind, {"phase": phase})
    for word in words:
        assert word in heard.fault.message
    assert "sk-secret" not in heard.fault.message


def assert_late(heard: Recorder, phase: str) -> None:
    assert heard.ends == ["fault"]
    assert heard.fault is not None
    assert heard.fault.kind is FaultKind.TIMEOUT
    assert heard.fault.details == {"phase": phase}


def limited(**changes: float | str | bool) -> UpstreamRoute:
    """The usual route with some fields changed."""
    return replace(ROUTE, **changes)  # type: ignore[arg-type]  # every caller names a field and its type


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def run(test: Callable[[], Coroutine[object, object, None]]) -> None:
    uvloop.run(test())
