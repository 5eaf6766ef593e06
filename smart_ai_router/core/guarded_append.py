"""Adding whole lines to a file that several processes write, any of which may be killed at any moment."""

import os
from pathlib import Path


def append_whole(descriptor: int, data: bytes) -> int:
    """Append whole lines to a file opened with O_RDWR and O_APPEND, whose lock the caller holds; return its new size.

    A line torn by a killed process gets its newline first, so that it stands alone and swallows no neighbour. What
    cannot be written whole is taken back, and the OSError raised.
    """
    size = os.fstat(descriptor).st_size
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        data = b"\n" + data
    written = 0
    try:
        while written < len(data):
            written += os.write(descriptor, data[written:])
    except OSError:
        if written:
            os.ftruncate(descriptor, size)
        raise
    return size + written


def sync_directory(directory: Path) -> None:
    """Make names that were just added to a directory, or taken out of it, survive a power cut; raises OSError."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
