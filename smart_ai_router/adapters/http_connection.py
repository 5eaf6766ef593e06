"""One client connection of the gateway's own HTTP/1.1 server: an asyncio Protocol over httptools, no task per request.

Theory of operation. A connection parses bytes into requests. One request is answered at a time; requests that a
client pipelines wait in order. The handler is called once the whole body is there and answers through `HttpReply`,
at once or later. Every wait has a deadline, kept as a number on the connection and checked by one sweep a second
for all connections, so that no timer is made per request: head (slow headers), body (slow bodies), keep-alive
(idle clients) and writing (slow readers). A connection that breaks framing is answered once and closed; bytes
after that are never read as another request, only thrown away for a moment, because a close with bytes unread would
reset the connection and take the answer with it. A client that does not read its answers is not served its next
request, and the bodies that all connections together hold are bounded.
"""

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from typing import Final, Protocol, cast

import httptools

from smart_ai_router.adapters.http_reply import HttpReply
from smart_ai_router.core.http_messages import Handler, HttpRequest

PIPELINE_MAX: Final = 16  # waiting requests of one connection before it is no longer read
HEADERS_MAX: Final = 100  # nginx and Apache allow about as many
HEADER_NAMES_KEPT_MAX: Final = 512  # a client may send any names it likes; all of them together take 50 kB here
HEADER_NAME_KEPT_BYTES_MAX: Final = 40
HTTP_VERSIONS: Final = ("1.1", "1.0")
WRITE_BUFFER_BYTES: Final = 64 * 1024  # per open stream; beyond it the upstream is paused
LINGER_S: Final = 5.0  # how long bytes behind a refused request are thrown away; a client that sends on is cut then

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """What one client may cost before it is cut off."""

    head_bytes_max: int = 32 * 1024
    body_bytes_max: int = 10 * 1024 * 1024
    connections_max: int = 10_000  # two file descriptors a stream; the usual hard limit is 20,000
    head_s: float = 10.0
    body_s: float = 60.0
    body_bytes_per_s_min: int = 1024  # a body that arrives slower than this after its first ten seconds is cut
    keep_alive_s: float = 75.0
    write_stall_s: float = 60.0
    read_bytes_per_s_min: int = 1024  # a client that takes an answer slower than this after its first minute is cut
    bodies_bytes_max: int = (
        512 * 1024 * 1024
    )  # request bodies of all connections; beyond it 503, before memory runs out


class HeaderNames(dict[bytes, str]):
    """Header names as received -> in lower case; those that come with every request are remembered."""

    def __missing__(self, raw: bytes) -> str:
        name = raw.lower().decode("latin-1")
        if len(raw) <= HEADER_NAME_KEPT_BYTES_MAX and len(self) < HEADER_NAMES_KEPT_MAX:
            self[raw] = name
        return name


class Server(Protocol):
    """What a connection asks of the server that it belongs to."""

    handler: Handler
    limits: ServerLimits
    header_names: HeaderNames
    is_draining: bool

    @property
    def can_linger(self) -> bool:
        """True while a refused connection may stay until its client has read the answer."""

    def now(self) -> float:
        """Monotonic seconds."""

    def admit(self, connection: "Connection") -> bool:
        """Count a new connection in; False when there are too many."""

    def forget(self, connection: "Connection") -> None:
        """It is closed."""

    def hold(self, body_bytes: int) -> bool:
        """Count bytes of a request's body in; False when all bodies together take too much."""

    def release(self, body_bytes: int) -> None:
        """Bodies of a connection are no longer held."""


