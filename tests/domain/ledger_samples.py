"""Accounts, plans, tariffs and lease books for the tests of the ledger, in few words."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal

from smart_ai_router.domain.accounts import AccountKey, Wallet, key_account, pool_account, user_account
from smart_ai_router.domain.charges import CallSize, Need, Tariff, tariff_of
from smart_ai_router.domain.exchange import NO_RATES, ExchangeRate, ExchangeRates
from smart_ai_router.domain.holds import Hold, LeaseBook, Shortage
from smart_ai_router.domain.leasing import AccountState, Answer, LeaseState, Report, Ruling, Standing, Wish, hear
from smart_ai_router.domain.ledger import Order, Posting, UsageFacts
from smart_ai_router.domain.meters import Meter, UsageType
from smart_ai_router.domain.money import pico_from_decimal
from smart_ai_router.domain.pricing import PriceSheet
from smart_ai_router.domain.quotas import QuotaPlan, UserQuota, quota_plan
from tests.domain.pricing_samples import row, sheet_of

TODAY = date(2026, 11, 22)
NOW_MS = 1_795_305_600_000  # the first instant of that day in UTC
CNY = user_account("alice", "CNY")
TOKENS = user_account("alice", "text_token")
TOKENS_MONTHLY = user_account("alice", "text_token", "monthly:2026-11")
BUDGET = key_account("key_1", "CNY")
POOL = pool_account("openai", "USD")
SEVEN = ExchangeRates([ExchangeRate("USD", "CNY", Decimal(7))])


def pico(amount: str) -> int:
    """An amount of money as it is written."""
    return pico_from_decimal(Decimal(amount))


def order(key: str = "order 1") -> Order:
    """A person's order."""
    return Order(key, NOW_MS, "admin")


def sheet(price_in: str = "1", price_out: str = "2", currency: str = "USD") -> PriceSheet:
    """Input and output prices per million tokens."""
    return sheet_of([row(Meter.INPUT, price_in, currency=currency), row(Meter.OUTPUT, price_out, currency=currency)])


def plan(
    *units: str, currency: str = "CNY", ratio: str = "1", is_enforced: bool = True, monthly: Iterable[str] = ()
) -> QuotaPlan:
    """Alice's plan with permanent parts in these units."""
    return quota_plan(
        UserQuota("alice", currency, frozenset(units), frozenset(monthly), ratio), None, TODAY, is_enforced
    )


def tariff(
    plan_of_user: QuotaPlan | None,
    pool: AccountKey | None = None,
    prices: PriceSheet | None = None,
    rates: ExchangeRates = NO_RATES,
) -> Tariff:
    """A tariff at the samples' instant; 1 and 2 dollars per million tokens unless said otherwise."""
    return tariff_of(plan_of_user, pool, sheet() if prices is None else prices, rates, NOW_MS)


def chat(input_tokens: int, output_tokens: int) -> CallSize:
    """The size of a chat call."""
    return CallSize(UsageType.TEXT_GENERATION, input_tokens, output_tokens)


def facts(request_id: str, *postings: tuple[AccountKey, int, int]) -> UsageFacts:
    """A line's facts: account, amount, leased."""
    return UsageFacts(request_id, NOW_MS, "w1", tuple(Posting(*each) for each in postings))


def granted(amounts: Mapping[AccountKey, int], holder: str = "w1", now: float = 0.0) -> LeaseBook:
    """A worker's book with so much free in these accounts."""
    book = LeaseBook(holder, now)
    for account, amount in amounts.items():
        book.reserve([Need((account,), amount or 1)], now)
    report = book.report(now)
    assert report is not None
    rulings = tuple(Ruling(account, amount) for account, amount in amounts.items())
    book.absorb(Answer(holder, report.sequence, rulings), now)
    return book


def held(book: LeaseBook, wallet: Wallet, amount: int, now: float = 1.0, *, is_enforced: bool = True) -> Hold:
    """A hold that must succeed."""
    hold = book.reserve([Need(wallet, amount, is_enforced)], now)
    assert isinstance(hold, Hold), hold
    return hold


def parts(book: LeaseBook, account: AccountKey) -> tuple[int, int, int, int]:
    """Free, held, used, returned."""
    (slice_,) = [each for each in book.slices() if each.account == account]
    return (slice_.free, slice_.held, slice_.used, slice_.returned)


def short(book: LeaseBook, *wanted: Need, now: float = 1.0) -> Shortage:
    found = book.reserve(wanted, now)
    assert isinstance(found, Shortage), found
    return found


class Office:
    """A control plane for one account or several: it hears reports and keeps balances and leases, nothing else."""

    def __init__(self, balances: Mapping[AccountKey, int], workers: int = 1) -> None:
        self.accounts = {account: AccountState(account, balance) for account, balance in balances.items()}
        self.leases: dict[tuple[AccountKey, str], LeaseState] = {}
        self.workers = workers
        self.heard: dict[str, int] = {}
        self.recalled: list[LeaseState] = []

    def hear(self, report: Report) -> Answer | None:
        """Decide on a whole report; None for one that was overtaken."""
        if report.sequence <= self.heard.get(report.holder, 0):
            return None
        self.heard[report.holder] = report.sequence
        return Answer(report.holder, report.sequence, tuple(self.rule(report, wish) for wish in report.wishes))

    def rule(self, report: Report, wish: Wish) -> Ruling:
        """Decide on one wish, as the store does it: one row of the account, one of each lease."""
        account = self.accounts.get(wish.account, AccountState(wish.account, 0))
        lease = self.leases.get((wish.account, report.holder))
        of_account = [each for (key, _), each in self.leases.items() if key == wish.account]
        others = [each for each in of_account if each.holder != report.holder]
        hearing = hear(Standing(account, lease, others, self.workers), wish, report)
        self.accounts[wish.account] = hearing.account
        if hearing.lease is None:
            self.leases.pop((wish.account, report.holder), None)
        else:
            self.leases[wish.account, report.holder] = hearing.lease
        for each in hearing.recalled:
            self.leases[each.account, each.holder] = each
        self.recalled += hearing.recalled
        return hearing.ruling
