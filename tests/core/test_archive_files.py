"""Packing files: nothing is overwritten, and a crash at any step neither loses nor doubles a line."""

from pathlib import Path

import pytest

from tests.contract.lines import line, write_lines
from tests.core.archive_samples import alert_line, digest, run, unpacked, write_alerts, write_day
from tests.core.journal_samples import booked, ids, keep, reasons

STEPS = ("write", "sync", "check", "place", "sync_archive", "remove", "sync_logs")


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
