"""Every route of the control plane against everybody who may ask: the table says who gets an answer."""

from collections.abc import Callable
from functools import cache

import pytest

from smart_ai_router.api.admin_access import PUBLIC_PATHS, guarded_routes
from smart_ai_router.domain.roles import Role
from tests.api.access_fixtures import ROOT_TOKEN, World, bearer, cookie

USER, VIEWER, ADMIN, NOBODY = Role.USER, Role.BILLING_VIEWER, Role.ADMIN, Role.NOBODY
OWN = "users their own"

# The table. A route that is added gets a row here, and states the same role where it is made.
MATRIX: dict[tuple[str, str], tuple[Role, str]] = {
    ("GET", "/v1/stats/daily"): (VIEWER, ""),
    ("GET", "/v1/stats/weekly"): (VIEWER, ""),
    ("GET", "/v1/stats/monthly"): (VIEWER, ""),
    ("GET", "/v1/stats/summary"): (VIEWER, ""),
    ("GET", "/v1/stats/top-models"): (VIEWER, ""),
    ("GET", "/v1/stats/top-channels"): (VIEWER, ""),
    ("GET", "/v1/stats/cost-breakdown"): (VIEWER, ""),
    ("GET", "/v1/stats/users"): (VIEWER, ""),
    ("GET", "/v1/stats/tags"): (VIEWER, ""),
    ("GET", "/v1/stats/query"): (VIEWER, ""),
    ("GET", "/v1/stats/alerts"): (VIEWER, ""),
    ("GET", "/v1/stats/channel-status"): (VIEWER, ""),
    ("POST", "/v1/stats/clear-alerts/{channel_id}"): (ADMIN, ""),
    ("POST", "/v1/stats/clear-all-alerts"): (ADMIN, ""),
    ("GET", "/v1/routing/explain"): (ADMIN, ""),
    ("GET", "/v1/admin/config/status"): (ADMIN, ""),
    ("POST", "/v1/admin/config/reload"): (ADMIN, ""),
    ("GET", "/api/system/info"): (ADMIN, ""),
    ("GET", "/metrics"): (ADMIN, ""),
    ("POST", "/api/admin/login"): (NOBODY, ""),
    ("POST", "/api/admin/auth/login"): (NOBODY, ""),
    ("POST", "/api/admin/logout"): (USER, ""),
    ("GET", "/api/admin/me"): (USER, ""),
    ("POST", "/api/admin/me/password"): (VIEWER, ""),
    ("POST", "/api/admin/users"): (ADMIN, ""),
    ("GET", "/api/admin/users"): (VIEWER, ""),
    ("GET", "/api/admin/users/{userId}"): (VIEWER, OWN),
    ("PATCH", "/api/admin/users/{userId}"): (ADMIN, ""),
    ("POST", "/api/admin/users/{userId}/keys"): (ADMIN, ""),
    ("GET", "/api/admin/users/{userId}/keys"): (VIEWER, OWN),
    ("GET", "/api/admin/keys"): (VIEWER, ""),
    ("PATCH", "/api/admin/keys/{keyId}"): (ADMIN, ""),
    ("POST", "/api/admin/keys/{keyId}/rotate"): (ADMIN, ""),
    ("DELETE", "/api/admin/keys/{keyId}"): (ADMIN, ""),
    ("GET", "/api/admin/prices"): (VIEWER, ""),
    ("POST", "/api/admin/prices"): (ADMIN, ""),
    ("POST", "/api/admin/prices/import"): (ADMIN, ""),
    ("POST", "/api/admin/administrators"): (ADMIN, ""),
    ("GET", "/api/admin/administrators"): (ADMIN, ""),
    ("PATCH", "/api/admin/administrators/{username}"): (ADMIN, ""),
    ("GET", "/api/admin/audit"): (ADMIN, ""),
    ("GET", "/api/admin/audit/export"): (ADMIN, ""),
}
EXAMPLES = {"{channel_id}": "ch_1", "{userId}": "alice", "{keyId}": "key_none", "{username}": "nobody"}
ANSWERED = {200, 201, 204, 400, 404, 409, 422}  # by the route itself


@cache
def world() -> World:
    return World()


