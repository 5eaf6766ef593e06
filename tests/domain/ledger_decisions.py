"""The decision tables of the ledger's page, case by case, carried out with the product's own parts.

One example for all of them: alice has 10 yuan, pays what the provider charges (ratio 1), and one dollar is seven yuan.
The provider `openai` takes 1 dollar for a million input tokens and 2 for a million output tokens. A call holds 1,000
input and 2,000 output tokens: 0.005 dollars of the pool, 0.035 yuan of alice.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from smart_ai_router.domain.accounts import AccountKey, AccountKind, pool_account
from smart_ai_router.domain.charges import (
    Charge,
    GapAnswer,
    Needs,
    Tariff,
    answer_to_gaps,
    charged,
    needs_of,
    provider_charge,
)
from smart_ai_router.domain.exchange import ExchangeRate, ExchangeRates
from smart_ai_router.domain.hold_postings import orphan_postings
from smart_ai_router.domain.holds import Hold, Settled, Shortage
from smart_ai_router.domain.ledger import Posting, UsageFacts, taken_of, usage_transfer
from smart_ai_router.domain.meters import NO_USAGE, Meter, Usage
from smart_ai_router.domain.money import pico_to_text
from smart_ai_router.domain.pricing import PriceSheet, price_usage
from smart_ai_router.domain.settlement import Basis, Outcome, decide_billing
from tests.domain.ledger_samples import CNY, NOW_MS, POOL, SEVEN, chat, granted, pico, plan, sheet, tariff
from tests.domain.pricing_samples import used

YUAN_POOL = pool_account("dashscope", "CNY")
REPORTED = used({Meter.INPUT: 500, Meter.OUTPUT: 1_000})
ESTIMATED = used({Meter.INPUT: 400, Meter.OUTPUT: 900})
PROMPT_ONLY = used({Meter.INPUT: 500})
YUAN_PRICES = sheet("4", "8", "CNY")
RICH = {CNY: pico("10"), POOL: pico("100"), YUAN_POOL: pico("100")}
EIGHT = ExchangeRates([ExchangeRate("USD", "CNY", Decimal(8))])


class Paid(NamedTuple):
    """What the books say in the end: by whom how much was paid, as a page writes it."""

    user: str  # yuan
    pools: tuple[str, ...]  # "0.0025 USD", in the order of attempts


class Attempt(NamedTuple):
    """One try at a provider: its tariff, what it used, and how it ended."""

    tariff: Tariff
    usage: Usage
    outcome: Outcome = Outcome.SUCCESS


def openai(prices: PriceSheet | None = None, rates: ExchangeRates = SEVEN) -> Tariff:
    """The example's tariff."""
    return tariff(plan("CNY"), POOL, prices, rates)


def dashscope() -> Tariff:
    """The other provider: 4 and 8 yuan per million tokens."""
    return tariff(plan("CNY"), YUAN_POOL, YUAN_PRICES, SEVEN)


def billed(outcome: Outcome, is_reported: bool, reported: Usage = REPORTED) -> Usage:
    """What the provider is taken to bill, by the table of `settlement`."""
    basis = decide_billing(outcome, is_reported).provider
    return {Basis.REPORTED: reported, Basis.ESTIMATED: ESTIMATED, Basis.NOTHING: NO_USAGE}[basis]


def cost_of(attempt: Attempt) -> int:
    """The cost of an attempt in the currency of its prices."""
    prices = attempt.tariff.sheet
    assert prices is not None
    return price_usage(prices, attempt.usage).total_cost


