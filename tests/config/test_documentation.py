"""The reference pages and the example are what the program is."""

import re
from pathlib import Path
from textwrap import dedent

import pytest

from smart_ai_router.config.channels import build_channels
from smart_ai_router.config.loading import load_settings
from smart_ai_router.config.price_book import read_price_book
from smart_ai_router.config.reference import LANGUAGES, with_reference, write_reference
from smart_ai_router.config.snapshot import build_snapshot
from smart_ai_router.config.table import SETTINGS
from smart_ai_router.core.snapshot import StoreState
from smart_ai_router.domain.pricing import PriceCatalog
from tests.config.reading import KEY, load

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "config/router_config.example.yaml"
NOW = 1_795_392_000.0  # 2026-11-23


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_reference_is_up_to_date(language: str):
    """To bring it up to date: python -m smart_ai_router.config.reference"""
    page = (ROOT / "docs" / language / "configuration.md").read_text(encoding="utf-8")

    assert with_reference(page, language) == page
    for setting in SETTINGS:
        assert f"`{setting.name}`" in page


def test_a_page_without_its_marks_is_not_silently_left_alone():
    with pytest.raises(ValueError, match="no part between"):
        with_reference("# Configuration", "en")


def test_writing_the_reference_changes_only_what_is_out_of_date(tmp_path: Path):
    for language in LANGUAGES:
        (tmp_path / language).mkdir()
        page = (ROOT / "docs" / language / "configuration.md").read_text(encoding="utf-8")
        (tmp_path / language / "configuration.md").write_text(
            page.replace("| `server.port` |", "| `server.prot` |"), encoding="utf-8"
        )

    assert len(write_reference(tmp_path)) == 2
    assert write_reference(tmp_path) == ()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_yaml_example_of_the_page_loads(language: str):
    page = (ROOT / "docs" / language / "configuration.md").read_text(encoding="utf-8")
    examples = re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL)
    environ = dict.fromkeys(("DEEPSEEK_API_KEY", "DASHSCOPE_API_KEY", "MY_KEY"), KEY)

    assert len(examples) == 3
    for example in examples:
        built = build_channels(load(dedent(example), environ).settings, environ, None)
        assert all(channel.enabled for channel in built.channels)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_setting_that_the_page_names_in_its_text_exists(language: str):
    page = (ROOT / "docs" / language / "configuration.md").read_text(encoding="utf-8")
    text = page.split("<!-- settings: begin")[0]
    sections = "|".join({setting.segments[0] for setting in SETTINGS})
    named = set(re.findall(rf"`((?:{sections})\.[a-z_.]+)", text))
    names = {setting.name for setting in SETTINGS}

    assert named
    assert {
        name for name in named if not any(each == name or each.startswith((f"{name}.", f"{name}[")) for each in names)
    } == set()


def test_the_example_loads_without_any_key_and_says_what_is_off():
    loaded = load_settings(EXAMPLE, {})
    built = build_channels(loaded.settings, {}, None)

    assert loaded.notices == ()
    assert [channel.id for channel in built.channels if channel.enabled] == ["ch_demo"]
    assert len(built.notices) == 4


def test_the_example_with_its_keys_is_a_working_router():
    names = ("OPENAI_API_KEY", "DEEPSEEK_API_KEY", "DASHSCOPE_API_KEY", "RESELLER_API_KEY")
    settings = load_settings(EXAMPLE, {name: f"{KEY}{name}" for name in names}).settings
    built = build_channels(settings, {}, None)

    snapshot = build_snapshot(settings, built, read_price_book(), StoreState(), version=1, now=NOW)

    assert built.notices == ()
    enabled = [channel for channel in snapshot.channels if channel.enabled]
    assert [channel.id for channel in enabled] == [
        "ch_openai_001",
        "ch_deepseek_001",
        "ch_dashscope_001",
        "ch_reseller_001",
    ]
    assert enabled[0].name == "OpenAI Official"
    catalog = PriceCatalog(snapshot.prices)
    for channel in enabled:
        for model in channel.models:
            place = (channel.id, channel.provider_id, channel.region, model.upstream_name, model.name)
            assert catalog.sheet(*place, NOW) is not None, place


def test_the_example_speaks_both_languages_and_shows_every_section():
    text = EXAMPLE.read_text(encoding="utf-8")
    sections = {setting.segments[0] for setting in SETTINGS if not setting.idle} - {"statistics"}

    assert {section for section in sections if f"\n{section}:" not in text} == set()
    headings = [line for line in text.splitlines() if line.startswith("# ──")]
    assert all(" / " in heading for heading in headings)
