"""Usage records as files: `usage_YYYYMMDD.jsonl` for each UTC day, older days in `archive/`, compressed or not.

This is the door of the tracker, which serves scripts and programs beside a router. Appends are guarded in the same
way as the router's own: under `flock`, with a look at the last byte, so that a line torn by a killed process stands
alone and swallows no neighbour; a line that could not be written whole is taken back and the error is raised.
"""

import fcntl
import gzip
import os
import re
import zlib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from smart_ai_router.core.guarded_append import append_whole
from smart_ai_router.core.journal_source import LINE_BYTES_MAX

_FILE_NAME = re.compile(r"usage_([0-9]{8})[^/]*\.jsonl(\.gz)?")


class UsageFileDamaged(OSError):
    """A packed file that cannot be read to its end."""


class DaySource(NamedTuple):
    """One file with records of a day, as it stands now."""

    path: Path
    inode: int
    size: int


class UsageLog(Protocol):
    """Where usage records are kept, day by day."""

    def append(self, day: date, line: bytes) -> None:
        """Add one line (without newline); it is on the disk when this returns. Raises OSError and adds nothing."""

    def sources(self, first: date, last: date) -> dict[date, tuple[DaySource, ...]]:
        """The files of each UTC day in first..last that has any, oldest day first, archived files first."""

    def read(self, source: DaySource, offset: int) -> Iterator[bytes]:
        """The whole lines, each with its newline, from an offset into the uncompressed text.

        A line beyond `LINE_BYTES_MAX` comes in pieces. Raises UsageFileDamaged behind the last line that can be read.
        """


class UsageFiles:
    """Implements `UsageLog` in a directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def append(self, day: date, line: bytes) -> None:
        """See `UsageLog`."""
        self._directory.mkdir(parents=True, exist_ok=True)
        path = self._directory / f"usage_{day:%Y%m%d}.jsonl"
        while not _is_appended(path, line + b"\n"):
            pass  # the day was archived between opening and locking its file; now there is a new one

    def sources(self, first: date, last: date) -> dict[date, tuple[DaySource, ...]]:
        """See `UsageLog`."""
        found: dict[date, tuple[DaySource, ...]] = {}
        # Live files are looked at first: one that is archived meanwhile is then seen twice, never not at all.
        for directory in (self._directory, self._directory / "archive"):
            here: dict[date, tuple[DaySource, ...]] = {}
            for day, path in _day_files(directory):
                source = _source(path) if first <= day <= last else None
                if source is not None:
                    here[day] = (*here.get(day, ()), source)
            for day, sources in here.items():
                found[day] = sources + found.get(day, ())
        return dict(sorted(found.items()))

    def read(self, source: DaySource, offset: int) -> Iterator[bytes]:
        """See `UsageLog`. A live file's last line counts once its newline stands; an archived one's at once."""
        is_packed = source.path.suffix == ".gz"
        try:
            with gzip.open(source.path) if is_packed else source.path.open("rb") as file:
                file.seek(offset)
                while line := file.readline(LINE_BYTES_MAX):
                    if line.endswith(b"\n") or is_packed or len(line) == LINE_BYTES_MAX:
                        yield line
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise UsageFileDamaged(f"{source.path} is damaged: {error}") from error


def _is_appended(path: Path, data: bytes) -> bool:
    """Append under the file's lock; False when the locked file no longer bears the name."""
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            is_current = path.stat().st_ino == os.fstat(descriptor).st_ino
        except FileNotFoundError:
            is_current = False
        if is_current:
            append_whole(descriptor, data)
            os.fdatasync(descriptor)
        return is_current
    finally:
        os.close(descriptor)  # gives the lock back


def _day_files(directory: Path) -> Iterator[tuple[date, Path]]:
    if not directory.is_dir():
        return
    for path in sorted(directory.iterdir()):
        match = _FILE_NAME.fullmatch(path.name)
        day = day_in_name(match[1]) if match else None
        if day is not None:
            yield day, path


def _source(path: Path) -> DaySource | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None  # archived between the listing and now
    return DaySource(path, status.st_ino, status.st_size)


def day_in_name(digits: str) -> date | None:
    """The UTC day that the eight digits of a file's name tell; None when they tell none."""
    try:
        return datetime.strptime(digits, "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        return None  # a file of somebody else's that only looks like ours
