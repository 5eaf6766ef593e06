"""Adding whole lines to a file that several processes write, any of which may be killed at any moment."""

import os


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
