"""One HTTP/1.1 connection to an upstream: bytes in, sink calls out, no task or queue between.

Theory of operation. A connection serves one exchange at a time. `begin` writes the request; each read is parsed
where it lies (one read buffer serves all connections of a loop, since parsing is finished before the next read) and
every piece of body goes to the sink from within the parser's callback. What happens to the connection is decided
after the parser has returned, never inside it, so that bytes behind the end of a reply are seen before the
connection could be given to the next exchange.

A connection is used again only if the reply was framed beyond doubt, ended exactly where its framing said, both
sides want to keep the connection, and the whole request had been sent. Everything else closes it:

- Content-Length with Transfer-Encoding, two lengths, a transfer coding other than `chunked`, an unknown HTTP version,
  a head that is too long, a status outside 100..599, a switch of protocols, broken chunks: MALFORMED.
- The connection ends before the reply does: RESET. (A reply without any length ends with its connection, and that
  end cannot be told from a cut one: HTTP has no better.)
- Bytes behind the end of a reply, or on an idle connection: the reply stands, the connection goes.

One case is tried again, once and on a fresh connection: a reused connection that closed before any byte of an answer
within a second of the request. That is a server closing an idle connection while our request was on its way, which
it cannot have processed. After more than a second, or after a byte, it is a RESET, for the router to decide.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

from httptools import HttpParserCallbackError, HttpParserError, HttpParserUpgrade, HttpResponseParser

from smart_ai_router.adapters.upstream_decoding import Decoder, DecodingError
from smart_ai_router.adapters.upstream_exchange import DONE, NEVER, READING, SENT, HttpExchange
from smart_ai_router.adapters.upstream_framing import (
    COOKIES,
    HeaderNames,
    Malformed,
    check_framing,
    ends_with_connection,
)
from smart_ai_router.domain.faults import Fault, FaultKind

HEADERS_MAX = 200  # large providers send 30
SILENT_BYTES_MAX = 65_536  # received without one byte of body: heads, interim heads, chunk sizes, trailers
JOINED_BODY_MAX = 16_384  # up to here one buffer is cheaper than two
UPLOAD_PIECE_BYTES = 262_144


class Owner(Protocol):
    """The pool that a connection belongs to."""

    stale_close_s: float  # how soon after a request a reused connection closes when it was already closing

    def release(self, connection: "UpstreamConnection") -> None:
        """The reply is complete and the connection is good for another."""

    def withdraw(self, connection: "UpstreamConnection") -> None:
        """The connection is closing: give it to nobody."""

    def lost(self, connection: "UpstreamConnection") -> None:
        """The connection is closed."""

    def retry(self, exchange: HttpExchange) -> None:
        """Send this exchange again on a fresh connection."""


class UpstreamConnection(asyncio.BufferedProtocol):
    """One connection, and the parser state of the reply that is on it."""

    __slots__ = (
        "_answered",
        "_begun_at",
        "_complete",
        "_decoder",
        "_dirty",
        "_ends_with_connection",
        "_exchange",
        "_headers",
        "_interim",
        "_names",
        "_owner",
        "_parser",
        "_repeated_count",
        "_silent_bytes",
        "_time",
        "_transport",
        "_upload",
        "_view",
        "_write_paused",
        "idle_since",
        "look_at",
        "served",
    )

    def __init__(self, owner: Owner, time: Callable[[], float], view: memoryview, names: HeaderNames) -> None:
        self._owner = owner
        self._time = time
        self._view = view
        self._names = names
        self._parser = HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._exchange: HttpExchange | None = None
        self._upload: memoryview | None = None
        self._write_paused = False
        self._dirty = False  # something came that belongs to no reply
        self.served = 0  # replies completed
        self.idle_since = 0.0
        self.look_at = NEVER
        self._reset()

    def _reset(self) -> None:
        self._headers: dict[str, str] | None = {}  # None once the head is complete
        self._repeated_count = 0
        self._silent_bytes = 0
        self._answered = False  # any byte of an answer came
        self._interim = False
        self._complete = False
        self._ends_with_connection = False
        self._decoder: Decoder | None = None

    # --- what the pool and the exchange call -------------------------------------------------------------------

    def begin(self, exchange: HttpExchange) -> None:
        """Send the request of this exchange and take its reply. The connection must be idle."""
        transport = self._transport
        if transport is None or self._exchange is not None:
            raise RuntimeError("the connection is not idle")
        self._exchange = exchange
        exchange.line = self
        exchange.phase = SENT
        self._begun_at = now = exchange.stamp = self._time()
        pool = exchange.pool
        pool.watch(self, now + pool.look_s(exchange.route))
        if self.served:
            self._reset()
        if exchange.paused_reading:
            transport.pause_reading()
        head, body = exchange.head, exchange.body
        if not body:
            transport.write(head)
        elif len(body) <= JOINED_BODY_MAX:
            transport.write(head + body)
        elif len(body) <= UPLOAD_PIECE_BYTES:
            transport.writelines((head, body))
        else:
            transport.write(head)
            self._upload = memoryview(body)
            self._pump()

    def look(self, now: float) -> float | None:
        """What the wheel calls: end an exchange that is late."""
        return None if self._exchange is None else self._exchange.next_look(now)

    def drop(self) -> None:
        """Close at once, without a word; a later byte or error on it reaches nobody."""
        self._exchange = None
        self._upload = None
        self._owner.withdraw(self)
        if self._transport is not None:
            self._transport.abort()

    def stop(self, fault: Fault) -> None:
        """Close; an exchange that is on it hears the fault."""
        exchange = self._exchange
        if exchange is None:
            self.drop()
        else:
            exchange.fail(fault)

    def pause_reading(self) -> None:
        """Leave what the upstream sends in the kernel."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Take it again."""
        if self._transport is not None:
            self._transport.resume_reading()

    @property
    def is_open(self) -> bool:
        """False once the connection is closed or closing."""
        return self._transport is not None and not self._transport.is_closing()

    # --- what the transport calls ------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def get_buffer(self, _sizehint: int) -> memoryview:
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        exchange = self._exchange
        if exchange is None:
            self.drop()
            return
        if exchange.phase == READING:
            exchange.stamp = self._time()
        self._answered = True
        self._silent_bytes += nbytes
        try:
            self._parser.feed_data(self._view[:nbytes])
        except (HttpParserError, HttpParserUpgrade) as error:
            self._broken(exchange, error)
            return
        if self._exchange is not exchange:
            return  # cancelled from within its own sink
        if self._complete:
            self._finish(exchange)
        elif self._silent_bytes > SILENT_BYTES_MAX:
            self._broken(exchange, Malformed(f"more than {SILENT_BYTES_MAX} bytes came without any of the body"))

    def eof_received(self) -> None:
        self._owner.withdraw(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._upload = None
        exchange, self._exchange = self._exchange, None
        self._owner.lost(self)
        del self._parser  # each holds the other: a closed connection would wait for the garbage collector
        if exchange is None or exchange.phase == DONE:
            return
        exchange.line = None
        if self._ends_with_connection and exc is None:
            _deliver_end(exchange, self._decoder)
        elif self._is_stale_close(exchange):
            exchange.retried = True
            self._owner.retry(exchange)
        else:
            what = "before the reply was complete" if self._answered else "without an answer"
            exchange.fail(Fault(FaultKind.RESET, f"the upstream closed the connection {what}"))

    def pause_writing(self) -> None:
        self._write_paused = True

    def resume_writing(self) -> None:
        self._write_paused = False
        if self._upload is not None and self._exchange is not None:
            self._exchange.stamp = self._time()
            self._pump()

    # --- what the parser calls ---------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self._complete:
            self._dirty = True

    def on_header(self, name: bytes, value: bytes) -> None:
        headers = self._headers
        if headers is None:
            return  # a trailer
        key = self._names[name]
        if not key:
            return
        if key in headers:
            self._repeated_count += 1
            if self._repeated_count > HEADERS_MAX:
                raise Malformed(f"more than {HEADERS_MAX} repeated headers")
            text = value.decode("latin-1")
            headers[key] = text if key in COOKIES else f"{headers[key]}, {text}"  # cookies cannot be joined
        else:
            headers[key] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        exchange = self._exchange
        headers = self._headers
        if exchange is None or self._complete or headers is None:
            self._dirty = True
            return
        status = self._parser.get_status_code()
        if status < 200:
            if status < 100 or status == 101:
                raise Malformed(f"the status is {status}")
            self._interim = True  # 100 Continue, 103 Early Hints: not the answer yet
            self._headers = {}
            return
        if len(headers) > HEADERS_MAX:
            raise Malformed(f"more than {HEADERS_MAX} headers")
        check_framing(status, self._parser.get_http_version(), headers)
        exchange.phase = READING
        exchange.stamp = self._time()
        exchange.body = b""
        self._headers = None
        bodiless = exchange.is_head_request or status in (204, 304)
        if bodiless:
            self._complete = True
            self._dirty = self._dirty or not self._parser.should_keep_alive()
        else:
            self._ends_with_connection = ends_with_connection(headers)
            coding = headers.pop("content-encoding", "").strip().lower()
            if coding and coding != "identity":
                headers.pop("content-length", None)
                self._decoder = Decoder(coding)
        headers.pop("transfer-encoding", None)
        exchange.sink.on_head(status, headers)
        if bodiless:
            # The parser cannot be told that no body follows; a new one is at the right place.
            self._parser = HttpResponseParser(self)

    def on_body(self, data: bytes) -> None:
        exchange = self._exchange
        if exchange is None or self._complete:
            self._dirty = True
            return
        self._silent_bytes = 0
        if self._decoder is None:
            exchange.sink.on_data(data)
            return
        for piece in self._decoder.decode(data):
            exchange.sink.on_data(piece)
            if exchange.phase == DONE:
                return

    def on_message_complete(self) -> None:
        if self._interim:
            self._interim = False
        elif not self._complete:
            self._complete = True
            if not self._parser.should_keep_alive():
                self._dirty = True

    # --- inside ------------------------------------------------------------------------------------------------

    def _pump(self) -> None:
        transport, upload = self._transport, self._upload
        while upload is not None and transport is not None and not self._write_paused:
            transport.write(upload[:UPLOAD_PIECE_BYTES])
            upload = self._upload = upload[UPLOAD_PIECE_BYTES:] or None

    def _is_stale_close(self, exchange: HttpExchange) -> bool:
        if self._answered or not self.served or exchange.retried:
            return False
        return self._time() - self._begun_at < self._owner.stale_close_s

    def _broken(self, exchange: HttpExchange, error: Exception) -> None:
        """The parser refused the bytes, or a callback did."""
        cause = error.__context__ if isinstance(error, HttpParserCallbackError) else error
        is_sinks_bug = not isinstance(cause, HttpParserError | HttpParserUpgrade | Malformed | DecodingError)
        if is_sinks_bug and cause is not None:
            exchange.pool.report(cause)
        if self._exchange is not exchange:
            return  # cancelled from within its own sink
        if self._complete and cause is error:
            self._dirty = True  # the reply was whole; what came behind it was not
            self._finish(exchange)
        elif is_sinks_bug:
            exchange.fail(Fault(FaultKind.RESET, "the reply could not be handled here"))
        else:
            exchange.fail(_malformed(cause))

    def _finish(self, exchange: HttpExchange) -> None:
        """The reply is complete: take the connection back, then tell the sink."""
        self._exchange = None
        exchange.line = None
        self.served += 1
        decoder = self._decoder
        if self._dirty or self._upload is not None or self._write_paused or not self.is_open:
            self.drop()
        else:
            if exchange.paused_reading:
                self.resume_reading()
            self._owner.release(self)  # from here on the connection may be another exchange's
        _deliver_end(exchange, decoder)


def _deliver_end(exchange: HttpExchange, decoder: Decoder | None) -> None:
    if decoder is not None:
        try:
            decoder.finish()
        except DecodingError as error:
            exchange.fail(_malformed(error))
            return
    exchange.end()


def _malformed(cause: BaseException | None) -> Fault:
    return Fault(FaultKind.MALFORMED, f"the upstream's reply is malformed: {cause}")
