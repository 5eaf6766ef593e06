"""`python main.py` in a checkout of its own, from another folder, with a package that only says what it was given."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bootstrap.small_wheel import lock_of, write_wheel
from tests.tidy.python_source import ROOT

PACKAGE = """\
import json, os, sys
import tiny
print(json.dumps({"tiny": tiny.VERSION, "arguments": sys.argv[1:], "folder": os.getcwd(), "pid": os.getpid()}))
sys.exit(3 if "fail" in sys.argv else 0)
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "check out"
    root.mkdir()
    shutil.copy(ROOT / "main.py", root)
    shutil.copytree(ROOT / "bootstrap", root / "bootstrap", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "requirements.lock").write_text(lock_of(write_wheel(tmp_path / "wheels", "1.0")))
    (root / "smart_ai_router").mkdir()
    (root / "smart_ai_router" / "__init__.py").touch()
    (root / "smart_ai_router" / "__main__.py").write_text(PACKAGE)
    return root


def start(checkout: Path, folder: Path, *arguments: str) -> tuple[subprocess.Popen[str], str, str]:
    command = [sys.executable, str(checkout / "main.py"), *arguments]
    process = subprocess.Popen(command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = process.communicate(timeout=60)
    return process, out, err


def test_m1_01_a_first_start_makes_everything_and_a_second_one_only_starts(checkout: Path, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "tiny.py").write_text("VERSION = 'from the wrong folder'\n")

    first, out, err = start(checkout, folder, "verify", "--json", "a b")
    second, again, silence = start(checkout, folder, "verify", "--json", "a b")

    expected = f'{{"tiny": "1.0", "arguments": ["verify", "--json", "a b"], "folder": "{folder}", "pid": %d}}\n'
    assert (first.returncode, out) == (0, expected % first.pid)  # one process from start to end: signals reach it
    assert "making the environment" in err
    assert (second.returncode, again, silence) == (0, expected % second.pid, "")


def test_the_exit_code_is_that_of_the_command(checkout: Path, tmp_path: Path) -> None:
    process, _, _ = start(checkout, tmp_path, "fail")

    assert process.returncode == 3


def test_a_start_that_cannot_make_its_environment_says_so_and_ends(checkout: Path, tmp_path: Path) -> None:
    (checkout / "requirements.lock").write_text("--no-index\nnothing==1.0 --hash=sha256:" + "0" * 64 + "\n")
    (checkout / "requirements-uv.lock").write_text("--no-index\nuv==0.0.0 --hash=sha256:" + "0" * 64 + "\n")

    process, out, err = start(checkout, tmp_path, "serve")

    assert process.returncode == 1
    assert out == ""
    assert "requirements.lock could not be installed" in err
    assert "Traceback" not in err


def test_help_of_the_set_up_lists_its_parts(checkout: Path) -> None:
    command = [sys.executable, "-m", "bootstrap"]

    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False, env=dict(os.environ))

    assert done.returncode == 2
    assert "environment" in done.stderr
    assert "lock [--upgrade]" in done.stderr
