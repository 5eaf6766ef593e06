"""Tags of a model's name: the words that a tag query can ask for and that a usage record keeps.

A name is lower-cased and split at / : @ - _ , into parts; parts of one character say nothing and are dropped. Beside
the parts stand the complete segments: the stretches between / : @ that look like a model of their own, such as
gpt-4o-mini in openai/gpt-4o-mini:free. A segment that ends in a date also gives its undated form, so that
claude-3-haiku finds claude-3-haiku-20240307.
"""

import re
from collections.abc import Iterable
from typing import Final

SHORT_RESPONSE_TOKENS: Final = 100  # max_tokens up to here: the caller wants a word or a line
LONG_RESPONSE_TOKENS: Final = 2000

_SPLIT: Final = str.maketrans("/:@-_,", "      ")
_SEGMENTS: Final = re.compile(r"[/:@]")
_DATE: Final = re.compile(r"-(?:20[0-9]{2}-[0-9]{2}-[0-9]{2}|20[0-9]{6}|20[0-9]{4})$")
_SEGMENT_LENGTH_MIN: Final = 3

# Makers' names that look like a model's, and variants behind the colon that do: they name none.
_NO_MODELS: Final = frozenset(
    (
        "01-ai",
        "ai21",
        "ai21-labs",
        "aion-labs",
        "arcee-ai",
        "black-forest-labs",
        "bytedance-seed",
        "deepseek-ai",
        "fireworks-ai",
        "ibm-granite",
        "meta-llama",
        "prime-intellect",
        "sentence-transformers",
        "stepfun-ai",
        "x-ai",
        "z-ai",
        "zai-org",
        "fp16",
        "fp8",
        "int4",
        "int8",
    )
)

_PARAMETERS: Final = re.compile(r"(?:([0-9]{1,3})x)?e?([0-9]{1,5}(?:\.[0-9]{1,3})?)([bmt])")
_ACTIVE_PARAMETERS: Final = re.compile(r"a([0-9]{1,5}(?:\.[0-9]{1,3})?)([bmt])")
_UNITS: Final = {"m": 10**6, "b": 10**9, "t": 10**12}
_MILLIONS_MIN: Final = 20  # "1m" and "10m" in a name mean a context length; no model is that small


def split_parts(name: str) -> tuple[str, ...]:
    """The parts of a name in order, each once: "gpt-4o-mini" -> gpt, 4o, mini."""
    return tuple(dict.fromkeys(part for part in name.lower().translate(_SPLIT).split() if len(part) > 1))


def complete_segments(name: str) -> tuple[str, ...]:
    """The segments of a name that stand for a model, each followed by its undated form."""
    found: dict[str, None] = {}
    for segment in _SEGMENTS.split(name.lower()):
        word = segment.strip()
        if not _names_a_model(word):
            continue
        found[word] = None
        undated = _DATE.sub("", word)
        if len(undated) >= _SEGMENT_LENGTH_MIN:
            found[undated] = None
    return tuple(found)


def routing_tags(name: str) -> tuple[str, ...]:
    """All tags that a name gives by itself: its parts, then its complete segments."""
    return tuple(dict.fromkeys(split_parts(name) + complete_segments(name)))


def feature_tags(stream: bool, has_tools: bool, output_tokens_max: int | None) -> tuple[str, ...]:
    """What a call asks for, as tags of its record."""
    tags = []
    if stream:
        tags.append("streaming")
    if has_tools:
        tags.append("function_calling")
    if output_tokens_max is not None:
        if output_tokens_max <= SHORT_RESPONSE_TOKENS:
            tags.append("short_response")
        elif output_tokens_max >= LONG_RESPONSE_TOKENS:
            tags.append("long_response")
    return tuple(tags)


def recorded_tags(
    model: str, request_type: str, positive_query_tags: Iterable[str] = (), features: Iterable[str] = ()
) -> tuple[str, ...]:
    """The tags of a usage record, each once: the model's parts, the kind of call, the tags asked for, its features."""
    parts = [part for part in model.lower().translate(_SPLIT).split() if len(part) > 1]
    return tuple(dict.fromkeys((*parts, request_type, *positive_query_tags, *features)))


def parameter_count(name: str) -> int | None:
    """How many parameters the name says the model has: "qwen3-30b-a3b" -> 30_000_000_000, "8x7b" -> 56_000_000_000.

    Experts are multiplied out; a name that gives only the active ones (a3b) counts as those; None when it says nothing.
    """
    active = None
    for part in name.lower().translate(_SPLIT).split():
        match = _PARAMETERS.fullmatch(part)
        if match:
            experts, number, unit = match.groups()
            if unit != "m" or exact_count(number, 1) >= _MILLIONS_MIN:
                return int(experts or 1) * exact_count(number, _UNITS[unit])
        match = _ACTIVE_PARAMETERS.fullmatch(part)
        if match and active is None:
            active = exact_count(match[1], _UNITS[match[2]])
    return active


def exact_count(number: str, unit: int) -> int:
    """A plain decimal times a unit, without a float: ("1.5", 10**9) -> 1_500_000_000."""
    whole, _, decimals = number.partition(".")
    return int(whole + decimals) * unit // int(10 ** len(decimals))


def _names_a_model(segment: str) -> bool:
    if len(segment) < _SEGMENT_LENGTH_MIN or segment in _NO_MODELS or _PARAMETERS.fullmatch(segment):
        return False
    has_letter = any(character.isalpha() for character in segment)
    return has_letter and ("-" in segment or any(character.isdigit() for character in segment))
