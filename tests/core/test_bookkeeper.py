"""The bookkeeper over real files: what it books, what a bad line costs, what it survives."""

import tracemalloc
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from smart_ai_router.adapters.journal_files import LogsDirectory
from smart_ai_router.adapters.memory_store import MemoryStore
from smart_ai_router.core.bookkeeper import Bookkeeper
from smart_ai_router.core.journal_source import LINE_BYTES_MAX
from smart_ai_router.core.posting import Posting
from smart_ai_router.core.store import Applied, JournalFileState, LineProblem, StoreUnavailable
from smart_ai_router.core.usage_pages import UsageFilter
from smart_ai_router.core.verification import books_digest
from tests.contract.lines import GUIDE_LINE, line, record, write_lines
from tests.core.journal_samples import Ticking, booked, ids, keep, pack, reasons, still

DAY = "usage_20260131.jsonl"


def lines(count: int, first: int = 0) -> list[bytes]:
    """Lines of one day, each of another call."""
    return [line(f"2026-01-31 10:{number // 60:02}:{number % 60:02}", number) for number in range(first, first + count)]


def digest(store: MemoryStore) -> str:
    with store.snapshot() as books:
        return books_digest(books)


def test_every_whole_line_is_booked_once(tmp_path: Path) -> None:
    write_lines(tmp_path / DAY, lines(25))
    store = MemoryStore()
    bookkeeper = keep(tmp_path, store, batch_lines=10)

    assert bookkeeper.catch_up()
    write_lines(tmp_path / DAY, lines(5, first=25))
    assert bookkeeper.catch_up()
    assert bookkeeper.catch_up()

    assert len(ids(store)) == 30
    [state] = store.journal_files()
    assert (state.lines, state.repeated, state.applied) == (30, 0, (tmp_path / DAY).stat().st_size)


def test_no_journal_is_an_empty_journal(tmp_path: Path) -> None:
    bookkeeper = keep(tmp_path / "not-there-yet", MemoryStore())

    assert bookkeeper.journal_end().files == ()
    assert bookkeeper.catch_up(bookkeeper.journal_end())


def test_the_next_process_goes_on_where_the_former_one_stopped(tmp_path: Path) -> None:
    write_lines(tmp_path / DAY, lines(10))
    store = booked(tmp_path)
    write_lines(tmp_path / DAY, lines(10, first=10))

    keep(tmp_path, store).catch_up()

    [state] = store.journal_files()
    assert (state.lines, state.repeated) == (20, 0)


def test_m1_76_the_guides_line_is_read_with_its_17_keys_even_without_a_newline(tmp_path: Path) -> None:
    (tmp_path / "usage_20250824.jsonl").write_bytes(GUIDE_LINE)

    store = booked(tmp_path)

    row = store.usage_row("req_abc123")
    assert row is not None
    assert row.total_cost == 375_000_000
    assert keep(tmp_path, store).record_line("req_abc123") == GUIDE_LINE


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"", "blank"),
        (b"   \t", "blank"),
        (b'{"timestamp":"2026-01-31T10:00:0', "corrupt"),
        (b"\x00\x00\x00", "corrupt"),
        (b"\xff\xfe\xff", "not_utf8"),
        (b"[]", "invalid"),
        (b"{}", "invalid"),
        (b"null", "invalid"),
        (b"x" * (2 * 1024 * 1024), "too_long"),
        (b"[" * 100_000, "corrupt"),
        (line("2026-01-31 10:00:00").replace(b"0.0003", b"null"), "invalid"),
        (line("2026-01-31 10:00:00").replace(b"0.0003", b"-1"), "invalid"),
        (line("2026-01-31 10:00:00").replace(b"0.0003", b"99999999"), "invalid"),
        (line("2026-01-31 10:00:00").replace(b"0.0003", b"NaN"), "corrupt"),
        (line("2026-01-31 10:00:00").replace(b'"input_tokens":100', b'"input_tokens":-1'), "invalid"),
        (line("2026-01-31 10:00:00").replace(b'"input_tokens":100', b'"input_tokens":' + b"9" * 30), "invalid"),
        (line("2026-01-31 10:00:00").replace(b"2026-01-31T", b"2026-02-30T"), "invalid"),
        (line("2026-01-31 10:00:00").replace(b"2026-01-31T", b"1900-01-31T"), "invalid"),
        (line("2026-01-31 10:00:00").replace(b"2026-01-31T", b"9999-01-31T"), "invalid"),
        (line("2026-01-31 10:00:00", request_id="r" * 201), "invalid"),
        (line("2026-01-31 10:00:00", request_id=""), "invalid"),
    ],
)
def test_n_15_a_bad_line_costs_itself_and_is_shown_with_place_and_reason(
    tmp_path: Path, bad: bytes, reason: str
) -> None:
    good = lines(4, first=1)
    write_lines(tmp_path / DAY, [*good[:2], bad, *good[2:]])

    store = booked(tmp_path)

    assert len(ids(store)) == 4
    [problem] = store.problems()
    assert (problem.file, problem.problem.reason, problem.problem.length) == (DAY, reason, len(bad))
    assert problem.problem.offset == len(good[0]) + len(good[1]) + 2
    assert reasons(store) == {reason: 1}
    assert digest(store) == digest(booked_without(tmp_path, bad))


