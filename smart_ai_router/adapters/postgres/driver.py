"""One connection to PostgreSQL, used like one to SQLite: a call returns when the server has answered.

The driver is asynchronous, the books are not: each connection has an event loop of its own that runs while a question
is under way, in the thread that asks. A thread that runs a loop already (the control plane's, at its start) is served
by a thread of the connection's. What the driver raises leaves here in the words of the store.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final, Self, TypeAlias, TypeVar
from urllib.parse import parse_qs, urlsplit

import asyncpg  # type: ignore[import-untyped]  # it ships no types; this module is the only one that sees it

from smart_ai_router.adapters.postgres.dialect import translated
from smart_ai_router.core.store import StoreFailure, StoreUnavailable

CONNECT_S: Final = 10.0
COMMAND_S: Final = 120.0  # longer than any statement timeout here: a server that does not answer at all
CLOSE_S: Final = 2.0
STATEMENTS_KEPT: Final = 300  # prepared on one connection; more than this package has
ROWS_TOGETHER: Final = 2000  # of a stream
NUL: Final = "\x00"  # a text of PostgreSQL cannot hold it: it is written with an escape
ESCAPE: Final = "\x10"

Answered = TypeVar("Answered")
Bound: TypeAlias = Sequence[object]

_LOST: Final = (
    asyncpg.PostgresConnectionError,  # classes 08, 57P01 to 57P03 among them
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InternalClientError,  # what the server said last came while nobody asked, and confused the driver
    OSError,  # TimeoutError is one
)
_RACES: Final = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, asyncpg.UniqueViolationError)
_REFUSED: Final = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError)


class ConnectionLost(StoreUnavailable):
    """The connection is gone; a commit under way may or may not have been made."""


class RaceLost(StoreUnavailable):
    """Another host was faster: the transaction was undone and can be tried again at once."""


class Answer:
    """Rows as `SqlConnection` promises them."""

    def __init__(self, rows: Iterable[Any]) -> None:
        self._read = iter(rows)

    def __iter__(self) -> Iterator[Any]:
        return self._read

    def __next__(self) -> Any:
        return next(self._read)

    @property
    def count(self) -> int:
        """How many rows are left; they are gone then."""
        return sum(1 for _ in self._read)

    @property
    def get(self) -> Any:
        row = self.fetchone()
        return None if row is None else row[0] if len(row) == 1 else tuple(row)

    def fetchone(self) -> Any:
        return next(self._read, None)

    def fetchall(self) -> list[Any]:
        return list(self._read)


class Connection:
    """Implements `SqlConnection`. Used by one thread at a time."""

    def __init__(self, url: str, settings: Mapping[str, str]) -> None:
        """`settings` are the server's, for this session. Raises StoreFailure."""
        self._place = shown(url)
        self._loop = asyncio.new_event_loop()
        self._elsewhere: ThreadPoolExecutor | None = None
        self.is_lost = False
        try:
            self._driver = self._answer(lambda: _connect(url, settings))
        except BaseException:
            self._close_loop()
            raise

    @classmethod
    def made_by(cls, url: str, settings: Mapping[str, str], prepare: Callable[[Self], None]) -> Self:
        """A connection that is ready for use, or closed again."""
        connection = cls(url, settings)
        try:
            prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def execute(self, statement: str, bound: Bound = (), /) -> Answer:
        """Run one statement; raises StoreUnavailable."""
        text = translated(statement)
        return Answer(self._answer(lambda: self._driver.fetch(text, *bound)))

    def executemany(self, statement: str, rows: Sequence[Bound], /) -> None:
        """Run one statement for each row; raises StoreUnavailable."""
        if rows:
            text = translated(statement)
            self._answer(lambda: self._driver.executemany(text, rows))

    def script(self, text: str) -> None:
        """Run statements that bind nothing, as they stand."""
        self._answer(lambda: self._driver.execute(text))

    def stream(self, statement: str, bound: Bound = (), together: int = ROWS_TOGETHER) -> Iterator[Any]:
        """The rows of a large answer, some at a time, within the transaction under way."""
        text = translated(statement)
        cursor = self._answer(lambda: self._driver.cursor(text, *bound))
        while rows := self._answer(lambda: cursor.fetch(together)):
            yield from rows

    def close(self) -> None:
        """Say goodbye, or hang up."""
        if self._loop.is_closed():
            return
        if not self.is_lost:
            with suppress(StoreFailure):
                self._answer(lambda: self._driver.close(timeout=CLOSE_S))
        self._driver.terminate()
        self._close_loop()

    def _answer(self, ask: Callable[[], Any]) -> Any:
        try:
            return self._run(_asked(ask))
        except _LOST as error:
            self.is_lost = True
            raise ConnectionLost(f"{self._place}: {_told(error)}") from error
        except _RACES as error:
            raise RaceLost(f"{self._place}: {error}") from error
        except _REFUSED as error:
            raise StoreFailure(f"{self._place}: {error}") from error
        except asyncpg.InterfaceError as error:
            self.is_lost = True
            raise ConnectionLost(f"{self._place}: {error}") from error
        except asyncpg.PostgresError as error:
            if error.severity is None:  # it never left for the server: a value does not fit, which is a bug of ours
                raise ValueError(str(error)) from error
            raise StoreUnavailable(f"{self._place}: {error}") from error

    def _run(self, coroutine: Coroutine[Any, Any, Answered]) -> Answered:
        if not _is_within_a_loop():
            return self._loop.run_until_complete(coroutine)
        if self._elsewhere is None:
            self._elsewhere = ThreadPoolExecutor(1, "postgres")
        return self._elsewhere.submit(self._loop.run_until_complete, coroutine).result()

    def _close_loop(self) -> None:
        self._run(self._loop.shutdown_default_executor())
        if self._elsewhere is not None:
            self._elsewhere.shutdown()
        self._loop.close()


