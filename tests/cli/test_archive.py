"""`archive` over files of the journal."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from click.testing import CliRunner, Result

from smart_ai_router.cli import root
from tests.cli.test_report import GUIDE_RECORD


def write_day(logs: Path, days_ago: int) -> str:
    day = datetime.now(UTC) - timedelta(days=days_ago)
    record = {**GUIDE_RECORD, "timestamp": day.strftime("%Y-%m-%dT00:00:00Z"), "request_id": f"req_{days_ago:06d}"}
    path = logs / f"usage_{day:%Y%m%d}.jsonl"
    path.write_text(json.dumps(record) + "\n")
    return path.name


def archive(logs: Path, *options: str) -> Result:
    return CliRunner().invoke(root, ["archive", "--logs-dir", str(logs), *options])


def test_m1_55_days_older_than_thirty_are_packed_and_the_rest_stays(tmp_path: Path) -> None:
    old, kept, today = (write_day(tmp_path, days) for days in (40, 20, 0))

    result = archive(tmp_path, "--json")

    assert result.exit_code == 0, result.output
    done = json.loads(result.output)
    assert [each["name"] for each in done["packed"]] == [old]
    assert set(done["kept"]) == {kept, today}
    assert (tmp_path / "archive" / f"{old}.gz").exists()
    assert not (tmp_path / old).exists()


def test_m1_56_the_number_of_days_can_be_chosen(tmp_path: Path) -> None:
    names = {write_day(tmp_path, days) for days in (40, 20)}

    result = archive(tmp_path, "--days-to-keep", "7")

    assert result.exit_code == 0
    assert all(name in result.output for name in names)
    assert "packed 2, kept 0, failed 0" in result.output


def test_packed_days_are_in_the_report_as_before(tmp_path: Path) -> None:
    write_day(tmp_path, 40)
    day = (datetime.now(UTC) - timedelta(days=40)).strftime("%Y-%m-%d")
    command = ["report", "--logs-dir", str(tmp_path), "--date", day, "--json"]
    before = CliRunner().invoke(root, command).output

    archive(tmp_path)

    assert CliRunner().invoke(root, command).output == before
    assert json.loads(before)["today"]["total_requests"] == 1


def test_a_negative_number_of_days_is_wrong_usage(tmp_path: Path) -> None:
    result = archive(tmp_path, "--days-to-keep", "-1")

    assert result.exit_code == 2
    assert "-1 is not in the range" in result.output
