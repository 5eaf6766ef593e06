"""`python -m bootstrap`: the parts of the set-up, one by one.

environment [FOLDER LOCK]   make .venv/ from requirements.lock, or another folder from another lock
console                     build the console
lock [--upgrade]            resolve the lock files from pyproject.toml
"""

from __future__ import annotations

import sys
from pathlib import Path

from bootstrap.console import Console, ensure_console
from bootstrap.environment import Environment, EnvironmentImpossible
from bootstrap.locks import resolve_locks
from bootstrap.start import ROOT, RUNTIME
from bootstrap.terminal import StepFailed, say


def main(root: Path, arguments: list[str]) -> int:
    """Run one part; 0 done, 1 failed, 2 no such part."""
    try:
        if arguments[:1] == ["environment"] and len(arguments) in (1, 3):
            Environment(root, *(arguments[1:] or RUNTIME)).ensure()
        elif arguments == ["console"]:
            Console(root).build()
        elif arguments == ["console-for-start"]:
            ensure_console(root)
        elif arguments in (["lock"], ["lock", "--upgrade"]):
            resolve_locks(root, upgrade=len(arguments) == 2)
        else:
            print(__doc__, file=sys.stderr)
            return 2
    except (StepFailed, EnvironmentImpossible, OSError) as failure:
        say(str(failure))
        return 1
    except KeyboardInterrupt:
        say("interrupted; the next start goes on from here")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(ROOT), sys.argv[1:]))
