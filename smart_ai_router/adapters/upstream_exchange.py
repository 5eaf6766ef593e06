"""One upstream call under way, and the wheel that ends the late ones.

An exchange goes through four phases, each with its own time limit, and ends once:

    WAITING  (connect_s: no connection yet)  ->  SENT  (first_byte_s: no complete head yet)
    ->  READING  (idle_s: between two reads; stands still while we ourselves have paused)  ->  DONE

`total_s` runs over all of them. Whoever ends an exchange (its reply, a fault, `cancel`) sets DONE first; everything
that comes later finds DONE and does nothing, so that a sink hears exactly one end.

The wheel replaces a timer per call: an exchange lies in the bucket of the moment when it is next worth a look, at
most a second ahead, so that ended ones are not kept longer than that. A limit is thus enforced up to a quarter of
the smallest limit (at most a second) late, which is what makes it nearly free.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from smart_ai_router.core.ports import ExchangeSink, UpstreamRoute
from smart_ai_router.domain.faults import Fault, FaultKind

WAITING: Final = 0
SENT: Final = 1
READING: Final = 2
DONE: Final = 3

LOOK_S = 1.0  # the longest time between two looks at one exchange


class Line(Protocol):
    """The connection that an exchange holds."""

    def drop(self) -> None:
        """Close at once; it is never used again."""

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Pool(Protocol):
    """Where an exchange waits for its connection, and what it shares with its neighbours."""

    time: Callable[[], float]

    def leave(self, exchange: "HttpExchange") -> None:
        """The exchange waits no more."""

    def report(self, error: BaseException) -> None:
        """A sink raised."""


class _DeafSink:
    """Stands in for the sink of an ended exchange, so that the wheel keeps no call alive."""

    def on_head(self, status: int, headers: Mapping[str, str]) -> None: ...

    def on_data(self, data: bytes) -> None: ...

    def on_end(self) -> None: ...

    def on_fault(self, fault: Fault) -> None: ...


DEAF: Final[ExchangeSink] = _DeafSink()


class HttpExchange:
    """One upstream call: what to send, whom to tell, and how late it is."""

    __slots__ = (
        "body",
        "head",
        "is_head_request",
        "line",
        "paused_reading",
        "phase",
        "pool",
        "retried",
        "route",
        "sink",
        "stamp",
        "started",
    )

    def __init__(self, head: bytes, body: bytes, route: UpstreamRoute, sink: ExchangeSink, pool: Pool) -> None:
        self.head = head
        self.body = body
        self.route = route
        self.sink = sink
        self.pool = pool
        self.is_head_request = head.startswith(b"HEAD ")
        self.phase: int = WAITING
        self.started = self.stamp = pool.time()  # stamp: when the phase last made progress
        self.paused_reading = False
        self.retried = False
        self.line: Line | None = None

    def cancel(self) -> None:
        """Stop; the sink hears nothing more. The connection is closed."""
        if self.phase != DONE:
            self._let_go()

    def pause_reading(self) -> None:
        """Read no more from the upstream; what is already in the read buffer (64 KiB at most) still comes."""
        self.paused_reading = True
        if self.line is not None:
            self.line.pause_reading()

    def resume_reading(self) -> None:
        """Read on. The idle limit starts anew."""
        self.paused_reading = False
        self.stamp = self.pool.time()
        if self.line is not None:
            self.line.resume_reading()

    def fail(self, fault: Fault) -> None:
        """End with a fault, once."""
        if self.phase == DONE:
            return
        sink = self.sink
        self._let_go()
        try:
            sink.on_fault(fault)
        except Exception as error:  # a sink's bug must not stop the wheel or the pool that told it
            self.pool.report(error)

    def end(self) -> None:
        """End with the reply complete, once. The connection has been taken back before."""
        if self.phase == DONE:
            return
        sink = self.sink
        self.phase = DONE
        self.line = None
        self.sink = DEAF
        try:
            sink.on_end()
        except Exception as error:  # as above: the connection is already somebody else's
            self.pool.report(error)

    def deadline(self) -> float:
        """When this exchange is too late, as things stand."""
        route = self.route
        at = self.started + route.total_s
        if self.phase == WAITING:
            return min(at, self.stamp + route.connect_s)
        if self.phase == SENT:
            return min(at, self.stamp + route.first_byte_s)
        if self.paused_reading:
            return at
        return min(at, self.stamp + route.idle_s)

    def late_fault(self, now: float) -> Fault:
        """The words for the limit that has passed."""
        route = self.route
        if now >= self.started + route.total_s:
            phase, limit, said = "total", route.total_s, "the reply was not complete"
        elif self.phase == WAITING:
            phase, limit, said = "connect", route.connect_s, "there was no connection"
        elif self.phase == SENT:
            phase, limit, said = "first_byte", route.first_byte_s, "no answer came"
        else:
            phase, limit, said = "idle", route.idle_s, "nothing more of the reply came"
        return Fault(FaultKind.TIMEOUT, f"{said} within {limit:g} s", details={"phase": phase})

    def _let_go(self) -> None:
        phase, self.phase = self.phase, DONE
        line, self.line = self.line, None
        self.body = b""
        self.sink = DEAF
        if line is not None:
            line.drop()
        elif phase == WAITING:
            self.pool.leave(self)


class Deadlines:
    """The wheel: looks at every open exchange when it may be late."""

    __slots__ = ("_buckets", "_loop", "_next_tick", "_tick_s", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, tick_s: float) -> None:
        self._loop = loop
        self._tick_s = tick_s
        self._buckets: dict[int, list[HttpExchange]] = {}
        self._next_tick = 0
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, exchange: HttpExchange, now: float) -> None:
        """Look at this exchange until it is done."""
        route = exchange.route
        look_s = min(LOOK_S, route.connect_s / 4, route.first_byte_s / 4, route.idle_s / 4, route.total_s / 4)
        tick = int((now + look_s) / self._tick_s) + 1
        bucket = self._buckets.get(tick)
        if bucket is None:
            self._buckets[tick] = [exchange]
        else:
            bucket.append(exchange)
        if self._timer is None:
            self._next_tick = int(now / self._tick_s)
            self._timer = self._loop.call_later(self._tick_s, self._turn)

    def close(self) -> None:
        """Watch nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._buckets.clear()

    def _turn(self) -> None:
        now = self._loop.time()
        self._timer = None
        last = int(now / self._tick_s)
        due = [self._buckets.pop(tick, []) for tick in range(self._next_tick, last + 1)]
        self._next_tick = last + 1
        for bucket in due:
            for exchange in bucket:
                if exchange.phase == DONE:
                    continue
                if exchange.deadline() <= now:
                    exchange.fail(exchange.late_fault(now))
                else:
                    self.watch(exchange, now)
        if self._buckets and self._timer is None:
            self._timer = self._loop.call_later(self._tick_s, self._turn)
