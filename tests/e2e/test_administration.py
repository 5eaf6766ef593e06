"""Users, keys and prices of a router at work: changed over HTTP and on the command line, with effect at once."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from smart_ai_router.adapters.remote_administration import RemoteAdministration, RemoteRefusal
from smart_ai_router.core.administration import Origin
from smart_ai_router.core.administration_messages import NewKey, NewPrices, NewUser, PriceFigure, PriceImport, UserEdit
from smart_ai_router.testing.upstream import UpstreamServer
from tests.e2e import fault_harness
from tests.e2e.fault_harness import until
from tests.e2e.router_harness import CHAT, Answer, Router, channel, running

WITHIN_S = 1.0  # the promise: what is revoked is refused everywhere within a second


@pytest.fixture(scope="module")
def router(upstream: UpstreamServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    config = {
        "providers": {"openai": {"base_url": upstream.base_url}},
        "channels": [channel("ch_openai_001", upstream.base_url, "gpt-4o-mini")],
    }
    with running(tmp_path_factory.mktemp("administration"), config) as router:
        yield router


def command(router: Router | fault_harness.Router, *words: str) -> "subprocess.CompletedProcess[str]":
    """The command line on this router's directories, in a process of its own."""
    places = ["--data-dir", str(router.data_dir), "--logs-dir", str(router.logs_dir)]
    return subprocess.run(
        [sys.executable, "-P", "-m", "smart_ai_router", *words, *places],
        capture_output=True,
        text=True,
        check=False,
        cwd=router.folder,
        env=router.variables,
    )


def told(done: "subprocess.CompletedProcess[str]") -> Any:
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout, parse_float=Decimal)


def admin(router: Router, method: str, path: str, body: object = None, **headers: str) -> Answer:
    return router.ask(method, f"/api/admin{path}", body, authorization=f"Bearer {router.token}", **headers)


def new_key(router: Router, user_id: str, **given: object) -> dict[str, Any]:
    """A key of a user, who is made if there is none."""
    admin(router, "POST", "/users", {"id": user_id, "name": user_id})
    made = admin(router, "POST", f"/users/{user_id}/keys", {"name": "laptop", **given})
    assert made.status == 201, made
    assert made.json["effective"] is True
    found: dict[str, Any] = made.json
    return found


def chat(router: Router, key: str, model: str = "gpt-4o-mini") -> Answer:
    return router.call({**CHAT, "model": model}, authorization=f"Bearer {key}")


# --- keys ---


def test_a_key_made_on_the_command_line_works_at_once_and_is_refused_within_a_second_of_its_revocation(
    router: Router,
) -> None:
    made = told(command(router, "keys", "create", "--user", "cli", "--create-user", "--name", "laptop", "--json"))
    called = chat(router, made["key"])
    assert called.status == 200, called
    assert (router.record(called)["user_id"], router.record(called)["api_key_id"]) == ("cli", made["id"])

    revoked = command(router, "keys", "revoke", made["id"])
    refused = chat(router, made["key"])

    assert revoked.returncode == 0, revoked.stderr
    assert refused.status == 401
    assert refused.json["error"]["code"] == "invalid_api_key"
    assert made["key"] not in router.said() + router.said("stdout")


def test_a_revoked_key_is_refused_as_soon_as_its_revocation_is_answered(router: Router) -> None:
    key = new_key(router, "alice")
    assert chat(router, key["key"]).status == 200

    before = time.monotonic()
    revoked = admin(router, "DELETE", f"/keys/{key['id']}")
    refused = chat(router, key["key"])

    assert (revoked.status, revoked.json["effective"], refused.status) == (200, True, 401)
    assert time.monotonic() - before < WITHIN_S


def test_a_revoked_key_is_not_taken_for_no_key_although_calls_without_one_are_served_here(router: Router) -> None:
    key = new_key(router, "alice")
    admin(router, "DELETE", f"/keys/{key['id']}")

    assert router.chat().status == 200
    assert chat(router, key["key"]).status == 401
    assert chat(router, "sk-never-made").status == 401


