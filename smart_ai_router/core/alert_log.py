"""Alerts as files: the log `channel_alerts.jsonl`, and the file by which a monitor remembers over restarts.

This is the door of the monitor, for scripts and for the router alike. One line is one alert; the guide's six keys come
first. Appends are guarded: under `flock`, with a look at the last byte, so that a line torn by a killed process stands
alone; a line that cannot be written whole is taken back and the error is raised. Reading goes from the end in blocks,
so that a day's alerts cost the same in a file of any size, and whatever is not an alert costs only itself.
"""

import contextlib
import fcntl
import logging
import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal, Protocol

import msgspec

from smart_ai_router.core.guarded_append import append_whole
from smart_ai_router.core.plain_json import encode_plain
from smart_ai_router.domain.alert_words import seconds_of
from smart_ai_router.domain.alerts import Alert, ChannelState
from smart_ai_router.domain.error_counts import NO_CALLS

_logger = logging.getLogger(__name__)

LINE_BYTES_MAX: Final = 64 * 1024  # thirty times our longest line; a longer one is not an alert
BLOCK_BYTES: Final = 64 * 1024
ROTATE_BYTES: Final = 64 * 1024 * 1024  # about 160,000 alerts: a week of a hundred dead channels is 20,000
OLDER_LINES_MAX: Final = 1000  # so many older lines in a row end a search: lines are almost, not quite, in time order
WAITING_MAX: Final = 1000  # then the oldest goes; they are delivered in any case
LISTED_MAX: Final = 10_000  # about 10 MB of answer


class ChannelAlert(msgspec.Struct, frozen=True):
    """One line of the alert log: the guide's keys, then ours, which a line from elsewhere may lack.

    `status` is where the alert stands now: open, resolved, cleared, or None when the monitor does not know.
    """

    channel_id: str
    channel_name: str
    alert_type: str
    message: str
    timestamp: str
    details: dict[str, object] | None = None
    id: str | None = None
    severity: str | None = None
    state: str | None = None
    notice: int | None = None
    status: str | None = None

    def __getitem__(self, key: str) -> object:
        """Read by key, as one reads the line."""
        return self.fields()[key]

    def fields(self) -> dict[str, object]:
        """The keys in the line's order, and `status`."""
        return msgspec.structs.asdict(self)


class AlertLog(Protocol):
    """Where alerts are written and read."""

    def append(self, line: bytes) -> None:
        """Add one line (without newline). Raises OSError and adds nothing."""

    def newest_first(self) -> Iterable[bytes]:
        """All whole lines of at most 64 KiB, the last one first."""


class MonitorMemory(Protocol):
    """What a monitor knows, over restarts."""

    def load(self) -> bytes | None: ...

    def save(self, data: bytes) -> None:
        """Replace it in one step. Raises OSError and leaves the old one."""


def encode_alert(alert: Alert) -> bytes:
    """The alert's line, without newline."""
    return encode_plain(alert.fields())


def decode_alert(line: bytes) -> ChannelAlert | None:
    """The alert in a line, or None for a torn or foreign one. Fractions in the details come as exact Decimals."""
    try:
        alert = _ALERT_DECODER.decode(line)
        seconds_of(alert.timestamp)
    except (ValueError, OverflowError):  # msgspec's errors are ValueErrors, as is text that is not UTF-8
        return None
    return alert


def alerts_since(log: AlertLog, since: float) -> list[ChannelAlert]:
    """The newest 10,000 alerts from a moment on, in the log's order; one that was written twice is listed once."""
    found: list[ChannelAlert] = []
    seen: set[tuple[str, int | None]] = set()
    older_in_a_row = 0
    for line in log.newest_first():
        alert = decode_alert(line)
        if alert is None:
            continue
        if seconds_of(alert.timestamp) < since:
            older_in_a_row += 1
        else:
            older_in_a_row = 0
            if alert.id is None or (alert.id, alert.notice) not in seen:
                found.append(alert)
            seen.add((alert.id or "", alert.notice))
        if len(found) >= LISTED_MAX or older_in_a_row >= OLDER_LINES_MAX:
            break
    return found[::-1]


