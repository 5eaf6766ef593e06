"""Who calls what: users with their quotas, providers with their prices, and what a call really uses."""

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

from smart_ai_router.domain.accounts import QuotaUnit
from smart_ai_router.domain.charges import CallSize
from smart_ai_router.domain.exchange import ExchangeRate, ExchangeRates
from smart_ai_router.domain.meters import Meter, Usage, UsageSource, UsageType
from smart_ai_router.domain.pricing import PriceCatalog, PriceSheet, PriceVersion, price_usage, with_derived_id
from smart_ai_router.domain.quotas import KeyBudget, Period, QuotaPlan, UserQuota, quota_plan
from tests.simulation.plans import Plan

MODEL = "m"
PROVIDERS = ("p0", "p1")
RATE = Decimal("7.1234")
MILLION = 1_000_000


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
    rates: ExchangeRates = field(default_factory=lambda: ExchangeRates([ExchangeRate("USD", "CNY", RATE)]))
    prices: list[PriceVersion] = field(default_factory=list)
    catalog: PriceCatalog = field(default_factory=lambda: PriceCatalog(()))
    plans: dict[tuple[int, date], QuotaPlan] = field(default_factory=dict)
    calls_made: int = 0

    def open(self) -> None:
        """Users and first prices."""
        plan, rng = self.plan, self.rng
        for user in range(plan.users):
            units = {plan.currency} | ({QuotaUnit.TEXT_TOKEN.value} if plan.has_units else set())
            monthly = units if plan.has_monthly else set()
            ratio = "1" if plan.is_exact else rng.choice(("1", "1.3", "0.37"))
            self.quotas.append(UserQuota(f"u{user}", plan.currency, frozenset(units), frozenset(monthly), ratio))
            period = rng.choice((Period.FOR_EVER, Period.DAILY))
            self.budgets.append(KeyBudget(f"k{user}", plan.currency, period) if plan.has_budgets else None)
        self.set_prices(0.0)

    def set_prices(self, now: float) -> None:
        """New prices from an instant on, appended to the old ones."""
        for number, provider in enumerate(PROVIDERS):
            for meter in (Meter.INPUT, Meter.OUTPUT):
                # Whole picos a token, so that an exact plan is exact; other plans have prices that must be rounded.
                price = Decimal(self.rng.randint(1, 9) * (number + 1))
                if not self.plan.is_exact:
                    price += Decimal("0.0000001")
                row = PriceVersion("", provider, MODEL, meter, price, "USD", MILLION, effective_from=now)
                self.prices.append(with_derived_id(row))
        self.catalog = PriceCatalog(self.prices)

    def sheet(self, provider: str, wall_s: float) -> PriceSheet:
        sheet = self.catalog.sheet("", provider, None, MODEL, MODEL, wall_s)
        assert sheet is not None
        return sheet

    def quota_plan(self, user: int, today: date) -> QuotaPlan:
        known = self.plans.get((user, today))
        if known is None:
            known = quota_plan(self.quotas[user], self.budgets[user], today, self.plan.is_enforced)
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


def right_charge(cost: int, ratio: str, currency: str) -> int:
    """What a cost in USD is for a user, computed in another way than the router does."""
    exact = Fraction(cost) * Fraction(ratio)
    return round(exact if currency == "USD" else exact * Fraction(RATE))


def day_of(wall_ms: int) -> date:
    return datetime.fromtimestamp(wall_ms / 1000, UTC).date()
