"""People who log in to a router at work, keys on several workers, and secrets that are nowhere."""

import json
import subprocess
import sys
from collections.abc import Iterator
from http.cookies import SimpleCookie
from typing import Any

import pytest

from smart_ai_router.api.admin_access import COOKIE
from tests.e2e import fault_harness
from tests.e2e.fault_harness import until

PASSWORD = "correct horse battery"
NEW_PASSWORD = "another long password"
OUR_PAGE = ("sec-fetch-site", "same-origin")


def told(answer: fault_harness.Answer) -> Any:
    return json.loads(answer.body) if answer.body else None


def admin(router: fault_harness.Router, method: str, path: str, body: object = None) -> tuple[int, Any]:
    return asked(router, method, f"/api/admin{path}", body, fault_harness.ADMIN)


def asked(
    router: fault_harness.Router, method: str, path: str, body: object = None, *headers: tuple[str, str]
) -> tuple[int, Any]:
    answer = router.ask(method, path, b"" if body is None else json.dumps(body).encode(), *headers)
    return answer.status, told(answer)


def log_in(router: fault_harness.Router, username: str = "carol", password: str = PASSWORD) -> str:
    """The session that a browser gets."""
    body = json.dumps({"username": username, "password": password}).encode()
    answer = router.ask("POST", "/api/admin/login", body, OUR_PAGE)
    assert answer.status == 200, answer
    return SimpleCookie(answer.headers["set-cookie"])[COOKIE].value


def me(router: fault_harness.Router, session: str) -> int:
    return router.ask("GET", "/api/admin/me", b"", ("cookie", f"{COOKIE}={session}")).status


def demo(router: fault_harness.Router, key: str) -> int:
    body = json.dumps({"model": "tag:free", "messages": [{"role": "user", "content": "Hello"}]}).encode()
    headers = (("content-type", "application/json"), ("authorization", f"Bearer {key}"))
    return router.ask("POST", "/v1/chat/completions", body, *headers).status


