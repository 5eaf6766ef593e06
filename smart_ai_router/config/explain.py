"""Where each value came from, and which of them changed."""

from dataclasses import dataclass
from typing import Final

from smart_ai_router.config.loading import Loaded
from smart_ai_router.config.setting import REQUIRED, Setting
from smart_ai_router.config.settings import Settings
from smart_ai_router.config.shape import FIELD_NAMES
from smart_ai_router.config.table import SETTINGS
from smart_ai_router.config.tree import DEFAULT_ORIGIN, Origin

_LISTED: Final = ("providers", "channels", "auth.keys", "monitoring.alerts.notifiers", "prices.exchange_rates")


@dataclass(frozen=True, slots=True)
class Explained:
    """One line of `config explain`."""

    name: str
    value: str  # masked
    origin: Origin
    note: str = ""  # why it has no effect here

    def __str__(self) -> str:
        note = f"  ({self.note})" if self.note else ""
        return f"{self.name} = {self.value}  [{self.origin}]{note}"


@dataclass(frozen=True, slots=True)
class Change:
    """A setting that differs between two configurations."""

    name: str
    restart: bool  # it takes effect at the next start only


def explain(loaded: Loaded) -> list[Explained]:
    """Every setting with its value and where it came from, in the order of the table.

    Inside lists and mappings only what was given is listed; keys without effect only when they were given.
    """
    lines = []
    given = list(loaded.rows.items())
    for setting in SETTINGS:
        paths = [path for path, row in given if row is setting]
        lines += [_given(loaded, path, setting) for path in paths]
        if not paths and not setting.repeated and setting.idle is None:
            lines.append(Explained(setting.name, value_text(setting.default), DEFAULT_ORIGIN))
    return lines


def changes(old: Settings, new: Settings) -> tuple[Change, ...]:
    """What differs: single settings by name, lists such as channels as a whole."""
    singles = (
        Change(setting.name, setting.restart)
        for setting in SETTINGS
        if not setting.repeated and setting.idle is None and _at(old, setting.name) != _at(new, setting.name)
    )
    listed = (
        Change(name, False) for name in (*_LISTED, "routing.sorting_strategies") if _at(old, name) != _at(new, name)
    )
    return (*singles, *listed)


def value_text(value: object) -> str:
    """A value as the reference and `config explain` show it."""
    if value is None or value is REQUIRED:
        return "" if value is None else "required"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(value_text(each) for each in value)}]"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def _given(loaded: Loaded, path: str, setting: Setting) -> Explained:
    note = f"has no effect here, because {setting.idle.en}" if setting.idle else ""
    return Explained(path, loaded.shown[path], loaded.origins[path], note)


def _at(settings: Settings, name: str) -> object:
    value: object = settings
    for step in name.split("."):
        value = getattr(value, FIELD_NAMES.get(step, step))
    return value
