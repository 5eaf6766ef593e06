"""Two small files behind alerts: deliveries that are not done, and which monitor tells of an alert.

The alert log itself and the monitor's memory are files of `core/alert_log.py`, because a monitor in a script has them
without a router.
"""

import contextlib
import fcntl
import logging
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Final

import msgspec

from smart_ai_router.core.alerting import Delivery
from smart_ai_router.core.plain_json import encode_plain

SPENT_BYTES_MAX: Final = 1024 * 1024  # of lines that no longer matter; then the file is written anew
FORGOTTEN_AFTER_S: Final = 7 * 86_400.0  # a claim that nobody renewed or released for a week: its channel is gone

_logger = logging.getLogger(__name__)


class PendingFile:
    """Implements `PendingStore` as one file of lines: `put` adds a delivery, `done` crosses it out.

    A line is one write without fsync: it survives the death of the process. After a power cut a delivery of the last
    seconds may be missing here, but never in the alert log.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._live: dict[tuple[str, str], bytes] = {}
        self._size = 0

    def load(self) -> list[Delivery]:
        """See `PendingStore`. Lines that make no sense are skipped; the file is written anew with what is left."""
        deliveries: dict[tuple[str, str], Delivery] = {}
        for line in self._lines():
            entry = _entry_of(line)
            if entry is None:
                _logger.warning("a line of %s is not a delivery and is skipped", self._path.name)
            elif entry.put is not None:
                deliveries[_key_of(entry.put)] = entry.put
            elif entry.done is not None:
                deliveries.pop(entry.done, None)
        self._live = {key: _put_line(delivery) for key, delivery in deliveries.items()}
        if self._path.exists():
            self._size = self._path.stat().st_size
            with contextlib.suppress(OSError):  # a full disk must not cost what was read
                self._write_anew()
        return list(deliveries.values())

    def put(self, delivery: Delivery) -> None:
        """See `PendingStore`."""
        line = _put_line(delivery)
        self._live[_key_of(delivery)] = line
        self._append(line)

    def done(self, delivery: Delivery) -> None:
        """See `PendingStore`."""
        key = _key_of(delivery)
        self._live.pop(key, None)
        self._append(encode_plain({"done": list(key)}) + b"\n")
        if self._size - sum(map(len, self._live.values())) > SPENT_BYTES_MAX:
            self._write_anew()

    def _lines(self) -> Iterator[bytes]:
        with contextlib.suppress(FileNotFoundError), self._path.open("rb") as file:
            yield from (line for line in file if line.strip())

    def _append(self, line: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600), "ab") as file:
            if self._size and file.tell() != self._size:
                line = b"\n" + line  # an earlier write was cut short; its fragment stands alone
            file.write(line)
            file.flush()
            self._size = file.tell()

    def _write_anew(self) -> None:
        aside = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        aside.write_bytes(b"".join(self._live.values()))
        aside.chmod(0o600)
        aside.replace(self._path)
        self._size = self._path.stat().st_size


class ClaimFile:
    """Implements `AlertClaims` for monitors that share a directory, under `flock`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def claim(self, channel_id: str, kind: str, now: float, until: float) -> bool:
        """See `AlertClaims`."""
        with self._locked() as claims:
            key = _claim_key(channel_id, kind)
            if claims.get(key, now) > now:
                return False
            for old in [each for each, end in claims.items() if now - end > FORGOTTEN_AFTER_S]:
                del claims[old]
            claims[key] = until
            return True

    def release(self, channel_id: str, kind: str) -> bool:
        """See `AlertClaims`."""
        with self._locked() as claims:
            return claims.pop(_claim_key(channel_id, kind), None) is not None

    @contextlib.contextmanager
    def _locked(self) -> Iterator[dict[str, float]]:
        """The claims, under the lock; written back if they changed. A file that makes no sense counts as empty."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            before = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
            claims = _claims_of(before)
            yield claims
            after = msgspec.json.encode(claims)
            if after != before:
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, after, 0)
        finally:
            os.close(descriptor)  # gives the lock back


class _Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    put: Delivery | None = None
    done: tuple[str, str] | None = None


_DECODER: Final = msgspec.json.Decoder(_Entry, float_hook=Decimal)


def _entry_of(line: bytes) -> _Entry | None:
    try:
        return _DECODER.decode(line)
    except ValueError:
        return None


def _put_line(delivery: Delivery) -> bytes:
    return encode_plain({"put": delivery}) + b"\n"


def _key_of(delivery: Delivery) -> tuple[str, str]:
    return delivery.notifier, delivery.alert.delivery_id


def _claim_key(channel_id: str, kind: str) -> str:
    return f"{kind} {channel_id}"


def _claims_of(data: bytes) -> dict[str, float]:
    try:
        return msgspec.json.decode(data, type=dict[str, float]) if data else {}
    except ValueError:
        return {}
