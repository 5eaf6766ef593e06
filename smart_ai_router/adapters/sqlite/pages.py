"""Pages of records.

A filter on a user or a model, together with others, first asks the rollups on which days there is anything to find,
and searches those days only. Within them one index leads and the other conditions are tested row by row, up to a
bound: the page then ends early, and its cursor goes on from there.
"""
# ruff: noqa: S608 - names of tables and columns come from this package, values are bound

from collections.abc import Iterator
from operator import contains
from typing import Final, NamedTuple

from smart_ai_router.adapters.sql_connection import SqlConnection
from smart_ai_router.adapters.sqlite.dictionary import KIND_OF, number_in
from smart_ai_router.adapters.sqlite.rows import RowReader
from smart_ai_router.adapters.sqlite.statements import PERIODS
from smart_ai_router.core.local_days import LocalDays, day_number
from smart_ai_router.core.record_keys import sid_at, sid_ms
from smart_ai_router.core.rollups import CUBE_DAY, USER_CUBE_DAY, Rollup
from smart_ai_router.core.usage_pages import (
    LIMIT_MAX,
    ROWS_READ_MAX,
    SKIP_MAX,
    UsageFilter,
    UsagePage,
    cursor_of,
    sid_of_cursor,
)

PIECE_SHIFT: Final = 51  # of the indexes, see the first migration


class BooksSpan(NamedTuple):
    """What the row `books` says."""

    first_day: int
    live_from: int
    lag_min_ms: int
    lag_max_ms: int


class Question(NamedTuple):
    """What is searched for, in numbers."""

    span: BooksSpan
    conditions: dict[str, int]  # column to number
    is_success: bool | None
    first_day: int
    last_day: int
    from_ms: int
    until_ms: int


def read_span(connection: SqlConnection) -> BooksSpan | None:
    """None when there are no records."""
    row = connection.execute("SELECT first_day, live_from, lag_min_ms, lag_max_ms FROM books").fetchone()
    return None if row is None or row[0] is None else BooksSpan(*row)


