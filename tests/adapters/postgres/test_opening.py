"""Opening the database: migrations, versions, locks, and what is refused."""

import re
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from smart_ai_router.adapters.postgres.driver import Connection
from smart_ai_router.adapters.postgres.opening import (
    bring_up,
    connect_owner,
    connect_reader,
    connect_writer,
    has_books,
    migrations,
    schema_version,
)
from smart_ai_router.adapters.postgres.scratch import drop_schema
from smart_ai_router.adapters.postgres.store import PostgresStore
from smart_ai_router.adapters.sqlite import opening as sqlite_opening
from smart_ai_router.core.store import StoreFailure, StoreLocked, StoreTooNew, StoreUnavailable, TimeZoneChanged
from tests.adapters.postgres.conftest import OpenHost
from tests.postgres_server import PostgresServer

# What PostgreSQL has besides: whose journal a file belongs to, where a holder lives.
OWN_COLUMNS = {"journal_file": {"host"}, "holder": {"host"}}


@pytest.fixture
def empty_schema(postgres_server: PostgresServer) -> str:
    drop_schema(postgres_server.url, "books_of_opening")
    return "books_of_opening"


def owner(server: PostgresServer, schema: str) -> Connection:
    return connect_owner(server.url, schema, "tests")


def tables(connection: Connection, schema: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for table, column in connection.execute(
        "SELECT table_name::text, column_name::text FROM information_schema.columns WHERE table_schema = ?"
        " ORDER BY table_name, ordinal_position",
        (schema,),
    ):
        found.setdefault(table, []).append(column)
    return found


def test_both_engines_have_the_same_tables_and_columns_under_the_same_number(
    postgres_server: PostgresServer, empty_schema: str
) -> None:
    assert len(migrations()) == len(sqlite_opening.migrations())
    database = sqlite3.connect(":memory:")
    for number, step in enumerate(sqlite_opening.migrations(), start=1):
        database.executescript(re.sub(r"\) STRICT(, WITHOUT ROWID)?;", ");", step))  # words that Python's SQLite lacks
        bring_up(postgres_server.url, empty_schema, "tests", migrations()[:number])
        with closing(owner(postgres_server, empty_schema)) as connection:
            ours = tables(connection, empty_schema)
        assert ours.pop("schema_version") == ["one", "version"]
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        assert sorted(ours) == sorted(names)
        for name in names:
            theirs = [column for _, column, *_ in database.execute(f"PRAGMA table_info({name})")]
            own = OWN_COLUMNS.get(name, set())
            assert sorted(set(ours[name]) - own) == sorted(theirs), f"{name} after {number}"
    database.close()


def test_of_hosts_that_start_at_once_one_makes_the_tables(postgres_server: PostgresServer, empty_schema: str) -> None:
    together = threading.Barrier(4)

    def start(number: int) -> int:
        together.wait()
        store = PostgresStore(postgres_server.url, "UTC", f"host-{number}", schema=empty_schema)
        count = len(store.journal_files())
        store.close()
        return count

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(start, range(4))) == [0] * 4
    with closing(owner(postgres_server, empty_schema)) as connection:
        assert schema_version(connection, empty_schema) == len(migrations())


def test_a_migration_is_whole_or_not_at_all(postgres_server: PostgresServer, empty_schema: str) -> None:
    steps = [
        "CREATE TABLE a (x INTEGER)",
        "CREATE TABLE b (x INTEGER); INSERT INTO b VALUES (1); CREATE TABLE a (x INTEGER)",
    ]

    with pytest.raises(StoreUnavailable, match='relation "a" already exists'):
        bring_up(postgres_server.url, empty_schema, "tests", steps)

    with closing(owner(postgres_server, empty_schema)) as connection:
        assert schema_version(connection, empty_schema) == 1
        assert sorted(tables(connection, empty_schema)) == ["a", "schema_version"]


def later(connection: Connection) -> None:
    connection.execute("UPDATE schema_version SET version = version + 1")


def test_books_of_a_later_version_are_refused_at_a_start(postgres_server: PostgresServer, empty_schema: str) -> None:
    PostgresStore(postgres_server.url, "UTC", "host-a", schema=empty_schema).close()
    with closing(owner(postgres_server, empty_schema)) as connection:
        later(connection)

    with pytest.raises(StoreTooNew, match="use the newer router"):
        PostgresStore(postgres_server.url, "UTC", "host-a", schema=empty_schema)
    with pytest.raises(StoreTooNew):
        PostgresStore.read_only(postgres_server.url, schema=empty_schema)


