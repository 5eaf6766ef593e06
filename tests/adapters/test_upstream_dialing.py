"""Addresses of an upstream: which is reached, and which may not be."""

import asyncio
import contextlib
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from smart_ai_router.adapters.upstream_dialing import Dialer, DialError, Way, is_public
from smart_ai_router.adapters.upstream_targets import Endpoint
from smart_ai_router.domain.faults import FaultKind
from smart_ai_router.testing.upstream import UpstreamServer
from tests.adapters.upstream_harness import (
    ROUTE,
    assert_fault,
    exchange,
    limited,
    opened,
    raw_server,
    run,
)

KEY = "Bearer sk-secret"
ASKING = json.dumps({"model": "m", "messages": []}).encode()


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
