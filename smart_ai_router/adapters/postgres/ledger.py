"""The ledger, written by several hosts: what calls took, leases, pools.

Whoever writes accounts takes the ledger's lock first, and keeps it for the few statements up to the commit. An account
that everybody uses (a provider's pool) would make them wait for each other anyway; with one lock they cannot wait in a
circle, and what one has read no other one changes. Calls of a batch are posted set by set, not account by account.
"""
# ruff: noqa: S608 - names of tables and columns come from this package, values are bound

from collections.abc import Mapping, Sequence
from typing import Final

from smart_ai_router.adapters.postgres.dialect import array_text
from smart_ai_router.adapters.postgres.driver import Connection, escaped
from smart_ai_router.adapters.postgres.opening import lock_number
from smart_ai_router.adapters.sqlite.ledger_books import SqliteLeaseBooks, SqlitePoolBooks
from smart_ai_router.adapters.sqlite.ledger_writing import ACCOUNT_COLUMNS, LEASE_COLUMNS, account_of, lease_of
from smart_ai_router.core.ledger_posting import counters_of, take_from, use_leases
from smart_ai_router.core.ledger_store import HolderRow, HolderStatus, LedgerAccount, PoolAlertRow
from smart_ai_router.core.placing import Placed
from smart_ai_router.domain.accounts import AccountKey
from smart_ai_router.domain.leasing import LeaseState

_KEYS: Final = "unnest(?::text[], ?::text[], ?::text[], ?::text[]) AS asked (kind, owner, unit, part)"
_FIND: Final = f"SELECT account.id, {ACCOUNT_COLUMNS} FROM account JOIN {_KEYS} USING (kind, owner, unit, part)"
_ADD: Final = (
    f"INSERT INTO account ({ACCOUNT_COLUMNS})"
    f" SELECT kind, owner, unit, part, 0, 0, 0, 0, 0 FROM {_KEYS} ON CONFLICT DO NOTHING"
)
_ADD_ENTRIES: Final = (
    "INSERT INTO usage_entry (sid, account, amount)"
    " SELECT * FROM unnest(?::text::bigint[], ?::text::bigint[], ?::text::bigint[])"
)
_ADD_SUMS: Final = (
    "UPDATE account SET used = account.used + taken.used, leased = account.leased + taken.leased"
    " FROM unnest(?::text::bigint[], ?::text::numeric[], ?::text::numeric[]) AS taken (id, used, leased)"
    " WHERE account.id = taken.id"
)
_LEASES: Final = f"SELECT account, {LEASE_COLUMNS} FROM lease WHERE account = ANY (?::text::bigint[])"
_USE_LEASES: Final = (
    "UPDATE lease SET used = taken.used FROM unnest(?::text::bigint[], ?::text[], ?::text::numeric[])"
    " AS taken (account, holder, used) WHERE lease.account = taken.account AND lease.holder = taken.holder"
)


def hold_ledger(connection: Connection, schema: str) -> None:
    """Keep everybody else from writing accounts until the transaction ends."""
    connection.execute("SELECT pg_advisory_xact_lock(?)", (lock_number(f"{schema} ledger"),))


def post_usage(connection: Connection, schema: str, placed: Sequence[Placed]) -> None:
    """What new records take of the ledger."""
    taken = take_from(placed)
    if not taken:
        return
    hold_ledger(connection, schema)
    counters = counters_of([(key, each.amount) for key, each in taken.items()])
    accounts = _accounts(connection, sorted({*taken, *counters}))
    leases = _leases(connection, [accounts[key] for key, each in taken.items() if each.leased])
    sums: dict[int, list[int]] = {}
    used: list[tuple[int, str, int]] = []
    for key, each in taken.items():
        account_id, account = accounts[key]
        after, changed = use_leases(account.state, each, leases.get(account_id, {}))
        sums[account_id] = [each.amount, after.leased - account.leased]
        used += [(account_id, lease.holder, lease.used) for lease in changed]
    for counter, amount in counters.items():
        sums.setdefault(accounts[counter][0], [0, 0])[0] -= amount
    rows = [(sid, accounts[key][0], amount) for key, each in taken.items() for sid, amount in each.rows]
    connection.execute(_ADD_ENTRIES, [array_text(column) for column in zip(*sorted(rows), strict=True)])
    ids = sorted(sums)
    columns = (ids, [sums[each][0] for each in ids], [sums[each][1] for each in ids])
    connection.execute(_ADD_SUMS, [array_text(column) for column in columns])
    if used:
        lease_accounts, holders, amounts = zip(*used, strict=True)
        connection.execute(
            _USE_LEASES, (array_text(lease_accounts), [escaped(holder) for holder in holders], array_text(amounts))
        )


def _accounts(connection: Connection, keys: Sequence[AccountKey]) -> dict[AccountKey, tuple[int, LedgerAccount]]:
    """Accounts and their numbers; those that were not there are added with sums of zero."""
    columns = [[escaped(cell) for cell in column] for column in zip(*keys, strict=True)]
    found = _found(connection, columns)
    if len(found) < len(keys):
        connection.execute(_ADD, columns)
        found = _found(connection, columns)
    return found


def _found(connection: Connection, columns: Sequence[Sequence[str]]) -> dict[AccountKey, tuple[int, LedgerAccount]]:
    accounts = {}
    for account_id, *cells in connection.execute(_FIND, columns):
        account = account_of(cells)
        accounts[account.key] = int(account_id), account
    return accounts


def _leases(
    connection: Connection, accounts: Sequence[tuple[int, LedgerAccount]]
) -> Mapping[int, dict[str, LeaseState]]:
    if not accounts:
        return {}
    keys = {account_id: account.key for account_id, account in accounts}
    found: dict[int, dict[str, LeaseState]] = {}
    for account_id, *cells in connection.execute(_LEASES, (array_text(list(keys)),)):
        lease = lease_of(keys[account_id], cells)
        found.setdefault(account_id, {})[lease.holder] = lease
    return found


class PostgresLeaseBooks(SqliteLeaseBooks):
    """Knows which host a holder lives on: only there can be told whether it is dead."""

    def __init__(self, connection: Connection, host: str) -> None:
        super().__init__(connection)
        self._host = host

    def holder(self, holder: str) -> HolderRow | None:
        """See `LeaseBooks`."""
        return next(iter(self._holders("name = ?", (holder,))), None)

    def holders(self) -> list[HolderRow]:
        """See `LeaseBooks`."""
        return self._holders("status <> 'over'", ())

    def put_holder(self, row: HolderRow) -> None:
        """See `LeaseBooks`."""
        self._connection.execute(
            "INSERT INTO holder (name, worker, process_id, status, host) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (name) DO UPDATE SET status = excluded.status",
            (row.holder, row.worker, row.process_id, row.status.value, self._host),
        )

    def _holders(self, condition: str, bound: Sequence[str]) -> list[HolderRow]:
        rows = self._connection.execute(
            f"SELECT name, worker, process_id, status, host FROM holder WHERE {condition} ORDER BY name",
            bound,
        )
        return [
            HolderRow(name, worker, process_id, HolderStatus(status), is_ours=host == self._host)
            for name, worker, process_id, status, host in rows
        ]


class PostgresPoolBooks(SqlitePoolBooks):
    """Numbers alerts itself: an identity takes no NULL."""

    def put_alert(self, alert: PoolAlertRow) -> None:
        """See `PoolBooks`."""
        number = alert.id or int(
            self._connection.execute("SELECT nextval(pg_get_serial_sequence('pool_alert', 'id'))").get
        )
        super().put_alert(alert._replace(id=number))
