"""Questions to the ledger over one connection, within a moment that somebody else has fixed."""
# ruff: noqa: S608 - what stands in statements comes from this package, values are bound

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from smart_ai_router.adapters.sql_connection import SqlConnection
from smart_ai_router.adapters.sqlite.ledger_writing import ACCOUNT_COLUMNS, LEASE_COLUMNS, account_of, find, lease_of
from smart_ai_router.core.ledger_pages import Place, end_of, place_of_cursor
from smart_ai_router.core.ledger_rows import MadeTransfer, PoolRow, SettingRow, decode_setting
from smart_ai_router.core.ledger_store import (
    PAGE_MAX,
    SKIP_MAX,
    AccountMovement,
    LedgerAccount,
    MovementPage,
    PoolAlertRow,
    PoolStanding,
    Recharge,
    UsageEntry,
)
from smart_ai_router.core.record_keys import own_request_id, sid_ms, split_request_id
from smart_ai_router.domain.accounts import AccountKey, AccountKind, pool_account, usage_counter
from smart_ai_router.domain.leasing import LeaseState
from smart_ai_router.domain.ledger import Entry, Transfer, TransferKind
from smart_ai_router.domain.pools import PoolState

Cell = str | int | None

_TRANSFER: Final = (
    "transfer.id, transfer.kind, idempotency_key, at_ms, request_id, actor, source, remark, balance_before"
)
_ALERTS: Final = (
    "SELECT id, provider, kind, level, percentage, available, currency, message, opened_ms, raised_ms, resolved_ms,"
    " resolved_by FROM pool_alert"
)
_CALL: Final = "SELECT sid, lag_ms, check_bits FROM usage WHERE sid = ?"
_STATES: Final = msgspec.json.Decoder(PoolState)
_CODE_POINT_AFTER_ALL: Final = "\U0010ffff"


