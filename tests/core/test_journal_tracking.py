"""Files that move, grow, shrink and are packed under the bookkeeper's hands."""

import gzip
import os
import shutil
from pathlib import Path

import pytest

from smart_ai_router.adapters.memory_store import MemoryStore
from smart_ai_router.core.verification import books_digest
from tests.contract.lines import line, write_lines
from tests.core.journal_samples import booked, ids, keep, pack, reasons

DAY = "usage_20260131.jsonl"


def lines(count: int, first: int = 0) -> list[bytes]:
    return [line(f"2026-01-31 10:{number // 60:02}:{number % 60:02}", number) for number in range(first, first + count)]


def sizes(store: MemoryStore) -> list[tuple[int, int]]:
    """Records and repetitions of each file generation."""
    return [(state.lines, state.repeated) for state in store.journal_files()]


def digest(store: MemoryStore) -> str:
    with store.snapshot() as books:
        return books_digest(books)


class Watch:
    """Books a directory now and again: in one process, or with a restart before the last look."""

    def __init__(self, logs: Path, restarts: bool) -> None:
        self._logs = logs
        self._restarts = restarts
        self._store = MemoryStore()
        self._bookkeeper = keep(logs, self._store)

    def look(self) -> None:
        assert self._bookkeeper.catch_up()

    def look_again(self) -> MemoryStore:
        """Twice, because the second look must find nothing new."""
        bookkeeper = keep(self._logs, self._store) if self._restarts else self._bookkeeper
        assert bookkeeper.catch_up()
        assert bookkeeper.catch_up()
        return self._store


@pytest.fixture(params=[False, True], ids=["one process", "restarted"])
def watch(request: pytest.FixtureRequest, tmp_path: Path) -> Watch:
    return Watch(tmp_path, request.param)


def test_a_packed_day_is_known_again_without_unpacking_it(tmp_path: Path, watch: Watch) -> None:
    write_lines(tmp_path / DAY, lines(10))
    watch.look()

    pack(tmp_path / DAY)
    store = watch.look_again()

    assert (sizes(store), reasons(store)) == ([(10, 0)], {})
    assert store.journal_files()[0].inode == 0


def test_what_was_not_yet_read_of_a_packed_day_is_read_from_the_archive(tmp_path: Path, watch: Watch) -> None:
    write_lines(tmp_path / DAY, lines(10))
    watch.look()

    write_lines(tmp_path / DAY, lines(5, first=10))
    pack(tmp_path / DAY)
    store = watch.look_again()

    assert (sizes(store), reasons(store), len(ids(store))) == ([(15, 0)], {}, 15)


def test_archives_of_days_that_were_never_read_are_booked(tmp_path: Path) -> None:
    write_lines(tmp_path / DAY, lines(10))
    pack(tmp_path / DAY)
    write_lines(tmp_path / "usage_20260201.jsonl", [line("2026-02-01 10:00:00")])

    store = booked(tmp_path)

    assert (sizes(store), len(ids(store))) == ([(10, 0), (1, 0)], 11)


def test_a_day_that_was_moved_to_the_archive_unpacked_counts_too(tmp_path: Path) -> None:
    write_lines(tmp_path / DAY, lines(10))
    (tmp_path / "archive").mkdir()
    (tmp_path / DAY).rename(tmp_path / "archive" / DAY)

    assert len(ids(booked(tmp_path))) == 10


def test_lines_that_come_for_a_packed_day_are_booked_once(tmp_path: Path, watch: Watch) -> None:
    write_lines(tmp_path / DAY, lines(10))
    watch.look()
    pack(tmp_path / DAY)
    watch.look()

    write_lines(tmp_path / DAY, lines(15, first=10))
    store = watch.look_again()
    pack(tmp_path / DAY, "usage_20260131.2.jsonl")
    watch.look_again()

    assert (sizes(store), len(ids(store))) == ([(10, 0), (15, 0)], 25)
    assert reasons(store) == {}
    assert digest(booked(tmp_path)) == digest(store)


def test_while_a_day_stands_in_both_places_it_counts_once(tmp_path: Path) -> None:
    """A crash between placing the archive and removing the live file."""
    write_lines(tmp_path / DAY, lines(10))
    store = booked(tmp_path)
    content = (tmp_path / DAY).read_bytes()
    pack(tmp_path / DAY)
    (tmp_path / DAY).write_bytes(content)

    for each in (store, MemoryStore()):
        keep(tmp_path, each).catch_up()
        keep(tmp_path, each).catch_up()
        assert (sizes(each), reasons(each)) == ([(10, 0)], {})


def test_a_file_moved_away_and_back_is_read_on(tmp_path: Path, watch: Watch) -> None:
    write_lines(tmp_path / DAY, lines(10))
    watch.look()

    shutil.copy(tmp_path / DAY, tmp_path / "copy")
    (tmp_path / DAY).unlink()
    (tmp_path / "copy").replace(tmp_path / DAY)
    write_lines(tmp_path / DAY, lines(5, first=10))
    store = watch.look_again()

    assert (sizes(store), reasons(store)) == ([(15, 0)], {})


