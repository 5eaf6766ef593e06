"""Who may what, and what never leaves: keys, tokens, prompts, the upstreams' own headers."""

import asyncio
import json
import re
import stat
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from smart_ai_router.testing.upstream import UpstreamServer, UpstreamThread
from tests.e2e import open_paths
from tests.e2e.fault_calls import BEARER, JSON_TYPE, PROMPT, USER_KEY, Answer, chat
from tests.e2e.fault_harness import ADMIN, ADMIN_TOKEN, UPSTREAM_KEYS, Router, configuration, until

CANARIES = (ADMIN_TOKEN, USER_KEY, PROMPT, *UPSTREAM_KEYS)
LEAKY_MODES = ("normal", "echo", "status-400", "status-403", "error-mid-stream", "redirect", "status-401-shown")
CALL = json.dumps({"model": "m1", "messages": [{"role": "user", "content": "hi"}]}).encode()


@pytest.fixture(scope="module")
def upstreams() -> Iterator[tuple[UpstreamServer, ...]]:
    with UpstreamThread() as one, UpstreamThread() as two, UpstreamThread() as three:
        yield one, two, three


@pytest.fixture(scope="module")
def router(upstreams: tuple[UpstreamServer, ...], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    config = configuration(*(each.base_url for each in upstreams), more="routing: {error_cooldown_period: 0.01}\n")
    config = config.replace(
        "  keys:\n", "  keys:\n    - {name: off, key: 'a-key-that-is-off-0123456789', user: bob, enabled: false}\n"
    )
    started = Router(tmp_path_factory.mktemp("security"), config)
    try:
        yield started.start()
        assert started.stop() == 0
    finally:
        started.close()


def routes(router: Router) -> list[tuple[str, str]]:
    """Every route of the control plane, from its own description; parameters are filled with a word."""
    document = json.loads(router.ask("GET", "/openapi.json").body)
    found = []
    for path, methods in document["paths"].items():
        if not path.startswith(("/v1/chat", "/v1/completions", "/v1/embeddings", "/v1/models", "/health", "/ready")):
            filled = "/".join("x" if part.startswith("{") else part for part in path.split("/"))
            found += [(method.upper(), filled) for method in methods]
    return found


# --- what never leaves ---------------------------------------------------------------------------------------------


def test_no_secret_and_no_prompt_is_found_anywhere(router: Router, upstreams: tuple[UpstreamServer, ...]) -> None:
    answers: list[Answer] = []
    for mode in LEAKY_MODES:
        for upstream in upstreams:
            upstream.set_mode(mode)
        for stream in (False, True):
            answers += [
                asyncio.run(chat(router.port, f"{mode}-{stream}-{number}", stream=stream)) for number in range(3)
            ]
    answers += [router.ask("POST", "/v1/chat/completions", CALL + b"x", JSON_TYPE, BEARER)]
    answers += [router.ask("POST", "/v1/chat/completions", CALL, JSON_TYPE, ("authorization", "Bearer wrong"))]
    router.statistics()
    questions = [path for method, path in routes(router) if method == "GET"]
    assert len(questions) > 20
    answers += [router.ask("GET", path, b"", ADMIN) for path in [*questions, "/health", "/ready", "/metrics"]]
    alerts = router.logs_dir / "channel_alerts.jsonl"
    until(lambda: alerts.exists() and b"api_key_invalid" in alerts.read_bytes(), 10, "the alerts are written")

    for answer in answers:
        shown = answer.body + json.dumps(dict(answer.headers)).encode()
        assert not [canary for canary in CANARIES if canary.encode() in shown]
    assert all(
        "set-cookie" not in answer.headers and "x-echo-authorization" not in answer.headers for answer in answers
    )
    files = [path for path in router.folder.rglob("*") if path.is_file()]
    assert {"books.db", "snapshot.sealed", "channel_alerts.jsonl"} <= {path.name for path in files}
    hits = {(path.name, canary) for path in files for canary in CANARIES if canary.encode() in path.read_bytes()}
    assert hits == set()
    for pid in (*router.children().values(), router.process.pid if router.process else 0):
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        assert not [canary for canary in CANARIES if canary.encode() in command]


# --- who may -------------------------------------------------------------------------------------------------------


def test_a_wrong_a_disabled_and_an_unknown_key_are_answered_alike(router: Router) -> None:
    tried = ("a-key-that-is-off-0123456789", "sk-nobody", USER_KEY[:-1], USER_KEY + "x", USER_KEY.upper(), "é" * 20)
    told = []
    for key in tried:
        bearer = ("authorization", f"Bearer {key}".encode().decode("latin-1"))
        answer = router.ask("POST", "/v1/chat/completions", CALL, JSON_TYPE, bearer)
        assert answer.status == 401
        error = dict(answer.error)
        assert str(error.pop("request_id")).startswith("req_")
        told.append((error, answer.headers["www-authenticate"], answer.headers["x-should-retry"]))
    assert all(each == told[0] for each in told)
    assert told[0][0]["code"] == "invalid_api_key"


def test_the_admin_token_is_no_key_and_a_key_is_no_admin_token(router: Router) -> None:
    assert router.ask("POST", "/v1/chat/completions", CALL, JSON_TYPE, ADMIN).status == 401
    assert router.ask("GET", "/v1/stats/summary", b"", BEARER).status == 403


# For whoever is nobody yet, and for users themselves; `tests/api/test_privilege_matrix.py` has them all.


def test_every_control_route_is_closed_without_the_token_and_to_a_users_key(router: Router) -> None:
    found = routes(router)
    assert len(found) > 20
    for method, path in found:
        if path in open_paths.TO_EVERYBODY:
            continue
        assert router.ask(method, path).status == 401, (method, path)
        assert router.ask(method, path, b"", ("authorization", "Bearer wrong")).status == 401, (method, path)
        assert router.ask(method, path, b"", ("authorization", f"Basic {ADMIN_TOKEN}")).status == 401, (method, path)
        if path not in open_paths.TO_USERS:
            assert router.ask(method, path, b"", BEARER).status == 403, (method, path)


def test_a_flood_without_a_key_leaves_no_line_and_is_counted(router: Router) -> None:
    before = len(router.journal().records)
    bearer = ("authorization", "Bearer no-such-key-0123456789")
    for _ in range(50):
        assert router.ask("POST", "/v1/chat/completions", CALL, JSON_TYPE, bearer).status == 401
    assert router.ask("POST", "/v1/nothing", CALL, JSON_TYPE, BEARER).status == 404

    until(lambda: refusals(router, "invalid_api_key") >= 50, 5, "the refusals are counted")
    assert refusals(router, "not_found") >= 1
    assert len(router.journal().records) == before


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"model":"m1"}'])
def test_a_call_with_a_key_that_is_refused_for_its_form_has_its_line(router: Router, body: bytes) -> None:
    answer = router.ask("POST", "/v1/chat/completions", body, JSON_TYPE, BEARER)
    (record,) = [each for each in router.journal().records if each["request_id"] == answer.headers["x-request-id"]]
    assert (answer.status, record["status_code"], record["outcome"]) == (400, 400, "refused")
    assert (record["user_id"], record["error_message"]) == ("alice", answer.error["message"])


