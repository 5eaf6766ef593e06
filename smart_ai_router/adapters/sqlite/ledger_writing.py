"""Accounts, transfers and what calls took, written within a transaction that somebody else has begun."""

from collections.abc import Iterable, Sequence
from itertools import chain
from operator import itemgetter
from typing import Final, NamedTuple

from smart_ai_router.adapters.sql_connection import SqlConnection
from smart_ai_router.core.ledger_posting import counters_of, take_from, use_leases
from smart_ai_router.core.ledger_rows import LedgerEffect, MadeTransfer, SettingRow, encode_setting, key_of, kind_of
from smart_ai_router.core.ledger_store import GRANTING_KINDS, USE_KINDS, LedgerAccount
from smart_ai_router.core.placing import Placed
from smart_ai_router.domain.accounts import AccountKey, AccountKind
from smart_ai_router.domain.leasing import LeaseState

ACCOUNT_COLUMNS: Final = "kind, owner, unit, part, credited, used, leased, recall_round, is_granted"
LEASE_COLUMNS: Final = (
    "lease.holder, lease.granted, lease.used, lease.returned, lease.asked_round, lease.answered_round,"
    " lease.wish_round, lease.wish_sequence"
)
_ACCOUNT: Final = (
    "SELECT id, credited, used, leased, recall_round, is_granted FROM account"
    " WHERE kind = ? AND owner = ? AND unit = ? AND part = ?"
)
_ACCOUNT_WIDTH: Final = len(ACCOUNT_COLUMNS.split(", "))
ACCOUNTS_TOGETHER: Final = 50  # in one statement
_by_account = itemgetter(1, 0)


class Standing(NamedTuple):
    """An account, its number, and its open leases by holder."""

    id: int
    account: LedgerAccount
    leases: dict[str, LeaseState]


def post_usage(connection: SqlConnection, placed: Iterable[Placed]) -> None:
    """What new records take of the ledger."""
    taken = take_from(placed)
    if not taken:
        return
    rows: list[tuple[int, int, int]] = []
    sums: list[tuple[str, str, int]] = []
    lease_uses: list[tuple[str, int, str]] = []
    counters = counters_of([(key, each.amount) for key, each in taken.items()])
    standing = find_many(connection, [*taken, *counters])
    for key, each in taken.items():
        account_id, account, leases = standing[key]
        rows += [(sid, account_id, amount) for sid, amount in each.rows]
        leased = account.leased
        if leases and each.leased:
            after, changed = use_leases(account.state, each, leases)
            leased = after.leased
            lease_uses += [(str(lease.used), account_id, lease.holder) for lease in changed]
        sums.append((str(account.used + each.amount), str(leased), account_id))
    for counter, amount in counters.items():
        account_id, account, _ = standing[counter]
        sums.append((str(account.used - amount), str(account.leased), account_id))
    rows.sort(key=_by_account)
    connection.executemany("INSERT INTO usage_entry VALUES (?, ?, ?)", rows)
    connection.executemany("UPDATE account SET used = ?, leased = ? WHERE id = ?", sums)
    if lease_uses:
        connection.executemany("UPDATE lease SET used = ? WHERE account = ? AND holder = ?", lease_uses)


def write_effect(connection: SqlConnection, effect: LedgerEffect, at_ms: int) -> None:
    """The rows of an action. A transfer whose key stands already is left out, whatever it says."""
    for row in effect.settings:
        _write_setting(connection, row)
    made = [each for each in effect.transfers if _add_transfer(connection, each)]
    if made:
        _write_entries(connection, made)
    resolved = effect.resolved
    if resolved is not None:
        connection.execute(
            "UPDATE pool_alert SET resolved_ms = ?, resolved_by = ? WHERE id = ? AND provider = ?"
            " AND resolved_ms IS NULL",
            (at_ms, resolved.resolved_by, resolved.alert_id, resolved.provider_id),
        )


def _write_setting(connection: SqlConnection, row: SettingRow) -> None:
    connection.execute(
        "INSERT INTO ledger_setting VALUES (?, ?, ?) ON CONFLICT (kind, key) DO UPDATE SET content = excluded.content",
        (kind_of(row), key_of(row), encode_setting(row)),
    )


def _add_transfer(connection: SqlConnection, made: MadeTransfer) -> bool:
    transfer = made.transfer
    added = connection.execute(
        "INSERT INTO transfer VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (idempotency_key) DO NOTHING RETURNING id",
        (
            made.id,
            transfer.key,
            transfer.kind.value,
            transfer.at_ms,
            transfer.request_id,
            transfer.actor,
            transfer.source,
            transfer.remark,
            None if made.balance_before is None else str(made.balance_before),
        ),
    ).get
    return added is not None


