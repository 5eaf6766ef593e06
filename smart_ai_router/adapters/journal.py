"""The journal of one host: whole lines, guarded appends, group fsync, on a thread of its own.

Theory of operation. The event loop queues lines; everything queued within one turn of the loop goes to the writer
thread as one batch, and whatever gathers while the thread is at the disk becomes the next one. A batch is appended
under `flock`, after a look at the file's last byte: if a killed process left a torn line, a newline goes first, so
that its fragment stands alone and swallows no neighbour. A short or refused write is taken back (`ftruncate`)
before the lock is released. `strict` calls back after `fdatasync`, `group` after the write and syncs every 100 ms.

When the disk refuses, nothing is lost: the lines stay in memory, `admits` turns False so that no new paid call
starts, and the thread tries again until they stand in the file. Lines of calls that were already admitted find room
in a reserve file that is given up when the disk is full. After a failed fsync the lines are written once more
before they count as durable, because the kernel may have dropped them; a line that then stands twice is one call
to every reader.
"""

import asyncio
import contextlib
import errno
import fcntl
import logging
import os
import queue
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from smart_ai_router.adapters.launch import StartRefused
from smart_ai_router.core.guarded_append import append_whole, sync_directory

GROUP_SYNC_S: Final = 0.1
RETRY_S: Final = 0.25
RESERVE_BYTES: Final = 4 * 1024 * 1024  # room for the lines of about 3,000 calls in flight
BACKLOG_LINES_MAX: Final = 20_000  # beyond it the disk is not keeping up: no new calls
RESERVE_NAME: Final = ".journal-reserve"
SECONDS_PER_DAY: Final = 86_400  # UTC days in Unix time have no leap seconds
DAYS_CACHED_MAX: Final = 8  # today, and days that interrupted calls belong to

_logger = logging.getLogger(__name__)


class JournalUnusable(StartRefused):
    """The journal directory cannot be written at start."""


class _Line(NamedTuple):
    day: str
    data: bytes
    on_durable: Callable[[], None]


class JournalPosition(NamedTuple):
    """A place in the journal: nothing that is queued now stands before it."""

    day: str
    offset: int


def journal_name(day: str) -> str:
    """The file of one UTC day, as the guide names it; `day` is YYYYMMDD."""
    return f"usage_{day}.jsonl"


