"""Meters: disjoint quantities of one call."""

from decimal import Decimal

from smart_ai_router.domain.meters import (
    COUNT_METERS,
    INPUT_METERS,
    NO_USAGE,
    OUTPUT_METERS,
    TOKEN_METERS,
    Meter,
    Usage,
    UsageSource,
)


def test_every_token_meter_is_on_exactly_one_side() -> None:
    assert INPUT_METERS.isdisjoint(OUTPUT_METERS)
    assert {meter for meter in Meter if meter.value.endswith("_token")} == TOKEN_METERS
    assert COUNT_METERS.isdisjoint(TOKEN_METERS)


def test_input_and_output_tokens_include_their_classes() -> None:
    usage = Usage(
        (
            (Meter.INPUT, 400),
            (Meter.CACHED_INPUT, 600),
            (Meter.OUTPUT, 200),
            (Meter.REASONING, 100),
            (Meter.SECOND, Decimal("12.5")),
        ),
        UsageSource.PROVIDER,
    )
    assert usage.input_tokens == 1000
    assert usage.output_tokens == 300
    assert usage.quantity(Meter.SECOND) == Decimal("12.5")
    assert usage.quantity(Meter.IMAGE) == 0


def test_no_usage_used_nothing() -> None:
    assert (NO_USAGE.input_tokens, NO_USAGE.output_tokens, NO_USAGE.source) == (0, 0, UsageSource.NONE)
