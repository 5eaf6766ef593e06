"""TLS to an upstream: who is trusted, and what a handshake that fails is called."""

import asyncio
import json
from pathlib import Path

import pytest

from smart_ai_router.adapters.upstream_exchange import HttpExchange
from smart_ai_router.adapters.upstream_http import READ_BUFFER_BYTES
from smart_ai_router.domain.faults import FaultKind
from smart_ai_router.testing.upstream import UpstreamServer
from tests.adapters.certificates import make_certificate
from tests.adapters.upstream_harness import (
    Recorder,
    assert_fault,
    begin,
    exchange,
    limited,
    opened,
    raw_server,
    run,
    within,
)

KEY = "Bearer sk-secret"
ASKING = json.dumps({"model": "m", "messages": []}).encode()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_tls_with_a_trusted_certificate_works_and_is_kept_alive(tmp_path: Path, host: str) -> None:
    certificate = make_certificate(tmp_path)

    async def scenario() -> None:
        async with (
            UpstreamServer(ssl_context=certificate.context) as server,
            opened(ca_file=str(certificate.path)) as upstream,
        ):
            for stream in (False, True, False):
                body = json.dumps({"model": "m", "stream": stream}).encode()
                heard = await exchange(upstream, f"https://{host}:{server.port}/v1/chat/completions", body=body)
                assert heard.ends == ["end"]
            assert server.connections_total == 1

    run(scenario)


def test_tls_with_an_unknown_certificate_is_refused_and_nothing_is_sent(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)

    async def scenario() -> None:
        async with UpstreamServer(ssl_context=certificate.context) as server, opened() as upstream:
            heard = await exchange(upstream, f"{server.base_url}/models", headers=(("authorization", KEY),))
            assert_fault(heard, FaultKind.TLS_FAILED, "tls", "127.0.0.1", "self-signed certificate")
            assert server.served.total == 0

    run(scenario)


@pytest.mark.parametrize(("name", "days", "words"), [("elsewhere.example", 1, "match"), ("localhost", -1, "expired")])
def test_tls_with_a_wrong_certificate_is_refused(tmp_path: Path, name: str, days: int, words: str) -> None:
    certificate = make_certificate(tmp_path, name=name, days=days)

    async def scenario() -> None:
        async with (
            UpstreamServer(ssl_context=certificate.context) as server,
            opened(ca_file=str(certificate.path)) as upstream,
        ):
            heard = await exchange(upstream, f"{server.base_url}/models")
            assert_fault(heard, FaultKind.TLS_FAILED, "tls", words)

    run(scenario)


def test_tls_is_not_verified_only_where_the_route_says_so(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, name="elsewhere.example")

    async def scenario() -> None:
        async with UpstreamServer(ssl_context=certificate.context) as server, opened() as upstream:
            url = f"{server.base_url}/models"
            assert (await exchange(upstream, url, route=limited(tls_verify=False))).ends == ["end"]
            # The unverified connection lies idle; a route that verifies must not get it.
            assert upstream.figures.connections_idle == 1
            assert_fault(await exchange(upstream, url), FaultKind.TLS_FAILED, "tls")

    run(scenario)


def test_the_environments_certificate_file_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))

    async def scenario() -> None:
        async with UpstreamServer(ssl_context=certificate.context) as server, opened() as upstream:
            assert (await exchange(upstream, f"{server.base_url}/models")).ends == ["end"]

    run(scenario)


def test_only_http_1_1_is_offered(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    offered: list[str | None] = []

    class Listening(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            offered.append(transport.get_extra_info("ssl_object").selected_alpn_protocol())
            transport.close()

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Listening, "127.0.0.1", 0, ssl=certificate.context)
        async with opened(ca_file=str(certificate.path)) as upstream:
            await exchange(upstream, f"https://localhost:{server.sockets[0].getsockname()[1]}/")
        server.close()
        assert offered == ["http/1.1"]

    run(scenario)


def test_a_server_without_tls_is_a_tls_fault() -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server, opened() as upstream:
            heard = await exchange(upstream, f"https://127.0.0.1:{server.port}/v1/models")
            assert_fault(heard, FaultKind.TLS_FAILED, "tls")

    run(scenario)


@pytest.mark.parametrize("mode", ["until-close", "reset-mid-body", "gzip"])
def test_replies_over_tls_end_as_they_do_without(tmp_path: Path, mode: str) -> None:
    certificate = make_certificate(tmp_path)

    async def scenario() -> None:
        async with (
            UpstreamServer(ssl_context=certificate.context) as server,
            UpstreamServer() as plain,
            opened(ca_file=str(certificate.path)) as upstream,
        ):
            heard = [
                await exchange(upstream, f"{base}/chat/completions", body=ASKING, headers=(("x-fault", mode),))
                for base in (server.base_url, plain.base_url)
            ]
            assert heard[0].ends == heard[1].ends
            assert heard[0].body == heard[1].body

    run(scenario)


def test_a_tls_handshake_that_never_ends_is_late() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def scenario() -> None:
        async with raw_server(silent) as server, opened() as upstream:
            route = limited(connect_s=0.05)
            heard = await exchange(upstream, f"https://127.0.0.1:{server.port}/", route=route)
            assert_fault(heard, FaultKind.TIMEOUT, "connect")
            await asyncio.wait_for(server.closed.wait(), 5)  # the dial was given up with its exchange

    run(scenario)


def test_a_sink_that_pauses_stops_a_tls_upstream_and_loses_nothing(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    body = json.dumps({"model": "fault:big-line", "stream": True, "messages": []}).encode()

    class Pausing(Recorder):
        exchange: HttpExchange | None = None

        def on_data(self, data: bytes) -> None:
            if not self.pieces and self.exchange is not None:
                self.exchange.pause_reading()
            super().on_data(data)

    async def scenario() -> None:
        async with (
            UpstreamServer(ssl_context=certificate.context) as server,
            opened(ca_file=str(certificate.path)) as upstream,
        ):
            heard = Pausing()
            heard.exchange = begin(upstream, f"{server.base_url}/chat/completions", heard, body=body)
            await within(heard.heard_data.wait())
            stood = asyncio.Event()
            asyncio.get_running_loop().call_later(0.3, stood.set)  # time enough to send all of it, were it read
            await within(stood.wait())
            assert len(heard.body) <= READ_BUFFER_BYTES
            heard.exchange.resume_reading()
            await within(heard.done.wait())
            assert heard.ends == ["end"]
            assert len(heard.body) > 8 * 1024 * 1024
            assert heard.body.endswith(b"data: [DONE]\n\n")

    run(scenario)