def day_of(timestamp: float) -> str:
    """The UTC day of a moment, YYYYMMDD."""
    return _day_text(int(timestamp // SECONDS_PER_DAY))


@lru_cache(maxsize=DAYS_CACHED_MAX)
def _day_text(days: int) -> str:
    return datetime.fromtimestamp(days * SECONDS_PER_DAY, UTC).strftime("%Y%m%d")


class JournalFile:
    """One open day file; appends are all or nothing."""

    def __init__(self, directory: Path, day: str) -> None:
        self.day = day
        self.path = directory / journal_name(day)
        self._name = str(self.path)
        self._fd = os.open(self._name, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        here = os.fstat(self._fd)
        self._identity = (here.st_dev, here.st_ino)
        sync_directory(directory)

    def is_current(self) -> bool:
        """False when the file was moved or removed underneath."""
        try:
            there = os.stat(self._name)  # noqa: PTH116 - asked before every batch; a Path takes three times as long
        except FileNotFoundError:
            return False
        return (there.st_dev, there.st_ino) == self._identity

    def append(self, data: bytes) -> int:
        """Append whole lines; return the file's new size. Raises OSError and leaves the file as it was."""
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        try:
            return append_whole(self._fd, data)
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def sync(self) -> None:
        os.fdatasync(self._fd)

    def close(self) -> None:
        os.close(self._fd)


class JournalWriter:
    """Implements `core.ports.Journal` for one gateway worker."""

    def __init__(self, directory: Path, loop: asyncio.AbstractEventLoop, durability: str = "strict") -> None:
        self._directory = directory
        self._loop = loop
        self._is_strict = durability == "strict"
        self._gathered: list[_Line] = []
        self._batches: queue.SimpleQueue[list[_Line] | None] = queue.SimpleQueue()
        self._backlog = 0
        self._is_failing = not prepare_directory(directory)
        self._file: JournalFile | None = None
        self._unsynced = False
        self.position = JournalPosition("", 0)
        if not self._is_failing:
            self._restore_reserve()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    @property
    def admits(self) -> bool:
        return not self._is_failing and self._backlog < BACKLOG_LINES_MAX

    def append(self, line: bytes, timestamp: float, on_durable: Callable[[], None]) -> None:
        if not self._gathered:
            self._loop.call_soon(self._hand_over)
        self._gathered.append(_Line(day_of(timestamp), line, on_durable))

    def close(self) -> None:
        """Write and sync what is queued, then stop the thread."""
        self._hand_over()
        self._batches.put(None)
        self._thread.join()

    # --- event loop ---

    def _hand_over(self) -> None:
        if self._gathered:
            batch, self._gathered = self._gathered, []
            self._backlog += len(batch)
            self._batches.put(batch)

    def _settle(self, batch: list[_Line]) -> None:
        self._backlog -= len(batch)
        for line in batch:
            try:
                line.on_durable()
            except Exception:  # the line stands; a mistake in answering one call must not leave the others waiting
                _logger.exception("a call could not be answered after its line was written")

    # --- writer thread ---

    def _run(self) -> None:
        while True:
            batch, is_last = self._next_batch()
            if batch:
                self._write_until_done(batch)
                with contextlib.suppress(RuntimeError):  # the loop may be closed during the last batch
                    self._loop.call_soon_threadsafe(self._settle, batch)
            if is_last:
                if self._file is not None:
                    self._sync_quietly()
                    self._file.close()
                return

    def _next_batch(self) -> tuple[list[_Line], bool]:
        waiting = RETRY_S if self._is_failing else GROUP_SYNC_S if self._unsynced else None
        try:
            first = self._batches.get(timeout=waiting)
        except queue.Empty:
            self._sync_quietly()
            self._recover()
            return [], False
        lines: list[_Line] = []
        while first is not None:
            lines += first
            try:
                first = self._batches.get_nowait()
            except queue.Empty:
                return lines, False
        return lines, True

    def _write_until_done(self, batch: list[_Line]) -> None:
        while True:
            try:
                self._write(batch)
            except OSError as error:
                if not self._is_failing:
                    _logger.error("the journal cannot be written: %s; no new calls are admitted", error)
                self._is_failing = True
                if error.errno == errno.ENOSPC and self._give_up_reserve():
                    continue
                threading.Event().wait(RETRY_S)
            else:
                self._recover()
                return

    def _recover(self) -> None:
        """Admit again once the disk takes, and syncs, as much as the calls in flight may need."""
        if self._is_failing and self._restore_reserve():
            self._is_failing = False
            _logger.warning("the journal can be written again")

    def _write(self, batch: list[_Line]) -> None:
        start = 0
        while start < len(batch):
            day = batch[start].day
            stop = start
            while stop < len(batch) and batch[stop].day == day:
                stop += 1
            data = b"\n".join([line.data for line in batch[start:stop]]) + b"\n"
            journal_file = self._open_day(day)
            self.position = JournalPosition(day, journal_file.append(data))
            self._unsynced = True
            if self._is_strict:
                journal_file.sync()
                self._unsynced = False
            start = stop

    def _open_day(self, day: str) -> JournalFile:
        current = self._file
        if current is not None and current.day == day and current.is_current():
            return current
        if current is not None:
            self._file = None
            if self._unsynced:
                current.sync()
            current.close()
        self._file = JournalFile(self._directory, day)
        return self._file

    def _sync_quietly(self) -> None:
        if self._unsynced and self._file is not None:
            try:
                self._file.sync()
            except OSError as error:
                self._is_failing = True
                _logger.error("the journal cannot be synced: %s", error)
            self._unsynced = False

    # --- reserve ---

    def _give_up_reserve(self) -> bool:
        try:
            (self._directory / RESERVE_NAME).unlink()
        except OSError:
            return False
        return True

    def _restore_reserve(self) -> bool:
        """Set the reserve aside again; False while the disk has no room for it."""
        path = self._directory / RESERVE_NAME
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
            try:
                os.posix_fallocate(fd, 0, RESERVE_BYTES)
                os.fsync(fd)
            finally:
                os.close(fd)
        except OSError:
            with contextlib.suppress(OSError):
                path.unlink()
            return False
        return True


def prepare_directory(directory: Path) -> bool:
    """Make the journal's directory if it is missing; False while its disk is full. Raises JournalUnusable."""
    probe = directory / f".journal-probe-{os.getpid()}"
    try:
        directory.mkdir(mode=0o750, parents=True, exist_ok=True)
        try:
            probe.write_bytes(b"\n")
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        if error.errno == errno.ENOSPC:  # it will have room again: start, and refuse calls until then
            _logger.error("the disk of the journal directory %s is full; no calls are admitted", directory)
            return False
        message = f"the journal directory {directory} cannot be written: {error.strerror}; see --logs-dir"
        raise JournalUnusable(message) from error
    return True
