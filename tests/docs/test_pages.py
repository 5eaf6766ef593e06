"""The pages say what the program is: tables against the code, examples against the reader of the configuration, and
both languages against each other."""

import json
import re
from itertools import pairwise
from textwrap import dedent
from xml.etree import ElementTree

import pytest
import yaml
from click.testing import CliRunner

from smart_ai_router.app.budget_guard import ALERT_SPENT, ALERT_WARNING
from smart_ai_router.cli.openapi import openapi
from smart_ai_router.cli.serve import serve
from smart_ai_router.config.channels import build_channels
from smart_ai_router.config.price_book import parse_price_list
from smart_ai_router.config.table import SETTINGS
from smart_ai_router.core.usage_record import UsageRecord
from smart_ai_router.domain import settlement
from smart_ai_router.domain.alert_words import AlertKind
from smart_ai_router.domain.faults import FaultKind
from smart_ai_router.domain.health import RULES
from smart_ai_router.domain.meters import UsageSource
from smart_ai_router.domain.pricing_units import UNIT_WORDS
from smart_ai_router.domain.routing_scores import BUILT_IN_STRATEGIES, CRITERIA
from smart_ai_router.domain.settlement import Outcome
from tests.config.reading import load
from tests.config.test_settings_are_used import AWAITED
from tests.docs.pages import LANGUAGES, PAGES, TOPICS, Block, blocks, page_text, table_rows, without_comments
from tests.docs.samples import MORE
from tests.tidy.python_source import ROOT

KEY = "sk-of-the-documentation-0123456789"
PAIRS = list(zip(PAGES["en"], PAGES["zh"], strict=True))
HEADINGS = {
    "en": {"fields": "## Fields", "outcomes": "## How a call can end", "sources": "## Where the numbers come from",
           "payers": "## Who pays what", "order": "## Order", "health": "## Health", "units": "## Units",
           "kinds": "## Kinds", "notifiers": "## Notifiers", "starting": "## Starting", "later": "## Not in effect yet",
           "top": "# Statistics"},
    "zh": {"fields": "## 字段", "outcomes": "## 调用会怎样结束", "sources": "## 数字从哪里来",
           "payers": "## 谁付多少", "order": "## 顺序", "health": "## 健康状态", "units": "## 单位",
           "kinds": "## 种类", "notifiers": "## 通知方式", "starting": "## 启动", "later": "## 尚未生效",
           "top": "# 统计"},
}  # fmt: skip
ENGLISH = {
    "有": "sent", "无": "not sent", "准确": "exact", "估计": "estimate", "不付": "nothing", "不计": "nothing",
}  # fmt: skip
WIRED = {"monitoring.enable_metrics"}  # awaited no longer


def marks(cell: str) -> list[str]:
    """The words in code marks."""
    return re.findall(r"`([^`]+)`", cell)


def section(language: str, topic: str, name: str) -> list[list[str]]:
    return table_rows(f"docs/{language}/{topic}.md", HEADINGS[language][name])


def comparable(block: Block) -> Block:
    return without_comments(block._replace(text=re.sub(rf'"{MORE}": "[^"]*"', f'"{MORE}": ""', block.text)))


# --- the two languages ---


@pytest.mark.parametrize(("english", "chinese"), PAIRS)
def test_both_languages_show_the_same_blocks(english: str, chinese: str) -> None:
    mine, theirs = ([comparable(block) for block in blocks(page)] for page in (english, chinese))

    assert mine == theirs


@pytest.mark.parametrize(("english", "chinese"), PAIRS)
def test_both_languages_have_the_same_headings_tables_and_names(english: str, chinese: str) -> None:
    def shape(page: str) -> list[tuple[str, int]]:
        prose = re.sub(r"^```.*?^```$", "", page_text(page), flags=re.MULTILINE | re.DOTALL)
        lines = [line for line in prose.splitlines() if line.startswith(("#", "|"))]
        return [(line.partition(" ")[0] if line[0] == "#" else "|", line.count("|")) for line in lines]

    def names(page: str) -> set[str]:
        prose = re.sub(r"^```.*?^```$", "", page_text(page), flags=re.MULTILINE | re.DOTALL)
        return set(marks(prose.replace("docs/zh", "docs/en")))

    assert shape(english) == shape(chinese)
    if not english.endswith("configuration.md"):  # generated; its own test holds it to the settings
        assert names(english) == names(chinese)


def test_both_languages_have_the_same_pages() -> None:
    for language in LANGUAGES:
        assert {path.stem for path in (ROOT / "docs" / language).glob("*.md")} == set(TOPICS)


# --- examples ---


@pytest.mark.parametrize(
    ("page", "line"), [(page, block.line) for page in PAGES["en"] for block in blocks(page, "yaml")]
)
def test_every_yaml_example_is_accepted(page: str, line: int) -> None:
    (example,) = [block for block in blocks(page, "yaml") if block.line == line]
    text = dedent(example.text)
    if "provider" in yaml.safe_load(text):
        assert parse_price_list(text, page).versions
        return
    environ = dict.fromkeys(re.findall(r"\$\{(\w+)\}", text), KEY)

    loaded = load(text, environ)

    assert loaded.notices == ()
    built = build_channels(loaded.settings, environ, None)
    assert all(channel.enabled for channel in built.channels)
    assert built.notices == ()


