"""Money is a whole number of pico (10^-12 of a currency unit).

Every amount in one call or one rollup cell fits SQLite's signed 64 bits (9.2 million units); crossing that
is an error, never a wrap. Sums that may pass it (balances) are plain Python integers and are stored as text.
Rounding happens in one place, `divide_half_even`, once per bill line.
"""

import re
from decimal import Decimal
from fractions import Fraction
from typing import Final, TypeAlias

Pico: TypeAlias = int

PICO_PER_UNIT: Final = 10**12
CELL_MAX: Final = 2**63 - 1  # SQLite INTEGER and PostgreSQL BIGINT
AMOUNT_TEXT_LENGTH_MAX: Final = 64  # longer than any amount a person means; bounds the work on bad input

_PLAIN_DECIMAL = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


class AmountInvalid(ValueError):
    """An amount that is not a plain decimal number, or finer than 10^-12."""


class AmountTooLarge(ValueError):
    """An amount that no single cell can hold (more than 9.2 million units)."""


def parse_pico(text: str) -> Pico:
    """Read a plain decimal such as "12.50" exactly; refuse exponents, separators and anything finer than a pico."""
    if len(text) > AMOUNT_TEXT_LENGTH_MAX or not _PLAIN_DECIMAL.fullmatch(text):
        raise AmountInvalid(f"{text[:AMOUNT_TEXT_LENGTH_MAX]!r} is not a plain decimal amount such as 12.50")
    return pico_from_decimal(Decimal(text))


def pico_from_decimal(amount: Decimal) -> Pico:
    """Convert exactly; refuse what is not finite or needs more than 12 decimals."""
    if not amount.is_finite():
        raise AmountInvalid(f"{amount} is not a finite amount")
    exact = Fraction(amount) * PICO_PER_UNIT
    if exact.denominator != 1:
        raise AmountInvalid(f"{amount} has more than 12 decimals")
    return exact.numerator


def pico_to_decimal(pico: Pico) -> Decimal:
    """The exact amount in currency units."""
    return Decimal(pico).scaleb(-12)


def pico_to_text(pico: Pico) -> str:
    """Plain digits without exponent or trailing zeros: 75_000_000 -> "0.000075"."""
    sign = "-" if pico < 0 else ""
    whole, rest = divmod(abs(pico), PICO_PER_UNIT)
    if not rest:
        return f"{sign}{whole}"
    return f"{sign}{whole}.{rest:012d}".rstrip("0")


def divide_half_even(numerator: int, denominator: int) -> int:
    """The quotient rounded half to even; the denominator is positive."""
    quotient, remainder = divmod(numerator, denominator)
    twice = remainder * 2
    if twice > denominator or (twice == denominator and quotient % 2):
        return quotient + 1
    return quotient


def require_cell(pico: Pico) -> Pico:
    """Return the amount, or refuse it if one 64-bit cell cannot hold it."""
    if -CELL_MAX <= pico <= CELL_MAX:
        return pico
    raise AmountTooLarge(f"{pico_to_text(pico)} does not fit one record (limit {pico_to_text(CELL_MAX)})")
