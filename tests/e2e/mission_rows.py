"""Which test runs which row of the two guides: `python -m tests.e2e.mission_rows` prints the table.

A test names its rows: `test_m1_24_m1_28_to_m1_31_...` runs M1.24 and M1.28 to M1.31, `test_n_13_...` runs N.13.
"""

import re
from collections import defaultdict

from tests.tidy.python_source import sources

CONSOLE_ROWS = tuple(f"M2.{number:02d}" for number in (1, 2, 3, 15, 16, 17, 18, 23))  # about pages alone
ROWS = (
    *(f"M1.{number:02d}" for number in range(1, 80)),
    *(row for row in (f"M2.{number:02d}" for number in range(1, 80)) if row not in CONSOLE_ROWS),
    *(f"N.{number:02d}" for number in range(1, 16)),
)
# These are about what a person may build on, not about the running system: tests of their own rooms run them.
ABOUT_THE_CODE = frozenset(("M1.63", "M1.64", "M1.67", "M1.70"))
_TEST = re.compile(r"^(?:async )?def (test_\w+)\(", re.M)
_NAMED = re.compile(r"(?<![a-z0-9])(m1|m2|n)_(\d\d)(?![0-9])(?:_to_\1_(\d\d)(?![0-9]))?")


def rows_in(name: str) -> list[str]:
    """The rows that a test's name says it runs."""
    found = []
    for series, first, last in _NAMED.findall(name):
        numbers = range(int(first), int(last or first) + 1)
        found += [f"{series.upper()}.{number:02d}" for number in numbers]
    return found


def who_runs() -> dict[str, list[str]]:
    """Every row that is run, with its tests as `path::name`."""
    found: dict[str, list[str]] = defaultdict(list)
    for source in sources("tests/"):
        for name in _TEST.findall(source.text):
            for row in rows_in(name):
                found[row].append(f"{source.path}::{name}")
    return found


if __name__ == "__main__":
    runners = who_runs()
    for row in ROWS:
        print(row, *runners[row], sep="\n  ")
