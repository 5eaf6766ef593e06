"""The query language of the `model` field, read in one pass.

| model field              | asks for                                                                                  |
|--------------------------|-------------------------------------------------------------------------------------------|
| tag:free                 | models that carry the tag (of the model or of its channel)                                |
| tag:free,qwen3,!local    | all positive tags and none of the negative ones; case and spaces do not matter            |
| tags:...                 | the same as tag:                                                                          |
| free,qwen3               | a comma makes a query of it without the prefix                                            |
| tag:gpt-4o-mini          | a complete segment of the model's name (see `tags.py`), also in its undated form          |
| tag:>20b                 | a size: > < >= <= = with b, m, k for parameters; i, ki, mi for input context tokens;      |
|                          | o, ko, mo for output tokens                                                               |
| qwen3->20b               | models whose name (or a segment of it) begins with qwen3, with a size; also a query item  |

Sizes of context are as people say them: a model of 131,072 tokens and one of 128,000 both are "128ki". A model
whose size is not known meets no size condition. Everything else is a model name. Reading is linear in the length of
the field, which is limited.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from smart_ai_router.domain.channel import ChannelModel
from smart_ai_router.domain.errors import AutoQueryUnsupported, TagQueryInvalid
from smart_ai_router.domain.tags import exact_count

MODEL_FIELD_LENGTH_MAX: Final = 400  # the longest model names in the field have about 120 characters
ITEMS_MAX: Final = 40  # conditions in one query; more is no question a person asks

_PREFIX: Final = re.compile(r"tags?:", re.IGNORECASE)
_SIZE: Final = re.compile(r"(>=|<=|>|<|=)\s*([0-9]{1,9})(\.[0-9]{1,6})?\s*([a-z]{1,3})")
_NAME_SIZE: Final = re.compile(r"([^\s<>=!][^<>=]*)-\s*((?:>=|<=|>|<|=).*)")
_AUTO: Final = re.compile(r"auto:", re.IGNORECASE)


class Quantity(StrEnum):
    """Which size of a model a condition is about."""

    PARAMETERS = "parameters"
    INPUT_CONTEXT = "input context tokens"
    OUTPUT_CONTEXT = "output tokens"


# unit -> what it measures, and how many thousands are multiplied
_UNITS: Final = {
    "k": (Quantity.PARAMETERS, 1),
    "m": (Quantity.PARAMETERS, 2),
    "b": (Quantity.PARAMETERS, 3),
    "i": (Quantity.INPUT_CONTEXT, 0),
    "ki": (Quantity.INPUT_CONTEXT, 1),
    "mi": (Quantity.INPUT_CONTEXT, 2),
    "o": (Quantity.OUTPUT_CONTEXT, 0),
    "ko": (Quantity.OUTPUT_CONTEXT, 1),
    "mo": (Quantity.OUTPUT_CONTEXT, 2),
}


@dataclass(frozen=True, slots=True)
class SizeCondition:
    """A comparison with one size of a model. `decimal` and `binary` are the bound read with 1000 and with 1024."""

    text: str
    quantity: Quantity
    operator: str
    decimal: int
    binary: int

    def admits(self, model: ChannelModel) -> bool:
        """True when the model's size is known and meets the condition."""
        size = self._size(model)
        if size is None:
            return False
        bound = self.decimal
        if self.quantity is not Quantity.PARAMETERS and size % 1000 and not size % 1024:
            bound = self.binary
        match self.operator:
            case ">":
                return size > bound
            case "<":
                return size < bound
            case ">=":
                return size >= bound
            case "<=":
                return size <= bound
        return size == bound

    def refusal(self, model: ChannelModel) -> str:
        """Why the model does not meet the condition, for an explanation."""
        size = self._size(model)
        return f"size filter {self.text}: {self.quantity} {'unknown' if size is None else size}"

    def _size(self, model: ChannelModel) -> int | None:
        match self.quantity:
            case Quantity.PARAMETERS:
                return model.parameter_count
            case Quantity.INPUT_CONTEXT:
                return model.context_tokens
        return model.output_tokens_max


@dataclass(frozen=True, slots=True)
class TagQuery:
    """What a model must be: all conditions hold together."""

    positives: tuple[str, ...] = ()
    negatives: tuple[str, ...] = ()
    name_prefixes: tuple[str, ...] = ()
    sizes: tuple[SizeCondition, ...] = ()


def parse_tag_query(text: str) -> TagQuery | None:
    """Read the model field; None when it is a plain model name.

    Raises TagQueryInvalid for a query that asks for nothing or cannot be read, and AutoQueryUnsupported for auto:...
    """
    if len(text) > MODEL_FIELD_LENGTH_MAX:
        raise TagQueryInvalid(
            f"model has {len(text)} characters; a name or tag query has at most {MODEL_FIELD_LENGTH_MAX}", param="model"
        )
    field = text.strip()
    if _AUTO.match(field):
        raise AutoQueryUnsupported(
            f"{field!r}: automatic model choice is not offered; name a model or ask by tag, for example tag:free",
            param="model",
        )
    prefix = _PREFIX.match(field)
    if prefix:
        return _parse_items(field, field[prefix.end() :])
    if "," in field or _NAME_SIZE.fullmatch(field):
        return _parse_items(field, field)
    return None


def _parse_items(field: str, items: str) -> TagQuery:
    positives: dict[str, None] = {}
    negatives: dict[str, None] = {}
    prefixes: dict[str, None] = {}
    sizes: dict[SizeCondition, None] = {}
    words = [item.strip().lower() for item in items.split(",")]
    if len(words) > ITEMS_MAX:
        raise TagQueryInvalid(f"the tag query has {len(words)} items; at most {ITEMS_MAX} are read", param="model")
    for word in words:
        if not word:
            continue
        if word[0] == "!":
            negatives[_negative(field, word[1:].strip())] = None
        elif word[0] in "<>=":
            sizes[_size(field, word)] = None
        elif match := _NAME_SIZE.fullmatch(word):
            prefixes[match[1].strip()] = None
            sizes[_size(field, match[2])] = None
        else:
            positives[word] = None
    query = TagQuery(tuple(positives), tuple(negatives), tuple(prefixes), tuple(sizes))
    if query == TagQuery():
        raise TagQueryInvalid(
            f"the tag query {field!r} asks for nothing; write at least one tag, for example tag:free", param="model"
        )
    return query


def _negative(field: str, tag: str) -> str:
    if not tag:
        raise TagQueryInvalid(f"{field!r}: nothing stands after '!'; write for example tag:free,!local", param="model")
    if tag[0] in "<>=!":
        raise TagQueryInvalid(
            f"{field!r}: '!' goes before a tag, not before {tag!r}; turn the comparison round instead", param="model"
        )
    return tag


def _size(field: str, word: str) -> SizeCondition:
    match = _SIZE.fullmatch(word)
    if match is None or match[4] not in _UNITS:
        raise TagQueryInvalid(
            f"{field!r}: {word!r} is not a size; write > < >= <= or =, a number, and b, m or k for parameters, "
            "ki or mi for input context, ko or mo for output tokens, for example tag:qwen3,>20b",
            param="model",
        )
    quantity, thousands = _UNITS[match[4]]
    number = match[2] + (match[3] or "")
    return SizeCondition(
        text="".join(word.split()),
        quantity=quantity,
        operator=match[1],
        decimal=exact_count(number, 1000**thousands),
        binary=exact_count(number, 1024**thousands),
    )
