"""From rows of the database to typed records."""
# ruff: noqa: S608 - names of tables and columns come from this package, values are bound

from typing import Final

from smart_ai_router.adapters.sql_connection import SqlConnection
from smart_ai_router.adapters.sqlite.dictionary import Kind, NamesOf
from smart_ai_router.adapters.sqlite.statements import PROFILE_COLUMNS, SELECT_USAGE, StoredProfile, StoredRow
from smart_ai_router.core.record_keys import own_request_id, sid_ms
from smart_ai_router.core.usage_pages import UsageRow

ROWS_ASKED_MAX: Final = 500  # of one statement


class RowReader:
    """Makes `UsageRow`s over one connection."""

    def __init__(self, connection: SqlConnection, names: NamesOf) -> None:
        self._connection = connection
        self._profiles: dict[int, StoredProfile] = {}
        self._model = names.lookup(connection, Kind.MODEL)
        self._channel = names.lookup(connection, Kind.CHANNEL)
        self._provider = names.lookup(connection, Kind.PROVIDER)
        self._user = names.lookup(connection, Kind.USER)
        self._api_key = names.lookup(connection, Kind.API_KEY)
        self._usage_type = names.lookup(connection, Kind.USAGE_TYPE)
        self._outcome = names.lookup(connection, Kind.OUTCOME)
        self._error_kind = names.lookup(connection, Kind.ERROR_KIND)
        self._currency = names.lookup(connection, Kind.CURRENCY)
        self._region = names.lookup(connection, Kind.REGION)
        self._usage_source = names.lookup(connection, Kind.USAGE_SOURCE)
        self._cost_basis = names.lookup(connection, Kind.COST_BASIS)

    def rows(self, sids: list[int]) -> list[UsageRow]:
        """The records under these numbers, in this order."""
        found: dict[int, UsageRow] = {}
        for start in range(0, len(sids), ROWS_ASKED_MAX):
            some = sids[start : start + ROWS_ASKED_MAX]
            places = ", ".join("?" * len(some))
            for values in self._connection.execute(f"{SELECT_USAGE} WHERE sid IN ({places})", some):
                row = self.row(StoredRow(*values))
                found[row.sid] = row
        return [found[sid] for sid in sids]

    def row(self, stored: StoredRow) -> UsageRow:
        """A record by names."""
        profile = self._profile(stored.profile)
        return UsageRow(
            sid=stored.sid,
            request_id=self._request_id(stored),
            at_ms=sid_ms(stored.sid) + stored.lag_ms,
            model=self._model(stored.model),
            channel_id=self._channel(stored.channel),
            provider=self._provider(stored.provider),
            user_id=self._user(stored.user),
            api_key_id=self._api_key(stored.api_key),
            usage_type=self._usage_type(profile.usage_type),
            outcome=self._outcome(stored.outcome),
            error_kind=self._error_kind(profile.error_kind),
            status_code=profile.status_code,
            currency=self._currency(profile.currency),
            region=self._region(profile.region),
            usage_source=self._usage_source(profile.usage_source),
            cost_basis=self._cost_basis(profile.cost_basis),
            input_tokens=stored.input_tokens,
            output_tokens=stored.output_tokens,
            cached_tokens=stored.cached_tokens,
            cache_write_tokens=stored.cache_write_tokens,
            reasoning_tokens=stored.reasoning_tokens,
            input_cost=stored.input_cost,
            output_cost=stored.output_cost,
            total_cost=stored.input_cost + stored.output_cost + stored.other_cost,
            user_charge=stored.user_charge,
            images=stored.images,
            media_ms=stored.media_ms,
            duration_ms=stored.duration_ms,
            first_token_ms=stored.first_token_ms,
        )

    def _profile(self, number: int) -> StoredProfile:
        profile = self._profiles.get(number)
        if profile is None:
            columns = ", ".join(PROFILE_COLUMNS)
            row = next(self._connection.execute(f"SELECT {columns} FROM profile WHERE id = ?", (number,)))
            profile = self._profiles[number] = StoredProfile(*row)
        return profile

    def _request_id(self, stored: StoredRow) -> str:
        if stored.check_bits is not None:
            return own_request_id(stored.sid, stored.check_bits)
        return self._foreign_id(stored.sid)

    def _foreign_id(self, sid: int) -> str:
        return str(self._connection.execute("SELECT request_id FROM foreign_id WHERE sid = ?", (sid,)).get)
