"""The ledger's tables, which survive a crash, and their second making from the files alone."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from smart_ai_router.domain.accounts import LIMITED_KINDS, AccountKey
from smart_ai_router.domain.leasing import AccountState, LeaseState
from smart_ai_router.domain.ledger import Repetition, Transfer, TransferKind, compared, usage_transfer
from smart_ai_router.domain.pools import ModelSwitch, PoolState
from tests.simulation.disk import ActionLog, Journal


@dataclass(slots=True)
class HolderRow:
    """One life of a worker, as the store knows it."""

    host: int
    worker: int
    heard: int = 0  # the latest report that was heard
    is_over: bool = False


@dataclass(slots=True)
class Store:
    """A transaction is one event: it happens whole or not at all."""

    is_away: bool = False
    accounts: dict[AccountKey, AccountState] = field(default_factory=dict)
    balances: dict[AccountKey, int] = field(default_factory=dict)  # of counter-accounts too
    transfers: list[Transfer] = field(default_factory=list)
    by_key: dict[str, Transfer] = field(default_factory=dict)
    leases: dict[AccountKey, dict[str, LeaseState]] = field(default_factory=dict)
    holders: dict[str, HolderRow] = field(default_factory=dict)
    offsets: dict[int, int] = field(default_factory=dict)  # how far the journal of each host is posted
    actions_offset: int = 0  # how far the action log is carried out
    pools: dict[str, PoolState] = field(default_factory=dict)
    switches: dict[ModelSwitch, None] = field(default_factory=dict)
    touched: dict[AccountKey, None] = field(default_factory=dict)  # accounts that changed since they were looked at

    def account(self, key: AccountKey) -> AccountState:
        return self.accounts.get(key) or AccountState(key, 0)

    def put_account(self, account: AccountState) -> None:
        self.accounts[account.key] = account
        self.balances[account.key] = account.balance
        self.touched[account.key] = None

    def put_lease(self, lease: LeaseState) -> None:
        self.leases.setdefault(lease.account, {})[lease.holder] = lease
        self.touched[lease.account] = None

    def drop_lease(self, account: AccountKey, holder: str) -> None:
        self.leases.get(account, {}).pop(holder, None)
        self.touched[account] = None

    def all_leases(self) -> Iterable[LeaseState]:
        return [lease for leases in self.leases.values() for lease in leases.values()]

    def book(self, transfer: Transfer) -> Repetition:
        """Append a transfer unless it stands under its key already."""
        repetition = compared(self.by_key.get(transfer.key), transfer)
        if repetition is Repetition.NEW:
            self.append(transfer)
        return repetition

    def append(self, transfer: Transfer) -> None:
        """Append a transfer. What a call takes of limited accounts is left to `leasing.use`."""
        self.transfers.append(transfer)
        self.by_key[transfer.key] = transfer
        for account, amount in transfer.entries:
            if account.kind not in LIMITED_KINDS:
                self.balances[account] = self.balances.get(account, 0) + amount
            elif transfer.kind is not TransferKind.USAGE:
                state = self.account(account)
                self.put_account(state._replace(balance=state.balance + amount))


def rebuilt(journals: Iterable[Journal], actions: ActionLog) -> dict[str, Transfer]:
    """All transfers by their keys, from the files alone: the first under each key counts."""
    by_key: dict[str, Transfer] = {}
    for transfer in actions.read()[0]:
        by_key.setdefault(transfer.key, transfer)
    for journal in journals:
        for line in journal.lines():
            usage = usage_transfer(line.facts)
            if usage is not None:
                by_key.setdefault(usage.key, usage)
    return by_key
