"""The proof of the books, and books made anew."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from smart_ai_router.adapters.journal_files import LogsDirectory
from smart_ai_router.adapters.memory_store import MemoryStore
from smart_ai_router.core.rollups import CUBE_MONTH, HOUR, TAG_DAY, USER_CUBE_DAY, Rollup
from smart_ai_router.core.store import BookStore, RecordSums
from smart_ai_router.core.usage_record import BillLine, encode_usage_record
from smart_ai_router.core.verification import books_digest, rebuild, verify
from smart_ai_router.core.verification_report import VerificationReport
from tests.contract.lines import attempt, line, record, write_lines
from tests.core.journal_samples import booked, ids, keep, pack

DAY = "usage_20260131.jsonl"
BILL = (
    BillLine("input_token", Decimal(100), "p1", Decimal("0.0001")),
    BillLine("output_token", Decimal(50), "p2", Decimal("0.0002")),
)


def some_lines() -> list[bytes]:
    """Two days, two currencies, bill lines and tries."""
    return [
        line(
            f"2026-01-{30 + number % 2} 10:00:{number:02}",
            number,
            cost_currency="CNY" if number % 3 == 0 else "USD",
            lines=BILL,
            attempts=(attempt("ch_9", "timeout"), attempt("ch_1")),
        )
        for number in range(30)
    ]


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """A journal with a live day, a packed day, and one bad line."""
    made = some_lines()
    write_lines(tmp_path / "usage_20260130.jsonl", made[::2])
    pack(tmp_path / "usage_20260130.jsonl")
    write_lines(tmp_path / DAY, [*made[1::2], b"bad", made[1]])
    return tmp_path


def check(store: BookStore, logs: Path) -> VerificationReport:
    return verify(store, LogsDirectory(logs))


def test_books_that_are_right_are_proven(logs: Path) -> None:
    report = check(booked(logs), logs)

    assert report.is_equal, report.differences
    assert (report.exit_status, report.files, report.records, report.problem_lines) == (0, 2, 30, 1)
    assert report.sums == {
        "CNY": RecordSums(10, 1_000_000_000, 2_000_000_000, 3_000_000_000),
        "USD": RecordSums(20, 2_000_000_000, 4_000_000_000, 6_000_000_000),
    }


def test_empty_books_of_an_empty_journal_are_right(tmp_path: Path) -> None:
    report = check(MemoryStore(), tmp_path)

    assert (report.is_equal, report.files, report.records) == (True, 0, 0)


def test_m2_verify_is_true_of_what_was_booked_while_more_is_written(logs: Path) -> None:
    store = booked(logs)
    with (logs / DAY).open("ab") as file:
        file.write(line("2026-01-31 11:00:00", 500) + b"\n" + line("2026-01-31 11:00:01", 501)[:100])

    report = check(store, logs)

    assert (report.is_equal, report.records) == (True, 30)


def test_a_day_that_is_packed_after_it_was_booked_is_still_proven(logs: Path) -> None:
    store = booked(logs)
    pack(logs / DAY)

    report = check(store, logs)

    assert (report.is_equal, report.missing_files) == (True, [])


def test_a_file_that_was_cut_does_no_harm_when_its_records_stand_elsewhere(logs: Path) -> None:
    store = booked(logs)
    content = (logs / DAY).read_bytes()
    (logs / DAY).write_bytes(b"")
    keep(logs, store).catch_up()
    (logs / DAY).write_bytes(content)
    keep(logs, store).catch_up()

    assert check(store, logs).is_equal


def test_progress_is_told_up_to_the_end(logs: Path) -> None:
    told: list[tuple[int, int]] = []

    verify(booked(logs), LogsDirectory(logs), lambda done, total: told.append((done, total)))

    assert told
    assert all(done <= total for done, total in told)


def spoil_record(store: MemoryStore) -> str:
    sid, row = next(iter(store._rows.items()))
    store._rows[sid] = type(row)(**{name: getattr(row, name) for name in row.__dataclass_fields__} | {"input_cost": 1})
    return "record"


def lose_record(store: MemoryStore) -> str:
    del store._rows[next(iter(store._rows))]
    return "record"


def invent_record(store: MemoryStore) -> str:
    sid, row = next(iter(store._rows.items()))
    store._rows[sid + 1] = type(row)(**{n: getattr(row, n) for n in row.__dataclass_fields__} | {"sid": sid + 1})
    store._positions[sid + 1] = store._positions[sid]
    return "record"


def misplace_record(store: MemoryStore) -> str:
    sid = next(iter(store._positions))
    store._positions[sid] = store._positions[sid]._replace(offset=7)
    return "record"


def spoil_cell(rollup: Rollup) -> object:
    def spoil(store: MemoryStore) -> str:
        key = next(iter(store._cells[rollup]))
        cell = store._cells[rollup][key]
        store._cells[rollup][key] = (*cell[:6], cell[6] + 1, *cell[7:])
        return "rollup"

    return spoil


def lose_cell(store: MemoryStore) -> str:
    del store._cells[CUBE_MONTH][next(iter(store._cells[CUBE_MONTH]))]
    return "rollup"


def spoil_attempts(store: MemoryStore) -> str:
    rollup, cells = next(iter(store._attempts.items()))
    key = next(iter(cells))
    store._attempts[rollup][key] = cells[key]._replace(failures=99)
    return "rollup"


def rename_channel(store: MemoryStore) -> str:
    store._channel_names["ch_1"] = (0, "Somebody Else")
    return "channel_name"


@pytest.mark.parametrize(
    "spoil",
    [
        spoil_record,
        lose_record,
        invent_record,
        misplace_record,
        spoil_cell(HOUR),
        spoil_cell(USER_CUBE_DAY),
        spoil_cell(TAG_DAY),
        spoil_cell(CUBE_MONTH),
        lose_cell,
        spoil_attempts,
        rename_channel,
    ],
)
def test_whatever_is_wrong_in_the_books_is_found_and_named(logs: Path, spoil) -> None:  # type: ignore[no-untyped-def]
    store = booked(logs)

    what = spoil(store)
    report = check(store, logs)

    assert report.exit_status == 1
    assert what in {difference.what for difference in report.differences}


def test_a_changed_cost_is_found_by_the_sums_as_well(logs: Path) -> None:
    store = booked(logs)
    spoil_record(store)

    report = check(store, logs)

    assert "sum" in {difference.what for difference in report.differences}


def test_a_line_whose_bill_lines_do_not_sum_to_its_cost_is_named(tmp_path: Path) -> None:
    wrong = record("2026-01-31 10:00:00", 1, lines=BILL[:1])
    write_lines(tmp_path / DAY, [line("2026-01-31 10:00:00", 2, lines=BILL), encode_usage_record(wrong)])

    report = check(booked(tmp_path), tmp_path)

    [difference] = report.differences
    assert (difference.what, difference.where) == ("line", wrong.request_id)
    assert (difference.journal, difference.books) == ("bill lines of 0.0001", "cost 0.0003")


def test_a_changed_byte_in_the_journal_is_found(logs: Path) -> None:
    store = booked(logs)
    path = logs / DAY
    path.write_bytes(path.read_bytes().replace(b'"output_cost":0.0002', b'"output_cost":0.0003', 1))

    report = check(store, logs)

    assert not report.is_equal
    assert report.missing_files == [f"{DAY} (1)"]


def test_a_journal_file_that_is_gone_is_named_with_every_record_it_held(logs: Path) -> None:
    store = booked(logs)
    (logs / DAY).unlink()

    report = check(store, logs)

    assert report.missing_files == [f"{DAY} (1)"]
    assert sum(difference.books.startswith(DAY) for difference in report.differences) == 15


def test_noise_of_other_writers_is_rounded_once_and_proven(tmp_path: Path) -> None:
    noisy = line("2026-01-31 10:00:00", 1).replace(b'"total_cost":0.0003', b'"total_cost":0.00030000000000000003')
    write_lines(tmp_path / DAY, [noisy])

    report = check(booked(tmp_path), tmp_path)

    assert (report.is_equal, report.sums["USD"].total_cost) == (True, 300_000_000)


def test_only_the_first_differences_are_listed_but_all_are_counted(logs: Path) -> None:
    store = booked(logs)
    store._rows.clear()

    report = check(store, logs)

    assert len(report.differences) == 20
    assert report.difference_count > 30


@contextmanager
def into(stores: list[MemoryStore]) -> Iterator[BookStore]:
    store = MemoryStore()
    yield store
    stores.append(store)


def test_books_made_anew_are_the_same_books(logs: Path) -> None:
    store = booked(logs)
    made: list[MemoryStore] = []
    told: list[tuple[int, int]] = []

    report = rebuild(into(made), LogsDirectory(logs), lambda done, total: told.append((done, total)))

    with store.snapshot() as books:
        assert report.digest == books_digest(books)
    assert (report.files, report.records, report.problem_lines) == (2, 30, 1)
    assert ids(made[0]) == ids(store)
    assert told


def test_the_digest_does_not_depend_on_the_batches(logs: Path) -> None:
    one, other = booked(logs), MemoryStore()
    keep(logs, other, batch_lines=3).catch_up()

    digests = set()
    for store in (one, other):
        with store.snapshot() as books:
            digests.add(books_digest(books))
    assert len(digests) == 1


def test_a_file_without_any_record_need_not_stay(tmp_path: Path) -> None:
    write_lines(tmp_path / DAY, [])
    store = booked(tmp_path)
    (tmp_path / DAY).unlink()

    assert check(store, tmp_path).is_equal
