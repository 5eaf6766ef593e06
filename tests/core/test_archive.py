"""Packing old days: what goes, what stays, and a crash at every step."""

import gzip
import os
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from smart_ai_router.adapters.archive_files import ArchiveDirectory
from smart_ai_router.adapters.journal_files import LogsDirectory
from smart_ai_router.adapters.memory_store import MemoryStore
from smart_ai_router.core.archive import ArchiveReport, DaysToKeepInvalid, archive_old_days
from smart_ai_router.core.verification import books_digest, verify
from tests.contract.lines import line, write_lines
from tests.core.journal_samples import booked, ids, keep, reasons

TODAY = date(2026, 3, 1)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()
STEPS = ("write", "sync", "check", "place", "sync_archive", "remove", "sync_logs")


def write_day(logs: Path, days_ago: int, count: int = 3) -> Path:
    day = TODAY - timedelta(days=days_ago)
    path = logs / f"usage_{day:%Y%m%d}.jsonl"
    write_lines(path, [line(f"{day} 10:00:0{number}", number) for number in range(count)])
    os.utime(path, (NOW - 3600, NOW - 3600))
    return path


def write_alerts(logs: Path, days_ago: list[int]) -> Path:
    path = logs / "channel_alerts.jsonl"
    write_lines(path, [alert_line(each) for each in days_ago])
    return path


def alert_line(days_ago: int) -> bytes:
    at = f"{TODAY - timedelta(days=days_ago)}T10:00:00Z"
    return (
        f'{{"channel_id":"ch_1","channel_name":"One","alert_type":"rate_limit","message":"m","timestamp":"{at}",'
        '"details":null}'
    ).encode()


def run(logs: Path, days_to_keep: int = 30, before_step: Callable[[str], None] = lambda _name: None) -> ArchiveReport:
    return archive_old_days(ArchiveDirectory(logs, before_step), NOW, days_to_keep)


def digest(logs: Path) -> str:
    with booked(logs).snapshot() as books:
        return books_digest(books)


def unpacked(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes())


@pytest.mark.parametrize(("days_to_keep", "stays", "goes"), [(30, 30, 31), (7, 7, 8), (0, 0, 1), (1, 1, 2)])
def test_m1_55_m1_56_the_boundary_day_stays_and_the_one_before_it_goes(
    tmp_path: Path, days_to_keep: int, stays: int, goes: int
) -> None:
    kept, gone = write_day(tmp_path, stays), write_day(tmp_path, goes)
    content = gone.read_bytes()

    report = run(tmp_path, days_to_keep)

    assert [each.name for each in report.packed] == [gone.name]
    assert report.kept == [kept.name]
    assert report.exit_status == 0
    assert kept.exists()
    assert not gone.exists()
    packed = tmp_path / report.packed[0].archive
    assert packed.name == f"{gone.name}.gz"
    assert unpacked(packed) == content
    assert (report.packed[0].lines, report.packed[0].size) == (3, len(content))
    assert report.packed[0].packed_size == packed.stat().st_size < len(content)


@pytest.mark.parametrize("days_to_keep", [-1, -30])
def test_w12_a_negative_number_of_days_is_refused_and_moves_nothing(tmp_path: Path, days_to_keep: int) -> None:
    path = write_day(tmp_path, 100)

    with pytest.raises(DaysToKeepInvalid, match=f"not {days_to_keep}"):
        run(tmp_path, days_to_keep)

    assert path.exists()


def test_todays_file_and_a_future_one_always_stay(tmp_path: Path) -> None:
    paths = [write_day(tmp_path, days_ago) for days_ago in (0, -1, -400)]

    report = run(tmp_path, 0)

    assert report.packed == []
    assert all(path.exists() for path in paths)


def test_yesterdays_file_stays_while_a_call_that_ended_at_midnight_may_still_be_written(tmp_path: Path) -> None:
    path = write_day(tmp_path, 1)
    os.utime(path, (NOW - 599, NOW - 599))
    assert run(tmp_path, 0).packed == []

    os.utime(path, (NOW - 600, NOW - 600))
    assert [each.name for each in run(tmp_path, 0).packed] == [path.name]


