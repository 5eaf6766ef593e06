"""Books made anew, proofs, and what is left of either when it is broken off."""

from contextlib import closing, suppress
from pathlib import Path

import pytest

from smart_ai_router.adapters.journal_files import LogsDirectory
from smart_ai_router.adapters.postgres.opening import connect_owner, lock_number
from smart_ai_router.adapters.postgres.replacing import carried_tables, replacement
from smart_ai_router.adapters.postgres.store import PostgresStore, StoreReadOnly
from smart_ai_router.adapters.several_journals import SeveralJournals
from smart_ai_router.adapters.sqlite import SqliteStore
from smart_ai_router.adapters.sqlite import replacing as sqlite_replacing
from smart_ai_router.core.bookkeeper import Bookkeeper
from smart_ai_router.core.store import BookStore, JournalFileState, StoreFailure, StoreLocked
from smart_ai_router.core.usage_pages import UsageFilter
from smart_ai_router.core.verification import books_digest, rebuild, verify
from tests.adapters.postgres.conftest import OpenHost
from tests.contract.lines import line, moment, own_id, postings, record, write_lines
from tests.postgres_server import PostgresServer

DAY = "usage_20260131.jsonl"


def journal_of(folder: Path, node: int, count: int = 20) -> LogsDirectory:
    """A journal of its own for each host, under the same file name."""
    folder.mkdir()
    at = "2026-01-31 20:00:00"
    write_lines(folder / DAY, [line(at, request_id=own_id(moment(at), number, node)) for number in range(count)])
    return LogsDirectory(folder)


def digest(store: BookStore) -> str:
    with store.snapshot() as books:
        return books_digest(books)


def schemas(server: PostgresServer, like: str) -> list[str]:
    with closing(connect_owner(server.url, "public", "tests")) as connection:
        found = connection.execute("SELECT nspname::text FROM pg_namespace WHERE starts_with(nspname, ?)", (like,))
        return sorted(name for (name,) in found)


def test_books_made_anew_are_the_same_books_and_proven(
    open_host: OpenHost, postgres_server: PostgresServer, schema: str, tmp_path: Path
) -> None:
    journal = journal_of(tmp_path / "logs", 1)
    store = open_host()
    Bookkeeper(store, journal, lambda: 0.0).catch_up()
    before = digest(store)
    store.close()

    report = rebuild(replacement(postgres_server.url, "UTC", "host-a", schema=schema), journal)

    assert (report.digest, report.records) == (before, 20)
    again = open_host()
    assert digest(again) == before
    assert verify(again, journal).is_equal
    assert Bookkeeper(again, journal, lambda: 0.0).catch_up()
    assert again.usage_count(UsageFilter()) == 20
    assert schemas(postgres_server, f"{schema}_") == []


def test_both_engines_make_the_same_books(open_host: OpenHost, tmp_path: Path) -> None:
    journal = journal_of(tmp_path / "logs", 1)
    sqlite, postgres = SqliteStore(tmp_path / "books.db", "UTC", is_durable=False), open_host()
    for store in (sqlite, postgres):
        Bookkeeper(store, journal, lambda: 0.0).catch_up()

    assert digest(sqlite) == digest(postgres)
    sqlite.close()


def test_what_no_line_and_no_action_makes_is_carried_over(
    open_host: OpenHost, postgres_server: PostgresServer, schema: str
) -> None:
    open_host().close()
    with closing(connect_owner(postgres_server.url, schema, "tests")) as connection:
        connection.execute("INSERT INTO setting VALUES ('shown_name', 'Router', 'admin', 6)")
        connection.execute("INSERT INTO pool_state VALUES ('openai', '{}', 3)")

    with replacement(postgres_server.url, "Asia/Shanghai", "host-a", schema=schema):
        pass

    with closing(connect_owner(postgres_server.url, schema, "tests")) as connection:
        assert connection.execute("SELECT value FROM setting").get == "Router"
        assert connection.execute("SELECT recharges_seen FROM pool_state").get == 3
        assert connection.execute("SELECT time_zone FROM books").get == "Asia/Shanghai"
    store = open_host("host-a", "Asia/Shanghai")
    with store.pool_books() as books:
        assert books.pools() == []


def test_both_engines_carry_the_same_tables_over(
    open_host: OpenHost, postgres_server: PostgresServer, schema: str, tmp_path: Path
) -> None:
    open_host().close()
    sqlite = SqliteStore(tmp_path / "books.db", "UTC", is_durable=False)
    with closing(connect_owner(postgres_server.url, schema, "tests")) as connection:
        assert sqlite._connection is not None
        assert carried_tables(connection, schema) == sqlite_replacing.carried_tables(sqlite._connection)
    sqlite.close()


