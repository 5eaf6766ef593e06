"""Administrators, changed keys and the audit record over HTTP."""

import csv
import io

import pytest
from starlette.testclient import TestClient

from tests.api.access_fixtures import PASSWORD, ROOT_TOKEN, World, bearer, cookie


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def admin(world: World) -> TestClient:
    return world.client(bearer(ROOT_TOKEN))


def test_an_administrator_is_made_changed_and_listed(world: World, admin: TestClient) -> None:
    made = admin.post("/api/admin/administrators", json={"username": "eve", "password": PASSWORD})
    changed = admin.patch("/api/admin/administrators/eve", json={"role": "billing_viewer"})
    listed = admin.get("/api/admin/administrators").json()["administrators"]

    assert (made.status_code, changed.status_code) == (201, 200)
    assert made.json() == {
        "username": "eve", "role": "admin", "enabled": True, "createdAt": "2026-11-22T12:00:00.000Z",
    }  # fmt: skip
    assert changed.json()["role"] == "billing_viewer"
    assert [each["username"] for each in listed] == ["carol", "dan", "eve", "vera"]
    assert world.session("eve")
    assert not any("password" in key.lower() or "hash" in key.lower() for each in listed for key in each)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"username": "eve", "password": "short"}, 400),
        ({"username": "a b", "password": PASSWORD}, 400),
        ({"username": "carol", "password": PASSWORD}, 409),
        ({"username": "eve", "password": PASSWORD, "role": "root"}, 400),
        ({"username": "eve", "password": PASSWORD, "epoch": 0}, 400),
        ({"username": "eve", "password": [PASSWORD]}, 400),
        ({"username": "eve"}, 400),
    ],
)
def test_s18_what_is_no_administrator_is_refused_without_its_password(
    admin: TestClient, body: dict[str, object], status: int
) -> None:
    refused = admin.post("/api/admin/administrators", json=body)

    assert refused.status_code == status
    assert set(refused.json()) == {"detail", "code"}
    assert str(body.get("password")) not in refused.text


def test_an_unknown_administrator_is_not_found(admin: TestClient) -> None:
    assert admin.patch("/api/admin/administrators/nobody", json={"role": "admin"}).status_code == 404


def test_an_administrator_is_locked_out_and_let_in_again(world: World, admin: TestClient) -> None:
    session = world.client(bearer(world.session("carol")))

    assert admin.patch("/api/admin/administrators/carol", json={"enabled": False}).json()["enabled"] is False
    assert session.get("/api/admin/me").status_code == 401
    assert admin.patch("/api/admin/administrators/carol", json={"enabled": True}).json()["enabled"] is True
    assert world.session("carol")


# --- keys ---


def test_a_key_is_changed_null_taking_limits_away(world: World, admin: TestClient) -> None:
    place = f"/api/admin/keys/{world.key.id}"

    limited = admin.patch(place, json={"requestsPerMinute": 5, "expiresAt": "2027-01-31", "models": ["tag:free"]})
    freed = admin.patch(place, json={"requestsPerMinute": None, "expiresAt": None, "models": []})
    disabled = admin.patch(place, json={"enabled": False})

    assert limited.json()["requestsPerMinute"] == 5
    assert (freed.json()["requestsPerMinute"], freed.json()["expiresAt"], freed.json()["models"]) == (None, None, [])
    assert (disabled.json()["status"], disabled.json()["enabled"]) == ("disabled", False)
    assert world.client(bearer(world.key.key)).get("/api/admin/me").status_code == 401


@pytest.mark.parametrize("body", [{}, {"userId": "bob"}, {"key": "sk-x"}, {"sha256Hex": "00"}, {"enabled": 1}])
def test_s18_nothing_else_of_a_key_is_changed(world: World, admin: TestClient, body: dict[str, object]) -> None:
    assert admin.patch(f"/api/admin/keys/{world.key.id}", json=body).status_code == 400


def test_a_rotated_key_is_shown_once(world: World, admin: TestClient) -> None:
    place = f"/api/admin/keys/{world.key.id}/rotate"

    rotated = admin.post(place, json={"overlapSeconds": 60}, headers={"idempotency-key": "r1"})
    repeated = admin.post(place, json={"overlapSeconds": 60}, headers={"idempotency-key": "r1"})

    told = rotated.json()
    assert (rotated.status_code, told["formerKeyUntil"]) == (200, "2026-11-22T12:01:00.000Z")
    assert repeated.json()["key"] is None
    assert told["key"] not in admin.get("/api/admin/keys").text
    for key in (world.key.key, told["key"]):
        assert world.client(bearer(key)).get("/api/admin/me").status_code == 200
    world.office.clock.now += 60
    assert world.client(bearer(world.key.key)).get("/api/admin/me").status_code == 401
    assert admin.post("/api/admin/keys/key_none/rotate", json={}).status_code == 404
    assert admin.post(f"/api/admin/keys/{world.revoked_key.id}/rotate", json={}).status_code == 409


def test_a_session_opened_by_a_key_ends_when_the_key_is_revoked(world: World, admin: TestClient) -> None:
    token = world.client().post("/api/admin/auth/login", json={"apiKey": world.key.key}).json()["token"]
    user = world.client(cookie(token))
    assert user.get("/api/admin/users/alice").status_code == 200

    admin.delete(f"/api/admin/keys/{world.key.id}")

    assert user.get("/api/admin/users/alice").status_code == 401


# --- audit ---


def test_the_record_is_filtered_and_paged(world: World, admin: TestClient) -> None:
    by_action = admin.get("/api/admin/audit", params={"action": "user_created", "limit": 1}).json()
    rest = admin.get("/api/admin/audit", params={"action": "user_created", "cursor": by_action["nextCursor"]}).json()
    by_time = admin.get("/api/admin/audit", params={"from": "2026-11-23"}).json()
    by_actor = admin.get("/api/admin/audit", params={"actor": "administrator:dan"}).json()

    assert [each["subject"] for each in (*by_action["entries"], *rest["entries"])] == ["user:bob", "user:alice"]
    assert by_time["entries"] == []
    assert [each["action"] for each in by_actor["entries"]] == ["logged_in"]
    assert admin.get("/api/admin/audit", params={"to": "never"}).status_code == 400


def test_s12_the_file_is_csv_that_opens_safely(world: World, admin: TestClient) -> None:
    world.client().post("/api/admin/login", json={"username": "carol", "password": "wrong"})

    response = admin.get("/api/admin/audit/export", params={"action": "logins_failed"})

    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["content-disposition"] == 'attachment; filename="audit.csv"'
    rows = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert rows[0][0] == "number"
    assert [row[3:5] for row in rows[1:]] == [["logins_failed", "administrator:carol"]]
    assert admin.get("/api/admin/audit/export", params={"from": "x"}).status_code == 400
