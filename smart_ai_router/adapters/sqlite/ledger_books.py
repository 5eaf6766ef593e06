"""Leases and pools within one transaction on the writing connection."""

from typing import Final

import msgspec

from smart_ai_router.adapters.sql_connection import SqlConnection
from smart_ai_router.adapters.sqlite.ledger_reading import LedgerQuestions
from smart_ai_router.adapters.sqlite.ledger_writing import LEASE_COLUMNS, find, find_or_add, lease_of, leases_on
from smart_ai_router.core.ledger_store import HolderRow, HolderStatus, PoolAlertRow, PoolStanding, StaleState
from smart_ai_router.domain.accounts import AccountKey, AccountKind
from smart_ai_router.domain.leasing import AccountState, LeaseState
from smart_ai_router.domain.pools import PoolState

_ENCODER: Final = msgspec.json.Encoder()
_PUT_LEASE: Final = (
    "INSERT INTO lease VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (account, holder) DO UPDATE SET"
    " granted = excluded.granted, used = excluded.used, returned = excluded.returned,"
    " asked_round = excluded.asked_round,"
    " answered_round = excluded.answered_round, wish_round = excluded.wish_round,"
    " wish_sequence = excluded.wish_sequence"
)


class SqliteLeaseBooks:
    """Implements `core.ledger_store.LeaseBooks`."""

    def __init__(self, connection: SqlConnection) -> None:
        self._connection = connection

    def account(self, key: AccountKey) -> AccountState:
        """See `LeaseBooks`."""
        found = find(self._connection, key)
        return AccountState(key, 0) if found is None else found[1].state

    def is_begun(self, key: AccountKey) -> bool:
        """See `LeaseBooks`."""
        found = find(self._connection, key)
        return found is not None and found[1].is_granted

    def put_account(self, before: AccountState, after: AccountState) -> None:
        """See `LeaseBooks`."""
        if before == after:
            return
        account_id, account = find_or_add(self._connection, after.key)
        changed = self._connection.execute(
            "UPDATE account SET leased = ?, recall_round = ? WHERE id = ? AND credited = ? AND used = ?"
            " AND leased = ? AND recall_round = ? RETURNING id",
            (
                str(after.leased),
                after.recall_round,
                account_id,
                str(account.credited),
                str(account.used),
                str(before.leased),
                before.recall_round,
            ),
        ).get
        if changed is None or account.balance != before.balance:
            raise StaleState(f"{after.key} was changed meanwhile")

    def leases_on(self, key: AccountKey) -> list[LeaseState]:
        """See `LeaseBooks`."""
        found = find(self._connection, key)
        return [] if found is None else leases_on(self._connection, found[0], key)

    def leases_of(self, holder: str) -> list[LeaseState]:
        """See `LeaseBooks`."""
        rows = self._connection.execute(
            f"SELECT kind, owner, unit, part, {LEASE_COLUMNS} FROM lease JOIN account ON account.id = account"  # noqa: S608 - constants
            " WHERE holder = ? ORDER BY kind, owner, unit, part",
            (holder,),
        )
        return [lease_of(AccountKey(AccountKind(row[0]), *row[1:4]), row[4:]) for row in rows]

    def put_lease(self, lease: LeaseState) -> None:
        """See `LeaseBooks`."""
        account_id, _ = find_or_add(self._connection, lease.account)
        self._connection.execute(
            _PUT_LEASE,
            (
                account_id,
                lease.holder,
                str(lease.granted),
                str(lease.used),
                str(lease.returned),
                lease.asked_round,
                lease.answered_round,
                lease.wish_round,
                lease.wish_sequence,
            ),
        )

    def drop_lease(self, key: AccountKey, holder: str) -> None:
        """See `LeaseBooks`."""
        found = find(self._connection, key)
        if found is not None:
            self._connection.execute("DELETE FROM lease WHERE account = ? AND holder = ?", (found[0], holder))

    def holder(self, holder: str) -> HolderRow | None:
        """See `LeaseBooks`."""
        row = self._connection.execute("SELECT * FROM holder WHERE name = ?", (holder,)).fetchone()
        return None if row is None else _holder_of(row)

    def holders(self) -> list[HolderRow]:
        """See `LeaseBooks`."""
        rows = self._connection.execute("SELECT * FROM holder WHERE status <> 'over' ORDER BY name")
        return [_holder_of(row) for row in rows]

    def put_holder(self, row: HolderRow) -> None:
        """See `LeaseBooks`."""
        self._connection.execute(
            "INSERT INTO holder VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET status = excluded.status",
            (row.holder, row.worker, row.process_id, row.status.value),
        )


class SqlitePoolBooks:
    """Implements `core.ledger_store.PoolBooks`."""

    def __init__(self, connection: SqlConnection) -> None:
        self._connection = connection
        self._questions = LedgerQuestions(connection)

    def pools(self) -> list[PoolStanding]:
        """See `PoolBooks`."""
        return self._questions.pools()

    def put_pool(self, state: PoolState, recharges_seen: int) -> None:
        """See `PoolBooks`."""
        self._connection.execute(
            "INSERT INTO pool_state VALUES (?, ?, ?) ON CONFLICT (provider) DO UPDATE SET content = excluded.content,"
            " recharges_seen = pool_state.recharges_seen + excluded.recharges_seen",
            (state.provider_id, _ENCODER.encode(state).decode(), recharges_seen),
        )

    def put_alert(self, alert: PoolAlertRow) -> None:
        """See `PoolBooks`."""
        cells = (*alert[1:5], str(alert.available), *alert[6:])
        self._connection.execute(
            "INSERT INTO pool_alert VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
            " kind = excluded.kind, level = excluded.level, percentage = excluded.percentage,"
            " available = excluded.available, message = excluded.message, raised_ms = excluded.raised_ms,"
            " resolved_ms = excluded.resolved_ms, resolved_by = excluded.resolved_by",
            (alert.id or None, *cells),
        )

    def open_alert(self, provider_id: str) -> PoolAlertRow | None:
        """See `PoolBooks`."""
        return next(iter(self._questions.alerts(provider_id, is_resolved=False, limit=1)), None)


def _holder_of(row: tuple[str, int, int, str]) -> HolderRow:
    name, worker, process_id, status = row
    return HolderRow(name, worker, process_id, HolderStatus(status))