def _write_entries(connection: SqlConnection, made: Sequence[MadeTransfer]) -> None:
    accounts: dict[AccountKey, tuple[int, LedgerAccount]] = {}
    rows: list[tuple[int, int, int]] = []
    for each in made:
        kind = each.transfer.kind
        for key, amount in each.transfer.entries:
            account_id, account = accounts.get(key) or find_or_add(connection, key)
            rows.append((each.id, account_id, amount))
            if kind in USE_KINDS:
                account = account._replace(used=account.used - amount)
            else:
                account = account._replace(credited=account.credited + amount)
            is_granted = account.is_granted or kind in GRANTING_KINDS
            accounts[key] = account_id, account._replace(is_granted=is_granted)
    connection.executemany("INSERT INTO entry VALUES (?, ?, ?)", rows)
    connection.executemany(
        "UPDATE account SET credited = ?, used = ?, is_granted = ? WHERE id = ?",
        [
            (str(account.credited), str(account.used), int(account.is_granted), account_id)
            for account_id, account in accounts.values()
        ],
    )


def find_many(connection: SqlConnection, keys: Iterable[AccountKey]) -> dict[AccountKey, Standing]:
    """Accounts with their numbers and open leases; those that are not there yet are added.

    Many to a statement: each statement that is run costs as much as reading an account.
    """
    wanted = sorted(keys)
    found: dict[AccountKey, Standing] = {}
    for start in range(0, len(wanted), ACCOUNTS_TOGETHER):
        some = wanted[start : start + ACCOUNTS_TOGETHER]
        statement = _MANY if len(some) == ACCOUNTS_TOGETHER else _accounts_and_leases(len(some))
        for account_id, *cells in connection.execute(statement, tuple(chain.from_iterable(some))):
            account = account_of(cells[:_ACCOUNT_WIDTH])
            standing = found.setdefault(account.key, Standing(account_id, account, {}))
            if cells[_ACCOUNT_WIDTH] is not None:
                lease = lease_of(account.key, cells[_ACCOUNT_WIDTH:])
                standing.leases[lease.holder] = lease
    for key in wanted:
        if key not in found:
            found[key] = Standing(*find_or_add(connection, key), {})
    return found


def _accounts_and_leases(count: int) -> str:
    places = ", ".join(["(?, ?, ?, ?)"] * count)
    columns = [f"account.{name}" for name in ACCOUNT_COLUMNS.split(", ")]
    return (
        f"SELECT id, {', '.join(columns)}, {LEASE_COLUMNS} FROM account LEFT JOIN lease ON lease.account = account.id"  # noqa: S608 - constants
        f" WHERE (kind, owner, unit, part) IN (VALUES {places})"
    )


_MANY: Final = _accounts_and_leases(ACCOUNTS_TOGETHER)


def find(connection: SqlConnection, key: AccountKey) -> tuple[int, LedgerAccount] | None:
    """An account and its number."""
    row = connection.execute(_ACCOUNT, key).fetchone()
    if row is None:
        return None
    account_id, credited, used, leased, recall_round, is_granted = row
    return account_id, LedgerAccount(key, int(credited), int(used), int(leased), recall_round, bool(is_granted))


def find_or_add(connection: SqlConnection, key: AccountKey) -> tuple[int, LedgerAccount]:
    """An account and its number; one of zeros is added when there is none."""
    found = find(connection, key)
    if found is not None:
        return found
    account_id = connection.execute(
        f"INSERT INTO account ({ACCOUNT_COLUMNS}) VALUES (?, ?, ?, ?, '0', '0', '0', 0, 0) RETURNING id",  # noqa: S608 - a constant
        key,
    ).get
    return int(account_id), LedgerAccount(key)


def account_of(cells: Sequence[str | int]) -> LedgerAccount:
    """An account from the columns of `ACCOUNT_COLUMNS`."""
    kind, owner, unit, part, credited, used, leased, recall_round, is_granted = cells
    key = AccountKey(AccountKind(str(kind)), str(owner), str(unit), str(part))
    return LedgerAccount(key, int(credited), int(used), int(leased), int(recall_round), bool(is_granted))


def leases_on(connection: SqlConnection, account_id: int, key: AccountKey) -> list[LeaseState]:
    """The open leases on an account, by holder."""
    rows = connection.execute(
        f"SELECT {LEASE_COLUMNS} FROM lease WHERE account = ? ORDER BY holder",  # noqa: S608 - a constant
        (account_id,),
    )
    return [lease_of(key, row) for row in rows]


def lease_of(key: AccountKey, cells: Sequence[str | int]) -> LeaseState:
    """A lease from the columns of `LEASE_COLUMNS`."""
    holder, granted, used, returned, *rounds = cells
    asked, answered, wish, sequence = (int(each) for each in rounds)
    return LeaseState(str(holder), key, int(granted), int(used), int(returned), asked, answered, wish, sequence)
