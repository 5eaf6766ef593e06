"""The bookkeeper: turns journal lines into books, once each, in order, and never more than a batch at a time.

It reads every journal file on from where the store says that it stopped. A batch of lines becomes one transaction of
records, rollups and the new offset, so that a crash at any moment repeats nothing and leaves nothing out. A line that
is no record costs itself: it is counted, with its place and the reason. Observers see each new record after it is
booked; one that fails is logged and loses nothing.
"""

import logging
import math
from collections.abc import Callable, Sequence
from contextlib import closing
from threading import Lock
from typing import Final

from msgspec.structs import replace

from smart_ai_router.core.journal_source import (
    ArchiveDamaged,
    JournalEnd,
    JournalFiles,
    JournalSource,
    LineBatch,
    LineStream,
    SourceGone,
    TooLong,
)
from smart_ai_router.core.journal_tracking import head_crc32, recognise, vanished
from smart_ai_router.core.local_days import LocalDays
from smart_ai_router.core.posting import LineRefused, Posting, post_line
from smart_ai_router.core.store import BookStore, JournalFileState, LineProblem
from smart_ai_router.core.usage_record import UsageLineInvalid, decode_usage_record

BATCH_LINES: Final = 1000
PASSES_MAX: Final = 3  # a file is archived once; more than that is somebody else at work

Observer = Callable[[Sequence[Posting]], None]

_logger = logging.getLogger(__name__)


