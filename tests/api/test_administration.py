"""Users, keys, prices and the audit record over HTTP."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from smart_ai_router.api.console import PAGE
from smart_ai_router.api.control import create_control_app
from smart_ai_router.core.administration import Origin
from smart_ai_router.domain.meters import Meter
from tests.api.control_fixtures import ADMIN, services_over
from tests.core.administration_samples import Office
from tests.domain.pricing_samples import row


@pytest.fixture
def office() -> Office:
    """Nothing yet, and a book of one price."""
    return Office(prices=(row(Meter.INPUT, "2.5"),))


@pytest.fixture
def client(office: Office) -> TestClient:
    """The administrator's."""
    app = create_control_app(services_over(administration=office.verbs))
    return TestClient(app, headers={**ADMIN, "x-router-client-ip": "192.0.2.7"})


def exact(response: Any) -> Any:
    return json.loads(response.text, parse_float=Decimal)


def make_alice(client: TestClient) -> None:
    assert client.post("/api/admin/users", json={"id": "alice", "name": "Alice"}).status_code == 201


# --- users and keys ---


def test_the_design_s_two_requests_make_a_user_and_show_a_key_once(client: TestClient) -> None:
    user = client.post("/api/admin/users", json={"id": "alice", "name": "Alice"})
    made = client.post("/api/admin/users/alice/keys", json={"name": "laptop"})
    listed = client.get("/api/admin/users/alice/keys")

    assert (user.status_code, made.status_code) == (201, 201)
    assert user.json() == {
        "id": "alice",
        "name": "Alice",
        "enabled": True,
        "groupRatio": 1,
        "createdAt": "2026-11-22T12:00:00.000Z",
        "effective": True,
    }
    key = made.json()
    assert key["key"].startswith("sk-sar-")
    assert (key["userId"], key["keyEnd"], key["status"]) == ("alice", key["key"][-4:], "active")
    assert key["key"] not in listed.text
    assert [each["id"] for each in listed.json()["keys"]] == [key["id"]]
    assert "key" not in listed.json()["keys"][0]


def test_a_user_is_listed_shown_and_changed(client: TestClient) -> None:
    make_alice(client)

    changed = client.patch("/api/admin/users/alice", json={"enabled": False, "groupRatio": 0.8})
    shown = client.get("/api/admin/users/alice")
    listed = client.get("/api/admin/users", params={"limit": 1})

    assert (changed.status_code, shown.status_code, listed.status_code) == (200, 200, 200)
    assert exact(shown)["groupRatio"] == Decimal("0.8")
    assert (shown.json()["enabled"], shown.json()["name"]) == (False, "Alice")
    assert listed.json() == {"users": [shown.json()], "nextCursor": None}


def test_a_ratio_keeps_every_digit(client: TestClient) -> None:
    made = client.post("/api/admin/users", content=b'{"name":"U","groupRatio":1.123456789}')

    assert exact(made)["groupRatio"] == Decimal("1.123456789")


def test_a_key_is_revoked_by_its_id(client: TestClient) -> None:
    make_alice(client)
    key_id = client.post("/api/admin/users/alice/keys", json={"name": "laptop"}).json()["id"]

    revoked = client.delete(f"/api/admin/keys/{key_id}")

    assert revoked.status_code == 200
    assert (revoked.json()["status"], revoked.json()["effective"]) == ("revoked", True)
    assert client.get("/api/admin/keys").json()["keys"][0]["status"] == "revoked"
    assert client.delete("/api/admin/keys/key_unknown").status_code == 404


def test_every_field_of_a_key_is_taken(client: TestClient) -> None:
    make_alice(client)
    asked = {
        "name": "ci",
        "models": ["tag:free"],
        "expiresAt": "2027-01-31",
        "requestsPerMinute": 10,
        "concurrency": 2,
    }

    made = client.post("/api/admin/users/alice/keys", json=asked).json()

    assert {name: made[name] for name in asked} == {**asked, "expiresAt": "2027-01-31T00:00:00.000Z"}


# --- prices ---


def test_prices_are_set_listed_and_imported(client: TestClient) -> None:
    asked = {"providerId": "p", "modelId": "m", "currency": "USD", "prices": [{"pricingType": "input", "price": 3}]}
    content = "{provider: p, currency: USD, source: s, checked: 2026-11-20, models: {n: {input: 1}}}"

    preview = client.post("/api/admin/prices", json={**asked, "dryRun": True})
    stored = client.post("/api/admin/prices", json=asked)
    imported = client.post("/api/admin/prices/import", json={"content": content})
    listed = client.get("/api/admin/prices", params={"providerId": "p", "modelId": "n"})

    assert (preview.status_code, stored.status_code, imported.status_code) == (200, 201, 201)
    assert preview.json()["dryRun"] is True
    (changed,) = exact(stored)["changed"]
    assert (changed["old"]["price"], changed["new"]["price"], changed["unlikely"]) == (Decimal("2.5"), 3, False)
    assert [each["id"] for each in listed.json()["prices"]] == ["own:p/n/input_token@2026-11-22T12:00:00Z"]
    assert listed.json()["prices"][0]["owner"] == "provider"


def test_a_price_keeps_every_digit(client: TestClient) -> None:
    body = (
        b'{"providerId":"p","modelId":"x","currency":"USD",'
        b'"prices":[{"pricingType":"input","price":0.003625000000000001}]}'
    )

    assert b'"price":0.003625000000000001,' in client.post("/api/admin/prices", content=body).content


