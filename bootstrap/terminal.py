"""Progress lines and child commands. Everything goes to standard error: standard output belongs to the command."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

OUTPUT_TAIL_LINES = 15  # what a failing installer said last; the cause stands there, not in the first hundred lines


class StepFailed(Exception):
    """A command of the set-up failed; the message holds what it said last."""


def say(text: str) -> None:
    """One progress line."""
    print(f"[smart-ai-router] {text}", file=sys.stderr, flush=True)


def run(command: Sequence[str | Path], cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """Run to the end and return its output; raises StepFailed with the output's tail."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise StepFailed(f"{words[0]} cannot be started: {error}") from error
    if done.returncode:
        tail = "\n".join("    " + line for line in done.stdout.strip().splitlines()[-OUTPUT_TAIL_LINES:])
        raise StepFailed(f"{Path(words[0]).name} ended with {done.returncode}:\n{tail}")
    return done.stdout
