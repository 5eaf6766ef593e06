"""Opening the database: its settings, its schema, its migrations, and who uses it.

All tables stand in one schema, so that books made anew can take the place of the old ones by a change of name. Two
kinds of advisory locks are held by sessions, and given back by the server when a session ends: each host holds its
own name, so that nobody else posts its journal, and all hosts share the books, which a rebuild takes for itself.
"""
# ruff: noqa: S608 - names of schemas come from this package, values are bound

import re
from collections.abc import Sequence
from contextlib import suppress
from hashlib import blake2b
from importlib.resources import files
from typing import Final

from smart_ai_router.adapters.postgres.driver import Connection, ConnectionLost, shown
from smart_ai_router.core.store import StoreFailure, StoreLocked, StoreTooNew, StoreUnavailable

SCHEMA: Final = "smart_ai_router"
READER: Final = "reader"  # the host's name of those who only read
SERVER_MIN: Final = 150000
HOST_LENGTH_MAX: Final = 40  # of a host's id: the server shows 63 bytes of who is connected

FORMER_SESSION_WAIT: Final = "3s"  # a server learns within a second that a killed client is gone

_MIGRATION: Final = re.compile(r"([0-9]{4})_[a-z_]+\.sql")
_EVERYBODY: Final = {
    "timezone": "UTC",
    "client_min_messages": "warning",
    "lock_timeout": "10s",  # far above any batch; a session that is stuck blocks nobody for longer
    "tcp_keepalives_idle": "10",  # a host that fell off the network gives its locks back within half a minute
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "jit": "off",  # costs more than any statement here
}
_WRITER: Final = {"statement_timeout": "60s", "idle_in_transaction_session_timeout": "15s"}
_READER: Final = {
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "60s",
    "default_transaction_read_only": "on",
    "default_transaction_isolation": "repeatable read",  # several questions in one transaction are of one moment
}
_MIGRATING: Final = {"statement_timeout": "0"}
_HOLDERS: Final = (
    "SELECT DISTINCT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)"
    " WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND (classid::bigint << 32 | objid::bigint) = ?"
    " AND pid <> pg_backend_pid() ORDER BY 1"
)


def migrations() -> list[str]:
    """The numbered migrations in order; the first brings an empty schema to version 1."""
    folder = files("smart_ai_router.adapters.postgres") / "migrations"
    found = {}
    for entry in folder.iterdir():
        match = _MIGRATION.fullmatch(entry.name)
        if match:
            found[int(match[1])] = entry.read_text(encoding="utf-8")
    assert sorted(found) == list(range(1, len(found) + 1)), "migrations are numbered without gaps"
    return [found[number] for number in sorted(found)]


def has_books(url: str, schema: str = SCHEMA) -> bool:
    """Whether a router has ever made its tables here; raises StoreFailure."""
    connection = connect_reader(url, schema, READER)
    try:
        return schema_version(connection, schema) > 0
    finally:
        connection.close()


def hosts(url: str, schema: str = SCHEMA) -> frozenset[str]:
    """The hosts whose journals stand in the books; raises StoreFailure."""
    connection = connect_reader(url, schema, READER)
    try:
        return frozenset(str(host) for (host,) in connection.execute("SELECT DISTINCT host FROM journal_file"))
    finally:
        connection.close()


def connect_writer(url: str, schema: str, host: str) -> Connection:
    """The connection of a host that posts; its locks are held. The schema may be of a later version by now.

    Raises StoreLocked when another process posts for this host, or while the books are made anew.
    """

    def prepare(connection: Connection) -> None:
        notice_dead_clients(connection)
        require_version(connection, schema, is_later_fine=True)
        if not try_lock(connection, books_lock(schema), is_shared=True):
            raise StoreLocked(f"{shown(url)}: the books are being made anew; start again when that is over")
        try:
            connection.script(f"SET lock_timeout = '{FORMER_SESSION_WAIT}'")
            connection.execute("SELECT pg_advisory_lock(?)", (lock_number(f"{schema} host {host}"),))
            connection.script("RESET lock_timeout")
        except ConnectionLost:
            raise
        except StoreUnavailable as error:
            raise StoreLocked(
                f"{shown(url)}: another process posts for the host {host}. If a data directory was copied, remove the"
                " file host_id from the copy"
            ) from error

    return Connection.made_by(url, _settings(schema, host, _WRITER), prepare)


def connect_reader(url: str, schema: str, host: str) -> Connection:
    """A connection that only reads; raises StoreFailure."""
    return Connection.made_by(url, _settings(schema, host, _READER), notice_dead_clients)