def command(router: fault_harness.Router, *words: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
    """The command line on this router's directories, in a process of its own."""
    places = ["--data-dir", str(router.data_dir), "--logs-dir", str(router.logs_dir)]
    return subprocess.run(
        [sys.executable, "-P", "-m", "smart_ai_router", *words, *places],
        capture_output=True, text=True, check=False, cwd=router.folder, env=router.variables, input=typed,
    )  # fmt: skip


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[fault_harness.Router]:
    """Two workers, the administrators carol, dan and eve, the user alice."""
    config = "system: {demo_channel: always, probe_local_servers: false}\n"
    router = fault_harness.Router(tmp_path_factory.mktemp("access"), config, "--workers", "2")
    try:
        router.start().wait_ready()
        made = command(router, "administrators", "create", "carol", typed=f"{PASSWORD}\n")
        assert made.returncode == 0, made.stderr
        for username in ("dan", "eve"):
            new = {"username": username, "password": PASSWORD}
            assert admin(router, "POST", "/administrators", new)[0] == 201
        assert admin(router, "POST", "/users", {"id": "alice", "name": "Alice"})[0] == 201
        yield router
    finally:
        router.close()


def test_s4_a_key_that_is_disabled_or_rotated_is_refused_on_every_worker_when_that_is_answered(
    router: fault_harness.Router,
) -> None:
    _, key = admin(router, "POST", "/users/alice/keys", {"name": "laptop"})
    assert {demo(router, key["key"]) for _ in range(8)} == {200}

    _, disabled = admin(router, "PATCH", f"/keys/{key['id']}", {"enabled": False})
    assert (disabled["effective"], {demo(router, key["key"]) for _ in range(8)}) == (True, {401})
    _, enabled = admin(router, "PATCH", f"/keys/{key['id']}", {"enabled": True})
    assert (enabled["effective"], {demo(router, key["key"]) for _ in range(8)}) == (True, {200})

    _, rotated = admin(router, "POST", f"/keys/{key['id']}/rotate", {})
    assert (rotated["effective"], {demo(router, key["key"]) for _ in range(8)}) == (True, {401})
    assert {demo(router, rotated["key"]) for _ in range(8)} == {200}
    _, again = admin(router, "POST", f"/keys/{key['id']}/rotate", {"overlapSeconds": 2})
    assert {demo(router, each) for _ in range(4) for each in (rotated["key"], again["key"])} == {200}
    until(lambda: {demo(router, rotated["key"]) for _ in range(4)} == {401}, 5, "the overlap is over")

    admin(router, "DELETE", f"/keys/{key['id']}")
    assert {demo(router, again["key"]) for _ in range(8)} == {401}
    assert asked(router, "GET", "/api/admin/me", None, ("authorization", f"Bearer {again['key']}"))[0] == 401


def test_sessions_survive_a_kill_of_the_control_plane_and_end_with_the_password(router: fault_harness.Router) -> None:
    session = log_in(router, "dan")
    assert me(router, session) == 200

    router.kill("control")
    until(lambda: router.ask("GET", "/api/admin/me").status == 401, 20, "the control plane is back")
    assert me(router, session) == 200

    changed = command(router, "administrators", "password", "dan", typed=NEW_PASSWORD)
    assert changed.returncode == 0, changed.stderr
    assert me(router, session) == 401
    other = log_in(router, "dan", NEW_PASSWORD)
    assert command(router, "administrators", "disable", "dan").returncode == 0
    assert me(router, other) == 401
    router.verify()


def test_s5_through_the_gateway_a_cookie_is_httponly_strict_and_no_foreign_page_uses_it(
    router: fault_harness.Router,
) -> None:
    body = json.dumps({"username": "carol", "password": PASSWORD}).encode()
    plain = router.ask("POST", "/api/admin/login", body)
    behind_tls = router.ask(
        "POST", "/api/admin/login", body, ("x-forwarded-proto", "https"), ("x-forwarded-for", "203.0.113.9")
    )
    session = SimpleCookie(plain.headers["set-cookie"])[COOKIE]
    cookie = ("cookie", f"{COOKIE}={session.value}")

    assert (session["httponly"], session["samesite"], session["secure"]) == (True, "Strict", "")
    assert SimpleCookie(behind_tls.headers["set-cookie"])[COOKIE]["secure"] is True
    change = {"id": "bob", "name": "Bob"}
    assert asked(router, "POST", "/api/admin/users", change, cookie)[0] == 403
    assert asked(router, "POST", "/api/admin/users", change, cookie, ("origin", "https://evil.example"))[0] == 403
    assert asked(router, "POST", "/api/admin/users", change, cookie, OUR_PAGE)[0] == 201
    entries = admin(router, "GET", "/audit?action=logged_in&limit=2")[1]["entries"]
    assert [entry["client"] for entry in entries] == ["203.0.113.9", "127.0.0.1"]


def test_s1_guessing_is_throttled_through_the_gateway(router: fault_harness.Router) -> None:
    wrong = {"username": "eve", "password": "wrong"}

    answers = [asked(router, "POST", "/api/admin/login", wrong)[0] for _ in range(12)]

    assert answers == [401] * 10 + [429] * 2
    assert admin(router, "GET", "/users")[0] == 200


def test_m2_04_a_billing_viewer_reads_and_changes_nothing(router: fault_harness.Router) -> None:
    made = command(router, "administrators", "create", "books", "--role", "billing_viewer", typed=PASSWORD)
    assert made.returncode == 0, made.stderr
    cookie = ("cookie", f"{COOKIE}={log_in(router, 'books')}")

    assert asked(router, "GET", "/v1/stats/daily", None, cookie)[0] == 200
    assert asked(router, "GET", "/api/admin/users", None, cookie)[0] == 200
    for method, path in (
        ("POST", "/api/admin/users"),
        ("POST", "/v1/stats/clear-all-alerts"),
        ("POST", "/v1/admin/config/reload"),
        ("GET", "/api/admin/audit"),
        ("GET", "/api/admin/billing/nothing"),
    ):
        assert asked(router, method, path, {}, cookie, OUR_PAGE)[0] == 403, path


def test_s6_no_password_session_or_key_stands_anywhere(router: fault_harness.Router) -> None:
    session = log_in(router)
    _, script = asked(router, "POST", "/api/admin/auth/login", {"username": "carol", "password": PASSWORD})
    _, key = admin(router, "POST", "/users/alice/keys", {"name": "laptop"})
    _, rotated = admin(router, "POST", f"/keys/{key['id']}/rotate", {"overlapSeconds": 60})
    user = told(router.ask("POST", "/api/admin/auth/login", json.dumps({"apiKey": rotated["key"]}).encode()))
    assert {demo(router, each) for each in (key["key"], rotated["key"])} == {200}
    secrets = [PASSWORD, NEW_PASSWORD, session, script["token"], user["token"], key["key"], rotated["key"]]
    token = fault_harness.ADMIN[1].removeprefix("Bearer ")
    bodies = [
        router.ask("POST", "/api/admin/login", content, ("cookie", f"{COOKIE}={session}"), OUR_PAGE).body
        for content in (
            json.dumps({"username": "carol", "password": NEW_PASSWORD}).encode(),
            json.dumps({"username": PASSWORD, "password": "carol"}).encode(),
            json.dumps({"username": "carol", "password": [PASSWORD]}).encode(),
            json.dumps({"apiKey": rotated["key"] + "x"}).encode(),
            json.dumps({"apikey": rotated["key"]}).encode(),
            PASSWORD.encode(),
        )
    ]
    bodies += [
        router.ask("GET", "/api/admin/users", b"", ("authorization", f"Bearer {secret}x")).body for secret in secrets
    ]
    bodies += [
        router.ask("GET", path, b"", fault_harness.ADMIN).body
        for path in ("/api/admin/audit?limit=1000", "/api/admin/audit/export", "/api/admin/keys", "/metrics",
                     "/api/admin/administrators", "/api/system/info", "/v1/admin/config/status")
    ]  # fmt: skip
    doubled = {"username": "carol", "password": NEW_PASSWORD, "passphrase": PASSWORD}
    bodies.append(json.dumps(admin(router, "POST", "/administrators", doubled)[1]).encode())
    assert router.stop() == 0

    files = [path for path in router.folder.rglob("*") if path.is_file() and path.name != "admin_token"]
    kept = {str(path.relative_to(router.folder)): path.read_bytes() for path in files}
    found = {(name, secret) for name, content in kept.items() for secret in secrets if secret.encode() in content}
    assert found == set()
    assert {name for name, content in kept.items() if token.encode() in content} == set()
    assert not [body for body in bodies for secret in secrets if secret.encode() in body]
    assert "data/actions.jsonl" in kept
    assert "data/books.db" in kept
