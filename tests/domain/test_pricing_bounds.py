"""Bounds: what a call of bounded size can cost at most."""

from decimal import Decimal

from smart_ai_router.domain.meters import Meter
from smart_ai_router.domain.pricing_bounds import bound_of
from smart_ai_router.domain.pricing_rates import compile_rate, line_amount
from tests.domain.pricing_samples import row


def test_each_side_is_taken_at_its_dearest_rate() -> None:
    cheap, dear, output = (
        compile_rate(row(meter, price))
        for meter, price in ((Meter.INPUT, "1"), (Meter.CACHE_WRITE_1H, "2"), (Meter.OUTPUT, "5"))
    )
    bound = bound_of([cheap, dear], [output], None)
    assert bound.at(1000, 100) == 2000 * 10**6 + 500 * 10**6
    assert bound.at(0, 0) == 0


def test_rounding_steps_minimums_and_the_request_are_covered() -> None:
    fractional = compile_rate(row(Meter.INPUT, "1", per=3 * 10**12))
    assert bound_of([fractional], [], None).at(1, 0) >= line_amount(fractional, 1)
    stepped = compile_rate(row(Meter.OUTPUT, "1", per=1, round_up_to=Decimal(1000), minimum_charge=Decimal(7)))
    assert bound_of([], [stepped], None).at(0, 1) >= line_amount(stepped, 1) == 1000 * 10**12
    request = compile_rate(row(Meter.REQUEST, "0.01", per=1))
    assert bound_of([], [], request).at(0, 0) == 10**10


def test_without_any_rate_nothing_is_bounded() -> None:
    assert bound_of([], [], None).at(10**9, 10**9) == 0
