"""The limit of open files goes as far as it is needed and allowed, in a process of its own."""

import subprocess
import sys

import pytest

from tests.tidy.python_source import ROOT

PROGRAM = """\
import resource, sys
from smart_ai_router.adapters.open_files import allow_open_files
soft, hard, wanted = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
print(allow_open_files(wanted), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(
    ("soft", "hard", "wanted", "expected"),
    [
        (256, 1024, 800, "800 800 1024"),
        (256, 1024, 1024, "1024 1024 1024"),
        (256, 1024, 1025, "1024 1024 1024"),
        (1000, 1024, 800, "1000 1000 1024"),
    ],
)
def test_the_limit_is_raised_as_far_as_it_is_needed_and_allowed(
    soft: int, hard: int, wanted: int, expected: str
) -> None:
    command = [sys.executable, "-c", PROGRAM, str(soft), str(hard), str(wanted)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == expected
