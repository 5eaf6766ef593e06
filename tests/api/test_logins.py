"""Logging in and out over HTTP."""

from http.cookies import SimpleCookie

import pytest
from httpx2 import Response

from smart_ai_router.api.admin_access import COOKIE
from smart_ai_router.core.access_messages import AdministratorEdit
from smart_ai_router.core.sessions import IDLE_MS, LIFE_MS
from tests.api.access_fixtures import HERE, PASSWORD, ROOT_TOKEN, ZONE, World, bearer, cookie
from tests.core.administration_samples import by

CAROL = {"username": "carol", "password": PASSWORD}


@pytest.fixture
def world() -> World:
    return World()


def set_cookie(response: Response) -> SimpleCookie:
    return SimpleCookie(response.headers["set-cookie"])


def logged_in(world: World, **more: str) -> str:
    """The session token that a browser gets."""
    response = world.client(more).post("/api/admin/login", json=CAROL)
    assert response.status_code == 200, response.text
    return set_cookie(response)[COOKIE].value


def test_a_browser_gets_a_cookie_that_no_page_can_read(world: World) -> None:
    response = world.client().post("/api/admin/login", json=CAROL)

    assert response.status_code == 200
    assert response.json() == {
        "role": "admin", "name": "carol", "userId": None, "expiresAt": "2026-11-23T00:00:00.000Z", "timeZone": ZONE,
    }  # fmt: skip
    morsel = set_cookie(response)[COOKIE]
    assert (morsel["httponly"], morsel["samesite"], morsel["path"], morsel["secure"]) == (True, "Strict", "/", "")
    assert morsel["max-age"] == str(LIFE_MS // 1000)
    assert morsel.value not in response.text
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("peer", "scheme", "secure"),
    [("127.0.0.1", "https", True), ("127.0.0.1", "http", False), ("203.0.113.9", "https", False)],
)
def test_the_cookie_is_secure_behind_a_proxy_that_is_trusted_and_speaks_tls(
    world: World, peer: str, scheme: str, secure: bool
) -> None:
    client = world.client({"x-router-client-ip": peer, "x-forwarded-proto": scheme})

    assert bool(set_cookie(client.post("/api/admin/login", json=CAROL))[COOKIE]["secure"]) is secure


def test_a_script_gets_the_token_itself_and_no_cookie(world: World) -> None:
    response = world.client().post("/api/admin/auth/login", json=CAROL)

    told = response.json()
    assert response.status_code == 200
    assert "set-cookie" not in response.headers
    assert {name: told[name] for name in ("username", "email", "adminId", "role")} == {
        "username": "carol", "email": None, "adminId": "carol", "role": "admin",
    }  # fmt: skip
    assert world.client(bearer(told["token"])).get("/api/admin/me").json()["name"] == "carol"


def test_a_user_logs_in_by_an_api_key_and_is_himself(world: World) -> None:
    response = world.client().post("/api/admin/login", json={"apiKey": world.key.key})
    client = world.client(cookie(set_cookie(response)[COOKIE].value))

    assert (response.json()["role"], response.json()["userId"]) == ("user", "alice")
    assert client.get("/api/admin/users/alice").status_code == 200
    assert client.get("/api/admin/users/bob").status_code == 403
    assert client.get("/v1/stats/daily").status_code == 403


def test_the_admin_token_opens_a_session_that_lasts_and_is_noted(world: World) -> None:
    response = world.client().post("/api/admin/login", json={"token": f" {ROOT_TOKEN}\n"})
    client = world.client(cookie(set_cookie(response)[COOKIE].value))

    assert (response.json()["role"], response.json()["name"]) == ("admin", "admin")
    assert ROOT_TOKEN not in response.text + response.headers["set-cookie"]
    assert client.get("/api/admin/me").json() == response.json()
    assert client.get("/api/admin/audit").status_code == 200
    (entry,) = world.office.verbs.audit(limit=1).entries
    assert (entry.action, entry.actor, entry.subject) == ("logged_in", "admin", "admin")
    assert client.post("/api/admin/me/password", json={"currentPassword": "x", "newPassword": "y"}).status_code == 400
    assert client.post("/api/admin/logout").status_code == 204
    assert client.get("/api/admin/me").status_code == 401


