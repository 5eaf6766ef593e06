"""Users, keys, price versions and the audit record in the books' database.

What an action does is decided in `core/administrative_state.py`; here its rows are written, with the action itself,
in one transaction.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from decimal import Decimal
from typing import Final

import msgspec
from msgspec.structs import replace

from smart_ai_router.adapters.sql_connection import Cell, SqlConnection
from smart_ai_router.adapters.sqlite.ledger_reading import LedgerQuestions
from smart_ai_router.adapters.sqlite.ledger_writing import write_effect
from smart_ai_router.core.access_rows import AdministratorRow, KeyRow
from smart_ai_router.core.actions import Action, PriceRow, decode_action, encode_action
from smart_ai_router.core.administration import EVERYTHING, ActionsDiverge, AuditFilter
from smart_ai_router.core.administrative_state import (
    AdministrativeState,
    AuditEntry,
    Effect,
    StoredPrice,
    UserRow,
    effect_of,
    store_state,
)
from smart_ai_router.core.ledger_rows import SettingRow
from smart_ai_router.core.ledger_state import with_money
from smart_ai_router.core.snapshot import StoreState
from smart_ai_router.domain.meters import Meter
from smart_ai_router.domain.pricing import STANDARD_TIER

Connections = Callable[[], AbstractContextManager[SqlConnection]]

_USERS: Final = "SELECT id, name, is_enabled, group_ratio, created_ms FROM api_user"
_KEYS: Final = (
    "SELECT id, user_id, name, lower(hex(sha256)), shown_end, models, requests_per_minute_max, concurrency_max,"
    " created_ms, expires_ms, revoked_ms, is_enabled, lower(hex(former_sha256)), former_until_ms FROM api_key"
)
_PRICES: Final = (
    "SELECT id, provider, model, meter, price, currency, per, effective_from_ms, effective_to_ms, conditions, source,"
    " checked, actor, added_ms FROM price_version"
)
_ADMINISTRATORS: Final = "SELECT username, role, is_enabled, password_hash, created_ms, epoch FROM administrator"
_AUDIT: Final = "SELECT id, at_ms, actor, action, subject, before, after, client FROM audit"
_USABLE_KEYS: Final = (
    "SELECT count(*) FROM api_key JOIN api_user ON api_user.id = user_id WHERE api_key.is_enabled <> 0"
    " AND api_user.is_enabled <> 0 AND revoked_ms IS NULL AND (expires_ms IS NULL OR expires_ms > ?)"
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
    is_book: bool = False


_CONDITIONS: Final = msgspec.json.Decoder(_Conditions)
_CONDITION_NAMES: Final = _Conditions.__struct_fields__


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

    @property
    def is_shared(self) -> bool:
        """See `AdministrationStore`."""
        return False

    def last_number(self) -> int:
        """See `AdministrationStore`."""
        with self._reading() as connection:
            return int(connection.execute("SELECT coalesce(max(number), 0) FROM action").get)

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
            return int(connection.execute(_USABLE_KEYS, (at_ms,)).get)

    def prices(self) -> Sequence[StoredPrice]:
        """See `AdministrationStore`."""
        with self._reading() as connection:
            return list(_prices(connection))

    def administrator(self, username: str) -> AdministratorRow | None:
        """See `Rows`."""
        with self._reading() as connection:
            return _Rows(connection).administrator(username)

    def setting(self, kind: str, key: str) -> SettingRow | None:
        """See `Rows`."""
        with self._reading() as connection:
            return _Rows(connection).setting(kind, key)

    def administrators(self) -> Sequence[AdministratorRow]:
        """See `AdministrationStore`."""
        with self._reading() as connection:
            return list(_administrators(connection, f"{_ADMINISTRATORS} ORDER BY username"))

    def audit(
        self, before: int | None, limit: int, subject: str | None = None, asked: AuditFilter = EVERYTHING
    ) -> Sequence[AuditEntry]:
        """See `AdministrationStore`."""
        wanted: dict[str, Cell] = {
            "id < ?": before,
            "subject = ?": subject,
            "actor = ?": asked.actor,
            "action = ?": asked.kind,
            "at_ms >= ?": asked.from_ms,
            "at_ms < ?": asked.until_ms,
        }
        bound = {condition: value for condition, value in wanted.items() if value is not None}
        where = f" WHERE {' AND '.join(bound)}" if bound else ""
        with self._reading() as connection:
            rows = connection.execute(f"{_AUDIT}{where} ORDER BY id DESC LIMIT ?", (*bound.values(), limit))
            return [AuditEntry(*row) for row in rows]

    def state(self) -> StoreState:
        """See `AdministrationStore`."""
        with self._reading() as connection, _moment(connection):
            state = store_state(_users(connection, _USERS), _keys(connection, _KEYS), _prices(connection))
            return with_money(state, LedgerQuestions(connection))

    def everything(self) -> AdministrativeState:
        """See `AdministrationStore`."""
        with self._reading() as connection, _moment(connection):
            audit = [AuditEntry(*row) for row in connection.execute(_AUDIT)]
            return AdministrativeState(
                _users(connection, _USERS),
                _keys(connection, _KEYS),
                _prices(connection),
                audit,
                _administrators(connection, _ADMINISTRATORS),
                settings=LedgerQuestions(connection).every_setting(),
                transfers=LedgerQuestions(connection).made_transfers(),
            )


class _Rows:
    """Implements `Rows` on one connection."""

    def __init__(self, connection: SqlConnection) -> None:
        self._connection = connection

    def user(self, user_id: str) -> UserRow | None:
        return next(_users(self._connection, f"{_USERS} WHERE id = ?", (user_id,)), None)

    def key(self, key_id: str) -> KeyRow | None:
        return next(_keys(self._connection, f"{_KEYS} WHERE id = ?", (key_id,)), None)

    def has_key_of(self, sha256_hex: str) -> bool:
        query = "SELECT 1 FROM api_key WHERE sha256 = ?1 OR former_sha256 = ?1"
        return self._connection.execute(query, (bytes.fromhex(sha256_hex),)).get is not None

    def administrator(self, username: str) -> AdministratorRow | None:
        return next(_administrators(self._connection, f"{_ADMINISTRATORS} WHERE username = ?", (username,)), None)

    def setting(self, kind: str, key: str) -> SettingRow | None:
        return LedgerQuestions(self._connection).setting(kind, key)


@contextmanager
def _moment(connection: SqlConnection) -> Iterator[None]:
    """Several questions about one and the same state."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")


