"""The store in PostgreSQL: each host posts its own journal, and all of them read the same books.

What one host has committed, every other one sees with its next question.
"""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Self

from smart_ai_router.adapters.postgres.connections import ReadingConnections, WritingConnection
from smart_ai_router.adapters.postgres.driver import Connection, ConnectionLost, shown
from smart_ai_router.adapters.postgres.ledger import PostgresLeaseBooks, PostgresPoolBooks, hold_ledger
from smart_ai_router.adapters.postgres.opening import (
    READER,
    SCHEMA,
    bring_up,
    connect_reader,
    connect_writer,
    migrations,
    require_version,
)
from smart_ai_router.adapters.postgres.questions import Questions
from smart_ai_router.adapters.postgres.reading import PostgresReader
from smart_ai_router.adapters.postgres.scratch import drop_left_over, drop_schema, hold_schema
from smart_ai_router.adapters.postgres.writing import Unsure, Writer
from smart_ai_router.adapters.sqlite.administration import SqliteAdministration
from smart_ai_router.adapters.sqlite.dictionary import NamesOf
from smart_ai_router.adapters.sqlite.ledger_reading import LedgerQuestions
from smart_ai_router.adapters.sqlite.sessions import SqliteSessions
from smart_ai_router.core.local_days import LocalDays
from smart_ai_router.core.posting import Posting
from smart_ai_router.core.store import (
    Applied,
    JournalFileState,
    LineProblem,
    StoreFailure,
    TimeZoneChanged,
)


class StoreReadOnly(StoreFailure):
    """These books were opened for reading."""


class StoreWentBack(StoreFailure):
    """The database knows less of this host's journal than it did: another server, or one that was restored."""


class PostgresAdministration(SqliteAdministration):
    """Other hosts make changes as well."""

    @property
    def is_shared(self) -> bool:
        """See `AdministrationStore`."""
        return True


