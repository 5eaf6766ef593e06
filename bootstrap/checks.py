"""Every check of the project, one after the other, and one line that says how it went.

A step counts as one check; the two test steps count each test. A tool that is missing is a failed step. The exit code
is 0 only when nothing failed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from bootstrap.console import Console
from bootstrap.start import ROOT
from bootstrap.terminal import StepFailed

TYPED = ("smart_ai_router", "bootstrap", "main.py", "test.py", "scripts", "examples", "benchmarks", "tests/tidy")
CONSOLE_SCRIPTS = ("lint", "type-check", "test")  # those of console/package.json that must pass
PYTEST_FAILED = 1  # some test failed: the report counts them


class Counts(NamedTuple):
    """How many checks went which way."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def plus(self, other: Counts) -> Counts:
        """Both together."""
        return Counts(*(mine + others for mine, others in zip(self, other, strict=True)))

    def line(self) -> str:
        """The summary line."""
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


PASSED = Counts(passed=1)
FAILED = Counts(failed=1)


class Checks:
    """Runs the steps in one checkout and adds up what they say."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.total = Counts()
        self.failed_steps: list[str] = []

    def tool(self, title: str, name: str, *arguments: str) -> None:
        """One command of the environment; it passes when it ends with 0."""
        program = shutil.which(name, path=str(Path(sys.executable).parent))
        if program is None:
            print(f"{name} is not installed beside {sys.executable}")
            self._record(title, FAILED, 0.0)
            return
        self._announce(title)
        begun = time.monotonic()
        done = subprocess.run([program, *arguments], cwd=self.root, check=False)
        self._record(title, FAILED if done.returncode else PASSED, time.monotonic() - begun)

    def tests(self, title: str, arguments: Sequence[str]) -> None:
        """One pytest run; each test counts."""
        self._announce(title)
        begun = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.xml"
            command = [sys.executable, "-m", "pytest", "--junit-xml", str(report), *arguments]
            code = subprocess.run(command, cwd=self.root, check=False).returncode
            counts = read_report(report)
        if code and not (code == PYTEST_FAILED and counts.failed):
            counts = counts.plus(FAILED)  # pytest itself broke off
        self._record(title, counts, time.monotonic() - begun)

    def console(self, console: Console) -> None:
        """The console's own checks, with its locked packages."""
        self._console_step("console packages", lambda: console.install(with_checks=True))
        manifest = (console.sources / "package.json").read_text()
        for script in CONSOLE_SCRIPTS:
            if f'"{script}":' in manifest:
                self._console_step(f"console {script}", partial(console.npm, "run", script))
        self._console_step("console build", console.build)

    def _console_step(self, title: str, step: Callable[[], object]) -> None:
        self._announce(title)
        begun = time.monotonic()
        try:
            step()
        except StepFailed as failure:
            print(failure)
            self._record(title, FAILED, time.monotonic() - begun)
        else:
            self._record(title, PASSED, time.monotonic() - begun)

    def _announce(self, title: str) -> None:
        print(f"== {title}", flush=True)

    def _record(self, title: str, counts: Counts, seconds: float) -> None:
        self.total = self.total.plus(counts)
        if counts.failed:
            self.failed_steps.append(title)
        print(f"== {title}: {'FAILED' if counts.failed else 'ok'} ({seconds:.1f} s)\n", flush=True)


def read_report(path: Path) -> Counts:
    """Counts from pytest's XML report; nothing when there is none."""
    if not path.exists():
        return Counts()
    suites = ElementTree.parse(path).getroot().iter("testsuite")
    total = Counts()
    for suite in suites:
        tests, skipped = int(suite.get("tests", 0)), int(suite.get("skipped", 0))
        failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        total = total.plus(Counts(max(tests - failed - skipped, 0), failed, skipped))
    return total


def run_checks(root: Path, selection: str | None, include_long: bool) -> Counts:
    """All steps; with a selection only the tests that match it."""
    checks = Checks(root)
    marks = [] if include_long else ["-m", "not long"]
    if selection is not None:
        checks.tests("selected tests", [*marks, "-k", selection])
    else:
        checks.tool("lint", "ruff", "check")
        checks.tool("format", "ruff", "format", "--check")
        checks.tool("types", "mypy", "--strict", *(name for name in TYPED if (root / name).exists()))
        checks.tool("architecture", "lint-imports")
        checks.tests("tests", [*marks, "-n", "2", "--ignore", "tests/e2e", "--ignore", "tests/console"])
        checks.tests("end-to-end tests", [*marks, "tests/e2e"])
        console = Console(root)
        if console.exists:
            checks.console(console)
            checks.tests("browser tests", [*marks, "tests/console"])
    if checks.failed_steps:
        print("failed: " + ", ".join(checks.failed_steps))
    return checks.total


def main(arguments: Sequence[str]) -> int:
    """Run, print the summary line last, and return 0 only when nothing failed."""
    parser = argparse.ArgumentParser(prog="python test.py", description="Lint, types, architecture, tests, console.")
    parser.add_argument("--long", action="store_true", help="also the tests that take minutes")
    parser.add_argument("-k", metavar="EXPRESSION", help="only tests whose name matches, and nothing else")
    chosen = parser.parse_args(arguments)
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    total = run_checks(Path(ROOT), chosen.k, chosen.long)
    print(total.line(), flush=True)
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
