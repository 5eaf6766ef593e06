"""A second, slow computation of a bill, by search over the rows with fractions: what the engine must agree with."""

from collections.abc import Sequence
from fractions import Fraction
from math import ceil

from smart_ai_router.domain.meters import INPUT_METERS, OUTPUT_METERS, Meter, Usage
from smart_ai_router.domain.pricing import PriceVersion

LENDERS = {
    Meter.CACHED_INPUT: (Meter.INPUT,),
    Meter.CACHE_WRITE_5M: (Meter.INPUT,),
    Meter.CACHE_WRITE_1H: (Meter.CACHE_WRITE_5M, Meter.INPUT),
    Meter.IMAGE_INPUT: (Meter.INPUT,),
    Meter.REASONING: (Meter.OUTPUT,),
}


def applying_row(rows: Sequence[PriceVersion], usage: Usage, meter: Meter) -> PriceVersion | None:
    """The most specific row for the meter, of the served tier if it has any, else of standard."""
    context = sum(amount for each, amount in usage.quantities if each in INPUT_METERS)
    output = sum(amount for each, amount in usage.quantities if each in OUTPUT_METERS)
    reasoned = any(each is Meter.REASONING and amount for each, amount in usage.quantities)
    tier = usage.service_tier or "standard"
    for name in (tier, "standard"):
        if any(row.service_tier == name and row.meter is meter for row in rows):
            applying = [
                row
                for row in rows
                if row.service_tier == name
                and row.meter is meter
                and (row.context_over == 0 or context > row.context_over)
                and (row.output_over == 0 or output > row.output_over)
                and (reasoned or not row.with_reasoning)
            ]
            return max(applying, key=lambda row: (row.context_over, row.output_over, row.with_reasoning), default=None)
    return None


def line_amounts(rows: Sequence[PriceVersion], usage: Usage) -> dict[Meter, int | None]:
    """Pico per meter that was used; None where nothing prices it."""
    amounts: dict[Meter, int | None] = {}
    for meter, quantity in usage.quantities:
        if not quantity:
            continue
        row = None
        for candidate in (meter, *LENDERS.get(meter, ())):
            row = applying_row(rows, usage, candidate)
            if row is not None:
                break
        if row is None:
            amounts[meter] = None
            continue
        units = Fraction(quantity)
        if row.round_up_to:
            step = Fraction(row.round_up_to)
            units = ceil(units / step) * step
        cost = units * Fraction(row.price) / row.per
        if row.minimum_charge is not None:
            cost = max(cost, Fraction(row.minimum_charge))
        amounts[meter] = round(cost * 10**12)  # Python rounds fractions half to even
    return amounts
