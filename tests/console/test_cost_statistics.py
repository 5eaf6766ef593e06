"""成本统计 in the browser: chart, totals and tables agree with the API, which adds up what was called."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.console.browsing import WORDS, ConsolePage
from tests.console.scene import ADMINISTRATOR, SOURCES, server_today

COLUMNS = ["统计日期", "提供商", "模型", "使用类型", "总使用量", "调用次数", "总成本"]
PREPARED_DAYS = 29  # of the thirty: today has only the calls made just now
RATE = Decimal("7.1")


@pytest.fixture
def costs(console: ConsolePage) -> ConsolePage:
    console.sign_in("/billing/costs")
    return console


def asked(console: ConsolePage, path: str, **parameters: str) -> Any:
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    answer = console.router.admin("GET", f"/api/admin/billing/cost/{path}?{query}")
    assert answer.status == 200
    return answer.json


def test_m2_16_the_first_question_is_about_the_last_30_days(console: ConsolePage) -> None:
    console.expected.add(401)
    console.open("/billing/costs")
    with console.page.expect_request("**/cost/daily?*") as sent:
        console.enter(0, *ADMINISTRATOR)

    first, last = server_today() - timedelta(days=29), server_today()
    assert f"startDate={first}&endDate={last}" in sent.value.url


def test_m2_15_m2_18_the_daily_table_has_the_guides_columns_and_the_apis_figures(costs: ConsolePage) -> None:
    daily = asked(costs, "daily")
    heads = costs.page.get_by_role("region", name="每日明细").locator("th").all_inner_texts()
    rows = costs.table("每日明细")

    assert heads == COLUMNS
    assert len(rows) == min(100, len(daily)) == len(daily[:100])
    assert [row[0] for row in rows] == [row["statDate"] for row in daily[:100]]
    prepared = next(row for row in rows if row[2] == "claude-3-haiku")
    assert prepared[1:] == ["Anthropic", "claude-3-haiku", "文本生成", "900 Token", "2", "¥7.100000"]


def test_m2_19_totals_are_what_the_records_add_up_to(costs: ConsolePage) -> None:
    prepared = sum(Decimal(cost) * 2 for *_, cost in SOURCES) * PREPARED_DAYS
    made = Decimal("0.000375") * 3
    total = (prepared + made) * RATE

    assert asked(costs, "summary")["totals"]["totalCost"] == total
    shown = costs.page.locator(".stat-card").first.locator(".figure").first
    assert shown.get_attribute("title") == f"{total.normalize()} CNY"
    expect(costs.page.locator(".stat-card").first).to_contain_text("上期")


def test_m2_17_costs_of_one_provider_and_model(costs: ConsolePage) -> None:
    costs.page.locator("input[name=providerId]").fill("openai")
    costs.page.locator("input[name=modelId]").fill("gpt-4o-mini")
    costs.page.get_by_role("button", name="查询").click()
    costs.settle()

    assert "providerId=openai" in costs.page.url
    assert {row[2] for row in costs.table("每日明细")} == {"gpt-4o-mini"}
    assert len(costs.table("成本构成")) == 1


@pytest.mark.parametrize(
    ("by", "word"), [("model", "模型"), ("user", "用户"), ("usageType", "使用类型"), ("tag", "标签")]
)
def test_m2_19_costs_are_grouped_by(costs: ConsolePage, by: str, word: str) -> None:
    costs.open(f"/billing/costs?by={by}")
    costs.settle()

    summary = asked(costs, "summary", groupBy=by)
    rows = costs.table("成本构成")
    assert costs.page.get_by_role("region", name="成本构成").locator("th").first.inner_text() == word
    assert len(rows) == len(summary["rows"])
    assert [row[1].replace(",", "") for row in rows] == [str(row["callCount"]) for row in summary["rows"]]


def test_the_chart_draws_what_the_server_added_up(costs: ConsolePage) -> None:
    chart = costs.page.get_by_role("img", name="每日成本的堆叠柱状图")
    expect(chart.locator("canvas")).to_be_visible()
    box = chart.bounding_box()
    assert box is not None

    costs.page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.5)

    tip = costs.page.locator(".chart-tip")
    expect(tip).to_contain_text("OpenAI")
    expect(tip).to_contain_text("¥17.7500")


def test_more_than_a_hundred_rows_are_shown_on_demand(console: ConsolePage) -> None:
    first, last = server_today() - timedelta(days=39), server_today()
    console.sign_in(f"/billing/costs?startDate={first}&endDate={last}")
    assert len(console.table("每日明细")) == 100

    console.page.get_by_role("button", name="显示更多").click()

    daily = asked(console, "daily", startDate=str(first), endDate=str(last))
    assert len(console.table("每日明细")) == len(daily) > 100
    expect(console.page.get_by_role("button", name="显示更多")).to_have_count(0)


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (390, False)])
def test_the_page_keeps_nobody_out(costs: ConsolePage, language: str, width: int, dark: bool) -> None:
    costs.page.set_viewport_size({"width": width, "height": 900})
    costs.speak(language)
    if dark:
        costs.page.get_by_role("button", name="Dark theme" if language == "en" else "深色主题").click()
    costs.settle()

    expect(costs.page.get_by_role("heading", level=1)).to_have_text(WORDS[language]["costs"])
    expect(costs.page.locator(".chart canvas")).to_be_visible()
    costs.shoot(f"costs-{language}-{width}{'-dark' if dark else ''}")
    assert costs.grave_barriers() == []