def test_a_host_at_work_goes_on_when_another_one_brings_a_later_version(
    postgres_server: PostgresServer, empty_schema: str
) -> None:
    store = PostgresStore(postgres_server.url, "UTC", "host-a", schema=empty_schema)
    with closing(owner(postgres_server, empty_schema)) as connection:
        later(connection)
        connection.execute("ALTER TABLE journal_file ADD COLUMN note TEXT")
    store._connection.close()  # as after a broken connection

    with store.administration._writing() as connection_again:
        assert connection_again.execute("SELECT count(*) FROM journal_file").get == 0
    store.close()


def test_books_of_an_earlier_version_are_not_read_before_a_start(
    postgres_server: PostgresServer, empty_schema: str
) -> None:
    assert not has_books(postgres_server.url, empty_schema)
    bring_up(postgres_server.url, empty_schema, "tests", migrations()[:-1])

    assert has_books(postgres_server.url, empty_schema)
    with pytest.raises(StoreFailure, match="start it once"):
        PostgresStore.read_only(postgres_server.url, schema=empty_schema)


def test_c10_two_processes_never_post_for_one_host(open_host: OpenHost) -> None:
    first = open_host("host-a")

    with pytest.raises(StoreLocked, match="another process posts for the host host-a"):
        open_host("host-a")
    open_host("host-b")
    first.close()
    open_host("host-a")


def test_another_time_zone_demands_a_rebuild(open_host: OpenHost) -> None:
    open_host("host-a", "UTC")

    with pytest.raises(TimeZoneChanged, match="days of UTC, the configuration says Asia/Shanghai: run `rebuild`"):
        open_host("host-b", "Asia/Shanghai")


def test_rule_7_a_host_that_is_gone_gives_its_locks_back(postgres_server: PostgresServer, schema: str) -> None:
    PostgresStore(postgres_server.url, "UTC", "host-a", schema=schema).close()
    with closing(connect_writer(postgres_server.url, schema, "host-b")) as connection:
        names = (
            "tcp_keepalives_idle",
            "tcp_keepalives_interval",
            "tcp_keepalives_count",
            "idle_in_transaction_session_timeout",
            "lock_timeout",
            "statement_timeout",
            "client_connection_check_interval",
        )
        kept = {name: connection.execute("SELECT current_setting(?)", (name,)).get for name in names}

    assert kept == {
        "tcp_keepalives_idle": "10",
        "tcp_keepalives_interval": "5",
        "tcp_keepalives_count": "3",
        "idle_in_transaction_session_timeout": "15s",
        "lock_timeout": "10s",
        "statement_timeout": "1min",
        "client_connection_check_interval": "1s",
    }


def test_a_reading_connection_cannot_write_and_does_not_ask_for_ever(
    postgres_server: PostgresServer, schema: str
) -> None:
    PostgresStore(postgres_server.url, "UTC", "host-a", schema=schema).close()
    with closing(connect_reader(postgres_server.url, schema, "host-b")) as connection:
        assert connection.execute("SELECT current_setting('statement_timeout')").get == "30s"
        with pytest.raises(StoreUnavailable, match="read-only transaction"):
            connection.execute("DELETE FROM usage")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql://postgres:secret@127.0.0.1:{port}/nowhere?sslmode=disable", 'database "nowhere" does not exist'),
        ("postgresql://nobody:secret@127.0.0.1:{port}/postgres?sslmode=disable", 'role "nobody" does not exist'),
        ("postgresql://postgres:secret@127.0.0.1:1/postgres?sslmode=disable", "Connect call failed"),
    ],
)
def test_what_cannot_be_opened_is_named_without_its_password(
    postgres_server: PostgresServer, url: str, reason: str
) -> None:
    with pytest.raises(StoreFailure, match=re.escape(reason)) as failure:
        PostgresStore(url.format(port=postgres_server.port), "UTC", "host-a")

    assert "127.0.0.1" in str(failure.value)
    assert "secret" not in str(failure.value)


def test_the_packaged_migrations_are_found(tmp_path: Path) -> None:
    assert len(migrations()) >= 5
    assert migrations()[0].startswith("-- The books of usage")
