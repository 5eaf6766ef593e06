"""Schemas that are thrown away: of a proof, of books that were being made anew.

Whoever works in one holds a lock of its name; one whose lock is free was left over by a process that was killed.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from smart_ai_router.adapters.postgres.opening import connect_owner, try_lock

OWNER = "scratch"  # the name under which its connection is seen


@contextmanager
def hold_schema(url: str, schema: str) -> Iterator[None]:
    """Keep others from dropping a schema."""
    connection = connect_owner(url, schema, OWNER)
    try:
        try_lock(connection, _lock(schema))
        yield
    finally:
        connection.close()


def drop_left_over(url: str, schema: str) -> None:
    """Drop the scratch schemas of these books that nobody uses any more."""
    connection = connect_owner(url, schema, OWNER)
    try:
        found = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE starts_with(nspname, ?)", (f"{schema}_scratch_",)
        )
        for (name,) in found:
            if try_lock(connection, _lock(name)):
                connection.script(f"DROP SCHEMA IF EXISTS {name} CASCADE")
    finally:
        connection.close()


def drop_schema(url: str, schema: str) -> None:
    """Drop a schema with all that stands in it."""
    connection = connect_owner(url, schema, OWNER)
    try:
        connection.script(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
    finally:
        connection.close()


def _lock(schema: str) -> str:
    return f"{schema} alive"