class Connection(asyncio.Protocol):
    """One client connection."""

    __slots__ = (
        "_bodies_bytes",
        "_body",
        "_body_bytes",
        "_broken",
        "_client_ip",
        "_current",
        "_deadline",
        "_head_bytes",
        "_header_room",
        "_headers",
        "_lingers",
        "_names",
        "_parser",
        "_request",
        "_server",
        "_stalled_bytes",
        "_stalled_since",
        "_target",
        "_waiting",
        "keep_alive",
        "speaks_chunked",
        "transport",
    )

    transport: asyncio.Transport

    def __init__(self, server: Server) -> None:
        self._server = server
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[tuple[HttpRequest, bool, bool]] = deque()
        self._current: HttpReply | None = None
        self._request: HttpRequest | None = None
        self._names = server.header_names
        self._headers: dict[str, str] = {}
        self._header_room = 0
        self._target = b""
        self._body: bytes | bytearray = b""
        self._body_bytes = 0
        self._bodies_bytes = 0  # of the requests of this connection that are not answered yet
        self._head_bytes = 0
        self._broken = False
        self._lingers = False
        self._stalled_since: float | None = None
        self._stalled_bytes = 0
        self._client_ip = ""
        self._deadline = server.now() + server.limits.head_s
        self.keep_alive = True
        self.speaks_chunked = True

    # --- asyncio ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's transports do not inherit from it
        peer = transport.get_extra_info("peername")
        self._client_ip = peer[0] if isinstance(peer, tuple) else ""
        self.transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        if not self._server.admit(self):
            self._fail(503, "too many connections; try again in a moment")

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._broken = True
        self._server.forget(self)
        self._release_bodies()
        self._waiting.clear()
        if self._current is not None:
            current, self._current = self._current, None
            current.client_left()
        del self._parser  # each holds the other: a closed connection would wait for the garbage collector

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        self._stalled_since = self._server.now()
        self._stalled_bytes = self.transport.get_write_buffer_size()
        if self._current is not None and self._current.events is not None:
            self._current.events.on_client_slow()

    def resume_writing(self) -> None:
        self._stalled_since = None
        if self._current is not None and self._current.events is not None:
            self._current.events.on_client_ready()
        elif self._current is None and self._waiting and not self._broken:
            self._serve_next()

    def data_received(self, data: bytes) -> None:
        if self._broken:
            return
        if self._request is None:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            cause = error.__context__
            if isinstance(cause, RequestRefused):
                self._fail(cause.status, str(cause))
            else:
                self._fail(400, "the request is not valid HTTP/1.1")
        else:
            if self._request is None and self._head_bytes > self._server.limits.head_bytes_max:
                self._fail(431, f"the request head is larger than {self._server.limits.head_bytes_max} bytes")

    # --- httptools ---

    def on_message_begin(self) -> None:
        self._headers = {}
        self._header_room = self._server.limits.head_bytes_max
        self._target = b""
        self._body = b""
        self._body_bytes = 0
        self._request = None
        if self._current is None:
            self._deadline = self._server.now() + self._server.limits.head_s

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_room -= len(name) + len(value)
        if self._header_room < 0:
            raise RequestRefused(431, f"the request head is larger than {self._server.limits.head_bytes_max} bytes")
        if self._request is not None:
            return  # a trailer: it comes too late to say anything about the request
        key = self._names[name]
        headers = self._headers
        if key not in headers:
            headers[key] = value.decode("latin-1")
        elif key == "host":
            raise RequestRefused(400, "the request has two Host headers")
        else:
            headers[key] = f"{headers[key]}, {value.decode('latin-1')}"

    def on_headers_complete(self) -> None:
        limits = self._server.limits
        headers = self._headers
        version = self._parser.get_http_version()
        if len(headers) > HEADERS_MAX:
            raise RequestRefused(431, f"the request has more than {HEADERS_MAX} headers")
        if version not in HTTP_VERSIONS:
            raise RequestRefused(505, f"HTTP/{version} is not served; use HTTP/1.1")
        if "host" not in headers and version == "1.1":
            raise RequestRefused(400, "the request has no Host header")
        if self._parser.should_upgrade():
            raise RequestRefused(501, "this connection cannot be upgraded to another protocol")
        length = headers.get("content-length")
        if length is not None and int(length) > limits.body_bytes_max:
            raise RequestRefused(413, f"the request body is larger than {limits.body_bytes_max} bytes")
        method = self._parser.get_method().decode("ascii")
        now = self._server.now()
        self._request = HttpRequest(method, self._target, headers, self._client_ip, now)
        self._head_bytes = 0
        self._deadline = now + limits.body_s
        if headers.get("expect", "").lower() == "100-continue" and self._current is None:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._body_bytes > self._server.limits.body_bytes_max:
            raise RequestRefused(413, f"the request body is larger than {self._server.limits.body_bytes_max} bytes")
        self._bodies_bytes += len(body)
        if not self._server.hold(len(body)):
            raise RequestRefused(503, "too many large requests are waiting; try again in a moment")
        if not self._body:
            self._body = body
            return
        if isinstance(self._body, bytes):
            self._body = bytearray(self._body)  # grows in place: a body may come in millions of pieces
        self._body += body

    def on_message_complete(self) -> None:
        request = self._request
        if request is None or self._broken:
            return
        self._request = None
        request.body = bytes(self._body)
        self._body = b""
        keep_alive = self._parser.should_keep_alive()
        chunked = self._parser.get_http_version() == "1.1"
        if self._current is None and self._stalled_since is None:
            self._dispatch(request, keep_alive, chunked)
            return
        self._waiting.append((request, keep_alive, chunked))
        if len(self._waiting) >= PIPELINE_MAX:
            self.transport.pause_reading()

    # --- answering ---

    @property
    def is_draining(self) -> bool:
        return self._server.is_draining

    def reply_finished(self) -> None:
        """The current reply is complete: serve the next waiting request, or wait for one."""
        self._current = None
        if not self._waiting and self._request is None:
            self._release_bodies()
        if self._lingers:
            self._deadline = self._server.now() + LINGER_S
            self.transport.write_eof()
            return
        if not self.keep_alive or self._server.is_draining:
            self._broken = True
            self.transport.close()
            return
        self._deadline = self._server.now() + self._server.limits.keep_alive_s
        if self._waiting and self._stalled_since is None:
            self._serve_next()

    def _serve_next(self) -> None:
        request, keep_alive, chunked = self._waiting.popleft()
        self.transport.resume_reading()
        self._dispatch(request, keep_alive, chunked)

    def _release_bodies(self) -> None:
        if self._bodies_bytes:
            self._server.release(self._bodies_bytes)
            self._bodies_bytes = 0

    def close_after_error(self) -> None:
        """Cut the connection: what was sent so far is not a whole answer."""
        self._broken = True
        self._current = None
        self.transport.abort()

    def close_when_idle(self) -> None:
        """Draining: an idle connection closes now, a busy one after its reply."""
        if self._current is None and self._request is None:
            self.transport.close()

    def expire(self, now: float) -> None:
        """Close the connection if the deadline of what it waits for has passed."""
        limits = self._server.limits
        if self._stalled_since is not None and self._reads_too_slowly(now):
            self.transport.abort()
        elif self._current is not None:
            return
        elif self._lingers:
            if now > self._deadline:
                self.transport.abort()
        elif self._request is not None:
            if now > self._deadline or self._too_slow(self._request, now):
                self._fail(408, f"the request body did not arrive within {limits.body_s:g} s")
        elif now > self._deadline:
            if self._head_bytes:
                self._fail(408, f"the request head did not arrive within {limits.head_s:g} s")
            else:
                self.transport.close()

    def _reads_too_slowly(self, now: float) -> bool:
        """True for a client that has taken next to nothing of its answers for too long."""
        assert self._stalled_since is not None
        limits = self._server.limits
        waited = now - self._stalled_since
        taken = self._stalled_bytes - self.transport.get_write_buffer_size()
        return waited > limits.write_stall_s and taken < waited * limits.read_bytes_per_s_min

    def _too_slow(self, request: HttpRequest, now: float) -> bool:
        waited = now - request.received_at
        return (
            waited > self._server.limits.head_s and self._body_bytes < waited * self._server.limits.body_bytes_per_s_min
        )

    def _dispatch(self, request: HttpRequest, keep_alive: bool, chunked: bool) -> None:
        self.keep_alive = keep_alive
        self.speaks_chunked = chunked
        reply = HttpReply(self, request.method == "HEAD")
        self._current = reply
        try:
            self._server.handler.handle(request, reply)
        except Exception:  # the request's edge: a mistake of ours costs this request, and is told
            _logger.exception("%s %r could not be handled", request.method, request.path[:200])
            if reply.started:
                reply.abort()
            else:
                self.keep_alive = False
                self._server.handler.refuse(500, "the router made a mistake; its log says more", reply)

    def _fail(self, status: int, message: str) -> None:
        """Answer once in the API's error shape and close; a reply under way is cut instead."""
        self._broken = True
        if self._current is not None:
            current, self._current = self._current, None
            current.client_left()
            self.transport.abort()
            return
        self.keep_alive = False
        self._request, self._body = None, b""
        self._lingers = self._server.can_linger
        reply = HttpReply(self, head_only=False)
        self._server.handler.refuse(status, message, reply)


class RequestRefused(Exception):
    """A request that is not served; raised inside parser callbacks, carries the status to answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
