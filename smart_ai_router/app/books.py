"""Opens the books of a data directory and the bookkeeper that keeps them."""

import time
from pathlib import Path

from smart_ai_router.adapters.journal_files import LogsDirectory
from smart_ai_router.adapters.sqlite.store import FILE_NAME, SqliteStore
from smart_ai_router.core.bookkeeper import Bookkeeper


def open_store(data_dir: Path, time_zone: str) -> SqliteStore:
    """The books, for writing; made if there are none. Raises StoreFailure."""
    return SqliteStore(data_dir / FILE_NAME, time_zone)


def open_bookkeeper(store: SqliteStore, logs_dir: Path) -> Bookkeeper:
    """The bookkeeper of this store and journal."""
    return Bookkeeper(store, LogsDirectory(logs_dir), time.monotonic)
