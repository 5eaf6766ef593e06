"""Where a request goes and how its head begins: URLs are split once and kept, heads are built from kept parts.

Three schemes: `http://host[:port]/path`, `https://host[:port]/path`, and `http+unix://<socket path>/path`, where the
socket path is percent-encoded (`http+unix://%2Frun%2Frouter.sock/v1/stats`), for the control plane on this machine.
"""

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from smart_ai_router.core.ports import Headers

DEFAULT_PORTS = {"http": 80, "https": 443}
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


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A place that connections are made to."""

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
    """A URL taken apart, with the first lines of its requests by method."""

    endpoint: Endpoint
    host_header: str | None  # None for a unix socket: there the caller's own Host header is passed on
    path: str
    starts: dict[str, str] = field(default_factory=dict)

    def start(self, method: str) -> str:
        """The request line and our own headers; kept per method.

        Raises ValueError for a method that is not plain upper-case letters.
        """
        start = self.starts.get(method)
        if start is None:
            if not (method.isascii() and method.isalpha() and method.isupper()):
                raise ValueError(f"{method!r} is not an HTTP method")
            host = "" if self.host_header is None else f"host: {self.host_header}\r\n"
            start = f"{method} {self.path} HTTP/1.1\r\n{host}accept-encoding: identity\r\n"
            self.starts[method] = start
        return start


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
            if len(self._by_url) >= TARGETS_MAX:
                self._by_url.clear()
            self._by_url[url] = target
        return target


def parse_target(url: str) -> Target:
    """Take one URL apart.

    Raises ValueError for another scheme, no host, credentials, a fragment, or characters that a request line cannot
    carry: an upstream's URL comes from the operator's file and is refused there, so here it is a bug.
    """
    if not url.isascii() or any(character <= " " or character == "\x7f" for character in url):
        raise ValueError(f"{url!r} has characters that must be percent-encoded")
    parts = urlsplit(url)
    if parts.fragment:
        raise ValueError(f"{url!r} has a fragment, which is never sent")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if parts.scheme == "http+unix":
        socket_path = unquote(parts.netloc)
        if not socket_path.startswith("/") or "\0" in socket_path:
            raise ValueError(f"{url!r} must name an absolute socket path, like http+unix://%2Frun%2Fa.sock/path")
        return Target(Endpoint("http+unix", socket_path, 0), None, path)
    if parts.scheme not in DEFAULT_PORTS:
        raise ValueError(f"{url!r} must begin with http://, https:// or http+unix://")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a URL with credentials in it is refused; put them into a header")
    if not parts.hostname:
        raise ValueError(f"{url!r} names no host")
    port = parts.port or DEFAULT_PORTS[parts.scheme]
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    host_header = host if port == DEFAULT_PORTS[parts.scheme] else f"{host}:{port}"
    return Target(Endpoint(parts.scheme, parts.hostname, port), host_header, path)


def request_head(target: Target, method: str, headers: Headers, body_length: int) -> bytes:
    """The head of one request, with our own framing headers.

    Raises ValueError for a header that holds a line break, a NUL or a character outside latin-1.
    """
    lines = [target.start(method)]
    if target.host_header is None:
        lines.append(f"host: {next((value for name, value in headers if name == 'host'), 'localhost')}\r\n")
    for name, value in headers:
        if name not in OWN_HEADERS:
            lines.append(f"{name}: {value}\r\n")
    if body_length or method not in BODILESS_METHODS:
        lines.append(f"content-length: {body_length}\r\n")
    lines.append("\r\n")
    head = "".join(lines)
    # Every line ends once; the start has two or three lines. One count finds an injected line in any header.
    line_count = len(lines) + (1 if target.host_header is None else 2)
    if head.count("\n") != line_count or head.count("\r") != line_count or "\0" in head:
        bad = next((name for name, value in headers if any(c in name + value for c in "\r\n\0")), "?")
        raise ValueError(f"the header {bad!r} holds a line break or a NUL")
    return head.encode("latin-1")
