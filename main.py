"""Start Smart AI Router: `python main.py [serve] [options]`, or any other command, e.g. `python main.py verify`.

The first start makes the environment in .venv/ and builds the console; nothing but Python 3.11 has to be there.
"""

import sys

from bootstrap.start import start

if __name__ == "__main__":
    start(sys.argv[1:])
