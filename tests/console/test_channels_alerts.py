"""渠道与告警 in the browser: tries and failures are the API's, alerts open and are cleared."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from smart_ai_router.testing.upstream import UpstreamServer
from tests.console.browsing import ConsolePage
from tests.console.scene import log_in, shop
from tests.e2e.router_harness import Router

TITLES = {"zh-CN": "渠道与告警", "en": "Channels and alerts"}
COLUMNS = ["渠道", "状态", "上游尝试", "失败", "失败率", "平均耗时", "成本", "最近错误"]


@pytest.fixture(scope="module")
def router(built: None, upstream: UpstreamServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    """A shop of its own: these tests make calls, and others count theirs."""
    with shop(upstream, tmp_path_factory.mktemp("channels")) as started:
        yield started


@pytest.fixture(scope="module")
def session(router: Router) -> str:
    return log_in(router)


@pytest.fixture
def channels(console: ConsolePage) -> ConsolePage:
    """With an open alert of the channel that fails."""
    for _ in range(4):
        console.router.chat("broken")
        if open_alerts(console):
            break
    console.sign_in("/channels")
    return console


def open_alerts(console: ConsolePage) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = console.router.stats("channel-status")["open_alerts"]
    return found


def test_tries_failures_and_times_are_those_of_the_api(channels: ConsolePage) -> None:
    heads = channels.page.get_by_role("region", name="渠道状况").locator("th").all_inner_texts()
    details = channels.router.stats("daily")["channel_details"]
    rows = {row[0].split("\n")[0]: row for row in channels.table("渠道状况")}

    assert heads == COLUMNS
    good, broken = rows["OpenAI Official"], rows[details["ch_500"]["channel_name"]]
    assert good[2:5] == [str(details["ch_openai_001"]["attempts"]), "0", "0.0%"]
    assert good[5].endswith("ms")
    assert good[6].startswith("US$0.00")
    assert broken[2:5] == [str(details["ch_500"]["attempts"]), str(details["ch_500"]["failed_attempts"]), "100.0%"]
    assert broken[1] in ("告警", "严重告警")


def test_a_period_stands_in_the_address_and_brings_its_figures(channels: ConsolePage) -> None:
    channels.page.get_by_text("本月", exact=True).click()
    channels.settle()

    assert "period=monthly" in channels.page.url
    details = channels.router.stats("monthly")["channel_details"]
    rows = {row[0].split("\n")[0]: row for row in channels.table("渠道状况")}
    assert rows["OpenAI Official"][2] == str(details["ch_openai_001"]["attempts"])


def test_an_open_alert_is_cleared_after_a_question(channels: ConsolePage) -> None:
    (alert,) = [each for each in open_alerts(channels) if each["channel_id"] == "ch_500"]
    row = channels.page.get_by_role("region", name="未解除的告警").locator("tr", has_text=alert["message"])
    expect(row).to_be_visible()

    row.get_by_role("button", name="清除告警").click()
    question = channels.page.get_by_role("dialog", name="清除告警")
    expect(question).to_contain_text("再次出现问题时会重新告警")
    question.get_by_role("button", name="清除告警").click()

    expect(channels.page.get_by_text("告警已清除")).to_be_visible()
    expect(row).to_have_count(0)
    assert [each for each in open_alerts(channels) if each["channel_id"] == "ch_500"] == []
    expect(channels.page.get_by_role("region", name="最近 7 天的告警")).to_contain_text("已清除")


def test_all_alerts_are_cleared_at_once(channels: ConsolePage) -> None:
    channels.page.get_by_role("button", name="清除全部告警").click()
    channels.page.get_by_role("dialog", name="清除告警").get_by_role("button", name="清除告警").click()

    expect(channels.page.get_by_text("没有未解除的告警")).to_be_visible()
    expect(channels.page.get_by_role("button", name="清除全部告警")).to_have_count(0)
    assert open_alerts(channels) == []


def test_notification_targets_show_what_arrived(channels: ConsolePage) -> None:
    (row,) = channels.table("通知目标")

    (target,) = channels.router.stats("channel-status")["notifiers"]
    assert row[:5] == ["console", str(target["delivered"]), "0", "0", "0"]
    assert target["delivered"] >= 1


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (390, False)])
def test_the_page_keeps_nobody_out(channels: ConsolePage, language: str, width: int, dark: bool) -> None:
    channels.page.set_viewport_size({"width": width, "height": 900})
    channels.speak(language)
    if dark:
        channels.page.get_by_role("button", name="Dark theme" if language == "en" else "深色主题").click()
    channels.settle()

    expect(channels.page.get_by_role("heading", level=1)).to_have_text(TITLES[language])
    channels.shoot(f"channels-{language}-{width}{'-dark' if dark else ''}")
    assert channels.page.evaluate("document.documentElement.scrollWidth") <= width
    assert channels.grave_barriers() == []
