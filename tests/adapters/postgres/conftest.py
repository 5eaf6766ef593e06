"""A schema for each test, and hosts that post into it."""

from collections.abc import Callable, Iterator

import pytest

from smart_ai_router.adapters.postgres.store import PostgresStore
from tests.adapters.postgres.stores import fresh_schema
from tests.postgres_server import PostgresServer

OpenHost = Callable[..., PostgresStore]


@pytest.fixture
def schema(postgres_server: PostgresServer) -> Iterator[str]:
    """One that holds no books, or empty ones."""
    with fresh_schema(postgres_server) as name:
        yield name


@pytest.fixture
def open_host(postgres_server: PostgresServer, schema: str) -> Iterator[OpenHost]:
    """Open the books for a host; as many as a test wants, closed in the end."""
    opened: list[PostgresStore] = []

    def open_one(host: str = "host-a", time_zone: str = "UTC", url: str | None = None) -> PostgresStore:
        opened.append(PostgresStore(url or postgres_server.url, time_zone, host, schema=schema))
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()
