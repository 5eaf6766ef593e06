"""Costs in the billing currency.

A cost of another currency is converted by the dated rate that is in force when the local day of the call begins. All
costs of a day therefore share one rate, and the converted costs of its records add up to the converted cost of the
day, to the last digit: nothing is rounded on the way. (By a row that was entered the other way round, an amount is
divided, and what has no end is shown to 12 decimals.) Where no rate is stored, a cost stays in its own currency and is
never added to another one.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Context, Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from smart_ai_router.core.local_days import LocalDays, date_of, day_number
from smart_ai_router.core.statistics.ratios import ratio
from smart_ai_router.domain.exchange import UNCHANGED, Conversion, ExchangeRate, ExchangeRates, Factor, RateUnknown
from smart_ai_router.domain.money import PICO_PER_UNIT, Pico

TERMS_KNOWN_MAX: Final = 20_000  # currencies times days that were asked for; about 5 MB

_WIDE: Final = Context(prec=400)  # a sum of picos times a rate never needs as many digits
_SHORT_DECIMALS: Final = 40


class Days(NamedTuple):
    """A range of days, both included."""

    first: date
    last: date


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """How picos of one currency are shown. One object for each rate, so that equal terms are the same object."""

    currency: str  # of what is shown
    conversion: Conversion | None  # None: nothing is converted
    factor: Factor = UNCHANGED
    whole_factor: int = 1  # pico * whole_factor * 10^-decimals, where that is exact
    decimals: int | None = 12  # None: the factor is a quotient without an end

    def exact(self, amount: Pico) -> Fraction:
        """An amount in units of the currency shown."""
        return Fraction(amount * self.factor.numerator, PICO_PER_UNIT * self.factor.denominator)

    def shown(self, amount: Pico) -> Decimal:
        """The same with all its digits, or rounded half to even at 12 decimals when they have no end."""
        if self.decimals is None:
            return ratio(self.exact(amount), 1)
        return Decimal(amount * self.whole_factor).scaleb(-self.decimals, _WIDE)


class DatedRates:
    """Converts into one currency, by days of one time zone."""

    def __init__(self, currency: str, time_zone: str, rows: Sequence[ExchangeRate] = ()) -> None:
        """Raises RateInvalid, TimeZoneUnknown."""
        self.currency = currency
        self._days = LocalDays(time_zone)
        self._rates = ExchangeRates(rows)
        self._bases = {row.base for row in rows} | {row.quote for row in rows}
        self._change_days = sorted({self._first_whole_day(row.effective_from_ms) for row in rows})
        self._terms: dict[Conversion | str, Terms] = {}
        self._terms_of_day: dict[tuple[str, date], Terms] = {}

    def day_of(self, at_ms: int) -> date:
        """The local day of a moment."""
        return date_of(self._days.day_of(at_ms))

    def terms(self, currency: str, day: date) -> Terms:
        """How costs of a day are shown: converted, or in their own currency where no rate is stored."""
        found = self._terms_of_day.get((currency, day))
        if found is None:
            if len(self._terms_of_day) >= TERMS_KNOWN_MAX:
                self._terms_of_day.clear()
            conversion = self._conversion(currency, day)
            key = currency if conversion is None else conversion
            found = self._terms.setdefault(key, _make_terms(currency, conversion))
            self._terms_of_day[currency, day] = found
        return found

    def spans(self, currencies: Collection[str], days: Days) -> list[Days]:
        """The days, cut where a rate between these currencies and the billing currency may change."""
        if not (set(currencies) - {self.currency}) & self._bases:
            return [days]
        first, last = day_number(days.first), day_number(days.last)
        starts = [first, *(day for day in self._change_days if first < day <= last)]
        ends = [*(day - 1 for day in starts[1:]), last]
        return [Days(date_of(start), date_of(end)) for start, end in zip(starts, ends, strict=True)]

    def _conversion(self, base: str, day: date) -> Conversion | None:
        if base == self.currency or base not in self._bases:
            return None
        try:
            return self._rates.conversion(base, self.currency, self._days.starts_ms(day_number(day)))
        except RateUnknown:
            return None

    def _first_whole_day(self, at_ms: int) -> int:
        """The first day that begins at a moment, or after it."""
        day = self._days.day_of(at_ms)
        return day if self._days.starts_ms(day) >= at_ms else day + 1


@dataclass(slots=True)
class CostSums:
    """Costs added up by their terms, as whole numbers; each currency by itself in the end."""

    by_terms: dict[Terms, Pico] = field(default_factory=dict)

    def add(self, amount: Pico, terms: Terms) -> None:
        """Take in one cost."""
        self.by_terms[terms] = self.by_terms.get(terms, 0) + amount

    def add_all(self, other: "CostSums") -> None:
        """Take in other sums."""
        for terms, amount in other.by_terms.items():
            self.add(amount, terms)

    def exact(self, currency: str) -> Fraction:
        """The sum of what is shown in one currency."""
        parts = [terms.exact(amount) for terms, amount in self.by_terms.items() if terms.currency == currency]
        return sum(parts, Fraction())

    def shown(self, currency: str) -> Decimal:
        """The same with all its digits."""
        found = [(terms, amount) for terms, amount in self.by_terms.items() if terms.currency == currency]
        if len(found) == 1:
            ((terms, amount),) = found
            return terms.shown(amount)
        return ratio(self.exact(currency), 1)

    def beside(self, currency: str) -> dict[str, Decimal]:
        """What could not be added to a currency: currency to amount, nothing that is 0."""
        others = {terms.currency for terms, amount in self.by_terms.items() if terms.currency != currency and amount}
        return {other: self.shown(other) for other in sorted(others)}


def unconverted(sums: Iterable[CostSums], currency: str) -> tuple[str, ...]:
    """The currencies whose costs stand beside those of the billing currency, because no rate is stored."""
    found = {terms.currency for each in sums for terms in each.by_terms}
    return tuple(sorted(found - {currency}))


def _make_terms(currency: str, conversion: Conversion | None) -> Terms:
    if conversion is None:
        return Terms(currency, None)
    factor = conversion.factor
    scale = 10**_SHORT_DECIMALS
    is_finite = scale % factor.denominator == 0
    whole_factor = factor.numerator * (scale // factor.denominator) if is_finite else 1
    decimals = 12 + _SHORT_DECIMALS
    while is_finite and decimals > 12 and whole_factor % 10 == 0:
        whole_factor, decimals = whole_factor // 10, decimals - 1
    return Terms(conversion.quote, conversion, factor, whole_factor, decimals if is_finite else None)
