"""Open a connection: names, addresses, proxies, TLS. The only part of an upstream call that runs as a task."""

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from itertools import zip_longest
from typing import TypeVar

from smart_ai_router.adapters.upstream_proxies import Proxy, parse_proxy
from smart_ai_router.adapters.upstream_targets import Endpoint

HAPPY_EYEBALLS_S = 0.25  # RFC 8305: how long the first address has before the next one is tried beside it
ADDRESSES_MAX = 8  # a name with more addresses than this gains nothing from trying them all
PROXY_HEAD_BYTES_MAX = 16_384
GLOBAL_UNICAST = IPv6Network("2000::/3")
NAT64 = IPv6Network("64:ff9b::/96")  # how IPv4 hosts look in a network that has only IPv6

Address = tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int]]
AnyProtocol = TypeVar("AnyProtocol", bound=asyncio.BaseProtocol)


class DialError(Exception):
    """The connection could not be made, for a reason that is not an operating-system error."""


@dataclass(frozen=True, slots=True)
class Way:
    """How to get to an endpoint; connections of one way are interchangeable."""

    endpoint: Endpoint
    proxy: str | None = None
    tls_verify: bool = True
    public_only: bool = False  # refuse loopback, private and reserved addresses


class Dialer:
    """Opens connections on one loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ca_file: str | None = None) -> None:
        """`ca_file`: trust these authorities beside the system's (which honours SSL_CERT_FILE and SSL_CERT_DIR)."""
        self._loop = loop
        self._ca_file = ca_file
        self._contexts: dict[bool, ssl.SSLContext] = {}

    async def open(self, way: Way, factory: Callable[[], AnyProtocol]) -> AnyProtocol:
        """Connect. Raises OSError (ssl.SSLError among them) or DialError."""
        endpoint = way.endpoint
        if endpoint.scheme == "http+unix":
            return (await self._loop.create_unix_connection(factory, endpoint.host))[1]
        if way.proxy is None:
            connected = await self._connect(endpoint.host, endpoint.port, way.public_only)
        else:
            connected = await self._connect_through_proxy(way, way.proxy)
        try:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if endpoint.scheme == "http":
                return (await self._loop.create_connection(factory, sock=connected))[1]
            context = self._context(way.tls_verify)
            host = endpoint.host
            return (await self._loop.create_connection(factory, sock=connected, ssl=context, server_hostname=host))[1]
        except BaseException:
            connected.close()  # create_connection may have closed it already; twice does no harm
            raise

    async def _connect_through_proxy(self, way: Way, proxy_url: str) -> socket.socket:
        try:
            proxy = parse_proxy(proxy_url)
        except ValueError as error:
            raise DialError(str(error)) from error
        authority = way.endpoint.authority
        if way.public_only:
            # Checked here and asked for by address, so that the proxy cannot resolve the name to another one.
            family, address = (await self._resolve(way.endpoint.host, way.endpoint.port, public_only=True))[0]
            host = f"[{address[0]}]" if family == socket.AF_INET6 else address[0]
            authority = f"{host}:{way.endpoint.port}"
        connected = await self._connect(proxy.host, proxy.port, public_only=False)
        try:
            await self._ask_proxy(connected, proxy, authority)
        except BaseException:
            connected.close()
            raise
        return connected

    async def _ask_proxy(self, connected: socket.socket, proxy: Proxy, authority: str) -> None:
        request = f"CONNECT {authority} HTTP/1.1\r\nhost: {authority}\r\n"
        if proxy.authorization is not None:
            request += f"proxy-authorization: {proxy.authorization}\r\n"
        await self._loop.sock_sendall(connected, f"{request}\r\n".encode("latin-1"))
        answer = b""
        while b"\r\n\r\n" not in answer:
            piece = await self._loop.sock_recv(connected, 4096)
            if not piece:
                raise DialError("the proxy closed the connection instead of answering")
            answer += piece
            if len(answer) > PROXY_HEAD_BYTES_MAX:
                raise DialError("the proxy's answer is too long")
        head, _, behind = answer.partition(b"\r\n\r\n")
        status_line = head.partition(b"\r\n")[0]
        words = status_line.split(b" ", 2)
        if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
            raise DialError("the proxy's answer is not HTTP")
        if not 200 <= int(words[1]) < 300:
            raise DialError(f"the proxy answered {int(words[1])} to CONNECT")
        if behind:
            raise DialError("the proxy sent bytes behind its answer")

    async def _connect(self, host: str, port: int, public_only: bool) -> socket.socket:
        addresses = await self._resolve(host, port, public_only)
        if len(addresses) == 1:
            return await self._connect_address(addresses[0])
        return await self._race(addresses)

    async def _resolve(self, host: str, port: int, public_only: bool) -> list[Address]:
        """Addresses to try, families taking turns, the system's first choice first."""
        try:
            found = await self._loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except UnicodeError as error:  # a label that is empty or too long
            raise DialError(f"{host[:80]!r} is not a host name") from error
        by_family: dict[socket.AddressFamily, list[Address]] = {}
        for family, _, _, _, address in found:
            if family in (socket.AF_INET, socket.AF_INET6) and (not public_only or is_public(str(address[0]))):
                by_family.setdefault(socket.AddressFamily(family), []).append((socket.AddressFamily(family), address))  # type: ignore[arg-type]  # typeshed's third shape is for builds without IPv6
        turns = [address for turn in zip_longest(*by_family.values()) for address in turn if address is not None]
        if not turns and found:
            raise DialError(f"{host} lies at a loopback, private or reserved address, which this channel may not reach")
        if not turns:
            raise DialError(f"{host} has no address")
        return turns[:ADDRESSES_MAX]

    async def _connect_address(self, address: Address) -> socket.socket:
        family, place = address
        connecting = socket.socket(family, socket.SOCK_STREAM)
        try:
            connecting.setblocking(False)
            await self._loop.sock_connect(connecting, place)
        except BaseException:
            connecting.close()
            raise
        return connecting

    async def _race(self, addresses: list[Address]) -> socket.socket:
        """The first address that answers, each one starting a little after the one before (RFC 8305)."""
        remaining = deque(addresses)
        running: set[asyncio.Task[socket.socket]] = set()
        failure: BaseException = DialError("no address answered")
        try:
            while remaining or running:
                if remaining:
                    running.add(self._loop.create_task(self._connect_address(remaining.popleft())))
                wait_s = HAPPY_EYEBALLS_S if remaining else None
                done, running = await asyncio.wait(running, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    error = task.exception()
                    if error is None:
                        running |= done - {task}
                        return task.result()
                    failure = error
            raise failure
        finally:
            for task in running:
                task.cancel()
                task.add_done_callback(_close_late)

    def _context(self, verify: bool) -> ssl.SSLContext:
        context = self._contexts.get(verify)
        if context is None:
            context = ssl.create_default_context()
            if self._ca_file is not None:
                context.load_verify_locations(self._ca_file)
            if not verify:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            context.set_alpn_protocols(["http/1.1"])
            self._contexts[verify] = context
        return context


def is_public(address: str) -> bool:
    """True for an address of the open Internet; an IPv4 address inside an IPv6 one is judged by itself."""
    parsed = ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv6Address):
        inner = _inner_address(parsed)
        if inner is None and parsed not in GLOBAL_UNICAST:
            return False
        parsed = inner or parsed
    return parsed.is_global and not parsed.is_multicast


def _inner_address(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that packets to this address would really go to."""
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def _close_late(task: "asyncio.Task[socket.socket]") -> None:
    """A loser of the race that connected before its cancellation arrived."""
    if not task.cancelled() and task.exception() is None:
        task.result().close()
