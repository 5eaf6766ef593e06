"""Books made anew in a schema of their own, put in the place of the old ones by a change of name.

The hosts must be stopped: all of them share the lock of the books, which is taken for this alone. What neither the
journals nor the actions hold is carried over. The old schema is dropped in the transaction that puts the new one in
its place, so that there is never a moment without books, or with two.
"""
# ruff: noqa: S608 - names of schemas and tables come from this package

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from smart_ai_router.adapters.postgres.driver import Connection, shown
from smart_ai_router.adapters.postgres.opening import (
    SCHEMA,
    books_lock,
    bring_up,
    connect_owner,
    holders,
    migrations,
    schema_version,
    try_lock,
)
from smart_ai_router.adapters.postgres.scratch import drop_schema
from smart_ai_router.adapters.postgres.store import PostgresStore
from smart_ai_router.adapters.sqlite.replacing import DERIVED_TABLES
from smart_ai_router.core.store import StoreFailure, StoreLocked

NOT_CARRIED: Final = frozenset((*DERIVED_TABLES, "schema_version"))


@contextmanager
def replacement(url: str, time_zone: str, host: str, *, schema: str = SCHEMA) -> Iterator[PostgresStore]:
    """An empty store that takes the place of the books when the block ends without an error.

    Raises StoreLocked while a host uses the old ones.
    """
    connection = connect_owner(url, schema, host)
    new_schema = f"{schema}_rebuilding"
    try:
        if not try_lock(connection, books_lock(schema)):
            users = ", ".join(holders(connection, books_lock(schema)))
            raise StoreLocked(
                f"{shown(url)}: the books are in use by {users or 'another rebuild'}; stop all hosts first"
            )
        drop_schema(url, new_schema)
        store = PostgresStore(url, time_zone, host, schema=new_schema)
        try:
            yield store
            store.close()
            _put_in_place(connection, url, schema, new_schema, host)
        finally:
            store.close()
            drop_schema(url, new_schema)
    finally:
        connection.close()


def carried_tables(connection: Connection, schema: str) -> list[str]:
    """The tables that no line of a journal and no action makes."""
    found = connection.execute("SELECT tablename::text FROM pg_tables WHERE schemaname = ?::text::name", (schema,))
    return sorted(name for (name,) in found if name not in NOT_CARRIED)


def _put_in_place(connection: Connection, url: str, schema: str, new_schema: str, host: str) -> None:
    if schema_version(connection, schema):
        bring_up(url, schema, host, migrations())  # an older one is brought to this version first
    connection.script("BEGIN")
    try:
        for table in _by_need(connection, schema):
            columns = _columns(connection, schema, table)
            connection.script(f"INSERT INTO {new_schema}.{table} ({columns}) SELECT {columns} FROM {schema}.{table}")
        for statement in _sequences(connection, new_schema):
            connection.execute(statement)
        connection.script(f"DROP SCHEMA IF EXISTS {schema} CASCADE; ALTER SCHEMA {new_schema} RENAME TO {schema}")
        connection.script("COMMIT")
    except StoreFailure:
        if not connection.is_lost:
            connection.script("ROLLBACK")
        raise


def _by_need(connection: Connection, schema: str) -> list[str]:
    """The carried tables, each behind those that it refers to."""
    waiting = carried_tables(connection, schema)
    needs: dict[str, set[str]] = {table: set() for table in waiting}
    for table, needed in connection.execute(
        "SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint"
        " JOIN pg_namespace ON pg_namespace.oid = connamespace WHERE contype = 'f' AND nspname = ?::text::name",
        (schema,),
    ):
        name, other = (each.rpartition(".")[2] for each in (table, needed))
        if name in needs and other in needs and other != name:
            needs[name].add(other)
    ordered: list[str] = []
    while waiting:
        ready = [table for table in waiting if needs[table] <= set(ordered)]
        assert ready, "tables refer to each other in a circle"
        ordered += ready
        waiting = [table for table in waiting if table not in ready]
    return ordered


def _columns(connection: Connection, schema: str, table: str) -> str:
    found = connection.execute(
        "SELECT quote_ident(column_name::text) FROM information_schema.columns"
        " WHERE table_schema = ? AND table_name = ? ORDER BY ordinal_position",
        (schema, table),
    )
    return ", ".join(str(name) for (name,) in found)


def _sequences(connection: Connection, schema: str) -> list[str]:
    """Statements that let every identity go on behind the highest number there is."""
    found = connection.execute(
        "SELECT table_name::text, column_name::text FROM information_schema.columns"
        " WHERE table_schema = ? AND is_identity = 'YES'",
        (schema,),
    )
    return [
        f"SELECT setval(pg_get_serial_sequence('{schema}.{table}', '{column}'), max({column}))"
        f" FROM {schema}.{table} HAVING max({column}) IS NOT NULL"
        for table, column in found
    ]
