"""The store in one SQLite file: one writing connection, and reading connections lent to whoever asks.

One thread at a time writes: the bookkeeper's, and between two of its batches whoever administers. A reader sees what
was committed last and never waits for a writer.
"""

import queue
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from threading import Lock
from typing import Final, Self

import apsw

from smart_ai_router.adapters.sqlite.administration import SqliteAdministration
from smart_ai_router.adapters.sqlite.dictionary import NamesOf
from smart_ai_router.adapters.sqlite.ledger_books import SqliteLeaseBooks, SqlitePoolBooks
from smart_ai_router.adapters.sqlite.ledger_reading import LedgerQuestions
from smart_ai_router.adapters.sqlite.opening import BooksLock, connect_reader, connect_writer, failure_of
from smart_ai_router.adapters.sqlite.reading import Reader
from smart_ai_router.adapters.sqlite.sessions import SqliteSessions
from smart_ai_router.adapters.sqlite.writing import Writer
from smart_ai_router.core.local_days import LocalDays
from smart_ai_router.core.posting import Posting
from smart_ai_router.core.statistics_store import AttemptTotals, Dimension, TotalsRow
from smart_ai_router.core.store import (
    Applied,
    AttemptHour,
    JournalFileState,
    JournalPosition,
    JournalProblem,
    LineProblem,
    ProblemCount,
    StoreFailure,
    TimeZoneChanged,
)
from smart_ai_router.core.usage_pages import UsageFilter, UsagePage, UsageRow

FILE_NAME: Final = "books.db"
READERS_KEPT_MAX: Final = 8  # connections with a cache of 16 MiB each; more are opened and closed again


class StoreReadOnly(StoreFailure):
    """These books were opened for reading."""


