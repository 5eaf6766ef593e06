"""Where the books are kept: in a SQLite file of the data directory, or in PostgreSQL, as `storage.url` says."""

import importlib
from collections.abc import Callable, Set
from contextlib import AbstractContextManager
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Protocol

from smart_ai_router.adapters.sqlite.replacing import replacement
from smart_ai_router.adapters.sqlite.store import FILE_NAME, SqliteStore
from smart_ai_router.core.administration import AdministrationStore
from smart_ai_router.core.sessions import SessionStore
from smart_ai_router.core.store import BookStore, StoreFailure

SQLITE: Final = "sqlite:///"

Load = Callable[[str], ModuleType]


class DriverMissing(StoreFailure):
    """PostgreSQL is asked for, and the package that speaks to it is not installed."""


class Books(BookStore, Protocol):
    """A store with all its sides."""

    @property
    def administration(self) -> AdministrationStore: ...

    @property
    def sessions(self) -> SessionStore: ...

    def for_host(self, host: str) -> "Books":
        """The same books, for posting the journal of another host. Raises StoreFailure."""


class Engine(Protocol):
    """One place for books. Every method raises StoreFailure."""

    @property
    def place(self) -> str:
        """For messages, without secrets."""

    def exists(self) -> bool:
        """Whether there are any."""

    def other_hosts(self) -> Set[str]:
        """The hosts beside this one whose calls stand in the books."""

    def open(self, time_zone: str) -> Books:
        """The books, for writing; made if there are none."""

    def read(self) -> Books:
        """The books, beside whoever writes them."""

    def replacement(self, time_zone: str) -> AbstractContextManager[Books]:
        """Empty books that take the place of these when the context is left without an error."""


class SqliteEngine:
    """Implements `Engine`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def place(self) -> str:
        return str(self._path)

    def exists(self) -> bool:
        return self._path.exists()

    def other_hosts(self) -> Set[str]:
        return frozenset()

    def open(self, time_zone: str) -> SqliteStore:
        return SqliteStore(self._path, time_zone)

    def read(self) -> SqliteStore:
        return SqliteStore.read_only(self._path)

    def replacement(self, time_zone: str) -> AbstractContextManager[SqliteStore]:
        return replacement(self._path, time_zone)


class PostgresEngine:
    """Implements `Engine`. The modules are loaded here, because their driver need not be installed."""

    def __init__(self, url: str, data_dir: Path, load: Load = importlib.import_module) -> None:
        """Raises DriverMissing."""
        self._url = url
        self._data_dir = data_dir
        self._modules = {name: _loaded(name, load) for name in ("driver", "hosts", "opening", "replacing", "store")}

    @property
    def place(self) -> str:
        return str(self._modules["driver"].shown(self._url))

    def exists(self) -> bool:
        return bool(self._modules["opening"].has_books(self._url))

    def other_hosts(self) -> Set[str]:
        found: frozenset[str] = self._modules["opening"].hosts(self._url) if self.exists() else frozenset()
        return found - {self._host()}

    def open(self, time_zone: str) -> Books:
        books: Books = self._modules["store"].PostgresStore(self._url, time_zone, self._host())
        return books

    def read(self) -> Books:
        books: Books = self._modules["store"].PostgresStore.read_only(self._url)
        return books

    def replacement(self, time_zone: str) -> AbstractContextManager[Books]:
        made: AbstractContextManager[Books] = self._modules["replacing"].replacement(self._url, time_zone, self._host())
        return made

    def _host(self) -> str:
        return str(self._modules["hosts"].host_id(self._data_dir))


def engine_at(data_dir: Path, url: str | None) -> Engine:
    """Where the books of a configuration are; raises DriverMissing."""
    if url is None:
        return SqliteEngine(data_dir / FILE_NAME)
    if url.startswith(SQLITE):
        return SqliteEngine(Path(url.removeprefix(SQLITE)))
    return PostgresEngine(url, data_dir)


def _loaded(name: str, load: Load) -> Any:
    try:
        return load(f"smart_ai_router.adapters.postgres.{name}")
    except ModuleNotFoundError as error:
        if error.name != "asyncpg":
            raise
        raise DriverMissing(
            "storage.url names PostgreSQL, and the package asyncpg is not installed:"
            ' run `pip install "smart-ai-router[postgres]"`'
        ) from error
