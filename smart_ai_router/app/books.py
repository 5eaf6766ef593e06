"""Opens the books of a data directory and the bookkeeper that keeps them; makes them anew, proves them."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from smart_ai_router.adapters.action_file import ActionFile
from smart_ai_router.adapters.journal_files import LogsDirectory
from smart_ai_router.adapters.sqlite.replacing import replacement
from smart_ai_router.adapters.sqlite.store import FILE_NAME, SqliteStore
from smart_ai_router.core import verification
from smart_ai_router.core.action_verification import verify_actions
from smart_ai_router.core.actions import Action
from smart_ai_router.core.administration import ActionsDiverge, read_actions, restore_lost
from smart_ai_router.core.bookkeeper import Bookkeeper
from smart_ai_router.core.store import StoreFailure
from smart_ai_router.core.verification import Progress, RebuildReport, VerificationReport
from smart_ai_router.domain.pricing import PriceVersion


class Rebuilt(NamedTuple):
    """What making the books anew came to."""

    books: RebuildReport
    actions: int


def open_store(data_dir: Path, time_zone: str) -> SqliteStore:
    """The books, for writing; made if there are none. Raises StoreFailure."""
    return SqliteStore(data_dir / FILE_NAME, time_zone)


def open_bookkeeper(store: SqliteStore, logs_dir: Path) -> Bookkeeper:
    """The bookkeeper of this store and journal."""
    return Bookkeeper(store, LogsDirectory(logs_dir), time.monotonic)


def stored_prices(data_dir: Path) -> tuple[PriceVersion, ...]:
    """Prices that were set by hand, read beside whoever keeps the books. Raises StoreFailure."""
    path = data_dir / FILE_NAME
    if not path.exists():
        return ()
    with closing(SqliteStore.read_only(path)) as store:
        return store.administration.state().prices


def rebuild_books(data_dir: Path, logs_dir: Path, time_zone: str, progress: Progress | None = None) -> Rebuilt:
    """Make the books anew from the journal and the actions file. Raises StoreFailure, ActionsUnwritable.

    Actions that only the old books have are written into the file first, so that nothing is lost that stands in
    either of the two.
    """
    log, path = ActionFile(data_dir), data_dir / FILE_NAME
    standing, _ = read_actions(log)
    if path.exists() and _restore(path, log, standing):
        standing, _ = read_actions(log)
    actions = list(standing.values())
    replaced = _with_actions(replacement(path, time_zone), actions)
    report = verification.rebuild(replaced, LogsDirectory(logs_dir), progress)
    return Rebuilt(report, len(actions))


def verify_books(data_dir: Path, logs_dir: Path, progress: Progress | None = None) -> VerificationReport:
    """Hold the books against the journal and the actions file. Raises StoreFailure, ActionsUnwritable."""
    with closing(SqliteStore.read_only(data_dir / FILE_NAME)) as store:
        report = verification.verify(store, LogsDirectory(logs_dir), progress)
        verify_actions(report, ActionFile(data_dir), store.administration)
    return report


def _restore(path: Path, log: ActionFile, standing: dict[int, Action]) -> int:
    try:
        with closing(SqliteStore.read_only(path)) as store:
            return restore_lost(store.administration, log, standing)
    except ActionsDiverge:
        raise
    except StoreFailure:
        return 0  # damaged, or of a version that knew no actions: the file has all there is


@contextmanager
def _with_actions(replaced: AbstractContextManager[SqliteStore], actions: list[Action]) -> Iterator[SqliteStore]:
    with replaced as store:
        store.administration.apply(actions)
        yield store
