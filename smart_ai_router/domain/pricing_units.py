"""The words for units of price: those of our own price lists, and those of the second guide's pricing table."""

import re
from decimal import Decimal
from typing import Final, NamedTuple

from smart_ai_router.domain.meters import Meter

MILLION: Final = 1_000_000


class Unit(NamedTuple):
    """A price is for `per` of `meter`; `variant` names the size it is for."""

    meter: Meter
    per: int
    variant: str = ""


_PLAIN_PRICE = re.compile(r"[0-9]{1,20}(\.[0-9]{1,30})?")  # longer than any price; bounds the work on bad input


class UnitMismatch(ValueError):
    """A unit that does not measure what is being priced, or a figure that is no price."""


def plain_price(text: str) -> Decimal:
    """A price from plain digits such as 0.075, exactly; UnitMismatch for anything else, a sign or exponent included."""
    if not _PLAIN_PRICE.fullmatch(text.strip()):
        raise UnitMismatch(f"{text[:60]!r} is not a price in plain digits such as 0.075")
    return Decimal(text.strip())


# Our own price lists: token prices are per million, everything else is per one unless the row says otherwise.
UNIT_WORDS: Final = {
    "input": Unit(Meter.INPUT, MILLION),
    "cached_input": Unit(Meter.CACHED_INPUT, MILLION),
    "cache_write_5m": Unit(Meter.CACHE_WRITE_5M, MILLION),
    "cache_write_1h": Unit(Meter.CACHE_WRITE_1H, MILLION),
    "audio_input": Unit(Meter.AUDIO_INPUT, MILLION),
    "image_input": Unit(Meter.IMAGE_INPUT, MILLION),
    "output": Unit(Meter.OUTPUT, MILLION),
    "reasoning": Unit(Meter.REASONING, MILLION),
    "audio_output": Unit(Meter.AUDIO_OUTPUT, MILLION),
    "image_output": Unit(Meter.IMAGE_OUTPUT, MILLION),
    "image": Unit(Meter.IMAGE, 1),
    "character": Unit(Meter.CHARACTER, 1),
    "second": Unit(Meter.SECOND, 1),
    "minute": Unit(Meter.MINUTE, 1),
    "request": Unit(Meter.REQUEST, 1),
    "search_call": Unit(Meter.SEARCH_CALL, 1),
}

# What `free: true` covers: all that a model itself does. A search is another service and is never free by this.
FREE_WORDS: Final = tuple(word for word in UNIT_WORDS if word != "search_call")

_TOKENS: Final = {"per_1k_tokens": 1_000, "per_1m_tokens": MILLION}
_SECONDS: Final = {"per_second": "", "per_second_720p": "720p", "per_second_1080p": "1080p"}

# The second guide's pricingType, with the units that measure it.
_GUIDE_UNITS: Final = {
    "input_token": {word: Unit(Meter.INPUT, per) for word, per in _TOKENS.items()},
    "output_token": {word: Unit(Meter.OUTPUT, per) for word, per in _TOKENS.items()},
    "image": {"per_image": Unit(Meter.IMAGE, 1)},
    "audio_tts": {"per_10k_chars": Unit(Meter.CHARACTER, 10_000)},
    "audio_minute": {"per_minute": Unit(Meter.MINUTE, 1)},
    "video_second": {word: Unit(Meter.SECOND, 1, variant) for word, variant in _SECONDS.items()},
}
PRICING_TYPES: Final = tuple(_GUIDE_UNITS)
_DEFAULT_UNITS: Final = {pricing_type: next(iter(units)) for pricing_type, units in _GUIDE_UNITS.items()}


def guide_unit(pricing_type: str, unit: str | None) -> Unit:
    """The unit of one row of the guide's pricing table; without a unit, the first one of its type.

    Raises UnitMismatch for a type we do not know and for a unit that does not measure it.
    """
    units = _GUIDE_UNITS.get(pricing_type)
    if units is None:
        known = ", ".join((*UNIT_WORDS, *PRICING_TYPES))
        raise UnitMismatch(f"{pricing_type!r} is no unit of price; use one of {known}")
    found = units.get(unit or _DEFAULT_UNITS[pricing_type])
    if found is None:
        raise UnitMismatch(f"{unit!r} does not measure {pricing_type}; use {' or '.join(units)}")
    return found


def guide_round_up_to(meter: Meter) -> Decimal | None:
    """Transcription is billed by whole minutes; nothing else is rounded up."""
    return Decimal(1) if meter is Meter.MINUTE else None


def guide_minimum_charge(price: Decimal, minimum_units: Decimal | None) -> Decimal | None:
    """The least amount of a line, from a least number of units (1 of per_1k_tokens means one thousand tokens).

    Charging at least n units and charging at least the price of n units are the same, because a line is linear.
    """
    return None if not minimum_units else price * minimum_units