def carried_out(*attempts: Attempt, money: Mapping[AccountKey, int] = RICH) -> tuple[Paid, Settled]:
    """Hold, try, settle, write and post one call."""
    book = granted(money)
    hold: Hold | None = None
    needs: Needs | None = None
    earlier: list[Charge] = []
    for attempt in attempts:
        pool = attempt.tariff.pool
        spent = sum(each.amount for each in earlier if pool is not None and each.wallet == pool.wallet)
        needs = needs_of(attempt.tariff, chat(1_000, 2_000), spent)
        if hold is None:
            found = book.reserve(needs.wanted, 1.0)
            assert isinstance(found, Hold)
            hold = found
        else:
            assert book.raise_to(hold, needs.wanted, 1.0) is None
        if attempt is not attempts[-1]:
            charge = provider_charge(attempt.tariff, cost_of(attempt))
            earlier += [charge] if charge is not None else []
    assert hold is not None
    assert needs is not None
    last = attempts[-1]
    result = charged(needs, last.outcome, last.usage, cost_of(last), earlier)
    settled = book.settle(hold, result.charges)
    book.line_written(hold)
    assert book.open_holds == 0
    assert all(slice_.held == 0 for slice_ in book.slices())
    pools = [attempt.tariff.pool.wallet[0] for attempt in attempts if attempt.tariff.pool]
    return paid(settled.postings, pools), settled


def paid(postings: tuple[Posting, ...], pools: list[AccountKey]) -> Paid:
    """What the ledger takes for these postings."""
    transfer = usage_transfer(UsageFacts("req_1", NOW_MS, "w1", postings))
    taken = {} if transfer is None else taken_of([transfer])
    by_pool = [f"{pico_to_text(taken.get(pool, 0))} {pool.unit}" for pool in dict.fromkeys(pools)]
    users = sum(amount for account, amount in taken.items() if account.kind is AccountKind.USER)
    return Paid(pico_to_text(users), tuple(by_pool))


def one(outcome: Outcome, is_reported: bool, reported: Usage = REPORTED) -> Paid:
    """A call with a single attempt."""
    return carried_out(Attempt(openai(), billed(outcome, is_reported, reported), outcome))[0]


def interrupted() -> Paid:
    """The router was killed: the line is made of the intent, under the holder that died."""
    needs = needs_of(openai(), chat(1_000, 2_000))
    hold = granted(RICH).reserve(needs.wanted, 1.0)
    assert isinstance(hold, Hold)
    cost = cost_of(Attempt(openai(), ESTIMATED))
    result = charged(needs, Outcome.INTERRUPTED, ESTIMATED, cost)
    return paid(orphan_postings(hold.accounts(), result.charges), [POOL])


def failed_over(first: Tariff) -> Paid:
    """The first provider failed and had counted 500 input tokens; `openai` answered."""
    return carried_out(Attempt(first, PROMPT_ONLY, Outcome.FAILED), Attempt(openai(), REPORTED))[0]


def figures() -> dict[str, Paid]:
    """Every case of the page's first table, in its order."""
    dearer = used({Meter.INPUT: 1_000, Meter.OUTPUT: 3_000})
    small = {CNY: pico("0.04"), POOL: pico("0.006")}
    return {
        "answered, count sent": one(Outcome.SUCCESS, True),
        "answered, count not sent": one(Outcome.SUCCESS, False),
        "cut after bytes, count sent": one(Outcome.PARTIAL, True),
        "cut after bytes, count not sent": one(Outcome.PARTIAL, False),
        "client left, drained to the count": one(Outcome.CANCELLED, True),
        "client left, cancelled": one(Outcome.CANCELLED, False),
        "failed, count sent": one(Outcome.FAILED, True, PROMPT_ONLY),
        "failed, count not sent": one(Outcome.FAILED, False),
        "killed in flight": interrupted(),
        "refused": one(Outcome.REFUSED, False),
        "actual above the hold": carried_out(Attempt(openai(), dearer))[0],
        "actual above the hold and above the balance": carried_out(Attempt(openai(), dearer), money=small)[0],
        "failover, other provider": failed_over(dashscope()),
        "failover, same provider": failed_over(openai()),
    }


def decided(tariff_of_call: Tariff, money: Mapping[AccountKey, int], *, refuses_unpriced: bool = True) -> str:
    """What becomes of a call before any upstream is asked: go on, or the first reason against it."""
    answer = answer_to_gaps(tariff_of_call.gaps, refuses_unpriced)
    if answer is not GapAnswer.GO_ON:
        return answer.value
    found = granted(money).reserve(needs_of(tariff_of_call, chat(1_000, 2_000)).wanted, 1.0)
    if not isinstance(found, Shortage):
        return "go_on"
    return "next_channel" if found.account.kind is AccountKind.POOL else "quota_short"
