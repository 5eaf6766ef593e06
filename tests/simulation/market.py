"""Who calls what: users with their quotas, providers with their prices, and what a call really uses."""

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final

from smart_ai_router.domain.accounts import QuotaUnit
from smart_ai_router.domain.charges import CallSize
from smart_ai_router.domain.exchange import ExchangeRate, ExchangeRates
from smart_ai_router.domain.meters import Meter, Usage, UsageSource, UsageType
from smart_ai_router.domain.pricing import PriceCatalog, PriceSheet, PriceVersion, price_usage, with_derived_id
from smart_ai_router.domain.quotas import KeyBudget, Period, QuotaPlan, UserQuota, quota_plan
from tests.simulation.plans import Plan

MODEL: Final = "m"
PROVIDERS: Final = ("p0", "p1")
FIRST_RATE: Final = Decimal("7.1234")  # CNY for one USD
INVERSE_DIGITS: Final = Decimal("0.00000001")
MILLION: Final = 1_000_000
PRICE_CURRENCY: Final = "USD"


@dataclass(frozen=True, slots=True)
class Call:
    """One client call and everything that will become of it."""

    request_id: str
    user: int
    size: CallSize
    usage: Usage  # what the answering attempt really uses
    providers: tuple[str, ...]
    failures: int  # so many attempts fail before one answers
    failed_usage: Usage  # what a failed attempt is billed for
    is_abandoned: bool  # the client leaves; it pays what the upstream made


@dataclass(slots=True)
class Market:
    """The snapshot that everybody decides by."""

    plan: Plan
    rng: random.Random
    quotas: list[UserQuota] = field(default_factory=list)
    budgets: list[KeyBudget | None] = field(default_factory=list)
    is_enforced: bool = True
    rate_rows: list[ExchangeRate] = field(default_factory=list)
    rates: ExchangeRates = field(default_factory=ExchangeRates)
    prices: list[PriceVersion] = field(default_factory=list)
    catalog: PriceCatalog = field(default_factory=lambda: PriceCatalog(()))
    plans: dict[tuple[int, date], QuotaPlan] = field(default_factory=dict)
    calls_made: int = 0

    def open(self) -> None:
        """Users, first prices and the first rate."""
        plan, rng = self.plan, self.rng
        self.is_enforced = plan.is_enforced
        for user in range(plan.users):
            units = {plan.currency} | ({QuotaUnit.TEXT_TOKEN.value} if plan.has_units else set())
            monthly = units if plan.has_monthly else set()
            ratio = "1" if plan.is_exact else rng.choice(("1", "1.3", "0.37"))
            self.quotas.append(UserQuota(f"u{user}", plan.currency, frozenset(units), frozenset(monthly), ratio))
            period = rng.choice((Period.FOR_EVER, Period.DAILY))
            self.budgets.append(KeyBudget(f"k{user}", plan.currency, period) if plan.has_budgets else None)
        self.set_prices(0.0)
        self.set_rate(FIRST_RATE, 0)

    def set_rate(self, rate: Decimal, from_ms: int) -> None:
        """A new exchange rate from an instant on; the ones before it stay."""
        if self.plan.is_rate_inverse:
            row = ExchangeRate("CNY", PRICE_CURRENCY, (1 / rate).quantize(INVERSE_DIGITS), from_ms)
        else:
            row = ExchangeRate(PRICE_CURRENCY, "CNY", rate, from_ms)
        self.rate_rows.append(row)
        self.rates = ExchangeRates(self.rate_rows)

    def switch_enforcement(self) -> None:
        """From now on nobody is refused for lack of quota, or somebody is again."""
        self.is_enforced = not self.is_enforced
        self.plans.clear()

    def set_prices(self, now: float) -> None:
        """New prices from an instant on, appended to the old ones."""
        for number, provider in enumerate(PROVIDERS):
            for meter in (Meter.INPUT, Meter.OUTPUT):
                # Whole picos a token, so that an exact plan is exact; other plans have prices that must be rounded.
                price = Decimal(self.rng.randint(1, 9) * (number + 1))
                if not self.plan.is_exact:
                    price += Decimal("0.0000001")
                row = PriceVersion("", provider, MODEL, meter, price, PRICE_CURRENCY, MILLION, effective_from=now)
                self.prices.append(with_derived_id(row))
        self.catalog = PriceCatalog(self.prices)

    def sheet(self, provider: str, wall_s: float) -> PriceSheet:
        sheet = self.catalog.sheet("", provider, None, MODEL, MODEL, wall_s)
        assert sheet is not None
        return sheet

    def quota_plan(self, user: int, today: date) -> QuotaPlan:
        known = self.plans.get((user, today))
        if known is None:
            known = quota_plan(self.quotas[user], self.budgets[user], today, self.is_enforced)
            self.plans[user, today] = known
        return known

    def call(self) -> Call:
        """The next call."""
        plan, rng = self.plan, self.rng
        self.calls_made += 1
        inputs, outputs = (100, 200) if plan.is_exact else (rng.randint(50, 500), rng.randint(50, 800))
        used = (inputs, outputs)
        if not plan.is_exact:
            used = (rng.randint(1, inputs), rng.randint(1, outputs))
            if rng.random() < plan.wild_share:
                used = (inputs * 2, outputs * 3)
        fails = rng.random() < plan.failover_share
        return Call(
            request_id=f"req_{self.calls_made}",
            user=rng.randrange(plan.users),
            size=CallSize(UsageType.TEXT_GENERATION, inputs, outputs),
            usage=usage_of(*used),
            providers=tuple(rng.sample(PROVIDERS, len(PROVIDERS))),
            failures=rng.choice((1, 2)) if fails else 0,
            failed_usage=usage_of(used[0], 0) if fails and rng.random() < 0.3 and not plan.is_exact else usage_of(0, 0),
            is_abandoned=rng.random() < 0.05,
        )


def usage_of(inputs: int, outputs: int) -> Usage:
    quantities = ((Meter.INPUT, inputs), (Meter.OUTPUT, outputs))
    return Usage(tuple(each for each in quantities if each[1]), UsageSource.PROVIDER)


def cost_of(sheet: PriceSheet, usage: Usage) -> int:
    return price_usage(sheet, usage).total_cost if usage.quantities else 0


def right_amount(rows: list[ExchangeRate], cost: int, ratio: str, currency: str, at_ms: int) -> int:
    """What a cost is in another currency for a user, computed in another way than the router does."""
    exact = Fraction(cost) * Fraction(ratio)
    if currency == PRICE_CURRENCY:
        return round(exact)
    in_force = [row for row in rows if row.effective_from_ms <= at_ms]
    newest = max(enumerate(in_force), key=lambda each: (each[1].effective_from_ms, each[0]))[1]
    rate = Fraction(newest.rate)
    return round(exact * rate if newest.base == PRICE_CURRENCY else exact / rate)


def day_of(wall_ms: int) -> date:
    return datetime.fromtimestamp(wall_ms / 1000, UTC).date()
