"""审计日志 in the browser: who did what, before and after, page by page, and as a file."""

import csv
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.console.browsing import ConsolePage

TITLES = {"zh-CN": "审计日志", "en": "Audit log"}
COLUMNS = ["时间", "操作者", "操作", "对象", "来源"]


@pytest.fixture
def audit(console: ConsolePage) -> ConsolePage:
    console.sign_in("/audit")
    return console


def entries(console: ConsolePage, query: str = "limit=1000") -> list[dict[str, Any]]:
    answer = console.router.admin("GET", f"/api/admin/audit?{query}")
    assert answer.status == 200
    found: list[dict[str, Any]] = answer.json["entries"]
    return found


def test_what_was_done_is_listed_newest_first(audit: ConsolePage) -> None:
    assert audit.page.locator("thead th").all_inner_texts()[: len(COLUMNS)] == COLUMNS
    rows = audit.table("审计日志")
    assert [row[3] for row in rows] == [entry["subject"] for entry in entries(audit, "limit=50")]


def test_filters_narrow_the_list_and_stand_in_the_address(audit: ConsolePage) -> None:
    audit.page.locator("input[name=subject]").fill("user:alice")
    audit.page.keyboard.press("Enter")
    audit.settle()

    assert "subject=user:alice" in audit.page.url
    assert [row[2] for row in audit.table("审计日志")] == ["新建用户"]
    audit.page.get_by_role("button", name="重置").click()
    audit.settle()
    assert len(audit.table("审计日志")) > 1


def test_an_action_is_chosen_from_the_list(audit: ConsolePage) -> None:
    audit.page.get_by_role("combobox", name="操作").click()
    audit.page.get_by_role("option", name="登录", exact=True).click()
    audit.page.get_by_role("button", name="查询").click()
    audit.settle()

    assert "action=logged_in" in audit.page.url
    assert {row[2] for row in audit.table("审计日志")} == {"登录"}


def test_days_are_the_servers_days(audit: ConsolePage) -> None:
    audit.page.locator(".filter-range input").first.click()
    audit.page.get_by_role("button", name="今天", exact=True).click()
    with audit.page.expect_request("**/api/admin/audit?*") as sent:
        audit.page.get_by_role("button", name="查询").click()
    audit.settle()

    assert "T16%3A00%3A00.000Z" in sent.value.url  # midnight in Shanghai
    assert len(audit.table("审计日志")) == len(entries(audit, "limit=50"))


def test_pages_go_forth_and_back_without_a_gap(console: ConsolePage) -> None:
    for number in range(60):
        edited = console.administer("PATCH", "/api/admin/users/alice", {"name": f"Alice {number}"})
        assert edited.status == 200
    assert console.administer("PATCH", "/api/admin/users/alice", {"name": "Alice"}).status == 200
    console.sign_in("/audit?action=user_changed&subject=user:alice")
    first = console.table("审计日志")
    console.page.get_by_role("button", name="下一页").click()
    expect(console.page.locator(".pager")).to_contain_text("第 2 页")
    console.settle()
    second = console.table("审计日志")

    assert (len(first), len(second)) == (50, 11)
    console.page.get_by_role("button", name="上一页").click()
    expect(console.page.locator(".pager")).to_contain_text("第 1 页")
    console.settle()
    assert console.table("审计日志") == first


def test_an_entry_shows_what_stood_before_and_after(console: ConsolePage) -> None:
    assert console.administer("POST", "/api/admin/users", {"id": "frank", "name": "Frank"}).status == 201
    assert console.administer("PATCH", "/api/admin/users/frank", {"name": "<b>Franka</b>"}).status == 200
    console.sign_in("/audit?subject=user:frank")

    console.page.get_by_role("button", name="详情").first.click()

    drawer = console.page.get_by_role("dialog", name="操作详情")
    expect(drawer).to_contain_text("修改用户")
    assert console.table("修改前后")[0] == ["name", "Frank", "<b>Franka</b>"]
    assert "entry=" in console.page.url
    assert console.grave_barriers() == []
    console.shoot("audit-entry")
    console.page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()


def test_what_is_filtered_is_what_is_exported(console: ConsolePage) -> None:
    console.sign_in("/audit?action=user_created")
    with console.page.expect_download() as download:
        console.page.get_by_role("button", name="导出 CSV").click()
    path = console.screenshots / "audit.csv"
    download.value.save_as(path)

    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(entries(console, "action=user_created&limit=1000"))
    assert {row["action"] for row in rows} == {"user_created"}


def test_filters_that_find_nothing_say_what_to_do(console: ConsolePage) -> None:
    console.sign_in("/audit?actor=administrator:nobody")

    expect(console.page.get_by_text("没有符合条件的操作")).to_be_visible()


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (390, False)])
def test_the_page_keeps_nobody_out(audit: ConsolePage, language: str, width: int, dark: bool) -> None:
    audit.page.set_viewport_size({"width": width, "height": 900})
    audit.speak(language)
    if dark:
        audit.page.get_by_role("button", name="Dark theme" if language == "en" else "深色主题").click()
    audit.settle()

    expect(audit.page.get_by_role("heading", level=1)).to_have_text(TITLES[language])
    audit.shoot(f"audit-{language}-{width}{'-dark' if dark else ''}")
    assert audit.page.evaluate("document.documentElement.scrollWidth") <= width
    assert audit.grave_barriers() == []
