"""What `main.py` and `test.py` do: have the environment made if it is not current, then become its Python.

A later start only reads a few files here; see `stamps.py` for why the imports are so few.
"""

from __future__ import annotations

import os
import sys

from bootstrap.stamps import console_is_fresh, environment_is_current

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RUNTIME = (".venv", "requirements.lock")
DEVELOPMENT = (".venv-dev", "requirements-dev.lock")


def start(arguments: list[str]) -> None:
    """Run the router's command line."""
    python = _ready_python(RUNTIME)
    if starts_the_router(arguments):
        sources, built = (os.path.join(ROOT, *path) for path in (("console",), ("smart_ai_router", "console_dist")))
        if not console_is_fresh(sources, built):
            _bootstrap("console-for-start")  # tells what failed; the gateway starts all the same
    # -P: the folder the user stands in is not a source of modules.
    os.execve(python, [python, "-P", "-m", "smart_ai_router", *arguments], _variables())


def check(arguments: list[str]) -> None:
    """Run all checks."""
    python = _ready_python(DEVELOPMENT)
    os.execve(python, [python, "-P", "-m", "bootstrap.checks", *arguments], _variables())


def enter(script: str, arguments: list[str]) -> None:
    """Go on with this same script inside the runtime environment; return at once where its packages are already."""
    if sys.prefix in (os.path.join(ROOT, folder) for folder, _ in (RUNTIME, DEVELOPMENT)):
        return
    python = _ready_python(RUNTIME)
    os.execve(python, [python, script, *arguments], _variables())


def starts_the_router(arguments: list[str]) -> bool:
    """True for `serve`, which is also what no command at all means; only then is the console needed."""
    if {"--help", "-h", "--version"}.intersection(arguments):
        return False
    return not arguments or arguments[0] == "serve" or arguments[0].startswith("-")


def _ready_python(environment: tuple[str, str]) -> str:
    folder, lock = (os.path.join(ROOT, name) for name in environment)
    if not environment_is_current(folder, lock) and _bootstrap("environment", *environment):
        sys.exit(1)
    return os.path.join(folder, "bin", "python")


def _bootstrap(*arguments: str) -> int:
    try:
        return os.spawnve(os.P_WAIT, sys.executable, [sys.executable, "-m", "bootstrap", *arguments], _variables())
    except KeyboardInterrupt:
        sys.exit(130)


def _variables() -> dict[str, str]:
    others = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{others}" if others else ROOT}