@pytest.mark.parametrize(
    "token", ["", "right-admin-toke", "right-admin-tokenn", "RIGHT-ADMIN-TOKEN", "x" * 100_000, "令牌"]
)
def test_any_other_admin_token_is_refused(world: World, token: str) -> None:
    response = world.client().post("/api/admin/login", json={"token": token})

    assert response.status_code == 401
    assert response.json() == {"detail": "the admin token is not right", "code": "login_refused"}
    assert "set-cookie" not in response.headers


def test_guesses_at_the_admin_token_are_throttled_and_noted_without_it(world: World) -> None:
    client = world.client()
    for _ in range(50):
        assert client.post("/api/admin/login", json={"token": "guessed-token"}).status_code == 401

    throttled = client.post("/api/admin/login", json={"token": ROOT_TOKEN})

    assert (throttled.status_code, throttled.json()["code"]) == (429, "login_throttled")
    (entry,) = world.office.verbs.audit(limit=1).entries
    assert (entry.action, entry.actor, entry.subject) == ("logins_failed", "anonymous", "unknown")
    assert b"guessed-token" not in b"".join(world.office.log.read().lines)


def test_who_one_is_by_token_by_session_and_by_key(world: World) -> None:
    def me(headers: dict[str, str]) -> object:
        return world.client(headers).get("/api/admin/me").json()

    assert me(bearer(ROOT_TOKEN)) == {
        "role": "admin", "name": "admin", "userId": None, "expiresAt": None, "timeZone": ZONE,
    }  # fmt: skip
    assert me(bearer(world.key.key)) == {
        "role": "user", "name": "alice", "userId": "alice", "expiresAt": None, "timeZone": ZONE,
    }  # fmt: skip
    assert me(cookie(world.session("vera"))) == {
        "role": "billing_viewer", "name": "vera", "userId": None, "expiresAt": "2026-11-23T00:00:00.000Z",
        "timeZone": ZONE,
    }  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        {"username": "carol", "password": "wrong horse battery"},
        {"username": "nobody", "password": PASSWORD},
        {"username": "dan", "password": PASSWORD},
        {"username": "", "password": ""},
        {"username": "carol", "password": PASSWORD.upper()},
        {"username": "carol'--", "password": PASSWORD},
        {"username": "carol", "password": "x" * 100_000},
    ],
)
def test_every_refusal_of_a_name_and_a_password_reads_the_same(world: World, body: dict[str, str]) -> None:
    response = world.client().post("/api/admin/login", json=body)

    assert response.status_code == 401
    assert response.json() == {"detail": "the name or the password is not right", "code": "login_refused"}
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "carol"},
        {"password": PASSWORD},
        {"username": "carol", "password": PASSWORD, "apiKey": "sk"},
        {"username": "carol", "password": PASSWORD, "role": "admin"},
        {"username": 1, "password": PASSWORD},
        {"username": "carol", "password": PASSWORD, "token": ROOT_TOKEN},
        {"username": "carol", "token": ROOT_TOKEN},
        {"apiKey": "sk", "token": ROOT_TOKEN},
        {"token": 1},
        [],
    ],
)
def test_what_is_no_login_is_refused_without_being_repeated(world: World, body: object) -> None:
    response = world.client().post("/api/admin/login", json=body)

    assert response.status_code == 400
    assert PASSWORD not in response.text


def test_s1_the_eleventh_attempt_in_a_row_waits_with_the_right_password_too(world: World) -> None:
    client = world.client()
    for _ in range(10):
        assert client.post("/api/admin/login", json={**CAROL, "password": "wrong"}).status_code == 401

    throttled = client.post("/api/admin/login", json=CAROL)
    elsewhere = world.client({"x-router-client-ip": "198.51.100.1"}).post("/api/admin/login", json=CAROL)

    assert (throttled.status_code, throttled.json()["code"]) == (429, "login_throttled")
    assert 0 < int(throttled.headers["retry-after"]) <= 90
    assert elsewhere.status_code == 200
    world.monotonic += 90
    assert client.post("/api/admin/login", json=CAROL).status_code == 200


def test_a_login_closes_the_session_that_the_browser_had(world: World) -> None:
    former = logged_in(world)
    latter = logged_in(world, **cookie(former))

    assert former != latter
    assert world.client(cookie(former)).get("/api/admin/me").status_code == 401
    assert world.client(cookie(latter)).get("/api/admin/me").status_code == 200


def test_a_logout_ends_the_session_and_takes_the_cookie_away(world: World) -> None:
    client = world.client(cookie(logged_in(world)))

    response = client.post("/api/admin/logout")

    assert (response.status_code, response.content) == (204, b"")
    morsel = set_cookie(response)[COOKIE]
    assert (morsel.value, morsel["max-age"], morsel["httponly"]) == ("", "0", True)
    assert client.get("/api/admin/me").status_code == 401


