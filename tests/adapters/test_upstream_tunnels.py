"""Getting to an upstream through a proxy or a unix socket."""

import asyncio
import base64
import contextlib
import json
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from smart_ai_router.adapters.upstream_proxies import ProxySettings
from smart_ai_router.domain.faults import FaultKind
from smart_ai_router.testing.upstream import UpstreamServer
from tests.adapters.certificates import make_certificate
from tests.adapters.upstream_harness import (
    assert_fault,
    exchange,
    limited,
    opened,
    raw_server,
    run,
    until,
)

KEY = "Bearer sk-secret"
ASKING = json.dumps({"model": "m", "messages": []}).encode()


@dataclass
class ConnectProxy:
    """A tiny CONNECT proxy that remembers what it was asked."""

    answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n"
    port: int = 0
    asked: list[bytes] = field(default_factory=list)
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked.append(head)
        writer.write(self.answer)
        if b" 200 " in self.answer:
            host, _, port = head.split(b" ")[1].decode().rpartition(":")
            inner_reader, inner_writer = await asyncio.open_connection(host, int(port))
            await asyncio.gather(self._pipe(reader, inner_writer), self._pipe(inner_reader, writer))
        writer.close()

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def proxying(answer: bytes | None = None) -> AsyncIterator[ConnectProxy]:
    proxy = ConnectProxy() if answer is None else ConnectProxy(answer)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize("secure", [False, True])
def test_a_route_goes_through_its_proxy_and_the_proxy_never_sees_the_key(tmp_path: Path, secure: bool) -> None:
    certificate = make_certificate(tmp_path)

    async def scenario() -> None:
        context = certificate.context if secure else None
        async with (
            UpstreamServer(ssl_context=context) as server,
            proxying() as proxy,
            opened(ca_file=str(certificate.path)) as upstream,
        ):
            route = limited(proxy=proxy.url.replace("//", "//user:p%40ss@"))
            for _ in range(3):
                heard = await exchange(
                    upstream,
                    f"{server.base_url}/chat/completions",
                    route=route,
                    body=ASKING,
                    headers=(("authorization", KEY),),
                )
                assert heard.ends == ["end"]
            assert len(proxy.asked) == 1
            told = proxy.asked[0]
            assert told.startswith(b"CONNECT 127.0.0.1:%d HTTP/1.1\r\n" % server.port)
            assert base64.b64encode(b"user:p@ss") in told
            assert b"sk-secret" not in told
            assert "proxy-authorization" not in server.served.entries[0].headers

    run(scenario)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n", "407"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "502"),
        (b"SSH-2.0-x\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\n\r\nbytes behind", "behind"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 20_000, "too long"),
        (b"", "closed"),
    ],
)
def test_a_proxy_that_does_not_connect_is_a_fault(answer: bytes, words: str) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        if answer:
            await reader.read()

    async def scenario() -> None:
        async with raw_server(refuse) as proxy, opened() as upstream:
            route = limited(proxy=f"http://user:sk-secret@127.0.0.1:{proxy.port}")
            heard = await exchange(upstream, "https://api.example/v1/models", route=route)
            assert_fault(heard, FaultKind.CONNECT_FAILED, "connect", "through the proxy", words)

    run(scenario)


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "https://127.0.0.1:1", "http://"])
def test_a_proxy_that_cannot_be_spoken_to_is_a_fault_and_never_a_straight_connection(proxy: str) -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server, opened() as upstream:
            heard = await exchange(upstream, f"{server.base_url}/models", route=limited(proxy=proxy))
            assert_fault(heard, FaultKind.CONNECT_FAILED, "connect")
            assert server.served.total == 0

    run(scenario)


def test_the_environments_proxy_serves_all_but_this_machine_and_a_route_may_say_otherwise() -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server, proxying(b"HTTP/1.1 503 Busy\r\n\r\n") as proxy:
            settings = ProxySettings((("http", proxy.url),))
            async with opened(proxies=settings) as upstream:
                assert (await exchange(upstream, f"{server.base_url}/models")).ends == ["end"]
                assert proxy.asked == []
                heard = await exchange(upstream, "http://api.example/v1/models")
                assert_fault(heard, FaultKind.CONNECT_FAILED, "connect", "503")
                assert len(proxy.asked) == 1
                with socket.socket() as taken:
                    taken.bind(("127.0.0.1", 0))
                    url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
                    assert (await exchange(upstream, url, route=limited(proxy=""))).ends == ["fault"]
                assert len(proxy.asked) == 1

    run(scenario)


# --- unix sockets --------------------------------------------------------------------------------------------------


def test_a_unix_socket_is_spoken_to_like_any_other_upstream(tmp_path: Path) -> None:
    path = tmp_path / "control plane.sock"

    async def scenario() -> None:
        async with UpstreamServer(unix_path=str(path)) as server, opened() as upstream:
            base = "http+unix://" + str(path).replace("/", "%2F").replace(" ", "%20")
            for _ in range(3):
                heard = await exchange(
                    upstream, f"{base}/v1/models?a=b", method="GET", body=b"", headers=(("host", "h:1"),)
                )
                assert heard.ends == ["end"]
            served = server.served.entries[0]
            assert (served.path, served.headers["host"]) == ("/v1/models?a=b", "h:1")
            assert server.connections_total == 1

    run(scenario)


def test_a_unix_socket_that_nobody_serves_is_a_fault(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened() as upstream:
            heard = await exchange(upstream, f"http+unix://{str(tmp_path).replace('/', '%2F')}%2Fnone.sock/")
            assert_fault(heard, FaultKind.CONNECT_FAILED, "connect", "none.sock")

    run(scenario)


def test_no_thread_is_left_by_name_resolution_beyond_the_loop() -> None:
    before = threading.active_count()

    async def scenario() -> None:
        async with UpstreamServer() as server, opened() as upstream:
            await exchange(upstream, f"http://localhost:{server.port}/v1/models")
            await until(lambda: upstream.figures.connections_idle == 1)

    run(scenario)
    assert threading.active_count() <= before + 1


def test_a_cookie_comes_through_from_our_own_control_plane_only(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"

    async def scenario() -> None:
        async with UpstreamServer(unix_path=str(path)), UpstreamServer() as public, opened() as upstream:
            own = "http+unix://" + str(path).replace("/", "%2F") + "/v1/models"
            heard = await exchange(upstream, own, headers=(("x-fault", "echo"),))
            assert heard.headers["set-cookie"] == "session=upstream"
            heard = await exchange(upstream, f"{public.base_url}/models", headers=(("x-fault", "echo"),))
            assert "set-cookie" not in heard.headers

    run(scenario)
