"""Books made anew, put in the place of the old ones in one step.

The new file is written beside the old one. What neither the journal nor the actions file holds (accounts, settings) is
carried over. A write-ahead log belongs to one database file and would spoil another, so both files are brought to a
state without one before the new file takes the old one's name. A damaged old file is set aside under another name.
"""
# ruff: noqa: S608 - names of tables come from this package

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import apsw

from smart_ai_router.adapters.sqlite.opening import BooksLock, connect_writer, failure_of
from smart_ai_router.adapters.sqlite.store import SqliteStore
from smart_ai_router.core.rollups import ATTEMPT_ROLLUPS, ROLLUPS
from smart_ai_router.core.store import StoreCorrupt, StoreLocked

DERIVED_TABLES: Final = frozenset(
    (
        # from the actions file
        "account",
        "action",
        "administrator",
        "api_key",
        "api_user",
        "audit",
        "price_version",
        # from the journal
        "books",
        "entry",
        "holder",
        "lease",
        "ledger_setting",
        "transfer",
        "usage_entry",
        "channel_name",
        "dim",
        "foreign_id",
        "journal_file",
        "journal_problem",
        "journal_problem_count",
        "profile",
        "usage",
        *(rollup.name for rollup in (*ROLLUPS, *ATTEMPT_ROLLUPS)),
    )
)
_COMPANIONS: Final = ("-wal", "-shm")


@contextmanager
def replacement(path: Path, time_zone: str) -> Iterator[SqliteStore]:
    """An empty store that takes the place of `path` when the block ends without an error.

    Raises StoreLocked when somebody else uses the old books.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = BooksLock(path.with_suffix(".lock"))
    new_path = path.with_name(f"{path.stem}.rebuilding{path.suffix}")
    try:
        _remove(new_path)
        store = SqliteStore(new_path, time_zone, is_durable=False)
        try:
            yield store
            store.close()
            _put_in_place(new_path, path)
        finally:
            store.close()
            _remove(new_path)
    finally:
        lock.close()


def carried_tables(connection: apsw.Connection) -> list[str]:
    """The tables that no line of the journal and no action makes."""
    tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*'")
    return sorted(name for (name,) in tables if name not in DERIVED_TABLES)


def _put_in_place(new_path: Path, path: Path) -> None:
    if path.exists():
        try:
            _carry_over(path, new_path)
        except StoreCorrupt:
            _set_aside(path)
    _without_log(new_path)
    _sync(new_path)
    new_path.replace(path)
    _sync(path.parent)


def _carry_over(path: Path, new_path: Path) -> None:
    """Copy what is not made anew; the old file is left without a log."""
    connect_writer(path).close()  # checks it, and brings an older one to this version
    _without_log(path)
    try:
        connection = apsw.Connection(str(new_path))
        try:
            connection.execute("ATTACH ? AS old", (str(path),))
            with connection:
                for table in carried_tables(connection):
                    connection.execute(f"INSERT INTO main.{table} SELECT * FROM old.{table}")
        finally:
            connection.close()
    except apsw.Error as error:
        raise failure_of(error, path) from error


def _without_log(path: Path) -> None:
    connection = apsw.Connection(str(path))
    try:
        mode = connection.execute("PRAGMA journal_mode=DELETE").get
    except apsw.BusyError as error:
        raise StoreLocked(f"{path} is being read by another process; try again when that is over") from error
    finally:
        connection.close()
    if mode != "delete":
        raise StoreLocked(f"{path} is being read by another process; try again when that is over")


def _set_aside(path: Path) -> None:
    aside = next(
        candidate
        for number in range(1, 10_000)
        if not (candidate := path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")).exists()
    )
    for companion in ("", *_COMPANIONS):
        with suppress(FileNotFoundError):
            Path(f"{path}{companion}").replace(f"{aside}{companion}")


def _remove(path: Path) -> None:
    for companion in ("", *_COMPANIONS):
        Path(f"{path}{companion}").unlink(missing_ok=True)
    path.with_suffix(".lock").unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
