"""What the ledger needs of a store, beside the transfers that lines and actions bring with them.

Theory of operation. An account keeps three sums: what it was credited with (grants, recharges, corrections, what
expired), what calls took of it (usage, repricings, refunds), and what is lent of it to workers. Its balance is the
first less the second, always. What calls took is kept line by line (`UsageEntry`); the other side of each, on a
counter-account, follows from it. Transfers of actions are kept whole.

Whoever lends or watches does so within one transaction: it reads states, lets the domain decide, and writes states.
A write names the state that was read, so that a store shared by several hosts can refuse one that is stale.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from smart_ai_router.core.ledger_rows import MadeTransfer, PoolRow, SettingRow
from smart_ai_router.domain.accounts import AccountKey, AccountKind
from smart_ai_router.domain.leasing import AccountState, LeaseState
from smart_ai_router.domain.ledger import Transfer, TransferKind
from smart_ai_router.domain.pools import PoolState

PAGE_MAX: Final = 1000
SKIP_MAX: Final = 10_000  # rows before a page, for callers who count pages
USE_KINDS: Final = frozenset((TransferKind.USAGE, TransferKind.REPRICE, TransferKind.REFUND))  # what calls take
GRANTING_KINDS: Final = frozenset((TransferKind.GRANT, TransferKind.ADJUST, TransferKind.RECHARGE))  # make accounts


class LedgerAccount(NamedTuple):
    """An account and its sums."""

    key: AccountKey
    credited: int = 0
    used: int = 0
    leased: int = 0
    recall_round: int = 0
    is_granted: bool = False  # a grant, a correction or a recharge has made it

    @property
    def balance(self) -> int:
        """The sum of its entries."""
        return self.credited - self.used

    @property
    def state(self) -> AccountState:
        """The account as far as lending goes."""
        return AccountState(self.key, self.balance, self.leased, self.recall_round)


class UsageEntry(NamedTuple):
    """What one call took of one account. The record's number stands for the call."""

    sid: int
    account: AccountKey
    amount: int


class AccountMovement(NamedTuple):
    """A transfer as one account sees it."""

    kind: TransferKind
    key: str
    at_ms: int
    amount: int  # below zero: taken
    request_id: str | None
    actor: str
    source: str
    remark: str


class MovementPage(NamedTuple):
    """Movements, newest first, and where to go on."""

    movements: tuple[AccountMovement, ...]
    next_cursor: str | None


class Recharge(NamedTuple):
    """Money paid in at a provider."""

    id: int
    provider_id: str
    amount: int
    balance_before: int  # when it was decided
    at_ms: int
    actor: str
    remark: str
    key: str
    operator: str = ""  # who is said to have paid; "" when that was the actor

    @property
    def balance_after(self) -> int:
        """Right after it."""
        return self.balance_before + self.amount


class PoolAlertRow(NamedTuple):
    """An alert of a pool."""

    id: int
    provider_id: str
    kind: str  # low_balance | insufficient_balance
    level: str  # warning | critical
    percentage: str  # exact decimal
    available: int
    currency: str
    message: str
    opened_ms: int
    raised_ms: int
    resolved_ms: int | None = None
    resolved_by: str | None = None


class PoolStanding(NamedTuple):
    """A pool as it stands."""

    row: PoolRow
    state: PoolState
    account: LedgerAccount
    unseen: tuple[Recharge, ...] = ()  # recharges that the state does not know of, oldest first
    is_resolved_by_hand: bool = False  # its open alert was, and the state does not know of it


class HolderStatus(StrEnum):
    """What is known of a holder of leases."""

    OPEN = "open"
    BROKEN = "broken"  # its counters contradicted ours: it is lent nothing more
    OVER = "over"  # what it spent is on the books, the rest was lent to others


class HolderRow(NamedTuple):
    """A life of a gateway worker, which holds leases."""

    holder: str
    worker: int
    process_id: int
    status: HolderStatus = HolderStatus.OPEN
    is_ours: bool = True  # it lives on this host, which alone can tell whether it is dead