def _write(connection: SqlConnection, effect: Effect) -> None:
    if effect.user is not None:
        user = effect.user
        connection.execute(
            "INSERT INTO api_user VALUES (?, ?, ?, ?, ?, NULL) ON CONFLICT (id) DO UPDATE SET"
            " name = excluded.name, is_enabled = excluded.is_enabled, group_ratio = excluded.group_ratio",
            (user.id, user.name, int(user.enabled), user.group_ratio, user.created_ms),
        )
    if effect.key is not None:
        connection.execute(
            "INSERT INTO api_key VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
            " name = excluded.name, sha256 = excluded.sha256, shown_end = excluded.shown_end,"
            " is_enabled = excluded.is_enabled, models = excluded.models,"
            " requests_per_minute_max = excluded.requests_per_minute_max, concurrency_max = excluded.concurrency_max,"
            " expires_ms = excluded.expires_ms, revoked_ms = excluded.revoked_ms,"
            " former_sha256 = excluded.former_sha256, former_until_ms = excluded.former_until_ms",
            _key_cells(effect.key),
        )
    if effect.administrator is not None:
        row = effect.administrator
        connection.execute(
            "INSERT INTO administrator VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (username) DO UPDATE SET"
            " password_hash = excluded.password_hash, role = excluded.role, is_enabled = excluded.is_enabled,"
            " epoch = excluded.epoch",
            (row.username, row.password_hash, row.role, int(row.enabled), row.created_ms, row.epoch),
        )
    if effect.ledger is not None:
        write_effect(connection, effect.ledger, effect.audit.at_ms)
    connection.executemany(
        "INSERT OR IGNORE INTO price_version VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [_price_cells(stored) for stored in effect.prices],
    )
    audit = effect.audit
    connection.execute(
        "INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            audit.number,
            audit.at_ms,
            audit.actor,
            audit.kind,
            audit.subject,
            audit.before,
            audit.after,
            audit.client,
        ),
    )


def _users(connection: SqlConnection, query: str, bound: Sequence[Cell] = ()) -> Iterator[UserRow]:
    for user_id, name, is_enabled, group_ratio, created_ms in connection.execute(query, bound):
        yield UserRow(user_id, name, bool(is_enabled), group_ratio, created_ms)


def _keys(connection: SqlConnection, query: str, bound: Sequence[Cell] = ()) -> Iterator[KeyRow]:
    for (
        key_id,
        user_id,
        name,
        sha256_hex,
        shown_end,
        models,
        *limits_and_times,
        is_enabled,
        former,
        until,
    ) in connection.execute(query, bound):
        allowed = tuple(msgspec.json.decode(models, type=tuple[str, ...]))
        key = KeyRow(key_id, user_id, name, sha256_hex, shown_end, allowed, *limits_and_times)
        yield replace(key, enabled=bool(is_enabled), former_sha256_hex=former or None, former_until_ms=until)


def _administrators(connection: SqlConnection, query: str, bound: Sequence[Cell] = ()) -> Iterator[AdministratorRow]:
    for username, role, is_enabled, password_hash, created_ms, epoch in connection.execute(query, bound):
        yield AdministratorRow(username, role, bool(is_enabled), password_hash, created_ms, epoch)


def _key_cells(key: KeyRow) -> tuple[Cell, ...]:
    return (
        key.id,
        key.user_id,
        key.name,
        bytes.fromhex(key.sha256_hex),
        key.shown_end,
        int(key.enabled),
        msgspec.json.encode(key.models).decode(),
        key.requests_per_minute_max,
        key.concurrency_max,
        key.created_ms,
        key.expires_ms,
        key.revoked_ms,
        None if key.former_sha256_hex is None else bytes.fromhex(key.former_sha256_hex),
        key.former_until_ms,
    )


def _prices(connection: SqlConnection) -> Iterator[StoredPrice]:
    for row in connection.execute(f"{_PRICES} ORDER BY id"):
        price_id, provider, model, meter, price, currency, per, from_ms, to_ms, conditions, source, checked = row[:12]
        special = msgspec.structs.asdict(_CONDITIONS.decode(conditions))
        yield StoredPrice(
            PriceRow(
                id=price_id,
                provider=provider,
                model=model,
                meter=Meter(meter),
                price=Decimal(price),
                currency=currency,
                per=per,
                effective_from=from_ms / 1000,
                effective_to=None if to_ms is None else to_ms / 1000,
                source=source,
                checked=checked,
                **special,
            ),
            *row[12:],
        )


def _price_cells(stored: StoredPrice) -> tuple[Cell, ...]:
    price = stored.price
    return (
        price.id,
        price.provider,
        price.model,
        price.meter.value,
        str(price.price),
        price.currency,
        price.per,
        round(price.effective_from * 1000),
        None if price.effective_to is None else round(price.effective_to * 1000),
        msgspec.json.encode(_Conditions(**{name: getattr(price, name) for name in _CONDITION_NAMES})).decode(),
        price.source,
        price.checked,
        stored.actor,
        stored.added_ms,
    )
