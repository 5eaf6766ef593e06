"""Rows M1.55 to M1.59, M1.61 and M1.66 beside a running router: files move, and no figure of the statistics does.

What the program prints and refuses is tested in test_scripts.
"""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from smart_ai_router.core.usage_record import encode_usage_record
from tests.core.usage_samples import call
from tests.e2e.router_harness import Router, running
from tests.tidy.python_source import ROOT

SCRIPT = ROOT / "scripts" / "archive_usage_logs.py"
AGES = (0, 7, 8, 30, 31, 45)
CALLS_A_DAY = 50


def today() -> date:
    return datetime.now(UTC).date()


def day_file(logs: Path, age: int) -> Path:
    return logs / f"usage_{today() - timedelta(age):%Y%m%d}.jsonl"


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    folder = tmp_path_factory.mktemp("archive")
    (folder / "logs").mkdir()
    for age in AGES:
        day = (today() - timedelta(age)).isoformat()
        lines = [encode_usage_record(call(number, day)) + b"\n" for number in range(CALLS_A_DAY)]
        day_file(folder / "logs", age).write_bytes(b"".join(lines))
    with running(folder, {"system": {"demo_channel": "always", "probe_local_servers": False}}) as started:
        yield started


def figures(router: Router) -> list[Any]:
    """Everything that the statistics say of each prepared day."""
    return [router.stats("daily", target_date=(today() - timedelta(age)).isoformat()) for age in AGES[1:]]


def archive(router: Router, *options: str) -> str:
    command = [sys.executable, str(SCRIPT), "--archive", *options]
    done = subprocess.run(command, cwd=router.folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_m1_55_m1_59_m1_61_m1_66_older_than_thirty_days_is_archived_and_still_counts(router: Router) -> None:
    before = figures(router)
    size = sum(path.stat().st_size for path in router.logs_dir.rglob("*.jsonl"))

    said = archive(router)

    assert "共 2 个文件" in said
    assert [age for age in AGES if day_file(router.logs_dir, age).exists()] == [0, 7, 8, 30]
    archived = sorted(path.name for path in (router.logs_dir / "archive").iterdir())
    assert archived == sorted(f"{day_file(router.logs_dir, age).name}.gz" for age in (31, 45))
    assert sum(path.stat().st_size for path in router.logs_dir.rglob("usage_*")) < 0.75 * size
    assert [day["total_requests"] for day in before] == [CALLS_A_DAY] * len(before)
    assert figures(router) == before
    assert router.chat("tag:free").status == 200


def test_m1_56_m1_59_the_days_to_keep_can_be_chosen_while_the_router_runs(router: Router) -> None:
    before = figures(router)

    archive(router, "--days-to-keep", "7")

    assert [age for age in AGES if day_file(router.logs_dir, age).exists()] == [0, 7]
    assert figures(router) == before


def test_m1_57_m1_58_the_report_says_what_the_statistics_say(router: Router) -> None:
    day = (today() - timedelta(8)).isoformat()

    command = [sys.executable, str(SCRIPT), "--report", "--date", day]
    done = subprocess.run(command, cwd=router.folder, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert f"总请求数: {router.stats('daily', target_date=day)['total_requests']}" in done.stdout