class LedgerReader(Protocol):
    """Questions about one moment of the ledger."""

    def account(self, key: AccountKey) -> LedgerAccount:
        """An account; one of zeros when there is none."""

    def accounts(self, kind: AccountKind | None = None, owner: str | None = None) -> list[LedgerAccount]:
        """Accounts in the order of their keys."""

    def dated_accounts(self) -> list[LedgerAccount]:
        """Accounts of a month or a day whose balance is not zero."""

    def movements(self, account: AccountKey, cursor: str | None = None, limit: int = 20) -> MovementPage:
        """What was credited to and taken of a user's, a key's or a pool's account, newest first.

        Raises CursorInvalid.
        """

    def transfer(self, key: str) -> Transfer | None:
        """The transfer that stands under an idempotency key."""

    def call_transfers(self, request_id: str) -> tuple[Transfer, ...]:
        """All transfers of a call, in the order in which they were made."""

    def recharges(self, provider_id: str, limit: int = 20, skip: int = 0) -> list[Recharge]:
        """Money paid in at a provider, newest first."""

    def recharge_count(self, provider_id: str) -> int:
        """How many recharges there are."""

    def setting(self, kind: str, key: str) -> SettingRow | None:
        """One row."""

    def settings(self, kind: str, prefix: str = "") -> list[SettingRow]:
        """Rows of a kind whose keys begin like this, in the order of their keys."""

    def pools(self) -> list[PoolStanding]:
        """Every pool, by provider."""

    def alert(self, alert_id: int) -> PoolAlertRow | None:
        """One alert."""

    def alerts(
        self,
        provider_id: str | None = None,
        is_resolved: bool | None = None,
        before: int | None = None,
        limit: int = 20,
        skip: int = 0,
    ) -> list[PoolAlertRow]:
        """Alerts, newest first; those with a smaller id than `before`."""

    def alert_count(self, provider_id: str | None = None, is_resolved: bool | None = None) -> int:
        """How many alerts there are."""

    def leases(self) -> list[LeaseState]:
        """All open leases."""

    def usage_entries(self) -> Iterator[UsageEntry]:
        """What calls took, by account and then by rising number of the record."""

    def usage_transfers(self) -> Iterator[Transfer]:
        """The transfers of calls, by rising number of the record."""

    def made_transfers(self) -> Iterator[MadeTransfer]:
        """The transfers of actions, in the order in which they were made."""


class LeaseBooks(Protocol):
    """Accounts and leases within one transaction."""

    def account(self, key: AccountKey) -> AccountState: ...

    def is_begun(self, key: AccountKey) -> bool:
        """Whether anything was ever credited to an account."""

    def put_account(self, before: AccountState, after: AccountState) -> None:
        """What is lent of an account, and its latest recall; raises StaleState. The balance is not written."""

    def leases_on(self, key: AccountKey) -> list[LeaseState]:
        """All open leases on an account, by holder."""

    def leases_of(self, holder: str) -> list[LeaseState]:
        """All open leases of a holder, by account."""

    def put_lease(self, lease: LeaseState) -> None: ...

    def drop_lease(self, key: AccountKey, holder: str) -> None: ...

    def holder(self, holder: str) -> HolderRow | None: ...

    def holders(self) -> list[HolderRow]:
        """Holders that are not over, by name."""

    def put_holder(self, row: HolderRow) -> None: ...


class PoolBooks(Protocol):
    """Pools and their alerts within one transaction."""

    def pools(self) -> list[PoolStanding]: ...

    def put_pool(self, state: PoolState, recharges_seen: int) -> None:
        """`recharges_seen`: how many more recharges this state knows of."""

    def put_alert(self, alert: PoolAlertRow) -> None:
        """An alert under its id, or a new one when that is 0."""

    def open_alert(self, provider_id: str) -> PoolAlertRow | None: ...


class LedgerStore(Protocol):
    """Both stores of the books have this side. Used by any thread; writes take turns with the bookkeeper's."""

    def ledger(self) -> AbstractContextManager[LedgerReader]:
        """One moment of the ledger, for as long as the context lasts."""

    def lease_books(self) -> AbstractContextManager[LeaseBooks]:
        """A transaction about leases. It survives a kill, not a power cut: then every holder is gone as well."""

    def pool_books(self) -> AbstractContextManager[PoolBooks]:
        """A transaction about pools."""


class StaleState(Exception):
    """Somebody else has changed a row since it was read; the transaction is to be done again."""
