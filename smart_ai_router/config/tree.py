"""A configuration as read, before it means anything: leaves of text, each knowing where it was written."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, TypeAlias


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value was written. `line` and `column` count from 1 and are 0 where there are none."""

    source: str  # default | file | environment | command line
    name: str = ""  # the file, the variable or the option
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if self.source == "file":
            return f"{self.name}:{self.line}:{self.column}" if self.line else self.name
        return f"{self.source} {self.name}".rstrip()


DEFAULT_ORIGIN: Final = Origin("default")


@dataclass(frozen=True, slots=True)
class Leaf:
    """A scalar as its text; `text` None is YAML's null. Numbers stay text, so that no price passes through a float."""

    text: str | None
    origin: Origin
    written: str | None = None  # the text before `${NAME}` was replaced; None when nothing was


@dataclass(frozen=True, slots=True)
class Branch:
    """A mapping. `keys` says where each key was written."""

    entries: Mapping[str, "Tree"]
    origin: Origin
    keys: Mapping[str, Origin] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Items:
    """A sequence."""

    items: tuple["Tree", ...]
    origin: Origin


Tree: TypeAlias = Leaf | Branch | Items


def with_entry(branch: Branch, key: str, tree: Tree) -> Branch:
    """The mapping with one entry set."""
    return replace(
        branch, entries={**branch.entries, key: tree}, keys={**branch.keys, key: branch.keys.get(key, tree.origin)}
    )


def with_item(items: Items, index: int, tree: Tree) -> Items:
    """The sequence with one item set; an index behind the last appends."""
    return replace(items, items=(*items.items[:index], tree, *items.items[index + 1 :]))
