"""Who gets anything out of the control plane, by token and by cookie; every route: `test_privilege_matrix.py`."""

from collections.abc import Mapping

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from smart_ai_router.api.admin_access import COOKIE, admin_access
from smart_ai_router.api.control import create_control_app
from tests.api.access_fixtures import PASSWORD, ROOT_TOKEN, World, bearer, cookie
from tests.api.control_fixtures import ADMIN, STATS_PATHS, USER, administrator, services_over, stranger

OPEN_PATHS = {"/docs", "/openapi.json", "/console", "/console/"}
FOREIGN_PATHS = [
    "/",
    "/nothing",
    "/v1/stats",
    "/v1/stats/",
    "/v1/stats/daily/",
    "/docs/",
    "//docs",
    "/DOCS",
]


def all_routes() -> list[tuple[str, str]]:
    """Every route that the application has, with an example for each parameter in its path."""
    app = create_control_app(services_over())
    document = app.openapi()
    return [
        (method.upper(), path.replace("{channel_id}", "ch_openai_001"))
        for path, methods in document["paths"].items()
        for method in methods
    ]


def test_the_sweep_below_knows_every_route_of_the_application() -> None:
    app = create_control_app(services_over())
    documented = set(app.openapi()["paths"])
    served = {route.path for route in app.routes if hasattr(route, "path")}

    assert served - documented == OPEN_PATHS
    assert {path for _, path in STATS_PATHS} <= {path for _, path in all_routes()}


@pytest.mark.parametrize(("method", "path"), all_routes())
def test_m1_43_n_13_each_route_needs_the_admin_token(method: str, path: str) -> None:
    client = stranger()
    wrong = [
        "Bearer wrong",
        "Bearer ",
        "Bearer",
        "Basic right-admin-token",
        "right-admin-token",
        "Bearer right-admin-token2",
    ]

    missing = client.request(method, path)
    assert missing.status_code == 401
    assert missing.headers["www-authenticate"] == "Bearer"
    assert list(missing.json()) == ["detail"]
    for value in wrong:
        assert client.request(method, path, headers={"authorization": value}).status_code == 401
    assert client.request(method, path, headers=USER).status_code == 403
    assert client.request(method, path, params={"model": "gpt-4o-mini"}, headers=ADMIN).status_code == 200


@pytest.mark.parametrize("path", FOREIGN_PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "DELETE", "TRACE"])
def test_what_does_not_exist_is_closed_as_well(method: str, path: str) -> None:
    client = stranger()

    assert client.request(method, path, follow_redirects=False).status_code == 401
    assert client.request(method, path, headers=USER, follow_redirects=False).status_code == 403
    assert client.request(method, path, headers=ADMIN, follow_redirects=False).status_code in {404, 405}


def test_a_token_in_the_query_or_in_two_headers_proves_nothing() -> None:
    client = stranger()

    assert client.get("/v1/stats/daily", params={"admin_token": "right-admin-token"}).status_code == 401
    twice = [("authorization", "Bearer right-admin-token"), ("authorization", "Bearer right-admin-token")]
    assert client.get("/v1/stats/daily", headers=twice).status_code == 401


def test_the_scheme_is_read_in_any_case_and_spaces_do_not_matter() -> None:
    client = stranger()

    for value in ("bearer right-admin-token", "BEARER  right-admin-token ", "Bearer\tright-admin-token"):
        expected = 401 if "\t" in value else 200
        assert client.get("/v1/stats/daily", headers={"authorization": value}).status_code == expected


def test_bytes_that_are_no_text_are_a_wrong_token() -> None:
    client = stranger()

    assert client.get("/v1/stats/daily", headers={b"authorization": b"Bearer \xff\xfe"}).status_code == 401
    assert client.get("/v1/stats/daily", headers={"authorization": "Bearer " + "x" * 100_000}).status_code == 401


@pytest.mark.parametrize("token", ["", " ", "\n"])
def test_an_empty_admin_token_is_refused_at_start(token: str) -> None:
    with pytest.raises(ValueError, match="empty"):
        admin_access(token, lambda _: None)


def test_the_access_object_does_not_hold_the_token() -> None:
    assert "right-admin-token" not in repr(services_over().access)


