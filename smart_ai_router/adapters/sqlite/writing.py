"""The one writer of the books: a batch is one transaction.

The common batch holds only new records with ids of ours, so the rows are inserted at once; when that collides, or an
id is of other make, each record is looked up first (`core/placing.py`).
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Final

import apsw
from msgspec.structs import replace

from smart_ai_router.adapters.sqlite.dictionary import Numbers
from smart_ai_router.adapters.sqlite.ledger_writing import post_usage
from smart_ai_router.adapters.sqlite.opening import failure_of
from smart_ai_router.adapters.sqlite.statements import (
    CONTENT_START,
    INSERT_USAGE,
    SELECT_USAGE,
    fold_cells,
    upsert_attempts,
    upsert_cells,
)
from smart_ai_router.adapters.sqlite.usage_rows import row_of
from smart_ai_router.core.local_days import month_days, month_number
from smart_ai_router.core.placing import Placed, place
from smart_ai_router.core.posting import Posting
from smart_ai_router.core.record_keys import sid_ms
from smart_ai_router.core.rollups import (
    ATTEMPT_ROLLUPS,
    FOLDED,
    HOUR,
    ROLLUPS,
    AttemptCells,
    Cells,
    Deltas,
    Grain,
    Key,
    Row,
    fold,
    fold_over,
    latest_names,
)
from smart_ai_router.core.store import PROBLEMS_LISTED_MAX, Applied, JournalFileState, LineProblem
from smart_ai_router.domain.money import CELL_MAX

ROWS_TOGETHER: Final = 20  # in one statement: most of what can be saved, and short enough to stay prepared

_UPSERT_CELLS = {rollup: (upsert_cells(rollup, 1), upsert_cells(rollup, ROWS_TOGETHER)) for rollup in ROLLUPS}
_UPSERT_TRIES = {
    rollup: (upsert_attempts(rollup, 1), upsert_attempts(rollup, ROWS_TOGETHER)) for rollup in ATTEMPT_ROLLUPS
}
_FOLD_CELLS = {target: fold_cells(source, target) for target, source in FOLDED.items()}


class _Span:
    """What the books row says: the days of all records, and how far record times lie from those of their ids."""

    def __init__(self, connection: apsw.Connection) -> None:
        rows = connection.execute("SELECT first_day, live_from, lag_min_ms, lag_max_ms FROM books")
        self.first_day, self.live_from, self.lag_min_ms, self.lag_max_ms = next(rows)


class Writer:
    """Applies batches on one connection, which nobody else uses."""

    def __init__(self, connection: apsw.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._numbers = Numbers(connection)

    def apply(self, file: JournalFileState, postings: Sequence[Posting], problems: Sequence[LineProblem]) -> Applied:
        """See `BookStore`."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                applied = self._apply(file, postings, problems)
                self._connection.execute("COMMIT")
            except BaseException:
                self._numbers.forget()
                with suppress(apsw.Error):  # SQLite may have rolled back by itself
                    self._connection.execute("ROLLBACK")
                raise
        except apsw.Error as error:
            raise failure_of(error, self._path) from error
        self._numbers.trim()
        return applied

    def _apply(self, file: JournalFileState, postings: Sequence[Posting], problems: Sequence[LineProblem]) -> Applied:
        if not file.id:
            last = self._connection.execute("SELECT max(id) FROM journal_file").get
            file = replace(file, id=1 if last is None else int(last) + 1)
        placed, repeated, conflicts = self._insert(file.id, postings)
        if placed:
            self._roll_up(placed)
            post_usage(self._connection, placed)
        found = [*problems, *(self._conflict(each) for each in conflicts)]
        self._write_problems(file.id, found)
        file = replace(file, lines=file.lines + len(placed), repeated=file.repeated + len(repeated))
        self._write_file(file)
        return Applied(file, [each.posting for each in placed], len(repeated), len(conflicts))

    # --- records ---

    def _insert(self, file_id: int, postings: Sequence[Posting]) -> tuple[list[Placed], list[Posting], list[Posting]]:
        own = [Placed(each, *each.key) for each in postings if each.key is not None]
        if len(own) == len(postings) and self._insert_rows(file_id, own):
            return own, [], []
        placement = place(postings, self)
        inserted = self._insert_rows(file_id, placement.placed)
        assert inserted, "placed records stand under free numbers"
        foreign = [(each.sid, each.posting.record.request_id) for each in placement.placed if each.check_bits is None]
        self._connection.executemany("INSERT INTO foreign_id VALUES (?, ?)", foreign)
        return placement

    def _insert_rows(self, file_id: int, placed: Iterable[Placed]) -> bool:
        """Insert them all, or none when one number is taken."""
        rows = [row_of(file_id, each, self._numbers) for each in placed]
        self._connection.execute("SAVEPOINT records")
        try:
            self._connection.executemany(INSERT_USAGE, rows)
        except apsw.ConstraintError:
            self._connection.execute("ROLLBACK TO records")
            return False
        finally:
            self._connection.execute("RELEASE records")
        return True

    # --- `placing.KeptRecords` ---

    def check_bits_of(self, sid: int) -> int | None:
        """See `KeptRecords`."""
        row = self._connection.execute("SELECT check_bits FROM usage WHERE sid = ?", (sid,)).fetchone()
        if row is None:
            return None
        return -1 if row[0] is None else int(row[0])

    def foreign_sid_of(self, request_id: str) -> int | None:
        """See `KeptRecords`."""
        sid = self._connection.execute("SELECT sid FROM foreign_id WHERE request_id = ?", (request_id,)).get
        return None if sid is None else int(sid)

    def is_same(self, sid: int, posting: Posting) -> bool:
        """See `KeptRecords`."""
        kept = next(self._connection.execute(f"{SELECT_USAGE} WHERE sid = ?", (sid,)))
        return bool(kept[CONTENT_START:] == row_of(0, Placed(posting, sid, None), self._numbers)[CONTENT_START:])

    # --- rollups ---

    def _roll_up(self, placed: Sequence[Placed]) -> None:
        postings = [each.posting for each in placed]
        span = _Span(self._connection)
        deltas = fold(postings, self._numbers)
        self._add_deltas(deltas)
        days = [each.day for each in postings]
        live_from = max(days) if span.live_from is None else max(span.live_from, *days)
        first_day = min(days) if span.first_day is None else min(span.first_day, *days)
        if span.live_from is not None:
            self._add_late(deltas, span.live_from)
            self._fold_days(span.live_from, live_from)
        else:
            self._fold_days(first_day, live_from)
        lags = [each.posting.at_ms - sid_ms(each.sid) for each in placed]
        self._connection.execute(
            "UPDATE books SET first_day = ?, live_from = ?, lag_min_ms = ?, lag_max_ms = ?",
            (first_day, live_from, min(span.lag_min_ms, *lags), max(span.lag_max_ms, *lags)),
        )
        self._name_channels(postings)

    def _add_deltas(self, deltas: Deltas) -> None:
        fits = sum(map(sum, deltas.cells[HOUR].values())) <= CELL_MAX  # then every cell does
        for rollup, cells in deltas.cells.items():
            self._upsert(_UPSERT_CELLS[rollup], _cell_rows(cells, fits))
        for rollup, tries in deltas.attempts.items():
            self._upsert(_UPSERT_TRIES[rollup], _attempt_rows(tries))

    def _upsert(self, statements: tuple[str, str], rows: list[Key]) -> None:
        """Many rows to a statement: each statement that is run costs about as much as a row."""
        for_one, for_many = statements
        whole = len(rows) - len(rows) % ROWS_TOGETHER
        for start in range(0, whole, ROWS_TOGETHER):
            self._connection.execute(for_many, tuple(chain.from_iterable(rows[start : start + ROWS_TOGETHER])))
        self._connection.executemany(for_one, rows[whole:])

    def _add_late(self, deltas: Deltas, live_from: int) -> None:
        """Records of days that are folded already go to the folded rollups as well."""
        for target, source in FOLDED.items():
            late = {key: measures for key, measures in deltas.cells[source].items() if int(key[0]) < live_from}
            if late:
                self._upsert(_UPSERT_CELLS[target], _cell_rows(fold_over(late, source, target), fits=False))

    def _fold_days(self, first: int, end: int) -> None:
        """Fold the days first..end-1, which are over now; only those that hold anything are looked at."""
        found = self._connection.execute(
            "SELECT DISTINCT period FROM cube_day WHERE period >= ? AND period < ?", (first, end)
        )
        for month in sorted({month_number(day) for (day,) in found}):
            month_first, month_last = month_days(month)
            days = (max(first, month_first), min(end - 1, month_last))
            for target, statement in _FOLD_CELLS.items():
                bound = (month, *days) if target.grain is Grain.MONTH else days
                self._connection.execute(statement, bound)

    def _name_channels(self, postings: Iterable[Posting]) -> None:
        names = latest_names(postings)
        self._connection.executemany(
            "INSERT INTO channel_name VALUES (?, ?, ?) ON CONFLICT DO UPDATE"
            " SET name = excluded.name, named_ms = excluded.named_ms"
            " WHERE (excluded.named_ms, excluded.name) > (named_ms, name)",
            [(channel_id, name, named_ms) for channel_id, (named_ms, name) in sorted(names.items())],
        )

    # --- journal files ---

    def _conflict(self, posting: Posting) -> LineProblem:
        request_id = posting.record.request_id
        sid = self.foreign_sid_of(request_id) if posting.key is None else posting.key[0]
        name, offset = self._connection.execute(
            "SELECT name, line_offset FROM usage JOIN journal_file ON journal_file.id = file WHERE sid = ?", (sid,)
        ).fetchone() or ("this file", None)
        where = "earlier in this batch" if offset is None else f"in {name} at {offset}"
        detail = f"{request_id} stands in the books with other content, {where}"
        return LineProblem(posting.offset, len(posting.line), "duplicate_id", detail)

    def _write_problems(self, file_id: int, problems: Iterable[LineProblem]) -> None:
        for problem in problems:
            times = self._connection.execute(
                "INSERT INTO journal_problem_count VALUES (?, ?, 1)"
                " ON CONFLICT DO UPDATE SET count = count + 1 RETURNING count",
                (file_id, problem.reason),
            ).get
            if int(times) <= PROBLEMS_LISTED_MAX:
                self._connection.execute(
                    "INSERT OR REPLACE INTO journal_problem VALUES (?, ?, ?, ?, ?)",
                    (file_id, problem.offset, problem.reason, problem.length, problem.detail),
                )

    def _write_file(self, file: JournalFileState) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO journal_file VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                file.id,
                file.name,
                file.generation,
                file.inode,
                file.applied,
                file.crc32,
                file.head_length,
                file.head_crc32,
                int(file.is_unterminated),
                file.archive_inode,
                file.archive_size,
                file.lines,
                file.repeated,
            ),
        )


def _cell_rows(cells: Cells, fits: bool) -> list[Key]:
    """Rows in no order: sorting them costs more here than it saves."""
    if fits:
        return [key + row for key, row in cells.items()]
    return [key + part for key, row in cells.items() for part in _within_64_bits(row)]


def _within_64_bits(row: Row) -> Iterator[Row]:
    """A batch may add more to a cell than one bound number can hold: it is added in parts."""
    while any(row):
        part = tuple(min(value, CELL_MAX) for value in row)
        yield part
        row = tuple(value - taken for value, taken in zip(row, part, strict=True))


def _attempt_rows(cells: AttemptCells) -> list[Key]:
    rows: list[Key] = []
    for key, (*sums, latencies) in cells.items():
        if max(sums) > CELL_MAX:
            rows += [key + part for part in _within_64_bits((*sums, *latencies))]
        else:
            rows.append((*key, *sums, *latencies))
    return rows
