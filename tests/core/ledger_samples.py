"""A whole office of money over one store, and journal lines that take something, for tests."""

from decimal import Decimal
from itertools import count
from secrets import token_bytes
from typing import Final

from smart_ai_router.adapters.memory_administration import MemoryActionLog
from smart_ai_router.adapters.memory_store import MemoryStore
from smart_ai_router.adapters.sqlite import SqliteStore
from smart_ai_router.core.administration import ActionDesk, ActionLog, Origin
from smart_ai_router.core.administration_messages import NewKey, NewUser
from smart_ai_router.core.call_corrections import CallCorrections
from smart_ai_router.core.ledger_calendar import Calendar
from smart_ai_router.core.ledger_requests import NewRecharge
from smart_ai_router.core.ledger_store import LedgerAccount
from smart_ai_router.core.pool_office import PoolOffice
from smart_ai_router.core.pool_watch import PoolNotice, PoolWatch
from smart_ai_router.core.quota_office import QuotaOffice
from smart_ai_router.core.store import JournalFileState
from smart_ai_router.core.usage_record import AccountPosting, UsageRecord
from smart_ai_router.core.users_and_keys import UsersAndKeys
from smart_ai_router.domain.accounts import AccountKey, key_account, pool_account, user_account
from tests.contract.lines import postings, record
from tests.core.administration_samples import SettableClock

UNIT: Final = 10**12  # one unit of a currency, in pico
ALICE: Final = user_account("alice", "CNY")
POOL: Final = pool_account("openai", "CNY")
KEY: Final = key_account("key_a", "CNY")
PROVIDERS: Final = ("openai", "qwen")

Store = MemoryStore | SqliteStore


class Money:
    """All verbs about money, and what they need. Alice and Bob are users."""

    def __init__(self, store: Store | None = None, time_zone: str = "UTC", log: ActionLog | None = None) -> None:
        self.store: Store = store or MemoryStore(time_zone)
        self.log = MemoryActionLog()
        self.clock = SettableClock()
        self.told = 0
        self.notices: list[PoolNotice] = []
        self.rows = self.store.administration
        self.desk = ActionDesk(
            self.rows, log or self.log, clock=self.clock, random_bytes=token_bytes, tell_gateways=self._tell_gateways
        )
        self.people = UsersAndKeys(self.desk, self.rows, token_bytes)
        self.watch = PoolWatch(
            self.store,
            now_ms=self.desk.now_ms,
            tell=self.notices.append,
            tell_gateways=self._tell_gateways,
            name_of=str.upper,
        )
        self.quotas = QuotaOffice(self.desk, self.rows, self.store, time_zone=time_zone, billing_currency="CNY")
        self.pools = PoolOffice(
            self.desk,
            self.store,
            billing_currency="CNY",
            is_provider=PROVIDERS.__contains__,
            look=self.watch.look,
        )
        self.corrections = CallCorrections(self.desk, self.store)
        self.calendar = Calendar(self.desk, self.store, time_zone)
        self._file = JournalFileState("usage_20261122.jsonl", 1)
        self._numbers = count(1)
        for user_id in ("alice", "bob"):
            if self.rows.user(user_id) is None:
                self.people.create_user(NewUser(user_id.title(), user_id), by())

    def _tell_gateways(self) -> bool:
        self.told += 1
        return True

    def key(self) -> str:
        """A new key of Alice's."""
        return self.people.create_key("alice", NewKey("laptop"), by()).id

    def book(self, *records: UsageRecord) -> int:
        """Book lines; how many of them were new."""
        applied = self.store.apply(self._file, postings(records, self.store.time_zone), [])
        self._file = applied.file
        self.watch.observe(applied.fresh)
        return len(applied.fresh)

    def call(self, *taken: AccountPosting, holder: str | None = None, **given: object) -> UsageRecord:
        """A call that takes this, booked at once."""
        line = record("2026-11-22 12:00:00", next(self._numbers), postings=taken, holder=holder, **given)
        assert self.book(line) == 1
        return line

    def account(self, key: AccountKey) -> LedgerAccount:
        with self.store.ledger() as ledger:
            return ledger.account(key)

    def balance(self, key: AccountKey) -> int:
        return self.account(key).balance

    def recharge(self, amount: str, provider_id: str = "openai") -> None:
        self.pools.recharge(provider_id, NewRecharge(Decimal(amount)), by())


def by(key: str | None = None) -> Origin:
    """The administrator."""
    return Origin("admin", "192.0.2.7", key)


def take(account: AccountKey, amount: int, leased: int = 0) -> AccountPosting:
    """What a call takes of an account, as its line says it."""
    return AccountPosting(account.kind.value, account.owner, account.unit, account.part, amount, leased)
