"""The usage record and its one JSON line.

The line opens with the guide's keys in the guide's order (21 of them, nulls written out), then our own. Costs are
exact decimals in plain digits. A reader accepts lines with only the guide's 17 keys, and keys that it does not know.
Everything here is also importable from `core/utils/usage_tracker.py`, the name that the guide gives.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import msgspec
from msgspec.structs import replace

from smart_ai_router.core.plain_json import plain_number
from smart_ai_router.domain.money import CELL_MAX, Pico, pico_from_decimal, pico_to_decimal

COST_MAX: Final = pico_to_decimal(CELL_MAX)  # what one cell of the books can hold
_PICO: Final = Decimal("1E-12")


class BillLine(msgspec.Struct, frozen=True, gc=False):
    """meter x quantity x price version = amount, so that a cost can be recomputed years later."""

    meter: str
    quantity: Decimal
    price_version: str
    amount: Decimal


class AttemptRecord(msgspec.Struct, frozen=True, gc=False):
    """One upstream try of an operation."""

    channel_id: str
    channel_name: str
    provider: str
    model: str
    status_code: int | None
    error_kind: str | None
    error_message: str | None
    input_tokens: int
    output_tokens: int
    cost: Decimal
    duration_ms: int


class AccountPosting(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What a call took of one ledger account; a list of six in the line. Amounts are whole smallest parts of a unit."""

    kind: str  # user | key | pool
    owner: str  # user id, key id or provider id
    unit: str  # a currency, or text_token | image | audio_ms | video_ms
    part: str  # permanent | monthly:2026-11 | daily:2026-11-22 | "" where an account has no parts
    amount: int
    leased: int  # how much of it the worker's lease on the account covered


class RateUsed(msgspec.Struct, frozen=True, gc=False):
    """An exchange rate by which an amount of this record was converted: 1 `base` = `rate` `quote`."""

    base: str
    quote: str
    rate: Decimal
    effective_from: str  # ISO 8601 UTC
    is_inverse: bool = False  # the row was entered from quote to base: the amount was divided by its rate


class UsageRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One client call, as written to `logs/usage_YYYYMMDD.jsonl`.

    `timestamp` is the UTC end of the call and names the file it stands in. Costs are in units of `cost_currency`;
    tokens are whole numbers; `input_tokens` and `output_tokens` include their cached and reasoning parts.
    """

    timestamp: str
    request_id: str
    session_id: str | None = None
    model: str
    channel_id: str
    channel_name: str
    provider: str
    input_tokens: int
    output_tokens: int
    total_tokens: int
    input_cost: Decimal
    output_cost: Decimal
    total_cost: Decimal
    cost_currency: str = "USD"
    request_type: str = "chat"
    status: str = "success"  # success | error
    error_message: str | None = None
    response_time_ms: int | None = None
    user_agent: str | None = None
    client_ip: str | None = None
    tags: tuple[str, ...] = ()
    # --- keys of ours, after the guide's ---
    usage_type: str = "text_generation"
    outcome: str = "success"  # success | failed | refused | partial | cancelled | interrupted
    user_id: str | None = None
    api_key_id: str | None = None
    end_user: str | None = None
    requested_model: str | None = None
    upstream_model: str | None = None
    stream: bool = False
    status_code: int | None = None  # what the client was answered
    error_kind: str | None = None
    cached_tokens: int = 0  # part of input_tokens
    cache_write_tokens: int = 0  # part of input_tokens
    reasoning_tokens: int = 0  # part of output_tokens
    time_to_first_token_ms: int | None = None
    usage_source: str = "provider"  # provider | estimated | none
    cost_basis: str = "none"  # channel | provider | book | unpriced | none
    price_version: str | None = None
    service_tier: str | None = None
    lines: tuple[BillLine, ...] = ()
    user_charge: Decimal | None = None  # what the user's quota pays; None when nobody is charged
    charge_currency: str | None = None  # of `user_charge`; None: the cost's
    holder: str | None = None  # the life of a gateway worker whose leases the postings used
    postings: tuple[AccountPosting, ...] = ()
    rates: tuple[RateUsed, ...] = ()
    attempts: tuple[AttemptRecord, ...] = ()
    flags: tuple[str, ...] = ()
    region: str | None = None


class UsageLineInvalid(ValueError):
    """A journal line that is not a usage record; it costs itself and no other line."""


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(UsageRecord)
_KEYS_DECODER = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NULLABLE_BY_DEFAULT = frozenset(
    ("cost_currency", "request_type", "status", "tags", "usage_type", "outcome", "lines", "attempts", "flags")
)


def encode_usage_record(record: UsageRecord) -> bytes:
    """One JSON line without its newline; raises AmountInvalid for a cost that is not a finite number."""
    line = _with_plain_numbers(record)
    try:
        return _ENCODER.encode(line)
    except UnicodeEncodeError:
        # Half a surrogate pair, which somebody's error text may hold, must not cost a call its line.
        return _ENCODER.encode(_with_plain_numbers(_with_whole_text(record)))


def decode_usage_record(line: bytes) -> UsageRecord:
    """Read one line; every decimal is exact. Raises UsageLineInvalid, which says what is wrong with the line."""
    try:
        record = _decode(line)
        usage_moment(record.timestamp)
    except (ValueError, OverflowError, RecursionError) as error:  # msgspec's errors are ValueErrors
        raise UsageLineInvalid(f"not a usage record: {error}") from error
    costs = (record.input_cost, record.output_cost, record.total_cost)
    if not all(cost.is_finite() and 0 <= cost <= COST_MAX for cost in costs):
        raise UsageLineInvalid("not a usage record: a cost is negative, too large or not a number")
    tokens = (record.input_tokens, record.output_tokens, record.total_tokens)
    if min(tokens) < 0 or max(tokens) > CELL_MAX:
        raise UsageLineInvalid("not a usage record: a token count is negative or too large")
    if record.status != "success" and record.outcome == "success":
        return replace(record, outcome="failed")  # a line of the guide's keys only says how it ended in `status`
    return record


def usage_moment(timestamp: str) -> datetime:
    """The instant a record's `timestamp` names, in UTC; one without a zone is UTC, as the guide writes them."""
    moment = datetime.fromisoformat(timestamp)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def cost_in_pico(cost: Decimal) -> Pico:
    """A record's cost as the books hold it.

    Our own costs are whole picos. Other writers of the guide's format add binary floats and leave noise such as
    0.00020250000000000002 behind: what is finer than a pico is rounded half to even, here and nowhere else.
    """
    return pico_from_decimal(cost.quantize(_PICO))


def _with_plain_numbers(record: UsageRecord) -> UsageRecord:
    """The record as the encoder shall write it: it writes what stands in a field, and a Raw as it is."""
    return replace(
        record,
        input_cost=plain_number(record.input_cost),
        output_cost=plain_number(record.output_cost),
        total_cost=plain_number(record.total_cost),
        user_charge=None if record.user_charge is None else plain_number(record.user_charge),
        lines=[
            replace(each, quantity=plain_number(each.quantity), amount=plain_number(each.amount))
            for each in record.lines
        ],
        attempts=[replace(each, cost=plain_number(each.cost)) for each in record.attempts],
        rates=[replace(each, rate=plain_number(each.rate)) for each in record.rates],
    )


def _with_whole_text(record: UsageRecord) -> UsageRecord:
    builtins = msgspec.to_builtins(record, builtin_types=(Decimal,))
    return msgspec.convert(_whole_text(builtins), UsageRecord)


def _whole_text(value: object) -> object:
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, dict):
        return {key: _whole_text(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_whole_text(each) for each in value]
    return value


def _decode(line: bytes) -> UsageRecord:
    try:
        return _DECODER.decode(line)
    except msgspec.ValidationError:
        # Other writers of the guide's format put null where a key has a default; a null cost stays an error.
        keys = _KEYS_DECODER.decode(line)
        nulls = [key for key in _NULLABLE_BY_DEFAULT if key in keys and bytes(keys[key]) == b"null"]
        if not nulls:
            raise
        for key in nulls:
            del keys[key]
        return _DECODER.decode(_ENCODER.encode(keys))


__all__ = [
    "AccountPosting",
    "AttemptRecord",
    "BillLine",
    "RateUsed",
    "UsageLineInvalid",
    "UsageRecord",
    "cost_in_pico",
    "decode_usage_record",
    "encode_usage_record",
    "usage_moment",
]