class Bookkeeper:
    """Keeps one store up with one journal. Its methods may be called from any thread; they take turns."""

    def __init__(
        self,
        store: BookStore,
        journal: JournalFiles,
        monotonic: Callable[[], float],
        *,
        batch_lines: int = BATCH_LINES,
    ) -> None:
        """`monotonic` is a clock that never steps back, in seconds: it measures budgets and nothing else."""
        self._store = store
        self._journal = journal
        self._batch_lines = batch_lines
        self._monotonic = monotonic
        self._days = LocalDays(store.time_zone)
        self._lock = Lock()
        self._files = {state.id: state for state in store.journal_files()}
        self._ended: dict[str, tuple[JournalSource, int]] = {}  # path to the source whose end was reached, and its file
        self._observers: list[Observer] = []

    def add_observer(self, observer: Observer) -> None:
        """Call `observer` with the new records of every batch from now on, after they are booked."""
        self._observers.append(observer)

    def journal_end(self) -> JournalEnd:
        """Where the journal ends now: what `catch_up` can be asked to reach."""
        return self._journal.end()

    def catch_up(self, until: JournalEnd | None = None, *, budget_s: float = math.inf) -> bool:
        """Book all whole lines that stand in the journal, or those before `until`; False when the time was too short.

        Raises StoreUnavailable when the store cannot be written; nothing is lost, the next call goes on.
        """
        deadline = self._monotonic() + budget_s
        if not self._lock.acquire(timeout=-1 if math.isinf(budget_s) else max(0.0, budget_s)):
            return False
        try:
            for _ in range(PASSES_MAX):
                if until is not None and self._has_reached(until):
                    return True
                is_whole = self._pass(deadline)
                if is_whole is not None:
                    return is_whole
            return False
        finally:
            self._lock.release()

    def record_line(self, request_id: str) -> bytes | None:
        """The journal line of a record, from the live file or the archive; None when there is none any more."""
        position = self._store.position(request_id)
        if position is None:
            return None
        state = next((each for each in self._store.journal_files() if each.id == position.file_id), None)
        if state is None:  # the journal of another host
            return None
        named = [source for source in self._journal.sources() if source.name == state.name]
        for source in sorted(named, key=lambda each: not is_of(each, state)):
            try:
                line = self._journal.read_at(source, position.offset, position.length)
                if decode_usage_record(line).request_id == request_id:
                    return line
            except (SourceGone, ArchiveDamaged, UsageLineInvalid):
                continue
        return None

    # --- one pass over all files ---

    def _has_reached(self, until: JournalEnd) -> bool:
        for source in until.files:
            former, file_id = self._ended.get(source.path, (None, 0))
            state = self._files.get(file_id)
            if former is None or former.inode != source.inode or state is None:
                return False
            if max(former.size, state.applied) < source.size:
                return False
        return True

    def _pass(self, deadline: float) -> bool | None:
        """True when every file was read to its end, False when time ran out, None when files moved meanwhile."""
        sources = self._journal.sources()
        has_moved = False
        for source in sources:
            try:
                if not self._read_source(source, deadline):
                    return False
            except SourceGone:
                has_moved = True
        if has_moved:
            return None
        for state, problem in vanished(self._files.values(), sources):
            self._keep(state, problem)
        return True

    def _read_source(self, source: JournalSource, deadline: float) -> bool:
        """False when time ran out before the end."""
        state = self._state_of(source)
        if state is None:
            return True
        with closing(self._journal.open(source, state.applied, state.crc32)) as stream:
            try:
                while (batch := stream.next_batch(self._batch_lines)) is not None:
                    state = self._book(source, state, batch)
                    if self._monotonic() > deadline:
                        return False
                state = self._finish(source, state, stream)
            except ArchiveDamaged as error:
                state = self._sealed(state, source)
                self._keep(state, LineProblem(state.applied, 0, "archive_damaged", str(error)))
        if self._files.get(state.id) != state:
            state = self._apply(state, [], [])
        self._ended[source.path] = (source, state.id)
        return True

    def _state_of(self, source: JournalSource) -> JournalFileState | None:
        """The state to read a source on from; None when there is nothing new in it."""
        former, file_id = self._ended.get(source.path, (None, 0))
        if former == source:
            return None
        known = self._files.get(file_id)
        is_same_file = known is not None and known.inode == source.inode and not known.archive_inode
        if known is not None and is_same_file and not source.is_archive and source.size >= known.applied:
            return known  # looked at since this process began: it has only grown
        states = [state for state in self._files.values() if state.name == source.name]
        found = recognise(source, states, self._journal)
        for state, problem in found.changes:
            self._keep(state, problem)
        if found.state is None:
            self._ended[source.path] = (source, 0)
        return found.state

    def _book(self, source: JournalSource, state: JournalFileState, batch: LineBatch) -> JournalFileState:
        awaits_newline = state.is_unterminated and batch.start == state.applied
        postings, problems = post_lines(batch, self._days, awaits_newline=awaits_newline)
        if problems:  # one sentence a batch, however many there are
            first = problems[0]
            _logger.warning(
                "journal file %s: %d lines are no records; the first, at byte %d: %s: %s",
                *(state.name, len(problems), first.offset, first.reason, first.detail),
            )
        after = replace(state, applied=batch.end, crc32=batch.crc32, is_unterminated=False)
        return self._apply(head_crc32(source, after, self._journal), postings, problems)

    def _finish(self, source: JournalSource, state: JournalFileState, stream: LineStream) -> JournalFileState:
        """What stands behind the last newline: a whole record whose newline is missing counts, a piece of one waits.

        An archive grows no more: there the piece is a problem.
        """
        rest = stream.rest
        if isinstance(rest, TooLong):
            if source.is_archive:
                after = replace(state, applied=state.applied + rest.length, crc32=stream.rest_crc32)
                state = self._apply(after, [], [too_long(state.applied, rest)])
        elif rest:
            after = replace(state, applied=state.applied + len(rest), crc32=stream.rest_crc32, is_unterminated=True)
            try:
                posting = post_line(rest, state.applied, self._days)
            except LineRefused as refusal:
                if source.is_archive:
                    problem = LineProblem(state.applied, len(rest), "torn", str(refusal))
                    state = self._apply(after, [], [problem])
            else:
                state = self._apply(head_crc32(source, after, self._journal), [posting], [])
        return self._apply(self._sealed(state, source), [], []) if source.is_archive else state

    def _sealed(self, state: JournalFileState, source: JournalSource) -> JournalFileState:
        return replace(state, archive_inode=source.inode, archive_size=source.size)

    def _keep(self, state: JournalFileState, problem: LineProblem | None) -> None:
        if problem is not None:
            _logger.warning("journal file %s: %s: %s", state.name, problem.reason, problem.detail)
        self._apply(state, [], [] if problem is None else [problem])

    def _apply(
        self, state: JournalFileState, postings: Sequence[Posting], problems: Sequence[LineProblem]
    ) -> JournalFileState:
        applied = self._store.apply(state, postings, problems)
        self._files[applied.file.id] = applied.file
        if applied.fresh:
            self._tell(applied.fresh)
        return applied.file

    def _tell(self, fresh: Sequence[Posting]) -> None:
        for observer in self._observers:
            try:
                observer(fresh)
            except Exception:  # a plug-in guard: the batch is booked, whatever its listeners do
                _logger.exception("an observer of the books failed on %d records", len(fresh))


def post_lines(
    batch: LineBatch, days: LocalDays, *, awaits_newline: bool = False
) -> tuple[list[Posting], list[LineProblem]]:
    """The records of some lines, and what is wrong with the others.

    `awaits_newline`: the line before was read before its newline stood, so that an empty first line is no line.
    """
    postings: list[Posting] = []
    problems: list[LineProblem] = []
    offset = batch.start
    for line in batch.lines:
        if isinstance(line, TooLong):
            problems.append(too_long(offset, line))
            offset += line.length + 1
            continue
        try:
            postings.append(post_line(line, offset, days))
        except LineRefused as refusal:
            if line or offset != batch.start or not awaits_newline:
                problems.append(LineProblem(offset, len(line), refusal.reason, str(refusal)))
        offset += len(line) + 1
    return postings, problems


def too_long(offset: int, line: TooLong) -> LineProblem:
    """The problem of a line that is not even held."""
    return LineProblem(offset, line.length, "too_long", f"a line of {line.length} bytes")


def is_of(source: JournalSource, state: JournalFileState) -> bool:
    """Whether a source most likely holds what a state says."""
    if source.is_archive:
        return (source.inode, source.size) == (state.archive_inode, state.archive_size)
    return source.inode == state.inode