class LedgerQuestions:
    """Implements `core.ledger_store.LedgerReader`."""

    def __init__(self, connection: SqlConnection) -> None:
        self._connection = connection

    # --- accounts ---

    def account(self, key: AccountKey) -> LedgerAccount:
        """See `LedgerReader`."""
        found = find(self._connection, key)
        return LedgerAccount(key) if found is None else found[1]

    def accounts(self, kind: AccountKind | None = None, owner: str | None = None) -> list[LedgerAccount]:
        """See `LedgerReader`."""
        where, bound = _where({"kind = ?": kind and kind.value, "owner = ?": owner})
        return self._accounts(f"{where} ORDER BY kind, owner, unit, part", bound)

    def dated_accounts(self) -> list[LedgerAccount]:
        """See `LedgerReader`."""
        dated = "WHERE part NOT IN ('', 'permanent') AND credited <> used"
        return sorted(self._accounts(dated), key=lambda account: account.key)

    def _accounts(self, condition: str, bound: Sequence[Cell] = ()) -> list[LedgerAccount]:
        rows = self._connection.execute(f"SELECT {ACCOUNT_COLUMNS} FROM account {condition}", bound)
        return [account_of(row) for row in rows]

    # --- transfers ---

    def movements(self, account: AccountKey, cursor: str | None = None, limit: int = 20) -> MovementPage:
        """See `LedgerReader`."""
        below = place_of_cursor(cursor)
        found = find(self._connection, account)
        if found is None:
            return MovementPage((), None)
        wanted = min(max(limit, 1), PAGE_MAX) + 1
        calls = self._connection.execute(
            "SELECT usage.sid, amount, lag_ms, check_bits FROM usage_entry JOIN usage ON usage.sid = usage_entry.sid"
            " WHERE account = ? AND usage_entry.sid < ? ORDER BY usage_entry.sid DESC LIMIT ?",
            (found[0], below.number if not below.id else below.number + 1, wanted),
        )
        made = self._connection.execute(
            f"SELECT {_TRANSFER}, amount FROM entry JOIN transfer ON transfer.id = entry.transfer WHERE account = ?"
            " ORDER BY at_ms DESC, id DESC",
            (found[0],),
        )
        placed = [(Place(sid, 0), self._usage_movement(sid, *cells)) for sid, *cells in calls]
        placed += [(Place.of_transfer(row[3], row[0]), _movement(row)) for row in made]
        return end_of([each for each in placed if each[0] < below], wanted - 1)

    def _usage_movement(self, sid: int, amount: int, lag_ms: int, check_bits: int | None) -> AccountMovement:
        request_id = self._request_id(sid, check_bits)
        key, at_ms = f"usage:{request_id}", sid_ms(sid) + lag_ms
        return AccountMovement(TransferKind.USAGE, key, at_ms, -amount, request_id, "", "", "")

    def transfer(self, key: str) -> Transfer | None:
        """See `LedgerReader`."""
        if key.startswith("usage:"):
            return self._usage_transfer(key.removeprefix("usage:"))
        return next((made.transfer for made in self._made("WHERE idempotency_key = ?", (key,))), None)

    def call_transfers(self, request_id: str) -> tuple[Transfer, ...]:
        """See `LedgerReader`."""
        usage = self._usage_transfer(request_id)
        later = [made.transfer for made in self._made("WHERE request_id = ? ORDER BY id", (request_id,))]
        return tuple(later) if usage is None else (usage, *later)

    def made_transfers(self) -> Iterator[MadeTransfer]:
        """See `LedgerReader`."""
        return self._made("ORDER BY id", ())

    def _made(self, condition: str, bound: Sequence[Cell]) -> Iterator[MadeTransfer]:
        for row in self._connection.execute(f"SELECT {_TRANSFER} FROM transfer {condition}", bound):
            transfer_id, kind, key, at_ms, request_id, actor, source, remark, before = row
            entries = tuple(
                Entry(AccountKey(AccountKind(account_kind), owner, unit, part), amount)
                for account_kind, owner, unit, part, amount in self._connection.execute(
                    "SELECT kind, owner, unit, part, amount FROM entry JOIN account ON account.id = account"
                    " WHERE transfer = ? ORDER BY kind, owner, unit, part",
                    (transfer_id,),
                )
            )
            transfer = Transfer(TransferKind(kind), key, at_ms, entries, request_id, actor, source, remark)
            yield MadeTransfer(transfer_id, transfer, None if before is None else int(before))

    # --- what calls took ---

    def _usage_transfer(self, request_id: str) -> Transfer | None:
        sid = self._sid_of(request_id)
        if sid is None:
            return None
        row = self._connection.execute(
            "SELECT lag_ms, users.name, keys.name FROM usage"
            " LEFT JOIN dim AS users ON users.kind = 4 AND users.id = user"
            " LEFT JOIN dim AS keys ON keys.kind = 5 AND keys.id = api_key WHERE sid = ?",
            (sid,),
        ).fetchone()
        accounts = self._connection.execute(
            "SELECT kind, owner, unit, part, amount FROM account JOIN usage_entry"
            " ON usage_entry.account = account.id AND sid = ?"
            " WHERE kind = 'pool' OR (kind = 'user' AND owner = ?) OR (kind = 'key' AND owner = ?)"
            " ORDER BY kind, owner, unit, part",
            (sid, row[1] or "", row[2] or ""),
        )
        taken = {AccountKey(AccountKind(each[0]), *each[1:4]): each[4] for each in accounts}
        return usage_transfer_of(request_id, sid_ms(sid) + row[0], taken) if taken else None

    def _sid_of(self, request_id: str) -> int | None:
        key = split_request_id(request_id)
        if key is not None:
            found = self._connection.execute(_CALL, (key[0],)).fetchone()
            if found is not None and found[2] == key[1]:
                return key[0]
        sid = self._connection.execute("SELECT sid FROM foreign_id WHERE request_id = ?", (request_id,)).get
        return None if sid is None else int(sid)

    def _request_id(self, sid: int, check_bits: int | None) -> str:
        if check_bits is not None:
            return own_request_id(sid, check_bits)
        return str(self._connection.execute("SELECT request_id FROM foreign_id WHERE sid = ?", (sid,)).get)

    def usage_entries(self) -> Iterator[UsageEntry]:
        """See `LedgerReader`."""
        accounts = self._connection.execute(
            "SELECT id, kind, owner, unit, part FROM account ORDER BY kind, owner, unit, part"
        )
        for account_id, kind, *names in accounts.fetchall():
            key = AccountKey(AccountKind(kind), *names)
            for sid, amount in self._connection.execute(
                "SELECT sid, amount FROM usage_entry WHERE account = ? ORDER BY sid", (account_id,)
            ):
                yield UsageEntry(sid, key, amount)

    def usage_transfers(self) -> Iterator[Transfer]:
        """See `LedgerReader`."""
        accounts = {
            account_id: AccountKey(AccountKind(kind), *names)
            for account_id, kind, *names in self._connection.execute("SELECT id, kind, owner, unit, part FROM account")
        }
        rows = self._connection.execute(
            "SELECT usage.sid, lag_ms, check_bits, account, amount FROM usage_entry"
            " JOIN usage ON usage.sid = usage_entry.sid ORDER BY usage_entry.sid"
        )
        taken: dict[AccountKey, int] = {}
        call: tuple[int, int, int | None] | None = None
        for sid, lag_ms, check_bits, account, amount in rows:
            if call is not None and call[0] != sid:
                yield self._told(*call, taken)
                taken = {}
            call = (sid, lag_ms, check_bits)
            taken[accounts[account]] = amount
        if call is not None:
            yield self._told(*call, taken)

    def _told(self, sid: int, lag_ms: int, check_bits: int | None, taken: Mapping[AccountKey, int]) -> Transfer:
        return usage_transfer_of(self._request_id(sid, check_bits), sid_ms(sid) + lag_ms, taken)

    # --- settings, pools, alerts, leases ---

    def setting(self, kind: str, key: str) -> SettingRow | None:
        """See `LedgerReader`."""
        content = self._connection.execute(
            "SELECT content FROM ledger_setting WHERE kind = ? AND key = ?", (kind, key)
        ).get
        return None if content is None else decode_setting(str(content))

    def settings(self, kind: str, prefix: str = "") -> list[SettingRow]:
        """See `LedgerReader`."""
        rows = self._connection.execute(
            "SELECT content FROM ledger_setting WHERE kind = ? AND key >= ? AND key < ? ORDER BY key",
            (kind, prefix, prefix + _CODE_POINT_AFTER_ALL),
        )
        return [decode_setting(content) for (content,) in rows]

    def every_setting(self) -> list[SettingRow]:
        """All rows about money, for the proof."""
        rows = self._connection.execute("SELECT content FROM ledger_setting ORDER BY kind, key")
        return [decode_setting(content) for (content,) in rows]

    def pools(self) -> list[PoolStanding]:
        """See `LedgerReader`."""
        return [self._standing(row) for row in self.settings("pool") if isinstance(row, PoolRow)]

    def _standing(self, row: PoolRow) -> PoolStanding:
        kept = self._connection.execute(
            "SELECT content, recharges_seen FROM pool_state WHERE provider = ?", (row.provider_id,)
        ).fetchone()
        state, seen = (PoolState(row.provider_id), 0) if kept is None else (_STATES.decode(kept[0]), kept[1])
        count = self.recharge_count(row.provider_id)
        unseen = self.recharges(row.provider_id, count - seen)[::-1] if count > seen else []
        is_open = state.alert is not None and bool(self.alerts(row.provider_id, is_resolved=False, limit=1))
        by_hand = state.alert is not None and not is_open
        account = self.account(pool_account(row.provider_id, row.currency))
        return PoolStanding(row, state, account, tuple(unseen), by_hand)

    def recharges(self, provider_id: str, limit: int = 20, skip: int = 0) -> list[Recharge]:
        """See `LedgerReader`."""
        rows = self._connection.execute(
            f"SELECT {_TRANSFER}, amount FROM account JOIN entry ON entry.account = account.id"
            " JOIN transfer ON transfer.id = entry.transfer"
            " WHERE account.kind = 'pool' AND owner = ? AND transfer.kind = 'recharge'"
            " ORDER BY transfer.id DESC LIMIT ? OFFSET ?",
            (provider_id, limit, skip),
        )
        return [
            Recharge(recharge_id, provider_id, amount, int(before or 0), at_ms, actor, remark, key, operator)
            for recharge_id, _, key, at_ms, _, actor, operator, remark, before, amount in rows
        ]

    def recharge_count(self, provider_id: str) -> int:
        """See `LedgerReader`."""
        return int(
            self._connection.execute(
                "SELECT count(*) FROM account JOIN entry ON entry.account = account.id"
                " JOIN transfer ON transfer.id = entry.transfer"
                " WHERE account.kind = 'pool' AND owner = ? AND transfer.kind = 'recharge'",
                (provider_id,),
            ).get
        )

    def alert(self, alert_id: int) -> PoolAlertRow | None:
        """See `LedgerReader`."""
        row = self._connection.execute(f"{_ALERTS} WHERE id = ?", (alert_id,)).fetchone()
        return None if row is None else alert_of(row)

    def alerts(
        self,
        provider_id: str | None = None,
        is_resolved: bool | None = None,
        before: int | None = None,
        limit: int = 20,
        skip: int = 0,
    ) -> list[PoolAlertRow]:
        """See `LedgerReader`."""
        where, bound = _where({"provider = ?": provider_id, "id < ?": before}, _resolved(is_resolved))
        rows = self._connection.execute(
            f"{_ALERTS} {where} ORDER BY id DESC LIMIT ? OFFSET ?",
            (*bound, min(max(limit, 1), PAGE_MAX), min(max(skip, 0), SKIP_MAX)),
        )
        return [alert_of(row) for row in rows]

    def alert_count(self, provider_id: str | None = None, is_resolved: bool | None = None) -> int:
        """See `LedgerReader`."""
        where, bound = _where({"provider = ?": provider_id}, _resolved(is_resolved))
        return int(self._connection.execute(f"SELECT count(*) FROM pool_alert {where}", bound).get)

    def leases(self) -> list[LeaseState]:
        """See `LedgerReader`."""
        rows = self._connection.execute(
            f"SELECT kind, owner, unit, part, {LEASE_COLUMNS} FROM lease JOIN account ON account.id = account"
            " ORDER BY kind, owner, unit, part, holder"
        )
        return [lease_of(AccountKey(AccountKind(row[0]), *row[1:4]), row[4:]) for row in rows]


