"""Users, keys, price versions and the audit record in the books' database.

What an action does is decided in `core/administrative_state.py`; here its rows are written, with the action itself,
in one transaction.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from decimal import Decimal
from pathlib import Path
from typing import Final

import apsw
import msgspec

from smart_ai_router.core.actions import Action, PriceRow, decode_action, encode_action
from smart_ai_router.core.administration import ActionsDiverge
from smart_ai_router.core.administrative_state import (
    AdministrativeState,
    AuditEntry,
    Effect,
    KeyRow,
    StoredPrice,
    UserRow,
    effect_of,
    store_state,
)
from smart_ai_router.core.snapshot import StoreState
from smart_ai_router.domain.meters import Meter
from smart_ai_router.domain.pricing import STANDARD_TIER

Connections = Callable[[], AbstractContextManager[apsw.Connection]]
Cell = str | int | bytes | None

_USERS: Final = "SELECT id, name, is_enabled, group_ratio, created_ms FROM api_user"
_KEYS: Final = (
    "SELECT id, user_id, name, lower(hex(sha256)), shown_end, models, requests_per_minute_max, concurrency_max,"
    " created_ms, expires_ms, revoked_ms FROM api_key"
)
_PRICES: Final = (
    "SELECT id, provider, model, meter, price, currency, per, effective_from_ms, effective_to_ms, conditions, source,"
    " checked, actor, added_ms FROM price_version"
)
_AUDIT: Final = "SELECT id, at_ms, actor, action, subject, before, after, client FROM audit"
_USABLE_KEYS: Final = (
    "SELECT count(*) FROM api_key JOIN api_user ON api_user.id = user_id WHERE api_key.is_enabled"
    " AND api_user.is_enabled AND revoked_ms IS NULL AND (expires_ms IS NULL OR expires_ms > ?)"
)


class _Conditions(msgspec.Struct, frozen=True, omit_defaults=True):
    """The fields of a price that most rows do not have; see `PriceVersion`."""

    region: str | None = None
    channel_id: str | None = None
    context_over: int = 0
    window_utc: tuple[int, int] | None = None
    service_tier: str = STANDARD_TIER
    minimum_charge: Decimal | None = None
    round_up_to: Decimal | None = None
    output_over: int = 0
    with_reasoning: bool = False
    variant: str = ""
    weekdays_utc: tuple[int, ...] | None = None


class SqliteAdministration:
    """Implements `core.administration.AdministrationStore`.

    `writing` lends the writing connection within a transaction, to one thread at a time; `reading` lends one that
    sees what is committed.
    """

    def __init__(self, reading: Connections, writing: Connections) -> None:
        self._reading = reading
        self._writing = writing

    # --- writing ---

    def apply(self, actions: Sequence[Action]) -> None:
        """See `AdministrationStore`."""
        if not actions:
            return
        with self._writing() as connection:
            rows = _Rows(connection)
            for action in actions:
                line = encode_action(action)
                kept = connection.execute("SELECT line FROM action WHERE number = ?", (action.number,)).get
                if kept is None:
                    _write(connection, effect_of(action, rows))
                    connection.execute("INSERT INTO action VALUES (?, ?, ?)", (action.number, action.id, line))
                elif decode_action(bytes(kept)) != action:
                    raise ActionsDiverge(f"another action stands in the books under number {action.number}")

    # --- reading ---

    def numbers(self) -> Collection[int]:
        """See `AdministrationStore`."""
        with self._reading() as connection:
            return {int(number) for (number,) in connection.execute("SELECT number FROM action")}

    def action(self, number: int) -> Action | None:
        """See `AdministrationStore`."""
        return self._action("SELECT line FROM action WHERE number = ?", number)

    def action_of(self, action_id: str) -> Action | None:
        """See `AdministrationStore`."""
        return self._action("SELECT line FROM action WHERE id = ?", action_id)

    def _action(self, query: str, wanted: int | str) -> Action | None:
        with self._reading() as connection:
            line = connection.execute(query, (wanted,)).get
        return None if line is None else decode_action(bytes(line))

    def user(self, user_id: str) -> UserRow | None:
        """See `Rows`."""
        with self._reading() as connection:
            return _Rows(connection).user(user_id)

    def key(self, key_id: str) -> KeyRow | None:
        """See `Rows`."""
        with self._reading() as connection:
            return _Rows(connection).key(key_id)

    def has_key_of(self, sha256_hex: str) -> bool:
        """See `Rows`."""
        with self._reading() as connection:
            return _Rows(connection).has_key_of(sha256_hex)

    def users(self, after: str, limit: int) -> Sequence[UserRow]:
        """See `AdministrationStore`."""
        with self._reading() as connection:
            return list(_users(connection, f"{_USERS} WHERE id > ? ORDER BY id LIMIT ?", (after, limit)))

    def keys(self, user_id: str | None, after: str, limit: int) -> Sequence[KeyRow]:
        """See `AdministrationStore`."""
        chosen, bound = ("", ()) if user_id is None else ("user_id = ? AND ", (user_id,))
        with self._reading() as connection:
            return list(_keys(connection, f"{_KEYS} WHERE {chosen}id > ? ORDER BY id LIMIT ?", (*bound, after, limit)))

    def usable_key_count(self, at_ms: int) -> int:
        """See `AdministrationStore`."""
        with self._reading() as connection:
            return _count(connection, at_ms)

    def prices(self) -> Sequence[StoredPrice]:
        """See `AdministrationStore`."""
        with self._reading() as connection:
            return list(_prices(connection))

    def audit(self, before: int | None, limit: int, subject: str | None = None) -> Sequence[AuditEntry]:
        """See `AdministrationStore`."""
        chosen, bound = ("", ()) if subject is None else (" AND subject = ?", (subject,))
        first = 2**63 - 1 if before is None else before
        query = f"{_AUDIT} WHERE id < ?{chosen} ORDER BY id DESC LIMIT ?"
        with self._reading() as connection:
            return [AuditEntry(*row) for row in connection.execute(query, (first, *bound, limit))]

    def state(self) -> StoreState:
        """See `AdministrationStore`."""
        with self._reading() as connection, _moment(connection):
            return store_state(_users(connection, _USERS), _keys(connection, _KEYS), _prices(connection))

    def everything(self) -> AdministrativeState:
        """See `AdministrationStore`."""
        found = AdministrativeState()
        with self._reading() as connection, _moment(connection):
            for row in connection.execute(_AUDIT):
                found.write(Effect(AuditEntry(*row)))
            some = next(iter(found.audit.values()), None)
            if some is not None:
                for user in _users(connection, _USERS):
                    found.write(Effect(some, user=user))
        return found


def stored_key_count(path: Path, at_ms: int) -> int:
    """How many usable keys a database of any version holds; 0 when there is none."""
    if not path.exists():
        return 0
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        has_keys = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'api_key'").get
        return _count(connection, at_ms) if has_keys else 0
