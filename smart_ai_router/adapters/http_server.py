"""The gateway's own HTTP/1.1 server: all connections of a worker, what they may cost together, their deadlines."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from smart_ai_router.adapters.http_connection import Connection, HeaderNames, ServerLimits
from smart_ai_router.core.http_messages import Handler

__all__ = ["HttpServer", "ServerLimits"]

SWEEPS_PER_LIMIT: Final = 4  # a deadline is noticed at most a quarter of its length late
SWEEP_INTERVAL_S: Final = 1.0
CONNECTIONS_PER_LINGERING: Final = 8  # an eighth more may wait until its refusal is read; the others are closed at once


class HttpServer:
    """All connections of one worker."""

    def __init__(self, handler: Handler, limits: ServerLimits, now: Callable[[], float] = time.monotonic) -> None:
        self.handler = handler
        self.limits = limits
        self.now = now
        self.is_draining = False
        self.header_names = HeaderNames()
        self.bodies_bytes = 0  # of requests that are not answered yet
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._sweep: asyncio.TimerHandle | None = None
        self._sweep_s = SWEEP_INTERVAL_S

    @property
    def connection_count(self) -> int:
        return len(self._connections)

    @property
    def port(self) -> int:
        """The port it listens on."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def start(self, loop: asyncio.AbstractEventLoop, **where: object) -> None:
        """Listen; `where` is `sock=` or `host=` and `port=` as of `loop.create_server`."""
        self._server = await loop.create_server(lambda: Connection(self), backlog=2048, **where)  # type: ignore[call-overload]
        shortest_s = min(self.limits.head_s, self.limits.body_s, self.limits.keep_alive_s)
        self._sweep_s = min(SWEEP_INTERVAL_S, shortest_s / SWEEPS_PER_LIMIT)
        self._sweep = loop.call_later(self._sweep_s, self._sweep_all, loop)

    def admit(self, connection: Connection) -> bool:
        """Count a new connection in; False when there are too many."""
        self._connections.add(connection)
        return len(self._connections) <= self.limits.connections_max and not self.is_draining

    @property
    def can_linger(self) -> bool:
        """True while a refused connection may stay until its client has read the answer."""
        lingering_max = self.limits.connections_max // CONNECTIONS_PER_LINGERING
        return len(self._connections) <= self.limits.connections_max + lingering_max and not self.is_draining

    def hold(self, body_bytes: int) -> bool:
        """Count bytes of a request's body in; False when all bodies together take too much."""
        self.bodies_bytes += body_bytes
        return self.bodies_bytes <= self.limits.bodies_bytes_max

    def release(self, body_bytes: int) -> None:
        """Bodies of a connection are no longer held."""
        self.bodies_bytes -= body_bytes

    def forget(self, connection: Connection) -> None:
        self._connections.discard(connection)

    def drain(self) -> None:
        """Stop accepting; idle connections close now, the others after their replies."""
        self.is_draining = True
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._connections):
            connection.close_when_idle()

    def close(self) -> None:
        """Cut everything that is left."""
        self.drain()
        if self._sweep is not None:
            self._sweep.cancel()
        for connection in tuple(self._connections):
            connection.close_after_error()

    def _sweep_all(self, loop: asyncio.AbstractEventLoop) -> None:
        now = self.now()
        for connection in tuple(self._connections):
            connection.expire(now)
        self._sweep = loop.call_later(self._sweep_s, self._sweep_all, loop)