class PostgresStore(Questions):
    """Implements `BookStore`."""

    def __init__(self, url: str, time_zone: str, host: str, *, schema: str = SCHEMA, is_durable: bool = True) -> None:
        """Open for a host that posts, and make the tables if there are none. Raises StoreFailure, by name.

        `is_durable` False gives up surviving a crash of the server, for books that are thrown away.
        """
        self._prepare(url, time_zone, host, schema)
        bring_up(url, schema, host, migrations(), is_durable=is_durable)
        self._is_read_only = False
        try:
            with self._writing():
                pass
        except BaseException:
            self.close()
            raise

    @classmethod
    def read_only(cls, url: str, *, schema: str = SCHEMA) -> Self:
        """Open the books beside those who write them; `apply` raises StoreReadOnly."""
        store = cls.__new__(cls)
        connection = connect_reader(url, schema, READER)
        try:
            require_version(connection, schema)
            zone = connection.execute("SELECT time_zone FROM books").get
        finally:
            connection.close()
        if zone is None:
            raise StoreFailure(f"{shown(url)}: there are no books yet; a start makes them")
        store._prepare(url, zone, READER, schema)
        store._is_read_only = True
        return store

    def _prepare(self, url: str, time_zone: str, host: str, schema: str) -> None:
        self._url, self._host, self._schema = url, host, schema
        self._days = LocalDays(time_zone)
        self._names = NamesOf()
        self._readers = ReadingConnections(lambda: connect_reader(url, schema, host), self._forget)
        self._connection = WritingConnection(self._connect)
        self._writer: Writer | None = None
        self._unsure: Unsure | None = None
        self._untold: dict[str, Posting] = {}
        self._applied: dict[int, JournalFileState] = {}

    @property
    def time_zone(self) -> str:
        """See `BookStore`."""
        return self._days.name

    @property
    def host(self) -> str:
        """Whose journal is posted through this store."""
        return self._host

    def for_host(self, host: str) -> "PostgresStore":
        """The same books, opened to post the journal of another host."""
        return PostgresStore(self._url, self.time_zone, host, schema=self._schema)

    def apply(self, file: JournalFileState, postings: Sequence[Posting], problems: Sequence[LineProblem]) -> Applied:
        """See `BookStore`. A connection that was cut meanwhile is made again, once, before the caller hears of it."""
        try:
            return self._apply(file, postings, problems)
        except ConnectionLost:
            return self._apply(file, postings, problems)

    def _apply(self, file: JournalFileState, postings: Sequence[Posting], problems: Sequence[LineProblem]) -> Applied:
        with self._writing():
            assert self._writer is not None
            try:
                applied = self._writer.apply(file, postings, problems, self._untold)
            finally:
                self._unsure = self._writer.unsure
            self._applied[applied.file.id] = applied.file
            return applied

    @property
    def administration(self) -> PostgresAdministration:
        """Users, keys and prices in these books. May be used by any thread; its writes take turns with `apply`."""
        return PostgresAdministration(self._readers.lent, self._transaction)

    @property
    def sessions(self) -> SqliteSessions:
        """Who is logged in, likewise."""
        return SqliteSessions(self._readers.lent, self._transaction)

    def close(self) -> None:
        """Close all connections; the host's name is free again."""
        self._readers.close()
        self._connection.close()
        self._writer = None

    @contextmanager
    def snapshot(self) -> Iterator[PostgresReader]:
        """See `BookStore`. The journal files are those of all hosts."""
        with self._readers.lent() as connection, _moment(connection):
            yield PostgresReader(connection, self._names, self._days, host=None)

    @contextmanager
    def ledger(self) -> Iterator[LedgerQuestions]:
        """See `LedgerStore`."""
        with self._readers.lent() as connection, _moment(connection):
            yield LedgerQuestions(connection)

    @contextmanager
    def lease_books(self) -> Iterator[PostgresLeaseBooks]:
        """See `LedgerStore`."""
        with self._transaction() as connection:
            yield PostgresLeaseBooks(connection, self._host)

    @contextmanager
    def pool_books(self) -> Iterator[PostgresPoolBooks]:
        """See `LedgerStore`."""
        with self._transaction() as connection:
            yield PostgresPoolBooks(connection)

    @contextmanager
    def scratch(self) -> Iterator["PostgresStore"]:
        """See `BookStore`: a schema of its own."""
        drop_left_over(self._url, self._schema)
        schema = f"{self._schema}_scratch_{secrets.token_hex(6)}"
        with hold_schema(self._url, schema):
            store = PostgresStore(self._url, self.time_zone, self._host, schema=schema, is_durable=False)
            try:
                yield store
            finally:
                store.close()
                drop_schema(self._url, schema)

    # --- connections ---

    def _connect(self) -> Connection:
        connection = connect_writer(self._url, self._schema, self._host)
        try:
            self._require_zone(connection)
            writer = Writer(connection, self._schema, self._host)
            self._resolve(writer)
            self._require_what_was_applied(connection)
        except BaseException:
            connection.close()
            raise
        self._writer = writer
        self._forget()
        return connection

    def _require_zone(self, connection: Connection) -> None:
        connection.execute(
            "INSERT INTO books (one, time_zone, lag_min_ms, lag_max_ms) VALUES (1, ?, 0, 0) ON CONFLICT DO NOTHING",
            (self.time_zone,),
        )
        kept = connection.execute("SELECT time_zone FROM books").get
        if kept != self.time_zone:
            raise TimeZoneChanged(
                f"{shown(self._url)} counts days of {kept}, the configuration says {self.time_zone}: run `rebuild`"
            )

    def _resolve(self, writer: Writer) -> None:
        """Find out what became of a commit whose answer was lost with the former connection."""
        if self._unsure is not None and writer.was_made(self._unsure):
            self._untold |= {each.record.request_id: each for each in self._unsure.fresh}
        self._unsure = None

    def _require_what_was_applied(self, connection: Connection) -> None:
        """A server that took another one's place may lack the last commits: what it lacks must be read again."""
        if not self._applied:
            return
        kept = dict(connection.execute("SELECT id, applied FROM journal_file WHERE host = ?", (self._host,)))
        for file in self._applied.values():
            if kept.get(file.id, -1) < file.applied:
                raise StoreWentBack(
                    f"{shown(self._url)} has lost what it had of {file.name}: restart the router, which reads it again"
                )

    def _forget(self) -> None:
        self._names = NamesOf()

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        if self._is_read_only:
            raise StoreReadOnly(f"{shown(self._url)} was opened for reading only")
        with self._connection.turn:
            connection, _ = self._connection.standing()
            try:
                yield connection
            finally:
                self._connection.rest()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """The writing connection in a transaction of its own, between two batches."""
        with self._writing() as connection:
            connection.script("BEGIN")
            try:
                hold_ledger(connection, self._schema)
                yield connection
                connection.script("COMMIT")
            except BaseException:
                if not connection.is_lost:
                    connection.script("ROLLBACK")
                raise

    @contextmanager
    def _reader(self) -> Iterator[PostgresReader]:
        with self._readers.lent() as connection:
            yield PostgresReader(connection, self._names, self._days, self._host)


@contextmanager
def _moment(connection: Connection) -> Iterator[None]:
    """What is read is of one moment, however long it takes."""
    connection.script("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    try:
        connection.script("SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL statement_timeout = 0")
        connection.execute("SELECT one FROM books")  # the first read fixes what is seen
        yield
    finally:
        if not connection.is_lost:
            connection.script("ROLLBACK")
