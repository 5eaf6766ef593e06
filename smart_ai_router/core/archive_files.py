"""Packing journal files and alerts with gzip, so that a crash at any step neither loses nor doubles a line.

    1  write the packed copy beside its place, under a name that no reader looks at
    2  sync it
    3  unpack it again: the same bytes, by length, crc and number of lines
    4  lock the live file; it must not have grown meanwhile
    5  give the copy its name (a hard link, which never replaces a file)
    6  sync the archive directory
    7  remove the live file
    8  sync the logs directory

After a crash before 5 there is only the live file; after 5 both hold the same bytes, and the next run finds that out
by the crc and goes on with 6.
"""

import fcntl
import gzip
import os
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from smart_ai_router.core.alert_log import decode_alert
from smart_ai_router.core.archive import ArchiveRefused, LiveDay, Packed
from smart_ai_router.core.guarded_append import sync_directory
from smart_ai_router.core.usage_files import day_in_name
from smart_ai_router.domain.alert_words import seconds_of

CHUNK_BYTES: Final = 1024 * 1024
PARTS_MAX: Final = 1000
GZIP_LEVEL: Final = 6
ALERTS_NAME: Final = "channel_alerts.jsonl"
OLDER_ALERTS_NAME: Final = "channel_alerts.1.jsonl"

_LIVE_NAME: Final = re.compile(r"usage_([0-9]{8})[^/]*\.jsonl")

Step = Callable[[str], None]


class _Content(NamedTuple):
    """What identifies some bytes."""

    size: int
    crc32: int
    lines: int


def _any_step(_name: str) -> None:
    """Nobody watches the steps."""


