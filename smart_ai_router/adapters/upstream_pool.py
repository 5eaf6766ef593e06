"""The connections of one way to one upstream: kept alive, bounded, handed out newest first.

Invariants: `connections` holds every open connection, busy or idle; `idle` the idle ones, oldest first, so that the
newest is reused and the old ones expire; while exchanges wait, as many dials run as there are waiting exchanges or
room for connections, whichever is less. A dial belongs to nobody: whoever has waited longest gets the connection that
is ready first, be it a new one or one that came free.
"""

import asyncio
import errno
import os
import socket
import ssl
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from smart_ai_router.adapters.upstream_connection import UpstreamConnection
from smart_ai_router.adapters.upstream_dialing import Dialer, DialError, Way
from smart_ai_router.adapters.upstream_exchange import WAITING, Deadlines, HttpExchange, Watched
from smart_ai_router.adapters.upstream_framing import HeaderNames
from smart_ai_router.core.ports import UpstreamRoute
from smart_ai_router.domain.faults import Fault, FaultKind

DIAL_GRACE_S = (
    1.5  # a dial outlives the exchange that asked for it by the wheel's coarseness, so that it never blames another
)


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """Bounds of one pool."""

    connections_max: int = 8192  # a worker may hold 20,000 files, two per stream
    waiting_max: int = 1024  # beyond it a caller is better told at once
    idle_max: int = 64
    idle_s: float = 60.0  # shorter than the idle limit of the large providers' load balancers
    stale_close_s: float = 1.0  # several round trips; whoever closes later had our request and may have worked on it


