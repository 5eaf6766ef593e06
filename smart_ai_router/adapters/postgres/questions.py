"""The questions of `BooksReader`, each answered on a connection of its own."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date

from smart_ai_router.core.statistics_store import AttemptTotals, Dimension, TotalsRow
from smart_ai_router.core.store import (
    AttemptHour,
    BooksReader,
    JournalFileState,
    JournalPosition,
    JournalProblem,
    ProblemCount,
)
from smart_ai_router.core.usage_pages import UsageFilter, UsagePage, UsageRow


class Questions(ABC):
    """Implements `BooksReader` over connections that are lent."""

    @abstractmethod
    def _reader(self) -> AbstractContextManager[BooksReader]:
        """Whoever answers one question."""

    def totals(
        self,
        first: date,
        last: date,
        by: Sequence[Dimension] = (),
        where: Mapping[Dimension, str] | None = None,
    ) -> list[TotalsRow]:
        """See `BooksReader`."""
        with self._reader() as reader:
            return reader.totals(first, last, by, where)

    def channel_names(self) -> dict[str, str]:
        """See `BooksReader`."""
        with self._reader() as reader:
            return reader.channel_names()

    def channel_attempts(self, first: date, last: date) -> dict[str, AttemptTotals]:
        """See `BooksReader`."""
        with self._reader() as reader:
            return reader.channel_attempts(first, last)

    def channel_latencies(self, first: date, last: date) -> dict[str, tuple[int, ...]]:
        """See `BooksReader`."""
        with self._reader() as reader:
            return reader.channel_latencies(first, last)

    def attempt_hours(self, first_hour: int, last_hour: int) -> list[AttemptHour]:
        """See `BooksReader`."""
        with self._reader() as reader:
            return reader.attempt_hours(first_hour, last_hour)

    def usage_page(self, asked: UsageFilter, cursor: str | None = None, limit: int = 20, skip: int = 0) -> UsagePage:
        """See `BooksReader`."""
        with self._reader() as reader:
            return reader.usage_page(asked, cursor, limit, skip)

    def usage_count(self, asked: UsageFilter) -> int:
        """See `BooksReader`."""
        with self._reader() as reader:
            return reader.usage_count(asked)

    def usage_row(self, request_id: str) -> UsageRow | None:
        """See `BooksReader`."""
        with self._reader() as reader:
            return reader.usage_row(request_id)

    def position(self, request_id: str) -> JournalPosition | None:
        """See `BooksReader`."""
        with self._reader() as reader:
            return reader.position(request_id)

    def journal_files(self) -> list[JournalFileState]:
        """See `BooksReader`."""
        with self._reader() as reader:
            return reader.journal_files()

    def problems(self, limit: int = 100) -> list[JournalProblem]:
        """See `BooksReader`."""
        with self._reader() as reader:
            return reader.problems(limit)

    def problem_counts(self) -> list[ProblemCount]:
        """See `BooksReader`."""
        with self._reader() as reader:
            return reader.problem_counts()
