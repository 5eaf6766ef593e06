"""The environment: a folder with a Python of its own that holds exactly what one lock file names.

Theory of operation. An environment is current when its stamp is the lock and the interpreter behind the folder. The
stamp is the last thing written and the first thing removed, so that a folder without one was interrupted and is made
anew. One file lock lets the second of two first starts wait for the first.

Installers, in this order, each with hashes only and wheels only: the machine's own uv; the pinned uv wheel; pip.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from bootstrap.stamps import environment_is_current, wanted_stamp
from bootstrap.terminal import StepFailed, run, say

try:
    import fcntl
except ImportError:
    sys.exit("Smart AI Router runs on Linux and macOS; on Windows use WSL 2 or the container image.")

PYTHON_MINIMUM = (3, 11)
PYTHON_NAMES = ("python3.14", "python3.13", "python3.12", "python3.11")


class EnvironmentImpossible(Exception):
    """No environment can be made here; the message says what is missing and how to get it."""


class Environment:
    """One environment of a checkout: `lock` is a file beside main.py, `folder` a folder there."""

    def __init__(self, root: Path, folder: str, lock: str) -> None:
        self.root = root
        self.folder = root / folder
        self.lock = root / lock
        self.python = self.folder / "bin" / "python"
        self.cache = root / ".cache"
        self._stamp = self.folder / "stamp"

    def is_current(self) -> bool:
        """True when the folder holds what the lock names, for the interpreter that is still behind it."""
        return environment_is_current(str(self.folder), str(self.lock))

    def ensure(self) -> None:
        """Make or update the folder unless it is current. Two callers at once: one works, one waits."""
        if self.is_current():
            return
        require_python()
        self.cache.mkdir(exist_ok=True)
        with exclusive(self.cache / "environment.lock"):
            if not self.is_current():
                self._make()

    def _make(self) -> None:
        say(f"making the environment in {self.folder.name}/ from {self.lock.name}; later starts skip this")
        was_complete = self._stamp.exists()
        self._stamp.unlink(missing_ok=True)
        if not (was_complete and self.python.exists()):
            self._clear()
        failures: list[str] = []
        for name, install in self._installers():
            try:
                install()
            except StepFailed as failure:
                say(f"{name} did not manage: {failure}")
                failures.append(name)
                self._clear()
                continue
            self._write_stamp()
            say(f"the environment is ready (installed by {name})")
            return
        raise EnvironmentImpossible(
            f"{self.lock.name} could not be installed: tried {', '.join(failures)}; their last words stand above. "
            "Is the package index reachable? uv and pip both honour HTTPS_PROXY and pip's own index setting."
        )

    def _installers(self) -> Iterator[tuple[str, Callable[[], None]]]:
        uv = shutil.which("uv")
        if uv:
            yield "the uv found on PATH", lambda: self._sync_with_uv(Path(uv))
        yield "the pinned uv", lambda: self._sync_with_uv(pinned_uv(self.root, self.cache))
        yield "pip", self._install_with_pip

    def _sync_with_uv(self, uv: Path) -> None:
        self._create()
        run(
            [uv, "pip", "sync", "--require-hashes", "--no-build", "--python", self.python, self.lock],
            env=uv_settings(os.environ, pip_settings()),
        )

    def _install_with_pip(self) -> None:
        self._clear()  # pip adds and never removes: only an empty folder ends up with exactly the lock
        self._create()
        say("installing with pip; this takes a minute or two")
        options = ["install", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
        command = [*pip_command(self.cache), "--python", str(self.python), *options]
        run([*command, "--requirement", str(self.lock)])

    def _create(self) -> None:
        if not self.python.exists():
            run([sys.executable, "-m", "venv", "--without-pip", self.folder])

    def _clear(self) -> None:
        if self.folder.exists():
            shutil.rmtree(self.folder)

    def _write_stamp(self) -> None:
        unfinished = self._stamp.with_suffix(".new")
        unfinished.write_bytes(wanted_stamp(str(self.folder), str(self.lock)))
        unfinished.replace(self._stamp)


def require_python(version: tuple[int, ...] = sys.version_info[:3]) -> None:
    """Refuse an interpreter that is too old, naming a newer one if the machine has it."""
    if version >= PYTHON_MINIMUM:
        return
    found = next(filter(None, map(shutil.which, PYTHON_NAMES)), None)
    hint = f"this machine has {found}: use it instead" if found else "install one, for example from python.org"
    have = ".".join(map(str, version))
    raise EnvironmentImpossible(f"Python 3.11 or newer is needed, this is {have} ({sys.executable}); {hint}")


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the file lock; say so while another start holds it. The kernel frees it when its holder dies."""
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another start is making the environment; waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def pinned_uv(root: Path, cache: Path) -> Path:
    """The uv of requirements-uv.lock, installed with pip into the cache folder once."""
    lock = root / "requirements-uv.lock"
    folder = install_aside(lock, cache, "uv")
    return folder / "bin" / "uv"


def install_aside(lock: Path, cache: Path, name: str) -> Path:
    """Install a lock into a folder of its own, outside every environment; return the folder."""
    folder = cache / f"{name}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    if folder.exists():
        return folder
    unfinished = cache / f"{name}-unfinished"
    if unfinished.exists():
        shutil.rmtree(unfinished)
    options = ["install", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    run([*pip_command(cache), *options, "--target", str(unfinished), "--requirement", str(lock)])
    unfinished.replace(folder)
    return folder


def pip_command(cache: Path) -> list[str]:
    """How to call pip: this interpreter's, else one unpacked from the interpreter's own bundle."""
    try:
        run([sys.executable, "-m", "pip", "--version"])
    except StepFailed:
        return [str(bundled_pip(cache)), "-m", "pip", "--disable-pip-version-check"]
    return [sys.executable, "-m", "pip", "--disable-pip-version-check"]


def bundled_pip(cache: Path) -> Path:
    """A Python that has pip, made with the interpreter's ensurepip."""
    python = cache / "pip" / "bin" / "python"
    if not (cache / "pip" / "complete").exists():
        run([sys.executable, "-m", "venv", "--clear", cache / "pip"])
        (cache / "pip" / "complete").touch()
    return python


def pip_settings() -> dict[str, str]:
    """What pip is configured to, e.g. {"index-url": ...}; empty when there is no pip to ask."""
    try:
        lines = run([sys.executable, "-m", "pip", "config", "list"]).splitlines()
    except StepFailed:
        return {}
    pairs = (line.partition("=") for line in lines)
    return {key.rpartition(".")[2]: value.strip("'\"") for key, separator, value in pairs if separator}


def uv_settings(variables: Mapping[str, str], pip: Mapping[str, str]) -> dict[str, str]:
    """The environment for uv: a mirror and a certificate bundle that pip was told of hold for uv too."""
    known = {"index-url": "UV_DEFAULT_INDEX", "cert": "SSL_CERT_FILE"}
    found = {variable: pip[key] for key, variable in known.items() if key in pip}
    fixed = {"UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}
    return {"UV_HTTP_TIMEOUT": "120", **found, **variables, **fixed}
