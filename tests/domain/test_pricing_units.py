"""Units: the words of price lists and of the second guide."""

from decimal import Decimal

import pytest

from smart_ai_router.domain.meters import Meter
from smart_ai_router.domain.pricing_units import (
    UNIT_WORDS,
    UnitMismatch,
    guide_minimum_charge,
    guide_round_up_to,
    guide_unit,
    plain_price,
)


@pytest.mark.parametrize(
    ("pricing_type", "unit", "expected"),
    [
        ("input_token", "per_1k_tokens", (Meter.INPUT, 1000, "")),
        ("input_token", "per_1m_tokens", (Meter.INPUT, 1_000_000, "")),
        ("input_token", None, (Meter.INPUT, 1000, "")),
        ("output_token", "per_1k_tokens", (Meter.OUTPUT, 1000, "")),
        ("image", "per_image", (Meter.IMAGE, 1, "")),
        ("audio_tts", "per_10k_chars", (Meter.CHARACTER, 10_000, "")),
        ("audio_minute", "per_minute", (Meter.MINUTE, 1, "")),
        ("video_second", "per_second", (Meter.SECOND, 1, "")),
        ("video_second", "per_second_720p", (Meter.SECOND, 1, "720p")),
        ("video_second", "per_second_1080p", (Meter.SECOND, 1, "1080p")),
    ],
)
def test_the_second_guides_units_are_understood(
    pricing_type: str, unit: str | None, expected: tuple[Meter, int, str]
) -> None:
    assert guide_unit(pricing_type, unit) == expected


def test_a_unit_that_does_not_measure_the_thing_is_refused() -> None:
    with pytest.raises(UnitMismatch, match="does not measure image; use per_image"):
        guide_unit("image", "per_minute")
    with pytest.raises(UnitMismatch, match="'word' is no unit of price"):
        guide_unit("word", None)


def test_only_transcription_is_rounded_up_to_minutes() -> None:
    assert guide_round_up_to(Meter.MINUTE) == Decimal(1)
    assert {guide_round_up_to(meter) for meter in Meter if meter is not Meter.MINUTE} == {None}


def test_a_minimum_number_of_units_is_a_minimum_charge() -> None:
    assert guide_minimum_charge(Decimal("0.002"), Decimal(1)) == Decimal("0.002")
    assert guide_minimum_charge(Decimal("0.002"), Decimal("2.5")) == Decimal("0.005")
    assert guide_minimum_charge(Decimal("0.002"), None) is None
    assert guide_minimum_charge(Decimal("0.002"), Decimal(0)) is None


def test_every_meter_has_a_word() -> None:
    assert {unit.meter for unit in UNIT_WORDS.values()} == set(Meter)


@pytest.mark.parametrize("text", ["-1", "1e3", "1,5", "", "NaN", "٣", "1" * 21])
def test_what_is_not_in_plain_digits_is_no_price(text: str) -> None:
    with pytest.raises(UnitMismatch, match="plain digits"):
        plain_price(text)
