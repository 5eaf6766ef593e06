"""Money: whole pico, exact in, exact out, rounded in one place."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.domain.money import (
    CELL_MAX,
    PICO_PER_UNIT,
    AmountInvalid,
    AmountTooLarge,
    divide_half_even,
    parse_pico,
    pico_from_decimal,
    pico_to_decimal,
    pico_to_text,
    require_cell,
)

amounts = st.integers(min_value=-CELL_MAX, max_value=CELL_MAX)


def test_the_guides_costs_are_read_and_written_digit_for_digit() -> None:
    assert parse_pico("0.000075") == 75_000_000
    assert pico_to_text(75_000_000 + 300_000_000) == "0.000375"
    assert pico_to_decimal(375_000_000) == Decimal("0.000375")


def test_amounts_are_written_without_exponent_or_trailing_zeros() -> None:
    assert pico_to_text(1) == "0.000000000001"
    assert pico_to_text(-75) == "-0.000000000075"
    assert pico_to_text(0) == "0"
    assert pico_to_text(10 * PICO_PER_UNIT) == "10"
    assert pico_to_text(-PICO_PER_UNIT // 2) == "-0.5"


@pytest.mark.parametrize(
    "text", ["7.5e-05", "1,000", "", " 1", "1 ", "１", "NaN", "Infinity", "0x1", ".5", "5.", "--1"]
)
def test_what_is_not_a_plain_decimal_is_refused(text: str) -> None:
    with pytest.raises(AmountInvalid, match="not a plain decimal"):
        parse_pico(text)


def test_twelve_decimals_are_exact_and_thirteen_are_refused() -> None:
    assert parse_pico("0.000000000001") == 1
    with pytest.raises(AmountInvalid, match="more than 12 decimals"):
        parse_pico("0.0000000000001")


def test_a_text_longer_than_any_amount_is_refused_before_it_is_read() -> None:
    assert parse_pico("0" * 63 + "1") == PICO_PER_UNIT
    with pytest.raises(AmountInvalid):
        parse_pico("0" * 64 + "1")


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity"])
def test_what_is_not_finite_is_no_amount(amount: str) -> None:
    with pytest.raises(AmountInvalid, match="not a finite"):
        pico_from_decimal(Decimal(amount))


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"),
    [(1, 2, 0), (3, 2, 2), (5, 2, 2), (-1, 2, 0), (-3, 2, -2), (7, 3, 2), (8, 3, 3), (6, 3, 2), (0, 5, 0)],
)
def test_halves_go_to_the_even_neighbour(numerator: int, denominator: int, expected: int) -> None:
    assert divide_half_even(numerator, denominator) == expected


@given(st.integers(), st.integers(min_value=1))
def test_division_agrees_with_pythons_own_rounding_of_fractions(numerator: int, denominator: int) -> None:
    assert divide_half_even(numerator, denominator) == round(Fraction(numerator, denominator))


def test_a_cell_holds_sixty_three_bits_and_not_one_pico_more() -> None:
    assert require_cell(CELL_MAX) == 2**63 - 1
    assert require_cell(-CELL_MAX) == -CELL_MAX
    with pytest.raises(AmountTooLarge, match=r"9223372\.036854775808 does not fit"):
        require_cell(CELL_MAX + 1)
    with pytest.raises(AmountTooLarge):
        require_cell(-CELL_MAX - 1)


@given(amounts)
def test_an_amount_survives_text_and_decimal(pico: int) -> None:
    assert parse_pico(pico_to_text(pico)) == pico
    assert pico_from_decimal(pico_to_decimal(pico)) == pico
    assert "e" not in pico_to_text(pico).lower()
