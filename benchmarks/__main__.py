"""`python -m benchmarks`: measure, show the table, compare with the last kept run."""

import sys
from importlib.util import find_spec
from pathlib import Path

if find_spec("msgspec") is None:
    from bootstrap.start import enter

    enter(str(Path(__file__).resolve()), sys.argv[1:])

from benchmarks.commands import main

main()
