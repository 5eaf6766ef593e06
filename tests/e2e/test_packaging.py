"""Wheel and sdist: they build, they carry what they must, and an installed wheel runs in an environment of its own.

The environment gets exactly the distributions of requirements.lock, linked from where these tests run: a module that
only the development tools bring would be missing. Nothing is downloaded.
"""

import importlib.metadata
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.tidy.dependency_checks import pins
from tests.tidy.python_source import ROOT, project_files


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that are tracked or would be, in a folder that nobody else writes to."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in project_files():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    built = ROOT / "smart_ai_router" / "console_dist"
    if built.exists():
        shutil.copytree(built, folder / "smart_ai_router" / "console_dist")
    return folder


@pytest.fixture(scope="module")
def built(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The wheel and the sdist; the wheel is made from the sdist, as an installer without a wheel would."""
    folder = tmp_path_factory.mktemp("dist")
    # What belongs to the release but needs Node is tried by the console's own tests.
    variables = {**os.environ, "SMART_AI_ROUTER_CONSOLE_BUILD": "off"}
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(checkout)]
    subprocess.run(command, check=True, capture_output=True, env=variables)
    (wheel,) = folder.glob("*.whl")
    (sdist,) = folder.glob("*.tar.gz")
    return wheel, sdist


@pytest.fixture(scope="module")
def installed(built: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of a fresh environment with the runtime lock and the wheel."""
    environment = tmp_path_factory.mktemp("installed") / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    for name in pins((ROOT / "requirements.lock").read_text()):
        link_distribution(name, packages)
    python = environment / "bin" / "python"
    command = ["uv", "pip", "install", "--offline", "--no-deps", "--no-index", "--python", str(python), str(built[0])]
    subprocess.run(command, check=True, capture_output=True)
    return environment / "bin"


def link_distribution(name: str, packages: Path) -> None:
    try:
        distribution = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return  # locked for another platform
    for path in distribution.files or []:
        source = Path(str(distribution.locate_file(path)))
        if ".." in path.parts or path.suffix == ".pyc" or not source.exists():
            continue
        target = packages / str(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(source)


def test_the_wheel_holds_the_package_and_nothing_else(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[0]) as wheel:
        names = wheel.namelist()
        metadata = wheel.read(next(name for name in names if name.endswith("/METADATA"))).decode()

    assert {name.split("/")[0] for name in names} == {"smart_ai_router", "smart_ai_router-0.1.0.dist-info"}
    assert "smart_ai_router/core/utils/usage_tracker.py" in names
    assert any(name.startswith("smart_ai_router/config/price_book_data/") for name in names)
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    assert "License-Expression: MIT" in metadata
    assert built[0].stat().st_size < 10_000_000


def test_the_sdist_holds_what_a_checkout_needs(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[1]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}

    assert {"main.py", "test.py", "requirements.lock", "bootstrap/start.py", "LICENSE", "pyproject.toml"} <= names
    assert not any(name.startswith((".git/", ".venv", ".cache", "data/", "logs/")) for name in names)


@pytest.mark.parametrize("command", [["smart-ai-router"], ["python", "-P", "-m", "smart_ai_router"]])
def test_the_installed_command_shows_its_help(installed: Path, tmp_path: Path, command: list[str]) -> None:
    done = run(installed, tmp_path, *command, "--help")

    assert done.returncode == 0, done.stderr
    assert "serve" in done.stdout


def test_the_installed_package_finds_all_it_imports_and_its_data(installed: Path, tmp_path: Path) -> None:
    done = run(installed, tmp_path, "smart-ai-router", "config", "check")

    assert done.returncode == 0, done.stderr
    assert "usable" in done.stdout


def test_every_module_of_the_installed_package_can_be_imported(installed: Path, tmp_path: Path) -> None:
    program = (
        "import importlib, pkgutil, smart_ai_router\n"
        "for module in pkgutil.walk_packages(smart_ai_router.__path__, 'smart_ai_router.'):\n"
        "    if not module.name.endswith('__main__'):\n"
        "        importlib.import_module(module.name)\n"
        "print(smart_ai_router.__file__)\n"
    )

    done = run(installed, tmp_path, "python", "-P", "-c", program)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(installed.parent))


def run(installed: Path, folder: Path, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(installed / name), *arguments]
    return subprocess.run(command, cwd=folder, env={"PATH": os.defpath}, capture_output=True, text=True, check=False)