class ArchiveDirectory:
    """Implements `ArchiveDoor` over a logs directory. `before_step` is told each step before it is taken."""

    def __init__(self, logs_directory: Path, before_step: Step = _any_step) -> None:
        self._logs = logs_directory
        self._archive = logs_directory / "archive"
        self._before_step = before_step

    def live_days(self) -> list[LiveDay]:
        """See `ArchiveDoor`."""
        found = []
        for path in sorted(self._logs.glob("usage_*.jsonl")):
            match = _LIVE_NAME.fullmatch(path.name)
            day = day_in_name(match[1]) if match else None
            if day is not None:
                found.append(LiveDay(path.name, day, path.stat().st_mtime))
        return found

    def pack(self, name: str) -> Packed:
        """See `ArchiveDoor`."""
        live = self._logs / name
        self._archive.mkdir(exist_ok=True)
        content = _content_of(_file_pieces(live))
        target = self._holding(name, content)
        if target is None:
            copy = self._write_copy(name, _file_pieces(live))
            self._check_copy(copy, content)
            with _locked(live) as descriptor:
                if os.fstat(descriptor).st_size != content.size:
                    raise ArchiveRefused(f"{name} is still being written; try again")
                target = self._place(copy, name)
                self._remove(live)
        else:
            with _locked(live) as descriptor:
                if os.fstat(descriptor).st_size != content.size:
                    raise ArchiveRefused(f"{name} is still being written; try again")
                self._remove(live)
        return Packed(name, f"archive/{target.name}", content.lines, content.size, target.stat().st_size)

    def pack_alerts(self, before: datetime) -> list[Packed]:
        """See `ArchiveDoor`."""
        packed = []
        older = self._logs / OLDER_ALERTS_NAME
        with suppress(FileNotFoundError):
            content = older.read_bytes()
            if _bytes_before(content, before) == len(content):
                packed.append(self.pack(OLDER_ALERTS_NAME))
        with suppress(FileNotFoundError):
            cut = self._cut_alerts(before)
            packed += [] if cut is None else [cut]
        return packed

    def _cut_alerts(self, before: datetime) -> Packed | None:
        live = self._logs / ALERTS_NAME
        with _locked(live):
            content = live.read_bytes()
            end = _bytes_before(content, before)
            if not end:
                return None
            self._archive.mkdir(exist_ok=True)
            name = f"channel_alerts_{before:%Y%m%d}.jsonl"
            start = self._packed_already(content)  # a former run was stopped before it could cut
            old = content[start:end]
            target = None
            if old:
                copy = self._write_copy(name, iter([old]))
                self._check_copy(copy, _content_of(iter([old])))
                target = self._place(copy, name)
            self._replace(live, content[max(start, end) :])
        if target is None:
            return None
        return Packed(ALERTS_NAME, f"archive/{target.name}", old.count(b"\n"), len(old), target.stat().st_size)

    def _packed_already(self, content: bytes) -> int:
        for path in self._archive.glob("channel_alerts_*.gz"):
            crc32, size = _seal(path)
            if size and zlib.crc32(memoryview(content)[:size]) == crc32 and size <= len(content):
                return size
        return 0

    # --- steps ---

    def _write_copy(self, name: str, pieces: Iterator[bytes]) -> Path:
        self._before_step("write")
        copy = self._archive / f".{name}.gz.unfinished"
        with copy.open("wb") as raw:
            with gzip.GzipFile("", "wb", GZIP_LEVEL, raw, mtime=0) as file:
                for piece in pieces:
                    file.write(piece)
            raw.flush()
            self._before_step("sync")
            os.fsync(raw.fileno())
        return copy

    def _check_copy(self, copy: Path, content: _Content) -> None:
        self._before_step("check")
        if _content_of(_packed_pieces(copy)) != content:
            raise ArchiveRefused(f"{copy.name} does not unpack to what was packed")

    def _place(self, copy: Path, name: str) -> Path:
        self._before_step("place")
        for target in self._places(name):
            try:
                os.link(copy, target)
            except FileExistsError:
                continue
            copy.unlink()
            self._before_step("sync_archive")
            sync_directory(self._archive)
            return target
        raise ArchiveRefused(f"{name} has {PARTS_MAX} archives already")

    def _remove(self, live: Path) -> None:
        self._before_step("remove")
        live.unlink()
        self._before_step("sync_logs")
        sync_directory(self._logs)

    def _replace(self, live: Path, content: bytes) -> None:
        """Whoever waits for the lock of the former file looks at the name again."""
        self._before_step("cut")
        beside = live.with_name(f".{live.name}.rest")
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(live)
        self._before_step("sync_logs")
        sync_directory(self._logs)

    def _holding(self, name: str, content: _Content) -> Path | None:
        """The archive that holds these very bytes, after a run that was stopped before it could remove the file."""
        for target in self._places(name):
            if not target.exists():
                return None
            is_alike = _seal(target) == (content.crc32, content.size & 0xFFFFFFFF)
            if is_alike and _content_of(_packed_pieces(target)) == content:
                return target
        return None

    def _places(self, name: str) -> Iterator[Path]:
        stem = name.removesuffix(".jsonl")
        yield self._archive / f"{name}.gz"
        for part in range(2, PARTS_MAX + 1):
            yield self._archive / f"{stem}.{part}.jsonl.gz"


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """Nobody appends to the file meanwhile."""
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _file_pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(CHUNK_BYTES):
            yield piece


def _packed_pieces(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path) as file:
            while piece := file.read(CHUNK_BYTES):
                yield piece
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ArchiveRefused(f"{path.name} cannot be unpacked: {error}") from error


def _content_of(pieces: Iterator[bytes]) -> _Content:
    size = crc32 = lines = 0
    for piece in pieces:
        size += len(piece)
        crc32 = zlib.crc32(piece, crc32)
        lines += piece.count(b"\n")
    return _Content(size, crc32, lines)


def _seal(path: Path) -> tuple[int, int]:
    """The crc and the size (modulo 2^32) that a packed file states of its content."""
    with path.open("rb") as file:
        file.seek(-8, os.SEEK_END)
        crc32, size = struct.unpack("<II", file.read(8))
    return crc32, size


def _bytes_before(content: bytes, before: datetime) -> int:
    """The length of the lines at the start whose alerts are older; one that is no alert goes with its neighbours."""
    end = 0
    for line in content.splitlines(keepends=True):
        alert = decode_alert(line)
        if not line.endswith(b"\n") or (alert is not None and seconds_of(alert.timestamp) >= before.timestamp()):
            break
        end += len(line)
    return end