def test_every_answer_carries_the_security_headers() -> None:
    admin, nobody = administrator(), stranger()

    for response in (
        admin.get("/v1/stats/daily"),
        admin.get("/v1/stats/daily?target_date=0"),
        admin.get("/v1/stats/top-models?limit=0"),
        admin.get("/nothing"),
        nobody.get("/v1/stats/daily"),
        nobody.get("/docs"),
        nobody.get("/openapi.json"),
    ):
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["x-frame-options"] == "DENY"
        assert response.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in response.headers["content-security-policy"]


# --- cookies ---

OWN_PAGE = {"sec-fetch-site": "same-origin"}
FOREIGN = (
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "none"},
    {"sec-fetch-site": "cross-site", "origin": "http://router.example", "x-requested-with": "x"},
    {"origin": "https://evil.example"},
    {"origin": "https://evil.example", "x-requested-with": "x"},
    {"origin": "null"},
    {"origin": "http://router.example.evil.example"},
    {"origin": "http://router.example:8080"},
    {"referer": "http://router.example/console"},
    {},
)


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def by_cookie(world: World, username: str, headers: Mapping[str, str]) -> TestClient:
    return world.client({"cookie": f"{COOKIE}={world.session(username)}", **headers})


@pytest.mark.parametrize("headers", FOREIGN)
def test_s5_a_change_by_cookie_from_another_page_is_refused(world: World, headers: Mapping[str, str]) -> None:
    client = by_cookie(world, "carol", headers)
    before = len(world.office.store.numbers())

    assert client.post("/api/admin/users", json={"name": "x"}).status_code == 403
    assert client.patch("/api/admin/users/alice", json={"name": "x"}).status_code == 403
    assert client.delete(f"/api/admin/keys/{world.key.id}").status_code == 403
    assert client.post("/api/admin/logout").status_code == 403
    assert len(world.office.store.numbers()) == before
    assert client.get("/api/admin/users").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        OWN_PAGE,
        {"origin": "http://router.example"},
        {"origin": "https://router.example"},
        {"origin": "HTTP://ROUTER.example", "sec-fetch-site": "same-origin"},
        {"x-requested-with": "a script"},
    ],
)
def test_s5_a_change_by_cookie_from_our_own_page_is_done(world: World, headers: Mapping[str, str]) -> None:
    assert by_cookie(world, "carol", headers).patch("/api/admin/users/bob", json={"name": "B"}).status_code == 200


def test_s5_a_change_by_token_needs_no_page(world: World) -> None:
    headers = {**bearer(world.session("carol")), "origin": "https://anything.example"}

    assert world.client(headers).patch("/api/admin/users/bob", json={"name": "B"}).status_code == 200


@pytest.mark.parametrize("headers", [each for each in FOREIGN if "sec-fetch-site" in each or "origin" in each])
def test_s5_nobody_is_logged_in_by_another_page(world: World, headers: Mapping[str, str]) -> None:
    body = {"username": "carol", "password": PASSWORD}

    assert world.client(headers).post("/api/admin/login", json=body).status_code == 403


def test_a_wrong_token_is_not_made_good_by_a_cookie(world: World) -> None:
    client = world.client({**cookie(world.session("carol")), "authorization": "Bearer wrong"})

    assert client.get("/api/admin/users").status_code == 401


@pytest.mark.parametrize("name", ["smart_ai_router_sessio", "SMART_AI_ROUTER_SESSION", "x"])
def test_a_cookie_of_another_name_proves_nothing(world: World, name: str) -> None:
    client = world.client({"cookie": f"{name}={world.session('carol')}"})

    assert client.get("/api/admin/me").status_code == 401


def test_the_cookie_is_found_among_others(world: World) -> None:
    client = world.client({"cookie": f"a=b; {COOKIE}={world.session('carol')}; c=d"})

    assert client.get("/api/admin/me").json()["name"] == "carol"


def test_a_cookie_too_long_to_be_one_is_not_read(world: World) -> None:
    client = world.client({"cookie": f"{COOKIE}={world.session('carol')}; x={'y' * 5000}"})

    assert client.get("/api/admin/me").status_code == 401


def test_an_admin_token_in_a_cookie_proves_nothing(world: World) -> None:
    assert world.client({"cookie": f"{COOKIE}={ROOT_TOKEN}"}).get("/api/admin/me").status_code == 401
    assert world.client({"cookie": f"{COOKIE}={world.key.key}"}).get("/api/admin/me").status_code == 401


def test_a_web_socket_is_closed() -> None:
    with pytest.raises(WebSocketDisconnect), stranger().websocket_connect("/api/admin/me"):
        pass
