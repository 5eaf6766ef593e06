"""Sessions in memory, for tests and programs that keep none; the SQLite store obeys the same contract."""

from threading import Lock

from msgspec.structs import replace

from smart_ai_router.core.sessions import SESSIONS_MAX, SessionRow


class MemorySessions:
    """Implements `core.sessions.SessionStore`."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.rows: dict[bytes, SessionRow] = {}

    def open(self, row: SessionRow) -> None:
        """See `SessionStore`."""
        with self._lock:
            others = sorted(
                (each for each in self.rows.values() if each.account == row.account), key=_age, reverse=True
            )
            for each in others[SESSIONS_MAX - 1 :]:
                del self.rows[each.token_sha256]
            self.rows[row.token_sha256] = row

    def find(self, token_sha256: bytes) -> SessionRow | None:
        """See `SessionStore`."""
        with self._lock:
            return self.rows.get(token_sha256)

    def touch(self, token_sha256: bytes, seen_ms: int) -> None:
        """See `SessionStore`."""
        with self._lock:
            row = self.rows.get(token_sha256)
            if row is not None:
                self.rows[token_sha256] = replace(row, seen_ms=seen_ms)

    def close(self, token_sha256: bytes) -> None:
        """See `SessionStore`."""
        with self._lock:
            self.rows.pop(token_sha256, None)

    def purge(self, at_ms: int) -> int:
        """See `SessionStore`."""
        with self._lock:
            gone = [token for token, row in self.rows.items() if not row.is_open(at_ms)]
            for token in gone:
                del self.rows[token]
            return len(gone)


def _age(row: SessionRow) -> tuple[int, bytes]:
    return row.opened_ms, row.token_sha256
