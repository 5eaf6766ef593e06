"""Questions to the books over one reading connection: those of SQLite, and those that PostgreSQL is asked otherwise."""
# ruff: noqa: S608 - names of tables and columns come from this package, values are bound

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from smart_ai_router.adapters.postgres.dialect import SELECT_USAGE, sum_cells
from smart_ai_router.adapters.postgres.driver import Connection, Streaming
from smart_ai_router.adapters.sqlite.dictionary import NamesOf
from smart_ai_router.adapters.sqlite.ledger_reading import LedgerQuestions
from smart_ai_router.adapters.sqlite.pages import PageSearch, Question
from smart_ai_router.adapters.sqlite.reading import FILE_COLUMNS, Reader, read_files
from smart_ai_router.adapters.sqlite.rows import RowReader
from smart_ai_router.adapters.sqlite.statements import StoredRow
from smart_ai_router.core.local_days import LocalDays
from smart_ai_router.core.rollups import Rollup
from smart_ai_router.core.store import BookedRecord, JournalFileState
from smart_ai_router.core.usage_pages import UsageFilter, UsagePage, UsageRow

ROWS_AT_FIRST = 200  # of a search: enough for most pages
ROWS_LATER = 4000


class PostgresRowReader(RowReader):
    """Asks for the ids of other make of many records at once."""

    def __init__(self, connection: Connection, names: NamesOf) -> None:
        super().__init__(connection, names)
        self._postgres = connection
        self._foreign: dict[int, str] = {}

    def rows(self, sids: list[int]) -> list[UsageRow]:
        """The records under these numbers, in this order."""
        found = self._postgres.execute(f"{SELECT_USAGE} WHERE sid = ANY (?::bigint[])", (sids,))
        made = {row.sid: row for row in self.made([StoredRow(*values) for values in found])}
        return [made[sid] for sid in sids]

    def made(self, stored: Sequence[StoredRow]) -> list[UsageRow]:
        """Some records by names."""
        foreign = [row.sid for row in stored if row.check_bits is None]
        if foreign:
            statement = "SELECT sid, request_id FROM foreign_id WHERE sid = ANY (?::bigint[])"
            self._foreign = dict(self._postgres.execute(statement, (foreign,)))
        return [self.row(row) for row in stored]

    def _foreign_id(self, sid: int) -> str:
        return self._foreign[sid]


class PostgresPageSearch(PageSearch):
    """Reads the rows of an index some at a time: a page needs few, and an answer comes whole."""

    def _days_with_matches(self, question: Question, guide: Rollup) -> Iterator[int]:
        tests, bound = self._guide_tests(question, guide)
        statement = (
            "SELECT number FROM generate_series(?::integer, ?::integer, -1) AS wanted (number)"
            f" WHERE EXISTS (SELECT 1 FROM {guide.name} WHERE period = number{tests}) ORDER BY number DESC"
        )
        for (day,) in self._connection.execute(statement, (question.last_day, question.first_day, *bound)):
            yield day

    def _rows_between(
        self, question: Question, leading: str | None, columns: str, window: tuple[int, int]
    ) -> Iterator[tuple[int, ...]]:
        lowest, highest = window
        rows_asked = ROWS_AT_FIRST
        while True:
            rows = list(self._rows_from(question, leading, columns, (lowest, highest), rows_asked))
            yield from rows
            if len(rows) < rows_asked:
                return
            highest, rows_asked = rows[-1][0] - 1, ROWS_LATER

    def _rows_from(
        self, question: Question, leading: str | None, columns: str, window: tuple[int, int], rows: int
    ) -> Iterable[tuple[int, ...]]:
        """One piece. Pairs of values leave the planner no other order than that of the leading index: it would walk
        all records from the newest on for a model that nobody has used for months.
        """
        lowest, highest = window
        if leading is not None:
            number = question.conditions[leading]
            return self._connection.execute(
                f"SELECT {columns} FROM usage WHERE ({leading}, sid) >= (?, ?) AND ({leading}, sid) <= (?, ?)"
                f" ORDER BY {leading} DESC, sid DESC LIMIT ?",
                (number, lowest, number, highest, rows),
            )
        test = " AND outcome <> 0" if question.is_success is False else ""
        return self._connection.execute(
            f"SELECT {columns} FROM usage WHERE sid BETWEEN ? AND ?{test} ORDER BY sid DESC LIMIT ?",
            (lowest, highest, rows),
        )


class PostgresReader(Reader):
    """Implements `BooksReader`, and within a transaction `BooksSnapshot`."""

    def __init__(self, connection: Connection, names: NamesOf, days: LocalDays, host: str | None) -> None:
        """`host`: whose journal files count; None for those of all hosts."""
        super().__init__(connection, names, days)
        self._postgres = connection
        self._host = host
        if host is None:
            self.ledger_books = LedgerQuestions(Streaming(connection))
        self._rows: PostgresRowReader = PostgresRowReader(connection, names)

    def usage_page(self, asked: UsageFilter, cursor: str | None = None, limit: int = 20, skip: int = 0) -> UsagePage:
        """See `BooksReader`."""
        return PostgresPageSearch(self._connection, self._rows, self._days).page(asked, cursor, limit, skip)

    def journal_files(self) -> list[JournalFileState]:
        """See `BooksReader`."""
        files = read_files(self._connection, (*FILE_COLUMNS, "host"))
        return files if self._host is None else [file for file in files if file.host == self._host]

    def records(self) -> Iterator[BookedRecord]:
        """See `BooksSnapshot`."""
        files = {file.id: file for file in read_files(self._connection, (*FILE_COLUMNS, "host"))}
        statement = f"{SELECT_USAGE} WHERE sid > ? ORDER BY sid LIMIT ?"
        above = -(1 << 63)
        while found := [StoredRow(*row) for row in self._connection.execute(statement, (above, ROWS_LATER))]:
            for stored, row in zip(found, self._rows.made(found), strict=True):
                file = files.get(stored.file)
                name, generation = ("", 0) if file is None else (file.name, file.generation)
                yield BookedRecord(row, name, generation, stored.line_offset, stored.line_length)
            above = found[-1].sid

    def _sum_statement(self, rollup: Rollup, by: tuple[str, ...], where: tuple[str, ...]) -> str:
        return sum_cells(rollup, by, where)

    def _stream(self, statement: str, bound: Sequence[int]) -> Iterator[Any]:
        return self._postgres.stream(statement, bound)
