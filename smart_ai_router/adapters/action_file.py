"""`data/actions.jsonl`: what administrators did, one line each, only readable by the router's own user."""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from smart_ai_router.core.administration import ACTION_BYTES_MAX, ActionsRead, ActionsUnwritable
from smart_ai_router.core.guarded_append import append_whole, sync_directory

FILE_NAME: Final = "actions.jsonl"

_Place = tuple[int, int, int]  # device, inode, size


class ActionFile:
    """Implements `core.administration.ActionLog`."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / FILE_NAME
        self._seen: _Place | None = None

    def append(self, lines: Sequence[bytes]) -> None:
        """See `ActionLog`."""
        if not lines:
            return
        try:
            with self._open(os.O_RDWR | os.O_APPEND | os.O_CREAT) as descriptor:
                fcntl.flock(descriptor, fcntl.LOCK_EX)  # gone with the descriptor
                is_fresh = not os.fstat(descriptor).st_size
                _append_durably(descriptor, b"".join(line + b"\n" for line in lines))
                if is_fresh:
                    sync_directory(self.path.parent)
                self._seen = _place(os.fstat(descriptor))
        except OSError as error:
            raise ActionsUnwritable(f"{self.path} cannot be written: {error.strerror}") from error

    def read(self) -> ActionsRead:
        """See `ActionLog`."""
        try:
            with self._open(os.O_RDONLY) as descriptor:
                found = os.fstat(descriptor)
                with open(descriptor, "rb", closefd=False) as file:
                    content = ActionsRead(*_lines_of(file.read(found.st_size)))
                self._seen = _place(found)
                return content
        except FileNotFoundError:
            self._seen = None
            return ActionsRead(())
        except OSError as error:
            raise ActionsUnwritable(f"{self.path} cannot be read: {error.strerror}") from error

    def is_current(self) -> bool:
        """See `ActionLog`."""
        try:
            return _place(self.path.stat()) == self._seen
        except FileNotFoundError:
            return self._seen is None

    @contextmanager
    def _open(self, flags: int) -> Iterator[int]:
        descriptor = os.open(self.path, flags | os.O_CLOEXEC, 0o600)
        try:
            yield descriptor
        finally:
            os.close(descriptor)


def _append_durably(descriptor: int, data: bytes) -> None:
    """All of it stands on the disk, or the file is as it was and OSError is raised.

    After a failed sync nobody knows what stands on the disk; the lines are taken back, and the caller reads the file
    again before it relies on it.
    """
    size = os.fstat(descriptor).st_size
    append_whole(descriptor, data)
    try:
        os.fdatasync(descriptor)
    except OSError:
        with suppress(OSError):
            os.ftruncate(descriptor, size)
        raise


def _lines_of(content: bytes) -> tuple[Sequence[bytes], int]:
    lines = [line for line in content.split(b"\n") if line]
    kept = [line for line in lines if len(line) <= ACTION_BYTES_MAX]
    return kept, len(lines) - len(kept)


def _place(status: os.stat_result) -> _Place:
    return status.st_dev, status.st_ino, status.st_size
