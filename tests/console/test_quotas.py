"""用户配额 in the browser: what users have and use, against the real control plane with calls made by the gateway."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from smart_ai_router.testing.upstream import UpstreamServer
from tests.console.browsing import ConsolePage
from tests.console.money_scene import QUOTA, TOKENS_A_CALL, USERS, Deed, administer, call, money_shop, quota
from tests.console.scene import ADMINISTRATOR, VIEWER, log_in
from tests.e2e.router_harness import Router

COLUMNS = ["类型", "可用", "永久配额", "永久已用"]
KINDS = ["文本", "图片", "音频", "视频", "金额"]


@pytest.fixture(scope="module")
def router(built: None, upstream: UpstreamServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    with money_shop(upstream, tmp_path_factory.mktemp("quotas")) as started:
        yield started


@pytest.fixture(scope="module")
def session(router: Router) -> str:
    return log_in(router)


@pytest.fixture
def quotas(console: ConsolePage) -> ConsolePage:
    console.sign_in("/billing/quotas")
    return console


def show(console: ConsolePage, user: str) -> ConsolePage:
    console.open(f"/billing/quotas?user={user}")
    console.settle()
    return console


def rows(console: ConsolePage) -> dict[str, list[str]]:
    """The quota table, by kind."""
    return {row[0]: row[1:] for row in console.table("配额")}


def open_deed(console: ConsolePage, deed: str, user: str) -> Deed:
    console.page.get_by_role("button", name=deed, exact=True).click()
    return Deed(console, f"{deed} · {user}")


def posted(console: ConsolePage, word: str) -> list[tuple[str | None, Any]]:
    """Key and body of everything that goes out from now on to a path with this word."""
    sent: list[tuple[str | None, Any]] = []

    def hear(request: Any) -> None:
        if request.method != "GET" and request.url.endswith(word):
            sent.append((request.headers.get("idempotency-key"), json.loads(request.post_data or "null")))

    console.page.on("request", hear)
    return sent


def test_m2_30_a_user_is_found_by_id_by_name_and_by_a_part(quotas: ConsolePage) -> None:
    field = quotas.page.locator("input[name=user]")
    assert len(quotas.table("用户列表")) == len(USERS)
    field.fill("ali")
    quotas.page.keyboard.press("Enter")
    expect(quotas.page.get_by_role("region", name="用户列表").locator("tbody tr")).to_have_count(2)
    quotas.page.get_by_role("region", name="用户列表").get_by_role("button", name="详情").first.click()
    expect(quotas.page).to_have_url(f"{quotas.router.address}/console/billing/quotas?user=alice")
    expect(quotas.page.get_by_role("heading", name="alice 的配额")).to_be_visible()

    field.fill("alina li")
    quotas.page.keyboard.press("Enter")

    expect(quotas.page.get_by_role("heading", name="alina 的配额")).to_be_visible()
    field.fill("nobody at all")
    quotas.page.keyboard.press("Enter")
    expect(quotas.page.get_by_text("没有符合的用户")).to_be_visible()


def test_m2_30_m2_32_the_table_shows_what_the_api_says_and_use_grows_with_calls(quotas: ConsolePage) -> None:
    for kind, amount in (
        ("text_token", "1000000"),
        ("image", "20"),
        ("audio", "1.5"),
        ("video", "30"),
        ("money", "99.5"),
    ):
        body = f'{{"quotaType": "{kind}", "amount": {amount}}}'.encode()
        administer(quotas.router, "POST", f"{QUOTA}/alice/grant", body)
    monthly = {"quotaType": "money", "amount": 5}
    administer(quotas.router, "PUT", f"{QUOTA}/alice/monthly", monthly)
    before = rows(show(quotas, "alice"))
    heads = quotas.page.get_by_role("region", name="配额", exact=True).last.locator("th").all_inner_texts()
    assert heads[:4] == COLUMNS
    assert list(before) == KINDS
    assert before["文本"][:5] == ["1,000,000 Token", "1,000,000 Token", "0 Token", "0 Token", "0 Token"]
    assert before["图片"][:3] == ["20 张", "20 张", "0 张"]
    assert before["音频"][:2] == ["1.5 分钟", "1.5 分钟"]
    assert before["视频"][:2] == ["30 秒", "30 秒"]
    assert before["金额"][:5] == ["¥104.5000", "¥99.5000", "¥0.000000", "¥5.0000", "¥0.000000"]

    assert call(quotas.router, "alice", "dear").status == 200
    quotas.page.get_by_role("button", name="刷新").click()
    quotas.settle()

    after = rows(quotas)
    assert after["文本"][:3] == [f"{1_000_000 - TOKENS_A_CALL:,} Token", "1,000,000 Token", f"{TOKENS_A_CALL} Token"]
    assert after["金额"][:5] == ["¥104.0000", "¥99.5000", "¥0.000000", "¥5.0000", "¥0.500000"]
    facts = quota(quotas.router, "alice")
    assert (facts["textTokenUsed"], facts["moneyMonthlyUsed"]) == (TOKENS_A_CALL, Decimal("0.5"))


def test_m2_31_a_grant_grows_the_quota_by_its_amount_and_stands_in_the_history(quotas: ConsolePage) -> None:
    sent = posted(quotas, "/grant")
    deed = open_deed(show(quotas, "bob"), "分配配额", "bob").choose("类型", "金额").fill(amount="12.3456789")
    deed.submit()
    expect(quotas.page.locator(".el-message-box")).to_contain_text("确认给 bob 分配 ¥12.3457（金额）")
    deed.confirm(clicks=2)
    expect(deed.dialog).to_be_hidden()

    assert quota(quotas.router, "bob")["moneyTotal"] == Decimal("12.3456789")
    assert len(sent) == 1
    assert (sent[0][0] or "").startswith("console-")
    expect(quotas.page.get_by_role("region", name="配额", exact=True).last).to_contain_text("¥12.3457")
    quotas.page.get_by_role("region", name="变动记录").first.get_by_role("combobox", name="类型").click(force=True)
    quotas.page.get_by_role("option", name="金额", exact=True).click()
    quotas.settle()
    ((_, change, amount, who, why, request),) = quotas.table("变动记录")
    assert (change, amount, why, request) == ("分配", "¥12.3457", "管理员手动分配", "—")
    assert ADMINISTRATOR[0] in who
    assert "quotaType=money" in quotas.page.url


def test_a_grant_whose_answer_was_lost_is_tried_again_and_booked_once(quotas: ConsolePage) -> None:
    lost: list[int] = []

    def lose_once(route: Route) -> None:
        if lost:
            route.continue_()
            return
        lost.append(route.fetch().status)
        route.abort()

    sent = posted(quotas, "/grant")
    quotas.page.route("**/grant", lose_once)
    deed = open_deed(show(quotas, "finn"), "分配配额", "finn").fill(amount="500")
    for _ in range(2):
        deed.submit()
        deed.confirm()
    expect(deed.dialog).to_be_hidden()

    assert lost == [200]
    assert sent[0] == sent[1]
    assert quota(quotas.router, "finn")["textTokenTotal"] == 500


def test_m2_78_a_correction_and_a_monthly_quota_are_booked_and_told_apart(quotas: ConsolePage) -> None:
    administer(quotas.router, "POST", f"{QUOTA}/dora/grant", {"quotaType": "image", "amount": 100})
    deed = open_deed(show(quotas, "dora"), "更正配额", "dora").choose("类型", "图片").fill(amount="-30")
    expect(deed.dialog.locator("button[type=submit]")).to_be_disabled()
    deed.fill(remark="分配错误").submit()
    deed.confirm()
    expect(deed.dialog).to_be_hidden()
    deed = open_deed(quotas, "每月配额", "dora").choose("类型", "图片").fill(amount="8")
    deed.submit()
    deed.confirm()
    expect(deed.dialog).to_be_hidden()
    deed = open_deed(quotas, "更正配额", "dora").choose("类型", "图片").fill(amount="-1", remark="本月")
    deed.dialog.get_by_text("月配额").click()
    deed.submit()
    deed.confirm()
    expect(deed.dialog).to_be_hidden()
    quotas.settle()

    facts = quota(quotas.router, "dora")
    assert (facts["imageQuotaTotal"], facts["imageQuotaMonthly"], facts["imageAvailable"]) == (70, 7, 77)
    assert rows(quotas)["图片"][:4] == ["77 张", "70 张", "0 张", "7 张"]
    quotas.open(f"/billing/quotas?user=dora&quotaType=image&month={facts['month']}")
    quotas.settle()
    assert [row[1:3] for row in quotas.table("变动记录")] == [["更正", "-1 张"], ["分配", "8 张"]]


def test_use_in_the_history_leads_to_its_call(quotas: ConsolePage) -> None:
    administer(quotas.router, "POST", f"{QUOTA}/erin/grant", {"quotaType": "money", "amount": 3})
    request_id = call(quotas.router, "erin", "dear").request_id
    quotas.open("/billing/quotas?user=erin&quotaType=money")
    quotas.settle()
    assert [row[1:3] for row in quotas.table("变动记录")] == [["使用", "-¥0.500000"], ["分配", "¥3.0000"]]

    quotas.page.get_by_role("link", name=request_id).click()

    expect(quotas.page.get_by_role("dialog").locator("code").first).to_have_text(request_id)


def test_quota_history_goes_on_page_by_page(quotas: ConsolePage) -> None:
    for number in range(1, 24):
        administer(quotas.router, "POST", f"{QUOTA}/alina/grant", {"quotaType": "video", "amount": number})
    quotas.open("/billing/quotas?user=alina&quotaType=video")
    quotas.settle()
    first = quotas.table("变动记录")
    quotas.page.get_by_role("button", name="下一页").click()
    expect(quotas.page.locator(".pager")).to_contain_text("第 2 页")
    quotas.settle()

    assert [row[2] for row in first + quotas.table("变动记录")] == [f"{number} 秒" for number in range(23, 0, -1)]


def test_m2_59_m2_60_with_the_switch_off_nobody_is_refused_and_with_it_on_again(quotas: ConsolePage) -> None:
    administer(quotas.router, "POST", "/api/admin/users", {"id": "gus", "name": "Gus"})
    administer(quotas.router, "POST", f"{QUOTA}/gus/grant", {"quotaType": "money", "amount": 0.25})
    assert call(quotas.router, "gus", "dear").status == 402
    switch = quotas.page.get_by_role("switch", name="配额拦截")
    expect(switch).to_be_checked()

    quotas.page.locator(".el-switch").click()
    expect(quotas.page.locator(".el-message-box")).to_contain_text("余额可能为负")
    Deed(quotas, "").confirm()
    expect(switch).not_to_be_checked()
    expect(quotas.page.get_by_text("已停用：只记录用量，不拒绝调用").first).to_be_visible()
    assert call(quotas.router, "gus", "dear").status == 200
    assert rows(show(quotas, "gus"))["金额"][0] == "-¥0.250000"

    quotas.page.locator(".el-switch").click()
    Deed(quotas, "").confirm()
    expect(switch).to_be_checked()
    assert call(quotas.router, "gus", "dear").status == 402


def test_leaving_the_question_about_the_switch_changes_nothing(quotas: ConsolePage) -> None:
    sent = posted(quotas, "/quota-enforcement")
    quotas.page.locator(".el-switch").click()
    quotas.page.locator(".el-message-box").get_by_role("button", name="取消").click()

    expect(quotas.page.get_by_role("switch", name="配额拦截")).to_be_checked()
    assert sent == []


def test_everybody_is_granted_after_a_preview_and_once(quotas: ConsolePage) -> None:
    sent = posted(quotas, "/batch-grant")
    before = {user: quota(quotas.router, user)["textTokenTotal"] for user in USERS}
    quotas.page.get_by_role("button", name="批量分配").click()
    drawer = quotas.page.get_by_role("dialog", name="批量分配")
    drawer.get_by_role("combobox", name="按哪个提供商计算").click(force=True)
    quotas.page.get_by_role("option", name="预览云").click()
    drawer.locator("input[name=tokens]").fill("1000")
    drawer.locator("input[name=images]").fill("0")
    grant = drawer.get_by_role("button", name="分配给所有用户")
    expect(grant).to_be_disabled()
    drawer.get_by_role("button", name="预览", exact=True).click()
    expect(drawer.get_by_role("region", name="预览")).to_be_visible()
    told = quotas.router.admin(
        "GET", "/api/admin/billing/quota/calculate?provider=dear&textTokenPerUser=1000&imageCountPerUser=0"
    ).json
    figures = [
        each.get_attribute("title") for each in drawer.get_by_role("region", name="预览").locator(".figure").all()
    ]
    names = ("availableBalance", "textCostPerUser", "imageCostPerUser", "totalCostPerUser")
    assert figures[:4] == [f"{told[name]} CNY" for name in names]
    assert figures[-2:] == [f"{told[name]} CNY" for name in ("totalCostForAllUsers", "remainingBalance")]
    quotas.shoot("quotas-batch-zh-CN")
    assert quotas.grave_barriers() == []

    grant.click()
    Deed(quotas, "").confirm(clicks=2)
    users = told["totalUsers"]
    expect(drawer).to_contain_text(f"已给 {users} 个用户分配；共 {users} 个用户，0 个停用的没有分配")

    assert len(sent) == 1
    assert {user: quota(quotas.router, user)["textTokenTotal"] - before[user] for user in USERS} == dict.fromkeys(
        USERS, 1000
    )
    drawer.locator("input[name=tokens]").fill("1001")
    expect(grant).to_be_disabled()


def test_a_preview_that_the_server_refuses_says_why(quotas: ConsolePage) -> None:
    quotas.expected.add(409)
    quotas.page.get_by_role("button", name="批量分配").click()
    drawer = quotas.page.get_by_role("dialog", name="批量分配")
    drawer.get_by_role("button", name="预览", exact=True).click()

    expect(drawer.get_by_role("alert")).to_contain_text("no model with a known price for image")


def test_a_user_sees_the_own_quota_and_no_other(console: ConsolePage) -> None:
    administer(console.router, "POST", "/api/admin/users", {"id": "hana", "name": "Hana"})
    administer(console.router, "POST", f"{QUOTA}/hana/grant", {"quotaType": "text_token", "amount": 77})
    key = administer(console.router, "POST", "/api/admin/users/hana/keys", {"name": "own"}).json["key"]
    console.log_in(1, key, path="/billing/quotas?user=alice")
    console.settle()

    expect(console.page.get_by_role("heading", name="hana 的配额")).to_be_visible()
    assert rows(console)["文本"][0] == "77 Token"
    for name in ("分配配额", "批量分配", "更正配额", "查询"):
        expect(console.page.get_by_role("button", name=name)).to_have_count(0)


def test_m2_04_a_viewer_sees_quotas_and_can_change_nothing(console: ConsolePage) -> None:
    console.log_in(0, *VIEWER, path="/billing/quotas?user=alice")
    console.settle()

    assert list(rows(console)) == KINDS
    expect(console.page.get_by_role("switch", name="配额拦截")).to_be_disabled()
    for name in ("分配配额", "批量分配", "更正配额", "每月配额"):
        expect(console.page.get_by_role("button", name=name)).to_have_count(0)


def test_a_user_without_any_quota_is_told_not_to_be_limited(quotas: ConsolePage) -> None:
    administer(quotas.router, "POST", "/api/admin/users", {"id": "ivy", "name": "<b>Ivy</b>"})
    show(quotas, "ivy")

    expect(quotas.page.get_by_text("此用户的调用不受限制")).to_be_visible()
    expect(quotas.page.get_by_text("这部分配额还没有变动")).to_be_visible()


def test_somebody_who_is_not_there_is_not_found(quotas: ConsolePage) -> None:
    quotas.expected.add(404)
    quotas.open("/billing/quotas?user=zoe")

    expect(quotas.page.get_by_role("alert")).to_contain_text("zoe")


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (390, False), (390, True)])
def test_the_page_keeps_nobody_out(quotas: ConsolePage, language: str, width: int, dark: bool) -> None:
    quotas.page.set_viewport_size({"width": width, "height": 900})
    quotas.speak(language)
    if dark:
        quotas.page.get_by_role("button", name="Dark theme" if language == "en" else "深色主题").click()
    quotas.settle()
    name = f"quotas-{language}-{width}{'-dark' if dark else ''}"
    expect(quotas.page.get_by_role("heading", level=1)).to_have_text(
        "用户配额" if language == "zh-CN" else "User quotas"
    )
    quotas.shoot(f"{name}-search")
    assert quotas.grave_barriers() == []
    show(quotas, "alice")
    assert quotas.page.evaluate("document.documentElement.scrollWidth") <= width
    quotas.shoot(name)
    assert quotas.grave_barriers() == []
    quotas.page.locator(".quota-deeds button").nth(1).click()
    quotas.page.get_by_role("dialog").locator("input[name=amount]").fill("-100")
    quotas.shoot(f"{name}-correct")
    assert quotas.grave_barriers() == []
