"""Usage records as files."""

import fcntl
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from smart_ai_router.core.utils.usage_tracker import (
    encode_usage_record,
)
from tests.core.usage_samples import call, day_file, tracker_in


def test_a_torn_line_of_a_killed_writer_swallows_no_neighbour(tmp_path: Path) -> None:
    tracker = tracker_in(tmp_path)
    tracker.record_usage(call(1))
    with day_file(tmp_path).open("ab") as file:
        file.write(encode_usage_record(call(2))[:100])

    tracker.record_usage(call(3))

    assert tracker.get_daily_stats()["total_requests"] == 2
    assert tracker.invalid_lines() == 1


def test_a_write_that_fails_is_raised_and_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    # given: the file may not grow beyond its first line
    tracker_in(tmp_path).record_usage(call(1))
    before = day_file(tmp_path).read_bytes()
    program = (
        "import resource, signal, sys\n"
        "from tests.core.usage_samples import tracker_in, call\n"
        "from pathlib import Path\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({len(before)} + 10, {len(before)} + 10))\n"
        "try:\n    tracker_in(Path(sys.argv[1])).record_usage(call(2))\n"
        "except OSError:\n    print('raised')\n"
    )

    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)

    assert done.stdout == "raised\n"
    assert day_file(tmp_path).read_bytes() == before


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="this system does not list who waits for a lock")
def test_a_line_for_a_day_that_is_being_archived_goes_to_a_new_file(tmp_path: Path) -> None:
    # given: an archiver holds the lock of the day's file
    tracker = tracker_in(tmp_path)
    tracker.record_usage(call(1))
    descriptor = os.open(day_file(tmp_path), os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    writing = threading.Thread(target=tracker.record_usage, args=(call(2),))
    writing.start()
    assert waits_for_lock(writing)

    # when: it takes the file away
    day_file(tmp_path).rename(tmp_path / "packed")
    os.close(descriptor)
    writing.join(10)

    # then
    assert (tmp_path / "packed").read_bytes().count(b"\n") == 1
    assert day_file(tmp_path).read_bytes().count(b"\n") == 1


def waits_for_lock(thread: threading.Thread) -> bool:
    """True once the kernel lists this process as waiting for a file lock."""
    while thread.is_alive():
        if any("->" in line and f" {os.getpid()} " in line for line in Path("/proc/locks").read_text().splitlines()):
            return True
    return False
