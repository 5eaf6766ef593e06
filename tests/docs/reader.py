"""A reader who pastes what the pages show: into a folder of their own, with `python`, `curl` and a running router."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.docs.pages import Block
from tests.tidy.python_source import ROOT

# `python main.py` with nothing, `serve` or options starts the router, which runs already; `test.py` runs this test.
PYTHON = """#!/bin/sh
case "$*" in
*--help*) ;;
main.py|"main.py serve"*|"main.py -"*|test.py*) exit 0;;
esac
if [ "$1" = main.py ]; then
    shift
    exec {python} -P -m smart_ai_router "$@"
fi
exec {python} "$@"
"""
CURL = """#!/bin/sh
exec {curl} --silent --show-error --fail-with-body --max-time 20 "$@"
"""
LENT = ("scripts", "examples")  # folders of the checkout that commands name
BLOCK_S = 120


class Reader:
    """Pastes blocks in one folder; the pages' address becomes that of the router under test."""

    def __init__(self, folder: Path, address: str) -> None:
        self.folder = folder
        self._address = address
        tools = folder / "tools"
        tools.mkdir()
        curl = shutil.which("curl")
        assert curl, "curl is what the pages use"
        for name, text in (("python", PYTHON), ("curl", CURL)):
            tool = tools / name
            tool.write_text(text.format(python=sys.executable, curl=curl))
            tool.chmod(0o755)
        for name in LENT:
            (folder / name).symlink_to(ROOT / name)
        (folder / "config").mkdir(exist_ok=True)
        shutil.copy(ROOT / "config/router_config.example.yaml", folder / "config")
        self._variables = {
            "PATH": f"{tools}{os.pathsep}{os.defpath}",
            "PYTHONPATH": str(ROOT),
            "HOME": str(folder),
            "LANG": "C.UTF-8",
        }

    def paste(self, shell_blocks: Sequence[Block]) -> str:
        """Run the blocks one after the other in one shell that stops at the first failure; what they printed."""
        parts = [f"echo '--- line {block.line}'\n{block.text}" for block in shell_blocks]
        return self._run(["bash", "-euo", "pipefail", "-c", "\n".join(parts)])

    def run_program(self, text: str) -> str:
        """Run a Python block as a file of its own."""
        program = self.folder / "program.py"
        program.write_text(self._here(text), encoding="utf-8")
        return self._run([sys.executable, str(program)])

    def _run(self, command: list[str]) -> str:
        done = subprocess.run(
            [self._here(word) for word in command],
            cwd=self.folder,
            env=self._variables,
            capture_output=True,
            text=True,
            timeout=BLOCK_S,
            check=False,
        )
        assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def _here(self, text: str) -> str:
        return text.replace("http://localhost:7601", self._address)
