"""A tree against the table of settings: every value checked, every problem collected, every origin kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from smart_ai_router.config.problems import (
    MASK,
    Notice,
    Problem,
    ValueRefused,
    looks_secret,
    nearest,
    problem_at,
    shorten,
    shown,
)
from smart_ai_router.config.setting import REQUIRED, Setting
from smart_ai_router.config.shape import FIELD_NAMES, Shape
from smart_ai_router.config.tree import Branch, Items, Leaf, Origin, Tree

_FREE_KEY_LENGTH_MAX: Final = 200
_NO_TREES: Final[Mapping[str, Tree]] = MappingProxyType({})


@dataclass(slots=True)
class Reading:
    """What came of reading a tree."""

    problems: list[Problem] = field(default_factory=list)
    idle: dict[str, list[tuple[str, Origin]]] = field(default_factory=dict)  # by reason, the keys without effect
    origins: dict[str, Origin] = field(default_factory=dict)  # by path, of every value that was given
    shown: dict[str, str] = field(default_factory=dict)  # by path, masked
    rows: dict[str, Setting] = field(default_factory=dict)  # by path, the row of the table

    @property
    def notices(self) -> list[Notice]:
        """One notice for all keys that have no effect for the same reason."""
        return [
            Notice(", ".join(path for path, _ in keys), f"no effect here, because {reason}", str(keys[0][1]))
            for reason, keys in self.idle.items()
        ]


def read_tree(shape: Shape, tree: Tree | None, paths: Mapping[str, tuple[str, ...]]) -> tuple[object, Reading]:
    """Nested dictionaries of checked values, with defaults where nothing was given.

    `paths` says for a key's last word under which full names it exists, for suggestions.
    """
    reading = Reading()
    reader = _Reader(reading, paths)
    return reader.read(shape, tree, ""), reading


class _Reader:
    def __init__(self, reading: Reading, paths: Mapping[str, tuple[str, ...]]) -> None:
        self._reading = reading
        self._paths = paths

    def read(self, shape: Shape, tree: Tree | None, path: str) -> object:
        given = None if isinstance(tree, Leaf) and tree.text is None else tree
        if shape.setting is not None:
            return self._value(shape.setting, given, path)
        if shape.item is not None:
            return self._list(shape.item, given, path)
        if shape.entry is not None:
            return self._free(shape, shape.entry, given, path)
        return self._section(shape, given, path)

    def _value(self, setting: Setting, tree: Tree | None, path: str) -> object:
        if tree is None:
            return setting.default
        self._reading.origins[path] = tree.origin
        self._reading.shown[path] = shown_value(tree, setting)
        self._reading.rows[path] = setting
        try:
            value = setting.kind.read(tree)
        except ValueRefused as refused:
            text = shown(tree, setting.kind.secret)
            self._problem(tree.origin, path, refused.message, text, refused.suggestion)
            return setting.default
        if setting.only and value not in setting.only:
            reason = setting.idle.en if setting.idle else ""
            allowed = " or ".join(str(each).lower() for each in setting.only)
            self._problem(tree.origin, path, reason, shown(tree, False), f"set it to {allowed}, or remove it")
        elif setting.idle is not None and not setting.only:
            self._reading.idle.setdefault(setting.idle.en, []).append((path, tree.origin))
        return value

    def _section(self, shape: Shape, tree: Tree | None, path: str) -> dict[str, object]:
        entries = _NO_TREES
        if isinstance(tree, Branch):
            entries = tree.entries
            for key in entries:
                if key not in shape.children:
                    self._unknown(shape, tree, key, path)
        elif tree is not None:
            found = "a list" if isinstance(tree, Items) else "a single value"
            names = ", ".join(list(shape.children)[:6])
            self._problem(
                tree.origin, path, f"takes a mapping with keys such as {names}, not {found}", shown(tree, True)
            )
        values: dict[str, object] = {}
        for key, child in shape.children.items():
            inner = f"{path}.{key}" if path else key
            if child.setting is not None and child.setting.default is REQUIRED and entries.get(key) is None:
                if tree is not None:
                    self._problem(tree.origin, inner, "is missing")
                continue
            value = self.read(child, entries.get(key), inner)
            if not child.is_idle:
                values[FIELD_NAMES.get(key, key)] = value
        return values

    def _list(self, item: Shape, tree: Tree | None, path: str) -> tuple[object, ...]:
        if tree is None:
            return ()
        if not isinstance(tree, Items):
            self._problem(tree.origin, path, "takes a list (each item begins with `- `)", shown(tree, True))
            return ()
        self._reading.origins.setdefault(path, tree.origin)
        return tuple(self._item(item, each, f"{path}[{index}]") for index, each in enumerate(tree.items))

    def _item(self, item: Shape, tree: Tree, path: str) -> object:
        if isinstance(tree, Leaf) and item.shorthand:
            tree = Branch({item.shorthand: tree}, tree.origin, {item.shorthand: tree.origin})
        elif isinstance(tree, Leaf) and tree.text is None:
            tree = Branch({}, tree.origin)
        return self.read(item, tree, path)

    def _free(self, shape: Shape, entry: Shape, tree: Tree | None, path: str) -> tuple[object, ...]:
        if tree is None:
            return ()
        if not isinstance(tree, Branch):
            self._problem(tree.origin, path, f"takes a mapping from {shape.entry_field} to settings", shown(tree, True))
            return ()
        entries = []
        for key, value in tree.entries.items():
            inner = f"{path}.{key}"
            if not key.strip() or len(key) > _FREE_KEY_LENGTH_MAX or not key.isprintable():
                self._problem(tree.keys[key], path, f"{shorten(key)} cannot be a {shape.entry_field}")
                continue
            self._reading.origins[inner] = tree.keys[key]
            values = self.read(entry, value, inner)
            fields = values if isinstance(values, dict) else {"items": values}
            entries.append({shape.entry_field: key, **fields})
        return tuple(entries)

    def _unknown(self, shape: Shape, branch: Branch, key: str, path: str) -> None:
        inner = f"{path}.{key}" if path else key
        value = branch.entries[key]
        text = shown(value, False)
        if isinstance(value, Leaf) and value.written is None and looks_secret(key, value.text or ""):
            text = MASK
        near = nearest(key, shape.children)
        suggestion = f"did you mean {path}.{near}?" if near and path else f"did you mean {near}?" if near else ""
        if not suggestion and key in self._paths:
            suggestion = f"it exists as {' and '.join(self._paths[key][:2])}"
        self._problem(branch.keys[key], inner, "is not a setting", text, suggestion)

    def _problem(self, origin: Origin, key: str, message: str, value: str = "", suggestion: str = "") -> None:
        self._reading.problems.append(problem_at(origin, key, message, value, suggestion))


def shown_value(tree: Tree, setting: Setting) -> str:
    """A value as `config explain` shows it: secrets masked, lists and mappings in one line."""
    if isinstance(tree, Leaf):
        if setting.kind.secret:
            return shown(Leaf(tree.text, tree.origin), True)
        return shorten(tree.text or "")[1:-1]
    if isinstance(tree, Items):
        return f"[{', '.join(shown_value(item, setting) for item in tree.items)}]"
    return f"{{{', '.join(f'{key}: {shown_value(value, setting)}' for key, value in tree.entries.items())}}}"
