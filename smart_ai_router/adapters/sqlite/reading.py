"""Questions to the books over one reading connection."""
# ruff: noqa: S608 - names of tables and columns come from this package, values are bound

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from msgspec import convert

from smart_ai_router.adapters.sql_connection import SqlConnection
from smart_ai_router.adapters.sqlite.dictionary import KIND_OF, Kind, NamesOf, number_in
from smart_ai_router.adapters.sqlite.ledger_reading import LedgerQuestions
from smart_ai_router.adapters.sqlite.pages import PageSearch, read_span
from smart_ai_router.adapters.sqlite.rows import RowReader
from smart_ai_router.adapters.sqlite.statements import (
    ATTEMPT_COLUMNS,
    LATENCY_COLUMNS,
    MEASURE_COLUMNS,
    USAGE_COLUMNS,
    StoredRow,
    select_cells,
    sum_cells,
)
from smart_ai_router.core.local_days import LocalDays, date_of, day_number
from smart_ai_router.core.record_keys import split_request_id
from smart_ai_router.core.rollup_pieces import Piece, Span, pieces_for
from smart_ai_router.core.rollups import AttemptMeasures, Measures, Rollup, Row, add_rows
from smart_ai_router.core.statistics_store import AttemptTotals, Dimension, TotalsRow
from smart_ai_router.core.store import (
    AttemptHour,
    BookedRecord,
    CellKey,
    JournalFileState,
    JournalPosition,
    JournalProblem,
    LineProblem,
    ProblemCount,
    RecordSums,
    totals_of,
)
from smart_ai_router.core.usage_pages import UsageFilter, UsagePage, UsageRow
from smart_ai_router.domain.money import PICO_PER_UNIT

FILE_COLUMNS = tuple(name for name in JournalFileState.__struct_fields__ if name != "host")  # one host's books
_EVER = (-(10**9), 10**9)  # all periods


