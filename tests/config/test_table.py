"""The table of settings: one row feeds validation, explanation, environment and reference."""

import dataclasses
from collections import Counter

import pytest

from smart_ai_router.config.defaults import SHAPE, default_settings
from smart_ai_router.config.explain import value_text
from smart_ai_router.config.kinds import Integer, ListOf, MapOf, Text
from smart_ai_router.config.setting import REQUIRED, Setting
from smart_ai_router.config.shape import FIELD_NAMES, Shape, shape_of
from smart_ai_router.config.table import SETTINGS
from smart_ai_router.config.tree import DEFAULT_ORIGIN, Leaf
from tests.config.reading import KEY, load

EVERYTHING = f"""
auth:
  keys: [{{name: a, key: {KEY}}}]
providers:
  openai: {{prices: {{"*": {{input: 1}}}}}}
channels:
  - provider: openai
    models: [m]
    prices: {{m: {{input: 1}}}}
routing:
  sorting_strategies: {{mine: [{{field: cost_score}}]}}
monitoring: {{alerts: {{notifiers: [{{type: console}}]}}}}
prices: {{exchange_rates: [{{from: USD, to: CNY, rate: 7, date: 2026-01-01}}]}}
"""


def test_every_setting_stands_once():
    counts = Counter(setting.name for setting in SETTINGS)

    assert [name for name, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_says_what_it_does_in_both_languages(setting: Setting):
    assert setting.zh
    assert setting.zh[-1] in "。"
    assert setting.en
    assert setting.en[-1] == "."
    assert any("\u4e00" <= character <= "\u9fff" for character in setting.zh)
    assert not any("\u4e00" <= character <= "\u9fff" for character in setting.en)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_default_is_a_value_that_the_setting_takes(setting: Setting):
    if setting.default is REQUIRED or setting.default is None or setting.default in ("", ()):
        return

    assert setting.kind.read(Leaf(value_text(setting.default), DEFAULT_ORIGIN)) == setting.default


def test_the_settings_classes_have_exactly_the_fields_of_the_table():
    assert sorted(_fields_of_table(SHAPE, "")) == sorted(set(_fields_of_value(load(EVERYTHING).settings, "")))


def test_a_setting_without_effect_reaches_nobody():
    assert not hasattr(default_settings(), "caching")
    assert not hasattr(default_settings(), "tasks")
    assert not hasattr(default_settings().routing, "health_check_interval")


def test_a_table_that_contradicts_itself_is_refused():
    def row(name: str) -> Setting:
        return Setting(name, Integer(0, 1), 0, "零。", "Zero.")

    with pytest.raises(ValueError, match="both a setting and a section"):
        shape_of([row("a.b"), row("a.b.c")])
    with pytest.raises(ValueError, match="mixes"):
        shape_of([row("a[].b"), row("a.c")])


def test_settings_are_frozen():
    settings = default_settings()

    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.server.port = 1  # type: ignore[misc]


def test_composite_kinds_name_what_they_hold():
    assert ListOf(Text()).words == "list of text"
    assert MapOf(Integer(0, 1)).words == "map of integer"


def _fields_of_table(shape: Shape, path: str) -> list[str]:
    if shape.is_idle:
        return []
    if shape.setting is not None:
        return [path]
    if shape.item is not None:
        return _fields_of_table(shape.item, path)
    if shape.entry is not None:
        inner = f"{path}.items" if shape.entry.item is not None else path
        return [f"{path}.{shape.entry_field}", *_fields_of_table(shape.entry, inner)]
    return [
        name
        for key, child in shape.children.items()
        for name in _fields_of_table(child, f"{path}.{FIELD_NAMES.get(key, key)}")
    ]


def _fields_of_value(value: object, path: str) -> list[str]:
    if dataclasses.is_dataclass(value):
        return [
            name
            for each in dataclasses.fields(value)
            for name in _fields_of_value(getattr(value, each.name), f"{path}.{each.name}")
        ]
    if isinstance(value, tuple) and value and dataclasses.is_dataclass(value[0]):
        return _fields_of_value(value[0], path)
    return [path]
