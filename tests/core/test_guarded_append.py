"""Whole lines, or nothing."""

import errno
import os
import resource
import signal
from pathlib import Path

import pytest

from smart_ai_router.core.guarded_append import append_whole, sync_directory


def append_to(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        append_whole(descriptor, data)
    finally:
        os.close(descriptor)


def test_lines_follow_each_other(tmp_path: Path) -> None:
    path = tmp_path / "lines"

    append_to(path, b"one\n")
    append_to(path, b"two\nthree\n")

    assert path.read_bytes() == b"one\ntwo\nthree\n"


def test_a_torn_line_is_ended_before_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"one\ntor")

    append_to(path, b"two\n")

    assert path.read_bytes() == b"one\ntor\ntwo\n"


@pytest.mark.parametrize("torn", [b"", b"tor"])
def test_what_does_not_fit_is_taken_back(tmp_path: Path, torn: bytes) -> None:
    # given: room for two bytes more
    path = tmp_path / "lines"
    path.write_bytes(b"one\n" + torn)
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 2, limits[1]))
    try:
        with pytest.raises(OSError) as raised:  # noqa: PT011 - the number below tells which
            append_to(path, b"two\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)

    assert raised.value.errno == errno.EFBIG
    assert path.read_bytes() == before


def test_what_is_no_directory_is_not_synced_as_one(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"")

    sync_directory(tmp_path)
    with pytest.raises(NotADirectoryError):
        sync_directory(file)
