"""The administrative store and the actions file in memory: for tests, and for programs that keep none on disk.

Both obey the same contract as the SQLite store and the file.
"""

from collections.abc import Collection, Iterable, Sequence
from threading import RLock

from smart_ai_router.core.actions import Action
from smart_ai_router.core.administration import ActionsDiverge, ActionsRead
from smart_ai_router.core.administrative_state import (
    AdministrativeState,
    AuditEntry,
    KeyRow,
    StoredPrice,
    UserRow,
    store_state,
)
from smart_ai_router.core.snapshot import StoreState


class MemoryAdministration:
    """Implements `core.administration.AdministrationStore`."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._state = AdministrativeState()
        self._actions: dict[int, Action] = {}
        self._numbers: dict[str, int] = {}  # by id

    def apply(self, actions: Sequence[Action]) -> None:
        """See `AdministrationStore`."""
        with self._lock:
            for action in actions:
                if self._actions.get(action.number, action) != action:
                    raise ActionsDiverge(f"another action stands in the books under number {action.number}")
            for action in actions:
                self._state.apply(action)
                self._actions[action.number] = action
                self._numbers[action.id] = action.number

    def numbers(self) -> Collection[int]:
        """See `AdministrationStore`."""
        with self._lock:
            return set(self._actions)

    def action(self, number: int) -> Action | None:
        """See `AdministrationStore`."""
        with self._lock:
            return self._actions.get(number)

    def action_of(self, action_id: str) -> Action | None:
        """See `AdministrationStore`."""
        with self._lock:
            return self._actions.get(self._numbers.get(action_id, 0))

    def user(self, user_id: str) -> UserRow | None:
        """See `Rows`."""
        with self._lock:
            return self._state.user(user_id)

    def key(self, key_id: str) -> KeyRow | None:
        """See `Rows`."""
        with self._lock:
            return self._state.key(key_id)

    def has_key_of(self, sha256_hex: str) -> bool:
        """See `Rows`."""
        with self._lock:
            return self._state.has_key_of(sha256_hex)

    def users(self, after: str, limit: int) -> Sequence[UserRow]:
        """See `AdministrationStore`."""
        with self._lock:
            return [user for user_id, user in sorted(self._state.users.items()) if user_id > after][:limit]

    def keys(self, user_id: str | None, after: str, limit: int) -> Sequence[KeyRow]:
        """See `AdministrationStore`."""
        with self._lock:
            keys = [key for key_id, key in sorted(self._state.keys.items()) if key_id > after]
        return [key for key in keys if user_id is None or key.user_id == user_id][:limit]

    def usable_key_count(self, at_ms: int) -> int:
        """See `AdministrationStore`."""
        with self._lock:
            usable = [key for key in self._state.keys.values() if key.is_usable(at_ms)]
            return sum(1 for key in usable if self._state.users[key.user_id].enabled)

    def prices(self) -> Sequence[StoredPrice]:
        """See `AdministrationStore`."""
        with self._lock:
            return [stored for _, stored in sorted(self._state.prices.items())]

    def audit(self, before: int | None, limit: int, subject: str | None = None) -> Sequence[AuditEntry]:
        """See `AdministrationStore`."""
        with self._lock:
            entries = [entry for _, entry in sorted(self._state.audit.items(), reverse=True)]
        below = [entry for entry in entries if before is None or entry.number < before]
        return [entry for entry in below if subject is None or entry.subject == subject][:limit]

    def state(self) -> StoreState:
        """See `AdministrationStore`."""
        with self._lock:
            return store_state(self._state.users.values(), self._state.keys.values(), self.prices())

    def everything(self) -> AdministrativeState:
        """See `AdministrationStore`."""
        with self._lock:
            state = self._state
            return AdministrativeState(
                state.users.values(), state.keys.values(), state.prices.values(), state.audit.values()
            )


class MemoryActionLog:
    """Implements `core.administration.ActionLog`."""

    def __init__(self, lines: Iterable[bytes] = ()) -> None:
        self.lines = list(lines)

    def append(self, lines: Sequence[bytes]) -> None:
        """See `ActionLog`."""
        self.lines.extend(lines)

    def read(self) -> ActionsRead:
        """See `ActionLog`."""
        return ActionsRead(tuple(self.lines))

    def is_current(self) -> bool:
        """See `ActionLog`."""
        return True