class PageSearch:
    """Searches on one connection."""

    def __init__(self, connection: SqlConnection, rows: RowReader, days: LocalDays) -> None:
        self._connection = connection
        self._rows = rows
        self._days = days

    def page(self, asked: UsageFilter, cursor: str | None, limit: int, skip: int) -> UsagePage:
        """See `BooksReader.usage_page`."""
        limit, skip = min(max(limit, 1), LIMIT_MAX), min(max(skip, 0), SKIP_MAX)
        above = None if cursor is None else sid_of_cursor(cursor)
        question = self._question(asked)
        if question is None:
            return UsagePage((), None, is_complete=True)
        found: list[int] = []
        last_read = 0
        for read, (sid, is_match) in enumerate(self._candidates(question, above)):
            if len(found) == skip + limit:
                return self._page(found[skip:], found[-1], is_complete=True)
            if read == skip + ROWS_READ_MAX:
                return self._page(found[skip:], last_read, is_complete=False)
            last_read = sid
            if is_match:
                found.append(sid)
        return self._page(found[skip:], None, is_complete=True)

    def _page(self, sids: list[int], last: int | None, *, is_complete: bool) -> UsagePage:
        return UsagePage(tuple(self._rows.rows(sids)), None if last is None else cursor_of(last), is_complete)

    def _question(self, asked: UsageFilter) -> Question | None:
        """The question in numbers; None when nothing can answer it."""
        span = read_span(self._connection)
        if span is None:
            return None
        first_day = span.first_day if asked.first is None else max(day_number(asked.first), span.first_day)
        last_day = span.live_from if asked.last is None else min(day_number(asked.last), span.live_from)
        if first_day > last_day:
            return None
        conditions = {}
        for dimension, name in asked.dimensions().items():
            number = number_in(self._connection, KIND_OF[dimension], name)
            if number is None:
                return None
            conditions[dimension.value] = number
        from_ms, until_ms = self._days.starts_ms(first_day), self._days.starts_ms(last_day + 1)
        return Question(span, conditions, asked.is_success, first_day, last_day, from_ms, until_ms)

    def _candidates(self, question: Question, above: int | None) -> Iterator[tuple[int, bool]]:
        """Numbers below `above`, the newest first, and whether all conditions hold; each is one row read."""
        conditions = question.conditions
        leading: str | None = next((column for column in ("user", "model") if column in conditions), None)
        if leading is None and question.is_success is not False and "provider" in conditions:
            leading = "provider"
        tests = self._tests({column: number for column, number in conditions.items() if column != leading})
        columns = ", ".join(["sid", "lag_ms", "outcome", *tests])
        allowed = list(tests.values())
        for lowest, highest in self._windows(question, leading, above):
            for sid, lag_ms, outcome, *values in self._rows_between(question, leading, columns, (lowest, highest)):
                is_match = (
                    all(map(contains, allowed, values))
                    and question.from_ms <= sid_ms(sid) + lag_ms < question.until_ms
                    and (question.is_success is None or question.is_success == (outcome == 0))
                )
                yield sid, is_match

    def _tests(self, conditions: dict[str, int]) -> dict[str, frozenset[int]]:
        """Columns of the table `usage` and the values they may have."""
        tests = {column: frozenset((number,)) for column, number in conditions.items() if column != "usage_type"}
        if "usage_type" in conditions:
            profiles = self._connection.execute(
                "SELECT id FROM profile WHERE usage_type = ?", (conditions["usage_type"],)
            )
            tests["profile"] = frozenset(number for (number,) in profiles)
        return tests

    def _windows(self, question: Question, leading: str | None, above: int | None) -> Iterator[tuple[int, int]]:
        """Ranges of numbers, the newest first, outside of which there is nothing to find."""
        lowest, highest = self._range(question, question.first_day, question.last_day)
        if above is not None:
            highest = min(highest, above - 1)
        guide = USER_CUBE_DAY if leading == "user" else CUBE_DAY if leading == "model" else None
        if guide is None or (len(question.conditions) == 1 and question.is_success is None):
            yield lowest, highest
            return
        for day in self._days_with_matches(question, guide):
            day_lowest, day_highest = self._range(question, day, day)
            if max(lowest, day_lowest) <= min(highest, day_highest):
                yield max(lowest, day_lowest), min(highest, day_highest)
                highest = max(lowest, day_lowest) - 1

    def _range(self, question: Question, first_day: int, last_day: int) -> tuple[int, int]:
        """The numbers that records of some days may have."""
        span = question.span
        lowest = sid_at(self._days.starts_ms(first_day) - span.lag_max_ms)
        return lowest, sid_at(self._days.starts_ms(last_day + 1) - span.lag_min_ms) - 1

    def _days_with_matches(self, question: Question, guide: Rollup) -> Iterator[int]:
        tests, conditions = self._guide_tests(question, guide)
        statement = (
            f"{PERIODS} SELECT number FROM wanted"
            f" WHERE EXISTS (SELECT 1 FROM {guide.name} WHERE period = number{tests})"
        )
        bound = (question.first_day, question.last_day, *conditions)
        for (day,) in self._connection.execute(statement, bound):
            yield day

    def _guide_tests(self, question: Question, guide: Rollup) -> tuple[str, tuple[int, ...]]:
        """What a cell of the guide must say, and the numbers it binds."""
        known = {dimension.value for dimension in guide.dimensions}
        conditions = {column: number for column, number in question.conditions.items() if column in known}
        tests = "".join(f" AND {column} = ?" for column in conditions)
        if question.is_success is not None:
            tests += " AND successes > 0" if question.is_success else " AND successes < requests"
        return tests, tuple(conditions.values())

    def _rows_between(
        self, question: Question, leading: str | None, columns: str, window: tuple[int, int]
    ) -> Iterator[tuple[int, ...]]:
        bound: tuple[int, ...] = ()
        if leading is not None:
            index, test, bound = f"usage_{leading}", f"{leading} = ?", (question.conditions[leading],)
        elif question.is_success is False:
            index, test = "usage_failed", "outcome <> 0"
        else:
            everything = f"SELECT {columns} FROM usage WHERE sid BETWEEN ? AND ? ORDER BY sid DESC"
            yield from self._connection.execute(everything, window)
            return
        statement = (
            f"SELECT {columns} FROM usage INDEXED BY {index}"
            f" WHERE sid >> {PIECE_SHIFT} = ? AND {test} AND sid BETWEEN ? AND ? ORDER BY sid DESC"
        )
        lowest, highest = window
        for piece in range(highest >> PIECE_SHIFT, (lowest >> PIECE_SHIFT) - 1, -1):
            yield from self._connection.execute(statement, (piece, *bound, *window))
