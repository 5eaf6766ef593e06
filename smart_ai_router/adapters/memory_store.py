"""The store in memory: for tests, for proofs of small books, and for programs that keep none on disk.

It obeys the same contract as the SQLite store, with the same rollups and the same folding of days that are over.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from copy import copy
from threading import RLock
from typing import Final

from msgspec.structs import replace

from smart_ai_router.adapters.memory_administration import MemoryAdministration
from smart_ai_router.adapters.memory_books import MemoryBooks, row_of
from smart_ai_router.adapters.memory_ledger import MemoryLeaseBooks, MemoryLedger, MemoryPoolBooks
from smart_ai_router.adapters.memory_ledger_reading import MemoryLedgerBooks
from smart_ai_router.core.placing import Placed, place
from smart_ai_router.core.posting import Posting, book_name
from smart_ai_router.core.rollup_pieces import Span
from smart_ai_router.core.rollups import (
    FOLDED,
    Cells,
    Deltas,
    Name,
    add_attempt_measures,
    add_rows,
    fold,
    fold_over,
    latest_names,
)
from smart_ai_router.core.store import PROBLEMS_LISTED_MAX, Applied, JournalFileState, JournalPosition, LineProblem


class _Itself(dict[str, Name]):
    """A dimension's value is written as itself."""

    def __missing__(self, name: str) -> Name:
        return book_name(name)


class _Texts:
    """Implements `rollups.Names`."""

    def __init__(self) -> None:
        itself = _Itself()
        self.model = self.channel = self.provider = self.user = self.api_key = itself
        self.usage_type = self.currency = self.region = self.tag = itself


TEXTS: Final = _Texts()


class MemoryStore(MemoryBooks):
    """Implements `BookStore`."""

    def __init__(self, time_zone: str = "UTC") -> None:
        super().__init__(time_zone)
        self._money = MemoryLedger()
        self.administration = MemoryAdministration(self._money)

    @property
    def time_zone(self) -> str:
        """See `BookStore`."""
        return self._days.name

    def apply(self, file: JournalFileState, postings: Sequence[Posting], problems: Sequence[LineProblem]) -> Applied:
        """See `BookStore`."""
        with self._lock:
            if not file.id:
                file = replace(file, id=len(self._files) + 1)
            placement = place(postings, self)
            conflicts = [self._conflict(file, each) for each in placement.conflicts]
            for each in placement.placed:
                self._insert(file.id, each)
            fresh = [each.posting for each in placement.placed]
            if fresh:
                self._roll_up(fresh)
                with self._money.transaction():
                    self._money.post(placement.placed)
            file = replace(file, lines=file.lines + len(fresh), repeated=file.repeated + len(placement.repeated))
            self._files[file.id] = file
            for problem in (*problems, *conflicts):
                self._note(file.id, problem)
            return Applied(file, fresh, len(placement.repeated), len(conflicts))

    @contextmanager
    def snapshot(self) -> Iterator[MemoryBooks]:
        """See `BookStore`."""
        with self._lock:
            books = MemoryBooks(self.time_zone)
            for name, value in vars(self).items():
                setattr(books, name, copy(value) if isinstance(value, dict) else value)
            books._lock = RLock()
            books.ledger_books = self._money.copied()
            books._cells = {rollup: dict(cells) for rollup, cells in self._cells.items()}
            books._attempts = {rollup: dict(cells) for rollup, cells in self._attempts.items()}
        yield books

    @contextmanager
    def scratch(self) -> Iterator["MemoryStore"]:
        """See `BookStore`."""
        yield MemoryStore(self.time_zone)

    def close(self) -> None:
        """See `BookStore`."""

    def ledger(self) -> AbstractContextManager[MemoryLedgerBooks]:
        """See `LedgerStore`."""
        return self._money.ledger()

    def lease_books(self) -> AbstractContextManager[MemoryLeaseBooks]:
        """See `LedgerStore`."""
        return self._money.lease_books()

    def pool_books(self) -> AbstractContextManager[MemoryPoolBooks]:
        """See `LedgerStore`."""
        return self._money.pool_books()

    def _insert(self, file_id: int, placed: Placed) -> None:
        posting, sid, check_bits = placed
        self._rows[sid] = row_of(posting, sid)
        self._positions[sid] = JournalPosition(file_id, posting.offset, len(posting.line))
        self._check_bits[sid] = check_bits
        if check_bits is None:
            self._foreign[posting.record.request_id] = sid

    def _roll_up(self, postings: Sequence[Posting]) -> None:
        deltas = fold(postings, TEXTS)
        self._add_deltas(deltas)
        days = [each.day for each in postings]
        before = self._span
        span = Span(min(days), max(days)) if before is None else Span(min(before[0], *days), max(before[1], *days))
        for target, source in FOLDED.items():
            folded_before = span.first_day if before is None else before.live_from
            late = {key: each for key, each in deltas.cells[source].items() if int(key[0]) < folded_before}
            over = {
                key: each for key, each in self._cells[source].items() if folded_before <= int(key[0]) < span.live_from
            }
            for cells in (late, over):
                self._add(self._cells[target], fold_over(cells, source, target))
        self._span = span
        for channel_id, named in latest_names(postings).items():
            self._channel_names[channel_id] = max(self._channel_names.get(channel_id, named), named)

    def _add_deltas(self, deltas: Deltas) -> None:
        for rollup, cells in deltas.cells.items():
            self._add(self._cells[rollup], cells)
        for rollup, tries in deltas.attempts.items():
            kept = self._attempts[rollup]
            for key, measures in tries.items():
                kept[key] = add_attempt_measures(kept.get(key), measures)

    def _add(self, kept: Cells, cells: Cells) -> None:
        for key, row in cells.items():
            kept[key] = add_rows(kept.get(key), row)

    def _conflict(self, file: JournalFileState, posting: Posting) -> LineProblem:
        sid = self._sid_of(posting.record.request_id)
        detail = f"{posting.record.request_id} stands in the books with other content"
        if sid is None:
            return LineProblem(posting.offset, len(posting.line), "duplicate_id", f"{detail}, earlier in this batch")
        position = self._positions[sid]
        name = file.name if position.file_id == file.id else self._files[position.file_id].name
        return LineProblem(
            posting.offset, len(posting.line), "duplicate_id", f"{detail}, in {name} at {position.offset}"
        )

    def _note(self, file_id: int, problem: LineProblem) -> None:
        times = self._problem_counts.get((file_id, problem.reason), 0) + 1
        self._problem_counts[file_id, problem.reason] = times
        if times <= PROBLEMS_LISTED_MAX:
            self._problems[file_id, problem.offset, problem.reason] = problem

    # --- `placing.KeptRecords` ---

    def check_bits_of(self, sid: int) -> int | None:
        """See `KeptRecords`."""
        if sid not in self._rows:
            return None
        bits = self._check_bits[sid]
        return -1 if bits is None else bits

    def foreign_sid_of(self, request_id: str) -> int | None:
        """See `KeptRecords`."""
        return self._foreign.get(request_id)

    def is_same(self, sid: int, posting: Posting) -> bool:
        """See `KeptRecords`."""
        return self._rows[sid] == row_of(posting, sid)
