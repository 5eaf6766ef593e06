"""The page of the billing interface names every field and every route of it, in both languages."""

import json
import re

import msgspec
import pytest
from click.testing import CliRunner

from smart_ai_router.cli.openapi import openapi
from smart_ai_router.core.billing.cost_messages import CostRow
from smart_ai_router.core.billing.costs import GroupBy
from smart_ai_router.core.billing.record_export import EXPORT_MAX
from smart_ai_router.core.billing.record_messages import UsageRecordFacts
from smart_ai_router.core.billing.records import SIZE_BY_DEFAULT, SIZE_MAX
from smart_ai_router.domain.pricing_units import PRICING_TYPES, guide_unit
from tests.docs.pages import LANGUAGES, page_text, table_rows

HEADINGS = {
    "en": {"records": "## Records", "costs": "## Costs", "prices": "## Prices"},
    "zh": {"records": "## 使用记录", "costs": "## 成本", "prices": "## 资费"},
}
PAGES = ("usage", "cost", "providers", "models", "pricing")  # pools and quotas have pages of their own


def page(language: str) -> str:
    return f"docs/{language}/billing.md"


def marks(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("heading", "shape"), [("records", UsageRecordFacts), ("costs", CostRow)])
def test_every_field_of_a_row_is_explained_once(language: str, heading: str, shape: type[msgspec.Struct]) -> None:
    told = [name for row in table_rows(page(language), HEADINGS[language][heading]) for name in marks(row[0])]

    assert sorted(told) == sorted(field.encode_name for field in msgspec.structs.fields(shape))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_route_and_each_of_its_parameters_is_named(language: str) -> None:
    paths = json.loads(CliRunner().invoke(openapi).stdout)["paths"]
    text = page_text(page(language))
    for path, methods in paths.items():
        place = path.removeprefix("/api/admin/billing/")
        if place == path or place.partition("/")[0] not in PAGES:
            continue
        for method, described in methods.items():
            assert f"`{method.upper()} {path}`" in text, (method, path)
            names = [each["name"] for each in described.get("parameters", ()) if each["in"] == "query"]
            assert [name for name in names if f"`{name}" not in text and name != "provider"] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_units_dimensions_and_limits_are_those_of_the_program(language: str) -> None:
    text = page_text(page(language))
    rows = table_rows(page(language), HEADINGS[language]["prices"])

    assert [name for row in rows for name in marks(row[0])] == list(PRICING_TYPES)
    for types, units in rows:
        for name in marks(types):
            assert all(guide_unit(name, unit) for unit in marks(units))
    assert all(f"`{dimension.value}`" in text for dimension in GroupBy)
    assert all(f"{number}" in text.replace(",", "") for number in (SIZE_BY_DEFAULT, SIZE_MAX, EXPORT_MAX))
