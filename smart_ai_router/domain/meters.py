"""What can be billed, and how much of it one call used.

Token classes are disjoint: a cached input token is not also an input token, a reasoning token is not also an
output token. Dialects convert each provider's convention once, on the way in; prices and records only ever see
disjoint quantities.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias


class Meter(StrEnum):
    """A billable unit. The value is the word used in journals, prices and the console."""

    INPUT = "input_token"
    CACHED_INPUT = "cached_input_token"
    CACHE_WRITE_5M = "cache_write_5m_token"
    CACHE_WRITE_1H = "cache_write_1h_token"
    AUDIO_INPUT = "audio_input_token"
    IMAGE_INPUT = "image_input_token"
    OUTPUT = "output_token"
    REASONING = "reasoning_token"
    AUDIO_OUTPUT = "audio_output_token"
    IMAGE_OUTPUT = "image_output_token"
    IMAGE = "image"
    CHARACTER = "character"
    SECOND = "second"
    MINUTE = "minute"
    REQUEST = "request"
    SEARCH_CALL = "search_call"


INPUT_METERS = frozenset(
    (Meter.INPUT, Meter.CACHED_INPUT, Meter.CACHE_WRITE_5M, Meter.CACHE_WRITE_1H, Meter.AUDIO_INPUT, Meter.IMAGE_INPUT)
)
OUTPUT_METERS = frozenset((Meter.OUTPUT, Meter.REASONING, Meter.AUDIO_OUTPUT, Meter.IMAGE_OUTPUT))
TOKEN_METERS = INPUT_METERS | OUTPUT_METERS
COUNT_METERS = frozenset((Meter.IMAGE, Meter.CHARACTER, Meter.SECOND, Meter.MINUTE))  # work measured without tokens

Quantity: TypeAlias = int | Decimal  # whole for counts; exact decimals only for durations
Quantities: TypeAlias = tuple[tuple[Meter, Quantity], ...]


class UsageSource(StrEnum):
    """Where the quantities of a call came from."""

    PROVIDER = "provider"
    ESTIMATED = "estimated"
    NONE = "none"  # nothing reached an upstream, or the upstream certainly charged nothing


class UsageType(StrEnum):
    """The second guide's five usage types, and the kinds of call beside them."""

    TEXT_GENERATION = "text_generation"
    IMAGE_GENERATION = "image_generation"
    AUDIO_TTS = "audio_tts"
    AUDIO_STT = "audio_stt"
    VIDEO_GENERATION = "video_generation"
    EMBEDDING = "embedding"
    RERANK = "rerank"
    MODERATION = "moderation"


@dataclass(frozen=True, slots=True)
class Usage:
    """The quantities of one call, disjoint, with their source."""

    quantities: Quantities
    source: UsageSource
    service_tier: str | None = None  # the tier that was served, as the provider's reply names it
    flags: tuple[str, ...] = ()  # why the provider's own numbers were not taken as they stood
    variant: str | None = None  # the size or quality that was made, where the price depends on it: 720p, hd, 1024x1792

    @property
    def input_tokens(self) -> int:
        """All tokens that went in, cached ones included."""
        return _token_sum(self.quantities, INPUT_METERS)

    @property
    def output_tokens(self) -> int:
        """All tokens that came out, reasoning included."""
        return _token_sum(self.quantities, OUTPUT_METERS)

    def quantity(self, meter: Meter) -> Quantity:
        """How much of one meter was used; 0 when none."""
        return sum(amount for each, amount in self.quantities if each is meter)


NO_USAGE = Usage((), UsageSource.NONE)


def _token_sum(quantities: Iterable[tuple[Meter, Quantity]], meters: frozenset[Meter]) -> int:
    return int(sum(amount for meter, amount in quantities if meter in meters))
