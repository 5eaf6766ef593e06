"""Opens the books of a data directory and the bookkeeper that keeps them; makes them anew, proves them."""

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from smart_ai_router.adapters.action_file import ActionFile
from smart_ai_router.adapters.journal_files import LogsDirectory
from smart_ai_router.adapters.several_journals import SeveralJournals
from smart_ai_router.app.engines import Books, Engine, engine_at
from smart_ai_router.core import verification
from smart_ai_router.core.action_verification import verify_actions
from smart_ai_router.core.actions import Action
from smart_ai_router.core.administration import ActionsDiverge, read_actions, restore_lost
from smart_ai_router.core.bookkeeper import Bookkeeper
from smart_ai_router.core.journal_source import JournalFiles
from smart_ai_router.core.store import StoreFailure
from smart_ai_router.core.verification import Progress, RebuildReport
from smart_ai_router.core.verification_report import VerificationReport
from smart_ai_router.domain.pricing import PriceVersion

Journals = Mapping[str, Path]  # host to its logs directory
NO_OTHERS: Final[Journals] = MappingProxyType({})


class Rebuilt(NamedTuple):
    """What making the books anew came to."""

    books: RebuildReport
    actions: int


def open_store(data_dir: Path, time_zone: str, url: str | None = None) -> Books:
    """The books, for writing; made if there are none. `url` is `storage.url`. Raises StoreFailure."""
    return engine_at(data_dir, url).open(time_zone)


def open_bookkeeper(store: Books, logs_dir: Path) -> Bookkeeper:
    """The bookkeeper of this store and journal."""
    return Bookkeeper(store, LogsDirectory(logs_dir), time.monotonic)


def stored_prices(data_dir: Path, url: str | None = None) -> tuple[PriceVersion, ...]:
    """Prices that were set by hand, read beside whoever keeps the books. Raises StoreFailure."""
    engine = engine_at(data_dir, url)
    if not engine.exists():
        return ()
    with closing(engine.read()) as store:
        return store.administration.state().prices


def rebuild_books(
    data_dir: Path,
    logs_dir: Path,
    time_zone: str,
    progress: Progress | None = None,
    *,
    url: str | None = None,
    others: Journals = NO_OTHERS,
) -> Rebuilt:
    """Make the books anew from the journal and the actions file. Raises StoreFailure, ActionsUnwritable.

    Actions that only the old books have are written into the file first, so that nothing is lost that stands in
    either of the two. `others` are the journals of other hosts that post into the same books.
    """
    log, engine = ActionFile(data_dir), engine_at(data_dir, url)
    standing, _ = read_actions(log)
    if engine.exists() and _restore(engine, log, standing):
        standing, _ = read_actions(log)
    actions = list(standing.values())
    _require_journals(engine, others)
    replaced = _with_others(_with_actions(engine.replacement(time_zone), actions), others)
    report = verification.rebuild(replaced, LogsDirectory(logs_dir), progress)
    return Rebuilt(report, len(actions))


def verify_books(
    data_dir: Path,
    logs_dir: Path,
    progress: Progress | None = None,
    *,
    url: str | None = None,
    others: Journals = NO_OTHERS,
) -> VerificationReport:
    """Hold the books against the journal and the actions file. Raises StoreFailure, ActionsUnwritable.

    `others` are the journals of other hosts that post into the same books.
    """
    engine = engine_at(data_dir, url)
    _require_journals(engine, others)
    journals: dict[str, JournalFiles] = {host: LogsDirectory(path) for host, path in others.items()}
    journal = SeveralJournals({"": LogsDirectory(logs_dir)} | journals) if others else LogsDirectory(logs_dir)
    with closing(engine.read()) as store:
        report = verification.verify(store, journal, progress)
        verify_actions(report, ActionFile(data_dir), store.administration)
    return report


def _require_journals(engine: Engine, others: Journals) -> None:
    """A proof, or new books, without the journal of a host would miss its calls."""
    missing = sorted(engine.other_hosts() - others.keys())
    if missing:
        raise StoreFailure(
            f"{engine.place} holds calls of {', '.join(missing)} as well: name the directory with that host's journal,"
            f" a mount or a copy, with --logs-of {missing[0]}=DIR"
        )


@contextmanager
def _with_others(replaced: AbstractContextManager[Books], others: Journals) -> Iterator[Books]:
    """Books that hold the journals of other hosts already."""
    with replaced as store:
        for host, logs_dir in others.items():
            with closing(store.for_host(host)) as posting:
                open_bookkeeper(posting, logs_dir).catch_up()
        yield store


def _restore(engine: Engine, log: ActionFile, standing: dict[int, Action]) -> int:
    try:
        with closing(engine.read()) as store:
            return restore_lost(store.administration, log, standing)
    except ActionsDiverge:
        raise
    except StoreFailure:
        return 0  # damaged, or of a version that knew no actions: the file has all there is


@contextmanager
def _with_actions(replaced: AbstractContextManager[Books], actions: list[Action]) -> Iterator[Books]:
    with replaced as store:
        store.administration.apply(actions)
        yield store