def test_m1_61_packed_days_count_as_before(tmp_path: Path) -> None:
    for days_ago in (0, 20, 31, 40):
        write_day(tmp_path, days_ago)
    before = digest(tmp_path)
    store = booked(tmp_path)

    run(tmp_path)

    assert digest(tmp_path) == before
    keep(tmp_path, store).catch_up()
    assert reasons(store) == {}
    assert verify(store, LogsDirectory(tmp_path)).is_equal


def test_running_twice_does_nothing_the_second_time(tmp_path: Path) -> None:
    write_day(tmp_path, 31)

    assert len(run(tmp_path).packed) == 1
    assert run(tmp_path).packed == []


def test_nothing_to_do_is_no_failure(tmp_path: Path) -> None:
    report = run(tmp_path / "not-there")

    assert (report.packed, report.kept, report.failures, report.exit_status) == ([], [], [], 0)


def test_w12_a_second_archive_of_a_day_never_overwrites_the_first(tmp_path: Path) -> None:
    path = write_day(tmp_path, 31)
    first = path.read_bytes()
    run(tmp_path)
    write_lines(path, [line("2026-01-29 11:00:00", 77)])
    second = path.read_bytes()

    report = run(tmp_path)

    assert [each.archive for each in report.packed] == ["archive/usage_20260129.2.jsonl.gz"]
    assert unpacked(tmp_path / "archive" / f"{path.name}.gz") == first
    assert unpacked(tmp_path / report.packed[0].archive) == second
    assert len(ids(booked(tmp_path))) == 4


def test_one_file_that_fails_stops_no_other_and_fails_the_run(tmp_path: Path) -> None:
    bad, good = write_day(tmp_path, 40), write_day(tmp_path, 35)

    def fail_once(_name: str) -> None:
        if not failed:
            failed.append(True)
            raise OSError(28, "No space left on device")

    failed: list[bool] = []
    report = run(tmp_path, before_step=fail_once)

    assert [each.name for each in report.packed] == [good.name]
    assert [name for name, _ in report.failures] == [bad.name]
    assert "No space left" in report.failures[0][1]
    assert report.exit_status == 1
    assert bad.exists()


