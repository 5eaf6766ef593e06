"""Price versions in the words of the second guide's pricing table: pricing type, unit, least number of units."""

from decimal import Decimal
from fractions import Fraction
from typing import Final

from smart_ai_router.core.statistics.ratios import ratio
from smart_ai_router.domain.meters import TOKEN_METERS, Meter
from smart_ai_router.domain.pricing import PriceVersion
from smart_ai_router.domain.pricing_units import UNIT_WORDS

# The guide's word for a meter, where it has one; the others go by the words of our own price lists.
_GUIDE_TYPES: Final = {
    Meter.INPUT: "input_token",
    Meter.OUTPUT: "output_token",
    Meter.IMAGE: "image",
    Meter.CHARACTER: "audio_tts",
    Meter.MINUTE: "audio_minute",
    Meter.SECOND: "video_second",
}
_OWN_WORDS: Final = {unit.meter: word for word, unit in UNIT_WORDS.items()}
_COUNTED: Final = {
    Meter.IMAGE: "image",
    Meter.CHARACTER: "char",
    Meter.SECOND: "second",
    Meter.MINUTE: "minute",
    Meter.REQUEST: "request",
    Meter.SEARCH_CALL: "search_call",
}


def pricing_type_of(row: PriceVersion) -> str:
    """input_token, output_token, image, audio_tts, audio_minute, video_second, or a word of our own lists."""
    return _GUIDE_TYPES.get(row.meter) or list_word_of(row)


def list_word_of(row: PriceVersion) -> str:
    """The word of our own price lists: input, cached_input, minute …"""
    return _OWN_WORDS[row.meter]


def unit_of(row: PriceVersion) -> str:
    """per_1k_tokens, per_1m_tokens, per_image, per_10k_chars, per_minute, per_second_720p …"""
    size = f"_{row.variant}" if row.variant else ""
    count = _count_words(row.per)
    if row.meter in TOKEN_METERS:
        return f"per_{count}tokens{size}" if row.per > 1 else f"per_token{size}"
    thing = _COUNTED[row.meter]
    return f"per_{count}{thing}s{size}" if row.per > 1 else f"per_{thing}{size}"


def minimum_units_of(row: PriceVersion) -> Decimal | None:
    """The least number of units that is charged; None when there is none, or for a free price."""
    if row.minimum_charge is None or not row.price:
        return None
    return ratio(Fraction(row.minimum_charge), Fraction(row.price))


def _count_words(per: int) -> str:
    if per == 1:
        return ""
    for size, letter in ((1_000_000, "m"), (1_000, "k")):
        if per % size == 0:
            return f"{per // size}{letter}_"
    return f"{per}_"