def test_every_picture_is_a_picture() -> None:
    pictures = sorted((ROOT / "docs/images").glob("*.svg"))

    assert len(pictures) == len(LANGUAGES)
    for picture in pictures:
        assert ElementTree.parse(picture).getroot().tag == "{http://www.w3.org/2000/svg}svg"


# --- tables ---


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_of_records_explains_every_field_in_order_and_every_ending(language: str) -> None:
    fields = [name for row in section(language, "usage-records", "fields") for name in marks(row[0])]
    outcomes = [name for row in section(language, "usage-records", "outcomes") for name in marks(row[0])]
    origins = [name for row in section(language, "usage-records", "sources") for name in marks(row[0])]

    assert fields == list(UsageRecord.__struct_fields__)
    assert outcomes == [outcome.value for outcome in Outcome]
    assert origins == [*(source.value for source in UsageSource), "channel", "provider", "book", "unpriced", "none"]


def test_the_table_of_who_pays_is_the_one_of_the_code() -> None:
    (_, *told) = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in (settlement.__doc__ or "").splitlines()
        if line.startswith("|") and "---" not in line
    ]
    chinese = [[ENGLISH[cell] for cell in row[1:]] for row in section("zh", "usage-records", "payers")]

    assert section("en", "usage-records", "payers") == told
    assert chinese == [row[1:] for row in told]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_table_of_strategies_is_the_one_of_the_code(language: str) -> None:
    rows = section(language, "providers-and-channels", "order")

    told = {marks(row[0])[0]: [float(cell or 0) for cell in row[1:]] for row in rows}

    assert told == {name: [getattr(scores, each) for each in CRITERIA] for name, scores in BUILT_IN_STRATEGIES.items()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_table_of_health_names_every_fault_with_its_rest(language: str) -> None:
    seconds: dict[str, float | None] = {}
    for row in section(language, "providers-and-channels", "health"):
        told = re.findall(r"(\d+) (?:s|秒)", row[3])
        seconds |= {name: float(told[0]) if told else None for name in marks(row[0])}

    assert set(seconds) == {kind.value for kind in FaultKind}
    for kind, rule in RULES.items():
        if rule.rest_s is not None and kind is not FaultKind.API_KEY_INVALID:
            assert seconds[kind.value] == rule.rest_s, kind


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_table_of_units_names_every_unit_with_its_meter(language: str) -> None:
    told: dict[str, str] = {}
    for row in section(language, "prices", "units"):
        words = marks(row[0])
        told |= dict(zip(words, marks(row[1]) or words, strict=True))

    assert told == {word: unit.meter.value for word, unit in UNIT_WORDS.items()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_of_alerts_names_every_kind_and_every_notifier(language: str) -> None:
    (types,) = [setting.kind.values for setting in SETTINGS if setting.name == "monitoring.alerts.notifiers[].type"]  # type: ignore[attr-defined]

    kinds = [name for row in section(language, "alerts", "kinds") for name in marks(row[0])]
    notifiers = [name for row in section(language, "alerts", "notifiers")[: len(types)] for name in marks(row[0])]

    assert set(kinds) == {kind.value for kind in AlertKind} | {ALERT_WARNING, ALERT_SPENT}
    assert set(notifiers) == set(types)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_of_statistics_names_every_endpoint_with_its_parameters(language: str) -> None:
    described = json.loads(CliRunner().invoke(openapi).stdout)["paths"]
    filters = {"provider", "channel", "model", "user", "api_key", "tag", "usage_type", "region"}

    told = {}
    for row in table_rows(f"docs/{language}/statistics.md", HEADINGS[language]["top"]):
        if row[0].startswith(("`GET", "`POST")):
            told[marks(row[0])[0]] = set(marks(row[1]))

    expected = {}
    for path, methods in described.items():
        for method, operation in methods.items():
            if path.startswith("/v1/stats/"):
                parameters = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}
                expected[f"{method.upper()} {path}"] = parameters - filters if path.endswith("/query") else parameters
    assert told == expected


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_of_operations_names_every_option_of_a_start(language: str) -> None:
    told = [name for row in section(language, "operations", "starting") for name in marks(row[0]) if name[:2] == "--"]

    assert set(told) == {option for parameter in serve.params for option in parameter.opts}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_of_operations_names_every_setting_that_nothing_acts_on_yet(language: str) -> None:
    text = page_text(f"docs/{language}/operations.md").partition(HEADINGS[language]["later"])[2]

    assert set(marks(text)) == {name.partition("[]")[0] for name in AWAITED - WIRED}


def test_a_block_is_cut_out_whole() -> None:
    found = blocks("README.md")

    assert [block.language for block in found][:3] == ["bash", "bash", "bash"]
    assert all(first.line < second.line for first, second in pairwise(found))
    assert not any("```" in block.text for block in found)
