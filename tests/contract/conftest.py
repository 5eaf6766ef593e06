"""Every store of the books, one after the other."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from smart_ai_router.adapters.memory_store import MemoryStore
from smart_ai_router.adapters.sqlite import SqliteStore
from smart_ai_router.core.store import BookStore

OpenStore = Callable[..., BookStore]


@pytest.fixture(params=["memory", "sqlite"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenStore]:
    """Open an empty store of some time zone; as many as a test wants."""
    opened: list[BookStore] = []

    def open_one(time_zone: str = "UTC") -> BookStore:
        store: BookStore
        if request.param == "memory":
            store = MemoryStore(time_zone)
        else:
            store = SqliteStore(tmp_path / f"books{len(opened)}.db", time_zone, is_durable=False)
        opened.append(store)
        return store

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: OpenStore) -> BookStore:
    """An empty store in UTC."""
    return open_store()
