"""The SQLite store: opening, refusing, failing, and what a reader sees meanwhile."""

import random
import stat
import threading
from pathlib import Path

import apsw
import pytest

from smart_ai_router.adapters.sqlite import SqliteStore
from smart_ai_router.adapters.sqlite.opening import BooksLock, connect_writer, migrate, migrations, schema_version
from smart_ai_router.adapters.sqlite.statements import ATTEMPT_COLUMNS, MEASURE_COLUMNS, USAGE_COLUMNS, key_columns
from smart_ai_router.adapters.sqlite.store import StoreReadOnly
from smart_ai_router.core.local_days import TimeZoneUnknown
from smart_ai_router.core.rollups import ATTEMPT_ROLLUPS, ROLLUPS
from smart_ai_router.core.store import (
    JournalFileState,
    StoreCorrupt,
    StoreLocked,
    StoreTooNew,
    StoreUnavailable,
    TimeZoneChanged,
)
from smart_ai_router.core.usage_pages import UsageFilter
from tests.contract.lines import postings, record

FILE = JournalFileState("usage_20260131.jsonl", 1)


def filled(path: Path, count: int = 10) -> None:
    """Books with some records, closed."""
    store = SqliteStore(path, "UTC")
    store.apply(FILE, postings(record("2026-01-31 10:00:00", number) for number in range(count)), [])
    store.close()


def count_of(path: Path) -> int:
    store = SqliteStore(path, "UTC")
    try:
        return store.usage_count(UsageFilter())
    finally:
        store.close()


def test_books_are_there_after_they_are_closed_and_opened(tmp_path: Path) -> None:
    filled(tmp_path / "data" / "books.db")

    assert count_of(tmp_path / "data" / "books.db") == 10


def test_the_files_are_for_their_owner_only(tmp_path: Path) -> None:
    filled(tmp_path / "books.db")

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"books.db": 0o600, "books.lock": 0o600}


def test_commits_survive_a_power_cut_by_setting(tmp_path: Path) -> None:
    connection = connect_writer(tmp_path / "books.db")

    assert connection.execute("PRAGMA synchronous").get == 2  # FULL
    assert connection.execute("PRAGMA journal_mode").get == "wal"


def test_every_rollup_has_its_table_and_every_table_its_columns(tmp_path: Path) -> None:
    connection = connect_writer(tmp_path / "books.db")

    def columns(table: str) -> list[str]:
        return [name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")]

    for rollup in ROLLUPS:
        assert columns(rollup.name) == [*key_columns(rollup), *MEASURE_COLUMNS]
    for rollup in ATTEMPT_ROLLUPS:
        assert columns(rollup.name) == [*key_columns(rollup), *ATTEMPT_COLUMNS]
    assert columns("usage") == [*USAGE_COLUMNS]


def test_c10_a_second_writer_is_refused_while_the_first_one_lives(tmp_path: Path) -> None:
    first = SqliteStore(tmp_path / "books.db", "UTC")

    with pytest.raises(StoreLocked, match="in use by another process"):
        SqliteStore(tmp_path / "books.db", "UTC")
    first.close()
    SqliteStore(tmp_path / "books.db", "UTC").close()


def test_another_time_zone_demands_a_rebuild(tmp_path: Path) -> None:
    filled(tmp_path / "books.db")

    with pytest.raises(TimeZoneChanged, match="days of UTC, the configuration says Asia/Shanghai: run `rebuild`"):
        SqliteStore(tmp_path / "books.db", "Asia/Shanghai")
    assert count_of(tmp_path / "books.db") == 10  # and the lock was given back


def test_an_unknown_time_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TimeZoneUnknown, match="Mars/Olympus"):
        SqliteStore(tmp_path / "books.db", "Mars/Olympus")


def test_books_of_a_later_version_are_refused(tmp_path: Path) -> None:
    filled(tmp_path / "books.db")
    connection = apsw.Connection(str(tmp_path / "books.db"))
    connection.execute(f"PRAGMA user_version={len(migrations()) + 1}")
    connection.close()

    with pytest.raises(StoreTooNew, match="use the newer router"):
        SqliteStore(tmp_path / "books.db", "UTC")
    with pytest.raises(StoreTooNew):
        SqliteStore.read_only(tmp_path / "books.db")


def test_b5_a_migration_is_whole_or_not_at_all(tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / "books.db"))
    steps = ["CREATE TABLE a (x)", "CREATE TABLE b (x); INSERT INTO b VALUES (1); CREATE TABLE a (x)"]

    with pytest.raises(apsw.SQLError):
        migrate(connection, tmp_path / "books.db", steps)

    assert schema_version(connection) == 1
    assert [name for (name,) in connection.execute("SELECT name FROM sqlite_schema")] == ["a"]
    migrate(connection, tmp_path / "books.db", [steps[0], "CREATE TABLE b (x)"])
    assert schema_version(connection) == 2


