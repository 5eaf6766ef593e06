"""Nobody sees anything before logging in; whoever logs in sees what the role may."""

import pytest
from playwright.sync_api import expect

from tests.console.browsing import WORDS, ConsolePage
from tests.console.scene import ADMINISTRATOR, VIEWER


def test_m2_03_whoever_is_not_logged_in_is_led_to_the_login_page_and_back(console: ConsolePage) -> None:
    console.expected.add(401)
    console.open("/billing/costs?by=model")

    expect(console.page).to_have_url(f"{console.router.address}/console/login?next=/billing/costs?by=model")
    console.enter(0, *ADMINISTRATOR)

    expect(console.page).to_have_url(f"{console.router.address}/console/billing/costs?by=model")
    expect(console.page.get_by_role("heading", level=1)).to_have_text("成本统计")


@pytest.mark.parametrize(("way", "words"), [(0, ("carol", "not her password")), (1, ("sk-wrong",)), (2, ("wrong",))])
def test_wrong_words_are_refused_and_said_so(console: ConsolePage, way: int, words: tuple[str, ...]) -> None:
    console.expected.add(401)
    console.open("/login")
    console.enter(way, *words)

    expect(console.page.get_by_role("alert")).to_contain_text("不正确")
    expect(console.page.locator("nav.side")).to_have_count(0)


def test_the_administrators_token_opens_a_session_and_is_kept_nowhere(console: ConsolePage) -> None:
    console.log_in(2, console.router.token)

    stored = console.page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    cookies = console.page.context.cookies()
    assert console.router.token not in stored + str(cookies)
    assert [(each["httpOnly"], each["sameSite"]) for each in cookies] == [(True, "Strict")]
    console.page.reload()
    expect(console.page.locator("nav.side").first).to_be_attached()
    expect(console.page.locator(".login-card")).to_have_count(0)


def test_a_session_survives_a_reload_and_ends_with_logging_out(console: ConsolePage) -> None:
    console.log_in(0, *ADMINISTRATOR)
    assert console.page.evaluate("document.cookie") == ""

    console.page.reload()
    expect(console.page.locator("nav.side").first).to_be_attached()
    console.page.get_by_role("button", name="退出登录").click()

    expect(console.page.locator(".login-card")).to_be_visible()
    console.open("/billing/usage")
    expect(console.page.locator(".login-card")).to_be_visible()


def test_a_session_that_ends_leads_to_the_login_page(console: ConsolePage) -> None:
    console.log_in(0, *ADMINISTRATOR, path="/billing/usage")
    console.settle()

    console.page.context.clear_cookies()
    console.page.get_by_role("button", name="刷新").click()

    expect(console.page.get_by_text("登录已失效")).to_be_visible()


def test_m2_04_a_viewer_sees_the_billing_pages_and_not_the_others(console: ConsolePage) -> None:
    console.log_in(0, *VIEWER)

    links = console.page.locator("aside nav.side a").all_inner_texts()
    assert "使用记录" in links
    assert "用户与密钥" not in links
    console.open("/users")
    expect(console.page.get_by_text("当前账号没有查看此页面的权限")).to_be_visible()


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_the_login_page_keeps_nobody_out_and_its_language_and_theme_stay(console: ConsolePage, language: str) -> None:
    console.expected.add(401)
    console.open("/login")
    console.speak(language)
    expect(console.page.get_by_role("button", name=WORDS[language]["log_in"], exact=True)).to_be_visible()
    assert console.grave_barriers() == []
    console.shoot(f"login-{language}")

    console.page.get_by_role("button", name="深色主题" if language == "zh-CN" else "Dark theme").click()
    console.page.reload()

    expect(console.page.locator("html")).to_have_class("dark")
    expect(console.page.locator("html")).to_have_attribute("lang", language)
    assert console.grave_barriers() == []
    console.shoot(f"login-dark-{language}")