def usage_transfer_of(request_id: str, at_ms: int, taken: Mapping[AccountKey, int]) -> Transfer:
    """The transfer of a call from what it took, entries in the order of their accounts."""
    sums: dict[AccountKey, int] = {}
    for account, amount in taken.items():
        counter = usage_counter(account)
        sums[account] = sums.get(account, 0) - amount
        sums[counter] = sums.get(counter, 0) + amount
    entries = tuple([Entry(account, amount) for account, amount in sorted(sums.items())])
    return Transfer(TransferKind.USAGE, f"usage:{request_id}", at_ms, entries, request_id)


def alert_of(row: Sequence[Cell]) -> PoolAlertRow:
    """An alert from its columns."""
    alert_id, provider_id, kind, level, percentage, available, *rest = row
    return msgspec.convert((alert_id, provider_id, kind, level, percentage, int(available or 0), *rest), PoolAlertRow)


def _movement(row: Sequence[Cell]) -> AccountMovement:
    _, kind, key, at_ms, request_id, actor, source, remark, _, amount = row
    cells = (at_ms, amount, request_id, actor, source, remark)
    return msgspec.convert((kind, key, *cells), AccountMovement)


def _resolved(is_resolved: bool | None) -> Iterable[str]:
    return () if is_resolved is None else (f"resolved_ms IS {'NOT ' if is_resolved else ''}NULL",)


def _where(conditions: Mapping[str, Cell], more: Iterable[str] = ()) -> tuple[str, tuple[Cell, ...]]:
    asked = {condition: value for condition, value in conditions.items() if value is not None}
    parts = [*asked, *more]
    return (f"WHERE {' AND '.join(parts)}" if parts else ""), tuple(asked.values())