def refusals(router: Router, code: str) -> float:
    found = re.search(rb'router_requests_refused_total{code="%b"} (\S+)' % code.encode(), metrics(router))
    return float(found[1]) if found else 0.0


def metrics(router: Router) -> bytes:
    return router.ask("GET", "/metrics", b"", ADMIN).body


def test_a_refused_calls_model_is_no_label_of_a_metric(router: Router) -> None:
    body = json.dumps({"model": "any-name-at-all", "messages": [{"role": "user", "content": "hi"}]}).encode()
    assert router.ask("POST", "/v1/chat/completions", body, JSON_TYPE, BEARER).status == 404
    until(lambda: b'router_calls_total{channel="",model="",outcome="refused"}' in metrics(router), 5, "it is counted")
    assert b"any-name-at-all" not in metrics(router)


@pytest.mark.parametrize(
    "path",
    [
        "/api/nothing",
        "/v1/admin/nothing",
        "/v1/stats/nothing",
        "/admin/nothing",
        "/metrics",
        "/v1/stats/../stats/daily",
    ],
)
def test_a_route_that_is_not_named_is_closed_too(router: Router, path: str) -> None:
    assert router.ask("GET", path).status == 401
    assert router.ask("GET", path, b"", BEARER).status == 403


def test_two_authorizations_prove_nothing(router: Router) -> None:
    wrong = ("authorization", "Bearer wrong")
    assert router.ask("GET", "/v1/stats/summary", b"", ADMIN, wrong).status == 401
    assert router.ask("GET", "/v1/stats/summary", b"", wrong, ADMIN).status == 401


def test_a_client_cannot_pose_as_the_gateway_towards_the_control_plane(router: Router) -> None:
    posing = (("x-router-client-ip", "127.0.0.1"), ("x-forwarded-for", "127.0.0.1"), ("forwarded", "for=127.0.0.1"))
    assert router.ask("GET", "/v1/stats/summary", b"", *posing).status == 401


