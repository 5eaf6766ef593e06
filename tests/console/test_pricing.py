"""资费配置 in the browser: prices with their dates, new versions that were looked at first, and whole price lists.

Every test that sets a price has a model of its own.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, expect

from smart_ai_router.testing.upstream import UpstreamServer
from tests.console.browsing import ConsolePage
from tests.console.market import CALLS, administer, market
from tests.console.scene import HOSTILE, RATE, VIEWER, ZONE, log_in, server_today
from tests.e2e.router_harness import Router

COST = Decimal("0.0002025") * CALLS * Decimal(RATE)  # 150 x 0.15 + 300 x 0.6 USD a million
PRICE_LIST = """\
provider: openai
currency: USD
source: https://prices.example/openai
checked: 2026-11-10
models:
  gpt-4.1-mini: {input: 0.5, cached_input: 0.1, output: OUTPUT}
"""


@pytest.fixture(scope="module")
def router(built: None, upstream: UpstreamServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    with market(upstream, tmp_path_factory.mktemp("pricing")) as started:
        yield started


@pytest.fixture(scope="module")
def session(router: Router) -> str:
    return log_in(router)


@pytest.fixture
def pricing(console: ConsolePage) -> ConsolePage:
    console.sign_in("/billing/pricing")
    return console


def prices(router: Router, **parameters: str) -> Any:
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    return administer(router, "GET", f"/billing/pricing?{query}").json


def inputs(router: Router, model: str) -> list[Any]:
    """All versions of the price of an input token, the newest first."""
    found = prices(router, modelId=model, pricingType="input_token", inForce="false")
    return [each for each in found if each["serviceTier"] == "standard" and each["contextOver"] == 0]


def amounts(router: Router, model: str) -> list[Decimal]:
    return [each["unitPrice"] for each in inputs(router, model)]


def change_of(console: ConsolePage, price_id: str) -> Locator:
    """The drawer of a price with its form open."""
    console.sign_in(f"/billing/pricing?price={price_id}".replace("#", "%23"))
    drawer = console.page.get_by_role("dialog", name="价格详情")
    drawer.get_by_role("button", name="设置新价格").click()
    return drawer


def preview(console: ConsolePage, form: Locator) -> Locator:
    form.get_by_role("button", name="预览", exact=True).click()
    console.settle()
    return form.locator(".preview")


def fact(place: Locator, name: str) -> Locator:
    return place.locator(f"dt:text-is('{name}') + dd")


def test_m2_36_to_m2_38_prices_stand_by_provider_with_the_kinds_of_use(pricing: ConsolePage) -> None:
    told = prices(pricing.router)
    heads = pricing.page.locator(".group-head h2").all_inner_texts()

    assert heads == ["Dry", "Google Gemini", "OpenAI", "Studio"]
    for head in heads:
        assert len(pricing.table(head)) == len([each for each in told if each["providerName"] == head])
    studio = {row[0].split()[0]: row[1:4] for row in pricing.table("Studio")}
    assert {name: studio[name] for name in ("film", "pictures", "speech", "transcripts")} == {
        "film": ["视频、按秒计", "秒", "¥0.50 / 秒"],
        "pictures": ["图片", "图片", "¥0.20 / 张"],
        "speech": ["音频", "字符", "¥0.00002 / 字符"],
        "transcripts": ["音频", "分钟", "¥0.04 / 分钟"],
    }
    text = [row[1:4] for row in pricing.table("Google Gemini") if row[0] == "gemini-2.5-pro"]
    assert ["文本", "输入 Token", "US$1.25 / 100万 Token"] in text
    assert ["其他", "搜索", "US$35.00 / 1000 次搜索"] in text


def test_m2_38_one_kind_of_use_is_chosen_and_stands_in_the_address(console: ConsolePage) -> None:
    console.sign_in("/billing/pricing?kind=image")
    assert console.page.locator(".group-head h2").all_inner_texts() == ["Studio"]
    assert {row[0].split()[0] for row in console.table("Studio")} == {"pictures", "posters"}

    console.page.locator("input[name=name]").fill("nothing-like-it")
    console.page.keyboard.press("Enter")

    expect(console.page.get_by_text("没有符合条件的价格")).to_be_visible()
    console.page.get_by_role("button", name="重置").click()
    expect(console.page.get_by_role("heading", name="OpenAI")).to_be_visible()


def test_m2_36_a_new_version_is_looked_at_then_set_and_the_old_one_stays_in_the_history(console: ConsolePage) -> None:
    drawer = change_of(console, "openai/gpt-4o-mini/input_token@2024-07-18")
    drawer.locator("input[name=unitPrice]").fill("0.3")
    shown = preview(console, drawer)

    expect(fact(shown, "调用次数")).to_have_text(str(CALLS))
    expect(fact(shown, "账上成本").locator(".figure")).to_have_attribute("title", f"{COST.normalize()} CNY")
    expect(fact(shown, "按现行价格").locator(".figure")).to_have_attribute("title", f"{COST.normalize()} CNY")
    more = Decimal("0.0000225") * CALLS * Decimal(RATE)
    expect(fact(shown, "变化").locator(".figure").first).to_have_attribute("title", f"{more.normalize()} CNY")
    expect(fact(shown, "变化")).to_contain_text("(+11.11%)")
    expect(shown).not_to_contain_text("近似值")
    console.shoot("price-preview")
    assert amounts(console.router, "gpt-4o-mini") == [Decimal("0.15")]
    drawer.get_by_role("button", name="确认并保存新版本").click()
    expect(console.page.get_by_text("已保存价格版本")).to_be_visible()
    console.settle()

    assert amounts(console.router, "gpt-4o-mini") == [Decimal("0.3"), Decimal("0.15")]
    history = console.table("历史版本")
    assert [row[1] for row in history] == ["US$0.30 / 100万 Token", "US$0.15 / 100万 Token"]
    assert [row[2] for row in history] == ["现行", "非现行"]
    console.shoot("price-history")
    console.page.keyboard.press("Escape")
    assert any(row[3] == "US$0.30 / 100万 Token" and row[5] == "自有价格" for row in console.table("OpenAI"))


def test_a_mistaken_unit_is_pointed_out_and_set_only_when_it_is_confirmed(console: ConsolePage) -> None:
    drawer = change_of(console, inputs(console.router, "gpt-4o")[0]["id"])
    drawer.locator("input[name=unitPrice]").fill("2500")
    shown = preview(console, drawer)

    expect(shown.get_by_text("看起来写错了单位")).to_be_visible()
    save = drawer.get_by_role("button", name="确认并保存新版本")
    expect(save).to_be_disabled()
    drawer.get_by_text("单位与币种已核对无误").click()
    assert console.grave_barriers() == []
    console.shoot("price-unlikely")
    save.click()
    expect(console.page.get_by_text("已保存价格版本")).to_be_visible()
    assert amounts(console.router, "gpt-4o")[0] == 2500


def test_what_was_looked_at_is_what_is_set(console: ConsolePage) -> None:
    drawer = change_of(console, inputs(console.router, "gpt-4.1-nano")[0]["id"])
    drawer.locator("input[name=unitPrice]").fill("0.2")
    preview(console, drawer)

    drawer.locator("input[name=unitPrice]").fill("0.21")

    expect(drawer.get_by_role("button", name="确认并保存新版本")).to_have_count(0)
    drawer.locator("input[name=unitPrice]").fill("-1")
    drawer.get_by_role("button", name="预览", exact=True).click()
    expect(drawer.get_by_role("alert")).to_have_text("单价请填写普通数字，如 0.075。")


def test_a_price_begins_when_the_servers_clock_says_so(console: ConsolePage) -> None:
    begins = datetime.combine(server_today() + timedelta(days=3), datetime.min.time(), ZoneInfo(ZONE))
    drawer = change_of(console, inputs(console.router, "gpt-4.1")[0]["id"])
    drawer.locator("input[name=unitPrice]").fill("1.5")
    field = drawer.get_by_label(f"生效时间（{ZONE}）")
    field.fill(begins.strftime("%Y-%m-%d %H:%M:%S"))
    field.press("Enter")
    preview(console, drawer)
    drawer.get_by_role("button", name="确认并保存新版本").click()
    expect(console.page.get_by_text("已保存价格版本")).to_be_visible()

    coming, former = inputs(console.router, "gpt-4.1")
    assert coming["unitPrice"] == Decimal("1.5")
    assert datetime.fromisoformat(coming["effectiveDate"]) == begins.astimezone(UTC)
    assert (coming["isActive"], former["isActive"]) == (False, True)
    console.settle()
    assert [row[2] for row in console.table("历史版本")] == ["非现行", "现行"]


def test_m2_36_a_first_price_is_added(pricing: ConsolePage) -> None:
    pricing.page.get_by_role("button", name="新增价格").click()
    form = pricing.page.get_by_role("dialog", name="新增价格")
    form.get_by_label("提供商").click()
    pricing.page.get_by_role("option", name="Studio").click()
    form.locator("input[name=modelId]").fill("bare")
    form.locator("input[name=unitPrice]").fill("0.8")
    form.locator("input[name=currency]").fill("CNY")
    preview(pricing, form)
    form.get_by_role("button", name="确认并保存新版本").click()
    expect(pricing.page.get_by_text("已保存价格版本")).to_be_visible()
    pricing.settle()

    (made,) = prices(pricing.router, modelId="bare")
    assert (made["unitPrice"], made["unit"], made["currency"]) == (Decimal("0.8"), "per_1m_tokens", "CNY")
    expect(pricing.page.get_by_role("dialog", name="价格详情")).to_contain_text("bare")


def test_a_picture_gets_another_price_for_its_channel(console: ConsolePage) -> None:
    (old,) = prices(console.router, modelId="posters")
    drawer = change_of(console, old["id"])
    drawer.locator("input[name=unitPrice]").fill("0.35")
    preview(console, drawer)
    drawer.get_by_role("button", name="确认并保存新版本").click()
    expect(console.page.get_by_text("已保存价格版本")).to_be_visible()

    (new,) = prices(console.router, modelId="posters")
    assert (new["unitPrice"], new["unit"], new["channelId"]) == (Decimal("0.35"), "per_image", "ch_studio")


def test_a_price_under_conditions_says_how_it_is_changed(console: ConsolePage) -> None:
    console.sign_in("/billing/pricing?price=google/gemini-2.5-pro/input_token%2Bover200000")

    drawer = console.page.get_by_role("dialog", name="价格详情")
    expect(drawer).to_contain_text("输入超过 200,000 Token")
    expect(drawer).to_contain_text("请通过导入价目表修改")
    expect(drawer.get_by_role("button", name="设置新价格")).to_have_count(0)


def test_what_the_server_refuses_is_told_in_its_words(console: ConsolePage) -> None:
    console.expected.add(400)
    nano = inputs(console.router, "gpt-4.1-nano")
    drawer = change_of(console, nano[0]["id"])
    field = drawer.get_by_label(f"生效时间（{ZONE}）")
    field.fill("2024-01-01 00:00:00")
    field.press("Enter")
    drawer.get_by_role("button", name="预览", exact=True).click()

    expect(drawer.get_by_role("alert")).to_contain_text("the date must not lie in the past")
    assert inputs(console.router, "gpt-4.1-nano") == nano


def test_a_price_list_is_compared_then_taken_over(pricing: ConsolePage) -> None:
    pricing.page.get_by_role("button", name="导入价目表").click()
    form = pricing.page.get_by_role("dialog", name="导入价目表")
    form.locator("textarea").fill(PRICE_LIST.replace("OUTPUT", "600"))
    form.get_by_role("button", name="比较差异").click()
    expect(form.locator(".unlikely")).to_have_count(1)
    take = form.get_by_role("button", name="导入为自有价格")
    expect(take).to_be_disabled()
    assert pricing.grave_barriers() == []
    pricing.shoot("price-import")

    form.locator("textarea").fill(PRICE_LIST.replace("OUTPUT", "1.5"))
    form.get_by_role("button", name="比较差异").click()
    expect(form.locator(".counts")).to_contain_text("有变化 2")
    changes = pricing.table("有变化的价格")
    assert changes == [
        ["openai/gpt-4.1-mini", "输入 Token", "US$0.40 / 100万 Token", "US$0.50 / 100万 Token"],
        ["openai/gpt-4.1-mini", "输出 Token", "US$1.60 / 100万 Token", "US$1.50 / 100万 Token"],
    ]
    assert amounts(pricing.router, "gpt-4.1-mini") == [Decimal("0.4")]
    take.click()
    expect(pricing.page.get_by_text("已导入")).to_be_visible()
    pricing.settle()

    assert amounts(pricing.router, "gpt-4.1-mini") == [Decimal("0.5"), Decimal("0.4")]
    assert any(row[3] == "US$0.50 / 100万 Token" for row in pricing.table("OpenAI"))


def test_a_list_is_read_from_a_file_and_a_broken_one_is_refused(pricing: ConsolePage) -> None:
    pricing.expected.add(400)
    pricing.page.get_by_role("button", name="导入价目表").click()
    form = pricing.page.get_by_role("dialog", name="导入价目表")
    path = pricing.screenshots / "prices.yaml"
    path.write_text("provider: openai\nmodels: {gpt-4o-mini: {input: free}}\n")
    form.locator("input[type=file]").set_input_files(path)
    form.get_by_role("button", name="比较差异").click()

    expect(form.get_by_role("alert")).to_contain_text("currency")
    expect(form.get_by_role("button", name="导入为自有价格")).to_have_count(0)


def test_names_that_want_to_be_markup_stay_text(pricing: ConsolePage) -> None:
    rows = pricing.page.get_by_role("region", name="Studio", exact=True).locator("tbody tr", has_text=HOSTILE)
    expect(rows).to_have_count(2)
    rows.first.get_by_role("button", name="详情").click()

    expect(pricing.page.get_by_role("dialog")).to_contain_text(HOSTILE)
    assert pricing.page.title() != "owned"
    expect(pricing.page.locator("img")).to_have_count(0)


def test_m2_04_a_viewer_reads_prices_and_changes_none(console: ConsolePage) -> None:
    console.log_in(0, *VIEWER, path="/billing/pricing?price=google/gemini-2.5-pro/input_token")
    console.settle()

    expect(console.page.get_by_role("dialog")).to_contain_text("历史版本")
    for name in ("设置新价格", "新增价格", "导入价目表"):
        expect(console.page.get_by_role("button", name=name, include_hidden=True)).to_have_count(0)


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_the_pages_keep_nobody_out(pricing: ConsolePage, language: str) -> None:
    pricing.speak(language)
    details, change = ("详情", "设置新价格") if language == "zh-CN" else ("Details", "Set a new price")
    for width, dark in ((1280, False), (390, False), (1280, True)):
        pricing.page.set_viewport_size({"width": width, "height": 900})
        if dark:
            pricing.page.get_by_role("button", name="Dark theme" if language == "en" else "深色主题").click()
        pricing.settle()
        assert pricing.page.evaluate("document.documentElement.scrollWidth") <= width
        name = f"{language}-{width}{'-dark' if dark else ''}"
        pricing.shoot(f"pricing-{name}")
        assert pricing.grave_barriers() == []
        region = pricing.page.get_by_role("region", name="OpenAI", exact=True)
        region.locator("tbody tr", has_text="gpt-4.1-nano").first.get_by_role("button", name=details).click()
        pricing.page.get_by_role("dialog").get_by_role("button", name=change).click()
        pricing.settle()
        pricing.shoot(f"price-{name}")
        assert pricing.grave_barriers() == []
        pricing.page.keyboard.press("Escape")
        expect(pricing.page.get_by_role("dialog")).to_be_hidden()
