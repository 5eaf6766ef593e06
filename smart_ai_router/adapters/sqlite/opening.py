"""Opening the database: its lock, its settings, its health, its migrations.

WAL with `synchronous=FULL`: a committed batch survives a power cut. The SQLite inside Python 3.11 carries a bug that
can corrupt a WAL database (fixed in 3.51.3), which is why this room uses apsw and refuses an older library.
"""

import fcntl
import os
import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final

import apsw

from smart_ai_router.core.store import StoreCorrupt, StoreFailure, StoreLocked, StoreTooNew, StoreUnavailable

SQLITE_MIN: Final = (3, 51, 3)
PAGE_CACHE_KIB: Final = 64 * 1024
READER_CACHE_KIB: Final = 16 * 1024
BUSY_MS: Final = 5000
WAL_PAGES: Final = 4000  # 16 MiB between checkpoints: a page that is written often is copied back once
WAL_BYTES_KEPT: Final = 64 * 1024 * 1024  # a log that readers made grow is cut to this
WHOLE_CHECK_BYTES_MAX: Final = 256 * 1024 * 1024  # about half a second; larger files are checked table by table
BIG_TABLES: Final = frozenset(("usage", "user_cube_day"))  # provable against the journal; too big for every start

_MIGRATION: Final = re.compile(r"([0-9]{4})_[a-z_]+\.sql")


class SqliteTooOld(StoreFailure):
    """The SQLite library carries a bug that can corrupt the books."""


def migrations() -> list[str]:
    """The numbered migrations in order; the first brings an empty database to version 1."""
    folder = files("smart_ai_router.adapters.sqlite") / "migrations"
    found = {}
    for entry in folder.iterdir():
        match = _MIGRATION.fullmatch(entry.name)
        if match:
            found[int(match[1])] = entry.read_text(encoding="utf-8")
    assert sorted(found) == list(range(1, len(found) + 1)), "migrations are numbered without gaps"
    return [found[number] for number in sorted(found)]


class BooksLock:
    """One writer for one file, for as long as this object is not closed; the kernel gives it back after a kill."""

    def __init__(self, path: Path) -> None:
        """Raises StoreLocked at once when another process holds it."""
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            raise StoreLocked(f"{path.parent} is in use by another process; stop it first") from error

    def close(self) -> None:
        os.close(self._descriptor)


def connect_writer(path: Path, is_durable: bool = True) -> apsw.Connection:
    """The one connection that writes; checks the file and brings it to this version. Raises StoreFailure."""
    _require_library()
    try:
        connection = apsw.Connection(str(path))
        path.chmod(0o600)
        connection.set_busy_timeout(BUSY_MS)
        check_health(connection, path)
        _set_up(connection, is_durable)
        migrate(connection, path, migrations())
    except apsw.Error as error:
        raise failure_of(error, path) from error
    return connection


def connect_reader(path: Path) -> apsw.Connection:
    """A connection that only reads; raises StoreFailure."""
    _require_library()
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        connection.set_busy_timeout(BUSY_MS)
        connection.execute(f"PRAGMA cache_size=-{READER_CACHE_KIB}; PRAGMA temp_store=MEMORY; PRAGMA query_only=ON")
        version = schema_version(connection)
    except apsw.Error as error:
        raise failure_of(error, path) from error
    if version != len(migrations()):
        raise StoreTooNew(f"{path} is of schema {version}, this router reads {len(migrations())}; start it once")
    return connection


def check_health(connection: apsw.Connection, path: Path) -> None:
    """Raise StoreCorrupt for a damaged file. Of a big one, the tables that can be proven otherwise are left out."""
    if path.stat().st_size <= WHOLE_CHECK_BYTES_MAX:
        checks = ["PRAGMA quick_check(1)"]
    else:
        tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*'")
        checks = [f"PRAGMA quick_check('{name}')" for (name,) in tables if name not in BIG_TABLES]
    for check in checks:
        for (finding,) in connection.execute(check):
            if finding != "ok":
                raise StoreCorrupt(_repair(path, str(finding)))


def migrate(connection: apsw.Connection, path: Path, steps: Sequence[str]) -> None:
    """Apply the missing migrations, each whole or not at all; raises StoreTooNew."""
    version = schema_version(connection)
    if version > len(steps):
        raise StoreTooNew(f"{path} is of schema {version}, this router knows {len(steps)}; use the newer router")
    for number, step in enumerate(steps[version:], start=version + 1):
        with connection:
            connection.execute(step)
            connection.execute(f"PRAGMA user_version={number}")


def schema_version(connection: apsw.Connection) -> int:
    """How many migrations a database has seen."""
    version = connection.execute("PRAGMA user_version").get
    assert isinstance(version, int)
    return version


def failure_of(error: apsw.Error, path: Path) -> StoreFailure:
    """The store's own words for what SQLite says."""
    if isinstance(error, apsw.CorruptError | apsw.NotADBError):
        return StoreCorrupt(_repair(path, str(error)))
    return StoreUnavailable(f"{path}: {error}")


def _repair(path: Path, finding: str) -> str:
    return f"{path} is damaged ({' '.join(finding.split())}); `rebuild` makes it anew from the journal"


def _require_library() -> None:
    version = tuple(int(part) for part in apsw.sqlite_lib_version().split("."))
    if version < SQLITE_MIN:
        raise SqliteTooOld(f"SQLite {apsw.sqlite_lib_version()} can corrupt the books; install apsw 3.51.3 or later")


def _set_up(connection: apsw.Connection, is_durable: bool) -> None:
    connection.execute(
        f"PRAGMA journal_mode=WAL; PRAGMA synchronous={'FULL' if is_durable else 'OFF'};"
        f"PRAGMA cache_size=-{PAGE_CACHE_KIB}; PRAGMA temp_store=MEMORY;"
        f"PRAGMA wal_autocheckpoint={WAL_PAGES}; PRAGMA journal_size_limit={WAL_BYTES_KEPT}; PRAGMA foreign_keys=ON"
    )
