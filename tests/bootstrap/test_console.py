"""Building the console, from sources of one line."""

import json
import shutil
from pathlib import Path

import pytest

from bootstrap.console import Console, ensure_console, node_major

needs_node = pytest.mark.skipif(shutil.which("npm") is None, reason="Node.js is not installed here")
BUILD = "node -e \"const d = process.argv[2]; fs.mkdirSync(d); fs.writeFileSync(d + '/index.html', 'WORD')\" --"


def write_sources(root: Path, build: str) -> None:
    folder = root / "console"
    folder.mkdir(exist_ok=True)
    manifest = {"name": "console", "version": "1.0.0", "scripts": {"build": build}}
    (folder / "package.json").write_text(json.dumps(manifest))
    lock = {"name": "console", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": manifest}}
    (folder / "package-lock.json").write_text(json.dumps(lock))
    (root / "smart_ai_router").mkdir(exist_ok=True)
    (root / "requirements-node.lock").touch()


def test_a_checkout_without_a_console_builds_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    ensure_console(tmp_path)

    assert capfd.readouterr() == ("", "")


@needs_node
def test_a_console_is_built_once_and_again_after_a_change(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_sources(tmp_path, BUILD.replace("WORD", "first"))
    page = tmp_path / "smart_ai_router" / "console_dist" / "index.html"

    ensure_console(tmp_path)
    ensure_console(tmp_path)
    assert page.read_text() == "first"
    assert capfd.readouterr().err.count("the console is built") == 1

    write_sources(tmp_path, BUILD.replace("WORD", "second"))
    ensure_console(tmp_path)
    assert page.read_text() == "second"


@needs_node
def test_a_build_that_fails_is_told_leaves_the_former_one_and_is_not_tried_at_every_start(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_sources(tmp_path, BUILD.replace("WORD", "first"))
    ensure_console(tmp_path)
    write_sources(tmp_path, "node -e \"console.error('no such component'); process.exit(3)\" --")
    capfd.readouterr()

    ensure_console(tmp_path)
    first = capfd.readouterr().err
    ensure_console(tmp_path)
    second = capfd.readouterr().err

    assert "the console could not be built; the gateway starts without it" in first
    assert "no such component" in first
    assert "python -m bootstrap console" in first
    assert "the last try failed" in second
    assert (tmp_path / "smart_ai_router" / "console_dist" / "index.html").read_text() == "first"


def test_a_failure_is_remembered_for_an_hour_and_for_the_same_sources(tmp_path: Path) -> None:
    write_sources(tmp_path, "first")
    console = Console(tmp_path)

    console.note_failure(now=1000.0)

    assert console.failed_lately(now=1000.0)
    assert console.failed_lately(now=4599.9)
    assert not console.failed_lately(now=4600.0)
    assert not console.failed_lately(now=999.0)  # the clock was set back: rather try once too often
    write_sources(tmp_path, "second")
    assert not console.failed_lately(now=1000.0)


@pytest.mark.parametrize(("said", "major"), [("v20.20.2", 20), ("v8.1.0", 8), ("not a version", 0)])
def test_the_version_of_node_is_asked(tmp_path: Path, said: str, major: int) -> None:
    program = tmp_path / "node"
    program.write_text(f"#!/bin/sh\necho {said}\n")
    program.chmod(0o755)

    assert node_major(program) == major


def test_a_node_that_is_not_there_has_no_version(tmp_path: Path) -> None:
    assert node_major(tmp_path / "node") == 0


@needs_node
def test_the_packages_are_put_in_place_once_for_each_lock(tmp_path: Path) -> None:
    write_sources(tmp_path, "first")
    console = Console(tmp_path)
    placed = tmp_path / "console" / "node_modules" / "by_hand"

    console.install()
    placed.touch()
    console.install()
    assert placed.exists()  # nothing was done

    console.install(with_checks=True)
    assert not placed.exists()  # those that lint and test were missing
    placed.touch()
    console.install()
    console.install(with_checks=True)
    assert placed.exists()  # all are there, so those for a build are too

    write_sources(tmp_path, "second")
    console.install()
    assert not placed.exists()  # another lock


def test_a_change_of_the_consoles_tests_is_no_reason_to_build(tmp_path: Path) -> None:
    write_sources(tmp_path, "first")
    before = Console(tmp_path).source_hash()

    (tmp_path / "console" / "tests").mkdir()
    (tmp_path / "console" / "tests" / "money.test.ts").touch()

    assert Console(tmp_path).source_hash() == before
