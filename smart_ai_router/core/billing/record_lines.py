"""Journal lines of records that stand in the books: bill lines, attempts, tags and error texts live there only.

A live file costs one seek. An archive must be unpacked up to the line, so it is read for single records only.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

from smart_ai_router.core.bookkeeper import is_of
from smart_ai_router.core.journal_source import ArchiveDamaged, JournalFiles, JournalSource, SourceGone
from smart_ai_router.core.store import BooksReader, JournalPosition
from smart_ai_router.core.usage_record import UsageLineInvalid, UsageRecord, decode_usage_record


class LineState(StrEnum):
    """Where the line of a record is."""

    LIVE = "live"
    ARCHIVED = "archived"  # packed away
    MISSING = "missing"  # its file was removed, or is damaged


class FoundLine(NamedTuple):
    """A record as its line says; None when the line was not read."""

    record: UsageRecord | None
    state: LineState


class RecordLines:
    """Reads the lines of one journal by the positions that one store remembers."""

    def __init__(self, books: BooksReader, journal: JournalFiles) -> None:
        self._books = books
        self._journal = journal

    def read(self, request_ids: Sequence[str], unpack: bool) -> dict[str, FoundLine]:
        """The lines of some records, by their request ids; those in archives only with `unpack`."""
        wanted: dict[int, list[tuple[str, JournalPosition]]] = defaultdict(list)
        found = {request_id: FoundLine(None, LineState.MISSING) for request_id in request_ids}
        for request_id in request_ids:
            position = self._books.position(request_id)
            if position is not None:
                wanted[position.file_id].append((request_id, position))
        states = {state.id: state for state in self._books.journal_files()} if wanted else {}
        sources = self._journal.sources() if wanted else []
        for file_id, records in wanted.items():
            state = states[file_id]
            named = [source for source in sources if source.name == state.name]
            named.sort(key=lambda source: not is_of(source, state))
            for request_id, position in records:
                found[request_id] = self._find(named, request_id, position, unpack)
        return found

    def _find(
        self, sources: Iterable[JournalSource], request_id: str, position: JournalPosition, unpack: bool
    ) -> FoundLine:
        state = LineState.MISSING
        for source in sources:
            place = LineState.ARCHIVED if source.is_archive else LineState.LIVE
            if source.is_archive and not unpack:
                state = place
                continue
            try:
                record = decode_usage_record(self._journal.read_at(source, position.offset, position.length))
            except (SourceGone, ArchiveDamaged, UsageLineInvalid):
                continue
            if record.request_id == request_id:
                return FoundLine(record, place)
        return FoundLine(None, state)