def test_files_and_directories_are_for_their_owner(router: Router) -> None:
    for path in [router.data_dir, *router.data_dir.rglob("*")]:
        mode = stat.S_IMODE(path.lstat().st_mode)
        if path.is_dir():
            assert mode == 0o700, path
        elif path.parent.name != "run":  # what stands in a closed directory is closed
            assert mode == 0o600, path
    for path in router.logs_dir.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o037 == 0, path  # no other user; a group may read
    assert stat.S_IMODE(router.logs_dir.stat().st_mode) & 0o027 == 0


# --- the caller without a key --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def open_router(upstream: UpstreamServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    config = configuration(upstream.base_url)
    start = config.index("auth:")
    started = Router(tmp_path_factory.mktemp("open"), config[:start] + config[config.index("providers:") :])
    try:
        yield started.start()
        assert started.stop() == 0
    finally:
        started.close()


def test_a_call_from_this_machine_needs_no_key(open_router: Router) -> None:
    for host in ("localhost", f"localhost:{open_router.port}", "127.0.0.1:7601", "[::1]:7601", "LOCALHOST"):
        answer = open_router.ask("POST", "/v1/chat/completions", CALL, JSON_TYPE, ("host", host))
        assert answer.status == 200, (host, answer.body)


@pytest.mark.parametrize(
    "header", ["x-forwarded-for", "forwarded", "x-real-ip", "via", "x-forwarded-host", "cf-connecting-ip"]
)
def test_a_call_that_a_proxy_passed_on_needs_a_key(open_router: Router, header: str) -> None:
    answer = open_router.ask("POST", "/v1/chat/completions", CALL, JSON_TYPE, (header, "127.0.0.1"))
    assert (answer.status, answer.error["code"]) == (401, "invalid_api_key")


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "192.168.1.2",
        "0.0.0.0",
        "",
        "127.1",
        "@localhost",
    ],
)
def test_a_web_page_under_another_name_cannot_borrow_this_machine(open_router: Router, host: str) -> None:
    for method, path, body in (("POST", "/v1/chat/completions", CALL), ("GET", "/v1/models", b"")):
        answer = open_router.ask(method, path, body, JSON_TYPE, ("host", host))
        assert answer.status in (400, 401), (host, answer)


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_web_page_cannot_call_without_being_asked_first(open_router: Router, content_type: str) -> None:
    simple = ("content-type", content_type)
    assert open_router.ask("POST", "/v1/chat/completions", CALL, simple).status == 415
    origin = ("origin", "http://evil.example")
    preflight = open_router.ask(
        "OPTIONS", "/v1/chat/completions", b"", origin, ("access-control-request-method", "POST")
    )
    assert "access-control-allow-origin" not in preflight.headers


def test_the_client_cannot_choose_what_the_upstream_is_told(open_router: Router, upstream: UpstreamServer) -> None:
    sent = (
        ("cookie", "session=client"),
        ("x-api-base", "http://127.0.0.1:1/"),
        ("proxy-authorization", "Basic Y2xpZW50"),
        ("openai-organization", "org-client"),
        ("authorization", "Bearer of-the-client"),
    )
    fields = {"api_base": "http://127.0.0.1:1/", "base_url": "http://127.0.0.1:1/", "extra_headers": {"x-evil": "1"}}
    body = json.dumps({**json.loads(CALL), **fields}).encode()
    assert open_router.ask("POST", "/v1/chat/completions", body, JSON_TYPE, *sent).status == 200
    headers = upstream.served.entries[-1].headers
    assert headers["authorization"] == sha256(f"Bearer {UPSTREAM_KEYS[0]}".encode()).hexdigest()
    assert not {"cookie", "x-api-base", "proxy-authorization", "openai-organization", "x-evil"} & set(headers)


def test_the_control_plane_is_closed_to_this_machine_too(open_router: Router) -> None:
    assert open_router.ask("GET", "/v1/stats/summary").status == 401


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_a_router_for_other_machines_without_a_key_does_not_start(
    upstream: UpstreamServer, tmp_path: Path, host: str
) -> None:
    config = configuration(upstream.base_url)
    start = config.index("auth:")
    router = Router(tmp_path, config[:start] + config[config.index("providers:") :], "--host", host)
    try:
        assert router.begin().wait(30) == 2
        assert "none is configured" in router.said()
        assert not router.data_dir.exists()
    finally:
        router.close()


def test_a_router_for_other_machines_asks_this_one_for_a_key_too(upstream: UpstreamServer, tmp_path: Path) -> None:
    router = Router(tmp_path, configuration(upstream.base_url), "--host", "0.0.0.0")
    try:
        router.start()
        assert router.ask("POST", "/v1/chat/completions", CALL, JSON_TYPE).status == 401
        assert router.ask("POST", "/v1/chat/completions", CALL, JSON_TYPE, BEARER).status == 200
    finally:
        router.close()
