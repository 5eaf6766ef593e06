"""Is an environment or a console build what its files ask for?"""

from pathlib import Path

import pytest

from bootstrap.stamps import console_is_fresh, environment_is_current, source_hash, wanted_stamp
from bootstrap.start import starts_the_router


@pytest.fixture
def environment(tmp_path: Path) -> tuple[str, str]:
    """A folder with an interpreter and the stamp of its lock."""
    folder, lock = tmp_path / "environment", tmp_path / "a.lock"
    (folder / "bin").mkdir(parents=True)
    (tmp_path / "python3.11").touch()
    (folder / "bin" / "python").symlink_to(tmp_path / "python3.11")
    lock.write_text("click==8.5.1\n")
    (folder / "stamp").write_bytes(wanted_stamp(str(folder), str(lock)))
    return str(folder), str(lock)


def test_a_stamped_environment_is_current(environment: tuple[str, str]) -> None:
    assert environment_is_current(*environment)


def test_without_a_stamp_it_is_not(environment: tuple[str, str]) -> None:
    Path(environment[0], "stamp").unlink()

    assert not environment_is_current(*environment)


def test_after_a_change_of_the_lock_it_is_not(environment: tuple[str, str]) -> None:
    Path(environment[1]).write_text("click==8.5.2\n")

    assert not environment_is_current(*environment)


def test_without_the_lock_it_is_not(environment: tuple[str, str]) -> None:
    Path(environment[1]).unlink()

    assert not environment_is_current(*environment)


def test_after_an_upgrade_of_the_interpreter_behind_it_it_is_not(environment: tuple[str, str], tmp_path: Path) -> None:
    link = Path(environment[0], "bin", "python")
    (tmp_path / "python3.12").touch()
    link.unlink()
    link.symlink_to(tmp_path / "python3.12")

    assert not environment_is_current(*environment)


def test_a_checkout_without_a_console_has_nothing_to_build(tmp_path: Path) -> None:
    assert console_is_fresh(str(tmp_path / "console"), str(tmp_path / "built"))


def test_a_console_is_fresh_until_a_source_changes(tmp_path: Path) -> None:
    sources, built = tmp_path / "console", tmp_path / "built"
    (sources / "src").mkdir(parents=True)
    built.mkdir()
    (sources / "package.json").write_text("{}")
    assert not console_is_fresh(str(sources), str(built))

    (built / "SOURCE_HASH").write_text(source_hash(str(sources)))
    assert console_is_fresh(str(sources), str(built))

    (sources / "node_modules").mkdir()
    (sources / "node_modules" / "vue.js").touch()
    assert console_is_fresh(str(sources), str(built))

    (sources / "src" / "main.ts").touch()
    assert not console_is_fresh(str(sources), str(built))


@pytest.mark.parametrize(
    ("arguments", "starts"),
    [
        ([], True),
        (["serve"], True),
        (["serve", "--port", "8000"], True),
        (["--port", "8000"], True),
        (["--help"], False),
        (["serve", "-h"], False),
        (["--version"], False),
        (["verify"], False),
        (["prices", "list"], False),
    ],
)
def test_only_a_start_of_the_router_needs_the_console(arguments: list[str], starts: bool) -> None:
    assert starts_the_router(arguments) is starts
