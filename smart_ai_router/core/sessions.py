"""Sessions of people who have logged in: what a store keeps of them.

A session is known by the SHA-256 of its token. It ends when nobody uses it for a while, at a fixed time, when it is
closed, and when the account it belongs to is not any more what it was when the session was opened (its epoch). They
are in the store, so that a restart ends none; they are in no journal, so that a store made anew has none.
"""

from typing import Final, Protocol

import msgspec

TOKEN_PREFIX: Final = "session-sar-"  # noqa: S105 - by which a token is told from a key; not one itself
TOKEN_BYTES: Final = 32
IDLE_MS: Final = 60 * 60 * 1000
LIFE_MS: Final = 12 * 60 * 60 * 1000  # a working day
SEEN_EVERY_MS: Final = 60 * 1000  # a session in use is written this often
SESSIONS_MAX: Final = 50  # of one account; the oldest is closed for one more


class SessionRow(msgspec.Struct, frozen=True):
    """One session."""

    token_sha256: bytes
    account: str
    epoch: int  # of the account
    opened_ms: int
    seen_ms: int
    expires_ms: int

    def is_open(self, at_ms: int) -> bool:
        """Whether it has neither expired nor been left alone for too long."""
        return at_ms < self.expires_ms and at_ms - self.seen_ms < IDLE_MS


class SessionStore(Protocol):
    """Where sessions are kept. Safe to use from any thread; writing raises StoreUnavailable."""

    def open(self, row: SessionRow) -> None:
        """Keep a session; the oldest of its account are closed when there are more than SESSIONS_MAX."""

    def find(self, token_sha256: bytes) -> SessionRow | None: ...

    def touch(self, token_sha256: bytes, seen_ms: int) -> None:
        """It was used just now."""

    def close(self, token_sha256: bytes) -> None:
        """End it; nothing when there is none."""

    def purge(self, at_ms: int) -> int:
        """Forget those that are not open at a moment; how many there were."""