def booked_without(logs: Path, bad: bytes) -> MemoryStore:
    """The books of the same directory if the bad line had never been written."""
    path = logs / DAY
    path.write_bytes(path.read_bytes().replace(b"\n" + bad + b"\n", b"\n", 1))
    return booked(logs)


def test_d8_a_line_of_50_megabytes_is_passed_in_bounded_memory(tmp_path: Path) -> None:
    first, last = lines(2)
    with (tmp_path / DAY).open("wb") as file:
        file.write(first + b"\n")
        for _ in range(50):
            file.write(b"y" * 1024 * 1024)
        file.write(b"\n" + last + b"\n")
    tracemalloc.start()

    store = booked(tmp_path)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(ids(store)) == 2
    assert store.problems()[0].problem.length == 50 * 1024 * 1024
    assert peak < 24 * 1024 * 1024


def test_a_torn_last_line_waits_for_its_end(tmp_path: Path) -> None:
    first, second = lines(2)
    store = MemoryStore()
    bookkeeper = keep(tmp_path, store)
    (tmp_path / DAY).write_bytes(first + b"\n" + second[:200])
    assert bookkeeper.catch_up()
    assert (len(ids(store)), reasons(store)) == (1, {})

    write_lines(tmp_path / DAY, [second[200:]])
    assert bookkeeper.catch_up()

    assert (len(ids(store)), reasons(store)) == (2, {})


def test_c4_a_file_cut_at_any_byte_of_its_last_line_is_read_right_and_again_when_it_is_whole(tmp_path: Path) -> None:
    first, second, third = lines(3)
    whole = first + b"\n" + second + b"\n"
    for cut in range(len(first) + 1, len(whole) + 1):
        directory = tmp_path / str(cut)
        directory.mkdir()
        (directory / DAY).write_bytes(whole[:cut])
        store = MemoryStore()
        bookkeeper = keep(directory, store)

        bookkeeper.catch_up()
        assert len(ids(store)) == (1 if cut < len(whole) - 1 else 2)
        # the next writer ends the torn line before its own, as guarded appends do
        rest = b"" if cut == len(whole) else b"\n"
        with (directory / DAY).open("ab") as file:
            file.write(rest + third + b"\n")
        bookkeeper.catch_up()

        is_whole = cut >= len(whole) - 1
        assert len(ids(store)) == (3 if is_whole else 2), cut
        assert sum(reasons(store).values()) == (0 if is_whole else 1), cut


