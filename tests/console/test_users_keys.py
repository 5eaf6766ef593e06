"""用户与密钥 in the browser: what is made here works at the gateway, and a secret is shown once."""

from itertools import count

import pytest
from playwright.sync_api import Locator, expect

from tests.console.browsing import ConsolePage

TITLES = {"zh-CN": "用户与密钥", "en": "Users and keys"}
CALL = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}
_numbers = count(1)


@pytest.fixture
def people(console: ConsolePage) -> ConsolePage:
    console.sign_in("/users")
    return console


@pytest.fixture
def user_id(console: ConsolePage) -> str:
    """A user of this test's own."""
    name = f"person{next(_numbers)}"
    assert console.administer("POST", "/api/admin/users", {"id": name, "name": name.title()}).status == 201
    return name


def make_key(console: ConsolePage, name: str) -> str:
    """In the drawer of a user: a new key, as it is shown."""
    console.page.get_by_role("button", name="新建密钥").click()
    dialog = console.page.get_by_role("dialog", name="新建密钥")
    dialog.locator("input[name=keyName]").fill(name)
    dialog.get_by_role("button", name="新建", exact=True).click()
    return shown_key(console)


def shown_key(console: ConsolePage) -> str:
    field = console.page.locator("input[name=shownKey]")
    expect(field).to_be_visible()
    return field.input_value()


def leave_shown(console: ConsolePage) -> None:
    console.page.get_by_role("button", name="完成", exact=True).click()
    expect(console.page.locator("input[name=shownKey]")).to_be_hidden()


def calls(console: ConsolePage, key: str) -> int:
    return console.router.call(CALL, authorization=f"Bearer {key}").status


def key_row(console: ConsolePage, name: str) -> Locator:
    return console.page.get_by_role("region", name="API 密钥").locator("tr", has_text=name)


def test_a_user_is_made_and_a_key_that_is_shown_once(people: ConsolePage) -> None:
    people.page.get_by_role("button", name="新建用户").click()
    form = people.page.get_by_role("dialog", name="新建用户")
    form.locator("input[name=newUserId]").fill("dora")
    form.locator("input[name=userName]").fill("Dora")
    form.locator("input[name=groupRatio]").fill("1.5")
    form.get_by_role("button", name="新建", exact=True).click()
    drawer = people.page.get_by_role("dialog", name="用户详情")
    expect(drawer).to_contain_text("dora")
    expect(drawer).to_contain_text("1.5")

    key = make_key(people, "phone")

    assert key.startswith("sk-sar-")
    assert people.grave_barriers() == []
    people.shoot("users-shown-key")
    leave_shown(people)
    expect(key_row(people, "phone")).to_contain_text(f"…{key[-4:]}")
    assert key not in people.page.content()
    assert calls(people, key) == 200
    assert people.router.admin("GET", "/api/admin/users/dora").json["groupRatio"] == 1.5
    people.shoot("users-drawer")


def test_the_shown_key_is_copied(console: ConsolePage, user_id: str) -> None:
    console.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    console.sign_in(f"/users?user={user_id}")
    key = make_key(console, "copied")

    console.page.get_by_role("button", name="复制密钥").click()

    expect(console.page.get_by_text("已复制")).to_be_visible()
    assert console.page.evaluate("navigator.clipboard.readText()") == key


def test_a_key_is_changed_rotated_and_revoked(console: ConsolePage, user_id: str) -> None:
    console.sign_in(f"/users?user={user_id}")
    first = make_key(console, "server")
    leave_shown(console)

    key_row(console, "server").get_by_role("button", name="修改").click()
    form = console.page.get_by_role("dialog", name="修改密钥")
    form.locator("input[name=requestsPerMinute]").fill("600")
    form.locator("textarea[name=models]").fill("gpt-4o-mini\ntag:free")
    form.get_by_role("button", name="保存").click()
    expect(key_row(console, "server")).to_contain_text("gpt-4o-mini, tag:free")
    expect(key_row(console, "server")).to_contain_text("600 / —")

    key_row(console, "server").get_by_role("button", name="更换密钥").click()
    console.page.get_by_role("dialog", name="更换密钥：server").get_by_role("button", name="更换密钥").click()
    second = shown_key(console)
    leave_shown(console)
    assert first != second
    assert [calls(console, first), calls(console, second)] == [401, 200]

    key_row(console, "server").get_by_role("button", name="吊销").click()
    console.page.get_by_role("dialog", name="吊销密钥").get_by_role("button", name="吊销").click()
    expect(key_row(console, "server")).to_contain_text("已吊销")
    assert calls(console, second) == 401


