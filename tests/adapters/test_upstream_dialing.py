"""Getting to an upstream: addresses, TLS, proxies, unix sockets, and addresses that may not be reached."""

import asyncio
import base64
import contextlib
import datetime
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from smart_ai_router.adapters.upstream_dialing import Dialer, DialError, Way, is_public
from smart_ai_router.adapters.upstream_proxies import ProxySettings
from smart_ai_router.adapters.upstream_targets import Endpoint
from smart_ai_router.domain.faults import FaultKind
from smart_ai_router.testing.upstream import UpstreamServer
from tests.adapters.upstream_harness import ROUTE, Recorder, exchange, limited, opened, raw_server, run, until

KEY = "Bearer sk-secret"
ASKING = json.dumps({"model": "m", "messages": []}).encode()


def assert_fault(heard: Recorder, kind: FaultKind, phase: str, *words: str) -> None:
    assert heard.ends == ["fault"]
    assert heard.fault is not None
    assert (heard.fault.kind, heard.fault.details) == (kind, {"phase": phase})
    for word in words:
        assert word in heard.fault.message
    assert "sk-secret" not in heard.fault.message


# --- TLS -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate and its key, in files."""

    path: Path
    key_path: Path

    @property
    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.path, self.key_path)
        context.set_alpn_protocols(["h2", "http/1.1"])
        return context


def make_certificate(folder: Path, *, name: str = "localhost", days: int = 1) -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    names: list[x509.GeneralName] = [x509.DNSName(name)]
    if name == "localhost":
        names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=2))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    made = Certificate(folder / f"{name}{days}.pem", folder / f"{name}{days}.key")
    made.path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    made.key_path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return made


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


# --- addresses -----------------------------------------------------------------------------------------------------


def test_a_refused_connection_is_a_fault_that_names_the_place() -> None:
    async def scenario() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            async with opened() as upstream:
                heard = await exchange(upstream, f"http://127.0.0.1:{port}/", headers=(("authorization", KEY),))
                assert_fault(heard, FaultKind.CONNECT_FAILED, "connect", f"127.0.0.1:{port}", "refused")

    run(scenario)


def test_every_exchange_behind_a_refused_connection_hears_of_it() -> None:
    async def scenario() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            async with opened() as upstream:
                url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
                heard = await asyncio.gather(*(exchange(upstream, url) for _ in range(20)))
                assert all(each.ends == ["fault"] for each in heard)
                assert upstream.figures.exchanges_waiting == 0

    run(scenario)


def test_a_host_name_that_cannot_be_one_is_a_fault() -> None:
    async def scenario() -> None:
        async with opened() as upstream:
            heard = await exchange(upstream, f"http://{'a' * 64}.example/")
            assert_fault(heard, FaultKind.CONNECT_FAILED, "connect")

    run(scenario)


class FixedNames(asyncio.SelectorEventLoop):
    """A loop whose names resolve to what the test says."""

    def __init__(self, addresses: list[tuple[socket.AddressFamily, str]]) -> None:
        super().__init__()
        self.addresses = addresses

    async def getaddrinfo(self, host: Any, port: Any, **_: Any) -> Any:
        if not self.addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [
            (family, socket.SOCK_STREAM, 6, "", (address, port, 0, 0) if family == socket.AF_INET6 else (address, port))
            for family, address in self.addresses
        ]


@contextmanager
def listening() -> Iterator[socket.socket]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener


@pytest.mark.parametrize(
    "addresses",
    [
        pytest.param([(socket.AF_INET, "127.0.0.2"), (socket.AF_INET, "127.0.0.1")], id="first refuses"),
        pytest.param([(socket.AF_INET6, "::1"), (socket.AF_INET, "127.0.0.1")], id="IPv6 refuses"),
        pytest.param([(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")], id="IPv4 first"),
    ],
)
def test_a_name_with_several_addresses_is_reached_at_the_one_that_answers(
    addresses: list[tuple[socket.AddressFamily, str]],
) -> None:
    loop = FixedNames(addresses)

    async def scenario() -> str:
        with listening() as listener:
            way = Way(Endpoint("http", "several.example", listener.getsockname()[1]))
            peer = await Dialer(loop).open(way, Peer)
            peer.transport.abort()
            return peer.address

    with contextlib.closing(loop):
        assert loop.run_until_complete(scenario()) == "127.0.0.1"


def test_an_address_that_does_not_answer_is_overtaken_by_the_next() -> None:
    loop = FixedNames([(socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "127.0.0.2")])

    async def scenario() -> str:
        with socket.socket() as full, socket.socket() as first, socket.socket() as second, socket.socket() as good:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            for filler in (first, second):
                filler.setblocking(False)
                filler.connect_ex(full.getsockname())
            good.bind(("127.0.0.2", full.getsockname()[1]))
            good.listen()
            way = Way(Endpoint("http", "several.example", full.getsockname()[1]))
            peer = await asyncio.wait_for(Dialer(loop).open(way, Peer), 5)
            peer.transport.abort()
            return peer.address

    with contextlib.closing(loop):
        assert loop.run_until_complete(scenario()) == "127.0.0.2"


def test_a_name_that_does_not_resolve_raises_the_resolvers_error() -> None:
    loop = FixedNames([])
    with contextlib.closing(loop), pytest.raises(socket.gaierror):
        loop.run_until_complete(Dialer(loop).open(Way(Endpoint("http", "nobody.example", 80)), Peer))


class Peer(asyncio.Protocol):
    """Remembers whom it was connected to."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.address: str = transport.get_extra_info("peername")[0]


# --- addresses that may not be reached -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1"),
        *("169.254.169.254", "100.64.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1", "203.0.113.1", "224.0.0.1"),
        *("239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%lo", "fc00::1"),
        *("fd12:3456::1", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254"),
        *("2002:7f00:1::", "2002:a00:1::", "64:ff9b:1::1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "::7f00:1"),
    ],
)
def test_loopback_private_and_reserved_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("8.8.8.8", "172.15.255.255", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"),
    ],
)
def test_addresses_of_the_open_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1", "0", "0.0.0.0", "localhost"),
        *("[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]"),
    ],
)
def test_a_route_for_public_addresses_only_dials_no_loopback_however_it_is_spelt(host: str) -> None:
    async def scenario() -> None:
        async with raw_server(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n") as canary, opened() as upstream:
            heard = await exchange(upstream, f"http://{host}:{canary.port}/", route=limited(public_only=True))
            assert heard.ends == ["fault"]
            assert heard.fault is not None
            assert heard.fault.kind is FaultKind.CONNECT_FAILED
            assert canary.connections == 0

    run(scenario)


def test_a_route_from_the_operators_file_may_reach_loopback() -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server, opened() as upstream:
            assert (await exchange(upstream, f"{server.base_url}/models", route=ROUTE)).ends == ["end"]

    run(scenario)


def test_a_public_only_route_asks_a_proxy_for_the_address_that_was_checked() -> None:
    loop = FixedNames([(socket.AF_INET, "127.0.0.1")])

    async def scenario() -> None:
        way = Way(Endpoint("http", "inner.example", 80), proxy="http://127.0.0.1:1", public_only=True)
        with pytest.raises(DialError, match="may not reach"):
            await Dialer(loop).open(way, Peer)

    with contextlib.closing(loop):
        loop.run_until_complete(scenario())


# --- proxies -------------------------------------------------------------------------------------------------------


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
