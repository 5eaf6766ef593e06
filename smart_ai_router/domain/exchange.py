"""Exchange rates: dated rows, and what one amount of money is in another currency.

Amounts of different currencies are never added or compared without a rate, and the rate that was used stays on the
record. There is no rate through a third currency and no rate of 1 by default: a pair without a row is `RateUnknown`.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from operator import attrgetter
from typing import Final, NamedTuple

from smart_ai_router.domain.money import Pico, divide_half_even, require_cell

RATE_DIGITS_MAX: Final = 18  # before or after the point: no rate needs more, and it bounds the work on bad input
_begins_ms = attrgetter("effective_from_ms")


class RateInvalid(ValueError):
    """A rate that is not a positive number of some sensible length, or is between a currency and itself."""


class RateUnknown(LookupError):
    """There is no exchange rate for a pair of currencies at an instant."""

    def __init__(self, base: str, quote: str) -> None:
        super().__init__(f"there is no exchange rate from {base} to {quote}; enter one")
        self.base = base
        self.quote = quote


@dataclass(frozen=True, slots=True)
class ExchangeRate:
    """One unit of `base` is `rate` units of `quote` from `effective_from_ms` (since 1970 UTC) on."""

    base: str
    quote: str
    rate: Decimal
    effective_from_ms: int = 0
    source: str = ""


class Factor(NamedTuple):
    """An exact factor as two whole numbers: half the cost of a Fraction on the way of every call."""

    numerator: int
    denominator: int

    def of(self, amount: Pico) -> Pico:
        """The amount times the factor, rounded once, half to even; raises AmountTooLarge."""
        if self.numerator == self.denominator:
            return amount
        return require_cell(divide_half_even(amount * self.numerator, self.denominator))

    def bound(self, amount: Pico) -> Pico:
        """The amount times the factor, rounded up: never below `of` any smaller amount. Raises AmountTooLarge."""
        if self.numerator == self.denominator:
            return amount
        return require_cell(-(-amount * self.numerator // self.denominator))

    def times(self, other: "Factor") -> "Factor":
        """Both factors as one, in lowest terms: small numbers are multiplied faster."""
        return factor_of(Fraction(self.numerator * other.numerator, self.denominator * other.denominator))


class Conversion(NamedTuple):
    """How an amount was carried from one currency to another: what a record keeps of it."""

    base: str  # of the amount
    quote: str  # of the result
    rate: Decimal  # of the row, as it was entered
    is_inverse: bool  # the row was entered from quote to base: the amount is divided by its rate
    effective_from_ms: int
    factor: Factor  # what follows from these: the exact number of quote units in one base unit


UNCHANGED: Final = Factor(1, 1)


def factor_of(exact: Fraction) -> Factor:
    """A factor as two whole numbers, in lowest terms."""
    return Factor(exact.numerator, exact.denominator)


class ExchangeRates:
    """All rates of a snapshot."""

    def __init__(self, rows: Iterable[ExchangeRate] = ()) -> None:
        """Raises RateInvalid."""
        self._direct: dict[tuple[str, str], list[Conversion]] = {}
        self._inverse: dict[tuple[str, str], list[Conversion]] = {}
        for row in sorted(rows, key=_begins_ms):
            is_number = row.rate.is_finite() and row.rate > 0 and abs(row.rate.adjusted()) <= RATE_DIGITS_MAX
            if not is_number or row.base == row.quote:
                raise RateInvalid(f"{str(row.rate)[:40]} {row.quote} for one {row.base} is no exchange rate")
            exact = Fraction(row.rate)
            begins_ms = row.effective_from_ms
            self._direct.setdefault((row.base, row.quote), []).append(
                Conversion(row.base, row.quote, row.rate, False, begins_ms, factor_of(exact))
            )
            self._inverse.setdefault((row.quote, row.base), []).append(
                Conversion(row.quote, row.base, row.rate, True, begins_ms, factor_of(1 / exact))
            )

    def conversion(self, base: str, quote: str, at_ms: int) -> Conversion:
        """How to carry an amount over to another currency at an instant. Raises RateUnknown.

        A row from base to quote goes before one from quote to base; of several the newest that is in force counts.
        """
        pair = (base, quote)
        for known in (self._direct.get(pair, ()), self._inverse.get(pair, ())):
            index = bisect_right(known, at_ms, key=_begins_ms)
            if index:
                return known[index - 1]
        raise RateUnknown(base, quote)


NO_RATES: Final = ExchangeRates()