class Killed(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("failure", [OSError(5, "Input/output error"), Killed()])
def test_d9_a_crash_before_any_step_neither_loses_nor_doubles_a_line(
    tmp_path: Path, step: str, failure: BaseException
) -> None:
    write_day(tmp_path, 31)
    write_day(tmp_path, 0)
    before = digest(tmp_path)
    store = booked(tmp_path)

    def fail(name: str) -> None:
        if name == step:
            raise failure

    if isinstance(failure, Killed):
        with pytest.raises(Killed):
            run(tmp_path, before_step=fail)
    else:
        assert run(tmp_path, before_step=fail).exit_status == 1
    assert digest(tmp_path) == before
    keep(tmp_path, store).catch_up()

    assert run(tmp_path).exit_status == 0
    assert not (tmp_path / "usage_20260129.jsonl").exists()
    assert [path.name for path in (tmp_path / "archive").iterdir()] == ["usage_20260129.jsonl.gz"]
    assert digest(tmp_path) == before
    keep(tmp_path, store).catch_up()
    assert reasons(store) == {}
    assert [(state.lines, state.repeated) for state in store.journal_files()] == [(3, 0), (3, 0)]


def test_a_line_written_while_a_file_is_packed_is_not_lost(tmp_path: Path) -> None:
    path = write_day(tmp_path, 31)

    def write(name: str) -> None:
        if name == "check":
            write_lines(path, [line("2026-01-29 11:00:00", 77)])

    report = run(tmp_path, before_step=write)

    assert report.failures == [(path.name, f"{path.name} is still being written; try again")]
    assert len(ids(booked(tmp_path))) == 4
    assert run(tmp_path).exit_status == 0
    assert len(ids(booked(tmp_path))) == 4


def test_a_copy_that_does_not_unpack_to_the_same_is_never_placed(tmp_path: Path) -> None:
    path = write_day(tmp_path, 31)

    def spoil(name: str) -> None:
        if name == "check":
            copy = next((tmp_path / "archive").iterdir())
            content = bytearray(copy.read_bytes())
            content[len(content) // 2] ^= 0xFF
            copy.write_bytes(content)

    report = run(tmp_path, before_step=spoil)

    assert report.exit_status == 1
    assert path.exists()
    assert run(tmp_path).exit_status == 0


def test_old_alerts_are_packed_and_young_ones_stay(tmp_path: Path) -> None:
    path = write_alerts(tmp_path, [60, 31, 30, 1])
    lines = path.read_bytes().splitlines(keepends=True)

    report = run(tmp_path)

    [packed] = report.packed
    assert (packed.name, packed.lines) == ("channel_alerts.jsonl", 2)
    assert unpacked(tmp_path / packed.archive) == b"".join(lines[:2])
    assert path.read_bytes() == b"".join(lines[2:])
    assert run(tmp_path).packed == []


@pytest.mark.parametrize("days_to_keep", [0, 6])
def test_the_alerts_that_the_list_can_show_stay_whatever_is_kept(tmp_path: Path, days_to_keep: int) -> None:
    path = write_alerts(tmp_path, [8, 7, 0])

    run(tmp_path, days_to_keep)

    assert path.read_bytes().splitlines() == [alert_line(7), alert_line(0)]


def test_alerts_that_are_all_young_are_left_alone(tmp_path: Path) -> None:
    path = write_alerts(tmp_path, [3, 0])

    assert run(tmp_path).packed == []
    assert path.read_bytes().splitlines() == [alert_line(3), alert_line(0)]


def test_the_older_alert_file_is_packed_whole_once_it_is_old(tmp_path: Path) -> None:
    older = tmp_path / "channel_alerts.1.jsonl"
    write_lines(older, [alert_line(50), alert_line(30)])
    assert run(tmp_path).packed == []

    older.write_bytes(alert_line(50) + b"\n" + alert_line(31) + b"\n")
    assert [each.archive for each in run(tmp_path).packed] == ["archive/channel_alerts.1.jsonl.gz"]
    assert not older.exists()


@pytest.mark.parametrize("step", ["write", "sync", "check", "place", "sync_archive", "cut", "sync_logs"])
def test_d9_a_crash_while_alerts_are_packed_neither_loses_nor_doubles_one(tmp_path: Path, step: str) -> None:
    path = write_alerts(tmp_path, [60, 31, 30, 1])
    before = path.read_bytes()

    def fail(name: str) -> None:
        if name == step:
            raise Killed

    with pytest.raises(Killed):
        run(tmp_path, before_step=fail)
    assert run(tmp_path).exit_status == 0

    archives = sorted((tmp_path / "archive").glob("channel_alerts*.gz"))
    assert b"".join(unpacked(each) for each in archives) + path.read_bytes() == before


def test_progress_is_told_for_each_file(tmp_path: Path) -> None:
    for days_ago in (31, 32):
        write_day(tmp_path, days_ago)
    told: list[tuple[int, int]] = []

    archive_old_days(ArchiveDirectory(tmp_path), NOW, 30, lambda done, total: told.append((done, total)))

    assert told == [(0, 2), (1, 2), (2, 2)]


def test_a_store_that_reads_during_a_run_sees_each_record_once(tmp_path: Path) -> None:
    for days_ago in (31, 32, 33):
        write_day(tmp_path, days_ago)
    store = MemoryStore()
    bookkeeper = keep(tmp_path, store)
    bookkeeper.catch_up()

    def look(_name: str) -> None:
        bookkeeper.catch_up()

    run(tmp_path, before_step=look)
    bookkeeper.catch_up()

    assert (len(ids(store)), reasons(store)) == (9, {})
    assert sum(state.repeated for state in store.journal_files()) == 0