def test_a_user_is_disabled_after_a_question(console: ConsolePage, user_id: str) -> None:
    console.sign_in(f"/users?user={user_id}")
    drawer = console.page.get_by_role("dialog", name="用户详情")
    question = console.page.get_by_role("dialog", name="停用", exact=True)
    drawer.get_by_role("button", name="停用").click()
    question.get_by_role("button", name="取消").click()
    expect(question).to_have_count(0)
    assert console.router.admin("GET", f"/api/admin/users/{user_id}").json["enabled"] is True

    console.open(f"/users?user={user_id}")
    console.settle()
    drawer.get_by_role("button", name="停用").click()
    question.get_by_role("button", name="停用").click()

    expect(drawer.get_by_role("button", name="启用")).to_be_visible()
    assert console.router.admin("GET", f"/api/admin/users/{user_id}").json["enabled"] is False


def test_a_refused_form_says_why_and_keeps_what_was_typed(people: ConsolePage) -> None:
    people.expected.add(409)
    people.page.get_by_role("button", name="新建用户").click()
    form = people.page.get_by_role("dialog", name="新建用户")
    form.locator("input[name=newUserId]").fill("alice")
    form.locator("input[name=userName]").fill("Another Alice")
    form.get_by_role("button", name="新建", exact=True).click()

    expect(form.get_by_role("alert")).to_contain_text("alice")
    expect(form.locator("input[name=userName]")).to_have_value("Another Alice")


def test_a_user_is_looked_up_by_id_and_an_unknown_one_said_so(people: ConsolePage) -> None:
    people.expected.add(404)
    people.page.locator("input[name=userId]").fill("alice")
    people.page.keyboard.press("Enter")
    expect(people.page.get_by_role("dialog", name="用户详情")).to_contain_text("Alice")
    assert "user=alice" in people.page.url

    people.open("/users?user=nobody")

    expect(people.page.get_by_role("dialog").get_by_role("alert").first).to_be_visible()


def test_all_keys_are_listed_with_their_users(people: ConsolePage) -> None:
    people.page.get_by_text("API 密钥", exact=True).first.click()
    people.settle()

    assert "tab=keys" in people.page.url
    key_row(people, "laptop").get_by_role("button", name="alice").click()
    expect(people.page.get_by_role("dialog", name="用户详情")).to_contain_text("Alice")


def test_an_administrator_is_made_and_locked(people: ConsolePage) -> None:
    people.page.get_by_text("管理员", exact=True).nth(1).click()
    people.page.get_by_role("button", name="新建管理员").click()
    form = people.page.get_by_role("dialog", name="新建管理员")
    form.locator("input[name=newUsername]").fill("erin")
    form.locator("input[name=newPassword]").fill("a long pass phrase of erin")
    form.get_by_role("button", name="新建", exact=True).click()
    row = people.page.get_by_role("region", name="管理员").locator("tr", has_text="erin")
    expect(row).to_contain_text("账单查看者")
    login = {"username": "erin", "password": "a long pass phrase of erin"}
    assert people.router.ask("POST", "/api/admin/login", login).status == 200

    row.get_by_role("button", name="停用").click()
    people.page.get_by_role("dialog", name="停用").get_by_role("button", name="停用").click()

    expect(row).to_contain_text("停用")
    expect(row.get_by_role("button", name="启用")).to_be_visible()
    assert people.router.ask("POST", "/api/admin/login", login).status == 401


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (390, False)])
def test_the_page_keeps_nobody_out(people: ConsolePage, language: str, width: int, dark: bool) -> None:
    people.page.set_viewport_size({"width": width, "height": 900})
    people.speak(language)
    if dark:
        people.page.get_by_role("button", name="Dark theme" if language == "en" else "深色主题").click()
    for tab in ("users", "keys", "administrators"):
        people.open(f"/users?tab={tab}")
        people.settle()
        expect(people.page.get_by_role("heading", level=1)).to_have_text(TITLES[language])
        assert people.grave_barriers() == []
        assert people.page.evaluate("document.documentElement.scrollWidth") <= width
        people.shoot(f"users-{tab}-{language}-{width}{'-dark' if dark else ''}")
