"""The ledger in memory: what lines and actions bring is posted one by one, in the plainest way.

It obeys the same contract as the ledger in a database, which posts whole batches.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from threading import RLock

from smart_ai_router.adapters.memory_ledger_reading import MemoryLedgerBooks, PostedCall
from smart_ai_router.core.ledger_posting import usage_facts
from smart_ai_router.core.ledger_rows import LedgerEffect, key_of, kind_of
from smart_ai_router.core.ledger_store import (
    GRANTING_KINDS,
    USE_KINDS,
    HolderRow,
    HolderStatus,
    LedgerAccount,
    PoolAlertRow,
    PoolStanding,
    StaleState,
)
from smart_ai_router.core.placing import Placed
from smart_ai_router.domain.accounts import AccountKey
from smart_ai_router.domain.leasing import AccountState, LeaseState, use
from smart_ai_router.domain.ledger import Transfer, usage_transfer
from smart_ai_router.domain.pools import PoolState


class MemoryLedger(MemoryLedgerBooks):
    """Implements `LedgerStore`."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = RLock()

    # --- `LedgerStore` ---

    @contextmanager
    def ledger(self) -> Iterator[MemoryLedgerBooks]:
        """See `LedgerStore`."""
        with self.lock:
            yield self

    @contextmanager
    def lease_books(self) -> Iterator["MemoryLeaseBooks"]:
        """See `LedgerStore`."""
        with self.transaction():
            yield MemoryLeaseBooks(self)

    @contextmanager
    def pool_books(self) -> Iterator["MemoryPoolBooks"]:
        """See `LedgerStore`."""
        with self.transaction():
            yield MemoryPoolBooks(self)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of what is done within, or nothing."""
        with self.lock:
            before = {name: copy(value) for name, value in vars(self).items() if isinstance(value, dict)}
            try:
                yield
            except BaseException:
                vars(self).update(before)
                raise

    def copied(self) -> MemoryLedgerBooks:
        """The ledger of this moment."""
        books = MemoryLedgerBooks()
        with self.lock:
            vars(books).update({name: copy(value) for name, value in vars(self).items() if isinstance(value, dict)})
        return books

    # --- lines and actions ---

    def post(self, placed: Iterable[Placed]) -> None:
        """What new records take."""
        for posting, sid, _ in placed:
            facts = usage_facts(posting)
            transfer = usage_transfer(facts)
            if transfer is None:
                continue
            self.calls[facts.request_id] = PostedCall(sid, _in_order(transfer))
            self._add(transfer)
            for account, amount, leased in facts.postings:
                self._use_lease(account, facts.holder, amount, leased)

    def _use_lease(self, key: AccountKey, holder: str, amount: int, leased: int) -> None:
        lease = self.lease_rows.get((key, holder))
        kept = self.account(key)
        after, used = use(kept.state, lease, amount, leased)
        self.accounts_by_key[key] = kept._replace(leased=after.leased)
        if used is not None:
            self.lease_rows[key, holder] = used

    def write(self, effect: LedgerEffect, at_ms: int) -> None:
        """The rows of an action. A transfer whose key stands already is left out, whatever it says."""
        for row in effect.settings:
            self.setting_rows[kind_of(row), key_of(row)] = row
        for made in effect.transfers:
            if made.transfer.key not in self.made:
                self.made[made.transfer.key] = made._replace(transfer=_in_order(made.transfer))
                self._add(made.transfer)
        resolved = effect.resolved
        alert = None if resolved is None else self.alert_rows.get(resolved.alert_id)
        if resolved is None or alert is None or alert.resolved_ms is not None:
            return
        if alert.provider_id == resolved.provider_id:
            self.alert_rows[alert.id] = alert._replace(resolved_ms=at_ms, resolved_by=resolved.resolved_by)

    def _add(self, transfer: Transfer) -> None:
        for key, amount in transfer.entries:
            account = self.account(key)
            if transfer.kind in USE_KINDS:
                account = account._replace(used=account.used - amount)
            else:
                account = account._replace(credited=account.credited + amount)
            is_granted = account.is_granted or transfer.kind in GRANTING_KINDS
            self.accounts_by_key[key] = account._replace(is_granted=is_granted)


class MemoryLeaseBooks:
    """Implements `core.ledger_store.LeaseBooks`."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self._ledger = ledger

    def account(self, key: AccountKey) -> AccountState:
        """See `LeaseBooks`."""
        return self._ledger.account(key).state

    def is_begun(self, key: AccountKey) -> bool:
        """See `LeaseBooks`."""
        return self._ledger.account(key).is_granted

    def put_account(self, before: AccountState, after: AccountState) -> None:
        """See `LeaseBooks`."""
        kept = self._ledger.account(after.key)
        if kept.state != before:
            raise StaleState(f"{after.key} was changed meanwhile")
        if before != after:
            lent = kept._replace(leased=after.leased, recall_round=after.recall_round)
            self._ledger.accounts_by_key[after.key] = lent

    def leases_on(self, key: AccountKey) -> list[LeaseState]:
        """See `LeaseBooks`."""
        return [lease for lease in self._ledger.leases() if lease.account == key]

    def leases_of(self, holder: str) -> list[LeaseState]:
        """See `LeaseBooks`."""
        return [lease for lease in self._ledger.leases() if lease.holder == holder]

    def put_lease(self, lease: LeaseState) -> None:
        """See `LeaseBooks`."""
        self._ledger.accounts_by_key.setdefault(lease.account, LedgerAccount(lease.account))
        self._ledger.lease_rows[lease.account, lease.holder] = lease

    def drop_lease(self, key: AccountKey, holder: str) -> None:
        """See `LeaseBooks`."""
        self._ledger.lease_rows.pop((key, holder), None)

    def holder(self, holder: str) -> HolderRow | None:
        """See `LeaseBooks`."""
        return self._ledger.holder_rows.get(holder)

    def holders(self) -> list[HolderRow]:
        """See `LeaseBooks`."""
        rows = sorted(self._ledger.holder_rows.values())
        return [row for row in rows if row.status is not HolderStatus.OVER]

    def put_holder(self, row: HolderRow) -> None:
        """See `LeaseBooks`."""
        self._ledger.holder_rows[row.holder] = row


class MemoryPoolBooks:
    """Implements `core.ledger_store.PoolBooks`."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self._ledger = ledger

    def pools(self) -> list[PoolStanding]:
        """See `PoolBooks`."""
        return self._ledger.pools()

    def put_pool(self, state: PoolState, recharges_seen: int) -> None:
        """See `PoolBooks`."""
        _, before = self._ledger.pool_states.get(state.provider_id, (state, 0))
        self._ledger.pool_states[state.provider_id] = state, before + recharges_seen

    def put_alert(self, alert: PoolAlertRow) -> None:
        """See `PoolBooks`."""
        alert_id = alert.id or max(self._ledger.alert_rows, default=0) + 1
        self._ledger.alert_rows[alert_id] = alert._replace(id=alert_id)

    def open_alert(self, provider_id: str) -> PoolAlertRow | None:
        """See `PoolBooks`."""
        return next(iter(self._ledger.alerts(provider_id, is_resolved=False)), None)


def _in_order(transfer: Transfer) -> Transfer:
    return transfer._replace(entries=tuple(sorted(transfer.entries)))