def test_books_in_use_are_not_replaced_and_nobody_starts_meanwhile(
    open_host: OpenHost, postgres_server: PostgresServer, schema: str
) -> None:
    store = open_host("host-a")
    with (
        pytest.raises(StoreLocked, match="in use by smart-ai-router host-a; stop all hosts first"),
        replacement(postgres_server.url, "UTC", "host-b", schema=schema),
    ):
        pass
    store.close()

    made = replacement(postgres_server.url, "UTC", "host-b", schema=schema)
    with made, pytest.raises(StoreLocked, match="the books are being made anew"):
        open_host("host-a")


def test_a_rebuild_that_is_broken_off_leaves_the_old_books(
    open_host: OpenHost, postgres_server: PostgresServer, schema: str
) -> None:
    store = open_host()
    made = postings([record("2026-01-31 10:00:00")])
    store.apply(JournalFileState(DAY, 1), made, [])
    store.close()

    with suppress(ZeroDivisionError), replacement(postgres_server.url, "UTC", "host-a", schema=schema) as new:
        new.apply(JournalFileState(DAY, 1), [], [])
        raise ZeroDivisionError

    assert open_host().usage_count(UsageFilter()) == 1
    assert schemas(postgres_server, f"{schema}_") == []


def test_the_books_of_several_hosts_are_proven_by_all_their_journals(open_host: OpenHost, tmp_path: Path) -> None:
    journals = {host: journal_of(tmp_path / host, node) for node, host in enumerate(("host-a", "host-b"))}
    stores = {host: open_host(host) for host in journals}
    for host, journal in journals.items():
        Bookkeeper(stores[host], journal, lambda: 0.0).catch_up()

    report = verify(stores["host-a"], SeveralJournals(journals))

    assert report.is_equal, report.differences
    assert (report.files, report.records) == (2, 40)
    alone = verify(stores["host-a"], journals["host-a"])
    assert not alone.is_equal
    assert alone.missing_files == [f"{DAY} (1)"]


def test_a_record_whose_line_is_on_another_host_is_not_read_here(open_host: OpenHost, tmp_path: Path) -> None:
    journals = [journal_of(tmp_path / host, node) for node, host in enumerate(("a", "b"))]
    keepers = [Bookkeeper(open_host(f"host-{number}"), journal, lambda: 0.0) for number, journal in enumerate(journals)]
    for keeper in keepers:
        keeper.catch_up()
    theirs = own_id(moment("2026-01-31 20:00:00"), 3, 1)

    assert keepers[0].record_line(theirs) is None
    assert keepers[1].record_line(theirs) is not None


def test_the_scratch_of_a_killed_proof_is_dropped_by_the_next_one(
    open_host: OpenHost, postgres_server: PostgresServer, schema: str
) -> None:
    store = open_host()
    with closing(connect_owner(postgres_server.url, schema, "tests")) as connection:
        connection.script(f"CREATE SCHEMA {schema}_scratch_0011; CREATE SCHEMA {schema}_scratch_2233")
        connection.execute("SELECT pg_advisory_lock(?)", (lock_number(f"{schema}_scratch_2233 alive"),))

        with store.scratch() as scratch:
            assert len(schemas(postgres_server, f"{schema}_scratch_")) == 2  # the living one, and this one
            assert scratch.usage_count(UsageFilter()) == 0

        assert schemas(postgres_server, f"{schema}_scratch_") == [f"{schema}_scratch_2233"]
        connection.script(f"DROP SCHEMA {schema}_scratch_2233")


def test_a_reader_beside_the_hosts_changes_nothing(
    open_host: OpenHost, postgres_server: PostgresServer, schema: str
) -> None:
    with pytest.raises(StoreFailure):
        PostgresStore.read_only(postgres_server.url, schema=schema)
    store = open_host()
    store.apply(JournalFileState(DAY, 1), postings([record("2026-01-31 10:00:00")]), [])

    reader = PostgresStore.read_only(postgres_server.url, schema=schema)

    assert reader.usage_count(UsageFilter()) == 1
    with pytest.raises(StoreReadOnly):
        reader.apply(JournalFileState(DAY, 1), [], [])
    with pytest.raises(StoreReadOnly), reader.lease_books():
        pass
    reader.close()
