"""Usage records as files."""

import subprocess
import sys
from pathlib import Path

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
