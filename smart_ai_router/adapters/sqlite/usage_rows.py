"""From a record to its row of the table `usage`."""

from collections.abc import Mapping
from typing import Protocol

from smart_ai_router.adapters.sqlite.dictionary import RecordProfile
from smart_ai_router.core.placing import Placed
from smart_ai_router.core.posting import small_number
from smart_ai_router.core.record_keys import sid_ms


class RowNumbers(Protocol):
    """The numbers of names that a row is written with."""

    @property
    def profile(self) -> Mapping[RecordProfile, int]: ...
    @property
    def outcome(self) -> Mapping[str, int]: ...
    @property
    def model(self) -> Mapping[str, int]: ...
    @property
    def channel(self) -> Mapping[str, int]: ...
    @property
    def provider(self) -> Mapping[str, int]: ...
    @property
    def user(self) -> Mapping[str, int]: ...
    @property
    def api_key(self) -> Mapping[str, int]: ...


def row_of(file_id: int, placed: Placed, numbers: RowNumbers) -> tuple[int | None, ...]:
    """The fields of `StoredRow`, in a plain tuple, because one is made for each record."""
    posting, sid, check_bits = placed
    record = posting.record
    return (
        sid,
        check_bits,
        file_id,
        posting.offset,
        len(posting.line),
        posting.at_ms - sid_ms(sid),
        numbers.profile[
            record.usage_type,
            record.error_kind,
            record.status_code,
            record.cost_currency,
            record.region,
            record.usage_source,
            record.cost_basis,
        ],
        numbers.outcome[record.outcome],
        numbers.model[record.model],
        numbers.channel[record.channel_id],
        numbers.provider[record.provider],
        numbers.user[record.user_id or ""],
        numbers.api_key[record.api_key_id or ""],
        record.input_tokens,
        record.output_tokens,
        record.cached_tokens,
        record.cache_write_tokens,
        record.reasoning_tokens,
        posting.input_cost,
        posting.output_cost,
        posting.other_cost,
        posting.user_charge,
        posting.images,
        posting.media_ms,
        posting.duration_ms,
        small_number(record.time_to_first_token_ms),
    )