def test_a_logout_by_token_ends_that_session_and_by_the_admin_token_nothing(world: World) -> None:
    script = world.client(bearer(world.session("carol")))
    root = world.client(bearer(ROOT_TOKEN))

    assert (script.post("/api/admin/logout").status_code, script.get("/api/admin/me").status_code) == (204, 401)
    assert (root.post("/api/admin/logout").status_code, root.get("/api/admin/me").status_code) == (204, 200)


@pytest.mark.parametrize(("after_ms", "status"), [(IDLE_MS - 1, 200), (IDLE_MS, 401)])
def test_a_session_ends_when_nobody_uses_it(world: World, after_ms: int, status: int) -> None:
    client = world.client(cookie(logged_in(world)))
    world.office.clock.now += after_ms / 1000

    assert client.get("/api/admin/me").status_code == status


def test_a_session_in_use_ends_when_its_time_is_over(world: World) -> None:
    client = world.client(cookie(logged_in(world)))
    for _ in range(23):
        world.office.clock.now += IDLE_MS / 2000
        assert client.get("/api/admin/me").status_code == 200
    world.office.clock.now += IDLE_MS / 2000

    assert client.get("/api/admin/me").status_code == 401


def test_a_disabled_administrator_is_out_at_once_and_stays_out_when_enabled_again(world: World) -> None:
    client = world.client(cookie(logged_in(world)))

    world.office.verbs.change_administrator("carol", AdministratorEdit(enabled=False), by())
    assert client.get("/api/admin/me").status_code == 401
    world.office.verbs.change_administrator("carol", AdministratorEdit(enabled=True), by())

    assert client.get("/api/admin/me").status_code == 401
    assert world.client(cookie(logged_in(world))).get("/api/admin/me").status_code == 200


def test_another_role_counts_at_once(world: World) -> None:
    client = world.client(cookie(logged_in(world)))
    assert client.get("/api/admin/audit").status_code == 200

    world.office.verbs.change_administrator("carol", AdministratorEdit(role="billing_viewer"), by())

    assert client.get("/api/admin/audit").status_code == 403
    assert client.get("/api/admin/users").status_code == 200


def test_one_s_own_password_is_changed_by_the_one_before_and_ends_all_sessions(world: World) -> None:
    sessions = [world.client(cookie(logged_in(world))) for _ in range(2)]
    wrong = {"currentPassword": "not this one", "newPassword": "another long password"}
    right = {**wrong, "currentPassword": PASSWORD}

    assert sessions[0].post("/api/admin/me/password", json=wrong).status_code == 401
    assert sessions[0].post("/api/admin/me/password", json={**right, "newPassword": "short"}).status_code == 400
    assert sessions[0].post("/api/admin/me/password", json=right).status_code == 204

    assert [each.get("/api/admin/me").status_code for each in sessions] == [401, 401]
    assert world.client().post("/api/admin/login", json=CAROL).status_code == 401
    assert world.session("carol", "another long password")


def test_the_admin_token_has_no_password_to_change(world: World) -> None:
    body = {"currentPassword": PASSWORD, "newPassword": "another long password"}

    assert world.client(bearer(ROOT_TOKEN)).post("/api/admin/me/password", json=body).status_code == 400


def test_changes_stand_in_the_audit_record_under_the_name_of_who_logged_in(world: World) -> None:
    client = world.client(cookie(logged_in(world)))
    client.patch("/api/admin/users/alice", json={"name": "A"})
    client.post("/api/admin/logout")
    world.client().post("/api/admin/login", json={**CAROL, "password": "wrong"})
    world.client().post("/api/admin/login", json={"username": PASSWORD, "password": "x"})

    entries = world.office.verbs.audit(limit=5).entries

    assert [(entry.action, entry.actor, entry.subject, entry.client) for entry in entries] == [
        ("logins_failed", "anonymous", "unknown", HERE["x-router-client-ip"]),
        ("logins_failed", "anonymous", "administrator:carol", HERE["x-router-client-ip"]),
        ("logged_out", "administrator:carol", "administrator:carol", HERE["x-router-client-ip"]),
        ("user_changed", "administrator:carol", "user:alice", HERE["x-router-client-ip"]),
        ("logged_in", "administrator:carol", "administrator:carol", HERE["x-router-client-ip"]),
    ]
