"""Nobody but the administrator gets anything out of the control plane."""

import pytest

from smart_ai_router.api.admin_access import admin_access
from smart_ai_router.api.control import create_control_app
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
        admin_access(token, lambda _: False)


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
