"""The pages of pools and quotas name every field and every route of their interface, in both languages."""

import json
import re
from collections.abc import Iterator

import msgspec
import pytest
from click.testing import CliRunner

from smart_ai_router.api.billing.pools import PAGE_SIZE_MAX
from smart_ai_router.app.money import CHECK_S
from smart_ai_router.cli.openapi import openapi
from smart_ai_router.core.billing.pool_messages import PoolAlertFacts, PoolFacts, RechargeFacts
from smart_ai_router.core.billing.quota_messages import KeyBudgetFacts, UserQuotaFacts
from smart_ai_router.domain.accounts import MONEY, QUOTA_TYPES
from smart_ai_router.domain.pools import ALERT_LEVELS, DEFAULT_RULE, REASON_NO_MONEY, PoolLevel
from smart_ai_router.domain.quotas import Period
from tests.docs.pages import LANGUAGES, page_text, table_rows

HEADINGS = {
    "en": {"pool": "## A pool", "recharges": "## Recharges", "alerts": "## Alerts", "quota": "## A quota",
           "refusals": "## Refusals", "budgets": "## Budgets of keys"},
    "zh": {"pool": "## 资源池的字段", "recharges": "## 充值", "alerts": "## 告警", "quota": "## 配额的字段",
           "refusals": "## 拒绝", "budgets": "## 密钥的预算"},
}  # fmt: skip
PLACES = {
    "pools": ("/api/admin/billing/resource-pool", "/api/admin/billing/exchange-rates"),
    "quotas": ("/api/admin/billing/quota", "/api/admin/system/config/billing", "/api/billing/statistics"),
}


def page(language: str, topic: str) -> str:
    return f"docs/{language}/{topic}.md"


def marks(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def told(language: str, topic: str, heading: str) -> list[str]:
    return [name for row in table_rows(page(language, topic), HEADINGS[language][heading]) for name in marks(row[0])]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("topic", "heading", "shape"),
    [("pools", "pool", PoolFacts), ("pools", "recharges", RechargeFacts), ("pools", "alerts", PoolAlertFacts),
     ("quotas", "quota", UserQuotaFacts), ("quotas", "budgets", KeyBudgetFacts)],
)  # fmt: skip
def test_every_field_is_explained_once(language: str, topic: str, heading: str, shape: type[msgspec.Struct]) -> None:
    assert sorted(told(language, topic, heading)) == sorted(each.encode_name for each in msgspec.structs.fields(shape))


def routes(topic: str) -> Iterator[tuple[str, list[str]]]:
    """Method and path, and what the route takes in query and body."""
    document = json.loads(CliRunner().invoke(openapi).stdout)
    for path, methods in document["paths"].items():
        if not path.startswith(PLACES[topic]):
            continue
        for method, described in methods.items():
            names = [each["name"] for each in described.get("parameters", ()) if each["in"] == "query"]
            body = described.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            shape = document["components"]["schemas"].get(body.get("$ref", "").rpartition("/")[2], {})
            yield f"{method.upper()} {path}", [*names, *shape.get("properties", ())]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("topic", PLACES)
def test_every_route_and_each_of_its_parameters_is_named(language: str, topic: str) -> None:
    rows = {row[0].strip("`"): row[1] for row in _route_rows(language, topic)}

    assert {route: sorted(marks(cell)) for route, cell in rows.items()} == {
        route: sorted(names) for route, names in routes(topic)
    }


def _route_rows(language: str, topic: str) -> list[list[str]]:
    heading = page_text(page(language, topic)).splitlines()[0]
    return table_rows(page(language, topic), heading)


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_and_figures_are_those_of_the_program(language: str) -> None:
    pools, quotas = page_text(page(language, "pools")), page_text(page(language, "quotas"))

    for level in PoolLevel:
        assert f"`{level.value}`" in pools
    for kind, level in ALERT_LEVELS.items():
        assert re.search(f"`{kind.value}`[^`]*`{level}`", pools)
    assert f"`{REASON_NO_MONEY}`" in pools
    assert f"{DEFAULT_RULE.threshold_basis_points // 100} %" in pools
    assert f"{PAGE_SIZE_MAX}" in pools
    assert {"en": "every five\nminutes", "zh": "每五分钟"}[language] in pools
    assert CHECK_S == 5 * 60
    assert {f"`{name}`" in quotas for name in (*QUOTA_TYPES, MONEY, *Period)} == {True}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_body_of_a_refusal_is_explained(language: str) -> None:
    fields = ["code", "message", "quotaType", "unit", "needed", "available", "resetsOn", "howToGetMore", "error"]

    assert told(language, "quotas", "refusals") == fields  # the e2e test of M2.60 holds the body to them
