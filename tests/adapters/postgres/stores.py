"""Empty books in PostgreSQL for one test."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count

from smart_ai_router.adapters.postgres.opening import connect_owner
from smart_ai_router.adapters.postgres.store import PostgresStore
from tests.postgres_server import PostgresServer

HOST = "host-a"

_numbers = count(1)
_free: dict[int, list[str]] = {}  # port of a server to schemas of it that nobody uses: making one costs most of a test


@contextmanager
def fresh_schema(server: PostgresServer) -> Iterator[str]:
    """The name of a schema that holds no books, or empty ones."""
    free = _free.setdefault(server.port, [])
    schema = free.pop() if free else f"books_{next(_numbers)}"
    yield schema
    empty(server, schema)
    free.append(schema)


def empty(server: PostgresServer, schema: str) -> None:
    """Remove every row of every table."""
    with closing(connect_owner(server.url, schema, "tests")) as connection:
        tables = connection.execute(
            "SELECT tablename::text FROM pg_tables WHERE schemaname = ?::text::name AND tablename <> 'schema_version'",
            (schema,),
        )
        connection.script("SET session_replication_role = replica")  # in any order
        connection.script("; ".join(f"DELETE FROM {name}" for (name,) in tables) or "SELECT 1")


@contextmanager
def postgres_books(server: PostgresServer, time_zone: str = "UTC") -> Iterator[PostgresStore]:
    """A store of its own."""
    with fresh_schema(server) as schema:
        store = PostgresStore(server.url, time_zone, HOST, schema=schema, is_durable=False)
        try:
            yield store
        finally:
            store.close()