class SqliteStore:
    """Implements `BookStore`."""

    def __init__(self, path: Path, time_zone: str, *, is_durable: bool = True) -> None:
        """Open for writing, and make the file if there is none. Raises StoreFailure, by name.

        `is_durable` False gives up surviving a power cut, for books that are thrown away or swapped in when whole.
        """
        self._prepare(path, time_zone)
        self._is_durable = is_durable
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock: BooksLock | None = BooksLock(path.with_suffix(".lock"))
        try:
            self._connection: apsw.Connection | None = connect_writer(path, is_durable)
            self._require_zone(self._connection)
            self._writer: Writer | None = Writer(self._connection, path)
        except BaseException:
            self._lock.close()
            raise

    @classmethod
    def read_only(cls, path: Path) -> Self:
        """Open the books beside whoever writes them; `apply` raises StoreReadOnly."""
        store = cls.__new__(cls)
        connection = connect_reader(path)
        store._prepare(path, str(connection.execute("SELECT time_zone FROM books").get))
        store._readers.put(connection)
        store._lock, store._connection, store._writer = None, None, None
        return store

    def _prepare(self, path: Path, time_zone: str) -> None:
        self.path = path
        self._days = LocalDays(time_zone)
        self._names = NamesOf()
        self._readers: queue.LifoQueue[apsw.Connection] = queue.LifoQueue(READERS_KEPT_MAX)
        self._turn = Lock()  # who holds it writes

    def _require_zone(self, connection: apsw.Connection) -> None:
        kept = connection.execute("SELECT time_zone FROM books").get
        if kept is None:
            with connection:
                connection.execute("INSERT INTO books VALUES (1, ?, NULL, NULL, 0, 0)", (self.time_zone,))
        elif kept != self.time_zone:
            connection.close()
            raise TimeZoneChanged(
                f"{self.path} counts days of {kept}, the configuration says {self.time_zone}: run `rebuild`"
            )

    @property
    def time_zone(self) -> str:
        """See `BookStore`."""
        return self._days.name

    def for_host(self, host: str) -> "SqliteStore":
        """Books in a file are those of one host. Raises StoreFailure."""
        raise StoreFailure(f"{self.path} is posted to by this host alone; the journal of {host} has no place in it")

    def apply(self, file: JournalFileState, postings: Sequence[Posting], problems: Sequence[LineProblem]) -> Applied:
        """See `BookStore`."""
        if self._writer is None:
            raise StoreReadOnly(f"{self.path} was opened for reading only")
        with self._turn:
            return self._writer.apply(file, postings, problems)

    @property
    def administration(self) -> SqliteAdministration:
        """Users, keys and prices in these books. May be used by any thread; its writes take turns with `apply`."""
        return SqliteAdministration(self._reading, self._writing)

    @property
    def sessions(self) -> SqliteSessions:
        """Who is logged in, likewise."""
        return SqliteSessions(self._reading, self._writing)

    def close(self) -> None:
        """Close all connections and give the lock back."""
        while not self._readers.empty():
            self._readers.get_nowait().close()
        if self._connection is not None:
            self._connection.close()
        if self._lock is not None:
            self._lock.close()
        self._lock, self._connection, self._writer = None, None, None

    @contextmanager
    def snapshot(self) -> Iterator[Reader]:
        """See `BookStore`."""
        with self._moment() as (_, reader):
            yield reader

    @contextmanager
    def ledger(self) -> Iterator[LedgerQuestions]:
        """See `LedgerStore`."""
        with self._moment() as (connection, _):
            yield LedgerQuestions(connection)

    @contextmanager
    def lease_books(self) -> Iterator[SqliteLeaseBooks]:
        """See `LedgerStore`."""
        with self._writing(survives_power_cut=False) as connection:
            yield SqliteLeaseBooks(connection)

    @contextmanager
    def pool_books(self) -> Iterator[SqlitePoolBooks]:
        """See `LedgerStore`."""
        with self._writing() as connection:
            yield SqlitePoolBooks(connection)

    @contextmanager
    def _moment(self) -> Iterator[tuple[apsw.Connection, Reader]]:
        with self._reader() as (connection, reader):
            connection.execute("BEGIN")
            try:
                connection.execute("SELECT one FROM books").get  # noqa: B018 - the first read fixes what is seen
                yield connection, reader
            finally:
                connection.execute("ROLLBACK")

    @contextmanager
    def scratch(self) -> Iterator["SqliteStore"]:
        """See `BookStore`."""
        directory = Path(tempfile.mkdtemp(prefix=".scratch-", dir=self.path.parent))
        try:
            store = SqliteStore(directory / FILE_NAME, self.time_zone, is_durable=False)
            try:
                yield store
            finally:
                store.close()
        finally:
            shutil.rmtree(directory)

    @contextmanager
    def _reader(self) -> Iterator[tuple[apsw.Connection, Reader]]:
        try:
            connection = self._readers.get_nowait()
        except queue.Empty:
            connection = connect_reader(self.path)
        try:
            yield connection, Reader(connection, self._names, self._days)
        except apsw.Error as error:
            raise failure_of(error, self.path) from error
        finally:
            try:
                self._readers.put_nowait(connection)
            except queue.Full:
                connection.close()

    @contextmanager
    def _reading(self) -> Iterator[apsw.Connection]:
        with self._reader() as (connection, _):
            yield connection

    @contextmanager
    def _writing(self, *, survives_power_cut: bool = True) -> Iterator[apsw.Connection]:
        """The writing connection in a transaction of its own, between two of the bookkeeper's."""
        with self._turn:
            if self._connection is None:
                raise StoreReadOnly(f"{self.path} was opened for reading only")
            is_light = self._is_durable and not survives_power_cut
            try:
                if is_light:  # the next commit of another kind syncs this one as well
                    self._connection.execute("PRAGMA synchronous=NORMAL")
                try:
                    yield from _in_transaction(self._connection)
                finally:
                    if is_light:
                        self._connection.execute("PRAGMA synchronous=FULL")
            except apsw.Error as error:
                raise failure_of(error, self.path) from error

    # --- `BooksReader`, each question on a connection of its own ---

    def totals(
        self,
        first: date,
        last: date,
        by: Sequence[Dimension] = (),
        where: Mapping[Dimension, str] | None = None,
    ) -> list[TotalsRow]:
        """See `BooksReader`."""
        with self._reader() as (_, reader):
            return reader.totals(first, last, by, where)

    def channel_names(self) -> dict[str, str]:
        """See `BooksReader`."""
        with self._reader() as (_, reader):
            return reader.channel_names()

    def channel_attempts(self, first: date, last: date) -> dict[str, AttemptTotals]:
        """See `BooksReader`."""
        with self._reader() as (_, reader):
            return reader.channel_attempts(first, last)

    def channel_latencies(self, first: date, last: date) -> dict[str, tuple[int, ...]]:
        """See `BooksReader`."""
        with self._reader() as (_, reader):
            return reader.channel_latencies(first, last)

    def attempt_hours(self, first_hour: int, last_hour: int) -> list[AttemptHour]:
        """See `BooksReader`."""
        with self._reader() as (_, reader):
            return reader.attempt_hours(first_hour, last_hour)

    def usage_page(self, asked: UsageFilter, cursor: str | None = None, limit: int = 20, skip: int = 0) -> UsagePage:
        """See `BooksReader`."""
        with self._reader() as (_, reader):
            return reader.usage_page(asked, cursor, limit, skip)

    def usage_count(self, asked: UsageFilter) -> int:
        """See `BooksReader`."""
        with self._reader() as (_, reader):
            return reader.usage_count(asked)

    def usage_row(self, request_id: str) -> UsageRow | None:
        """See `BooksReader`."""
        with self._reader() as (_, reader):
            return reader.usage_row(request_id)

    def position(self, request_id: str) -> JournalPosition | None:
        """See `BooksReader`."""
        with self._reader() as (_, reader):
            return reader.position(request_id)

    def journal_files(self) -> list[JournalFileState]:
        """See `BooksReader`."""
        with self._reader() as (_, reader):
            return reader.journal_files()

    def problems(self, limit: int = 100) -> list[JournalProblem]:
        """See `BooksReader`."""
        with self._reader() as (_, reader):
            return reader.problems(limit)

    def problem_counts(self) -> list[ProblemCount]:
        """See `BooksReader`."""
        with self._reader() as (_, reader):
            return reader.problem_counts()


def _in_transaction(connection: apsw.Connection) -> Iterator[apsw.Connection]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        with suppress(apsw.Error):  # SQLite may have rolled back by itself
            connection.execute("ROLLBACK")
        raise
