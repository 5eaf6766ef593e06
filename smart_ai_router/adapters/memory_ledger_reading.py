"""Questions to a ledger that is held in memory."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from smart_ai_router.core.ledger_pages import Place, end_of, place_of_cursor
from smart_ai_router.core.ledger_rows import MadeTransfer, PoolRow, SettingRow
from smart_ai_router.core.ledger_store import (
    PAGE_MAX,
    SKIP_MAX,
    AccountMovement,
    HolderRow,
    LedgerAccount,
    MovementPage,
    PoolAlertRow,
    PoolStanding,
    Recharge,
    UsageEntry,
)
from smart_ai_router.domain.accounts import LIMITED_KINDS, PERMANENT, AccountKey, AccountKind, pool_account
from smart_ai_router.domain.leasing import LeaseState
from smart_ai_router.domain.ledger import Entry, Transfer, TransferKind
from smart_ai_router.domain.pools import PoolState


class PostedCall(NamedTuple):
    """The transfer of a call and the number of its record."""

    sid: int
    transfer: Transfer


class MemoryLedgerBooks:
    """Implements `core.ledger_store.LedgerReader`."""

    def __init__(self) -> None:
        self.accounts_by_key: dict[AccountKey, LedgerAccount] = {}
        self.calls: dict[str, PostedCall] = {}  # by request id
        self.made: dict[str, MadeTransfer] = {}  # by idempotency key
        self.setting_rows: dict[tuple[str, str], SettingRow] = {}
        self.lease_rows: dict[tuple[AccountKey, str], LeaseState] = {}
        self.holder_rows: dict[str, HolderRow] = {}
        self.pool_states: dict[str, tuple[PoolState, int]] = {}
        self.alert_rows: dict[int, PoolAlertRow] = {}

    # --- accounts and transfers ---

    def account(self, key: AccountKey) -> LedgerAccount:
        """See `LedgerReader`."""
        return self.accounts_by_key.get(key, LedgerAccount(key))

    def accounts(self, kind: AccountKind | None = None, owner: str | None = None) -> list[LedgerAccount]:
        """See `LedgerReader`."""
        return [
            account
            for key, account in sorted(self.accounts_by_key.items())
            if kind in (None, key.kind) and owner in (None, key.owner)
        ]

    def dated_accounts(self) -> list[LedgerAccount]:
        """See `LedgerReader`."""
        return [each for each in self.accounts() if each.key.part not in ("", PERMANENT) and each.balance]

    def movements(self, account: AccountKey, cursor: str | None = None, limit: int = 20) -> MovementPage:
        """See `LedgerReader`."""
        below = place_of_cursor(cursor)
        placed = [(Place(sid, 0), transfer) for sid, transfer in self.calls.values()]
        placed += [(Place.of_transfer(each.transfer.at_ms, each.id), each.transfer) for each in self.made.values()]
        found = [
            (place, _movement(transfer, entry))
            for place, transfer in placed
            for entry in transfer.entries
            if entry.account == account and place < below
        ]
        return end_of(found, min(max(limit, 1), PAGE_MAX))

    def transfer(self, key: str) -> Transfer | None:
        """See `LedgerReader`."""
        if key.startswith("usage:"):
            call = self.calls.get(key.removeprefix("usage:"))
            return None if call is None else call.transfer
        made = self.made.get(key)
        return None if made is None else made.transfer

    def call_transfers(self, request_id: str) -> tuple[Transfer, ...]:
        """See `LedgerReader`."""
        call = self.calls.get(request_id)
        later = tuple(each.transfer for each in self.made_transfers() if each.transfer.request_id == request_id)
        return later if call is None else (call.transfer, *later)

    def made_transfers(self) -> Iterator[MadeTransfer]:
        """See `LedgerReader`."""
        yield from sorted(self.made.values(), key=lambda made: made.id)

    def usage_transfers(self) -> Iterator[Transfer]:
        """See `LedgerReader`."""
        for call in sorted(self.calls.values(), key=lambda call: call.sid):
            yield call.transfer

    def usage_entries(self) -> Iterator[UsageEntry]:
        """See `LedgerReader`."""
        entries = [
            UsageEntry(sid, account, -amount)
            for sid, transfer in self.calls.values()
            for account, amount in transfer.entries
            if account.kind in LIMITED_KINDS
        ]
        yield from sorted(entries, key=lambda entry: (entry.account, entry.sid))

    # --- settings, pools, alerts, leases ---

    def setting(self, kind: str, key: str) -> SettingRow | None:
        """See `LedgerReader`."""
        return self.setting_rows.get((kind, key))

    def settings(self, kind: str, prefix: str = "") -> list[SettingRow]:
        """See `LedgerReader`."""
        rows: Mapping[tuple[str, str], SettingRow] = self.setting_rows
        return [row for (of, key), row in sorted(rows.items(), key=_name) if of == kind and key.startswith(prefix)]

    def pools(self) -> list[PoolStanding]:
        """See `LedgerReader`."""
        return [self._standing(row) for row in self.settings("pool") if isinstance(row, PoolRow)]

    def _standing(self, row: PoolRow) -> PoolStanding:
        state, seen = self.pool_states.get(row.provider_id, (PoolState(row.provider_id), 0))
        unseen = self.recharges(row.provider_id, limit=len(self.made))[::-1][seen:]
        by_hand = state.alert is not None and not self.alerts(row.provider_id, is_resolved=False)
        account = self.account(pool_account(row.provider_id, row.currency))
        return PoolStanding(row, state, account, tuple(unseen), by_hand)

    def recharges(self, provider_id: str, limit: int = 20, skip: int = 0) -> list[Recharge]:
        """See `LedgerReader`."""
        found = [_recharge(made) for made in self.made_transfers() if made.transfer.kind is TransferKind.RECHARGE]
        return [each for each in reversed(found) if each.provider_id == provider_id][skip : skip + limit]

    def recharge_count(self, provider_id: str) -> int:
        """See `LedgerReader`."""
        return len(self.recharges(provider_id, limit=len(self.made)))

    def alert(self, alert_id: int) -> PoolAlertRow | None:
        """See `LedgerReader`."""
        return self.alert_rows.get(alert_id)

    def alerts(
        self,
        provider_id: str | None = None,
        is_resolved: bool | None = None,
        before: int | None = None,
        limit: int = 20,
        skip: int = 0,
    ) -> list[PoolAlertRow]:
        """See `LedgerReader`."""
        skip, limit = min(max(skip, 0), SKIP_MAX), min(max(limit, 1), PAGE_MAX)
        found = [
            alert
            for alert_id, alert in sorted(self.alert_rows.items(), reverse=True)
            if provider_id in (None, alert.provider_id)
            and is_resolved in (None, alert.resolved_ms is not None)
            and (before is None or alert_id < before)
        ]
        return found[skip : skip + limit]

    def alert_count(self, provider_id: str | None = None, is_resolved: bool | None = None) -> int:
        """See `LedgerReader`."""
        return sum(
            provider_id in (None, alert.provider_id) and is_resolved in (None, alert.resolved_ms is not None)
            for alert in self.alert_rows.values()
        )

    def leases(self) -> list[LeaseState]:
        """See `LedgerReader`."""
        return [lease for _, lease in sorted(self.lease_rows.items(), key=_name)]


def _name(item: tuple[tuple[object, ...], object]) -> tuple[str, ...]:
    return tuple(str(each) if not isinstance(each, tuple) else "\0".join(each) for each in item[0])


def _movement(transfer: Transfer, entry: Entry) -> AccountMovement:
    words = (transfer.request_id, transfer.actor, transfer.source, transfer.remark)
    return AccountMovement(transfer.kind, transfer.key, transfer.at_ms, entry.amount, *words)


def _recharge(made: MadeTransfer) -> Recharge:
    transfer = made.transfer
    pool, amount = next(entry for entry in transfer.entries if entry.account.kind is AccountKind.POOL)
    facts = (transfer.at_ms, transfer.actor, transfer.remark, transfer.key, transfer.source)
    return Recharge(made.id, pool.owner, amount, made.balance_before or 0, *facts)
