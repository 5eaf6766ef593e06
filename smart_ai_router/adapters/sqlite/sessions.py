"""Sessions of people who have logged in, in the books' database."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final

from smart_ai_router.adapters.sql_connection import SqlConnection
from smart_ai_router.core.sessions import IDLE_MS, SESSIONS_MAX, SessionRow

Connections = Callable[[], AbstractContextManager[SqlConnection]]

_FIND: Final = "SELECT token_sha256, account, epoch, opened_ms, seen_ms, expires_ms FROM session WHERE token_sha256 = ?"
_CLOSE_OLDEST: Final = (
    "DELETE FROM session WHERE token_sha256 IN (SELECT token_sha256 FROM session WHERE account = ?"
    " ORDER BY opened_ms DESC, token_sha256 DESC LIMIT -1 OFFSET ?)"
)


class SqliteSessions:
    """Implements `core.sessions.SessionStore`; `reading` and `writing` as for `SqliteAdministration`."""

    def __init__(self, reading: Connections, writing: Connections) -> None:
        self._reading = reading
        self._writing = writing

    def open(self, row: SessionRow) -> None:
        """See `SessionStore`."""
        cells = (row.token_sha256, row.account, row.epoch, row.opened_ms, row.seen_ms, row.expires_ms)
        with self._writing() as connection:
            connection.execute(_CLOSE_OLDEST, (row.account, SESSIONS_MAX - 1))
            connection.execute("INSERT INTO session VALUES (?, ?, ?, ?, ?, ?)", cells)

    def find(self, token_sha256: bytes) -> SessionRow | None:
        """See `SessionStore`."""
        with self._reading() as connection:
            row = connection.execute(_FIND, (token_sha256,)).fetchone()
        return None if row is None else SessionRow(bytes(row[0]), *row[1:])

    def touch(self, token_sha256: bytes, seen_ms: int) -> None:
        """See `SessionStore`."""
        with self._writing() as connection:
            connection.execute("UPDATE session SET seen_ms = ? WHERE token_sha256 = ?", (seen_ms, token_sha256))

    def close(self, token_sha256: bytes) -> None:
        """See `SessionStore`."""
        with self._writing() as connection:
            connection.execute("DELETE FROM session WHERE token_sha256 = ?", (token_sha256,))

    def purge(self, at_ms: int) -> int:
        """See `SessionStore`."""
        with self._reading() as connection:
            query = "SELECT count(*) FROM session WHERE expires_ms <= ? OR seen_ms <= ?"
            found = int(connection.execute(query, (at_ms, at_ms - IDLE_MS)).get)
        if found:
            with self._writing() as connection:
                connection.execute(
                    "DELETE FROM session WHERE expires_ms <= ? OR seen_ms <= ?", (at_ms, at_ms - IDLE_MS)
                )
        return found