class UpstreamPool:
    """Connections of one way."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        way: Way,
        dialer: Dialer,
        *,
        limits: PoolLimits,
        deadlines: Deadlines,
        read_view: memoryview,
        names: HeaderNames,
        on_idle: Callable[[], None],
    ) -> None:
        """`on_idle` is called when a connection begins to lie idle: somebody has to call `expire` one day."""
        self._loop = loop
        self.time = loop.time
        self.look_s: Callable[[UpstreamRoute], float] = deadlines.look_s
        self.watch: Callable[[Watched, float], None] = deadlines.watch
        self._way = way
        self._dialer = dialer
        self._limits = limits
        self.stale_close_s = limits.stale_close_s
        self._read_view = read_view
        self._names = names
        self._on_idle = on_idle
        self.idle: list[UpstreamConnection] = []
        self.connections: set[UpstreamConnection] = set()
        self.waiting: OrderedDict[HttpExchange, None] = OrderedDict()
        self._dials: set[asyncio.Task[None]] = set()
        self.dial_count = 0
        self.stale_retry_count = 0

    def send(self, exchange: HttpExchange) -> None:
        """Put an exchange on a connection, now or when there is one."""
        if self.idle:
            self.idle.pop().begin(exchange)
            return
        room = self._limits.connections_max - len(self.connections)
        if len(self.waiting) >= room + self._limits.waiting_max:
            message = f"{len(self.connections)} connections to {self._way.endpoint} are busy and the queue is full"
            fault = Fault(FaultKind.CONNECT_FAILED, message, details={"phase": "queue"})
            self._loop.call_soon(exchange.fail, fault)
            return
        self._wait(exchange)

    def expire(self, now: float) -> float | None:
        """Close what has lain idle too long; return when to look again, None when nothing lies idle."""
        expired = 0
        for connection in self.idle:
            if connection.idle_since + self._limits.idle_s > now:
                break
            expired += 1
        for connection in self.idle[:expired]:
            connection.drop()
        return self.idle[0].idle_since + self._limits.idle_s if self.idle else None

    @property
    def is_unused(self) -> bool:
        """True when the pool may be forgotten."""
        return not (self.connections or self.waiting or self._dials)

    async def close(self) -> None:
        """Close every connection and stop every dial; exchanges still open hear RESET."""
        stopping = Fault(FaultKind.RESET, "the gateway is stopping")
        for exchange in list(self.waiting):
            exchange.fail(stopping)
        dials = list(self._dials)
        for dial in dials:
            dial.cancel()
        await asyncio.gather(*dials, return_exceptions=True)
        for connection in list(self.connections):
            connection.stop(stopping)

    # --- what exchanges and connections call -------------------------------------------------------------------

    def leave(self, exchange: HttpExchange) -> None:
        """An exchange waits no more."""
        self.waiting.pop(exchange, None)
        if len(self._dials) > len(self.waiting):
            next(iter(self._dials)).cancel()

    def release(self, connection: UpstreamConnection) -> None:
        """A reply is complete; the connection is good for another."""
        if self.waiting:
            exchange = self._next_for(connection)
            if exchange is not None:
                self._hand_over(connection, exchange)
                return
        if len(self.idle) >= self._limits.idle_max:
            connection.drop()
            return
        connection.idle_since = self.time()
        self.idle.append(connection)
        if len(self.idle) == 1:
            self._on_idle()

    def withdraw(self, connection: UpstreamConnection) -> None:
        """A connection is closing: give it to nobody."""
        if connection in self.idle:
            self.idle.remove(connection)

    def lost(self, connection: UpstreamConnection) -> None:
        """A connection is closed."""
        self.connections.discard(connection)
        self.withdraw(connection)
        self._dial_for_the_waiting()

    def retry(self, exchange: HttpExchange) -> None:
        """Send once more, on a connection that has served nobody."""
        self.stale_retry_count += 1
        exchange.phase = WAITING
        exchange.stamp = self.time()
        self._wait(exchange)

    def report(self, error: BaseException) -> None:
        """A sink raised: a bug of ours, which must not stop whoever called it."""
        context = {"message": "a sink raised while it received an upstream's reply", "exception": error}
        self._loop.call_exception_handler(context)

    # --- inside ------------------------------------------------------------------------------------------------

    def _wait(self, exchange: HttpExchange) -> None:
        self.waiting[exchange] = None
        self.watch(exchange, exchange.stamp + self.look_s(exchange.route))
        self._dial_for_the_waiting()

    def _next_for(self, connection: UpstreamConnection) -> HttpExchange | None:
        for exchange in self.waiting:
            if not (exchange.retried and connection.served):
                return exchange
        return None

    def _hand_over(self, connection: UpstreamConnection, exchange: HttpExchange) -> None:
        del self.waiting[exchange]
        connection.begin(exchange)

    def _dial_for_the_waiting(self) -> None:
        while len(self._dials) < len(self.waiting):
            if len(self.connections) + len(self._dials) >= self._limits.connections_max:
                return
            newest = next(reversed(self.waiting))
            dial = self._loop.create_task(self._dial(newest.route.connect_s + DIAL_GRACE_S))
            self._dials.add(dial)
            dial.add_done_callback(self._dialled)

    async def _dial(self, limit_s: float) -> None:
        self.dial_count += 1
        try:
            async with asyncio.timeout(limit_s):
                connection = await self._dialer.open(self._way, self._make_connection)
        except TimeoutError as error:
            if error.errno is None:
                return  # ours: the wheel has told those who waited that long
            self._fail_one(_dial_fault(self._way, error))  # the operating system's ETIMEDOUT
        except (OSError, DialError) as error:
            self._fail_one(_dial_fault(self._way, error))
        else:
            if connection.is_open:
                self.connections.add(connection)
                self.release(connection)

    def _dialled(self, dial: "asyncio.Task[None]") -> None:
        self._dials.discard(dial)
        if not dial.cancelled():
            dial.result()  # a bug of ours rises to the loop's exception handler
        self._dial_for_the_waiting()

    def _make_connection(self) -> UpstreamConnection:
        return UpstreamConnection(self, self.time, self._read_view, self._names)

    def _fail_one(self, fault: Fault) -> None:
        exchange = next(iter(self.waiting), None)
        if exchange is not None:
            del self.waiting[exchange]
            exchange.fail(fault)


def _dial_fault(way: Way, error: Exception) -> Fault:
    endpoint = way.endpoint
    through = "" if way.proxy is None else " through the proxy"
    if isinstance(error, ssl.SSLCertVerificationError):
        message = f"the certificate of {endpoint.host} is not trusted: {error.verify_message}"
        return Fault(FaultKind.TLS_FAILED, message, details={"phase": "tls"})
    if isinstance(error, ssl.SSLError):
        return Fault(FaultKind.TLS_FAILED, f"no TLS with {endpoint}: {error.reason}", details={"phase": "tls"})
    if isinstance(error, socket.gaierror):
        message = f"the name {endpoint.host} does not resolve{through}: {error.strerror}"
        return Fault(FaultKind.CONNECT_FAILED, message, details={"phase": "dns"})
    # The loop's own words for a refused connection name the address again and not the reason.
    code = error.errno if isinstance(error, OSError) else None
    reason = os.strerror(code) if code is not None and code in errno.errorcode else str(error) or type(error).__name__
    return Fault(
        FaultKind.CONNECT_FAILED, f"no connection to {endpoint}{through}: {reason}", details={"phase": "connect"}
    )
