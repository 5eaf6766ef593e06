"""模型管理 in the browser: why a model is off, switching by hand, and one call that is asked for and billed."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from playwright.sync_api import Locator, Route, expect

from smart_ai_router.testing.upstream import UpstreamServer
from tests.console.browsing import ConsolePage
from tests.console.market import UPSTREAM_KEY, administer, market, model_facts
from tests.console.scene import HOSTILE, VIEWER, log_in
from tests.e2e.router_harness import Router

NO_MONEY = "资费不足，暂不可用"
COST = Decimal("0.0002025")  # 150 x 0.15 + 300 x 0.6 USD a million
LIST = "**/api/admin/billing/models"


@pytest.fixture(scope="module")
def router(built: None, upstream: UpstreamServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    with market(upstream, tmp_path_factory.mktemp("models")) as started:
        yield started


@pytest.fixture(scope="module")
def session(router: Router) -> str:
    return log_in(router)


@pytest.fixture
def models(console: ConsolePage) -> ConsolePage:
    console.sign_in("/billing/models")
    return console


def row_of(console: ConsolePage, provider: str, name: str) -> Locator:
    return console.page.get_by_role("region", name=provider, exact=True).locator("tbody tr", has_text=name)


def agree(console: ConsolePage, action: str) -> None:
    """Press the button of the question that stands before the page."""
    console.page.locator(".el-message-box").get_by_role("button", name=action, exact=True).click()
    expect(console.page.locator(".el-message-box")).to_be_hidden()
    console.settle()


def test_m2_33_all_models_are_listed_by_provider(models: ConsolePage) -> None:
    told = administer(models.router, "GET", "/billing/models").json
    heads = models.page.locator(".group-head h2").all_inner_texts()

    assert heads == ["Closed", "Dry", "Google Gemini", "OpenAI", "Studio"]
    for head in heads:
        listed = [row[0] for row in models.table(head)]
        assert listed == [each["modelName"] for each in told if each["providerName"] == head]


def test_m2_34_m2_35_m2_79_the_reasons_why_a_model_is_off_can_be_told_apart(models: ConsolePage) -> None:
    administer(models.router, "PUT", "/billing/models/studio/bare", {"enabled": False, "reason": "too dear"})
    models.page.get_by_role("button", name="刷新").click()
    models.settle()

    assert {row[2] for row in models.table("OpenAI")} == {"启用"}
    assert models.table("Dry")[0][2] == NO_MONEY
    assert models.table("Closed")[0][2].split() == ["禁用", "配置文件中停用"]
    expect(row_of(models, "Studio", "bare")).to_contain_text("手动禁用: too dear")
    assert [card.split() for card in models.page.locator(".stat-card").all_inner_texts()] == [
        ["启用", "12"],
        ["禁用", "2"],
        [NO_MONEY, "1"],
    ]
    administer(models.router, "PUT", "/billing/models/studio/bare", {"enabled": True})


def test_m2_34_a_model_is_disabled_and_enabled_by_hand(models: ConsolePage) -> None:
    row = row_of(models, "Studio", "film")
    row.get_by_role("button", name="禁用 film").click()
    models.page.locator(".el-message-box input").fill("maintenance")
    agree(models, "禁用")

    expect(row).to_contain_text("手动禁用: maintenance")
    assert model_facts(models.router, "studio/film")["disabledCause"] == "hand"
    assert models.router.chat("film").status == 503
    row.get_by_role("button", name="启用 film").click()
    agree(models, "启用")
    expect(row.locator(".status")).to_have_text("启用")
    assert models.router.chat("film").status == 200


def test_a_switch_that_is_thought_better_of_changes_nothing(models: ConsolePage) -> None:
    row_of(models, "Studio", "film").get_by_role("button", name="禁用 film").click()
    agree(models, "取消")

    assert model_facts(models.router, "studio/film")["enabled"] is True


def test_all_models_of_a_provider_are_switched_at_once(models: ConsolePage) -> None:
    group = models.page.locator("section.panel", has_text="Studio")
    group.get_by_role("button", name="全部禁用").click()
    agree(models, "禁用")

    expect(group.get_by_text("已整体禁用")).to_be_visible()
    assert {row[2].split()[0] for row in models.table("Studio")} == {"禁用"}
    expect(group.get_by_role("button", name="启用 film")).to_have_count(0)  # it would not help
    group.get_by_role("button", name="全部启用").click()
    agree(models, "启用")
    expect(group.get_by_text("已整体禁用")).to_have_count(0)
    assert {row[2] for row in models.table("Studio")} == {"启用"}


def test_what_money_switched_off_does_not_come_back_by_hand(models: ConsolePage) -> None:
    group = models.page.locator("section.panel", has_text="Dry")

    expect(group.get_by_role("button", name="启用 parched")).to_have_count(0)
    expect(group.get_by_role("button", name="全部启用")).to_have_count(0)
    models.page.get_by_role("link", name="前往资源池充值").click()
    expect(models.page.get_by_role("heading", level=1)).to_have_text("资源池管理")
    models.expected.update((403, 404))


def test_filters_stand_in_the_address(models: ConsolePage) -> None:
    models.page.locator("input[name=name]").fill("GPT-4O")
    models.page.keyboard.press("Enter")
    models.settle()

    assert "name=GPT-4O" in models.page.url
    assert models.page.locator(".group-head h2").all_inner_texts() == ["OpenAI"]
    models.open("/billing/models?status=no_money")
    models.settle()
    assert models.page.locator(".group-head h2").all_inner_texts() == ["Dry"]


def test_filters_that_find_nothing_say_what_to_do(console: ConsolePage) -> None:
    console.sign_in("/billing/models?name=nothing-like-it")

    expect(console.page.get_by_text("没有符合条件的模型")).to_be_visible()


def test_a_model_opens_with_its_channels_prices_and_tags(models: ConsolePage) -> None:
    row_of(models, "OpenAI", "gpt-4o-mini").get_by_role("button", name="详情").click()
    drawer = models.page.get_by_role("dialog")

    assert models.table("渠道") == [["OpenAI Official", "启用", "gpt-4o-mini", "100", f"****{UPSTREAM_KEY[-4:]}"]]
    expect(drawer.locator(".prices li").first).to_contain_text("输入 Token")
    expect(drawer.locator(".prices .price").first).to_have_text("US$0.15 / 100万 Token")
    expect(drawer.locator(".prices .figure").first).to_have_attribute("title", "0.15 USD")
    expect(drawer.get_by_text("office", exact=True)).to_be_visible()
    assert models.grave_barriers() == []
    models.shoot("model-zh-CN")
    models.page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    assert "model=" not in models.page.url


def test_a_test_call_is_made_when_it_was_agreed_to_and_shows_what_was_billed(console: ConsolePage) -> None:
    console.sign_in("/billing/models?model=openai/gpt-4o-mini")
    before = len(console.router.records())
    drawer = console.page.get_by_role("dialog", name="gpt-4o-mini")
    drawer.get_by_role("button", name="发送测试调用").click()
    expect(console.page.locator(".el-message-box")).to_contain_text("将真实调用 gpt-4o-mini")
    agree(console, "取消")
    assert len(console.router.records()) == before

    drawer.get_by_role("button", name="发送测试调用").click()
    agree(console, "发送测试调用")

    outcome = drawer.locator(".test-outcome")
    expect(outcome).to_contain_text("OpenAI / OpenAI Official")
    record = console.router.record_of(outcome.locator("code").inner_text())
    assert len(console.router.records()) == before + 1
    assert (record["total_cost"], record["user_id"]) == (COST, None)
    shown = outcome.locator("dd .figure").last.get_attribute("title")
    assert shown == f"{(COST * Decimal('7.1')).normalize()} CNY"
    console.shoot("model-test")
    outcome.get_by_role("link").click()
    expect(console.page.get_by_role("heading", level=1)).to_have_text("使用记录")


def test_a_test_call_is_billed_to_the_user_whose_key_is_given(console: ConsolePage) -> None:
    administer(console.router, "POST", "/users", {"id": "dora", "name": "Dora"})
    key = administer(console.router, "POST", "/users/dora/keys", {"name": "test"}).json["key"]
    console.sign_in("/billing/models?model=openai/gpt-4o-mini")
    console.page.locator("input[name=testKey]").fill(key)
    console.page.get_by_role("button", name="发送测试调用").click()
    expect(console.page.locator(".el-message-box")).to_contain_text("费用计入所填密钥的用户")
    agree(console, "发送测试调用")

    outcome = console.page.locator(".test-outcome")
    assert console.router.record_of(outcome.locator("code").inner_text())["user_id"] == "dora"


def test_a_wrong_key_is_told_and_ends_no_session(console: ConsolePage) -> None:
    console.expected.update((401, 404))
    console.sign_in("/billing/models?model=openai/gpt-4o-mini")
    console.page.locator("input[name=testKey]").fill("sk-wrong")
    console.page.get_by_role("button", name="发送测试调用").click()
    agree(console, "发送测试调用")

    expect(console.page.locator(".test-outcome .status-bad")).to_have_text("401")
    expect(console.page.get_by_role("heading", level=1)).to_have_text("模型管理")


def test_names_that_want_to_be_markup_stay_text(models: ConsolePage) -> None:
    row_of(models, "Studio", HOSTILE).get_by_role("button", name="详情").click()

    expect(models.page.get_by_role("dialog")).to_contain_text(HOSTILE)
    assert models.page.title() != "owned"
    expect(models.page.locator("img")).to_have_count(0)


def test_m2_04_a_viewer_sees_the_models_and_switches_none(console: ConsolePage) -> None:
    console.log_in(0, *VIEWER, path="/billing/models?model=openai/gpt-4o-mini")
    console.settle()

    expect(console.page.get_by_role("dialog")).to_contain_text("OpenAI Official")
    for name in ("禁用 gpt-4o-mini", "全部禁用", "发送测试调用"):
        expect(console.page.get_by_role("button", name=name, include_hidden=True)).to_have_count(0)


def test_the_page_says_that_it_loads_and_what_to_do_when_it_is_refused(console: ConsolePage) -> None:
    console.expected.add(503)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    console.page.route(LIST, hold)
    name, _, value = console.session.partition("=")
    console.page.context.add_cookies([{"name": name, "value": value, "url": console.router.address}])
    console.open("/billing/models")
    expect(console.page.locator(".el-skeleton")).to_be_visible()

    held[0].fulfill(status=503, json={"detail": "busy"})

    alert = console.page.get_by_role("alert")
    expect(alert).to_contain_text("控制面正在启动或繁忙")
    console.page.unroute(LIST)
    alert.get_by_role("button", name="重试").click()
    expect(console.page.get_by_role("heading", name="OpenAI")).to_be_visible()


def test_a_model_is_opened_and_switched_by_keyboard_alone(models: ConsolePage) -> None:
    row_of(models, "Studio", "film").get_by_role("button", name="禁用 film").focus()
    models.page.keyboard.press("Enter")
    expect(models.page.locator(".el-message-box input")).to_be_focused()
    models.page.keyboard.press("Escape")
    expect(models.page.locator(".el-message-box")).to_be_hidden()
    row_of(models, "Studio", "film").get_by_role("button", name="详情").focus()
    models.page.keyboard.press("Enter")

    expect(models.page.get_by_role("dialog", name="film")).to_be_visible()


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (390, False)])
def test_the_page_keeps_nobody_out(models: ConsolePage, language: str, width: int, dark: bool) -> None:
    models.page.set_viewport_size({"width": width, "height": 900})
    models.speak(language)
    if dark:
        models.page.get_by_role("button", name="Dark theme" if language == "en" else "深色主题").click()
    models.settle()

    expect(models.page.get_by_role("heading", level=1)).to_have_text("Models" if language == "en" else "模型管理")
    assert models.page.evaluate("document.documentElement.scrollWidth") <= width
    models.shoot(f"models-{language}-{width}{'-dark' if dark else ''}")
    assert models.grave_barriers() == []
