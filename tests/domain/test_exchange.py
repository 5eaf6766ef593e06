"""Exchange rates: which one is in force, exactly how it converts, and that none is ever made up."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.domain.exchange import (
    NO_RATES,
    UNCHANGED,
    ExchangeRate,
    ExchangeRates,
    Factor,
    RateInvalid,
    RateUnknown,
    factor_of,
)
from smart_ai_router.domain.money import CELL_MAX, AmountTooLarge
from tests.domain.ledger_samples import pico

USD_CNY = ExchangeRate("USD", "CNY", Decimal("7.1234"), 1_000)
fractions = st.fractions(min_value=0, max_value=10_000, max_denominator=10**6)
amounts = st.integers(0, 10**12)


def test_a_rate_is_in_force_from_its_first_millisecond_until_the_next_one() -> None:
    rates = ExchangeRates([ExchangeRate("USD", "CNY", Decimal(8), 2_000), USD_CNY])

    with pytest.raises(RateUnknown, match="from USD to CNY"):
        rates.conversion("USD", "CNY", 999)
    assert rates.conversion("USD", "CNY", 1_000).rate == Decimal("7.1234")
    assert rates.conversion("USD", "CNY", 1_999).rate == Decimal("7.1234")
    assert rates.conversion("USD", "CNY", 2_000).rate == Decimal(8)


def test_the_row_of_the_other_direction_divides_exactly() -> None:
    conversion = ExchangeRates([USD_CNY]).conversion("CNY", "USD", 1_000)

    assert (conversion.base, conversion.quote, conversion.rate) == ("CNY", "USD", Decimal("7.1234"))
    assert conversion.is_inverse
    assert conversion.factor.of(pico("7.1234")) == pico("1")
    assert conversion.factor.of(pico("1")) == round(Fraction(10**12) / Fraction("7.1234"))


def test_a_row_of_the_direction_itself_goes_before_a_newer_one_of_the_other() -> None:
    rates = ExchangeRates([USD_CNY, ExchangeRate("CNY", "USD", Decimal("0.1"), 5_000)])

    assert rates.conversion("USD", "CNY", 9_000).rate == Decimal("7.1234")
    assert rates.conversion("CNY", "USD", 9_000).rate == Decimal("0.1")


def test_before_a_direct_row_begins_the_other_direction_is_taken() -> None:
    rates = ExchangeRates([USD_CNY, ExchangeRate("CNY", "USD", Decimal("0.1"), 5_000)])

    assert rates.conversion("CNY", "USD", 4_999).is_inverse


def test_there_is_no_way_through_a_third_currency() -> None:
    rates = ExchangeRates([USD_CNY, ExchangeRate("EUR", "USD", Decimal("1.1"))])

    with pytest.raises(RateUnknown) as unknown:
        rates.conversion("EUR", "CNY", 9_000)
    assert (unknown.value.base, unknown.value.quote) == ("EUR", "CNY")
    with pytest.raises(RateUnknown):
        NO_RATES.conversion("USD", "CNY", 0)


@pytest.mark.parametrize("rate", ["0", "-1", "NaN", "sNaN", "Infinity", "1E+19", "1E-19", "1E+999999"])
def test_what_is_no_positive_number_is_no_rate(rate: str) -> None:
    with pytest.raises(RateInvalid):
        ExchangeRates([ExchangeRate("USD", "CNY", Decimal(rate))])


@pytest.mark.parametrize("rate", ["1E+18", "1E-18"])
def test_the_longest_rates_are_rates(rate: str) -> None:
    assert ExchangeRates([ExchangeRate("USD", "CNY", Decimal(rate))]).conversion("USD", "CNY", 0).factor == factor_of(
        Fraction(rate)
    )


def test_a_currency_has_no_rate_to_itself() -> None:
    with pytest.raises(RateInvalid):
        ExchangeRates([ExchangeRate("USD", "USD", Decimal(1))])


@given(fractions, amounts)
def test_a_factor_rounds_once_half_to_even(exact: Fraction, amount: int) -> None:
    assert factor_of(exact).of(amount) == round(exact * amount)


@given(fractions, amounts, st.integers(0, 10**6))
def test_a_bound_is_never_below_the_charge_of_anything_smaller(exact: Fraction, amount: int, less: int) -> None:
    factor = factor_of(exact)
    bound = factor.bound(amount)

    assert bound >= factor.of(max(amount - less, 0))
    assert bound - exact * amount < 1


@given(fractions, fractions)
def test_two_factors_together_are_their_product_in_lowest_terms(first: Fraction, second: Fraction) -> None:
    assert factor_of(first).times(factor_of(second)) == factor_of(first * second)


def test_a_factor_of_one_changes_nothing() -> None:
    assert UNCHANGED.of(CELL_MAX) == UNCHANGED.bound(CELL_MAX) == CELL_MAX


def test_what_no_record_holds_is_refused() -> None:
    assert Factor(2, 1).of(CELL_MAX // 2) == CELL_MAX - 1
    with pytest.raises(AmountTooLarge):
        Factor(2, 1).of(CELL_MAX // 2 + 1)
    with pytest.raises(AmountTooLarge):
        Factor(2, 1).bound(CELL_MAX // 2 + 1)
