"""The guide's navigation, by mouse, by keyboard and on a phone; and what the pages may do."""

import gzip

from playwright.sync_api import expect

from tests.console.browsing import ConsolePage
from tests.tidy.python_source import ROOT

MODULES = ["使用记录", "成本统计", "资源池管理", "用户配额", "模型管理", "资费配置"]
OTHERS = ["概览", "渠道与告警", "用户与密钥", "审计日志", "设置"]
SIZE_MAX = 500_000


def test_m2_01_m2_02_the_guides_group_and_its_six_modules_open(console: ConsolePage) -> None:
    console.sign_in("")
    console.expected.update((403, 404))  # a page may ask for what this test did not prepare
    side = console.page.locator("aside nav.side")

    expect(side.get_by_role("heading", name="计费管理 💰")).to_be_visible()
    assert side.locator("a").all_inner_texts() == [OTHERS[0], *MODULES, *OTHERS[1:]]
    for name in [*MODULES, *OTHERS]:
        side.get_by_role("link", name=name, exact=True).click()
        expect(console.page.get_by_role("heading", level=1)).to_have_text(name)
        expect(side.locator("a[aria-current=page]")).to_have_text(name)


def test_the_pages_can_be_reached_by_keyboard_alone(console: ConsolePage) -> None:
    console.sign_in("/billing/usage")
    console.page.reload()
    console.settle()

    console.page.keyboard.press("Tab")
    expect(console.page.get_by_text("跳到正文")).to_be_focused()
    console.page.keyboard.press("Enter")
    console.page.keyboard.press("Tab")

    expect(console.page.locator("main#page :focus")).to_have_count(1)


def test_on_a_phone_the_navigation_stands_behind_a_button(console: ConsolePage) -> None:
    console.page.set_viewport_size({"width": 390, "height": 844})
    console.sign_in("/billing/usage")

    expect(console.page.locator("aside")).to_be_hidden()
    console.page.get_by_role("button", name="导航").click()
    console.page.get_by_role("dialog").get_by_role("link", name="成本统计").click()

    expect(console.page.get_by_role("heading", level=1)).to_have_text("成本统计")
    expect(console.page.get_by_role("dialog")).to_be_hidden()


def test_no_page_is_wider_than_a_phone(console: ConsolePage) -> None:
    console.page.set_viewport_size({"width": 390, "height": 844})
    console.sign_in("/billing/usage")
    for path in ("/billing/usage", "/billing/costs"):
        console.open(path)
        console.settle()
        assert console.page.evaluate("document.documentElement.scrollWidth") <= 390, path


def test_a_page_that_does_not_exist_says_so(console: ConsolePage) -> None:
    console.sign_in("/nothing/here")

    expect(console.page.get_by_role("heading", level=1)).to_have_text("没有这个页面")


def test_nothing_written_into_a_page_runs(console: ConsolePage) -> None:
    console.sign_in("")

    console.page.evaluate(
        "() => { const script = document.createElement('script'); script.textContent = 'window.ran = true';"
        " document.body.append(script); }"
    )

    assert console.page.evaluate("window.ran") is None
    assert any("Content Security Policy" in fault for fault in console.faults)
    console.faults.clear()


def test_the_console_is_small(built: None) -> None:
    files = [path for path in (ROOT / "smart_ai_router" / "console_dist").rglob("*") if path.is_file()]

    assert sum(len(gzip.compress(path.read_bytes())) for path in files) < SIZE_MAX
