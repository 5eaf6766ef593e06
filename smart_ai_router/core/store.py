"""What the bookkeeper and the readers of the books need of a store.

One thread writes, any number reads. Every write is one transaction: records, rollups, and how far the journal file has
been read, all or nothing. The memory store and the SQLite store obey one contract (`tests/contract/`).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date
from typing import NamedTuple, Protocol, TypeAlias

import msgspec

from smart_ai_router.core.ledger_store import LedgerReader, LedgerStore
from smart_ai_router.core.posting import Posting
from smart_ai_router.core.rollups import AttemptMeasures, Measures, Rollup
from smart_ai_router.core.statistics_store import AttemptTotals, Dimension, Totals, TotalsRow
from smart_ai_router.core.usage_pages import UsageFilter, UsagePage, UsageRow
from smart_ai_router.domain.money import Pico

PROBLEMS_LISTED_MAX = 1000  # of one file and reason; beyond it problems are only counted


class StoreFailure(Exception):
    """The store cannot do what it is for; the message says what to do about it."""


class StoreCorrupt(StoreFailure):
    """The database file is damaged."""


class StoreTooNew(StoreFailure):
    """A later version of the router has changed the database."""


class StoreLocked(StoreFailure):
    """Another process writes these books."""


class StoreUnavailable(StoreFailure):
    """The store cannot be written now (disk full, locked, read-only); nothing was changed."""


class TimeZoneChanged(StoreFailure):
    """The books were kept by days of another time zone."""


class JournalFileState(msgspec.Struct, frozen=True):
    """How far one file of the journal has been read. A second file that bears its name is another generation."""

    name: str
    generation: int
    id: int = 0  # 0: not in the store yet
    inode: int = 0  # 0: no live file
    applied: int = 0  # bytes
    crc32: int = 0  # of the applied bytes
    head_length: int = 0  # the first bytes, by which the file is known again after a start
    head_crc32: int = 0
    is_unterminated: bool = False  # the last applied line has no newline yet
    archive_inode: int = 0  # the archive that was read to its end; 0: none
    archive_size: int = 0
    lines: int = 0  # records that came from this file
    repeated: int = 0  # lines that were in the books already, unchanged
    host: str = ""  # whose journal it belongs to, where several hosts post into one store


class LineProblem(NamedTuple):
    """A line, or a place in a file, that could not be booked."""

    offset: int
    length: int
    reason: str
    detail: str


class JournalProblem(NamedTuple):
    """A problem and its file."""

    file: str
    generation: int
    problem: LineProblem


class ProblemCount(NamedTuple):
    """How often something was wrong in a file."""

    file: str
    generation: int
    reason: str
    times: int


class JournalPosition(NamedTuple):
    """Where a record's line stands."""

    file_id: int
    offset: int
    length: int


class Applied(NamedTuple):
    """What a batch came to."""

    file: JournalFileState
    fresh: list[Posting]
    repeated: int
    conflicts: int


class AttemptHour(NamedTuple):
    """A channel's upstream tries of one hour, in one currency."""

    hour: int  # since 1970 UTC
    channel_id: str
    currency: str
    measures: AttemptMeasures


class BookedRecord(NamedTuple):
    """A record in the books and where its line stands."""

    row: UsageRow
    file: str
    generation: int
    offset: int
    length: int


CellKey: TypeAlias = tuple[int, tuple[str, ...]]  # period; dimensions and currency by name


class RecordSums(NamedTuple):
    """Sums over all records of one currency."""

    records: int
    input_cost: Pico
    output_cost: Pico
    total_cost: Pico


class BooksReader(Protocol):
    """Everything that is asked of the books. Costs of different currencies come as different rows."""

    def totals(
        self,
        first: date,
        last: date,
        by: Sequence[Dimension] = (),
        where: Mapping[Dimension, str] | None = None,
    ) -> list[TotalsRow]:
        """Totals of the days first..last, both included, in the order of their keys; raises GroupingUnavailable."""

    def channel_names(self) -> dict[str, str]:
        """Channel id to its latest name."""

    def channel_attempts(self, first: date, last: date) -> dict[str, AttemptTotals]:
        """Channel id to its upstream tries of the days first..last, both included."""

    def channel_latencies(self, first: date, last: date) -> dict[str, tuple[int, ...]]:
        """Channel id to its successful tries by latency; see `rollups.LATENCY_BOUNDS_MS`."""

    def attempt_hours(self, first_hour: int, last_hour: int) -> list[AttemptHour]:
        """Upstream tries by hour and channel, both hours included."""

    def usage_page(self, asked: UsageFilter, cursor: str | None = None, limit: int = 20, skip: int = 0) -> UsagePage:
        """Records, newest first; raises CursorInvalid."""

    def usage_count(self, asked: UsageFilter) -> int:
        """How many records there are, from rollups."""

    def usage_row(self, request_id: str) -> UsageRow | None:
        """One record."""

    def position(self, request_id: str) -> JournalPosition | None:
        """Where a record's line stands."""

    def journal_files(self) -> list[JournalFileState]:
        """The files that have been read, in the order they were met."""

    def problems(self, limit: int = 100) -> list[JournalProblem]:
        """What could not be booked: at most 1,000 of one file and reason, the latest files first."""

    def problem_counts(self) -> list[ProblemCount]:
        """How often, without limit."""


class BooksSnapshot(BooksReader, Protocol):
    """The books of one moment; also what a proof needs, read from end to end."""

    @property
    def ledger_books(self) -> LedgerReader:
        """The ledger of the same moment."""

    def records(self) -> Iterator[BookedRecord]:
        """All records by rising number."""

    def record_sums(self) -> dict[str, RecordSums]:
        """Currency to the sums over all records, added up from the records themselves."""

    def cells(self, rollup: Rollup, period: int | None = None) -> Iterator[tuple[CellKey, Measures]]:
        """The cells of a rollup, or of one period, by rising period; within one, in no particular order."""

    def attempt_cells(self, rollup: Rollup, period: int | None = None) -> Iterator[tuple[CellKey, AttemptMeasures]]:
        """The cells of a rollup of tries, likewise."""


class BookStore(BooksReader, LedgerStore, Protocol):
    """A store that can be written. `apply` and `close` are called by one thread."""

    @property
    def time_zone(self) -> str:
        """The IANA name of the zone whose days the books are kept by."""

    def apply(self, file: JournalFileState, postings: Sequence[Posting], problems: Sequence[LineProblem]) -> Applied:
        """Book some lines of a file and how far it has been read, in one transaction; raises StoreUnavailable."""

    def snapshot(self) -> AbstractContextManager[BooksSnapshot]:
        """The books of one moment, while writing goes on."""

    def scratch(self) -> AbstractContextManager["BookStore"]:
        """An empty store of the same kind, which is gone afterwards. It need not survive a crash."""

    def close(self) -> None: ...


def totals_of(currency: str, measures: Measures) -> Totals:
    """A cell as statistics see it."""
    return Totals(
        currency=currency,
        requests=measures.requests,
        successes=measures.successes,
        failures=measures.requests - measures.successes,
        input_tokens=measures.input_tokens,
        output_tokens=measures.output_tokens,
        cached_tokens=measures.cached_tokens,
        reasoning_tokens=measures.reasoning_tokens,
        input_cost=measures.input_cost,
        output_cost=measures.output_cost,
        total_cost=measures.input_cost + measures.output_cost + measures.other_cost,
        duration_ms=measures.duration_ms,
        unpriced=measures.unpriced,
        estimated=measures.estimated,
        images=measures.images,
        media_ms=measures.media_ms,
    )