def test_the_keys_of_a_disabled_user_are_refused_and_come_back_with_the_user(router: Router) -> None:
    key = new_key(router, "bob")["key"]
    assert chat(router, key).status == 200

    assert admin(router, "PATCH", "/users/bob", {"enabled": False}).json["effective"] is True
    assert chat(router, key).status == 401
    assert admin(router, "GET", "/users/bob/keys").json["keys"][0]["status"] == "user_disabled"

    admin(router, "PATCH", "/users/bob", {"enabled": True})
    assert chat(router, key).status == 200


def test_a_key_serves_until_it_expires(router: Router) -> None:
    expires = datetime.now(UTC) + timedelta(seconds=2)
    key = new_key(router, "brief", expiresAt=expires.isoformat(timespec="milliseconds"))["key"]

    assert chat(router, key).status == 200
    until(lambda: chat(router, key).status == 401, 5, "the key expires")
    assert datetime.now(UTC) >= expires


def test_a_key_may_only_do_what_it_says(router: Router) -> None:
    key = new_key(router, "narrow", models=["some-other-model"])["key"]

    assert chat(router, key).json["error"]["code"] == "model_not_allowed"


def test_a_key_has_its_own_limit_of_calls(router: Router) -> None:
    key = new_key(router, "slow", requestsPerMinute=1)["key"]

    assert chat(router, key).status == 200
    assert chat(router, key).status == 429


def test_a_users_key_opens_nothing_of_the_administrations(router: Router) -> None:
    key = new_key(router, "curious")["key"]
    documented = router.get("/openapi.json").json["paths"]
    every = [(method.upper(), path, told) for path, methods in documented.items() for method, told in methods.items()]
    routes = [each[:2] for each in every if each[2].get("x-least-role") in ("admin", "billing_viewer")]

    for method, path in routes:
        place = path.replace("{userId}", "somebody-else").replace("{keyId}", "key_1")
        assert router.ask(method, place, {}, authorization=f"Bearer {key}").status == 403, (method, place)
        assert router.ask(method, place, {}).status == 401
    assert len(routes) > 30
    assert router.get("/metrics", authorization=f"Bearer {key}").status == 403


def test_a_revoked_key_is_nobodys_to_the_administration_too(router: Router) -> None:
    key = new_key(router, "gone")
    admin(router, "DELETE", f"/keys/{key['id']}")

    assert router.get("/api/admin/users", authorization=f"Bearer {key['key']}").status == 401


# --- prices and charges ---


def test_a_price_that_is_set_is_billed_from_the_next_call_on(router: Router) -> None:
    asked = {
        "providerId": "openai",
        "modelId": "gpt-4o-mini",
        "currency": "USD",
        "prices": [{"pricingType": "input", "price": 0.5}, {"pricingType": "output", "price": 1}],
    }

    done = admin(router, "POST", "/prices", asked)
    record = router.record(router.chat())

    assert done.status == 201, done
    assert done.json["effective"] is True
    assert (record["total_cost"], record["cost_basis"]) == (Decimal("0.000375"), "provider")
    shown = told(command(router, "prices", "show", "openai", "gpt-4o-mini", "--json"))
    assert {row["price"] for row in shown["current"] if not row["conditions"]} >= {Decimal("0.5"), Decimal(1)}


def test_a_user_is_charged_by_the_ratio_of_the_moment(router: Router) -> None:
    key = new_key(router, "reseller")["key"]
    admin(router, "PATCH", "/users/reseller", {"groupRatio": 1.25})

    record = router.record(chat(router, key))

    assert record["user_charge"] == record["total_cost"] * Decimal("1.25")


def test_prices_are_imported_on_the_command_line_while_the_router_runs(router: Router) -> None:
    file = router.folder / "prices.yaml"
    file.write_text(
        "{provider: openai, currency: USD, source: s, checked: 2026-11-20,"
        " models: {gpt-4o-mini: {input: 1, output: 2}}}"
    )

    preview = told(command(router, "prices", "import", str(file), "--dry-run", "--json"))
    done = told(command(router, "prices", "import", str(file), "--json"))

    assert (preview["dryRun"], done["dryRun"], done["effective"]) == (True, False, True)
    until(lambda: router.record(router.chat())["total_cost"] == Decimal("0.00075"), 2, "the imported price counts")


# --- idempotency, audit, proof ---