class Streaming:
    """Implements `SqlConnection` within a transaction: no answer is too large to be held."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def execute(self, statement: str, bound: Bound = (), /) -> Answer:
        """Run one question; its rows are read as they are asked for."""
        return Answer(self._connection.stream(statement, bound))

    def executemany(self, statement: str, rows: Sequence[Bound], /) -> None:
        """See `Connection`."""
        self._connection.executemany(statement, rows)


def shown(url: str) -> str:
    """Which database this is, without its password."""
    parts = urlsplit(url)
    servers = parts.netloc.rpartition("@")[2] or parse_qs(parts.query).get("host", ["this machine"])[0]
    return f"PostgreSQL at {servers}, database {parts.path.lstrip('/')}"


def escaped(text: str) -> str:
    """A text as PostgreSQL can keep it."""
    if NUL not in text and ESCAPE not in text:
        return text
    return text.replace(ESCAPE, f"{ESCAPE}1").replace(NUL, f"{ESCAPE}0")


def plain(text: str) -> str:
    """A text as it was before it was escaped."""
    return text.replace(f"{ESCAPE}0", NUL).replace(f"{ESCAPE}1", ESCAPE) if ESCAPE in text else text


def _told(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _is_within_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def _asked(ask: Callable[[], Any]) -> Any:
    return await ask()


async def _connect(url: str, settings: Mapping[str, str]) -> Any:
    driver = await asyncpg.connect(
        url,
        timeout=CONNECT_S,
        command_timeout=COMMAND_S,
        statement_cache_size=STATEMENTS_KEPT,
        max_cached_statement_lifetime=0,
        max_cacheable_statement_size=0,
        server_settings=dict(settings),
    )
    await driver.set_type_codec("text", schema="pg_catalog", encoder=escaped, decoder=plain, format="text")
    # Amounts beyond 64 bits are whole numbers: they come and go as `int`, and a fraction would be an error.
    await driver.set_type_codec("numeric", schema="pg_catalog", encoder=str, decoder=int, format="text")
    return driver
