"""Making environments, from wheels on the disk: nothing here needs a network."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bootstrap.environment import Environment, EnvironmentImpossible, require_python, uv_settings
from tests.bootstrap.small_wheel import lock_of, write_wheel

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose runtime lock is one small wheel; uv is the one beside this Python."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "requirements.lock").write_text(lock_of(write_wheel(tmp_path / "wheels", "1.0")))
    (tmp_path / "requirements-uv.lock").write_text("uv==0.0.0 --hash=sha256:00\n--no-index\n")
    return tmp_path


def environment_of(root: Path) -> Environment:
    return Environment(root, ".venv", "requirements.lock")


def installed(environment: Environment) -> str:
    command = [str(environment.python), "-c", "import tiny; print(tiny.VERSION)"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_an_environment_holds_what_the_lock_names_and_is_made_once(
    root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    environment = environment_of(root)

    environment.ensure()
    environment.ensure()

    assert installed(environment) == "1.0"
    said = capfd.readouterr()
    assert said.err.count("making the environment in .venv/ from requirements.lock") == 1
    assert "the environment is ready (installed by the uv found on PATH)" in said.err
    assert said.out == ""


def test_a_changed_lock_is_followed(root: Path) -> None:
    environment = environment_of(root)
    environment.ensure()

    environment.lock.write_text(lock_of(write_wheel(root / "wheels", "2.0")))
    environment.ensure()

    assert installed(environment) == "2.0"


def test_an_interrupted_environment_is_made_anew(root: Path) -> None:
    environment = environment_of(root)
    (environment.folder / "bin").mkdir(parents=True)
    (environment.folder / "half").touch()

    environment.ensure()

    assert installed(environment) == "1.0"
    assert not (environment.folder / "half").exists()


def test_a_wheel_with_another_hash_is_refused_by_every_installer(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    environment = environment_of(root)
    environment.lock.write_text(lock_of(write_wheel(root / "wheels", "1.0"), digest="0" * 64))

    with pytest.raises(EnvironmentImpossible, match=r"tried the uv found on PATH, the pinned uv, pip"):
        environment.ensure()

    assert not environment.is_current()
    assert "hash" in capfd.readouterr().err.lower()


def test_pip_takes_over_where_uv_cannot_be_had(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    program = (
        "import sys; from pathlib import Path; from bootstrap.environment import Environment\n"
        "Environment(Path(sys.argv[1]), '.venv', 'requirements.lock').ensure()\n"
    )
    variables = {"PATH": "/nowhere", "PYTHONPATH": str(ROOT), "HOME": str(root)}

    subprocess.run([sys.executable, "-c", program, str(root)], check=True, env=variables)

    assert installed(environment_of(root)) == "1.0"
    said = capfd.readouterr().err
    assert "the pinned uv did not manage" in said
    assert "the environment is ready (installed by pip)" in said


def test_of_two_first_starts_one_works_and_one_waits(root: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from bootstrap.environment import Environment\n"
        "Environment(Path(sys.argv[1]), '.venv', 'requirements.lock').ensure()\n"
    )
    command = [sys.executable, "-c", program, str(root)]
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}

    starts = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=variables) for _ in range(2)]
    said = "".join(start.communicate()[1] for start in starts)

    assert [start.returncode for start in starts] == [0, 0]
    assert said.count("the environment is ready") == 1
    assert installed(environment_of(root)) == "1.0"


def test_python_3_11_is_enough_and_3_10_is_told_what_to_do() -> None:
    require_python((3, 11, 0))

    with pytest.raises(EnvironmentImpossible, match=r"Python 3\.11 or newer is needed, this is 3\.10\.13"):
        require_python((3, 10, 13))


def test_what_pip_is_configured_to_holds_for_uv_and_the_operators_own_words_hold_over_it() -> None:
    pip = {"index-url": "https://mirror.example/simple", "cert": "/etc/bundle.pem", "timeout": "15"}

    settings = uv_settings({"SSL_CERT_FILE": "/own.pem"}, pip)

    assert settings["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"
    assert settings["SSL_CERT_FILE"] == "/own.pem"
    assert settings["UV_PYTHON_DOWNLOADS"] == "never"
