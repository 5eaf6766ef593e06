"""Where the books are kept, by the setting."""

from pathlib import Path
from types import ModuleType

import pytest

from smart_ai_router.app.books import open_store, stored_prices
from smart_ai_router.app.engines import DriverMissing, PostgresEngine, engine_at


def without_driver(name: str) -> ModuleType:
    raise ModuleNotFoundError("No module named 'asyncpg'", name="asyncpg")


def without_another(name: str) -> ModuleType:
    raise ModuleNotFoundError("No module named 'no_such_module'", name="no_such_module")


def test_without_a_setting_the_books_are_a_file_of_the_data_directory(tmp_path: Path) -> None:
    engine = engine_at(tmp_path, None)

    assert engine.place == str(tmp_path / "books.db")
    assert not engine.exists()
    open_store(tmp_path, "UTC").close()
    assert engine.exists()
    assert engine.other_hosts() == frozenset()
    assert stored_prices(tmp_path) == ()


def test_another_file_may_be_named(tmp_path: Path) -> None:
    open_store(tmp_path, "UTC", f"sqlite:///{tmp_path}/elsewhere/usage.db").close()

    assert (tmp_path / "elsewhere" / "usage.db").exists()


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_an_address_of_postgresql_is_shown_without_its_password(tmp_path: Path, scheme: str) -> None:
    engine = engine_at(tmp_path, f"{scheme}://router:secret@db.example.com/router")

    assert engine.place == "PostgreSQL at db.example.com, database router"


def test_a_missing_driver_is_named_with_what_installs_it(tmp_path: Path) -> None:
    with pytest.raises(DriverMissing, match=r'pip install "smart-ai-router\[postgres\]"'):
        PostgresEngine("postgresql://db/router", tmp_path, without_driver)


def test_another_missing_module_is_our_mistake(tmp_path: Path) -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        PostgresEngine("postgresql://db/router", tmp_path, without_another)
