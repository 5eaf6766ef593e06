"""Where a request goes and how its head begins: URLs are split once and kept, heads are built from kept parts.

Three schemes: `http://host[:port]/path`, `https://host[:port]/path`, and `http+unix://<socket path>/path`, where the
socket path is percent-encoded (`http+unix://%2Frun%2Frouter.sock/v1/stats`), for the control plane on this machine.
"""

from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

from smart_ai_router.core.ports import Headers

DEFAULT_PORTS = {"http": 80, "https": 443}
UNIX_PREFIX = "http+unix://"
PATH_CHARACTERS = "!$%&'()*+,-./:;=?@[]^_`{|}~\"<>\\"  # beside letters and digits: as they came
BEGINNINGS_MAX = 256  # one per channel that shares a URL
TARGETS_MAX = 4096  # one entry per URL in use; a configuration of a thousand channels uses a few thousand

# What belongs to one connection or is decided here. A caller's copy is dropped, so that nobody can frame a request
# twice, ask for an encoding we would have to decode, or name another host than the one the key belongs to.
OWN_HEADERS = frozenset(
    (
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
BODILESS_METHODS = frozenset(("GET", "HEAD", "DELETE", "OPTIONS"))


class Endpoint(NamedTuple):
    """A place that connections are made to. A tuple and not a dataclass: every call finds its pool by it."""

    scheme: str  # http | https | http+unix
    host: str  # a name or an address without brackets; the socket path for http+unix
    port: int  # 0 for http+unix

    @property
    def authority(self) -> str:
        """What a Host header or a CONNECT line says; the default port is left out of a Host header, not here."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return self.host if self.scheme == "http+unix" else self.authority


@dataclass(slots=True)
class Target:
    """A URL taken apart, with the beginnings of its requests as they were sent before."""

    endpoint: Endpoint
    host_header: str | None  # None for a unix socket: there the caller's own Host header is passed on
    path: str
    beginnings: dict[int, tuple[Headers, str, bytes]] = field(default_factory=dict)  # by identity of the headers

    def beginning(self, method: str, headers: Headers) -> bytes:
        """The head of a request up to its length.

        A caller that sends the same tuple of headers again (a channel's are always the same) gets what was built and
        checked before. Raises ValueError for a method that is not plain upper-case letters, and for a header that
        holds a line break, a NUL or a character outside latin-1.
        """
        known = self.beginnings.get(id(headers))
        if known is not None and known[0] is headers and known[1] == method:
            return known[2]
        built = self._build(method, headers)
        if isinstance(headers, tuple):
            if len(self.beginnings) >= BEGINNINGS_MAX:
                self.beginnings.clear()
            self.beginnings[id(headers)] = (headers, method, built)
        return built

    def _build(self, method: str, headers: Headers) -> bytes:
        if not (method.isascii() and method.isalpha() and method.isupper()):
            raise ValueError(f"{method!r} is not an HTTP method")
        host = self.host_header
        if host is None:
            host = next((value for name, value in headers if name == "host"), "localhost")
        lines = [f"{method} {self.path} HTTP/1.1\r\n", f"host: {host}\r\n", "accept-encoding: identity\r\n"]
        lines += [f"{name}: {value}\r\n" for name, value in headers if name not in OWN_HEADERS]
        head = "".join(lines)
        # Every line ends once: one count finds an injected line in any header.
        if head.count("\n") != len(lines) or head.count("\r") != len(lines) or "\0" in head:
            bad = next((name for name, value in headers if any(c in name + value for c in "\r\n\0")), "?")
            raise ValueError(f"the header {bad!r} holds a line break or a NUL")
        return head.encode("latin-1")


class Targets:
    """URLs taken apart, remembered."""

    __slots__ = ("_by_url",)

    def __init__(self) -> None:
        self._by_url: dict[str, Target] = {}

    def get(self, url: str) -> Target:
        """The target of a URL. Raises ValueError for one that cannot be called."""
        target = self._by_url.get(url)
        if target is None:
            target = parse_target(url)
            if target.host_header is None:
                return target  # its path is a client's own, and there is no end of those
            if len(self._by_url) >= TARGETS_MAX:
                self._by_url.clear()
            self._by_url[url] = target
        return target


def parse_target(url: str) -> Target:
    """Take one URL apart.

    Raises ValueError for another scheme, no host, credentials, a fragment, or characters that a request line cannot
    carry: an upstream's URL comes from the operator's file and is refused there, so here it is a bug. Behind a unix
    socket the path is a client's: what a request line cannot carry is percent-encoded there.
    """
    if url.startswith(UNIX_PREFIX):
        return _parse_unix_target(url)
    if not url.isascii() or any(character <= " " or character == "\x7f" for character in url):
        raise ValueError(f"{url!r} must have its spaces, control and non-ASCII characters percent-encoded")
    parts = urlsplit(url)
    if parts.scheme not in DEFAULT_PORTS:
        raise ValueError(f"{url!r} must begin with http://, https:// or {UNIX_PREFIX}")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a URL with credentials in it is refused; put them into a header")
    if parts.fragment:
        raise ValueError(f"{url!r} has a fragment, which is never sent")
    if not parts.hostname:
        raise ValueError(f"{url!r} names no host")
    port = parts.port or DEFAULT_PORTS[parts.scheme]
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    host_header = host if port == DEFAULT_PORTS[parts.scheme] else f"{host}:{port}"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(Endpoint(parts.scheme, parts.hostname, port), host_header, path)


def _parse_unix_target(url: str) -> Target:
    encoded_socket, slash, rest = url.removeprefix(UNIX_PREFIX).partition("/")
    socket_path = unquote(encoded_socket)
    if not socket_path.startswith("/") or "\0" in socket_path:
        raise ValueError(f"{url!r} must name an absolute socket path, like {UNIX_PREFIX}%2Frun%2Fa.sock/path")
    return Target(Endpoint("http+unix", socket_path, 0), None, quote((slash or "/") + rest, safe=PATH_CHARACTERS))


def request_head(target: Target, method: str, headers: Headers, body_length: int) -> bytes:
    """The head of one request. Raises what `Target.beginning` raises."""
    beginning = target.beginning(method, headers)
    if body_length or method not in BODILESS_METHODS:
        return b"%bcontent-length: %d\r\n\r\n" % (beginning, body_length)
    return beginning + b"\r\n"
