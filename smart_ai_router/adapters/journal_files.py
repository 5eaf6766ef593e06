"""Reading the journal: live files in the logs directory, packed ones in `archive/`.

Appends happen under `flock`, and what cannot be appended whole is taken back before the lock is released; so the size
of a live file is read under a shared lock, and bytes below it stay. A line is whole when its newline is there.
"""

import fcntl
import gzip
import os
import re
import struct
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import BinaryIO, Final, cast

from smart_ai_router.core.journal_source import (
    LINE_BYTES_MAX,
    ArchiveDamaged,
    JournalEnd,
    JournalSource,
    LineBatch,
    SourceGone,
    TooLong,
)

CHUNK_BYTES: Final = 1024 * 1024
FILL_BYTES: Final = 4 * 1024 * 1024  # what is held to cut batches from: a thousand long lines
LOCK_TRIES: Final = 20  # of a millisecond; an append takes microseconds, and a stopped writer must not stop the books
ARCHIVE_DIRECTORY: Final = "archive"

_FILE_NAME: Final = re.compile(r"(usage_[0-9]{8}[^/]*\.jsonl)(\.gz)?")
_PART: Final = re.compile(r"\.[0-9]+(?=\.jsonl$)")  # usage_20260101.2.jsonl.gz is a later archive of that day
_DAMAGE: Final = (EOFError, zlib.error, gzip.BadGzipFile)


class FileLineStream:
    """Implements `LineStream`. Holds a few megabytes at most, whatever stands in the file."""

    def __init__(self, file: BinaryIO, offset: int, crc32: int, stop: int | None) -> None:
        """`file` stands at `offset`; nothing is read at `stop` or behind it."""
        self._file = file
        self._offset = offset
        self._crc32 = crc32
        self._left = None if stop is None else stop - offset
        self._buffer = b""
        self._skipped = 0  # bytes at the start of the buffer's line that were too many to hold
        self._is_at_end = False

    def next_batch(self, lines_max: int) -> LineBatch | None:
        """See `LineStream`."""
        while True:
            if len(self._buffer) < FILL_BYTES // 2 and not self._is_at_end:
                self._fill()
            parts = self._buffer.split(b"\n", lines_max)
            rest = parts.pop()
            if parts:
                return self._batch(parts, rest)
            if self._is_at_end:
                return None
            if len(self._buffer) > LINE_BYTES_MAX:
                self._crc32 = zlib.crc32(self._buffer, self._crc32)
                self._skipped += len(self._buffer)
                self._buffer = b""

    @property
    def rest(self) -> bytes | TooLong:
        """See `LineStream`."""
        if self._skipped or len(self._buffer) > LINE_BYTES_MAX:
            return TooLong(self._skipped + len(self._buffer))
        return self._buffer

    @property
    def rest_crc32(self) -> int:
        """See `LineStream`."""
        return zlib.crc32(self._buffer, self._crc32)

    def close(self) -> None:
        """See `LineStream`."""
        self._file.close()

    def _fill(self) -> None:
        pieces = [self._buffer]
        held = len(self._buffer)
        while held < FILL_BYTES and not self._is_at_end:
            piece = _read(self._file, CHUNK_BYTES if self._left is None else min(CHUNK_BYTES, self._left))
            if self._left is not None:
                self._left -= len(piece)
            self._is_at_end = not piece
            pieces.append(piece)
            held += len(piece)
        self._buffer = b"".join(pieces)

    def _batch(self, parts: list[bytes], rest: bytes) -> LineBatch:
        start = self._offset
        length = len(self._buffer) - len(rest)
        self._crc32 = zlib.crc32(memoryview(self._buffer)[:length], self._crc32)
        lines: list[bytes | TooLong] = [*parts]
        if self._skipped or max(map(len, parts)) > LINE_BYTES_MAX:
            lines = [each if len(each) <= LINE_BYTES_MAX else TooLong(len(each)) for each in parts]
            if self._skipped:
                lines[0] = TooLong(self._skipped + len(parts[0]))
        self._offset += self._skipped + length
        self._skipped = 0
        self._buffer = rest
        return LineBatch(start, lines, self._offset, self._crc32)


