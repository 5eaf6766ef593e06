"""What the billing pages are asked of, and totals whose costs can be converted."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NamedTuple

from smart_ai_router.core.billing.currency import CostSums, DatedRates, Days
from smart_ai_router.core.billing.record_lines import FoundLine
from smart_ai_router.core.statistics_store import Dimension, Totals
from smart_ai_router.core.store import BooksReader

SPANS_MAX: Final = 40  # questions to the rollups; where rates change more often, the answer is made day by day

ReadLines = Callable[[Sequence[str], bool], Mapping[str, FoundLine]]  # request ids, whether to unpack archives


@dataclass(frozen=True, slots=True)
class BillingView:
    """The books, and how they are shown. `complete`: they hold every call that ended before the question."""

    books: BooksReader
    read_lines: ReadLines
    rates: DatedRates
    provider_name: Callable[[str], str]
    today: date
    now_ms: int
    complete: bool = True

    @property
    def currency(self) -> str:
        """The billing currency."""
        return self.rates.currency


class DatedTotals(NamedTuple):
    """Totals of one group, and a day whose rates hold for all of them."""

    keys: tuple[str, ...]
    totals: Totals
    day: date


def dated_totals(
    view: BillingView, days: Days, by: Sequence[Dimension] = (), where: Mapping[Dimension, str] | None = None
) -> Iterator[DatedTotals]:
    """Totals of some days by some dimensions; several of one group where currency or rate differ.

    Raises GroupingUnavailable.
    """
    rows = view.books.totals(days.first, days.last, by, where)
    if Dimension.DAY in by:
        place = list(by).index(Dimension.DAY)
        yield from (DatedTotals(row.keys, row.totals, date.fromisoformat(row.keys[place])) for row in rows)
        return
    spans = view.rates.spans({row.totals.currency for row in rows}, days)
    if len(spans) == 1:
        yield from (DatedTotals(row.keys, row.totals, days.first) for row in rows)
    elif len(spans) <= SPANS_MAX:
        for span in spans:
            for row in view.books.totals(span.first, span.last, by, where):
                yield DatedTotals(row.keys, row.totals, span.first)
    else:
        for row in view.books.totals(days.first, days.last, (Dimension.DAY, *by), where):
            yield DatedTotals(row.keys[1:], row.totals, date.fromisoformat(row.keys[0]))


@dataclass(slots=True)
class Gathered:
    """Totals added up: counts over all currencies, costs each in its own."""

    calls: int = 0
    successes: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    images: int = 0
    media_ms: int = 0
    unpriced: int = 0
    estimated: int = 0
    costs: CostSums = field(default_factory=CostSums)

    def add(self, rates: DatedRates, totals: Totals, day: date) -> None:
        """Take in the totals of one group of one currency."""
        self.calls += totals.requests
        self.successes += totals.successes
        self.input_tokens += totals.input_tokens
        self.output_tokens += totals.output_tokens
        self.cached_tokens += totals.cached_tokens
        self.reasoning_tokens += totals.reasoning_tokens
        self.images += totals.images
        self.media_ms += totals.media_ms
        self.unpriced += totals.unpriced
        self.estimated += totals.estimated
        self.costs.add(totals.total_cost, rates.terms(totals.currency, day))

    def add_all(self, other: "Gathered") -> None:
        """Take in what another one has gathered."""
        self.calls += other.calls
        self.successes += other.successes
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens
        self.cached_tokens += other.cached_tokens
        self.reasoning_tokens += other.reasoning_tokens
        self.images += other.images
        self.media_ms += other.media_ms
        self.unpriced += other.unpriced
        self.estimated += other.estimated
        self.costs.add_all(other.costs)
