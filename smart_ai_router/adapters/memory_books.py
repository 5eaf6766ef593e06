"""Questions to books that are held in memory."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from threading import RLock

from smart_ai_router.adapters.memory_ledger_reading import MemoryLedgerBooks
from smart_ai_router.core.ledger_store import LedgerReader
from smart_ai_router.core.local_days import LocalDays, date_of, day_number
from smart_ai_router.core.posting import Posting, book_name, small_number
from smart_ai_router.core.record_keys import split_request_id
from smart_ai_router.core.rollup_pieces import Piece, Span, pieces_for
from smart_ai_router.core.rollups import (
    ATTEMPT_DAY,
    ATTEMPT_HOUR,
    ATTEMPT_ROLLUPS,
    ROLLUPS,
    AttemptCells,
    AttemptMeasures,
    Cells,
    Measures,
    Rollup,
    Row,
    add_attempt_measures,
    add_rows,
)
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
from smart_ai_router.core.usage_pages import (
    LIMIT_MAX,
    SKIP_MAX,
    UsageFilter,
    UsagePage,
    UsageRow,
    cursor_of,
    sid_of_cursor,
)


class MemoryBooks:
    """Implements `BooksSnapshot`."""

    def __init__(self, time_zone: str) -> None:
        self._days = LocalDays(time_zone)
        self._lock = RLock()
        self._rows: dict[int, UsageRow] = {}
        self._positions: dict[int, JournalPosition] = {}
        self._check_bits: dict[int, int | None] = {}
        self._foreign: dict[str, int] = {}
        self._span: Span | None = None
        self._cells: dict[Rollup, Cells] = {rollup: {} for rollup in ROLLUPS}
        self._attempts: dict[Rollup, AttemptCells] = {rollup: {} for rollup in ATTEMPT_ROLLUPS}
        self._channel_names: dict[str, tuple[int, str]] = {}
        self._files: dict[int, JournalFileState] = {}
        self._problems: dict[tuple[int, int, str], LineProblem] = {}
        self._problem_counts: dict[tuple[int, str], int] = {}
        self.ledger_books: LedgerReader = MemoryLedgerBooks()

    def totals(
        self,
        first: date,
        last: date,
        by: Sequence[Dimension] = (),
        where: Mapping[Dimension, str] | None = None,
    ) -> list[TotalsRow]:
        """See `BooksReader`."""
        conditions = {dimension: book_name(name) for dimension, name in (where or {}).items()}
        sums: dict[tuple[tuple[str, ...], str], Row] = {}
        with self._lock:
            span = self._span or Span(0, -1)
            for piece in pieces_for({*by, *conditions}, day_number(first), day_number(last), span):
                for group, row in self._matching(piece, by, conditions):
                    sums[group] = add_rows(sums.get(group), row)
        rows = [TotalsRow(keys, totals_of(currency, Measures(*row))) for (keys, currency), row in sums.items()]
        return sorted(rows, key=lambda row: (row.keys, row.totals.currency))

    def _matching(
        self, piece: Piece, by: Sequence[Dimension], conditions: Mapping[Dimension, str]
    ) -> Iterator[tuple[tuple[tuple[str, ...], str], Row]]:
        for key, row in self._cells[piece.rollup].items():
            if not piece.first <= int(key[0]) <= piece.last:
                continue
            values = dict(zip(piece.rollup.dimensions, map(str, key[1:-1]), strict=True))
            values[Dimension.DAY] = date_of(int(key[0])).isoformat() if Dimension.DAY in by else ""
            if all(values[dimension] == wanted for dimension, wanted in conditions.items()):
                yield (tuple(values[dimension] for dimension in by), str(key[-1])), row

    def channel_names(self) -> dict[str, str]:
        """See `BooksReader`."""
        with self._lock:
            return {channel_id: name for channel_id, (_, name) in sorted(self._channel_names.items())}

    def channel_attempts(self, first: date, last: date) -> dict[str, AttemptTotals]:
        """See `BooksReader`."""
        return {
            channel_id: AttemptTotals(measures.attempts, measures.failures)
            for channel_id, measures in self._tries_by_channel(first, last).items()
        }

    def channel_latencies(self, first: date, last: date) -> dict[str, tuple[int, ...]]:
        """See `BooksReader`."""
        return {channel_id: each.latencies for channel_id, each in self._tries_by_channel(first, last).items()}

    def _tries_by_channel(self, first: date, last: date) -> dict[str, AttemptMeasures]:
        sums: dict[str, AttemptMeasures] = {}
        with self._lock:
            for (day, channel_id, _), measures in self._attempts[ATTEMPT_DAY].items():
                if day_number(first) <= int(day) <= day_number(last):
                    sums[str(channel_id)] = add_attempt_measures(sums.get(str(channel_id)), measures)
        return sums

    def attempt_hours(self, first_hour: int, last_hour: int) -> list[AttemptHour]:
        """See `BooksReader`."""
        with self._lock:
            return sorted(
                AttemptHour(int(hour), str(channel_id), str(currency), measures)
                for (hour, channel_id, currency), measures in self._attempts[ATTEMPT_HOUR].items()
                if first_hour <= int(hour) <= last_hour
            )

    def usage_page(self, asked: UsageFilter, cursor: str | None = None, limit: int = 20, skip: int = 0) -> UsagePage:
        """See `BooksReader`."""
        limit, skip = min(max(limit, 1), LIMIT_MAX), min(max(skip, 0), SKIP_MAX)
        below = None if cursor is None else sid_of_cursor(cursor)
        with self._lock:
            newest_first = sorted(self._rows.items(), reverse=True)
        found = [row for sid, row in newest_first if (below is None or sid < below) and self._matches(row, asked)]
        shown = found[skip : skip + limit]
        has_more = len(found) > skip + limit
        return UsagePage(tuple(shown), cursor_of(shown[-1].sid) if has_more else None, is_complete=True)

    def _matches(self, row: UsageRow, asked: UsageFilter) -> bool:
        day = date_of(self._days.day_of(row.at_ms))
        values = {
            Dimension.USER: row.user_id,
            Dimension.API_KEY: row.api_key_id,
            Dimension.PROVIDER: row.provider,
            Dimension.CHANNEL: row.channel_id,
            Dimension.MODEL: row.model,
            Dimension.USAGE_TYPE: row.usage_type,
        }
        return (
            all(values[dimension] == book_name(wanted) for dimension, wanted in asked.dimensions().items())
            and (asked.is_success is None or asked.is_success == row.is_success)
            and (asked.first is None or asked.first <= day)
            and (asked.last is None or day <= asked.last)
        )

    def usage_count(self, asked: UsageFilter) -> int:
        """See `BooksReader`."""
        if self._span is None:
            return 0
        first = asked.first or date_of(self._span.first_day)
        last = asked.last or date_of(self._span.live_from)
        found = [row.totals for row in self.totals(first, last, (), asked.dimensions())]
        if asked.is_success is None:
            return sum(totals.requests for totals in found)
        return sum(totals.successes if asked.is_success else totals.failures for totals in found)

    def usage_row(self, request_id: str) -> UsageRow | None:
        """See `BooksReader`."""
        with self._lock:
            sid = self._sid_of(request_id)
            return None if sid is None else self._rows[sid]

    def position(self, request_id: str) -> JournalPosition | None:
        """See `BooksReader`."""
        with self._lock:
            sid = self._sid_of(request_id)
            return None if sid is None else self._positions[sid]

    def _sid_of(self, request_id: str) -> int | None:
        key = split_request_id(request_id)
        if key is not None and key[0] in self._rows and self._check_bits[key[0]] == key[1]:
            return key[0]
        return self._foreign.get(request_id)

    def journal_files(self) -> list[JournalFileState]:
        """See `BooksReader`."""
        with self._lock:
            return list(self._files.values())

    def problems(self, limit: int = 100) -> list[JournalProblem]:
        """See `BooksReader`."""
        with self._lock:
            listed = sorted(self._problems.items(), key=lambda each: (-each[0][0], -each[0][1], each[0][2]))
            return [
                JournalProblem(self._files[file_id].name, self._files[file_id].generation, problem)
                for (file_id, _, _), problem in listed[:limit]
            ]

    def problem_counts(self) -> list[ProblemCount]:
        """See `BooksReader`."""
        with self._lock:
            return [
                ProblemCount(self._files[file_id].name, self._files[file_id].generation, reason, times)
                for (file_id, reason), times in sorted(self._problem_counts.items())
            ]

    def records(self) -> Iterator[BookedRecord]:
        """See `BooksSnapshot`."""
        for sid, row in sorted(self._rows.items()):
            position = self._positions[sid]
            file = self._files[position.file_id]
            yield BookedRecord(row, file.name, file.generation, position.offset, position.length)

    def record_sums(self) -> dict[str, RecordSums]:
        """See `BooksSnapshot`."""
        sums: dict[str, RecordSums] = {}
        for row in self._rows.values():
            before = sums.get(row.currency, RecordSums(0, 0, 0, 0))
            sums[row.currency] = RecordSums(
                before.records + 1,
                before.input_cost + row.input_cost,
                before.output_cost + row.output_cost,
                before.total_cost + row.total_cost,
            )
        return sums

    def cells(self, rollup: Rollup, period: int | None = None) -> Iterator[tuple[CellKey, Measures]]:
        """See `BooksSnapshot`."""
        for (number, *names), row in sorted(self._cells[rollup].items()):
            if period is None or number == period:
                yield (int(number), tuple(map(str, names))), Measures(*row)

    def attempt_cells(self, rollup: Rollup, period: int | None = None) -> Iterator[tuple[CellKey, AttemptMeasures]]:
        """See `BooksSnapshot`."""
        for (number, *names), measures in sorted(self._attempts[rollup].items()):
            if period is None or number == period:
                yield (int(number), tuple(map(str, names))), measures


def row_of(posting: Posting, sid: int) -> UsageRow:
    """A record as readers see it."""
    record = posting.record
    return UsageRow(
        sid=sid,
        request_id=record.request_id,
        at_ms=posting.at_ms,
        model=book_name(record.model),
        channel_id=book_name(record.channel_id),
        provider=book_name(record.provider),
        user_id=book_name(record.user_id),
        api_key_id=book_name(record.api_key_id),
        usage_type=book_name(record.usage_type),
        outcome=book_name(record.outcome),
        error_kind=book_name(record.error_kind),
        status_code=small_number(record.status_code),
        currency=book_name(record.cost_currency),
        region=book_name(record.region),
        usage_source=book_name(record.usage_source),
        cost_basis=book_name(record.cost_basis),
        input_tokens=record.input_tokens,
        output_tokens=record.output_tokens,
        cached_tokens=record.cached_tokens,
        cache_write_tokens=record.cache_write_tokens,
        reasoning_tokens=record.reasoning_tokens,
        input_cost=posting.input_cost,
        output_cost=posting.output_cost,
        total_cost=posting.input_cost + posting.output_cost + posting.other_cost,
        user_charge=posting.user_charge,
        images=posting.images,
        media_ms=posting.media_ms,
        duration_ms=posting.duration_ms,
        first_token_ms=small_number(record.time_to_first_token_ms),
    )
