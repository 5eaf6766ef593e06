"""设置 in the browser: configuration, quota enforcement, exchange rates, one's own password."""

import pytest
from playwright.sync_api import expect

from tests.console.browsing import ConsolePage
from tests.console.scene import RATE

TITLES = {"zh-CN": "设置", "en": "Settings"}
SWITCH = "/api/admin/system/config/billing/quota-enforcement"


@pytest.fixture
def settings(console: ConsolePage) -> ConsolePage:
    console.sign_in("/settings")
    return console


def test_the_configuration_in_force_is_shown_and_read_again(settings: ConsolePage) -> None:
    status = settings.router.admin("GET", "/v1/admin/config/status").json["data"]
    expect(settings.page.locator("main")).to_contain_text(status["file"])
    expect(settings.page.locator("main")).to_contain_text("Asia/Shanghai")

    settings.page.get_by_role("button", name="重新加载配置").click()
    expect(settings.page.get_by_text("配置文件没有变化")).to_be_visible()
    settings.page.get_by_role("button", name="全部配置项").click()
    drawer = settings.page.get_by_role("dialog", name="全部配置项")
    drawer.locator("input[name=settingName]").fill("system.time_zone")
    expect(drawer.locator("tbody tr")).to_have_count(1)
    expect(drawer.locator("tbody")).to_contain_text("Asia/Shanghai")
    assert settings.router.token not in settings.page.content()


def test_enforcement_is_switched_after_a_question(settings: ConsolePage) -> None:
    before = settings.router.admin("GET", SWITCH).json["enabled"]
    names = ("停用配额拦截", "启用配额拦截") if before else ("启用配额拦截", "停用配额拦截")
    for name in names:
        settings.page.get_by_role("button", name=name).click()
        settings.page.get_by_role("dialog", name=name).get_by_role("button", name=name).click()
        expect(settings.page.get_by_role("button", name=names[1 - names.index(name)])).to_be_visible()
        assert settings.router.admin("GET", SWITCH).json["enabled"] is (name == "启用配额拦截")

    assert settings.router.admin("GET", SWITCH).json["enabled"] is before


def test_a_rate_is_added_with_the_digits_that_were_typed(settings: ConsolePage) -> None:
    assert ["1 USD → CNY", RATE] in [row[:2] for row in settings.table("汇率")]
    settings.page.get_by_role("button", name="新增汇率").click()
    form = settings.page.get_by_role("dialog", name="新增汇率")
    form.locator("input[name=base]").fill("jpy")
    form.locator("input[name=quote]").fill("CNY")
    form.locator("input[name=rate]").fill("0.046123456")
    form.locator("input[name=source]").fill("bank")
    assert settings.grave_barriers() == []
    form.get_by_role("button", name="新增", exact=True).click()

    row = settings.page.get_by_role("region", name="汇率").locator("tr", has_text="JPY")
    expect(row).to_contain_text("0.046123456")
    expect(row).to_contain_text("bank")
    rates = settings.router.admin("GET", "/api/admin/billing/exchange-rates").json
    assert [str(rate["rate"]) for rate in rates if rate["base"] == "JPY"] == ["0.046123456"]


def test_a_rate_that_the_server_refuses_says_why(settings: ConsolePage) -> None:
    settings.expected.add(400)
    settings.page.get_by_role("button", name="新增汇率").click()
    form = settings.page.get_by_role("dialog", name="新增汇率")
    form.locator("input[name=rate]").fill("0")
    form.get_by_role("button", name="新增", exact=True).click()

    expect(form.get_by_role("alert")).to_be_visible()
    expect(form.locator("input[name=rate]")).to_have_value("0")


def test_ones_own_password_is_changed_and_the_session_ends(console: ConsolePage) -> None:
    mine = {"username": "grace", "password": "the first pass phrase", "role": "billing_viewer"}
    assert console.administer("POST", "/api/admin/administrators", mine).status == 201
    console.log_in(0, "grace", "the first pass phrase", path="/settings")
    console.settle()
    expect(console.page.get_by_role("heading", name="配置", exact=True)).to_have_count(0)  # a viewer's page has none
    fields = [console.page.locator(f"input[name={name}]") for name in ("currentPassword", "newPassword", "again")]

    for field, words in zip(fields, ("not the first one", "the second pass phrase", "the second"), strict=True):
        field.fill(words)
    expect(console.page.get_by_text("两次输入的新密码不同")).to_be_visible()
    fields[2].fill("the second pass phrase")
    console.page.get_by_role("button", name="修改密码").click()
    expect(console.page.get_by_text("当前密码不正确")).to_be_visible()  # and the session goes on
    fields[0].fill("the first pass phrase")
    console.page.get_by_role("button", name="修改密码").click()

    expect(console.page.locator(".login-card")).to_be_visible()
    console.enter(0, "grace", "the second pass phrase")
    expect(console.page.locator("nav.side").first).to_be_attached()


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (390, False)])
def test_the_page_keeps_nobody_out(settings: ConsolePage, language: str, width: int, dark: bool) -> None:
    settings.page.set_viewport_size({"width": width, "height": 900})
    settings.speak(language)
    if dark:
        settings.page.get_by_role("button", name="Dark theme" if language == "en" else "深色主题").click()
    settings.settle()

    expect(settings.page.get_by_role("heading", level=1)).to_have_text(TITLES[language])
    settings.shoot(f"settings-{language}-{width}{'-dark' if dark else ''}")
    assert settings.page.evaluate("document.documentElement.scrollWidth") <= width
    assert settings.grave_barriers() == []
