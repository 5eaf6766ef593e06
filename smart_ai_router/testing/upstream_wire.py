"""One connection of the test upstream: requests in, steps out, with no task of its own."""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable, Iterator
from typing import cast

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from smart_ai_router.testing.upstream_call import Request
from smart_ai_router.testing.upstream_delivery import End, Step
from smart_ai_router.testing.upstream_served import Served

Answer = Callable[[Request, int], tuple[Served | None, Iterator[Step]]]
REFUSED = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
LINGER_NOT = struct.pack("ii", 1, 0)  # closing with this sends RST


class Wire(asyncio.Protocol):
    """Parses requests and plays the steps of one answer after the other."""

    def __init__(self, answer: Answer, number: int, wires: set["Wire"]) -> None:
        self._answer = answer
        self._number = number
        self._wires = wires
        self._parser = HttpRequestParser(self)
        self._queue: deque[Request] = deque()
        self._steps: Iterator[Step] | None = None
        self._served: Served | None = None
        self._timer: asyncio.Handle | None = None
        self._paused = False
        self._closes_on_next = False
        self._stalled = False
        self._begin()

    def _begin(self) -> None:
        self._path = ""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._loop = asyncio.get_running_loop()
        self._wires.add(self)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._wires.discard(self)
        self._steps = None
        self._queue.clear()
        if self._timer is not None:
            self._timer.cancel()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            self._transport.write(REFUSED)
            self._transport.close()

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        if self._steps is not None and self._timer is None:
            self._play()

    # --- the parser's callbacks --------------------------------------------------------------------------------

    def on_url(self, url: bytes) -> None:
        self._path += url.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if self._headers.get("expect", "").lower() == "100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        method = self._parser.get_method().decode("latin-1")
        self._queue.append(Request(method, self._path, self._headers, b"".join(self._body)))
        self._begin()
        if self._closes_on_next:
            self._transport.close()
        elif self._steps is None and not self._stalled:
            self._next()

    # --- playing -----------------------------------------------------------------------------------------------

    def _next(self) -> None:
        if self._queue:
            self._served, self._steps = self._answer(self._queue.popleft(), self._number)
            self._play()

    def _play(self) -> None:
        self._timer = None
        steps = self._steps
        if steps is None:
            return
        while not self._paused:
            step = next(steps, End.KEEP)
            if isinstance(step, bytes):
                self._transport.write(step)
                if self._served is not None:
                    self._served.sent_bytes += len(step)
            elif isinstance(step, End):
                self._end(step)
                return
            elif step > 0:
                self._timer = self._loop.call_later(step, self._play)
                return
            else:
                self._timer = self._loop.call_soon(self._play)
                return

    def _end(self, end: End) -> None:
        self._steps = None
        if end is End.STALL:
            self._stalled = True
            return
        if end is End.RESET:
            raw = self._transport.get_extra_info("socket")
            if raw is not None and raw.family != socket.AF_UNIX:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
            self._transport.abort()
            return
        if self._served is not None:
            self._served.completed = True
        if end is End.CLOSE:
            self._transport.close()
            return
        self._closes_on_next = end is End.CLOSE_ON_NEXT
        self._next()
