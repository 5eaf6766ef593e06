"""Check everything: `python test.py [--long] [-k EXPRESSION]`. The first run makes its environment in .venv-dev/."""

import sys

from bootstrap.start import check

if __name__ == "__main__":
    check(sys.argv[1:])
