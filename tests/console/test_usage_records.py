"""使用记录 in the browser, against the real control plane with calls made through the gateway."""

import csv
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.console.browsing import WORDS, ConsolePage
from tests.console.scene import DAYS_PREPARED, HOSTILE

PREPARED = 7 * DAYS_PREPARED
MADE = 6
COLUMNS = ["调用时间", "用户ID", "提供商", "模型", "使用类型", "输入/输出Token数", "费用金额", "状态"]


@pytest.fixture
def records(console: ConsolePage) -> ConsolePage:
    console.sign_in("/billing/usage")
    return console


def asked(console: ConsolePage, **parameters: str) -> Any:
    """The same question to the API."""
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    answer = console.router.admin("GET", f"/api/admin/billing/usage/records?{query}")
    assert answer.status == 200
    return answer.json


def test_m2_05_m2_10_every_call_is_listed_with_the_guides_columns(records: ConsolePage) -> None:
    heads = records.page.locator("thead th").all_inner_texts()

    assert heads[: len(COLUMNS)] == COLUMNS
    expect(records.page.locator(".pager")).to_contain_text(f"共 {PREPARED + MADE} 条")
    newest = records.table("使用记录")[:MADE]
    answered = [row for row in newest if "gpt-4o-mini" in row]
    assert len(answered) == 3
    assert answered[0][1:7] == ["alice", "OpenAI", "gpt-4o-mini", "文本生成", "150 / 300", "¥0.002662"]
    assert answered[0][7] == "成功"


def test_m2_06_to_m2_09_filters_narrow_the_list_and_stand_in_the_address(records: ConsolePage) -> None:
    for name, value in (("userId", "alice"), ("providerId", "openai"), ("modelId", "gpt-4o-mini")):
        records.page.locator(f"input[name={name}]").fill(value)
    records.page.keyboard.press("Enter")
    records.settle()

    expect(records.page).to_have_url(
        f"{records.router.address}/console/billing/usage?userId=alice&providerId=openai&modelId=gpt-4o-mini"
    )
    total = asked(records, userId="alice", providerId="openai", modelId="gpt-4o-mini")["totalElements"]
    assert total == DAYS_PREPARED + 3
    expect(records.page.locator(".pager")).to_contain_text(f"共 {total} 条")
    records.page.get_by_role("button", name="重置").click()
    expect(records.page.locator(".pager")).to_contain_text(f"共 {PREPARED + MADE} 条")


def test_m2_09_a_range_of_days_is_chosen_by_a_preset(records: ConsolePage) -> None:
    records.page.locator(".filter-range input").first.click()
    records.page.get_by_role("button", name="今天", exact=True).click()
    records.page.get_by_role("button", name="查询").click()
    records.settle()

    expect(records.page.locator(".pager")).to_contain_text(f"共 {MADE} 条")
    assert "startDate=" in records.page.url


def test_a_link_to_filters_shows_what_they_find(console: ConsolePage) -> None:
    console.sign_in("/billing/usage?userId=bob&status=failed")

    expect(console.page.locator("input[name=userId]")).to_have_value("bob")
    expect(console.page.locator(".pager")).to_contain_text(f"共 {DAYS_PREPARED} 条")


def test_pages_go_forth_and_back_without_a_gap(records: ConsolePage) -> None:
    first = records.table("使用记录")
    records.page.get_by_role("button", name="下一页").click()
    expect(records.page.locator(".pager")).to_contain_text("第 2 页")
    records.settle()
    second = records.table("使用记录")
    records.page.get_by_role("button", name="上一页").click()
    expect(records.page.locator(".pager")).to_contain_text("第 1 页")
    records.settle()

    assert len(first) == len(second) == 20
    ids = [row["id"] for row in asked(records, size="40")["records"]]
    assert len(set(ids)) == 40
    assert records.table("使用记录") == first
    assert first != second


