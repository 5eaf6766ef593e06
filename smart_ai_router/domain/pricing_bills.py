"""Bills: a usage priced with a sheet, line by line, and the upper estimate a hold is taken for.

Each line is rounded once, half to even, to a pico; the total is the exact sum of its lines. `input_cost` sums the
lines of input tokens; everything else (output tokens, images, characters, time, requests, searches) is
`output_cost`, so the two always add up to the total.

A meter that the sheet has no price for makes the whole bill `unpriced`: its line keeps the quantity with no price
version and no amount, a flag names the meter, and the totals are the sum of the lines that could be priced, a
lower bound that a later entry completes. They are not set to zero: one unpriced search must not make a million
priced tokens free.

One call may be described twice, in tokens and in a count (an image model reports its tokens and its images). The
side that the sheet has no price for at all is then a mere count: it is not billed and not missing, as long as the
other side is billed. A sheet that only has a price per request bills one request and nothing else.
"""

from collections.abc import Sequence
from typing import NamedTuple

from smart_ai_router.domain.meters import (
    COUNT_METERS,
    INPUT_METERS,
    OUTPUT_METERS,
    TOKEN_METERS,
    Meter,
    Quantities,
    Quantity,
    Usage,
    UsageSource,
)
from smart_ai_router.domain.money import Pico, require_cell
from smart_ai_router.domain.pricing_rates import compile_rate, exact_quantity, line_amount
from smart_ai_router.domain.pricing_sheets import Band, PriceSheet, Tier
from smart_ai_router.domain.pricing_versions import PriceVersion

UNPRICED = "unpriced"


class Line(NamedTuple):
    """meter x quantity x price version = amount. A tuple and not a dataclass: several are made for every call."""

    meter: Meter
    quantity: Quantity
    price_version: str  # "" when there is no price
    amount: Pico


class Bill(NamedTuple):
    """The cost of one usage. A tuple and not a dataclass: one is made for every call."""

    lines: tuple[Line, ...]
    input_cost: Pico
    output_cost: Pico
    total_cost: Pico
    currency: str
    basis: str  # channel | provider | book | unpriced
    flags: tuple[str, ...]  # unpriced:METER, service_tier_unpriced:TIER, variant_unpriced:VARIANT


def price_usage(sheet: PriceSheet, usage: Usage) -> Bill:
    """Price one usage; each meter is named at most once in it.

    Raises AmountTooLarge when the total fits no record, ValueError for a quantity below zero.
    """
    flags: tuple[str, ...] = ()
    tier = sheet.tiers.get(usage.service_tier)
    if tier is None:
        tier = sheet.standard
        flags = (f"service_tier_unpriced:{usage.service_tier}",)
    if usage.variant is not None and sheet.variants and usage.variant not in sheet.variants:
        flags = (*flags, f"variant_unpriced:{usage.variant}")
    band = tier.only or _band_of(tier, usage)
    rates = band.rates
    lines: list[Line] = []
    missing: list[tuple[Meter, Quantity]] | None = None
    input_cost = output_cost = 0
    for meter, quantity in usage.quantities:
        if not quantity:
            continue
        rate = rates.get(meter)
        if rate is None:
            missing = [*(missing or ()), (meter, quantity)]
            continue
        amount = line_amount(rate, quantity)
        lines.append(Line(meter, quantity, rate.version_id, amount))
        if rate.on_input:
            input_cost += amount
        else:
            output_cost += amount
    request_rate = band.request_rate
    if request_rate is not None and usage.source is not UsageSource.NONE:
        amount = line_amount(request_rate, 1)
        lines.append(Line(Meter.REQUEST, 1, request_rate.version_id, amount))
        output_cost += amount
    basis = sheet.basis
    if missing is not None:
        unpriced = _unpriced_lines(band, missing, lines)
        if unpriced:
            basis = UNPRICED
            flags += tuple(f"unpriced:{line.meter}" for line in unpriced)
            lines += unpriced
    total = require_cell(input_cost + output_cost)
    return Bill(tuple(lines), input_cost, output_cost, total, sheet.currency, basis, flags)


def unpriced_bill(usage: Usage, currency: str) -> Bill:
    """The bill of a call for whose model there is no price at all: quantities without amounts."""
    lines = tuple(Line(meter, quantity, "", 0) for meter, quantity in usage.quantities if exact_quantity(quantity))
    flags = tuple(f"unpriced:{line.meter}" for line in lines)
    return Bill(lines, 0, 0, 0, currency, UNPRICED if lines else "none", flags)


def upper_estimate(
    sheet: PriceSheet,
    input_tokens_upper: int,
    output_tokens_upper: int,
    others: Quantities = (),
    service_tier: str | None = None,
) -> Pico:
    """What a call of at most so many tokens, and of at most `others`, can cost at most, for a hold.

    Never below the bill of any call within these bounds, whichever band and mix of meters it lands in. Without a
    `service_tier` that covers every tier of the sheet; with one, that tier and standard (a call is never served
    in a third one). Meters without a price are not covered. Raises AmountTooLarge.
    """
    if service_tier is None:
        tiers = sheet.distinct_tiers
    else:
        tiers = (sheet.standard, sheet.tiers.get(service_tier, sheet.standard))
    highest = 0
    for tier in tiers:
        for band in tier.bands:
            if band.context_over and band.context_over >= input_tokens_upper:
                continue
            if band.output_over and band.output_over >= output_tokens_upper:
                continue
            amount = band.bound.at(input_tokens_upper, output_tokens_upper)
            for meter, quantity in others:
                rate = band.rates.get(meter)
                if rate is not None:
                    amount += line_amount(rate, quantity)
            highest = max(highest, amount)
    return require_cell(highest)


def amount_of(version: PriceVersion, meter: Meter, quantity: Quantity) -> Pico:
    """Compute one bill line again from the row it names: the proof that a stored amount is right."""
    time_meters = (Meter.SECOND, Meter.MINUTE)
    converts = meter in time_meters and version.meter in time_meters
    return line_amount(compile_rate(version, meter if converts else None), quantity)


def _band_of(tier: Tier, usage: Usage) -> Band:
    context: Quantity = 0
    output: Quantity = 0
    reasoned = False
    for meter, quantity in usage.quantities:  # one pass, because every banded call comes through here
        if meter in INPUT_METERS:
            context += quantity
        elif meter in OUTPUT_METERS:
            output += quantity
            if meter is Meter.REASONING and quantity:
                reasoned = True
    for band in tier.bands:
        if (
            (context > band.context_over or not band.context_over)
            and (output > band.output_over or not band.output_over)
            and (reasoned or not band.with_reasoning)
            and band.variant in ("", usage.variant)
        ):
            return band
    return tier.bands[-1]


def _unpriced_lines(band: Band, missing: Sequence[tuple[Meter, Quantity]], priced: Sequence[Line]) -> list[Line]:
    tokens_priced = any(line.meter in TOKEN_METERS for line in priced)
    counts_priced = any(line.meter in COUNT_METERS for line in priced)
    lines = []
    for meter, quantity in missing:
        exact_quantity(quantity)  # refuses what is below zero
        is_mere_count = meter in COUNT_METERS and tokens_priced and not band.bills_counts
        is_mere_tokens = meter in TOKEN_METERS and counts_priced and not band.bills_tokens
        if not (is_mere_count or is_mere_tokens or band.bills_requests_only or meter is Meter.REQUEST):
            lines.append(Line(meter, quantity, "", 0))
    return lines