def test_books_of_an_older_version_are_brought_to_this_one(tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / "books.db"))
    migrate(connection, tmp_path / "books.db", migrations()[:1])
    connection.close()

    filled(tmp_path / "books.db")

    assert count_of(tmp_path / "books.db") == 10


@pytest.mark.parametrize("damage", ["header", "middle", "cut", "text"])
def test_b6_a_damaged_file_is_refused_by_name(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "books.db"
    filled(path, 500)
    content = bytearray(path.read_bytes())
    if damage == "header":
        content[:100] = b"\xff" * 100
    elif damage == "middle":
        middle = len(content) // 2 // 4096 * 4096
        content[middle : middle + 4096] = random.Random(3).randbytes(4096)
    elif damage == "cut":
        del content[len(content) // 2 :]
    else:
        content = bytearray(b"this is no database " * 1000)
    path.write_bytes(content)

    with pytest.raises(StoreCorrupt, match=r"books\.db is damaged .*; `rebuild` makes it anew from the journal"):
        SqliteStore(path, "UTC")
    BooksLock(path.with_suffix(".lock")).close()  # the lock was given back


def test_d1_a_full_disk_changes_nothing_and_is_over_when_there_is_room(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "books.db", "UTC")
    made = postings(record("2026-01-31 10:00:00", number, model=f"m{number}") for number in range(2000))
    file = store.apply(FILE, made[:5], []).file
    connection = store._connection
    assert connection is not None
    pages = connection.execute("PRAGMA page_count").get
    connection.execute(f"PRAGMA max_page_count={pages}")

    with pytest.raises(StoreUnavailable, match="full"):
        store.apply(file, made[5:], [])

    assert store.usage_count(UsageFilter()) == 5
    assert store.journal_files() == [file]
    connection.execute("PRAGMA max_page_count=1000000")
    assert len(store.apply(file, made[5:], []).fresh) == 1995
    assert store.usage_count(UsageFilter(model="m7")) == 1
    assert store.usage_count(UsageFilter()) == 2000
    store.close()


def test_a_mistake_in_a_batch_rolls_it_back_and_the_next_one_is_right(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "books.db", "UTC")
    good, bad = postings([record("2026-01-31 10:00:00", 1, model="one"), record("2026-01-31 10:00:00", 2, model="two")])
    spoilt = type(bad)(**{name: getattr(bad, name) for name in bad.__struct_fields__} | {"images": 2**70})

    with pytest.raises(OverflowError):
        store.apply(FILE, [good, spoilt], [])
    store.apply(FILE, [good, bad], [])

    assert {row.model for row in store.usage_page(UsageFilter()).rows} == {"one", "two"}
    store.close()


def test_readers_go_on_while_a_batch_is_written(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "books.db", "UTC")
    made = postings(record("2026-01-31 10:00:00", number) for number in range(1200))
    file = store.apply(FILE, made[:100], []).file
    counts: list[int] = []
    connection = store._connection
    assert connection is not None
    connection.execute("BEGIN IMMEDIATE")  # a batch under way

    threads = [threading.Thread(target=lambda: counts.append(store.usage_count(UsageFilter()))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    connection.execute("ROLLBACK")

    assert counts == [100] * 12
    store.apply(file, made[100:], [])
    assert store.usage_count(UsageFilter()) == 1200
    store.close()


def test_books_can_be_read_beside_whoever_writes_them(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "books.db", "Asia/Shanghai")
    made = postings([record("2026-01-31 10:00:00", number) for number in range(2)], "Asia/Shanghai")
    file = store.apply(FILE, made[:1], []).file
    beside = SqliteStore.read_only(tmp_path / "books.db")

    assert (beside.time_zone, beside.usage_count(UsageFilter())) == ("Asia/Shanghai", 1)
    store.apply(file, made[1:], [])
    assert beside.usage_count(UsageFilter()) == 2
    with pytest.raises(StoreReadOnly):
        beside.apply(file, [], [])
    beside.close()
    store.close()


def test_a_scratch_store_leaves_nothing_behind(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "books.db", "UTC")
    before = {path.name for path in tmp_path.iterdir()}

    with store.scratch() as scratch:
        scratch.apply(FILE, postings([record("2026-01-31 10:00:00")]), [])
        assert {path.name for path in tmp_path.iterdir()} != before

    assert {path.name for path in tmp_path.iterdir()} == before
    store.close()


def test_there_is_nothing_to_read_where_no_books_are(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        SqliteStore.read_only(tmp_path / "books.db")
    assert list(tmp_path.iterdir()) == []