def test_m2_14_a_row_opens_the_whole_record_and_its_lines_add_up(records: ConsolePage) -> None:
    records.page.get_by_role("region", name="使用记录").locator("tr", has_text="gpt-4o-mini").first.get_by_role(
        "button", name="详情"
    ).click()
    drawer = records.page.get_by_role("dialog")
    expect(drawer.get_by_text("账单行", exact=True).first).to_be_visible()

    request_id = drawer.locator("code").first.inner_text()
    (line,) = [record for record in records.router.records() if record["request_id"] == request_id]
    assert records.table("账单行") == [
        ["输入 Token", "150", line["lines"][0]["price_version"], "US$0.000075"],
        ["输出 Token", "300", line["lines"][1]["price_version"], "US$0.000300"],
    ]
    expect(drawer.locator(".lines-total")).to_have_text("合计 0.000375 USD")
    assert line["total_cost"] == Decimal("0.000375")
    expect(drawer).to_contain_text("1 USD = 7.1 CNY")
    assert "record=" in records.page.url
    assert records.grave_barriers() == []
    records.shoot("record-zh-CN")
    records.page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    assert "record=" not in records.page.url


def test_m2_13_a_failed_call_shows_why(console: ConsolePage) -> None:
    console.sign_in("/billing/usage?modelId=broken")
    (row,) = console.table("使用记录")
    assert "失败" in row[7]

    console.page.get_by_role("button", name="详情").click()

    expect(console.page.get_by_role("dialog").locator(".error-text")).not_to_be_empty()
    assert len(console.table("上游尝试")) >= 1


def test_names_that_want_to_be_markup_stay_text(records: ConsolePage) -> None:
    row = records.page.get_by_role("region", name="使用记录").locator("tr", has_text=HOSTILE)

    expect(row).to_have_count(1)
    row.get_by_role("button", name="详情").click()
    expect(records.page.get_by_role("dialog")).to_contain_text(HOSTILE)
    assert records.page.title() != "owned"
    expect(records.page.locator("img")).to_have_count(0)


def test_the_exact_amount_stands_behind_the_shown_one(records: ConsolePage) -> None:
    cost = records.page.get_by_role("region", name="使用记录").locator("tr", has_text="alice").first.locator(".figure")

    assert cost.last.get_attribute("title") in ("0.0026625 CNY", None)
    titles = [figure.get_attribute("title") for figure in cost.all()]
    assert "0.0026625 CNY" in titles


def test_what_is_filtered_is_what_is_exported(console: ConsolePage) -> None:
    console.sign_in("/billing/usage?userId=alice")
    with console.page.expect_download() as download:
        console.page.get_by_role("button", name="导出 CSV").click()
    path = console.screenshots / "records.csv"
    download.value.save_as(path)

    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    total = asked(console, userId="alice")["totalElements"]
    assert len(rows) == total
    assert {row["userId"] for row in rows} == {"alice"}
    expect(console.page.get_by_text(f"已导出 {total} 行")).to_be_visible()


def test_filters_that_find_nothing_say_what_to_do(console: ConsolePage) -> None:
    console.sign_in("/billing/usage?userId=nobody")

    expect(console.page.get_by_text("没有符合条件的调用")).to_be_visible()


def test_m2_69_a_page_is_refreshed_by_hand_and_says_when_its_data_is_from(records: ConsolePage) -> None:
    expect(records.page.locator(".page-time")).to_contain_text("数据时间 2")
    with records.page.expect_response("**/usage/records?*") as answered:
        records.page.get_by_role("button", name="刷新").click()

    assert answered.value.status == 200


def test_a_refused_question_says_what_to_do_and_can_be_asked_again(console: ConsolePage) -> None:
    console.expected.add(400)
    console.sign_in("/billing/usage?startDate=2026-13-99&endDate=2026-01-01")

    alert = console.page.get_by_role("alert")
    expect(alert).to_contain_text("请检查筛选条件后重试")
    expect(alert.get_by_role("button", name="重试")).to_be_visible()


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (390, False)])
def test_the_page_keeps_nobody_out(records: ConsolePage, language: str, width: int, dark: bool) -> None:
    records.page.set_viewport_size({"width": width, "height": 900})
    records.speak(language)
    if dark:
        records.page.get_by_role("button", name="Dark theme" if language == "en" else "深色主题").click()
    records.settle()

    expect(records.page.get_by_role("heading", level=1)).to_have_text(WORDS[language]["records"])
    records.shoot(f"records-{language}-{width}{'-dark' if dark else ''}")
    assert records.grave_barriers() == []
