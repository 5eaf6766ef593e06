"""One price compiled for arithmetic: pico per unit as a reduced fraction of integers.

    amount = round half even (quantity x numerator / denominator)

rounded once, here, per bill line. A row may also ask for whole steps (`round_up_to`) and for a least amount
(`minimum_charge`); both make a rate `special`, which takes the slower, equally exact path.
"""

from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from smart_ai_router.domain.meters import INPUT_METERS, Meter, Quantity
from smart_ai_router.domain.money import PICO_PER_UNIT, AmountTooLarge, Pico, divide_half_even
from smart_ai_router.domain.pricing_versions import PriceVersion

SECONDS_PER_MINUTE: Final = 60
DECIMAL_EXPONENT_MAX: Final = 18  # a duration of 10^18 seconds is no duration; bounds the work on bad input


class Special(NamedTuple):
    """What a rate asks for beyond multiplication. A tuple and not a dataclass: made and read in the billing path."""

    minimum: Fraction  # pico; 0 when there is none
    step: Fraction  # in the quantity's unit; 0 when there is none


class Rate(NamedTuple):
    """Pico per unit of one meter. A tuple and not a dataclass: unpacked once per bill line."""

    numerator: int
    denominator: int
    version_id: str
    on_input: bool  # the line belongs to input_cost
    special: Special | None

    @property
    def value(self) -> Fraction:
        """Pico per unit."""
        return Fraction(self.numerator, self.denominator)


def compile_rate(version: PriceVersion, quantity_meter: Meter | None = None) -> Rate:
    """The rate of a row for quantities of its own meter, or of the other measure of time (seconds for minutes)."""
    meter = quantity_meter or version.meter
    units_per_row_unit = _units_per(version.meter, meter)
    exact = Fraction(Fraction(version.price) * PICO_PER_UNIT, version.per * units_per_row_unit)
    special = None
    if version.minimum_charge is not None or version.round_up_to is not None:
        minimum = Fraction(version.minimum_charge or 0) * PICO_PER_UNIT
        special = Special(minimum, Fraction(version.round_up_to or 0) * units_per_row_unit)
    return Rate(exact.numerator, exact.denominator, version.id, meter in INPUT_METERS, special)


def line_amount(rate: Rate, quantity: Quantity) -> Pico:
    """What a positive quantity costs at this rate, rounded once.

    Raises ValueError for a quantity that is negative or not a number.
    """
    if isinstance(quantity, int) and rate.special is None:
        if quantity < 0:
            raise ValueError(f"a quantity of {quantity} cannot be billed")
        if rate.denominator == 1:
            return quantity * rate.numerator
        return divide_half_even(quantity * rate.numerator, rate.denominator)
    units = exact_quantity(quantity)
    if rate.special is None:
        return divide_half_even(units.numerator * rate.numerator, units.denominator * rate.denominator)
    minimum, step = rate.special
    if step:
        units = -(-units // step) * step
    amount = max(units * rate.value, minimum) if units else Fraction(0)
    return divide_half_even(amount.numerator, amount.denominator)


def exact_quantity(quantity: Quantity) -> Fraction:
    """The quantity without any loss; refuses what cannot be a quantity."""
    if isinstance(quantity, Decimal):
        if not quantity.is_finite():
            raise ValueError(f"{quantity} is not a quantity")
        if quantity.adjusted() > DECIMAL_EXPONENT_MAX:
            raise AmountTooLarge(f"a quantity of {quantity:.3E} cannot be billed")
        if quantity.adjusted() < -DECIMAL_EXPONENT_MAX:
            return Fraction(0)  # less than anything a meter can tell
    if quantity < 0:
        raise ValueError(f"a quantity of {quantity} cannot be billed")
    return Fraction(quantity)


def _units_per(row_meter: Meter, quantity_meter: Meter) -> Fraction:
    """How many units of the quantity make one unit of the row."""
    if row_meter is quantity_meter:
        return Fraction(1)
    if row_meter is Meter.MINUTE and quantity_meter is Meter.SECOND:
        return Fraction(SECONDS_PER_MINUTE)
    if row_meter is Meter.SECOND and quantity_meter is Meter.MINUTE:
        return Fraction(1, SECONDS_PER_MINUTE)
    raise ValueError(f"a price per {row_meter} cannot be applied to {quantity_meter}")
