"""Rows M1.01 to M1.03 and every command of the first guide, typed as it stands there into a checkout's folder."""

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bootstrap.stamps import wanted_stamp
from bootstrap.start import RUNTIME
from tests.core.usage_samples import GUIDE_LINE
from tests.e2e.guide_session import CHAT, COMMANDS, CURL, POST
from tests.tidy.python_source import ROOT

OWN_NETWORK = ("unshare", "--user", "--map-root-user", "--net")
HEALTH = "curl http://localhost:7601/health"
GUIDE_PORT = 7601
SESSION_S = 110.0


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout whose environment exists already: the one that these tests run in stands in for it."""
    folder = tmp_path_factory.mktemp("guide") / "checkout"
    folder.mkdir()
    for name in ("bootstrap", "smart_ai_router", "requirements.lock"):
        (folder / name).symlink_to(ROOT / name)
    for name in ("main.py", "scripts/archive_usage_logs.py", "examples/cost_tracking_example.py"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)  # a program looks for its checkout where it really lies
    environment = folder / RUNTIME[0]
    for place in (environment / "bin", folder / "bin"):
        place.mkdir(parents=True)
        shim = place / "python"
        shim.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        shim.chmod(0o755)
    (environment / "stamp").write_bytes(wanted_stamp(str(environment), str(folder / RUNTIME[1])))
    (folder / "logs").mkdir()
    (folder / "logs" / "usage_20250824.jsonl").write_bytes(GUIDE_LINE + b"\n")
    return folder


def can_have_own_network() -> bool:
    if shutil.which(OWN_NETWORK[0]) is None:
        return False
    return subprocess.run([*OWN_NETWORK, "true"], capture_output=True, check=False).returncode == 0


def port_is_free() -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", GUIDE_PORT)) != 0


@pytest.fixture(scope="module")
def session(checkout: Path) -> Mapping[str, Any]:
    """What came of the whole guide."""
    network = OWN_NETWORK if can_have_own_network() else ()
    if not network and not port_is_free():
        pytest.skip(f"port {GUIDE_PORT} is in use, and this machine gives no network of one's own (unshare --net)")
    command = [*network, sys.executable, "-m", "tests.e2e.guide_session", str(checkout)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SESSION_S, check=False)
    assert done.returncode == 0, done.stderr
    found: Mapping[str, Any] = json.loads(done.stdout)
    return found


def answer(session: Mapping[str, Any], command: str) -> Any:
    """The JSON that a curl of the guide printed, after its status has been found to be 200."""
    result = session["results"][command]
    body, _, status = result["out"].rpartition("\n")
    assert (result["code"], status, result["err"]) == (0, "200", ""), result
    return json.loads(body, parse_float=Decimal)


def test_m1_01_python_main_py_starts_the_system(session: Mapping[str, Any]) -> None:
    assert answer(session, HEALTH)["status"] == "healthy"
    assert "http://127.0.0.1:7601/v1" in session["said"]
    assert session["start_s"] < 15  # three seconds are promised; this machine may have other things to do
    assert session["code"] == 0
    assert "Traceback" not in session["said"]


def test_m1_02_it_listens_on_7601_without_being_told(session: Mapping[str, Any]) -> None:
    assert answer(session, HEALTH)["channels"] >= 1


def test_m1_03_the_guides_first_call_is_answered_without_a_key(session: Mapping[str, Any], checkout: Path) -> None:
    reply = answer(session, CHAT)

    assert reply["choices"][0]["message"]["content"]
    (journal,) = (path for path in (checkout / "logs").glob("usage_*.jsonl") if path.stem > "usage_20250824")
    (line,) = journal.read_text().splitlines()
    record = json.loads(line)
    assert (record["status"], record["total_cost"]) == ("success", 0)
    assert {"free", "chat"} <= set(record["tags"])


@pytest.mark.parametrize("command", [each for each in COMMANDS if each.startswith(CURL)])
def test_m1_32_to_m1_40_m1_51_m1_52_the_guides_questions_are_answered(session: Mapping[str, Any], command: str) -> None:
    reply = answer(session, command)

    assert reply["success"] is True
    assert reply["data"]


def test_m1_32_the_call_before_is_in_the_days_figures(session: Mapping[str, Any]) -> None:
    today = answer(session, CURL + "http://localhost:7601/v1/stats/daily")["data"]

    assert (today["total_requests"], today["successful_requests"], today["total_cost"]) == (1, 1, 0)


def test_m1_44_m1_76_the_guides_two_days_can_be_compared(session: Mapping[str, Any]) -> None:
    days = [
        answer(session, f'{CURL}"http://localhost:7601/v1/stats/daily?target_date=2025-08-{day}"')["data"]
        for day in (20, 24)
    ]

    assert [day["total_requests"] for day in days] == [0, 1]
    assert days[1]["total_cost"] == Decimal("0.000375")


def test_m1_41_m1_42_alerts_are_cleared_in_the_guides_words(session: Mapping[str, Any]) -> None:
    one = answer(session, POST + "http://localhost:7601/v1/stats/clear-alerts/ch_openai_001")
    every = answer(session, POST + "http://localhost:7601/v1/stats/clear-all-alerts")

    assert one == {"success": True, "message": "已清除渠道 ch_openai_001 的告警状态"}
    assert every == {"success": True, "message": "已清除所有渠道的告警状态"}


@pytest.mark.parametrize("command", [each for each in COMMANDS if each.startswith("python ")])
def test_m1_55_to_m1_60_the_guides_programs_end_well(session: Mapping[str, Any], command: str) -> None:
    result = session["results"][command]

    assert result["code"] == 0, result["err"]
    assert result["out"]
    assert "Traceback" not in result["err"]


def test_m1_55_m1_57_the_archive_and_the_report_speak_of_this_routers_logs(
    session: Mapping[str, Any], checkout: Path
) -> None:
    results = session["results"]

    assert "共 1 个文件" in results["python scripts/archive_usage_logs.py --archive"]["out"]
    assert (checkout / "logs" / "archive" / "usage_20250824.jsonl.gz").exists()
    assert "总请求数: 1" in results["python scripts/archive_usage_logs.py --report"]["out"]
