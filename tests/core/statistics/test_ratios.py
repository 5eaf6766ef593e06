"""The exact quotients."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.core.statistics.ratios import percentage, ratio


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"),
    [
        (1, 3, "0.333333333333"),
        (2, 3, "0.666666666667"),
        (-1, 3, "-0.333333333333"),
        (1, 8, "0.125"),
        (1, 1024, "0.0009765625"),
        (1, 2**20, "0.00000095367431640625"),
        (75, 10**6 * 1024, "0.0000000732421875"),
        (5, 0, "0"),
        (0, 5, "0"),
        (10, 2, "5"),
    ],
)
def test_a_quotient_is_exact_or_rounded_at_twelve_decimals(numerator: int, denominator: int, expected: str) -> None:
    assert ratio(numerator, denominator) == Decimal(expected)


@given(st.integers(-(10**30), 10**30), st.integers(1, 10**20))
def test_a_quotient_is_never_further_off_than_half_a_pico(numerator: int, denominator: int) -> None:
    exact = Fraction(numerator, denominator)

    assert abs(Fraction(ratio(numerator, denominator)) - exact) <= Fraction(1, 2 * 10**12)


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [(1, 3, "33.33"), (2, 3, "66.67"), (3, 4, "75.00"), (1, 800, "0.12"), (3, 800, "0.38"), (0, 0, "0"), (5, 5, "100")],
)
def test_a_percentage_has_two_decimals_rounded_half_to_even(part: int, whole: int, expected: str) -> None:
    assert percentage(part, whole) == Decimal(expected)