class LogsDirectory:
    """Implements `JournalFiles` over a logs directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._archives: dict[str, JournalSource] = {}  # archives do not change: they are looked at once

    def sources(self) -> list[JournalSource]:
        """See `JournalFiles`."""
        # Live files first: one that is archived meanwhile is then seen twice, never not at all.
        found = [*self._live(), *self._packed()]
        return sorted(found, key=lambda source: (source.name, not source.is_archive, source.path))

    def end(self) -> JournalEnd:
        """See `JournalFiles`."""
        return JournalEnd(tuple(self._live()))

    def open(self, source: JournalSource, offset: int, crc32: int, stop: int | None = None) -> FileLineStream:
        """See `JournalFiles`."""
        file = self._open(source)
        try:
            if source.is_archive:
                _skip(file, offset)
            else:
                size = _settled_size(file)
                stop = size if stop is None else min(stop, size)
                file.seek(offset)
            return FileLineStream(file, offset, crc32, stop)
        except BaseException:
            file.close()
            raise

    def crc32_of(self, source: JournalSource, length: int) -> int | None:
        """See `JournalFiles`."""
        crc32 = 0
        with self._opened(source) as file:
            while length:
                piece = _read(file, min(CHUNK_BYTES, length))
                if not piece:
                    return None
                crc32 = zlib.crc32(piece, crc32)
                length -= len(piece)
        return crc32

    def archive_seal(self, source: JournalSource) -> tuple[int, int] | None:
        """See `JournalFiles`."""
        if not source.path.endswith(".gz") or source.size < 18:  # the least that a gzip file has
            return None
        with self._opened(source, is_raw=True) as file:
            file.seek(-8, os.SEEK_END)
            crc32, size = struct.unpack("<II", file.read(8))
        return crc32, size

    def read_at(self, source: JournalSource, offset: int, length: int) -> bytes:
        """See `JournalFiles`."""
        with self._opened(source) as file:
            if source.is_archive:
                _skip(file, offset)
            else:
                file.seek(offset)
            return _read(file, length)

    def _live(self) -> Iterator[JournalSource]:
        for entry in _entries(self._directory):
            match = _FILE_NAME.fullmatch(entry.name)
            if match and not match[2]:
                try:
                    status = entry.stat()
                except FileNotFoundError:
                    continue  # archived between the listing and now
                yield JournalSource(entry.name, entry.name, status.st_ino, status.st_size, is_archive=False)

    def _packed(self) -> Iterator[JournalSource]:
        for entry in _entries(self._directory / ARCHIVE_DIRECTORY):
            match = _FILE_NAME.fullmatch(entry.name)
            if not match:
                continue
            known = self._archives.get(entry.name)
            if known is None or known.inode != entry.inode():
                try:
                    status = entry.stat()
                except FileNotFoundError:
                    continue
                path = f"{ARCHIVE_DIRECTORY}/{entry.name}"
                name = _PART.sub("", match[1])
                known = JournalSource(name, path, status.st_ino, status.st_size, is_archive=True)
                self._archives[entry.name] = known
            yield known

    @contextmanager
    def _opened(self, source: JournalSource, *, is_raw: bool = False) -> Iterator[BinaryIO]:
        file = self._open(source, is_raw=is_raw)
        try:
            yield file
        finally:
            file.close()

    def _open(self, source: JournalSource, *, is_raw: bool = False) -> BinaryIO:
        try:
            file = (self._directory / source.path).open("rb", buffering=0)
        except FileNotFoundError as error:
            raise SourceGone(f"{source.path} is not there any more") from error
        status = os.fstat(file.fileno())
        if status.st_ino != source.inode or status.st_size < source.size:
            file.close()
            raise SourceGone(f"{source.path} is another file by now, or was cut")
        if source.path.endswith(".gz") and not is_raw:
            return cast("BinaryIO", _GzipOverFile(file))
        return cast("BinaryIO", file)


class _GzipOverFile(gzip.GzipFile):
    """An archive that closes the file below it."""

    def __init__(self, file: FileIO) -> None:
        super().__init__(fileobj=file, mode="rb")
        self._file_below = file

    def close(self) -> None:
        super().close()
        self._file_below.close()


def _entries(directory: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as entries:
            return list(entries)
    except FileNotFoundError:
        return []


def _read(file: BinaryIO, length: int) -> bytes:
    """Up to `length` bytes, fewer only at the end."""
    pieces = []
    try:
        while length:
            piece = file.read(length)
            if not piece:
                break
            pieces.append(piece)
            length -= len(piece)
    except _DAMAGE as error:
        raise ArchiveDamaged(f"the archive cannot be unpacked: {error}") from error
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _skip(file: BinaryIO, length: int) -> None:
    while length:
        piece = _read(file, min(CHUNK_BYTES, length))
        if not piece:
            raise SourceGone("the file is shorter than what was read of it")
        length -= len(piece)


def _settled_size(file: BinaryIO) -> int:
    """The size while nobody appends. A writer that was stopped inside an append is not waited for."""
    descriptor = file.fileno()
    for _ in range(LOCK_TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.001)
        else:
            try:
                return os.fstat(descriptor).st_size
            finally:
                fcntl.flock(descriptor, fcntl.LOCK_UN)
    return os.fstat(descriptor).st_size