def test_a_whole_record_whose_newline_comes_later_is_booked_once_and_no_blank_line_is_seen(tmp_path: Path) -> None:
    first, second = lines(2)
    store = MemoryStore()
    (tmp_path / DAY).write_bytes(first)
    keep(tmp_path, store).catch_up()
    assert len(ids(store)) == 1

    write_lines(tmp_path / DAY, [b"", second])
    keep(tmp_path, store).catch_up()

    assert (len(ids(store)), reasons(store)) == (2, {})
    assert [state.repeated for state in store.journal_files()] == [0]


def test_catching_up_reaches_an_end_that_was_noted(tmp_path: Path) -> None:
    write_lines(tmp_path / DAY, lines(10))
    store = MemoryStore()
    bookkeeper = keep(tmp_path, store)

    assert bookkeeper.catch_up(bookkeeper.journal_end())
    assert len(ids(store)) == 10
    end = bookkeeper.journal_end()
    write_lines(tmp_path / DAY, lines(10, first=10))
    assert bookkeeper.catch_up(end)
    assert len(ids(store)) == 10  # nothing new was asked for
    assert bookkeeper.catch_up(bookkeeper.journal_end())
    assert len(ids(store)) == 20


def test_when_the_budget_ends_it_says_so_and_goes_on_next_time(tmp_path: Path) -> None:
    write_lines(tmp_path / DAY, lines(40))
    store = MemoryStore()
    bookkeeper = keep(tmp_path, store, monotonic=Ticking(), batch_lines=10)

    assert not bookkeeper.catch_up(budget_s=1.5)
    booked_first = len(ids(store))
    turns = 0
    while not bookkeeper.catch_up(budget_s=1.5):
        turns += 1

    assert 0 < booked_first < 40
    assert turns < 40
    assert len(ids(store)) == 40


def test_observers_see_each_new_record_once_after_it_is_booked(tmp_path: Path) -> None:
    seen: list[str] = []
    store = MemoryStore()
    bookkeeper = keep(tmp_path, store, batch_lines=4)

    def observe(fresh: Sequence[Posting]) -> None:
        assert {each.record.request_id for each in fresh} <= ids(store)
        seen.extend(each.record.request_id for each in fresh)

    bookkeeper.add_observer(observe)
    write_lines(tmp_path / DAY, [*lines(6), *lines(3)])
    bookkeeper.catch_up()

    assert len(seen) == len(set(seen)) == 6


def test_an_observer_that_fails_loses_no_record_and_silences_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[Posting] = []
    store = MemoryStore()
    bookkeeper = keep(tmp_path, store)

    def fail(fresh: Sequence[Posting]) -> None:
        raise RuntimeError("no")

    bookkeeper.add_observer(fail)
    bookkeeper.add_observer(seen.extend)
    write_lines(tmp_path / DAY, lines(3))

    assert bookkeeper.catch_up()
    assert (len(ids(store)), len(seen)) == (3, 3)
    assert "an observer of the books failed on 3 records" in caplog.text


class FailingStore(MemoryStore):
    """A disk that is full now and then."""

    def __init__(self, failures: Iterator[bool]) -> None:
        super().__init__()
        self._failures = failures

    def apply(self, file: JournalFileState, postings: Sequence[Posting], problems: Sequence[LineProblem]) -> Applied:
        if next(self._failures, False):
            raise StoreUnavailable("the disk is full")
        return super().apply(file, postings, problems)


def test_a_store_that_cannot_be_written_loses_nothing(tmp_path: Path) -> None:
    write_lines(tmp_path / DAY, [*lines(30), b"bad"])
    store = FailingStore(iter([False, True, True, False, True]))
    bookkeeper = keep(tmp_path, store, batch_lines=10)

    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            bookkeeper.catch_up()
    assert bookkeeper.catch_up()

    assert len(ids(store)) == 30
    assert reasons(store) == {"corrupt": 1}
    [state] = store.journal_files()
    assert (state.lines, state.repeated) == (30, 0)


