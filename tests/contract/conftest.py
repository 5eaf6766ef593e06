"""Every store of the books, one after the other."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from smart_ai_router.adapters.memory_store import MemoryStore
from smart_ai_router.adapters.sqlite import SqliteStore
from smart_ai_router.core.store import BookStore
from tests.adapters.postgres.stores import postgres_books

OpenStore = Callable[..., BookStore]


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenStore]:
    """Open an empty store of some time zone; as many as a test wants."""
    opened: list[BookStore] = []

    def open_one(time_zone: str = "UTC") -> BookStore:
        store: BookStore
        if request.param == "memory":
            store = MemoryStore(time_zone)
        elif request.param == "postgres":
            store = stack.enter_context(postgres_books(request.getfixturevalue("postgres_server"), time_zone))
        else:
            store = SqliteStore(tmp_path / f"books{len(opened)}.db", time_zone, is_durable=False)
        opened.append(store)
        return store

    with ExitStack() as stack:
        yield open_one
        for store in opened:
            store.close()


@pytest.fixture
def store(open_store: OpenStore) -> BookStore:
    """An empty store in UTC."""
    return open_store()
