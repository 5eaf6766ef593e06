"""Settings made of the table's defaults."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from smart_ai_router.config.problems import ValueRefused
from smart_ai_router.config.reading import read_tree
from smart_ai_router.config.settings import Settings
from smart_ai_router.config.shape import Shape, shape_of
from smart_ai_router.config.table import SETTINGS
from smart_ai_router.config.tree import DEFAULT_ORIGIN, Branch, Leaf
from smart_ai_router.config.upstream_settings import ChannelSettings

SHAPE: Final = shape_of(SETTINGS)


def default_settings() -> Settings:
    """Every setting at its default."""
    values, _ = read_tree(SHAPE, None, MappingProxyType({}))
    return msgspec.convert(values, Settings)


def channel_defaults(fields: Mapping[str, str]) -> ChannelSettings:
    """A channel with the given texts and defaults for the rest; raises ValueRefused for a text that is not taken."""
    item = _channel_shape()
    branch = Branch({key: Leaf(text, DEFAULT_ORIGIN) for key, text in fields.items()}, DEFAULT_ORIGIN)
    values, reading = read_tree(item, branch, MappingProxyType({}))
    if reading.problems:
        problem = reading.problems[0]
        raise ValueRefused(f"{problem.key} {problem.message}")
    return msgspec.convert(values, ChannelSettings)


def _channel_shape() -> Shape:
    item = SHAPE.children["channels"].item
    if item is None:  # pragma: no cover - the table has channels
        raise TypeError("channels is a list")
    return item
