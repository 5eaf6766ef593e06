"""OpenAI's own library for Node against the real router. npm installs it, locked, into the checkout's cache folder."""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bootstrap.console import NODE_MAJOR_MINIMUM, node_major
from smart_ai_router.testing.upstream import UpstreamServer
from tests.e2e.fault_harness import until
from tests.e2e.router_harness import Router
from tests.e2e.sdk_scene import KEY, TEXT, records_of_model, sdk_router
from tests.tidy.python_source import ROOT

SOURCES = Path(__file__).parent / "node"
MANIFESTS = ("package.json", "package-lock.json")


@pytest.fixture(scope="module")
def program() -> Path:
    """The client program beside its packages."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None or node_major(Path(node)) < NODE_MAJOR_MINIMUM:
        pytest.skip(f"this needs Node.js {NODE_MAJOR_MINIMUM} or newer with npm")
    lock = hashlib.sha256(b"".join((SOURCES / name).read_bytes() for name in MANIFESTS)).hexdigest()
    folder = ROOT / ".cache" / f"node-clients-{lock[:12]}"
    if not (folder / "installed").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for name in MANIFESTS:
            shutil.copy(SOURCES / name, folder)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"npm ci failed: {done.stderr}"
        (folder / "installed").touch()
    return Path(shutil.copy(SOURCES / "client.mjs", folder))


@pytest.fixture(scope="module")
def router(program: Path, upstream: UpstreamServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    with sdk_router(upstream, tmp_path_factory.mktemp("node")) as started:
        yield started


def run(program: Path, router: Router, scenario: str) -> Any:
    command = ["node", str(program), scenario, router.base_url, KEY]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_chat_is_answered_and_on_the_books(program: Path, router: Router) -> None:
    reply = run(program, router, "chat")

    assert (reply["text"], reply["tokens"]) == (TEXT, 450)
    record = router.record_of(reply["request_id"])
    assert record["user_id"] == "app"
    assert record["user_agent"].startswith("OpenAI/JS")


def test_a_stream_has_its_text_and_the_usage_that_was_asked_for(program: Path, router: Router) -> None:
    reply = run(program, router, "stream")

    assert (reply["text"], reply["usages"]) == (TEXT, [450])
    assert reply["pieces"] > 2
    assert router.records()[-1]["stream"] is True


def test_tools_models_and_embeddings(program: Path, router: Router) -> None:
    calls = run(program, router, "tools")["calls"]
    listed = run(program, router, "models")

    assert calls == [{"name": "get_weather", "arguments": '{"city":"上海"}'}]
    assert {"gpt-4o-mini", "tooled"} <= set(listed["names"])
    assert listed["length"] > 1


def test_errors_are_of_the_class_that_the_library_has_for_them(program: Path, router: Router) -> None:
    assert run(program, router, "errors") == {
        "nobody-has-this": {"name": "NotFoundError", "status": 404, "code": "model_not_found"},
        "picky": {"name": "BadRequestError", "status": 400, "code": "invalid_value"},
        "limited": {"name": "RateLimitError", "status": 429, "code": "upstream_rate_limited"},
        "penniless": {"name": "InternalServerError", "status": 503, "code": "upstream_out_of_money"},
        "stranger": {"name": "AuthenticationError", "status": 401, "code": "invalid_api_key"},
    }


def test_a_stream_that_is_aborted_is_one_cancelled_record(program: Path, router: Router) -> None:
    reply = run(program, router, "abort")

    assert reply["pieces"] == 2
    until(lambda: records_of_model(router, "long"), 10, "the upstream is drained")
    (record,) = records_of_model(router, "long")
    assert (record["outcome"], record["stream"], record["usage_source"]) == ("cancelled", True, "provider")
