"""Price versions in the guide's words."""

from decimal import Decimal

import pytest

from smart_ai_router.core.billing.price_words import list_word_of, minimum_units_of, pricing_type_of, unit_of
from smart_ai_router.core.price_setting import make_order
from smart_ai_router.domain.meters import Meter
from smart_ai_router.domain.pricing_units import PRICING_TYPES, UNIT_WORDS, guide_unit
from tests.domain.pricing_samples import row

GUIDE_UNITS = {
    "input_token": ("per_1k_tokens", "per_1m_tokens"),
    "output_token": ("per_1k_tokens", "per_1m_tokens"),
    "image": ("per_image",),
    "audio_tts": ("per_10k_chars",),
    "audio_minute": ("per_minute",),
    "video_second": ("per_second", "per_second_720p", "per_second_1080p"),
}


def test_m2_38_every_type_and_unit_of_the_guide_comes_back_as_it_went_in() -> None:
    assert set(GUIDE_UNITS) == set(PRICING_TYPES)
    for pricing_type, units in GUIDE_UNITS.items():
        for unit in units:
            measured = guide_unit(pricing_type, unit)
            version = row(measured.meter, "0.5", per=measured.per, variant=measured.variant)
            assert (pricing_type_of(version), unit_of(version)) == (pricing_type, unit)


@pytest.mark.parametrize("word", UNIT_WORDS)
def test_every_word_of_our_lists_names_a_type_that_can_be_set_again(word: str) -> None:
    unit = UNIT_WORDS[word]
    version = row(unit.meter, "0.5", per=unit.per)

    order = make_order("p", "m", list_word_of(version), "0.5", "USD", per=str(version.per))

    assert order.unit == unit
    assert make_order("p", "m", pricing_type_of(version), "0.5", "USD").unit.meter is unit.meter


@pytest.mark.parametrize(
    ("meter", "per", "unit"),
    [
        (Meter.INPUT, 1, "per_token"),
        (Meter.INPUT, 500, "per_500_tokens"),
        (Meter.CHARACTER, 1, "per_char"),
        (Meter.IMAGE, 1000, "per_1k_images"),
        (Meter.REQUEST, 1, "per_request"),
        (Meter.SEARCH_CALL, 1000, "per_1k_search_calls"),
    ],
)
def test_other_numbers_have_words_too(meter: Meter, per: int, unit: str) -> None:
    assert unit_of(row(meter, "1", per=per)) == unit


@pytest.mark.parametrize(
    ("price", "minimum", "units"),
    [
        ("0.002", None, None),
        ("0.002", "0.002", "1"),
        ("0.5", "1.25", "2.5"),
        ("0", "1", None),
        ("3", "1", "0.333333333333"),
    ],
)
def test_the_least_number_of_units_follows_from_the_least_charge(
    price: str, minimum: str | None, units: str | None
) -> None:
    version = row(Meter.INPUT, price, minimum_charge=None if minimum is None else Decimal(minimum))

    assert minimum_units_of(version) == (None if units is None else Decimal(units))
