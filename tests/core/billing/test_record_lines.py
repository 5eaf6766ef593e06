"""Journal lines of booked records."""

import gzip
from pathlib import Path

import pytest

from smart_ai_router.adapters.journal_files import LogsDirectory
from smart_ai_router.adapters.memory_store import MemoryStore
from smart_ai_router.core.billing.record_lines import FoundLine, LineState, RecordLines
from smart_ai_router.core.bookkeeper import Bookkeeper
from smart_ai_router.core.usage_record import encode_usage_record
from tests.contract.lines import record, write_lines

RECORDS = [
    record(f"2026-01-{30 + number // 2} 12:00:00", number, error_message=f"error {number}") for number in range(4)
]
IDS = [each.request_id for each in RECORDS]


@pytest.fixture
def lines(tmp_path: Path) -> RecordLines:
    """Two days with two records each, booked."""
    for number, each in enumerate(RECORDS):
        write_lines(tmp_path / f"usage_202601{30 + number // 2}.jsonl", [encode_usage_record(each)])
    store, journal = MemoryStore(), LogsDirectory(tmp_path)
    Bookkeeper(store, journal, lambda: 0.0).catch_up()
    return RecordLines(store, journal)


def archive(folder: Path, name: str) -> None:
    (folder / "archive").mkdir()
    (folder / "archive" / f"{name}.gz").write_bytes(gzip.compress((folder / name).read_bytes()))
    (folder / name).unlink()


def test_m2_13_the_lines_of_several_days_are_read_at_once(lines: RecordLines) -> None:
    found = lines.read([IDS[3], IDS[0]], False)

    assert found == {IDS[3]: FoundLine(RECORDS[3], LineState.LIVE), IDS[0]: FoundLine(RECORDS[0], LineState.LIVE)}


def test_an_archive_is_unpacked_only_when_asked_for(lines: RecordLines, tmp_path: Path) -> None:
    archive(tmp_path, "usage_20260130.jsonl")

    assert lines.read(IDS, False)[IDS[1]] == FoundLine(None, LineState.ARCHIVED)
    assert lines.read(IDS, False)[IDS[2]] == FoundLine(RECORDS[2], LineState.LIVE)
    assert lines.read(IDS, True)[IDS[1]] == FoundLine(RECORDS[1], LineState.ARCHIVED)


def test_what_is_not_there_any_more_is_missing_and_nothing_else_is(lines: RecordLines, tmp_path: Path) -> None:
    (tmp_path / "usage_20260130.jsonl").unlink()

    assert [lines.read(IDS, True)[each].state for each in IDS] == ["missing", "missing", "live", "live"]


def test_an_id_that_the_books_do_not_know_is_missing(lines: RecordLines) -> None:
    assert lines.read(["req_unknown"], True) == {"req_unknown": FoundLine(None, LineState.MISSING)}
    assert lines.read([], True) == {}


def test_bytes_that_hold_another_record_by_now_are_not_taken_for_this_one(lines: RecordLines, tmp_path: Path) -> None:
    path = tmp_path / "usage_20260130.jsonl"
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(second + first)

    assert lines.read([IDS[0]], True)[IDS[0]] == FoundLine(None, LineState.MISSING)


def test_a_damaged_archive_costs_its_own_records(lines: RecordLines, tmp_path: Path) -> None:
    archive(tmp_path, "usage_20260130.jsonl")
    path = tmp_path / "archive" / "usage_20260130.jsonl.gz"
    path.write_bytes(path.read_bytes()[:40])

    assert [lines.read(IDS, True)[each].state for each in IDS] == ["missing", "missing", "live", "live"]
