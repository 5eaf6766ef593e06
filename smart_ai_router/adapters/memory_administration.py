"""The administrative store and the actions file in memory: for tests, and for programs that keep none on disk.

Both obey the same contract as the SQLite store and the file.
"""

from collections.abc import Collection, Iterable, Sequence

from smart_ai_router.adapters.memory_ledger import MemoryLedger
from smart_ai_router.core.access_rows import AdministratorRow, KeyRow
from smart_ai_router.core.actions import Action
from smart_ai_router.core.administration import EVERYTHING, ActionsDiverge, ActionsRead, AuditFilter
from smart_ai_router.core.administrative_state import (
    AdministrativeState,
    AuditEntry,
    StoredPrice,
    UserRow,
    effect_of,
    store_state,
)
from smart_ai_router.core.ledger_rows import SettingRow
from smart_ai_router.core.ledger_state import with_money
from smart_ai_router.core.snapshot import StoreState


class MemoryAdministration:
    """Implements `core.administration.AdministrationStore`."""

    def __init__(self, ledger: MemoryLedger | None = None) -> None:
        """`ledger` is where what moves money goes; one of its own when it is left out."""
        self.money = ledger or MemoryLedger()
        self._lock = self.money.lock
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
                self._apply(action)
                self._actions[action.number] = action
                self._numbers[action.id] = action.number

    def _apply(self, action: Action) -> None:
        if action.number in self._actions:
            return
        effect = effect_of(action, self._state)
        self._state.write(effect)
        if effect.ledger is not None:
            self.money.write(effect.ledger, effect.audit.at_ms)

    @property
    def is_shared(self) -> bool:
        """See `AdministrationStore`."""
        return False

    def last_number(self) -> int:
        """See `AdministrationStore`."""
        with self._lock:
            return max(self._actions, default=0)

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

    def administrator(self, username: str) -> AdministratorRow | None:
        """See `Rows`."""
        with self._lock:
            return self._state.administrator(username)

    def setting(self, kind: str, key: str) -> SettingRow | None:
        """See `Rows`."""
        with self._lock:
            return self.money.setting(kind, key)

    def administrators(self) -> Sequence[AdministratorRow]:
        """See `AdministrationStore`."""
        with self._lock:
            return [row for _, row in sorted(self._state.administrators.items())]

    def audit(
        self, before: int | None, limit: int, subject: str | None = None, asked: AuditFilter = EVERYTHING
    ) -> Sequence[AuditEntry]:
        """See `AdministrationStore`."""
        with self._lock:
            entries = [entry for _, entry in sorted(self._state.audit.items(), reverse=True)]
        below = [entry for entry in entries if before is None or entry.number < before]
        return [entry for entry in below if subject in (None, entry.subject) and _is_asked(entry, asked)][:limit]

    def state(self) -> StoreState:
        """See `AdministrationStore`."""
        with self._lock:
            state = store_state(self._state.users.values(), self._state.keys.values(), self.prices())
            return with_money(state, self.money)

    def everything(self) -> AdministrativeState:
        """See `AdministrationStore`."""
        with self._lock:
            state = self._state
            return AdministrativeState(
                state.users.values(),
                state.keys.values(),
                state.prices.values(),
                state.audit.values(),
                state.administrators.values(),
                settings=self.money.setting_rows.values(),
                transfers=self.money.made.values(),
            )


def _is_asked(entry: AuditEntry, asked: AuditFilter) -> bool:
    return (
        asked.actor in (None, entry.actor)
        and asked.kind in (None, entry.kind)
        and (asked.from_ms is None or entry.at_ms >= asked.from_ms)
        and (asked.until_ms is None or entry.at_ms < asked.until_ms)
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