def encode_states(states: Iterable[ChannelState]) -> bytes:
    """What a monitor remembers. The windows of calls are left out: five minutes later they say nothing."""
    return encode_plain(_Memory(1, [replace(state, window=NO_CALLS) for state in states]))


def decode_states(data: bytes) -> list[ChannelState]:
    """The states of `encode_states`; raises ValueError for anything else."""
    return _MEMORY_DECODER.decode(data).channels


class FileAlertLog:
    """Implements `AlertLog` in one file, and beside it one older file once it has grown past `rotate_bytes`."""

    def __init__(self, path: Path, rotate_bytes: int = ROTATE_BYTES) -> None:
        self._path = path
        self._older = path.with_suffix(f".1{path.suffix}")
        self._rotate_bytes = rotate_bytes

    def append(self, line: bytes) -> None:
        """See `AlertLog`; the line is on the disk when this returns."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._locked() as descriptor:
            append_whole(descriptor, line + b"\n")
            os.fdatasync(descriptor)

    def newest_first(self) -> Iterator[bytes]:
        """See `AlertLog`."""
        for path in (self._path, self._older):
            with contextlib.suppress(FileNotFoundError):
                yield from _lines_backwards(path)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[int]:
        """The file's descriptor under its lock: the file that has the name now, with room in it."""
        while True:
            descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                status = os.fstat(descriptor)
                if not self._is_current(status):
                    continue  # another process rotated it between opening and locking
                if status.st_size >= self._rotate_bytes:
                    self._path.replace(self._older)
                    continue
                yield descriptor
                return
            finally:
                os.close(descriptor)  # gives the lock back

    def _is_current(self, status: os.stat_result) -> bool:
        try:
            return self._path.stat().st_ino == status.st_ino
        except FileNotFoundError:
            return False


class AlertWriter:
    """Writes alerts to a log; those that the disk refuses wait, in order, and are tried again. Safe for threads."""

    def __init__(self, log: AlertLog) -> None:
        self._log = log
        self._waiting: deque[bytes] = deque(maxlen=WAITING_MAX)
        self._lock = threading.Lock()

    def write(self, alert: Alert) -> None:
        """Write it now, or as soon as the disk allows."""
        with self._lock:
            self._waiting.append(encode_alert(alert))
            self._write_all()

    def write_waiting(self) -> None:
        """Try again what waits."""
        with self._lock:
            self._write_all()

    def _write_all(self) -> None:
        while self._waiting:
            try:
                self._log.append(self._waiting[0])
            except OSError as error:
                _logger.error("%d alerts wait to be written: %s", len(self._waiting), error)
                return
            self._waiting.popleft()


class FileMonitorMemory:
    """Implements `MonitorMemory` in one small file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> bytes | None:
        """See `MonitorMemory`."""
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return None

    def save(self, data: bytes) -> None:
        """See `MonitorMemory`: written aside, synced, then renamed over the old one."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        aside = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        with aside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(self._path)


class _Memory(msgspec.Struct, frozen=True):
    version: Literal[1]
    channels: list[ChannelState]


_ALERT_DECODER: Final = msgspec.json.Decoder(ChannelAlert, float_hook=Decimal)
_MEMORY_DECODER: Final = msgspec.json.Decoder(_Memory, float_hook=Decimal)


def _lines_backwards(path: Path) -> Iterator[bytes]:
    """Non-empty lines of at most `LINE_BYTES_MAX`, the last first; holds one block and one line at a time."""
    with path.open("rb") as file:
        position = file.seek(0, os.SEEK_END)
        rest = b""  # the end of a line whose start is not read yet
        is_too_long = False  # that line is beyond the limit; its remaining pieces are dropped
        while position:
            start = max(0, position - BLOCK_BYTES)
            file.seek(start)
            pieces = (file.read(position - start) + rest).split(b"\n")
            position = start
            if is_too_long:
                pieces[-1] = b""
            rest = pieces[0]
            yield from (line for line in reversed(pieces[1:]) if 0 < len(line) <= LINE_BYTES_MAX)
            is_too_long = len(rest) > LINE_BYTES_MAX or (is_too_long and len(pieces) == 1)
            if is_too_long:
                rest = b""
        if rest:
            yield rest
