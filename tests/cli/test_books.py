"""`rebuild` and `verify` over a journal on the disk."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from smart_ai_router.adapters.launch import DataDirectoryLock, StartRefused
from smart_ai_router.cli import root
from tests.cli.test_report import GUIDE_RECORD


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose journal holds the guide's record and one like it."""
    (tmp_path / "logs").mkdir()
    second = {**GUIDE_RECORD, "request_id": "req_abc124", "timestamp": "2025-08-24T12:31:00Z"}
    lines = "".join(json.dumps(record) + "\n" for record in (GUIDE_RECORD, second))
    (tmp_path / "logs" / "usage_20250824.jsonl").write_text(lines)
    return tmp_path


def run(folder: Path, command: str, *options: str) -> Result:
    places = ["--data-dir", str(folder / "data"), "--logs-dir", str(folder / "logs")]
    return CliRunner().invoke(root, [command, *places, *options])


def test_the_books_are_made_from_the_journal_and_proven_by_it(folder: Path) -> None:
    rebuilt = run(folder, "rebuild", "--json")
    proven = run(folder, "verify", "--json")

    assert (rebuilt.exit_code, proven.exit_code) == (0, 0), rebuilt.output + proven.output
    assert json.loads(rebuilt.output)["records"] == 2
    report = json.loads(proven.output, parse_float=Decimal)
    assert report["equal"] is True
    assert report["sums"]["USD"]["total_cost"] == Decimal("0.00075")
    assert report["sums"]["USD"]["records"] == 2


def test_rebuilding_twice_gives_the_same_books_bit_for_bit(folder: Path) -> None:
    first = json.loads(run(folder, "rebuild", "--json").output)
    second = json.loads(run(folder, "rebuild", "--json").output)

    assert first == second


def test_people_are_told_in_words(folder: Path) -> None:
    run(folder, "rebuild")

    proven = run(folder, "verify")

    assert "USD: 2 records, input 0.00015, output 0.0006, total 0.00075" in proven.output
    assert "The books are right" in proven.output


def test_a_journal_that_was_changed_afterwards_is_found(folder: Path) -> None:
    run(folder, "rebuild")
    journal = folder / "logs" / "usage_20250824.jsonl"
    journal.write_text(journal.read_text().replace("req_abc124", "req_abc125"))

    as_json = run(folder, "verify", "--json")
    in_words = run(folder, "verify")

    assert (as_json.exit_code, in_words.exit_code) == (1, 1)
    report = json.loads(as_json.output)
    assert report["equal"] is False
    assert report["difference_count"] > 0
    assert "`rebuild` makes them anew" in in_words.output


def test_there_is_nothing_to_verify_before_there_are_books(folder: Path) -> None:
    result = run(folder, "verify")

    assert result.exit_code == 2
    assert "there are no books at" in result.output


def test_books_in_use_are_not_rebuilt(folder: Path) -> None:
    lock = DataDirectoryLock.acquire(folder / "data")

    result = run(folder, "rebuild")

    lock.release()
    assert isinstance(result.exception, StartRefused)
    assert "in use by the router with process id" in str(result.exception)


def test_damaged_books_are_told_with_the_way_out(folder: Path) -> None:
    run(folder, "rebuild")
    (books,) = (folder / "data").glob("*.db")
    books.write_bytes(b"not a database" * 1000)

    result = run(folder, "verify")

    assert result.exit_code == 1
    assert "rebuild" in result.output
