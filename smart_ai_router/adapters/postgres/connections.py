"""The connections of one process: one that writes, and a few that read, lent to whoever asks.

A connection that has rested is asked whether it still stands before it is lent, so that a server's restart costs
nobody a question. When one is lost, everything that was learnt over it is forgotten: the server that answers next may
be another one, with a little less in its books.
"""

import queue
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock, Semaphore
from typing import Final

from smart_ai_router.adapters.postgres.driver import Connection, ConnectionLost
from smart_ai_router.core.store import StoreUnavailable

READERS_MAX: Final = 8  # of one process: a server allows 100 connections unless it is told otherwise
READER_WAIT_S: Final = 15.0
REST_S: Final = 1.0  # after which a connection is asked before it is used


class ReadingConnections:
    """A pool. Safe to use from any thread; a connection is lent to one at a time."""

    def __init__(self, connect: Callable[[], Connection], on_lost: Callable[[], None]) -> None:
        self._connect = connect
        self._on_lost = on_lost
        self._idle: queue.LifoQueue[tuple[Connection, float]] = queue.LifoQueue()
        self._room = Semaphore(READERS_MAX)

    @contextmanager
    def lent(self) -> Iterator[Connection]:
        """One connection, for a while. Raises StoreUnavailable, also when all are in use for long."""
        if not self._room.acquire(timeout=READER_WAIT_S):
            raise StoreUnavailable(f"{READERS_MAX} questions to PostgreSQL are under way already; try again")
        try:
            connection = self._standing()
            try:
                yield connection
            finally:
                self._take_back(connection)
        finally:
            self._room.release()

    def close(self) -> None:
        """Close those that nobody uses."""
        while not self._idle.empty():
            self._idle.get_nowait()[0].close()

    def _standing(self) -> Connection:
        while True:
            try:
                connection, rests_since = self._idle.get_nowait()
            except queue.Empty:
                return self._connect()
            if is_standing(connection, rests_since):
                return connection
            connection.close()
            self._on_lost()

    def _take_back(self, connection: Connection) -> None:
        if connection.is_lost:
            connection.close()
            self._on_lost()
        else:
            self._idle.put((connection, time.monotonic()))


class WritingConnection:
    """The one connection that writes, made again when it is lost. `turn` is held by whoever uses it."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._connection: Connection | None = None
        self._rests_since = 0.0
        self.turn = Lock()

    def standing(self) -> tuple[Connection, bool]:
        """The connection, and whether it is a new one; raises StoreFailure."""
        known = self._connection
        if known is not None and not known.is_lost and is_standing(known, self._rests_since):
            return known, False
        self.close()
        self._connection = self._connect()
        return self._connection, True

    def rest(self) -> None:
        """It was used just now."""
        self._rests_since = time.monotonic()

    def close(self) -> None:
        """Hang up; locks of this session are given back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def is_standing(connection: Connection, rests_since: float) -> bool:
    """Ask a connection that has rested whether the server still hears."""
    if time.monotonic() - rests_since < REST_S:
        return True
    try:
        connection.execute("SELECT 1")
    except ConnectionLost:
        return False
    return True
