"""The kinds of value a setting can take: from written text to a checked value, exactly.

A kind reads one tree and returns its value, or raises ValueRefused saying what it takes. Money and rates become
Decimals from their digits; no kind of money ever sees a float.
"""

import math
import re
import zoneinfo
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final, Protocol

from smart_ai_router.config.problems import ValueRefused, did_you_mean, shorten
from smart_ai_router.config.tree import Branch, Items, Leaf, Tree

TEXT_LENGTH_MAX: Final = 1_000  # longer than any name, address or key in use
ITEMS_MAX: Final = 10_000  # an aggregator lists about 1,000 models
AMOUNT_DECIMALS_MAX: Final = 30  # published per-token prices have up to 22
_TRUE: Final = frozenset(("true", "yes", "on", "1"))
_FALSE: Final = frozenset(("false", "no", "off", "0"))
_INTEGER: Final = re.compile(r"[+-]?[0-9][0-9_]{0,24}")
_NUMBER: Final = re.compile(r"[+-]?([0-9][0-9_]{0,39}(\.[0-9]{0,40})?|\.[0-9]{1,40})([eE][+-]?[0-9]{1,2})?")
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


class Kind(Protocol):
    """How one sort of value is read."""

    @property
    def words(self) -> str:
        """What it is, for the reference: `integer`, `list of text`."""

    @property
    def secret(self) -> bool:
        """True when the value is never shown in full."""

    @property
    def composite(self) -> bool:
        """True when it may be written as a list or a mapping."""

    def read(self, tree: Tree) -> object:
        """The value; raises ValueRefused."""


def text_of(tree: Tree, what: str) -> str:
    """The text of a scalar; raises ValueRefused for a list or a mapping."""
    if isinstance(tree, Leaf) and tree.text is not None:
        return tree.text
    found = {Branch: "a mapping", Items: "a list"}.get(type(tree), "nothing")
    raise ValueRefused(f"takes {what}, not {found}")


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text, maybe of a certain form."""

    form: str = ""  # a regular expression; "" takes any printable line
    form_words: str = ""
    words: str = "text"
    secret: bool = False
    composite: bool = False

    def read(self, tree: Tree) -> str:
        text = text_of(tree, "text")
        if len(text) > TEXT_LENGTH_MAX:
            raise ValueRefused(f"has {len(text):,} characters; at most {TEXT_LENGTH_MAX:,} are read")
        if _CONTROL.search(text):
            raise ValueRefused("holds a line break or a control character")
        if self.form and not re.fullmatch(self.form, text):
            raise ValueRefused(self.form_words)
        return text


@dataclass(frozen=True, slots=True)
class Secret:
    """A key or token: visible ASCII without spaces, because it travels in a header."""

    words: str = "secret"
    secret: bool = True
    composite: bool = False

    def read(self, tree: Tree) -> str:
        text = text_of(tree, "a key")
        if len(text) > TEXT_LENGTH_MAX:
            raise ValueRefused(f"has {len(text):,} characters; at most {TEXT_LENGTH_MAX:,} are read")
        if any(not "!" <= character <= "~" for character in text):
            raise ValueRefused("holds a space, a line break or a character outside ASCII; keys have none")
        return text


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number within bounds."""

    minimum: int
    maximum: int
    words: str = "integer"
    secret: bool = False
    composite: bool = False

    def read(self, tree: Tree) -> int:
        text = text_of(tree, "a whole number")
        if not _INTEGER.fullmatch(text):
            raise ValueRefused("is not a whole number")
        value = int(text.replace("_", ""))
        if not self.minimum <= value <= self.maximum:
            raise ValueRefused(f"lies outside {self.minimum} to {self.maximum}")
        return value


@dataclass(frozen=True, slots=True)
class Number:
    """A measure such as seconds or a weight. Not for money."""

    minimum: float
    maximum: float
    words: str = "number"
    secret: bool = False
    composite: bool = False

    def read(self, tree: Tree) -> float:
        text = text_of(tree, "a number")
        value = float(text.replace("_", "")) if _NUMBER.fullmatch(text) else math.nan
        if math.isnan(value):
            raise ValueRefused("is not a number")
        if not self.minimum <= value <= self.maximum:
            raise ValueRefused(f"lies outside {self.minimum:g} to {self.maximum:g}")
        return value


@dataclass(frozen=True, slots=True)
class Amount:
    """Money or a rate: every digit counts. `1.5e-7` is read as exactly 0.00000015."""

    positive: bool = False  # zero is refused
    decimals_max: int = AMOUNT_DECIMALS_MAX
    words: str = "decimal"
    secret: bool = False
    composite: bool = False

    def read(self, tree: Tree) -> Decimal:
        text = text_of(tree, "an amount")
        if not _NUMBER.fullmatch(text):
            raise ValueRefused("is not an amount such as 0.15")
        try:
            value = Decimal(format(Decimal(text.replace("_", "")), "f"))  # 3e2 becomes 300
        except InvalidOperation:  # pragma: no cover - the pattern admits nothing else
            raise ValueRefused("is not an amount such as 0.15") from None
        if value < 0 or (self.positive and not value):
            raise ValueRefused("must be above zero" if self.positive else "must not be negative")
        decimals = -int(value.as_tuple().exponent)
        if decimals > self.decimals_max:
            raise ValueRefused(f"has {decimals} decimals; at most {self.decimals_max} are kept exactly")
        if value >= 10**9:
            raise ValueRefused("is larger than any price or budget (1,000,000,000)")
        return value


