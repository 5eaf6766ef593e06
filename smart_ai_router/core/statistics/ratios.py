"""The only divisions of the statistics, and how they are rounded."""

from decimal import Decimal
from fractions import Fraction
from typing import Final

from smart_ai_router.domain.money import divide_half_even

ENDLESS_DECIMALS: Final = 12
DECIMALS_MAX: Final = 64  # a denominator of 64 bits never needs more


def ratio(numerator: int | Fraction, denominator: int | Fraction) -> Decimal:
    """The exact quotient when it terminates, else rounded half to even at 12 decimals; 0 when the denominator is 0."""
    if not denominator:
        return Decimal(0)
    quotient = Fraction(numerator) / Fraction(denominator)
    return _at(quotient, _decimals_of(quotient))


def percentage(part: int, whole: int) -> Decimal:
    """How much of the whole a part is, in percent with two decimals, half to even; 0 of nothing."""
    return _at(Fraction(100 * part, whole), 2) if whole else Decimal(0)


def _decimals_of(quotient: Fraction) -> int:
    """How many decimals write it exactly; 12 when none do."""
    rest = quotient.denominator
    decimals = 0
    for factor in (2, 5):
        power = 0
        while rest % factor == 0:
            rest //= factor
            power += 1
        decimals = max(decimals, power)
    return decimals if rest == 1 and decimals <= DECIMALS_MAX else ENDLESS_DECIMALS


def _at(quotient: Fraction, decimals: int) -> Decimal:
    digits = divide_half_even(quotient.numerator * 10**decimals, quotient.denominator)
    return Decimal(f"{digits}E-{decimals}")
