"""Books made anew put in the place of the old ones."""

from datetime import date
from pathlib import Path

import apsw
import pytest

from smart_ai_router.adapters.journal_files import LogsDirectory
from smart_ai_router.adapters.sqlite import SqliteStore
from smart_ai_router.adapters.sqlite.opening import connect_writer
from smart_ai_router.adapters.sqlite.replacing import DERIVED_TABLES, carried_tables, replacement
from smart_ai_router.core.bookkeeper import Bookkeeper
from smart_ai_router.core.statistics_store import Dimension
from smart_ai_router.core.store import StoreLocked
from smart_ai_router.core.usage_pages import UsageFilter
from smart_ai_router.core.verification import books_digest, rebuild, verify
from tests.contract.lines import line, write_lines

DAY = "usage_20260131.jsonl"


@pytest.fixture
def books(tmp_path: Path) -> Path:
    """Books of a small journal, closed."""
    (tmp_path / "logs").mkdir()
    write_lines(tmp_path / "logs" / DAY, [line("2026-01-31 20:00:00", number) for number in range(20)])
    store = SqliteStore(tmp_path / "data" / "books.db", "UTC")
    Bookkeeper(store, LogsDirectory(tmp_path / "logs"), lambda: 0.0).catch_up()
    store.close()
    return tmp_path / "data" / "books.db"


def journal(books: Path) -> LogsDirectory:
    return LogsDirectory(books.parent.parent / "logs")


def digest(books: Path, time_zone: str = "UTC") -> str:
    store = SqliteStore(books, time_zone)
    try:
        with store.snapshot() as snapshot:
            return books_digest(snapshot)
    finally:
        store.close()


def test_books_made_anew_are_the_same_books_and_proven(books: Path) -> None:
    before = digest(books)

    report = rebuild(replacement(books, "UTC"), journal(books))

    assert (report.digest, report.records) == (before, 20)
    assert digest(books) == before
    assert sorted(path.name for path in books.parent.iterdir()) == ["books.db", "books.lock"]
    store = SqliteStore.read_only(books)
    assert verify(store, journal(books)).is_equal
    store.close()


def test_a_rebuild_takes_the_configured_time_zone(books: Path) -> None:
    rebuild(replacement(books, "Asia/Shanghai"), journal(books))

    store = SqliteStore(books, "Asia/Shanghai")
    rows = store.totals(date(2026, 1, 1), date(2026, 12, 31), (Dimension.DAY,))
    assert [row.keys for row in rows] == [("2026-02-01",)]
    store.close()


def test_what_no_line_and_no_action_makes_is_carried_over(books: Path) -> None:
    connection = apsw.Connection(str(books))
    connection.execute("INSERT INTO pool_state VALUES ('openai', '{}', 3)")
    connection.execute("INSERT INTO setting VALUES ('quota_enforcement', 'on', 'admin', 6)")
    connection.close()

    rebuild(replacement(books, "UTC"), journal(books))

    connection = apsw.Connection(str(books))
    assert connection.execute("SELECT recharges_seen FROM pool_state").get == 3
    assert connection.execute("SELECT value FROM setting").get == "on"
    connection.close()


def test_every_table_is_either_derived_or_carried_over(tmp_path: Path) -> None:
    connection = connect_writer(tmp_path / "books.db")

    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}

    assert tables >= DERIVED_TABLES
    assert set(carried_tables(connection)) == tables - DERIVED_TABLES
    assert {"account", "usage_entry", "transfer", "entry", "ledger_setting", "lease", "holder"} <= DERIVED_TABLES
    assert {"pool_state", "pool_alert", "setting"} <= tables - DERIVED_TABLES


def test_damaged_books_are_set_aside_and_made_anew(books: Path) -> None:
    before = digest(books)
    books.write_bytes(b"\xff" * 50_000)

    report = rebuild(replacement(books, "UTC"), journal(books))

    assert report.digest == digest(books) == before
    assert (books.parent / "books.damaged-1.db").read_bytes() == b"\xff" * 50_000


def test_books_that_never_were_are_made(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    path = tmp_path / "data" / "books.db"

    report = rebuild(replacement(path, "UTC"), LogsDirectory(tmp_path / "logs"))

    assert report.records == 0
    assert path.exists()


def test_a_rebuild_is_refused_while_a_router_keeps_the_books(books: Path) -> None:
    store = SqliteStore(books, "UTC")

    with pytest.raises(StoreLocked):
        rebuild(replacement(books, "UTC"), journal(books))
    assert store.usage_count(UsageFilter()) == 20
    store.close()


def test_a_rebuild_is_refused_while_somebody_reads_the_old_books(books: Path) -> None:
    """A log that a reader holds back would spoil the new file."""
    store = SqliteStore.read_only(books)

    with store.snapshot(), pytest.raises(StoreLocked, match="read by another process"):
        rebuild(replacement(books, "UTC"), journal(books))
    store.close()
    assert not (books.parent / "books.rebuilding.db").exists()
    assert rebuild(replacement(books, "UTC"), journal(books)).records == 20


def test_a_rebuild_that_fails_leaves_the_old_books(books: Path) -> None:
    before = digest(books)

    with pytest.raises(RuntimeError), replacement(books, "UTC"):
        raise RuntimeError("the journal cannot be read")

    assert digest(books) == before
    assert sorted(path.name for path in books.parent.iterdir()) == ["books.db", "books.lock"]
