"""Names as small numbers, for a host that posts while others do the same.

A name that is new gets its number at once and for good, outside of any batch: whoever meets the same name meanwhile
gets the same number, a batch that is undone leaves only a name that nobody uses, and no batch waits for a name that
another one has brought.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from smart_ai_router.adapters.postgres.driver import Connection, escaped
from smart_ai_router.adapters.sqlite.dictionary import NAMES_KNOWN_MAX, ZERO_NAMES, Kind, RecordProfile
from smart_ai_router.adapters.sqlite.statements import PROFILE_COLUMNS, StoredProfile
from smart_ai_router.core.posting import Posting, book_name, small_number

ROUND_TRIPS_FEW: Final = 4  # names that are met one by one

_FIND: Final = "SELECT id FROM dim WHERE kind = ? AND name = ?"
_ADD: Final = "INSERT INTO dim (kind, name) VALUES (?, ?) ON CONFLICT (kind, name) DO NOTHING"
_FIND_ALL: Final = (
    "SELECT kind, name, id FROM dim JOIN unnest(?::integer[], ?::text[]) AS asked (kind, name) USING (kind, name)"
)
_ADD_ALL: Final = (
    "INSERT INTO dim (kind, name) SELECT * FROM unnest(?::integer[], ?::text[]) ON CONFLICT (kind, name) DO NOTHING"
)
_PROFILE_IS: Final = " AND ".join(f"{column} IS ?" for column in PROFILE_COLUMNS)
_FIND_PROFILE: Final = f"SELECT id FROM profile WHERE {_PROFILE_IS}"  # noqa: S608 - our own column names
_ADD_PROFILE: Final = (
    f"INSERT INTO profile ({', '.join(PROFILE_COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"  # noqa: S608
)


class NumberOf(dict[str, int]):
    """Name to number of one kind."""

    def __init__(self, connection: Connection, kind: Kind) -> None:
        super().__init__({ZERO_NAMES.get(kind, ""): 0})
        self._connection = connection
        self.kind = kind

    def __missing__(self, name: str) -> int:
        wanted = (int(self.kind), book_name(name))
        found = self._connection.execute(_FIND, wanted).get
        if found is None:
            self._connection.execute(_ADD, wanted)
            found = self._connection.execute(_FIND, wanted).get
        number = self[name] = int(found)
        return number


class ProfileOf(dict[RecordProfile, int]):
    """What a record says of itself, to the number of its profile."""

    def __init__(self, connection: Connection, numbers: "Numbers") -> None:
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
        found = self._connection.execute(_FIND_PROFILE, stored).get
        if found is None:
            self._connection.execute(_ADD_PROFILE, stored)
            found = self._connection.execute(_FIND_PROFILE, stored).get
        number = self[profile] = int(found)
        return number


class Numbers:
    """The numbers of all kinds; implements `rollups.Names`. Lives as long as its connection, or shorter."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
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

    def learn(self, postings: Sequence[Posting]) -> None:
        """Meet all names of some records at once: a rebuild meets thousands of users."""
        records = [each.record for each in postings]
        met: list[tuple[NumberOf, set[str]]] = [
            (self.model, {each.model for each in records}),
            (self.channel, {each.channel_id for each in records}),
            (self.channel, {attempt.channel_id for each in records for attempt in each.attempts}),
            (self.user, {each.user_id or "" for each in records}),
            (self.api_key, {each.api_key_id or "" for each in records}),
            (self.tag, {tag for tags in {each.tags for each in records} for tag in tags}),
        ]
        unknown = {
            (int(number_of.kind), book_name(name)) for number_of, names in met for name in names - number_of.keys()
        }
        if len(unknown) < ROUND_TRIPS_FEW:
            return
        found = {(kind, name): number for kind, name, number in self._connection.execute(_FIND_ALL, _arrays(unknown))}
        missing = sorted(unknown - found.keys())
        if missing:
            self._connection.execute(_ADD_ALL, _arrays(missing))
            found |= {
                (kind, name): number for kind, name, number in self._connection.execute(_FIND_ALL, _arrays(unknown))
            }
        for number_of, names in met:
            for name in names - number_of.keys():
                number_of[name] = found[int(number_of.kind), book_name(name)]

    @property
    def is_large(self) -> bool:
        """True when it is time to begin with an empty dictionary again, to keep memory bounded."""
        return any(isinstance(each, dict) and len(each) > NAMES_KNOWN_MAX for each in vars(self).values())


def _arrays(names: Iterable[tuple[int, str]]) -> tuple[list[int], list[str]]:
    """Kinds and names, in the order in which every host adds them."""
    ordered = sorted(names)
    return [kind for kind, _ in ordered], [escaped(name) for _, name in ordered]
