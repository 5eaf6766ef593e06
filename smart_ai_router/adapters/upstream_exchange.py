"""One upstream call under way, and the wheel that ends the late ones.

An exchange goes through four phases, each with its own time limit, and ends once:

    WAITING  (connect_s: no connection yet)  ->  SENT  (first_byte_s: no complete head yet)
    ->  READING  (idle_s: between two reads; stands still while we ourselves have paused)  ->  DONE

`total_s` runs over all of them. Whoever ends an exchange (its reply, a fault, `cancel`) sets DONE first; everything
that comes later finds DONE and does nothing, so that a sink hears exactly one end.

The wheel replaces a timer per call. A busy connection (and an exchange that waits for one) lies in the bucket of the
moment when it is next worth a look, at most a second ahead; an exchange that begins on a connection that lies there
anyway costs one comparison. A limit is thus enforced up to a quarter of the smallest limit (at most a second) late,
which is what makes it nearly free.
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
NEVER: Final = float("inf")


class Line(Protocol):
    """The connection that an exchange holds."""

    def drop(self) -> None:
        """Close at once; it is never used again."""

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Watched(Protocol):
    """Something that may be late."""

    look_at: float  # when the wheel will look at it; NEVER while it lies in no bucket

    def look(self, now: float) -> float | None:
        """End what is late; return when to look again, None when there is nothing left to watch."""


class Pool(Protocol):
    """Where an exchange waits for its connection, and what it shares with its neighbours."""

    time: Callable[[], float]
    look_s: Callable[[UpstreamRoute], float]  # how often exchanges of a route are looked at
    watch: Callable[[Watched, float], None]  # have the wheel look at something at some moment

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
        "look_at",
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
        self.look_at = NEVER

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
            self._say_that_it_failed(sink)

    def _say_that_it_failed(self, sink: ExchangeSink) -> None:
        """A sink that failed at the end hears of a fault as well, or its call would never end."""
        try:
            sink.on_fault(Fault(FaultKind.RESET, "the reply could not be handled here"))
        except Exception as error:
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

    def look(self, now: float) -> float | None:
        """What the wheel calls while no connection is there to be looked at."""
        return self.next_look(now) if self.phase == WAITING else None

    def next_look(self, now: float) -> float | None:
        """Fail if late; return when to look again, None when it is over."""
        deadline = self.deadline()
        if deadline <= now:
            self.fail(self.late_fault(now))
            return None
        return min(deadline, now + self.pool.look_s(self.route))

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
    """The wheel: looks at everything that may be late, when it may be late."""

    __slots__ = ("_buckets", "_look_s", "_loop", "_next_tick", "_route", "_tick_s", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, tick_s: float) -> None:
        self._loop = loop
        self._tick_s = tick_s
        self._buckets: dict[int, list[tuple[float, Watched]]] = {}
        self._next_tick = 0
        self._timer: asyncio.TimerHandle | None = None
        self._route: UpstreamRoute | None = None
        self._look_s = LOOK_S

    def look_s(self, route: UpstreamRoute) -> float:
        """How often exchanges of a route are looked at: four times within the smallest of its limits."""
        if route is not self._route:
            self._route = route
            smallest = min(route.connect_s, route.first_byte_s, route.idle_s, route.total_s)
            self._look_s = min(LOOK_S, smallest / 4)
        return self._look_s

    def watch(self, watched: Watched, look_at: float) -> None:
        """Look at this no later than at `look_at`; a look that comes earlier anyway is enough."""
        if watched.look_at <= look_at:
            return
        watched.look_at = look_at
        tick = int(look_at / self._tick_s) + 1
        bucket = self._buckets.get(tick)
        if bucket is None:
            self._buckets[tick] = [(look_at, watched)]
        else:
            bucket.append((look_at, watched))
        if self._timer is None:
            self._next_tick = int(self._loop.time() / self._tick_s)
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
            for look_at, watched in bucket:
                if watched.look_at != look_at:
                    continue  # it has been looked at since, for an earlier reason
                watched.look_at = NEVER
                again_at = watched.look(now)
                if again_at is not None:
                    self.watch(watched, again_at)
        if self._buckets and self._timer is None:
            self._timer = self._loop.call_later(self._tick_s, self._turn)
