"""Rates: one price as a fraction of whole numbers, rounded once."""

from decimal import Decimal
from fractions import Fraction

import pytest

from smart_ai_router.domain.meters import Meter
from smart_ai_router.domain.money import AmountTooLarge
from smart_ai_router.domain.pricing_rates import compile_rate, exact_quantity, line_amount
from tests.domain.pricing_samples import row


def test_a_price_becomes_pico_per_unit_without_loss() -> None:
    rate = compile_rate(row(Meter.INPUT, "0.075"))
    assert (rate.numerator, rate.denominator, rate.on_input) == (75_000, 1, True)
    third = compile_rate(row(Meter.OUTPUT, "1", per=3))
    assert (third.value, third.on_input) == (Fraction(10**12, 3), False)
    assert line_amount(third, 3) == 10**12


def test_decimal_and_whole_quantities_of_one_size_cost_the_same() -> None:
    rate = compile_rate(row(Meter.SECOND, "0.0001", per=7))
    assert line_amount(rate, 90) == line_amount(rate, Decimal(90)) == line_amount(rate, Decimal("90.000"))


@pytest.mark.parametrize(("quantity", "amount"), [("0.5", 0), ("1.5", 2), ("2.5", 2), ("2.500001", 3)])
def test_a_fraction_of_a_pico_goes_to_the_even_neighbour(quantity: str, amount: int) -> None:
    rate = compile_rate(row(Meter.SECOND, "1", per=10**12))
    assert line_amount(rate, Decimal(quantity)) == amount


def test_seconds_and_minutes_stand_for_each_other() -> None:
    by_minute = compile_rate(row(Meter.MINUTE, "0.6", per=1), Meter.SECOND)
    assert line_amount(by_minute, 1) == 10**10
    by_second = compile_rate(row(Meter.SECOND, "0.01", per=1), Meter.MINUTE)
    assert line_amount(by_second, Decimal("0.5")) == 3 * 10**11
    with pytest.raises(ValueError, match="cannot be applied"):
        compile_rate(row(Meter.IMAGE, "1"), Meter.SECOND)


@pytest.mark.parametrize(("quantity", "units"), [(0, 0), (1, 10), (10, 10), (11, 20)])
def test_quantities_are_rounded_up_to_whole_steps(quantity: int, units: int) -> None:
    rate = compile_rate(row(Meter.SECOND, "1", per=1, round_up_to=Decimal(10)))
    assert line_amount(rate, quantity) == units * 10**12


def test_a_minimum_is_charged_for_a_quantity_and_not_for_none() -> None:
    rate = compile_rate(row(Meter.INPUT, "1", per=1, minimum_charge=Decimal("0.5")))
    assert line_amount(rate, 0) == 0
    assert line_amount(rate, Decimal("0.1")) == 5 * 10**11
    assert line_amount(rate, 1) == 10**12


def test_absurd_quantities_do_no_work() -> None:
    assert exact_quantity(Decimal("1E-999999")) == 0
    with pytest.raises(AmountTooLarge):
        exact_quantity(Decimal("1E+999999"))
    with pytest.raises(ValueError, match="is not a quantity"):
        exact_quantity(Decimal("sNaN"))
