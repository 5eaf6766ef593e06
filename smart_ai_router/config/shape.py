"""The table of settings as the tree that a configuration must fit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from smart_ai_router.config.setting import Setting

FIELD_NAMES: Final[Mapping[str, str]] = {"from": "from_"}  # words that Python keeps for itself


@dataclass(frozen=True, slots=True)
class Shape:
    """One place of the tree: a setting, a section, a list or a mapping with keys of the writer's own choice."""

    path: str
    setting: Setting | None = None
    children: Mapping[str, "Shape"] = field(default_factory=dict)  # of a section
    item: "Shape | None" = None  # of a list
    entry: "Shape | None" = None  # of a mapping with free keys
    entry_field: str = ""  # the field that an entry's key becomes

    @property
    def shorthand(self) -> str:
        """The key that a plain value in place of this section stands for; "" when there is none."""
        for key, child in self.children.items():
            if child.setting is not None and child.setting.is_shorthand:
                return key
        return ""

    @property
    def is_idle(self) -> bool:
        """True when nothing below has an effect."""
        if self.setting is not None:
            return self.setting.idle is not None
        below = [*self.children.values(), *(each for each in (self.item, self.entry) if each is not None)]
        return all(each.is_idle for each in below)


def shape_of(settings: Iterable[Setting]) -> Shape:
    """The tree of all settings."""
    return _shape("", [(setting.segments, setting) for setting in settings])


def _shape(path: str, rows: list[tuple[tuple[str, ...], Setting]]) -> Shape:
    if len(rows) == 1 and not rows[0][0]:
        return Shape(path, setting=rows[0][1])
    groups: dict[str, list[tuple[tuple[str, ...], Setting]]] = {}
    for segments, setting in rows:
        if not segments:
            raise ValueError(f"{path} is both a setting and a section")
        groups.setdefault(segments[0], []).append((segments[1:], setting))
    first = next(iter(groups))
    if first == "[]" or first[0] == "{":
        if len(groups) > 1:
            raise ValueError(f"{path} mixes a list or free keys with named keys")
        inner = _shape(f"{path}[]" if first == "[]" else f"{path}.{first}", groups[first])
        return Shape(path, item=inner) if first == "[]" else Shape(path, entry=inner, entry_field=first[1:-1])
    return Shape(path, children={key: _shape(f"{path}.{key}" if path else key, group) for key, group in groups.items()})