def connect_owner(url: str, schema: str, host: str) -> Connection:
    """A connection that changes the schema, and may take its time."""
    return Connection.made_by(url, _settings(schema, host, _MIGRATING), notice_dead_clients)


def notice_dead_clients(connection: Connection) -> None:
    """A server that works for a client which is gone stops within a second; not every system can tell."""
    with suppress(StoreUnavailable):
        connection.script("SET client_connection_check_interval = 1000")


def bring_up(url: str, schema: str, host: str, steps: Sequence[str], *, is_durable: bool = True) -> None:
    """Make the schema if there is none, and apply the missing migrations, each whole or not at all.

    Of several hosts that start at once, one does it and the others wait. Raises StoreTooNew.
    """
    connection = connect_owner(url, schema, host)
    try:
        _require_server(connection, url)
        while _step_under_lock(connection, schema, steps, is_durable) < len(steps):
            pass
    finally:
        connection.close()


def _step_under_lock(connection: Connection, schema: str, steps: Sequence[str], is_durable: bool) -> int:
    """Apply the next migration in a transaction that no other host makes meanwhile; the version that stands then."""
    connection.script("BEGIN")
    try:
        connection.script("SET LOCAL lock_timeout = '10min'")  # whoever came first may be moving much data
        connection.execute("SELECT pg_advisory_xact_lock(?)", (lock_number(f"{schema} migration"),))
        connection.script(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        connection.script(
            "CREATE TABLE IF NOT EXISTS schema_version"
            " (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL)"
        )
        reached = _step(connection, steps, schema_version(connection, schema), is_durable)
        connection.script("COMMIT")
    except StoreFailure:
        if not connection.is_lost:
            connection.script("ROLLBACK")
        raise
    return reached


def _step(connection: Connection, steps: Sequence[str], version: int, is_durable: bool) -> int:
    if version > len(steps):
        raise StoreTooNew(f"the books are of schema {version}, this router knows {len(steps)}; use the newer router")
    if version < len(steps):
        text = steps[version]
        connection.script(text if is_durable else text.replace("CREATE TABLE", "CREATE UNLOGGED TABLE"))
        version += 1
        connection.execute(
            "INSERT INTO schema_version VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET version = excluded.version",
            (version,),
        )
    return version


def schema_version(connection: Connection, schema: str) -> int:
    """How many migrations a schema has seen; 0 when there is none."""
    if connection.execute("SELECT to_regclass(?)", (f"{schema}.schema_version",)).get is None:
        return 0
    version = connection.execute(f"SELECT version FROM {schema}.schema_version").get
    return 0 if version is None else int(version)


def require_version(connection: Connection, schema: str, *, is_later_fine: bool = False) -> None:
    """Raise StoreFailure when the schema is not of this version.

    A router that runs already goes on with a later one: migrations leave what their predecessor uses.
    """
    version, known = schema_version(connection, schema), len(migrations())
    if version > known and not is_later_fine:
        raise StoreTooNew(f"the books are of schema {version}, this router knows {known}; use the newer router")
    if version < known:
        raise StoreFailure(f"the books are of schema {version}, this router reads {known}; start it once")


def try_lock(connection: Connection, name: str, *, is_shared: bool = False) -> bool:
    """Take a lock for as long as the connection lives; False when somebody else has it."""
    function = "pg_try_advisory_lock_shared" if is_shared else "pg_try_advisory_lock"
    return bool(connection.execute(f"SELECT {function}(?)", (lock_number(name),)).get)


def holders(connection: Connection, name: str) -> list[str]:
    """Who holds a lock, by the names under which they are connected."""
    return [str(name) for (name,) in connection.execute(_HOLDERS, (lock_number(name),))]


def books_lock(schema: str) -> str:
    """The lock that every host shares and a rebuild takes for itself."""
    return f"{schema} books"


def lock_number(name: str) -> int:
    """The number of an advisory lock."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)


def _settings(schema: str, host: str, special: dict[str, str]) -> dict[str, str]:
    own = {"application_name": f"smart-ai-router {host}", "search_path": schema}
    return {**_EVERYBODY, **special, **own}


def _require_server(connection: Connection, url: str) -> None:
    version = int(connection.execute("SELECT current_setting('server_version_num')").get)
    if version < SERVER_MIN:
        raise StoreFailure(f"{shown(url)}: this is version {version // 10000}; 15 or later is needed")
    encoding = connection.execute("SELECT current_setting('server_encoding')").get
    if encoding != "UTF8":
        raise StoreFailure(f"{shown(url)}: the database is encoded as {encoding}; make one with ENCODING 'UTF8'")
