"""What a question is asked of, and the sums that all answers are made from."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from smart_ai_router.core.statistics.ratios import ratio
from smart_ai_router.core.statistics_store import (
    AttemptStore,
    AttemptTotals,
    Dimension,
    StatisticsStore,
    Totals,
)
from smart_ai_router.domain.money import PICO_PER_UNIT, Pico, pico_to_decimal

UNNAMED = "(none)"  # the group of calls that were refused before they had a provider, channel or user


@dataclass(frozen=True, slots=True)
class StatisticsView:
    """A store, the currency that cost figures are shown in, and whether the store has seen every finished call."""

    store: StatisticsStore
    currency: str = "USD"
    complete: bool = True
    attempts: AttemptStore | None = None


@dataclass(slots=True)
class Sums:
    """Totals added up: counts over all currencies, costs each in its own."""

    requests: int = 0
    successes: int = 0
    failures: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    duration_ms: int = 0
    unpriced: int = 0
    estimated: int = 0
    by_currency: dict[str, "CurrencySums"] = field(default_factory=dict)

    def add(self, totals: Totals) -> None:
        """Take in one group of one currency."""
        self.requests += totals.requests
        self.successes += totals.successes
        self.failures += totals.failures
        self.input_tokens += totals.input_tokens
        self.output_tokens += totals.output_tokens
        self.cached_tokens += totals.cached_tokens
        self.reasoning_tokens += totals.reasoning_tokens
        self.duration_ms += totals.duration_ms
        self.unpriced += totals.unpriced
        self.estimated += totals.estimated
        sums = self.by_currency.setdefault(totals.currency, CurrencySums())
        sums.requests += totals.requests
        sums.tokens += totals.input_tokens + totals.output_tokens
        sums.cost += totals.total_cost

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def cost_pico(self, currency: str) -> Pico:
        """What was billed in this currency."""
        return self.in_currency(currency).cost

    def cost(self, currency: str) -> Decimal:
        """What was billed in this currency, in its units."""
        return pico_to_decimal(self.cost_pico(currency))

    def in_currency(self, currency: str) -> "CurrencySums":
        return self.by_currency.get(currency) or CurrencySums()


@dataclass(slots=True)
class CurrencySums:
    """The part of the sums that one currency holds."""

    requests: int = 0
    tokens: int = 0
    cost: Pico = 0

    @property
    def cost_per_request(self) -> Decimal:
        return ratio(self.cost, self.requests * PICO_PER_UNIT)

    @property
    def cost_per_1k_tokens(self) -> Decimal:
        return ratio(self.cost * 1000, self.tokens * PICO_PER_UNIT)


def grouped(view: StatisticsView, first: date, last: date, dimension: Dimension) -> dict[str, Sums]:
    """The sums of each provider, channel id, model and so on, in the order of the names."""
    return gather((row.keys[0], row.totals) for row in view.store.totals(first, last, (dimension,)))


def gather(parts: Iterable[tuple[str, Totals]]) -> dict[str, Sums]:
    """Add up by key; a missing key becomes `(none)`."""
    groups: dict[str, Sums] = {}
    for key, totals in parts:
        groups.setdefault(key or UNNAMED, Sums()).add(totals)
    return dict(sorted(groups.items()))


def attempts_of(view: StatisticsView, first: date, last: date) -> dict[str, AttemptTotals] | None:
    """Upstream tries by channel id; None when the store does not count them."""
    return None if view.attempts is None else view.attempts.channel_attempts(first, last)


def channel_name(names: dict[str, str], channel_id: str) -> str:
    """The latest name of a channel, or its id when it has none."""
    return names.get(channel_id) or channel_id
