"""What statements need of a database connection, so that the same ones serve SQLite and PostgreSQL."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, TypeAlias

Cell: TypeAlias = str | int | bytes | None


class Rows(Protocol):
    """An answer, row by row."""

    def __iter__(self) -> Iterator[Any]: ...

    def __next__(self) -> Any: ...

    @property
    def get(self) -> Any:
        """The first column of the first row; None when there is no row."""

    def fetchone(self) -> Any:
        """The next row, or None."""

    def fetchall(self) -> Sequence[Any]:
        """All rows that are left."""


class SqlConnection(Protocol):
    """A connection that takes SQLite's `?` for a bound value."""

    def execute(self, statement: str, bound: Sequence[Cell] = (), /) -> Rows: ...

    def executemany(self, statement: str, rows: Sequence[Sequence[Cell]], /) -> object: ...