def test_d5_a_file_that_was_cut_is_noticed_and_nothing_counts_twice(tmp_path: Path, watch: Watch) -> None:
    write_lines(tmp_path / DAY, lines(10))
    watch.look()

    os.truncate(tmp_path / DAY, len(b"\n".join(lines(4))) + 1)
    write_lines(tmp_path / DAY, lines(2, first=20))
    store = watch.look_again()

    assert (len(ids(store)), reasons(store)) == (12, {"cut": 1})
    assert sizes(store) == [(10, 0), (2, 4)]


def test_d5_a_file_that_was_replaced_is_noticed_and_the_new_one_is_read(tmp_path: Path, watch: Watch) -> None:
    write_lines(tmp_path / DAY, lines(3))
    watch.look()

    write_lines(tmp_path / "other", lines(6, first=50))
    (tmp_path / "other").replace(tmp_path / DAY)
    store = watch.look_again()

    assert (len(ids(store)), reasons(store)) == (9, {"replaced": 1})


def test_a_file_rewritten_in_place_is_noticed_after_a_start(tmp_path: Path) -> None:
    write_lines(tmp_path / DAY, lines(3))
    store = booked(tmp_path)

    (tmp_path / DAY).write_bytes(b"\n".join(lines(6, first=50)) + b"\n")
    keep(tmp_path, store).catch_up()

    assert (len(ids(store)), reasons(store)) == (9, {"replaced": 1})


def test_d5_logrotates_way_of_moving_a_file_aside_is_noticed(tmp_path: Path, watch: Watch) -> None:
    write_lines(tmp_path / DAY, lines(3))
    watch.look()

    (tmp_path / DAY).rename(tmp_path / f"{DAY}.1")
    write_lines(tmp_path / DAY, lines(3, first=10))
    store = watch.look_again()

    assert (len(ids(store)), reasons(store)) == (6, {"replaced": 1})


def test_a_file_that_is_gone_is_noticed_once_and_its_records_stay(tmp_path: Path, watch: Watch) -> None:
    write_lines(tmp_path / DAY, lines(3))
    watch.look()

    (tmp_path / DAY).unlink()
    store = watch.look_again()

    assert (len(ids(store)), reasons(store)) == (3, {"missing": 1})


def test_a_restored_copy_of_a_packed_day_changes_nothing(tmp_path: Path, watch: Watch) -> None:
    write_lines(tmp_path / DAY, lines(10))
    watch.look()
    archive = pack(tmp_path / DAY)
    watch.look()

    (tmp_path / DAY).write_bytes(gzip.decompress(archive.read_bytes()))
    store = watch.look_again()

    assert (sizes(store), reasons(store)) == ([(10, 0)], {})


def test_n_15_a_damaged_archive_costs_what_cannot_be_unpacked(tmp_path: Path) -> None:
    write_lines(tmp_path / DAY, lines(3000))
    archive = pack(tmp_path / DAY)
    content = archive.read_bytes()
    archive.write_bytes(content[: len(content) // 2])
    write_lines(tmp_path / "usage_20260201.jsonl", [line("2026-02-01 10:00:00", 5)])
    store = MemoryStore()
    bookkeeper = keep(tmp_path, store)

    assert bookkeeper.catch_up()
    assert bookkeeper.catch_up()

    assert reasons(store)["archive_damaged"] == 1
    assert store.usage_row(next(iter(ids(store)))) is not None
    assert any(state.name == "usage_20260201.jsonl" and state.lines == 1 for state in store.journal_files())


def test_a_torn_line_at_the_end_of_an_archive_is_a_problem(tmp_path: Path) -> None:
    write_lines(tmp_path / DAY, lines(2))
    with (tmp_path / DAY).open("ab") as file:
        file.write(b'{"timestamp":"2026')
    pack(tmp_path / DAY)

    store = booked(tmp_path)

    assert (len(ids(store)), reasons(store)) == (2, {"torn": 1})
    keep(tmp_path, store).catch_up()
    assert reasons(store) == {"torn": 1}


def test_an_inode_that_is_used_again_is_not_taken_for_the_packed_file(tmp_path: Path) -> None:
    write_lines(tmp_path / DAY, lines(5))
    store = booked(tmp_path)
    inode = (tmp_path / DAY).stat().st_ino
    archive = tmp_path / "archive" / f"{DAY}.gz"
    archive.parent.mkdir()
    archive.write_bytes(gzip.compress((tmp_path / DAY).read_bytes(), mtime=0))

    (tmp_path / DAY).write_bytes(b"\n".join(lines(9, first=40)) + b"\n")  # the same inode, other content
    keep(tmp_path, store).catch_up()

    assert (tmp_path / DAY).stat().st_ino == inode
    assert len(ids(store)) == 14
