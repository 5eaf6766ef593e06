"""The guide's commands, run as a person runs them."""

import gzip
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from smart_ai_router.core.usage_record import encode_usage_record
from tests.core.usage_samples import GUIDE_LINE, call, failed

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "archive_usage_logs.py"
EXAMPLE = ROOT / "examples" / "cost_tracking_example.py"


class Ended(NamedTuple):
    """How a program ended."""

    code: int
    out: str
    err: str


def run(program: Path, *arguments: str, cwd: Path, python: tuple[str, ...] = (sys.executable,)) -> Ended:
    """Run a script in a directory, with nothing of this process's environment but the path."""
    done = subprocess.run(
        [*python, str(program), *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": os.environ["PATH"], "PYTHONUTF8": "1"},
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def write_day(logs: Path, day: str, *lines: bytes) -> Path:
    """A journal file of a day."""
    logs.mkdir(parents=True, exist_ok=True)
    path = logs / f"usage_{day.replace('-', '')}.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def days_ago(days: int) -> str:
    return (datetime.now(UTC).date() - timedelta(days=days)).isoformat()


def test_m1_57_the_report_says_what_the_guides_report_says(tmp_path: Path) -> None:
    # given: two calls that succeeded and one that failed, today
    today = days_ago(0)
    lines = [call(1, today, "0.0010005"), call(2, today, "0.5", model="dear"), failed(3, today)]
    write_day(tmp_path / "logs", today, *(encode_usage_record(record) for record in lines))

    # when
    done = run(SCRIPT, "--report", cwd=tmp_path)

    # then
    monday = datetime.now(UTC).date() - timedelta(days=datetime.now(UTC).weekday())
    assert (done.code, done.err) == (0, "")
    for line in (
        f"[STATS] 使用统计报告 - {today}",
        "今日统计:",
        "  总请求数: 3",
        "  总成本: $0.501000",
        "  总Tokens: 900",
        "  成功率: 2/3 (66.7%)",
        "  平均每请求成本: $0.167000",
        "  平均每1K Tokens成本: $0.556667",
        f"本周统计 ({monday} - {monday + timedelta(days=6)}):",
        f"本月统计 ({today[:7]}):",
        "本月热门模型 Top 5:",
        "  1. gpt-4o-mini: 2 次请求, $0.001000, 450 tokens",
        "本月热门渠道 Top 5:",
        "  1. OpenAI Official: $0.501000, 3 次请求",
        "提供商成本分布:",
        "  openai: $0.501000 (100.0%)",
    ):
        assert line in done.out.splitlines()


def test_m1_58_m1_76_the_report_of_the_guides_sample_day(tmp_path: Path) -> None:
    write_day(tmp_path / "logs", "2025-08-24", GUIDE_LINE, b"torn {")

    done = run(SCRIPT, "--report", "--date", "2025-08-24", "--json", cwd=tmp_path)

    answer = json.loads(done.out, parse_float=Decimal)
    assert (done.code, answer["date"], answer["invalid_lines"]) == (0, "2025-08-24", 1)
    assert (answer["today"]["total_requests"], answer["today"]["total_cost"]) == (1, Decimal("0.000375"))
    assert answer["this_week"]["week_start"] == "2025-08-18"


def test_m1_58_a_day_without_calls_has_a_report(tmp_path: Path) -> None:
    done = run(SCRIPT, "--report", "--date", "2025-08-20", cwd=tmp_path)

    assert done.code == 0
    assert "成功率: 0/0 (0.0%)" in done.out


def test_m1_55_m1_59_m1_66_days_older_than_thirty_are_archived(tmp_path: Path) -> None:
    # given
    logs = tmp_path / "logs"
    kept = [write_day(logs, days_ago(days), GUIDE_LINE) for days in (0, 1, 30)]
    old = write_day(logs, days_ago(31), GUIDE_LINE)
    content = old.read_bytes()

    # when
    done = run(SCRIPT, "--archive", cwd=tmp_path)

    # then
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[0].startswith("[ARCHIVE] 开始归档 30 天前的使用日志")
    assert done.out.splitlines()[-1] == "[PASS] 日志归档完成，共 1 个文件"
    assert all(path.exists() for path in kept)
    assert not old.exists()
    assert gzip.decompress((logs / "archive" / f"{old.name}.gz").read_bytes()) == content


def test_m1_56_the_days_to_keep_can_be_chosen(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    paths = {days: write_day(logs, days_ago(days), GUIDE_LINE) for days in (0, 7, 8)}

    seven = run(SCRIPT, "--archive", "--days-to-keep", "7", cwd=tmp_path)
    kept_by_seven = sorted(days for days, path in paths.items() if path.exists())
    none = run(SCRIPT, "--archive", "--days-to-keep", "0", cwd=tmp_path)

    assert (seven.code, kept_by_seven) == (0, [0, 7])
    assert none.code == 0
    assert [days for days, path in paths.items() if path.exists()] == [0]


def test_m1_61_archived_days_take_little_room_and_still_count(tmp_path: Path) -> None:
    # given: a hundred calls of forty days ago
    logs = tmp_path / "logs"
    day = days_ago(40)
    path = write_day(logs, day, *(encode_usage_record(call(number, day)) for number in range(100)))
    size = path.stat().st_size
    before = json.loads(run(SCRIPT, "--report", "--date", day, "--json", cwd=tmp_path).out)

    # when: archived twice, so that a second run finds nothing to do
    first = run(SCRIPT, "--archive", cwd=tmp_path)
    second = run(SCRIPT, "--archive", cwd=tmp_path)

    # then
    assert (first.code, second.code) == (0, 0)
    assert sum(file.stat().st_size for file in logs.rglob("*") if file.is_file()) < size // 4
    after = json.loads(run(SCRIPT, "--report", "--date", day, "--json", cwd=tmp_path).out)
    assert after == before
    assert after["today"]["total_requests"] == 100


def test_a_second_archive_of_a_day_does_not_overwrite_the_first(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    day = days_ago(40)
    for number in range(2):
        write_day(logs, day, encode_usage_record(call(number, day)))
        assert run(SCRIPT, "--archive", cwd=tmp_path).code == 0

    report = json.loads(run(SCRIPT, "--report", "--date", day, "--json", cwd=tmp_path).out)

    assert report["today"]["total_requests"] == 2


def test_an_archive_that_fails_ends_with_one_and_loses_nothing(tmp_path: Path) -> None:
    # given: a file stands where the archive's folder should be
    logs = tmp_path / "logs"
    old = write_day(logs, days_ago(31), GUIDE_LINE)
    (logs / "archive").write_bytes(b"")

    done = run(SCRIPT, "--archive", cwd=tmp_path)

    assert done.code == 1
    assert "[FAIL]" in done.err
    assert "[PASS]" not in done.out
    assert old.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--report", "--date", "2025-8-20"), "[FAIL] 日期格式错误，请使用YYYY-MM-DD格式"),
        (("--report", "--date", "2026-02-30"), "[FAIL] 日期格式错误，请使用YYYY-MM-DD格式"),
        (("--archive", "--days-to-keep", "-1"), "[FAIL] --days-to-keep 应为"),
        (("--archive", "--days-to-keep=1.5"), "[FAIL] --days-to-keep 应为"),
        (("--report", "--config", "nowhere.yaml"), "[FAIL]"),
        (("--repot",), "unrecognized arguments"),
    ],
)
def test_wrong_usage_ends_with_two_and_touches_nothing(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    old = write_day(tmp_path / "logs", "2020-01-01", GUIDE_LINE)

    done = run(SCRIPT, *arguments, cwd=tmp_path)

    assert done.code == 2
    assert message in done.err
    assert old.exists()


def test_days_are_those_of_the_configured_time_zone(tmp_path: Path) -> None:
    # given: 17:30 UTC on the 20th is 01:30 on the 21st in Shanghai
    late = replace(call(1), timestamp="2025-08-20T17:30:00Z")
    write_day(tmp_path / "logs", "2025-08-20", encode_usage_record(late))
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "router_config.yaml").write_text("system:\n  time_zone: Asia/Shanghai\n")

    done = run(SCRIPT, "--report", "--date", "2025-08-21", "--json", cwd=tmp_path)

    assert json.loads(done.out)["today"]["total_requests"] == 1


def test_without_a_command_the_help_is_shown(tmp_path: Path) -> None:
    done = run(SCRIPT, cwd=tmp_path)

    assert done.code == 0
    for option in ("--archive", "--days-to-keep", "--report", "--date"):
        assert option in done.out


def test_a_bare_python_uses_the_projects_environment(tmp_path: Path) -> None:
    # given: a checkout whose environment exists, and a Python that has none of the dependencies
    checkout = tmp_path / "checkout"
    (checkout / "scripts").mkdir(parents=True)
    (checkout / "scripts" / SCRIPT.name).write_bytes(SCRIPT.read_bytes())
    (checkout / "smart_ai_router").symlink_to(ROOT / "smart_ai_router")
    bare = (sys.executable, "-S")
    script = checkout / "scripts" / SCRIPT.name

    without = run(script, "--report", cwd=tmp_path, python=bare)
    python = checkout / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    with_environment = run(script, "--report", "--date", "2025-08-20", cwd=tmp_path, python=bare)

    assert without.code == 1
    assert "python main.py" in without.err
    assert with_environment.code == 0
    assert "[STATS] 使用统计报告 - 2025-08-20" in with_environment.out


def test_m1_60_the_example_shows_records_statistics_and_alerts(tmp_path: Path) -> None:
    done = run(EXAMPLE, cwd=tmp_path)

    assert done.code == 0
    assert "总请求数: 6 (成功 5, 失败 1)" in done.out
    assert "API key quota exceeded" in done.out
    assert "总成本: $0.002461" in done.out
    for title in ("按模型", "按渠道", "按提供商", "按自定义维度"):
        assert title in done.out
    listed = done.out[done.out.index("最近24小时的告警") :]
    assert listed.startswith("最近24小时的告警: 3 条")
    for message in (
        "[quota_exhausted]",
        "渠道 OpenAI Official 配额已用完",
        "渠道 Anthropic Official 余额不足，剩余: $2.5000",
        "渠道 DeepSeek Official API密钥无效或已过期",
    ):
        assert message in listed
    assert list(tmp_path.iterdir()) == []
