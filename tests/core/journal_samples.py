"""A logs directory, a store and their bookkeeper, for tests."""

import gzip
from collections.abc import Callable
from pathlib import Path

from smart_ai_router.adapters.journal_files import LogsDirectory
from smart_ai_router.adapters.memory_store import MemoryStore
from smart_ai_router.core.bookkeeper import Bookkeeper
from smart_ai_router.core.store import BookStore
from smart_ai_router.core.usage_pages import UsageFilter


def still() -> float:
    """A clock that stands."""
    return 0.0


class Ticking:
    """A clock that goes on by one second each time it is looked at."""

    def __init__(self) -> None:
        self._now = 0.0

    def __call__(self) -> float:
        self._now += 1.0
        return self._now


def keep(logs: Path, store: BookStore, monotonic: Callable[[], float] = still, batch_lines: int = 1000) -> Bookkeeper:
    """A bookkeeper as one process has it; a second one stands for the process after it."""
    return Bookkeeper(store, LogsDirectory(logs), monotonic, batch_lines=batch_lines)


def booked(logs: Path) -> MemoryStore:
    """A store into which everything has been booked."""
    store = MemoryStore()
    assert keep(logs, store).catch_up()
    return store


def ids(store: BookStore) -> set[str]:
    """The request ids in the books."""
    return {row.request_id for row in store.usage_page(UsageFilter(), limit=1000).rows}


def reasons(store: BookStore) -> dict[str, int]:
    """How often which problem was met."""
    counts: dict[str, int] = {}
    for each in store.problem_counts():
        counts[each.reason] = counts.get(each.reason, 0) + each.times
    return counts


def pack(live: Path, name: str | None = None) -> Path:
    """Pack a live file into the archive as the archive command does, without its care."""
    target = live.parent / "archive" / f"{name or live.name}.gz"
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(gzip.compress(live.read_bytes(), mtime=0))
    live.unlink()
    return target
