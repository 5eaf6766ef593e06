"""The engine agrees with a slow oracle on every bill, and a hold is never below one."""

import random
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smart_ai_router.domain.meters import TOKEN_METERS, Meter, Usage, UsageSource
from smart_ai_router.domain.pricing import (
    UNPRICED,
    PriceVersion,
    amount_of,
    price_usage,
    upper_estimate,
)
from tests.domain.pricing_oracle import line_amounts
from tests.domain.pricing_samples import row, sheet_of

TOKENS = sorted(TOKEN_METERS)
TIERS = ("standard", "flex", "priority")
CALLS_A_LIST = 100

prices = st.decimals(min_value=0, max_value=100, places=9)
positive = st.decimals(min_value=Decimal("0.000001"), max_value=5000, places=6)


@st.composite
def price_rows(draw: st.DrawFn) -> list[PriceVersion]:
    """A price list with random gaps, tiers and thresholds; one row at most per cell; input and output always there."""
    cells = draw(
        st.sets(
            st.tuples(
                st.sampled_from(TOKENS),
                st.sampled_from(TIERS),
                st.sampled_from((0, 100, 5000)),
                st.sampled_from((0, 200)),
                st.booleans(),
            ),
            max_size=12,
        )
    )
    cells |= {(Meter.INPUT, "standard", 0, 0, False), (Meter.OUTPUT, "standard", 0, 0, False)}
    return [
        row(
            meter,
            str(draw(prices)),
            service_tier=tier,
            context_over=context_over,
            output_over=output_over,
            with_reasoning=with_reasoning,
            per=draw(st.sampled_from((1, 7, 1000, 1_000_000))),
            minimum_charge=draw(st.none() | positive),
            round_up_to=draw(st.none() | st.sampled_from((Decimal(1), Decimal("0.5"), Decimal(1000)))),
        )
        for meter, tier, context_over, output_over, with_reasoning in sorted(cells)
    ]


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    amounts = draw(st.dictionaries(st.sampled_from(TOKENS), st.integers(0, 6000), max_size=6))
    return Usage(tuple(amounts.items()), UsageSource.PROVIDER, service_tier=draw(st.sampled_from(TIERS)))


@settings(max_examples=200, deadline=None)
@given(price_rows(), usages())
def test_every_bill_agrees_with_the_oracle(rows: list[PriceVersion], usage: Usage) -> None:
    bill = price_usage(sheet_of(rows), usage)

    expected = line_amounts(rows, usage)
    priced = {line.meter: line.amount for line in bill.lines if line.price_version}
    assert priced == {meter: amount for meter, amount in expected.items() if amount is not None}
    assert {line.meter for line in bill.lines if not line.price_version} == {
        meter for meter, amount in expected.items() if amount is None
    }
    assert (bill.basis == UNPRICED) == (None in expected.values())
    assert bill.total_cost == bill.input_cost + bill.output_cost == sum(line.amount for line in bill.lines)


@settings(max_examples=200, deadline=None)
@given(price_rows(), usages(), st.integers(0, 3000), st.integers(0, 3000), st.booleans())
def test_an_upper_estimate_is_never_below_a_bill_within_its_bounds(
    rows: list[PriceVersion], usage: Usage, more_input: int, more_output: int, names_tier: bool
) -> None:
    sheet = sheet_of(rows)
    bill = price_usage(sheet, usage)
    estimate = upper_estimate(
        sheet,
        usage.input_tokens + more_input,
        usage.output_tokens + more_output,
        service_tier=usage.service_tier if names_tier else None,
    )
    assert estimate >= bill.total_cost


@settings(max_examples=100, deadline=None)
@given(price_rows(), usages())
def test_every_line_can_be_computed_again_from_the_row_it_names(rows: list[PriceVersion], usage: Usage) -> None:
    by_id = {each.id: each for each in rows}
    for line in price_usage(sheet_of(rows), usage).lines:
        if line.price_version:
            assert amount_of(by_id[line.price_version], line.meter, line.quantity) == line.amount


def test_a_hundred_thousand_plain_bills_agree_with_exact_arithmetic() -> None:
    chance = random.Random(20_261_122)
    figures = [("0.15", "0.075", "0.60"), ("0.0375", "0.01875", "0.3"), ("1.1428571428571428", "0.2", "3.862")]
    sheets = [
        (
            sheet_of([row(Meter.INPUT, a), row(Meter.CACHED_INPUT, b), row(Meter.OUTPUT, c)]),
            [int(Decimal(figure).scaleb(22)) for figure in (a, b, c)],  # pico x 10^16 per token
        )
        for a, b, c in figures
    ]
    for _ in range(100_000):
        sheet, rates = chance.choice(sheets)
        amounts = [chance.randrange(300_000), chance.randrange(3000), chance.randrange(20_000)]
        usage = Usage(
            ((Meter.INPUT, amounts[0]), (Meter.CACHED_INPUT, amounts[1]), (Meter.OUTPUT, amounts[2])),
            UsageSource.PROVIDER,
        )
        total = 0
        for amount, rate in zip(amounts, rates, strict=True):
            whole, rest = divmod(amount * rate, 10**16)
            total += whole + (2 * rest > 10**16 or (2 * rest == 10**16 and whole % 2 == 1))
        assert price_usage(sheet, usage).total_cost == total


@pytest.mark.parametrize(
    "calls", [10_000, pytest.param(1_000_000, marks=[pytest.mark.long, pytest.mark.timeout(1200)])]
)
def test_random_priced_calls_agree_with_the_oracle_to_the_last_digit(calls: int) -> None:
    chance = random.Random(20_261_123)
    for _ in range(calls // CALLS_A_LIST):
        rows = random_list(chance)
        sheet = sheet_of(rows)
        for _ in range(CALLS_A_LIST):
            meters = chance.sample(TOKENS, chance.randrange(1, 6))
            quantities = tuple((meter, chance.randrange(10 ** chance.randrange(1, 5))) for meter in meters)
            usage = Usage(quantities, UsageSource.PROVIDER, service_tier=chance.choice(TIERS))
            bill, amounts = price_usage(sheet, usage), line_amounts(rows, usage)
            assert {line.meter: line.amount for line in bill.lines if line.price_version} == {
                meter: amount for meter, amount in amounts.items() if amount is not None
            }
            assert bill.total_cost == sum(amount for amount in amounts.values() if amount is not None)
            assert (bill.basis == UNPRICED) == (None in amounts.values())


def random_list(chance: random.Random) -> list[PriceVersion]:
    """A price list as `price_rows` draws them, from a plain random source: a million calls need no shrinking."""
    cells = {(Meter.INPUT, "standard", 0, 0, False), (Meter.OUTPUT, "standard", 0, 0, False)}
    for _ in range(chance.randrange(12)):
        edges = (chance.choice((0, 100, 5000)), chance.choice((0, 200)), chance.random() < 0.3)
        cells.add((chance.choice(TOKENS), chance.choice(TIERS), *edges))
    return [
        row(
            meter,
            str(Decimal(chance.randrange(10**11)).scaleb(-9)),
            service_tier=tier,
            context_over=context_over,
            output_over=output_over,
            with_reasoning=with_reasoning,
            per=chance.choice((1, 7, 1000, 1_000_000)),
            minimum_charge=chance.choice((None, None, Decimal(chance.randrange(1, 10**6)).scaleb(-6))),
            round_up_to=chance.choice((None, None, Decimal(1), Decimal("0.5"), Decimal(1000))),
        )
        for meter, tier, context_over, output_over, with_reasoning in sorted(cells)
    ]