class Reader:
    """Implements `BooksSnapshot` over one connection, used by one thread at a time."""

    def __init__(self, connection: SqlConnection, names: NamesOf, days: LocalDays) -> None:
        self._connection = connection
        self._names = names
        self._days = days
        self._rows = RowReader(connection, names)
        self.ledger_books = LedgerQuestions(connection)

    def totals(
        self,
        first: date,
        last: date,
        by: Sequence[Dimension] = (),
        where: Mapping[Dimension, str] | None = None,
    ) -> list[TotalsRow]:
        """See `BooksReader`."""
        conditions = where or {}
        span = read_span(self._connection)
        books_span = Span(0, -1) if span is None else Span(span.first_day, span.live_from)
        pieces = pieces_for({*by, *conditions}, day_number(first), day_number(last), books_span)
        numbers: dict[str, int] = {}
        for dimension, name in conditions.items():
            number = number_in(self._connection, KIND_OF[dimension], name)
            if number is None:
                return []
            numbers[dimension.value] = number
        sums: dict[tuple[int, ...], Row] = {}
        for piece in pieces:
            for key, row in self._sum(piece, by, numbers):
                sums[key] = add_rows(sums.get(key), row)
        currency_of = self._names.lookup(self._connection, Kind.CURRENCY)
        names = [self._name_of(dimension) for dimension in by]
        rows = [
            TotalsRow(
                tuple([name_of(number) for name_of, number in zip(names, key, strict=False)]),
                totals_of(currency_of(key[-1]), Measures(*row)),
            )
            for key, row in sums.items()
        ]
        return sorted(rows, key=lambda row: (row.keys, row.totals.currency))

    def _sum(
        self, piece: Piece, by: Sequence[Dimension], conditions: Mapping[str, int]
    ) -> Iterator[tuple[tuple[int, ...], Measures]]:
        columns = tuple("period" if dimension is Dimension.DAY else dimension.value for dimension in by)
        statement = self._sum_statement(piece.rollup, columns, tuple(conditions))
        width = len(columns) + 1
        for row in self._connection.execute(statement, (piece.first, piece.last, *conditions.values())):
            yield tuple(row[:width]), _measures(row[width:])

    def _sum_statement(self, rollup: Rollup, by: tuple[str, ...], where: tuple[str, ...]) -> str:
        return sum_cells(rollup, by, where)

    def _name_of(self, dimension: Dimension) -> Callable[[int], str]:
        if dimension is Dimension.DAY:
            return lambda number: date_of(number).isoformat()
        return self._names.lookup(self._connection, KIND_OF[dimension])

    def channel_names(self) -> dict[str, str]:
        """See `BooksReader`."""
        return dict(self._connection.execute("SELECT channel_id, name FROM channel_name ORDER BY channel_id"))

    # --- upstream tries ---

    def channel_attempts(self, first: date, last: date) -> dict[str, AttemptTotals]:
        """See `BooksReader`."""
        rows = self._connection.execute(
            "SELECT channel, sum(attempts), sum(failures) FROM attempt_day WHERE period BETWEEN ? AND ?"
            " GROUP BY channel",
            (day_number(first), day_number(last)),
        )
        channel_of = self._names.lookup(self._connection, Kind.CHANNEL)
        return {channel_of(channel): AttemptTotals(attempts, failures) for channel, attempts, failures in rows}

    def channel_latencies(self, first: date, last: date) -> dict[str, tuple[int, ...]]:
        """See `BooksReader`."""
        sums = ", ".join(f"sum({column})" for column in LATENCY_COLUMNS)
        rows = self._connection.execute(
            f"SELECT channel, {sums} FROM attempt_day WHERE period BETWEEN ? AND ? GROUP BY channel",
            (day_number(first), day_number(last)),
        )
        channel_of = self._names.lookup(self._connection, Kind.CHANNEL)
        return {channel_of(channel): tuple(counts) for channel, *counts in rows}

    def attempt_hours(self, first_hour: int, last_hour: int) -> list[AttemptHour]:
        """See `BooksReader`."""
        channel_of = self._names.lookup(self._connection, Kind.CHANNEL)
        currency_of = self._names.lookup(self._connection, Kind.CURRENCY)
        rows = self._connection.execute(
            f"SELECT period, channel, currency, {', '.join(ATTEMPT_COLUMNS)} FROM attempt_hour"
            " WHERE period BETWEEN ? AND ?",
            (first_hour, last_hour),
        )
        hours = [
            AttemptHour(hour, channel_of(channel), currency_of(currency), _attempt_measures(columns))
            for hour, channel, currency, *columns in rows
        ]
        return sorted(hours, key=lambda each: each[:3])

    # --- records ---

    def usage_page(self, asked: UsageFilter, cursor: str | None = None, limit: int = 20, skip: int = 0) -> UsagePage:
        """See `BooksReader`."""
        return PageSearch(self._connection, self._rows, self._days).page(asked, cursor, limit, skip)

    def usage_count(self, asked: UsageFilter) -> int:
        """See `BooksReader`."""
        span = read_span(self._connection)
        if span is None:
            return 0
        first = asked.first or date_of(span.first_day)
        last = asked.last or date_of(span.live_from)
        count = 0
        for row in self.totals(first, last, (), asked.dimensions()):
            totals = row.totals
            count += (
                totals.requests
                if asked.is_success is None
                else totals.successes
                if asked.is_success
                else totals.failures
            )
        return count

    def usage_row(self, request_id: str) -> UsageRow | None:
        """See `BooksReader`."""
        sid = self._sid_of(request_id)
        return None if sid is None else self._rows.rows([sid])[0]

    def position(self, request_id: str) -> JournalPosition | None:
        """See `BooksReader`."""
        sid = self._sid_of(request_id)
        if sid is None:
            return None
        row = self._connection.execute("SELECT file, line_offset, line_length FROM usage WHERE sid = ?", (sid,))
        return JournalPosition(*next(iter(row)))

    def _sid_of(self, request_id: str) -> int | None:
        key = split_request_id(request_id)
        if key is not None:
            found = self._connection.execute("SELECT check_bits FROM usage WHERE sid = ?", (key[0],)).get
            if found == key[1]:
                return key[0]
        sid = self._connection.execute("SELECT sid FROM foreign_id WHERE request_id = ?", (request_id,)).get
        return None if sid is None else int(sid)

    def records(self) -> Iterator[BookedRecord]:
        """See `BooksReader`."""
        columns = ", ".join(f"usage.{column}" for column in USAGE_COLUMNS)
        statement = (
            f"SELECT name, generation, {columns} FROM usage"
            " LEFT JOIN journal_file ON journal_file.id = usage.file ORDER BY sid"
        )
        for name, generation, *values in self._connection.execute(statement):
            stored = StoredRow(*values)
            yield BookedRecord(
                self._rows.row(stored), name or "", generation or 0, stored.line_offset, stored.line_length
            )

    def record_sums(self) -> dict[str, RecordSums]:
        """See `BooksReader`; each sum is made of two, because it may pass 64 bits."""
        costs = ("input_cost", "output_cost", "other_cost")
        halves = ", ".join(f"sum({cost} / {PICO_PER_UNIT}), sum({cost} % {PICO_PER_UNIT})" for cost in costs)
        currency_of = self._names.lookup(self._connection, Kind.CURRENCY)
        sums = {}
        for currency, records, *halved in self._connection.execute(
            f"SELECT currency, count(*), {halves} FROM usage JOIN profile ON profile.id = profile GROUP BY currency"
        ):
            in_cost, out_cost, other = (
                units * PICO_PER_UNIT + pico for units, pico in zip(halved[::2], halved[1::2], strict=True)
            )
            sums[currency_of(currency)] = RecordSums(records, in_cost, out_cost, in_cost + out_cost + other)
        return sums

    # --- journal files ---

    def journal_files(self) -> list[JournalFileState]:
        """See `BooksReader`."""
        return read_files(self._connection)

    def problems(self, limit: int = 100) -> list[JournalProblem]:
        """See `BooksReader`."""
        rows = self._connection.execute(
            "SELECT name, generation, line_offset, line_length, reason, detail FROM journal_problem"
            " JOIN journal_file ON journal_file.id = file ORDER BY file DESC, line_offset DESC, reason LIMIT ?",
            (limit,),
        )
        return [JournalProblem(name, generation, LineProblem(*problem)) for name, generation, *problem in rows]

    def problem_counts(self) -> list[ProblemCount]:
        """See `BooksReader`."""
        rows = self._connection.execute(
            "SELECT name, generation, reason, count FROM journal_problem_count"
            " JOIN journal_file ON journal_file.id = file ORDER BY file, reason"
        )
        return [ProblemCount(*row) for row in rows]

    # --- cells ---

    def cells(self, rollup: Rollup, period: int | None = None) -> Iterator[tuple[CellKey, Measures]]:
        """See `BooksReader`."""
        for key, columns in self._cells(rollup, MEASURE_COLUMNS, period):
            yield key, _measures(columns)

    def attempt_cells(self, rollup: Rollup, period: int | None = None) -> Iterator[tuple[CellKey, AttemptMeasures]]:
        """See `BooksReader`."""
        for key, columns in self._cells(rollup, ATTEMPT_COLUMNS, period):
            yield key, _attempt_measures(columns)

    def _cells(
        self, rollup: Rollup, columns: tuple[str, ...], period: int | None
    ) -> Iterator[tuple[CellKey, Sequence[int]]]:
        kinds = [*(KIND_OF[dimension] for dimension in rollup.dimensions), Kind.CURRENCY]
        names = [self._names.lookup(self._connection, kind) for kind in kinds]
        width = len(names) + 1
        bounds = _EVER if period is None else (period, period)
        for row in self._stream(f"{select_cells(rollup, columns)} ORDER BY period", bounds):
            key = tuple([name_of(number) for name_of, number in zip(names, row[1:width], strict=True)])
            yield (row[0], key), row[width:]

    def _stream(self, statement: str, bound: Sequence[int]) -> Iterable[Any]:
        """The rows of a large answer."""
        return self._connection.execute(statement, bound)