def test_a_mistaken_unit_is_answered_with_what_to_do(client: TestClient) -> None:
    asked = {"providerId": "p", "modelId": "m", "currency": "USD", "prices": [{"pricingType": "input", "price": 2500}]}

    refused = client.post("/api/admin/prices", json=asked)

    assert (refused.status_code, refused.json()["code"]) == (409, "confirmation_required")
    assert client.post("/api/admin/prices", json={**asked, "confirm": True}).status_code == 201


# --- idempotency and audit ---


def test_a_request_with_an_idempotency_key_is_done_once(client: TestClient) -> None:
    headers = {"idempotency-key": "k1"}

    first = client.post("/api/admin/users", json={"name": "Alice"}, headers=headers)
    second = client.post("/api/admin/users", json={"name": "Alice"}, headers=headers)
    other = client.post("/api/admin/users", json={"name": "Bob"}, headers=headers)

    assert (first.status_code, second.status_code, second.json()) == (201, 201, first.json())
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")
    assert len(client.get("/api/admin/users").json()["users"]) == 1


def test_the_audit_record_says_where_a_change_came_from(client: TestClient) -> None:
    make_alice(client)
    client.patch("/api/admin/users/alice", json={"enabled": False})

    page = client.get("/api/admin/audit", params={"limit": 1}).json()

    (entry,) = page["entries"]
    assert (entry["action"], entry["subject"], entry["actor"], entry["client"]) == (
        "user_changed",
        "user:alice",
        "admin",
        "192.0.2.7",
    )
    assert (entry["before"]["enabled"], entry["after"]["enabled"]) == (True, False)
    assert page["nextCursor"] == "2"
    assert client.get("/api/admin/audit", params={"subject": "user:bob"}).json()["entries"] == []


# --- refusals ---


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"alice"',
        b"{",
        b'{"name":"a","name":"b"}',
        b'{"name":NaN}',
        b'{"name":"a","groupRatio":NaN}',
        b'{"name":"a","groupRatio":1e999}',
        b'{"name":"a","groupRatio":true}',
        b'{"name":"\\ud800"}',
        b'{"name":"\xff"}',
        b'{"name":7}',
        b'{"name":null}',
        b'{"id":"alice"}',
        b'{"name":"a","is_admin":true}',
        b'{"name":"a","role":"admin"}',
        b'{"name":"a","balance":100}',
        b'{"name":"a","createdAt":"2020-01-01"}',
        b'{"name":"a","effective":true}',
        b'{"Name":"a"}',
        b'{"name":"' + b"[" * 100_000 + b'"}',
        b"[" * 100_000,
        b'{"name":"a","groupRatio":' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_no_request_is_refused_whole(client: TestClient, body: bytes) -> None:
    response = client.post("/api/admin/users", content=body)

    assert response.status_code == 400, response.text
    assert set(response.json()) == {"detail", "code"}
    assert client.get("/api/admin/users").json()["users"] == []


@pytest.mark.parametrize("field", ["role", "quota", "key", "sha256Hex", "userId", "status", "revokedAt", "id"])
def test_a_key_has_no_other_fields_than_its_own(client: TestClient, field: str) -> None:
    make_alice(client)

    response = client.post("/api/admin/users/alice/keys", json={"name": "laptop", field: "x"})

    assert response.status_code == 400
    assert field in response.json()["detail"]


@pytest.mark.parametrize("user_id", ["'; DROP TABLE api_user; --", "..%2f..", "%00", "a%0ab", "x" * 300])
def test_no_id_in_a_path_does_anything_but_not_be_found(client: TestClient, user_id: str) -> None:
    assert client.get(f"/api/admin/users/{user_id}").status_code == 404
    assert client.delete(f"/api/admin/keys/{user_id}").status_code == 404
    assert client.get("/api/admin/audit", params={"subject": user_id}).json()["entries"] == []


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "cursor=" + "x" * 513])
def test_a_page_that_cannot_be_is_refused(client: TestClient, query: str) -> None:
    for place in ("users", "keys", "prices", "audit"):
        assert client.get(f"/api/admin/{place}?{query}").status_code == 422


# --- what is said of it ---


def test_every_body_and_answer_is_described() -> None:
    document = create_control_app(services_over(administration=Office().verbs)).openapi()

    for path, methods in document["paths"].items():
        if path.startswith("/api/admin"):
            for method, operation in methods.items():
                assert ("requestBody" in operation) == (method in {"post", "patch"}), path
                if not path.endswith("/export"):
                    assert operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
    assert document["components"]["schemas"]["NewUser"]["additionalProperties"] is False


def test_without_an_administration_there_is_nothing_under_api_admin() -> None:
    client = TestClient(create_control_app(services_over()), headers=ADMIN)

    assert client.get("/api/admin/users").status_code == 404


def test_an_origin_over_the_private_socket_is_local(office: Office) -> None:
    client = TestClient(create_control_app(services_over(administration=office.verbs)), headers=ADMIN)
    make_alice(client)

    assert client.get("/api/admin/audit").json()["entries"][0]["client"] == "local"
    assert Origin("admin", "local").idempotency_key is None


# --- the console's place ---


@pytest.mark.parametrize("path", ["/console", "/console/"])
def test_the_console_says_that_it_is_not_built_and_where_to_look(path: str, tmp_path: Path) -> None:
    client = TestClient(create_control_app(services_over(), tmp_path))

    page = client.get(path)

    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "此版本尚未构建网页控制台" in page.text
    assert "not built in this version" in page.text
    assert "unsafe-inline" not in page.headers["content-security-policy"]
    assert "style-src 'sha256-" in page.headers["content-security-policy"]
    assert "<script" not in PAGE
    assert client.head(path).status_code == 200
    assert client.get("/docs").status_code == client.get("/openapi.json").status_code == 200
    assert client.get(f"{path}/../api/admin/users").status_code == 401
