"""A setting that nobody reads is worse than none: every one is read outside this room, or by it."""

import dataclasses
import re
from pathlib import Path

import pytest

from smart_ai_router.config.setting import Setting
from smart_ai_router.config.settings import Settings
from smart_ai_router.config.shape import FIELD_NAMES
from smart_ai_router.config.table import SETTINGS

PACKAGE = Path(__file__).parents[2] / "smart_ai_router"
NOT_READERS = {"settings.py", "upstream_settings.py", "meaning.py"}  # of config/: they declare and check
BY_NAME = (".prices.{model}.", ".timeouts.", "monitoring.alerts.")  # read through a table of names, tested there
# Carried for parts that are not built yet. A name leaves this list when its reader comes; none may be added.
AWAITED: set[str] = set()


def _is_reader(path: Path) -> bool:
    parts = path.relative_to(PACKAGE).parts
    return parts[0] != "config" or (path.name not in NOT_READERS and "table" not in parts)


@pytest.fixture(scope="module")
def sources() -> str:
    paths = sorted(path for path in PACKAGE.rglob("*.py") if _is_reader(path))
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


def _settings() -> list[Setting]:
    return [
        each
        for each in SETTINGS
        if each.idle is None and each.name not in AWAITED and not any(part in each.name for part in BY_NAME)
    ]


@pytest.mark.parametrize("setting", _settings(), ids=lambda setting: setting.name)
def test_every_setting_is_read_somewhere(setting: Setting, sources: str):
    field = FIELD_NAMES.get(setting.segments[-1], setting.segments[-1])
    if setting.name == "server.debug":
        field = "log_level"  # read through `Settings.log_level`

    assert re.search(rf"\.{field}\b", sources), f"nobody reads {setting.name}"


def test_nothing_is_awaited_that_does_not_exist():
    assert {setting.name for setting in SETTINGS} >= AWAITED


def test_settings_have_the_sections_of_the_table():
    sections = {setting.segments[0] for setting in SETTINGS if setting.idle is None}

    assert {each.name for each in dataclasses.fields(Settings)} == sections