def test_lines_written_again_after_a_failed_sync_are_one_call_each(tmp_path: Path) -> None:
    write_lines(tmp_path / DAY, [*lines(3), *lines(3)])

    store = booked(tmp_path)

    [state] = store.journal_files()
    assert (state.lines, state.repeated, reasons(store)) == (3, 3, {})


def test_another_line_under_the_same_id_is_shown(tmp_path: Path) -> None:
    write_lines(tmp_path / DAY, [line("2026-01-31 10:00:00", 1), line("2026-01-31 10:00:00", 1, model="other")])

    store = booked(tmp_path)

    assert reasons(store) == {"duplicate_id": 1}
    assert [row.model for row in store.usage_page(UsageFilter()).rows] == ["gpt-4o-mini"]


def test_a_record_line_is_read_from_the_live_file_and_from_the_archive(tmp_path: Path) -> None:
    made = lines(5)
    write_lines(tmp_path / DAY, made)
    store = MemoryStore()
    bookkeeper = keep(tmp_path, store)
    bookkeeper.catch_up()
    wanted = record("2026-01-31 10:00:03", 3).request_id

    assert bookkeeper.record_line(wanted) == made[3]
    pack(tmp_path / DAY)
    assert bookkeeper.record_line(wanted) == made[3]
    bookkeeper.catch_up()
    assert bookkeeper.record_line(wanted) == made[3]
    assert bookkeeper.record_line("req_unknown") is None
    (tmp_path / "archive" / f"{DAY}.gz").unlink()
    assert bookkeeper.record_line(wanted) is None


def test_files_that_are_no_journal_are_left_alone(tmp_path: Path) -> None:
    write_lines(tmp_path / DAY, lines(2))
    for name in ("usage_2026.jsonl", "usage_20260131.jsonl.1", "channel_alerts.jsonl", "usage_20260131.txt"):
        write_lines(tmp_path / name, lines(2, first=50))

    assert len(ids(booked(tmp_path))) == 2


def test_two_threads_take_turns(tmp_path: Path) -> None:
    """A question that finds the bookkeeper at work waits for its budget and then says that it is not complete."""
    write_lines(tmp_path / DAY, lines(3))
    answers: list[bool] = []
    store = MemoryStore()
    bookkeeper = Bookkeeper(store, LogsDirectory(tmp_path), still)
    bookkeeper.add_observer(lambda _fresh: answers.append(bookkeeper.catch_up(budget_s=0)))

    assert bookkeeper.catch_up()
    assert answers == [False]


def test_an_idle_look_opens_no_file(tmp_path: Path) -> None:
    write_lines(tmp_path / DAY, [*lines(2), b'{"torn'])
    with (tmp_path / DAY).open("ab") as file:
        file.write(b'{"waiting')
    store = MemoryStore()
    opened: list[str] = []

    class Counting(LogsDirectory):
        def open(self, source, offset, crc32, stop=None):  # type: ignore[no-untyped-def]
            opened.append(source.path)
            return super().open(source, offset, crc32, stop)

    bookkeeper = Bookkeeper(store, Counting(tmp_path), still)
    bookkeeper.catch_up()
    bookkeeper.catch_up()
    bookkeeper.catch_up()

    assert opened == [DAY]


def test_a_line_just_below_the_bound_is_a_record_and_one_just_above_is_not(tmp_path: Path) -> None:
    empty = len(line("2026-01-31 10:00:00", error_message=""))
    within, beyond = (
        line("2026-01-31 10:00:00", number, error_message="x" * (LINE_BYTES_MAX - empty + number)) for number in (0, 1)
    )
    write_lines(tmp_path / DAY, [within, beyond])

    store = booked(tmp_path)

    assert (len(within), len(beyond)) == (LINE_BYTES_MAX, LINE_BYTES_MAX + 1)
    assert (len(ids(store)), reasons(store)) == (1, {"too_long": 1})
