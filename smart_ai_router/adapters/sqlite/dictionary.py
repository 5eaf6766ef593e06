"""Names as small numbers: a record names its model, channel and user by their numbers in the table `dim`."""
# ruff: noqa: S608 - names of tables and columns come from this package, values are bound

from collections.abc import Callable
from enum import IntEnum
from typing import Final, TypeAlias

import apsw

from smart_ai_router.adapters.sql_connection import SqlConnection
from smart_ai_router.adapters.sqlite.statements import PROFILE_COLUMNS, StoredProfile
from smart_ai_router.core.posting import TEXT_LENGTH_MAX, book_name, small_number
from smart_ai_router.core.statistics_store import Dimension

NAMES_KNOWN_MAX: Final = 200_000  # of one kind in memory; about 20 MB


class Kind(IntEnum):
    """What a name is of. The numbers stand in the database."""

    MODEL = 1
    CHANNEL = 2
    PROVIDER = 3
    USER = 4
    API_KEY = 5
    USAGE_TYPE = 6
    CURRENCY = 7
    REGION = 8
    TAG = 9
    OUTCOME = 10
    ERROR_KIND = 11
    USAGE_SOURCE = 12
    COST_BASIS = 13


KIND_OF: Final = {
    Dimension.MODEL: Kind.MODEL,
    Dimension.CHANNEL: Kind.CHANNEL,
    Dimension.PROVIDER: Kind.PROVIDER,
    Dimension.USER: Kind.USER,
    Dimension.API_KEY: Kind.API_KEY,
    Dimension.USAGE_TYPE: Kind.USAGE_TYPE,
    Dimension.REGION: Kind.REGION,
    Dimension.TAG: Kind.TAG,
}
SUCCESS: Final = "success"
ZERO_NAMES: Final = {Kind.OUTCOME: SUCCESS}  # what number 0 stands for; "" for the other kinds


# Usage type, error kind, status code, currency, region, usage source and cost basis, as a record has them.
RecordProfile: TypeAlias = tuple[str, str | None, int | None, str, str | None, str, str]


class NumberOf(dict[str, int]):
    """Name to number of one kind; a name that is new gets the next number, within the transaction under way."""

    def __init__(self, connection: apsw.Connection, kind: Kind) -> None:
        super().__init__()
        self._connection = connection
        self._kind = kind
        self.forget()

    def __missing__(self, name: str) -> int:
        known = book_name(name) if len(name) > TEXT_LENGTH_MAX else name
        found = self._connection.execute("SELECT id FROM dim WHERE kind = ? AND name = ?", (self._kind, known)).get
        if found is None:
            last = self._connection.execute("SELECT max(id) FROM dim WHERE kind = ?", (self._kind,)).get
            found = 1 if last is None else int(last) + 1
            self._connection.execute("INSERT INTO dim (kind, id, name) VALUES (?, ?, ?)", (self._kind, found, known))
        number = self[name] = int(found)
        return number

    def forget(self) -> None:
        """After a rollback: what was learnt may not be so."""
        self.clear()
        self[ZERO_NAMES.get(self._kind, "")] = 0


class ProfileOf(dict[RecordProfile, int]):
    """What a record says of itself, to the number of its profile."""

    def __init__(self, connection: apsw.Connection, numbers: "Numbers") -> None:
        super().__init__()
        self._connection = connection
        self._numbers = numbers

    def __missing__(self, profile: RecordProfile) -> int:
        usage_type, error_kind, status_code, currency, region, usage_source, cost_basis = profile
        numbers = self._numbers
        stored = StoredProfile(
            numbers.usage_type[usage_type],
            numbers.error_kind[error_kind or ""],
            small_number(status_code),
            numbers.currency[currency],
            numbers.region[region or ""],
            numbers.usage_source[usage_source],
            numbers.cost_basis[cost_basis],
        )
        tests = " AND ".join(f"{column} IS ?" for column in PROFILE_COLUMNS)
        found = self._connection.execute(f"SELECT id FROM profile WHERE {tests}", stored).get
        if found is None:
            places = ", ".join("?" * len(stored))
            self._connection.execute(f"INSERT INTO profile VALUES (NULL, {places})", stored)
            found = self._connection.last_insert_rowid()
        number = self[profile] = int(found)
        return number


class Numbers:
    """The numbers of all kinds; implements `rollups.Names`."""

    def __init__(self, connection: apsw.Connection) -> None:
        self.model = NumberOf(connection, Kind.MODEL)
        self.channel = NumberOf(connection, Kind.CHANNEL)
        self.provider = NumberOf(connection, Kind.PROVIDER)
        self.user = NumberOf(connection, Kind.USER)
        self.api_key = NumberOf(connection, Kind.API_KEY)
        self.usage_type = NumberOf(connection, Kind.USAGE_TYPE)
        self.currency = NumberOf(connection, Kind.CURRENCY)
        self.region = NumberOf(connection, Kind.REGION)
        self.tag = NumberOf(connection, Kind.TAG)
        self.outcome = NumberOf(connection, Kind.OUTCOME)
        self.error_kind = NumberOf(connection, Kind.ERROR_KIND)
        self.usage_source = NumberOf(connection, Kind.USAGE_SOURCE)
        self.cost_basis = NumberOf(connection, Kind.COST_BASIS)
        self.profile = ProfileOf(connection, self)

    def forget(self) -> None:
        """See `NumberOf.forget`."""
        self.profile.clear()
        for each in vars(self).values():
            if isinstance(each, NumberOf):
                each.forget()

    def trim(self) -> None:
        """Keep memory bounded; called between batches."""
        if any(isinstance(each, dict) and len(each) > NAMES_KNOWN_MAX for each in vars(self).values()):
            self.forget()


class NamesOf:
    """Number to name, for readers. A number never changes its meaning, so that names are kept over transactions."""

    def __init__(self) -> None:
        self._known: dict[Kind, dict[int, str]] = {kind: {0: ZERO_NAMES.get(kind, "")} for kind in Kind}

    def lookup(self, connection: SqlConnection, kind: Kind) -> Callable[[int], str]:
        """A function from number to name."""
        known = self._known[kind]
        if len(known) > NAMES_KNOWN_MAX:
            known = self._known[kind] = {0: known[0]}

        def name_of(number: int) -> str:
            name = known.get(number)
            if name is None:
                found = connection.execute("SELECT name FROM dim WHERE kind = ? AND id = ?", (kind, number)).get
                name = known[number] = str(found)
            return name

        return name_of


def number_in(connection: SqlConnection, kind: Kind, name: str) -> int | None:
    """The number of a name; None when the books have never met it."""
    if name == ZERO_NAMES.get(kind, ""):
        return 0
    found = connection.execute("SELECT id FROM dim WHERE kind = ? AND name = ?", (kind, book_name(name))).get
    return None if found is None else int(found)