def read_files(connection: SqlConnection, columns: Sequence[str] = FILE_COLUMNS) -> list[JournalFileState]:
    """The files that have been read, in the order they were met."""
    rows = connection.execute(f"SELECT {', '.join(columns)} FROM journal_file ORDER BY id")
    return [convert(dict(zip(columns, row, strict=True)), JournalFileState, strict=False) for row in rows]


def _measures(columns: Sequence[int]) -> Measures:
    requests, successes, tokens_in, tokens_out, cached, reasoning, *costs_and_rest = columns
    in_units, in_pico, out_units, out_pico, other_units, other_pico, *rest = costs_and_rest
    return Measures(
        requests,
        successes,
        tokens_in,
        tokens_out,
        cached,
        reasoning,
        in_units * PICO_PER_UNIT + in_pico,
        out_units * PICO_PER_UNIT + out_pico,
        other_units * PICO_PER_UNIT + other_pico,
        *rest,
    )


def _attempt_measures(columns: Sequence[int]) -> AttemptMeasures:
    attempts, failures, tokens_in, tokens_out, units, pico, duration_ms, *latencies = columns
    cost = units * PICO_PER_UNIT + pico
    return AttemptMeasures(attempts, failures, tokens_in, tokens_out, cost, duration_ms, tuple(latencies))
