"""The built console: what is served of it, how long it may be kept, and what its pages are allowed to do."""

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from smart_ai_router.api.console_files import POLICY, ConsoleFiles
from smart_ai_router.api.control import create_control_app
from tests.api.control_fixtures import services_over

INDEX = "<!doctype html><title>console</title>"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    built = tmp_path / "console_dist"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text(INDEX)
    (built / "assets" / "main-1a2b.js").write_text("go()")
    (built / "assets" / "main-1a2b.css").write_text("a{}")
    (built / "SOURCE_HASH").write_text("0123")
    (tmp_path / "secret").write_text("token")
    return built


@pytest.fixture
def client(folder: Path) -> TestClient:
    return TestClient(ConsoleFiles(Starlette(), folder))


@pytest.mark.parametrize("path", ["/console", "/console/", "/console/billing/usage", "/console/login"])
def test_every_page_of_the_console_answers_with_its_start_page(client: TestClient, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 200
    assert answer.text == INDEX
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"


def test_files_with_their_hash_in_the_name_may_be_kept(client: TestClient) -> None:
    script, style = client.get("/console/assets/main-1a2b.js"), client.get("/console/assets/main-1a2b.css")

    assert (script.text, script.headers["content-type"]) == ("go()", "text/javascript; charset=utf-8")
    assert style.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in script.headers["cache-control"]


def test_no_page_may_run_or_fetch_what_is_not_a_file_of_ours(client: TestClient) -> None:
    policy = client.get("/console/").headers["content-security-policy"]

    assert policy == POLICY
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "script-src 'self'; style-src 'self';" in policy


@pytest.mark.parametrize(
    "path", ["/console/assets/old-9z.js", "/console/assets/../../secret", "/console/assets/%2e%2e/%2e%2e/secret"]
)
def test_a_file_that_the_build_did_not_make_is_not_there(client: TestClient, path: str) -> None:
    answer = client.get(path)

    assert "token" not in answer.text
    assert answer.status_code == 404


@pytest.mark.parametrize("path", ["/console/../secret", "/console/%2e%2e/secret", "/console/SOURCE_HASH"])
def test_nothing_outside_the_build_is_shown(client: TestClient, path: str) -> None:
    assert "token" not in client.get(path).text
    assert "0123" not in client.get(path).text


def test_a_start_page_that_is_still_the_same_is_not_sent_again(client: TestClient) -> None:
    tag = client.get("/console").headers["etag"]

    again = client.get("/console", headers={"if-none-match": tag})
    other = client.get("/console", headers={"if-none-match": '"another"'})

    assert (again.status_code, again.content) == (304, b"")
    assert other.status_code == 200


def test_packed_and_plain_are_the_same_file(client: TestClient) -> None:
    packed = client.get("/console", headers={"accept-encoding": "gzip"})
    plain = client.get("/console", headers={"accept-encoding": "identity"})

    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text == INDEX


def test_nothing_but_reading_is_answered(client: TestClient) -> None:
    answer = client.post("/console/login", content=b"x")

    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert client.head("/console").text == ""


def test_without_a_build_the_application_behind_it_answers(tmp_path: Path) -> None:
    client = TestClient(ConsoleFiles(Starlette(), tmp_path / "nothing"))

    assert client.get("/console").status_code == 404


def test_the_console_is_open_and_its_data_is_not(folder: Path) -> None:
    client = TestClient(create_control_app(services_over(), console=folder))

    assert client.get("/console/billing/usage").text == INDEX
    assert client.get("/console").headers["x-frame-options"] == "DENY"
    assert client.get("/v1/stats/daily").status_code == 401