def test_a_request_that_is_repeated_makes_one_key(router: Router) -> None:
    admin(router, "POST", "/users", {"id": "careful", "name": "careful"})

    answers = [
        admin(router, "POST", "/users/careful/keys", {"name": "ci"}, idempotency_key="deploy-7") for _ in range(3)
    ]
    other = admin(router, "POST", "/users/careful/keys", {"name": "other"}, idempotency_key="deploy-7")

    assert [answer.status for answer in answers] == [201] * 3
    assert len({answer.json["id"] for answer in answers}) == 1
    assert [answer.json["key"] is None for answer in answers] == [False, True, True]
    assert (other.status, other.json["code"]) == (409, "idempotency_conflict")


def test_the_audit_record_names_who_did_it_and_from_where(router: Router) -> None:
    admin(router, "POST", "/users", {"id": "seen", "name": "seen"}, x_router_client_ip="203.0.113.9")
    command(router, "users", "change", "seen", "--disable")

    entries = admin(router, "GET", "/audit?subject=user:seen").json["entries"]

    assert [(entry["action"], entry["client"]) for entry in entries] == [
        ("user_changed", "local"),
        ("user_created", "127.0.0.1"),
    ]


def test_a_wrong_admin_token_on_the_command_line_is_told_with_the_way_out(router: Router) -> None:
    variables = {**router.variables, "SMART_AI_ROUTER_ADMIN_TOKEN": "another-token-0123456789"}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "smart_ai_router", "users", "list", "--data-dir", str(router.data_dir)],
        capture_output=True, text=True, check=False, cwd=router.folder, env=variables,
    )  # fmt: skip

    assert done.returncode == 1
    assert "does not take this admin token" in done.stderr


def test_the_verbs_over_the_socket_are_the_verbs(router: Router) -> None:
    verbs = RemoteAdministration(router.data_dir / "run" / "control.sock", router.token)
    by = Origin("admin", "here", "remote-1")

    made = verbs.create_user(NewUser("Remote", "remote", Decimal("0.123456789")), by)
    assert verbs.create_user(NewUser("Remote", "remote", Decimal("0.123456789")), by) == made
    key = verbs.create_key("remote", NewKey("k"), by._replace(idempotency_key=None))
    assert chat(router, str(key.key)).status == 200
    assert verbs.revoke_key(key.id, by._replace(idempotency_key=None)).status == "revoked"
    assert [each.id for each in verbs.keys("remote").keys] == [key.id]
    assert verbs.change_user("remote", UserEdit(name="R"), by._replace(idempotency_key=None)).name == "R"
    assert (verbs.user("remote").group_ratio, verbs.users(limit=1).next_cursor is not None) == (
        Decimal("0.123456789"),
        True,
    )
    figures = (PriceFigure("input", Decimal("0.7")),)
    preview = verbs.set_prices(NewPrices("q", "m", "USD", figures, dry_run=True), by._replace(idempotency_key=None))
    assert [each.price for each in preview.added] == [Decimal("0.7")]
    content = "{provider: q, currency: USD, source: s, checked: 2026-11-20, models: {m: {input: 1}}}"
    assert verbs.import_prices(PriceImport(content, dry_run=True), by._replace(idempotency_key=None)).dry_run
    assert verbs.prices(provider="openai", model="gpt-4o-mini", limit=1).next_cursor is not None
    assert verbs.audit(limit=1, subject="user:remote").entries[0].action == "user_changed"
    with pytest.raises(RemoteRefusal) as refused:
        verbs.user("nobody")
    assert (refused.value.status, refused.value.code) == (404, "user_not_found")


def test_the_console_page_and_the_metrics_are_where_they_are_said_to_be(router: Router) -> None:
    page, metrics = router.get("/console"), router.get("/metrics", authorization=f"Bearer {router.token}")

    assert (page.status, router.get("/console/").status) == (200, 200)
    assert "控制台" in page.body.decode()
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert router.get("/").headers["location"] == "/console"
    assert metrics.status == 200
    assert b"router_workers_connected 1.0" in metrics.body


def test_everything_that_was_done_is_proven(router: Router) -> None:
    proof = told(command(router, "verify", "--json"))

    assert (proof["equal"], proof["pending_actions"]) == (True, 0)
    assert proof["actions"] > 20
    lines = (router.data_dir / "actions.jsonl").read_bytes().splitlines()
    assert [json.loads(line)["number"] for line in lines] == list(range(1, len(lines) + 1))
    assert b"sk-sar-" not in b"".join(lines)


