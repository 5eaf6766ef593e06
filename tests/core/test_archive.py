"""Packing old days: what goes, and what stays."""

import os
from pathlib import Path

import pytest

from smart_ai_router.adapters.journal_files import LogsDirectory
from smart_ai_router.adapters.memory_store import MemoryStore
from smart_ai_router.core.archive import DaysToKeepInvalid, archive_old_days
from smart_ai_router.core.archive_files import ArchiveDirectory
from smart_ai_router.core.verification import verify
from tests.core.archive_samples import NOW, alert_line, digest, run, unpacked, write_alerts, write_day
from tests.core.journal_samples import booked, ids, keep, reasons


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


@pytest.mark.parametrize("days_to_keep", [0, 6])
def test_the_alerts_that_the_list_can_show_stay_whatever_is_kept(tmp_path: Path, days_to_keep: int) -> None:
    path = write_alerts(tmp_path, [8, 7, 0])

    run(tmp_path, days_to_keep)

    assert path.read_bytes().splitlines() == [alert_line(7), alert_line(0)]


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
