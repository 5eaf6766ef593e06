"""The answer to one request, put on the wire."""

import asyncio
from collections.abc import Iterable
from http import HTTPStatus
from typing import Final, Protocol

from smart_ai_router.core.http_messages import ClientEvents
from smart_ai_router.core.ports import Headers

_STATUS_LINES: Final = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}
_CHUNKED_END: Final = b"0\r\n\r\n"


class ReplyLine(Protocol):
    """The client connection that carries a reply."""

    transport: asyncio.Transport
    keep_alive: bool
    speaks_chunked: bool

    @property
    def is_draining(self) -> bool: ...

    def reply_finished(self) -> None:
        """The reply is complete."""

    def close_after_error(self) -> None:
        """Cut the connection: what was sent so far is not a whole answer."""


class HttpReply:
    """The answer to one request. Calls after the client left do nothing."""

    __slots__ = ("_chunked", "_connection", "_finished", "_head_only", "events", "extra_headers", "started")

    def __init__(self, connection: "ReplyLine", head_only: bool) -> None:
        self._connection: ReplyLine | None = connection
        self._chunked = False
        self._finished = False
        self._head_only = head_only
        self.events: ClientEvents | None = None
        self.extra_headers: Headers = ()
        self.started = False

    @property
    def is_open(self) -> bool:
        """False once it is finished or the client has left."""
        return self._connection is not None and not self._finished

    def start(self, status: int, headers: Iterable[tuple[str, str]], length: int | None) -> None:
        self._send_head(status, headers, length, b"")

    def send(self, status: int, headers: Iterable[tuple[str, str]], body: bytes) -> None:
        """A whole answer in one write."""
        self._send_head(status, headers, len(body), b"" if self._head_only else body)
        self.finish()

    def write(self, data: bytes) -> None:
        connection = self._connection
        if connection is None or self._finished or self._head_only or not data:
            return
        if self._chunked:
            connection.transport.write(b"%x\r\n%b\r\n" % (len(data), data))
        else:
            connection.transport.write(data)

    def finish(self, last: bytes = b"") -> None:
        """End the reply, with its last bytes if any, in one write."""
        connection = self._connection
        if connection is None or self._finished:
            return
        self._finished = True
        if self._chunked and not self._head_only:
            tail = b"%x\r\n%b\r\n0\r\n\r\n" % (len(last), last) if last else _CHUNKED_END
            connection.transport.write(tail)
        elif last and not self._head_only:
            connection.transport.write(last)
        connection.reply_finished()

    def abort(self) -> None:
        """Close the connection without a proper end: the only honest end of a reply that was cut."""
        connection = self._connection
        if connection is not None and not self._finished:
            self._finished = True
            connection.close_after_error()

    def client_left(self) -> None:
        """Called by the connection."""
        self._connection = None
        if not self._finished and self.events is not None:
            self.events.on_client_gone()

    def _send_head(self, status: int, headers: Iterable[tuple[str, str]], length: int | None, body: bytes) -> None:
        connection = self._connection
        if connection is None or self.started:
            return
        self.started = True
        if connection.is_draining:
            connection.keep_alive = False
        if self.extra_headers:
            headers = (*headers, *self.extra_headers)
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
        if length is not None:
            framing = f"content-length: {length}\r\n"
        elif connection.speaks_chunked:
            self._chunked = True
            framing = "transfer-encoding: chunked\r\n"
        else:
            framing = ""
            connection.keep_alive = False
        end = "\r\n" if connection.keep_alive else "connection: close\r\n\r\n"
        first = _STATUS_LINES.get(status) or f"HTTP/1.1 {status} \r\n"  # a provider's own number
        head = f"{first}{lines}{framing}{end}".encode("latin-1", "replace")
        connection.transport.write(head + body)
