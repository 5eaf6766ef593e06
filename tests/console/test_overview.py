"""概览 in the browser: spend, trend, rankings, pools and alerts are those that the API tells."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from smart_ai_router.testing.upstream import UpstreamServer
from tests.console.browsing import ConsolePage
from tests.console.scene import VIEWER, log_in, server_today, shop
from tests.e2e.router_harness import Router

TITLES = {"zh-CN": "概览", "en": "Overview"}
RANKINGS = {"model": "本月成本最高的模型", "channel": "本月成本最高的渠道", "user": "本月成本最高的用户"}


@pytest.fixture(scope="module")
def router(built: None, upstream: UpstreamServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    """A shop of its own: a test makes calls, and others count theirs."""
    with shop(upstream, tmp_path_factory.mktemp("overview")) as started:
        yield started


@pytest.fixture(scope="module")
def session(router: Router) -> str:
    return log_in(router)


@pytest.fixture
def overview(console: ConsolePage) -> ConsolePage:
    console.sign_in("/overview")
    return console


def costs(console: ConsolePage, **parameters: object) -> Any:
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    answer = console.router.admin("GET", f"/api/admin/billing/cost/summary?{query}")
    assert answer.status == 200
    return answer.json


def test_spend_of_today_week_and_month_is_the_apis(overview: ConsolePage) -> None:
    today = server_today()
    month = costs(overview, startDate=today.replace(day=1), endDate=today)
    cards = overview.page.locator(".stat-card")

    expect(cards).to_have_count(3)
    assert [card.locator("dt").inner_text() for card in cards.all()] == ["今日成本", "本周成本", "本月成本"]
    shown = cards.nth(2).locator(".figure").first
    assert shown.get_attribute("title") == f"{month['totals']['totalCost']:f} CNY"
    expect(cards.nth(0)).to_contain_text("昨日全天")
    expect(cards.nth(0)).to_contain_text("较本周日均")
    expect(cards.nth(1)).to_contain_text("上周同期")
    expect(cards.nth(2)).to_contain_text("上月同期")


def test_the_error_rate_is_the_share_of_failed_calls(overview: ConsolePage) -> None:
    today = server_today()
    totals = costs(overview, startDate=today.replace(day=1), endDate=today)["totals"]

    rate = f"{100 * totals['failedCount'] / totals['callCount']:.1f}%"
    expect(overview.page.locator(".stat-card").nth(2)).to_contain_text(f"失败率 {rate}")


@pytest.mark.parametrize("by", ["model", "channel", "user"])
def test_rankings_of_the_month_are_the_apis(overview: ConsolePage, by: str) -> None:
    today = server_today()
    summary = costs(overview, startDate=today.replace(day=1), endDate=today, groupBy=by, limit=5)

    rows = overview.table(RANKINGS[by])
    assert [row[1].replace(",", "") for row in rows] == [str(row["callCount"]) for row in summary["rows"]]
    assert [row[0] for row in rows] == ["（无）" if row["key"] == "(none)" else row["name"] for row in summary["rows"]]


def test_the_trend_is_drawn_by_provider_and_by_model(overview: ConsolePage) -> None:
    chart = overview.page.get_by_role("img", name="每日成本的堆叠柱状图")
    expect(chart.locator("canvas")).to_be_visible()

    with overview.page.expect_request("**/cost/summary?*groupBy=model*"):
        overview.page.get_by_text("按模型", exact=True).click()
    overview.settle()

    expect(chart.locator("canvas")).to_be_visible()


def test_pools_are_shown_with_what_is_left(console: ConsolePage) -> None:
    pool = "/api/admin/billing/resource-pool/providers/openai"
    assert console.administer("PUT", pool, {}).status == 200
    assert console.administer("POST", f"{pool}/recharge", {"amount": 100}).status == 200
    console.sign_in("/overview")

    (row,) = [row for row in console.table("资源池") if "OpenAI" in row[0]]
    facts = console.router.admin("GET", pool).json
    assert row[1] == "充足"
    assert row[2].startswith("¥100") or row[2].startswith("¥99")
    assert row[4] == "—" if facts["daysLeft"] is None else row[4] != "—"


def test_open_alerts_lead_to_their_page(console: ConsolePage) -> None:
    for _ in range(4):
        console.router.chat("broken")
        if console.router.stats("channel-status")["open_alerts"]:
            break
    console.sign_in("/overview")

    console.page.get_by_role("link", name="查看渠道与告警").click()

    expect(console.page.get_by_role("heading", level=1)).to_have_text("渠道与告警")


def test_a_viewer_sees_the_same_page_by_the_servers_days(console: ConsolePage) -> None:
    with console.page.expect_request("**/cost/summary?*") as sent:
        console.log_in(0, *VIEWER, path="/overview")
    console.settle()

    assert str(server_today()) in sent.value.url
    expect(console.page.locator(".stat-card")).to_have_count(3)
    expect(console.page.get_by_role("link", name="查看渠道与告警")).to_have_count(0)


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (390, False)])
def test_the_page_keeps_nobody_out(overview: ConsolePage, language: str, width: int, dark: bool) -> None:
    overview.page.set_viewport_size({"width": width, "height": 900})
    overview.speak(language)
    if dark:
        overview.page.get_by_role("button", name="Dark theme" if language == "en" else "深色主题").click()
    overview.settle()

    expect(overview.page.get_by_role("heading", level=1)).to_have_text(TITLES[language])
    expect(overview.page.locator(".chart canvas")).to_be_visible()
    overview.shoot(f"overview-{language}-{width}{'-dark' if dark else ''}")
    assert overview.page.evaluate("document.documentElement.scrollWidth") <= width
    assert overview.grave_barriers() == []