# --- several workers, kills, public addresses ---


def free_config(more: str = "") -> str:
    return f"system: {{demo_channel: always, probe_local_servers: false}}\n{more}"


def demo(router: fault_harness.Router, key: str) -> int:
    body = json.dumps({"model": "tag:free", "messages": [{"role": "user", "content": "Hello"}]}).encode()
    headers = (("content-type", "application/json"), ("authorization", f"Bearer {key}"))
    return router.ask("POST", "/v1/chat/completions", body, *headers).status


def asked(
    router: fault_harness.Router, method: str, path: str, body: Mapping[str, object] | None = None, key: str = ""
) -> tuple[int, Any]:
    more = [("idempotency-key", key)] if key else []
    content = b"" if body is None else json.dumps(body).encode()
    answer = router.ask(method, f"/api/admin{path}", content, fault_harness.ADMIN, *more)
    return answer.status, json.loads(answer.body)


def test_a_revocation_holds_on_every_worker_when_it_is_answered(tmp_path: Path) -> None:
    router = fault_harness.Router(tmp_path, free_config(), "--workers", "2")
    try:
        router.start().wait_ready()
        asked(router, "POST", "/users", {"id": "alice", "name": "Alice"})
        for _ in range(5):
            _, key = asked(router, "POST", "/users/alice/keys", {"name": "laptop"})
            assert key["effective"] is True
            assert {demo(router, key["key"]) for _ in range(8)} == {200}
            _, revoked = asked(router, "DELETE", f"/keys/{key['id']}")
            assert revoked["effective"] is True
            assert {demo(router, key["key"]) for _ in range(8)} == {401}
        assert router.stop() == 0
    finally:
        router.close()


def test_changes_survive_kills_of_the_control_plane_and_of_everything_each_done_once(tmp_path: Path) -> None:
    router = fault_harness.Router(tmp_path, free_config())
    keys: dict[str, Any] = {}

    def persist(path: str, body: Mapping[str, object], key: str) -> Any:
        found: list[Any] = []

        def done() -> bool:
            try:
                status, answer = asked(router, "POST", path, body, key)
            except (OSError, EOFError, ValueError):
                return False  # it was killed under the request, or is not back yet
            found.append(answer)
            return status == 201

        until(done, 20, f"{path} is done")
        return found[-1]

    try:
        router.start().wait_ready()
        persist("/users", {"id": "alice", "name": "Alice"}, "user")
        for number in range(12):
            keys[f"k{number}"] = persist("/users/alice/keys", {"name": f"k{number}"}, f"key-{number}")
            if number in (3, 7):
                router.kill("control")
        router.kill("all")
        router.start().wait_ready()

        assert len(persist("/users/alice/keys", {"name": "k0"}, "key-0")) > 0
        _, listed = asked(router, "GET", "/users/alice/keys")
        assert sorted(each["name"] for each in listed["keys"]) == sorted(keys)
        shown = [key["key"] for key in keys.values() if key["key"]]
        assert len(shown) >= 10
        assert {demo(router, key) for key in shown} == {200}
        router.verify()
        assert router.stop() == 0
    finally:
        router.close()


def test_m1_02_a_stored_key_opens_other_interfaces_and_without_one_the_start_is_refused(tmp_path: Path) -> None:
    router = fault_harness.Router(tmp_path, free_config(), "--host", "0.0.0.0")
    try:
        assert router.begin().wait(fault_harness.START_S) == 2
        assert "keys create --user me --create-user" in router.said("err")
        router.process = None

        made = told(command(router, "keys", "create", "--user", "alice", "--create-user", "--name", "a", "--json"))
        router.start().wait_ready()
        assert demo(router, made["key"]) == 200
        assert demo(router, "sk-never-made") == 401
        assert router.stop() == 0

        assert command(router, "keys", "revoke", made["id"]).returncode == 0
        assert router.begin().wait(fault_harness.START_S) == 2
        assert "other machines could call without a key" in router.said("err")
        router.process = None
    finally:
        router.close()
