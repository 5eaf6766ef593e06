"""JSON in which every number is plain digits: 0.000075, never 7.5e-05."""

import math
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Final

import msgspec

from smart_ai_router.domain.money import AmountInvalid

DIGITS_MAX: Final = 64  # far beyond any amount or quantity; keeps "1E999999" from becoming a megabyte of zeros
PLAIN_NUMBERS_CACHED_MAX: Final = 2048  # one call names most of its amounts twice: line, side, total, charge

_ENCODER = msgspec.json.Encoder()


def plain_text(amount: Decimal) -> str:
    """The exact digits without exponent or trailing zeros; raises AmountInvalid for what is not a usable number."""
    text = str(amount)
    if "E" in text or not amount.is_finite():
        if not amount.is_finite() or abs(amount.adjusted()) > DIGITS_MAX:
            raise AmountInvalid(f"{text[:DIGITS_MAX]} cannot be written in plain digits")
        text = format(amount, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text if text != "-0" else "0"


@lru_cache(maxsize=PLAIN_NUMBERS_CACHED_MAX)
def plain_number(amount: Decimal) -> msgspec.Raw:
    """A JSON number of exactly these digits, for use inside a msgspec encoder."""
    return msgspec.Raw(plain_text(amount).encode())


def encode_plain(value: object) -> bytes:
    """The JSON of mappings, sequences, structs and scalars; decimals and floats come as plain digits."""
    return _ENCODER.encode(_plain(msgspec.to_builtins(value, builtin_types=(Decimal,))))


def _plain(value: object) -> object:
    if isinstance(value, str | int | None):  # most values by far
        return value
    if isinstance(value, Decimal):
        return plain_number(value)
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float) and math.isfinite(value):
        return plain_number(Decimal(repr(value)))
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return value
