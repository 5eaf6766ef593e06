"""Calls in flight, in a file-backed memory map that survives kill -9.

One file per worker: a header, a table of intent lengths, then fixed slots with the intents themselves. Length 0 means
free. The intent is written before its length, so that a kill between the two leaves a free slot. The header keeps
the highest request number handed out, so that numbers never repeat after a restart even when the clock steps back.
The owner holds a `flock` for as long as it lives; a file whose lock can be taken belongs to a dead worker, and its
open slots are calls to be recovered.
"""

import fcntl
import mmap
import os
import struct
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from smart_ai_router.core.intents import INTENT_BYTES_MAX

SLOT_BYTES: Final = INTENT_BYTES_MAX
SLOTS: Final = 16_384  # above the connection cap of a worker
LENGTHS_AT: Final = 4096
SLOTS_AT: Final = LENGTHS_AT + SLOTS * 4
FILE_BYTES: Final = SLOTS_AT + SLOTS * SLOT_BYTES
MAGIC: Final = b"SAR-INFLIGHT-1\n"

_LENGTH = struct.Struct("<I")
_LAST_NUMBER = struct.Struct("<Q")
_LAST_NUMBER_AT: Final = 64


class InflightTableBusy(Exception):
    """Another live process owns this table."""


class InflightFull(Exception):
    """Every slot is taken; the caller must refuse the call."""


class InflightFile:
    """Implements `core.ports.InflightTable`; also what recovery reads."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = path
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._fd)
            raise InflightTableBusy(f"{path} belongs to a running process") from error
        if os.fstat(self._fd).st_size != FILE_BYTES:
            os.ftruncate(self._fd, 0)
            os.ftruncate(self._fd, FILE_BYTES)  # sparse: only touched pages take room
        self._map = mmap.mmap(self._fd, FILE_BYTES)
        self._map[: len(MAGIC)] = MAGIC
        self._free = [slot for slot in range(SLOTS - 1, -1, -1) if not self._length(slot)]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close_file()

    @property
    def is_full(self) -> bool:
        return not self._free

    @property
    def last_number(self) -> int:
        """The highest request number handed out by any owner of this file."""
        number: int = _LAST_NUMBER.unpack_from(self._map, _LAST_NUMBER_AT)[0]
        return number

    def remember_number(self, number: int) -> None:
        _LAST_NUMBER.pack_into(self._map, _LAST_NUMBER_AT, number)

    def open(self, intent: bytes) -> int:
        if not self._free:
            raise InflightFull(f"more than {SLOTS} calls in flight")
        slot = self._free[-1]
        self._store(slot, intent)
        del self._free[-1]
        return slot

    def close(self, slot: int) -> None:
        _LENGTH.pack_into(self._map, LENGTHS_AT + slot * _LENGTH.size, 0)
        self._free.append(slot)

    def open_intents(self) -> list[tuple[int, bytes]]:
        """Slots left open by a dead owner, with their intents."""
        found = []
        for slot in range(SLOTS):
            length = self._length(slot)
            if length:
                at = SLOTS_AT + slot * SLOT_BYTES
                found.append((slot, self._map[at : at + length]))
        return found

    def close_file(self) -> None:
        self._map.close()
        os.close(self._fd)

    def _length(self, slot: int) -> int:
        length: int = _LENGTH.unpack_from(self._map, LENGTHS_AT + slot * _LENGTH.size)[0]
        return length if length <= SLOT_BYTES else 0

    def _store(self, slot: int, intent: bytes) -> None:
        if len(intent) > SLOT_BYTES:
            raise ValueError(f"an intent of {len(intent)} bytes does not fit a slot of {SLOT_BYTES}")
        at = SLOTS_AT + slot * SLOT_BYTES
        self._map[at : at + len(intent)] = intent
        _LENGTH.pack_into(self._map, LENGTHS_AT + slot * _LENGTH.size, len(intent))
