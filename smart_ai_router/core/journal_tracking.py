"""Knowing a journal file again: by its inode while it lives, by the crc of what has been read of it otherwise.

    a live file grows                    read on
    it was moved away and back, or restored from a backup   the first bytes' crc is right: read on
    it was packed into the archive       the archive's crc and size are those of all that was read: done
                                         its first bytes' crc is right: read the rest from the archive
    it was replaced, rewritten or cut    a problem is noted; what bears the name now is read from its start
    it is gone                           a problem is noted

Reading a file from its start never counts a record twice: records are known by their ids.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from smart_ai_router.core.journal_source import JournalFiles, JournalSource
from smart_ai_router.core.store import JournalFileState, LineProblem

HEAD_BYTES: Final = 4096

REPLACED: Final = "replaced"
CUT: Final = "cut"
MISSING: Final = "missing"


class Recognised(NamedTuple):
    """Where to read on in a source, and what changed."""

    state: JournalFileState | None  # None: there is nothing to read
    changes: list[tuple[JournalFileState, LineProblem | None]]  # states to be kept, each with what was noticed


def recognise(source: JournalSource, states: Sequence[JournalFileState], journal: JournalFiles) -> Recognised:
    """Find the state of a source among those that bear its name; raises SourceGone."""
    return _archive(source, states, journal) if source.is_archive else _live(source, states, journal)


def head_crc32(source: JournalSource, state: JournalFileState, journal: JournalFiles) -> JournalFileState:
    """The state with the crc of its first bytes, as far as they have been read."""
    length = min(state.applied, HEAD_BYTES)
    if length == state.head_length:
        return state
    crc32 = journal.crc32_of(source, length)
    return state if crc32 is None else replace(state, head_length=length, head_crc32=crc32)


def is_head_unchanged(source: JournalSource, state: JournalFileState, journal: JournalFiles) -> bool:
    """Whether a file still begins as it did."""
    return journal.crc32_of(source, state.head_length) == state.head_crc32


def vanished(
    states: Iterable[JournalFileState], sources: Iterable[JournalSource]
) -> list[tuple[JournalFileState, LineProblem | None]]:
    """States whose live file is not there any more; that is a problem only for those that no archive holds."""
    there = {(source.name, source.inode) for source in sources if not source.is_archive}
    changes: list[tuple[JournalFileState, LineProblem | None]] = []
    for state in states:
        if state.inode and (state.name, state.inode) not in there:
            problem = (
                None if state.archive_inode else _problem(state, MISSING, "the file is gone, and no archive has it")
            )
            changes.append((replace(state, inode=0), problem))
    return changes


def _live(source: JournalSource, states: Sequence[JournalFileState], journal: JournalFiles) -> Recognised:
    changes: list[tuple[JournalFileState, LineProblem | None]] = []
    known = next((state for state in reversed(states) if state.inode == source.inode), None)
    if known is not None:
        if known.archive_inode:  # packed, and its inode is in use again: only its content can tell
            known = None
        elif source.size >= known.applied and is_head_unchanged(source, known, journal):
            return Recognised(known, [])
    if known is not None:
        cut = source.size < known.applied
        text = (
            f"{known.applied} bytes had been read, now it has {source.size}" if cut else "its beginning was rewritten"
        )
        changes.append((replace(known, inode=0), _problem(known, CUT if cut else REPLACED, text)))
    others = [state for state in states if state is not known]
    same = _same_content(source, others, journal)
    if same is not None:
        return Recognised(replace(same, inode=source.inode), changes)
    for state in others:
        if state.inode:
            text = f"another file bears its name now; {state.applied} bytes had been read of the former one"
            changes.append((replace(state, inode=0), _problem(state, REPLACED, text)))
    return Recognised(JournalFileState(source.name, len(states) + 1, inode=source.inode), changes)


def _archive(source: JournalSource, states: Sequence[JournalFileState], journal: JournalFiles) -> Recognised:
    place = (source.inode, source.size)
    if any((state.archive_inode, state.archive_size) == place for state in states):
        return Recognised(None, [])
    seal = journal.archive_seal(source)
    for state in states:
        if state.applied and seal == (state.crc32, state.applied & 0xFFFFFFFF):
            sealed = replace(state, archive_inode=source.inode, archive_size=source.size)
            return Recognised(None, [(sealed, None)])
    same = _same_content(source, states, journal)
    return Recognised(same or JournalFileState(source.name, len(states) + 1), [])


def _same_content(
    source: JournalSource, states: Sequence[JournalFileState], journal: JournalFiles
) -> JournalFileState | None:
    """The state of which most has been read among those whose bytes this source begins with."""
    for state in sorted(states, key=lambda each: -each.applied):
        if state.applied and journal.crc32_of(source, state.applied) == state.crc32:
            return state
    return None


def _problem(state: JournalFileState, reason: str, text: str) -> LineProblem:
    return LineProblem(state.applied, 0, reason, text)