# Who asks: what they send, and the role that it proves; None proves nothing, the second word is a user's own id.
CALLERS: dict[str, tuple[Callable[[World], dict[str, str]], Role | None, str]] = {
    "none": (lambda _: {}, None, ""),
    "wrong token": (lambda _: bearer("wrong"), None, ""),
    "wrong session": (lambda _: bearer("session-sar-" + "A" * 43), None, ""),
    "wrong cookie": (lambda _: cookie("session-sar-" + "A" * 43), None, ""),
    "disabled administrator": (lambda world: bearer(world.dans_session), None, ""),
    "disabled administrator's cookie": (lambda world: cookie(world.dans_session), None, ""),
    "revoked key": (lambda world: bearer(world.revoked_key.key), None, ""),
    "user": (lambda world: bearer(world.key.key), USER, "alice"),
    "other user": (lambda world: bearer(world.bobs_key.key), USER, "bob"),
    "billing viewer": (lambda world: bearer(world.session("vera")), VIEWER, ""),
    "billing viewer's cookie": (lambda world: cookie(world.session("vera")), VIEWER, ""),
    "administrator": (lambda world: bearer(world.session("carol")), ADMIN, ""),
    "administrator's cookie": (lambda world: cookie(world.session("carol")), ADMIN, ""),
    "admin token": (lambda _: bearer(ROOT_TOKEN), ADMIN, ""),
}


def served() -> list[tuple[str, str]]:
    return [(method, each.path) for each in guarded_routes(world().app) for method in sorted(each.methods)]


def test_s16_every_route_states_its_least_role_as_the_table_has_it() -> None:
    silent = {each.path for each in guarded_routes(world().app) if each.stated is None}
    stated = {
        (method, each.path): (each.least.role, OWN if each.least.own else "")
        for each in guarded_routes(world().app)
        if each.path not in PUBLIC_PATHS
        for method in each.methods
    }

    assert silent == PUBLIC_PATHS
    assert stated == MATRIX


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize(("method", "path"), MATRIX)
def test_s16_m1_43_n_13_each_route_answers_whom_the_table_names(method: str, path: str, caller: str) -> None:
    least, own = MATRIX[method, path]
    headers, role, user_id = CALLERS[caller]
    place = path
    for name, example in EXAMPLES.items():
        place = place.replace(name, example)

    response = world().client(headers(world())).request(method, place, content=b"")

    if least is NOBODY:
        assert response.status_code == 400  # the route itself refuses an empty body
    elif role is None:
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
        assert list(response.json()) == ["detail"]
    elif role >= least or (own == OWN and user_id == "alice"):
        assert response.status_code in ANSWERED, response.text
    else:
        assert response.status_code == 403
        assert list(response.json()) == ["detail"]


@pytest.mark.parametrize(
    "path", ["/api/admin/billing", "/api/admin/users/", "/api/admin/USERS", "//api/admin/users", "/x"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS", "HEAD", "TRACE"])
def test_s16_a_path_that_leads_nowhere_is_the_administrators(method: str, path: str) -> None:
    for caller, status in (("none", {401}), ("user", {403}), ("billing viewer", {403}), ("admin token", {404, 405})):
        headers, _, _ = CALLERS[caller]
        assert world().client(headers(world())).request(method, path).status_code in status, caller


@pytest.mark.parametrize("path", ["/api/admin/users/alice", "/api/admin/users/alice/keys"])
def test_s17_a_user_sees_himself_and_nobody_else(path: str) -> None:
    asked = world()
    alice, bob = asked.client(bearer(asked.key.key)), asked.client(bearer(asked.bobs_key.key))

    assert alice.get(path).status_code == 200
    assert bob.get(path).status_code == 403
    for other in ("alice%2F", "alice%00", "ALICE", "..%2Falice", "nobody", "*"):
        assert bob.get(path.replace("alice", other)).status_code == 403, other
    assert alice.get("/api/admin/users").status_code == 403
    assert alice.patch("/api/admin/users/alice", json={"groupRatio": 0}).status_code == 403


def test_the_document_tells_the_role_of_every_route() -> None:
    document = world().app.openapi()

    told = {
        (method.upper(), path): operation["x-least-role"]
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert told == {route: role.word for route, (role, _) in MATRIX.items()}
    assert document["paths"]["/api/admin/users/{userId}"]["get"]["x-own"] == "userId"
    assert document["paths"]["/api/admin/login"]["post"]["security"] == []


def test_the_table_is_the_routes_that_are_served() -> None:
    assert sorted(route for route in served() if route[1] not in PUBLIC_PATHS) == sorted(MATRIX)