@dataclass(frozen=True, slots=True)
class Boolean:
    """true or false; YAML's yes, no, on and off are read too."""

    words: str = "boolean"
    secret: bool = False
    composite: bool = False

    def read(self, tree: Tree) -> bool:
        text = text_of(tree, "true or false").lower()
        if text in _TRUE:
            return True
        if text in _FALSE:
            return False
        raise ValueRefused("takes true or false")


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    values: tuple[str, ...]
    secret: bool = False
    composite: bool = False

    @property
    def words(self) -> str:
        return " \\| ".join(self.values)

    def read(self, tree: Tree) -> str:
        text = text_of(tree, f"one of {', '.join(self.values)}")
        for value in self.values:
            if value.lower() == text.lower():
                return value
        raise ValueRefused(f"takes one of {', '.join(self.values)}", did_you_mean(text, self.values))


@dataclass(frozen=True, slots=True)
class Currency:
    """An ISO 4217 code."""

    words: str = "currency"
    secret: bool = False
    composite: bool = False

    def read(self, tree: Tree) -> str:
        text = text_of(tree, "a currency").upper()
        if not re.fullmatch(r"[A-Z]{3}", text):
            raise ValueRefused("is not a currency code of three letters such as USD or CNY")
        return text


@dataclass(frozen=True, slots=True)
class TimeZone:
    """An IANA time zone."""

    words: str = "time zone"
    secret: bool = False
    composite: bool = False

    def read(self, tree: Tree) -> str:
        text = text_of(tree, "a time zone")
        if text == "UTC":  # stands without a time zone database
            return text
        try:
            return zoneinfo.ZoneInfo(text).key
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            suggestion = did_you_mean(text, zoneinfo.available_timezones()) or "for example Asia/Shanghai"
            raise ValueRefused("is not a time zone this machine knows", suggestion) from None


@dataclass(frozen=True, slots=True)
class Day:
    """A date as YYYY-MM-DD."""

    words: str = "date"
    secret: bool = False
    composite: bool = False

    def read(self, tree: Tree) -> str:
        text = text_of(tree, "a date")
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            try:
                return date.fromisoformat(text).isoformat()
            except ValueError:
                pass
        raise ValueRefused("is not a date such as 2026-11-01")


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of one kind; a single value or values with commas between them are read as a list too."""

    item: Kind
    composite: bool = True

    @property
    def words(self) -> str:
        return f"list of {self.item.words}"

    @property
    def secret(self) -> bool:
        return self.item.secret

    def read(self, tree: Tree) -> tuple[object, ...]:
        if isinstance(tree, Branch):
            raise ValueRefused(f"takes a {self.words}, not a mapping")
        if isinstance(tree, Items):
            parts = tree.items
        else:
            words = (word.strip() for word in (tree.text or "").split(","))
            parts = tuple(Leaf(word, tree.origin) for word in words if word)
        if len(parts) > ITEMS_MAX:
            raise ValueRefused(f"has {len(parts):,} items; at most {ITEMS_MAX:,} are read")
        return tuple(dict.fromkeys(self._item(part, index) for index, part in enumerate(parts)))

    def _item(self, part: Tree, index: int) -> object:
        try:
            return self.item.read(part)
        except ValueRefused as refused:
            raise ValueRefused(f"item {index + 1} {refused.message}", refused.suggestion) from None


@dataclass(frozen=True, slots=True)
class MapOf:
    """A mapping from words to values of one kind, kept as pairs in their order."""

    value: Kind
    keys: tuple[str, ...] = ()  # the words it takes; empty takes any
    is_headers: bool = False
    composite: bool = True

    @property
    def words(self) -> str:
        return f"map of {self.value.words}"

    @property
    def secret(self) -> bool:
        return self.value.secret

    def read(self, tree: Tree) -> tuple[tuple[str, object], ...]:
        if not isinstance(tree, Branch):
            raise ValueRefused(f"takes a {self.words}, such as {{name: value}}")
        return tuple((self._key(key), self._value(key, value)) for key, value in tree.entries.items())

    def _key(self, key: str) -> str:
        if self.keys and key not in self.keys:
            raise ValueRefused(f"takes the words {', '.join(self.keys)}, not {key}", did_you_mean(key, self.keys))
        if self.is_headers:
            if not _HEADER_NAME.fullmatch(key):
                raise ValueRefused(f"{shorten(key)} is not a header name")
            return key.lower()
        return key

    def _value(self, key: str, value: Tree) -> object:
        try:
            return self.value.read(value)
        except ValueRefused as refused:
            raise ValueRefused(f"{key}: {refused.message}", refused.suggestion) from None
