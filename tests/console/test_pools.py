"""资源池管理 in the browser: pools, alerts, recharges, against the real control plane with calls of the gateway."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Locator, Route, expect

from smart_ai_router.testing.upstream import UpstreamServer
from tests.console.browsing import ConsolePage
from tests.console.money_scene import AMOUNTS, PREPARED, Deed, money_shop, pool
from tests.console.scene import ADMINISTRATOR, VIEWER, log_in
from tests.e2e.router_harness import Router

OPEN_ALERTS = "未解决的告警"


@pytest.fixture(scope="module")
def router(built: None, upstream: UpstreamServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    with money_shop(upstream, tmp_path_factory.mktemp("pools")) as started:
        yield started


@pytest.fixture(scope="module")
def session(router: Router) -> str:
    return log_in(router)


@pytest.fixture
def pools(console: ConsolePage) -> ConsolePage:
    console.sign_in("/billing/pools")
    return console


def card(console: ConsolePage, name: str) -> Locator:
    return console.page.get_by_role("article", name=name)


def titles(figures: Locator) -> list[str | None]:
    """The exact amounts behind the shown ones."""
    return [figure.get_attribute("title") for figure in figures.all()]


def open_deed(console: ConsolePage, deed: str, name: str) -> Deed:
    card(console, name).get_by_role("button", name=f"{deed} {name}", exact=True).click()
    return Deed(console, f"{deed} · {name}")


def posted(console: ConsolePage, word: str) -> list[tuple[str | None, Any]]:
    """Key and body of everything that goes out from now on to a path with this word."""
    sent: list[tuple[str | None, Any]] = []

    def hear(request: Any) -> None:
        if request.method != "GET" and request.url.endswith(word):
            sent.append((request.headers.get("idempotency-key"), json.loads(request.post_data or "null")))

    console.page.on("request", hear)
    return sent


def test_m2_20_m2_21_m2_65_every_provider_has_a_card_with_the_apis_figures(pools: ConsolePage) -> None:
    told = {each["providerId"]: each for each in pools.router.admin("GET", "/api/admin/billing/resource-pool").json}

    assert pools.page.get_by_role("article").count() == len(told) == len(PREPARED)
    for each in PREPARED:
        facts, shown = told[each.provider], card(pools, each.name)
        if each.paid is None:
            expect(shown).to_contain_text("没有资源池")
            continue
        names = ("totalBalance", "usedAmount", "availableBalance")
        assert titles(shown.locator(".pool-sums .figure")) == [f"{facts[name]} CNY" for name in names]
        assert shown.locator(".pool-sums dt").all_inner_texts() == ["总余额", "已使用", "可用"]


@pytest.mark.parametrize(("name", "percentage"), [("充裕云", "90.00"), ("将尽云", "4.75"), ("用尽云", "0.00")])
def test_m2_21_the_bar_is_as_wide_as_the_percentage(pools: ConsolePage, name: str, percentage: str) -> None:
    bar = card(pools, name).get_by_role("progressbar", name=f"{name} 余额百分比")
    full, filled = bar.bounding_box(), bar.locator("div").bounding_box()

    assert full
    width = filled["width"] if filled else 0.0
    assert abs(width / full["width"] * 100 - float(percentage)) < 0.5
    expect(bar).to_have_attribute("aria-valuenow", percentage.removesuffix(".00"))
    expect(card(pools, name).locator(".balance")).to_contain_text(f"{percentage}%")


def test_m2_22_sufficient_low_and_exhausted_are_told_apart(pools: ConsolePage) -> None:
    for name, status in (("充裕云", "充足"), ("将尽云", "不足"), ("用尽云", "耗尽"), ("无池云", "未设置")):
        expect(card(pools, name).locator(".pool-head .status")).to_have_text(status)
    expect(card(pools, "用尽云")).to_contain_text("模型暂不可用")
    expect(card(pools, "充裕云")).not_to_contain_text("模型暂不可用")


def test_m2_23_to_m2_26_m2_58_open_alerts_stand_on_top_with_type_level_share_and_time(pools: ConsolePage) -> None:
    alerts = pools.page.get_by_role("region", name=OPEN_ALERTS).first
    first_card = pools.page.get_by_role("article").first
    above, below = alerts.bounding_box(), first_card.bounding_box()
    assert above
    assert below
    assert above["y"] + above["height"] <= below["y"]

    rows = {row[0]: row[1:] for row in pools.table(OPEN_ALERTS)}
    told = {
        each["providerName"]: each for each in pools.router.admin("GET", "/api/admin/billing/resource-pool/alerts").json
    }
    assert rows["将尽云"][:4] == ["低余额", "警告", "4.75%", "¥4.7500"]
    assert rows["用尽云"][:4] == ["余额不足", "严重", "0.00%", "¥0.000000"]
    assert set(rows) == set(told)
    times = pools.page.get_by_role("region", name=OPEN_ALERTS).locator("time").all()
    assert {time.get_attribute("datetime") for time in times} == {each["raisedAt"] for each in told.values()}


def test_an_alert_that_somebody_has_seen_to_leaves_the_list_and_stands_among_the_resolved(pools: ConsolePage) -> None:
    row = pools.page.get_by_role("region", name=OPEN_ALERTS).locator("tr", has_text="已阅云")
    row.get_by_role("button", name="标记为已解决").click()
    expect(pools.page.locator(".el-message-box")).to_contain_text("把 已阅云 的告警标记为已解决")
    Deed(pools, "").confirm()
    expect(row).to_have_count(0)

    pools.page.get_by_role("button", name="已解决的告警").click()
    drawer = pools.page.get_by_role("dialog", name="已解决的告警")
    expect(drawer.locator("tr", has_text="已阅云")).to_contain_text(ADMINISTRATOR[0])
    resolved = pools.router.admin("GET", "/api/admin/billing/resource-pool/alerts?isResolved=true").json
    assert [each["providerId"] for each in resolved] == ["seen"]


def test_m2_27_m2_28_m2_54_a_recharge_changes_the_balance_and_stands_in_the_history(pools: ConsolePage) -> None:
    before = pool(pools.router, "till")
    sent = posted(pools, "/recharge")
    deed = open_deed(pools, "充值", "充值云").fill(amount="0.000000000001", remark="12 月 <b>预付</b>")
    deed.submit()
    expect(pools.page.locator(".el-message-box")).to_contain_text("确认向 充值云 充值 ¥0.000000000001")
    deed.confirm()
    expect(deed.dialog).to_be_hidden()

    after = pool(pools.router, "till")
    assert after["availableBalance"] - before["availableBalance"] == Decimal("0.000000000001")
    assert after["lastRechargeDate"] > before["lastRechargeDate"]
    expect(card(pools, "充值云").locator(".pool-sums .figure").last).to_have_attribute(
        "title", f"{after['availableBalance']} CNY"
    )
    ((key, body),) = sent
    assert key
    assert key.startswith("console-")
    assert body["remark"] == "12 月 <b>预付</b>"

    card(pools, "充值云").get_by_role("button", name="充值记录").click()
    newest = pools.page.get_by_role("region", name="充值记录").locator("tbody tr").first
    expect(newest).to_contain_text("12 月 <b>预付</b>")
    expect(newest).to_contain_text(ADMINISTRATOR[0])
    assert titles(newest.locator("span.figure"))[0] == "0.000000000001 CNY"
    assert pools.grave_barriers() == []
    pools.shoot("pools-history-zh-CN")


def test_a_recharge_that_is_clicked_twice_is_booked_once(pools: ConsolePage) -> None:
    before = pool(pools.router, "till")["availableBalance"]
    sent = posted(pools, "/recharge")
    deed = open_deed(pools, "充值", "充值云").fill(amount="7", remark="twice")
    deed.dialog.locator("form").evaluate("form => { form.requestSubmit(); form.requestSubmit(); }")
    deed.confirm(clicks=2)
    expect(deed.dialog).to_be_hidden()
    pools.settle()

    assert len(sent) == 1
    assert pool(pools.router, "till")["availableBalance"] == before + 7


@pytest.mark.parametrize("reload", [False, True])
def test_a_recharge_whose_answer_was_lost_is_tried_again_and_booked_once(pools: ConsolePage, reload: bool) -> None:
    before = pool(pools.router, "till")["availableBalance"]
    sent = posted(pools, "/recharge")
    lost: list[int] = []

    def lose_once(route: Route) -> None:
        if lost:
            route.continue_()
            return
        lost.append(route.fetch().status)  # the server has booked it
        route.abort()

    pools.page.route("**/recharge", lose_once)
    amount = "3.5" if reload else "2.5"
    deed = open_deed(pools, "充值", "充值云").fill(amount=amount, remark="lost")
    deed.submit()
    deed.confirm()
    expect(deed.dialog).to_contain_text("同一操作不会执行两次")
    if reload:
        pools.page.reload()
        pools.settle()
        deed = open_deed(pools, "充值", "充值云").fill(amount=amount, remark="lost")
    deed.submit()
    deed.confirm()
    expect(pools.page.get_by_text("没有重复充值")).to_be_visible()

    assert lost == [200]
    assert len(sent) == 2
    assert sent[0] == sent[1]
    assert pool(pools.router, "till")["availableBalance"] == before + Decimal(amount)


@pytest.mark.parametrize("amount", ["0", "-5", "1,000", "1e3", "abc"])
def test_what_is_no_amount_cannot_be_sent(pools: ConsolePage, amount: str) -> None:
    deed = open_deed(pools, "充值", "充值云").fill(amount=amount)
    deed.dialog.locator("input[name=remark]").focus()

    expect(deed.dialog).to_contain_text("请输入大于 0 的金额")
    expect(deed.dialog.locator("button[type=submit]")).to_be_disabled()


def test_an_amount_that_the_server_refuses_is_told_and_nothing_is_booked(pools: ConsolePage) -> None:
    pools.expected.add(400)
    before = pool(pools.router, "till")["availableBalance"]
    deed = open_deed(pools, "充值", "充值云").fill(amount="0.0000000000001")
    deed.submit()
    deed.confirm()

    expect(deed.dialog.get_by_role("alert")).to_contain_text("finer")
    pools.page.keyboard.press("Escape")
    expect(deed.dialog).to_be_hidden()
    assert pool(pools.router, "till")["availableBalance"] == before


def test_m2_29_m2_55_m2_69_a_check_by_hand_says_what_it_came_to(pools: ConsolePage) -> None:
    before = pool(pools.router, "plenty")["lastCheckDate"]
    pools.page.get_by_role("button", name="立即检查").click()
    opened = sum(each.paid is not None for each in PREPARED)
    expect(pools.page.get_by_text(f"资源池检查已完成：检查了 {opened} 个资源池")).to_be_visible()
    pools.settle()

    after = pool(pools.router, "plenty")["lastCheckDate"]
    assert after > before
    expect(card(pools, "充裕云").locator("time").last).to_have_attribute("datetime", after)


def test_m2_53_a_pool_below_its_new_threshold_alerts_at_once(pools: ConsolePage) -> None:
    deed = open_deed(pools, "更正余额", "阈值云").fill(amount="-60", remark="used elsewhere")
    deed.submit()
    deed.confirm()
    expect(deed.dialog).to_be_hidden()
    expect(card(pools, "阈值云").locator(".pool-head .status")).to_have_text("充足")
    deed = open_deed(pools, "设置阈值", "阈值云").fill(percent="100")
    expect(deed.dialog.locator("button[type=submit]")).to_be_disabled()
    deed.fill(percent="40.01").submit()
    expect(deed.dialog).to_be_hidden()

    expect(card(pools, "阈值云").locator(".pool-head .status")).to_have_text("不足")
    expect(pools.page.get_by_role("region", name=OPEN_ALERTS).locator("tr", has_text="阈值云")).to_contain_text(
        "40.00%"
    )
    assert pool(pools.router, "level")["warningThreshold"] == Decimal("40.01")


def test_a_correction_needs_its_reason_and_changes_the_balance_by_exactly_that(pools: ConsolePage) -> None:
    deed = open_deed(pools, "更正余额", "对账云").fill(amount="-1.25")
    expect(deed.dialog.locator("button[type=submit]")).to_be_disabled()
    deed.fill(remark="账单差额").submit()
    expect(pools.page.locator(".el-message-box")).to_contain_text("-¥1.2500")
    deed.confirm()
    expect(deed.dialog).to_be_hidden()

    assert pool(pools.router, "books")["availableBalance"] == AMOUNTS["books"] - Decimal("1.25")
    assert pool(pools.router, "books")["totalBalance"] == AMOUNTS["books"]


def test_m2_71_the_days_left_are_those_of_the_server(pools: ConsolePage) -> None:
    days = pool(pools.router, "plenty")["daysLeft"]

    expect(card(pools, "充裕云")).to_contain_text(f"{Decimal(days).normalize():f} 天")
    expect(card(pools, "充值云")).to_contain_text("最近 7 天没有用量")


def test_m2_77_a_recharge_brings_an_empty_pools_models_back(pools: ConsolePage) -> None:
    pools.expected.add(402)
    assert pools.router.chat("spent", max_tokens=300).status >= 400
    deed = open_deed(pools, "充值", "用尽云").fill(amount="100")
    deed.submit()
    deed.confirm()
    expect(card(pools, "用尽云").locator(".pool-head .status")).to_have_text("充足")
    expect(pools.page.get_by_role("region", name=OPEN_ALERTS).locator("tr", has_text="用尽云")).to_have_count(0)

    assert pools.router.chat("spent", max_tokens=300).status == 200


def test_m2_04_a_viewer_sees_the_pools_and_can_change_nothing(console: ConsolePage) -> None:
    console.log_in(0, *VIEWER, path="/billing/pools")
    console.settle()

    assert console.page.get_by_role("article").count() == len(PREPARED)
    for name in ("充值", "立即检查", "设置阈值", "更正余额", "标记为已解决"):
        expect(console.page.get_by_role("button", name=name, exact=True)).to_have_count(0)
    card(console, "将尽云").get_by_role("button", name="充值记录").click()
    expect(console.page.get_by_role("region", name="充值记录").locator("tbody tr")).to_have_count(1)


def test_a_refused_question_says_what_to_do_and_can_be_asked_again(console: ConsolePage) -> None:
    console.expected.add(503)
    broken = {"error": {"message": "the store is busy"}}
    console.page.route("**/api/admin/billing/resource-pool", lambda route: route.fulfill(status=503, json=broken))
    console.sign_in("/billing/pools")
    alert = console.page.get_by_role("alert").filter(has_text="the store is busy")
    expect(alert).to_contain_text("控制面正在启动或繁忙")

    console.page.unroute("**/api/admin/billing/resource-pool")
    alert.get_by_role("button", name="重试").click()

    expect(console.page.get_by_role("article")).to_have_count(len(PREPARED))


def test_while_the_answer_is_on_its_way_there_is_a_skeleton_and_nothing_is_said_of_nothing(
    console: ConsolePage,
) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    console.page.route("**/api/admin/billing/resource-pool", hold)
    name, _, value = console.session.partition("=")
    console.page.context.add_cookies([{"name": name, "value": value, "url": console.router.address}])
    console.open("/billing/pools")
    expect(console.page.locator(".el-skeleton").first).to_be_visible()
    expect(console.page.get_by_text("没有数据")).to_have_count(0)

    held[0].fulfill(status=200, json=[])

    expect(console.page.get_by_text("还没有提供商")).to_be_visible()


def test_a_recharge_can_be_made_with_the_keyboard_alone(pools: ConsolePage) -> None:
    before = pool(pools.router, "till")["availableBalance"]
    card(pools, "充值云").get_by_role("button", name="充值 充值云").focus()
    pools.page.keyboard.press("Enter")
    dialog = pools.page.get_by_role("dialog", name="充值 · 充值云")
    dialog.locator("input[name=amount]").focus()
    pools.page.keyboard.type("11")
    pools.page.keyboard.press("Enter")
    expect(pools.page.locator(".el-message-box .el-button--primary")).to_be_focused()
    pools.page.locator(".el-message-box .el-button--primary").click(trial=True)  # it stands still
    pools.page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()

    assert pool(pools.router, "till")["availableBalance"] == before + 11


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (390, False), (390, True)])
def test_the_page_keeps_nobody_out(pools: ConsolePage, language: str, width: int, dark: bool) -> None:
    pools.page.set_viewport_size({"width": width, "height": 900})
    pools.speak(language)
    if dark:
        pools.page.get_by_role("button", name="Dark theme" if language == "en" else "深色主题").click()
    pools.settle()
    name = f"pools-{language}-{width}{'-dark' if dark else ''}"

    expect(pools.page.get_by_role("heading", level=1)).to_have_text(
        "资源池管理" if language == "zh-CN" else "Resource pools"
    )
    assert pools.page.evaluate("document.documentElement.scrollWidth") <= width
    pools.shoot(name)
    assert pools.grave_barriers() == []
    card(pools, "充值云").locator("button").first.click()
    pools.page.get_by_role("dialog").locator("input[name=amount]").fill("100")
    pools.shoot(f"{name}-recharge")
    assert pools.grave_barriers() == []
