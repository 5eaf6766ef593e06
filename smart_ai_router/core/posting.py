"""From a journal line to what the books take from it: exact amounts, its day, its number.

The common line is read on a short path; whatever is unusual about a line is left to `decode_usage_record`, which
decides what a usage record is. What cannot stand in the books is a `LineRefused`: it costs that line only.
"""

from datetime import UTC, datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Final, TypeAlias

import msgspec

from smart_ai_router.core.local_days import LocalDays
from smart_ai_router.core.record_keys import REQUEST_ID_LENGTH_MAX, own_key
from smart_ai_router.core.usage_record import (
    UsageLineInvalid,
    UsageRecord,
    cost_in_pico,
    decode_usage_record,
    usage_moment,
)
from smart_ai_router.domain.accounts import LIMITED_KINDS
from smart_ai_router.domain.meters import Meter, UsageType
from smart_ai_router.domain.money import CELL_MAX, PICO_PER_UNIT, Pico

TOKENS_MAX: Final = 10**12  # in one record; nine million such records still fit one 64-bit cell
DURATION_MS_MAX: Final = 10**10  # 115 days
COUNT_MAX: Final = 10**9  # images in one record
TEXT_LENGTH_MAX: Final = 200  # of a name in the books; the journal keeps the whole
AT_MS_MIN: Final = 0  # 1970
AT_MS_MAX: Final = 3_913_056_000_000  # 2094, where sids end

_PICO_PER_UNIT: Final = Decimal(PICO_PER_UNIT)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DECODER: Final = msgspec.json.Decoder(UsageRecord)
_LIMITED: Final = frozenset(kind.value for kind in LIMITED_KINDS)
_IMAGE: Final = Meter.IMAGE.value
_SECOND: Final = Meter.SECOND.value
_MINUTE: Final = Meter.MINUTE.value
_WORDS_ONLY: Final = frozenset(
    (UsageType.TEXT_GENERATION.value, UsageType.EMBEDDING.value, UsageType.RERANK.value, UsageType.MODERATION.value)
)


class LineRefused(ValueError):
    """A line that cannot stand in the books. `reason` is a word to count by, the text says what is wrong."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


Try: TypeAlias = tuple[str, int, int, int, int, Pico, int]  # channel id, 1, failures, tokens in, out, cost, ms


class Posting(msgspec.Struct, frozen=True, gc=False):
    """One usage record on its way into the books, and where its line stands."""

    record: UsageRecord
    line: bytes
    offset: int
    key: tuple[int, int] | None  # sid and check bits; None for an id of other make
    at_ms: int
    day: int  # of the configured time zone
    is_success: bool
    input_cost: Pico
    output_cost: Pico
    other_cost: Pico  # what the total holds beyond input and output
    user_charge: Pico | None
    duration_ms: int
    images: int
    media_ms: int  # of sound or video
    tries: tuple[Try, ...]


def post_line(line: bytes, offset: int, days: LocalDays) -> Posting:
    """Read one line (without newline) that begins at `offset` of its file; raises LineRefused."""
    record = _read(line)
    at_ms = _at_ms(record.timestamp)
    input_cost = exact_pico(record.input_cost)
    output_cost = exact_pico(record.output_cost)
    total = record.total_cost
    # A total is nearly always the sum of its parts, and the charge the total: comparing costs less than converting.
    parts = input_cost + output_cost
    other_cost = 0 if total * _PICO_PER_UNIT == parts else exact_pico(total) - parts
    charge = record.user_charge
    if charge is None:
        user_charge = None
    elif charge == total:
        user_charge = parts + other_cost
    else:
        user_charge = exact_pico(charge)
    images, media_ms = (0, 0) if record.usage_type in _WORDS_ONLY else _media(record)
    return Posting(
        record,
        line,
        offset,
        own_key(record.request_id, at_ms),
        at_ms,
        days.day_of(at_ms),
        record.outcome == "success",
        input_cost,
        output_cost,
        other_cost,
        user_charge,
        _bounded_ms(record.response_time_ms),
        images,
        media_ms,
        _tries(record, parts + other_cost),
    )


def exact_pico(amount: Decimal) -> Pico:
    """A record's amount as the books hold it; raises LineRefused for one that is negative, too large or no number.

    Whole picos, which our own amounts are, take the short way; `cost_in_pico` rounds the noise of other writers.
    """
    try:
        scaled = amount * _PICO_PER_UNIT
        pico = int(scaled)
        if pico != scaled:
            pico = cost_in_pico(amount)
    except (ValueError, ArithmeticError) as error:
        raise LineRefused("invalid", f"{str(amount)[:40]} is not an amount") from error
    if not 0 <= pico <= CELL_MAX:
        raise LineRefused("invalid", f"{str(amount)[:40]} is below zero or more than one record can hold")
    return pico


def small_number(number: int | None) -> int | None:
    """A number that steers nothing; None when it is senseless. The journal keeps what was written."""
    return number if number is not None and 0 <= number <= DURATION_MS_MAX else None


def book_name(name: str | None) -> str:
    """A name as the books keep it: all of it, or its beginning and a mark that tells it from its like."""
    if name is None:
        return ""
    if len(name) <= TEXT_LENGTH_MAX:
        return name
    return f"{name[:TEXT_LENGTH_MAX]}…{blake2b(name.encode(), digest_size=8).hexdigest()}"


def _read(line: bytes) -> UsageRecord:
    try:
        record = _DECODER.decode(line)
    except (ValueError, RecursionError):  # msgspec's errors are ValueErrors, as is text that is not UTF-8
        record = _read_unusual(line)
    if record.status != "success" and record.outcome == "success":
        record = _read_unusual(line)
    if not (
        0 <= record.input_tokens <= TOKENS_MAX
        and 0 <= record.output_tokens <= TOKENS_MAX
        and 0 <= record.cached_tokens <= TOKENS_MAX
        and 0 <= record.cache_write_tokens <= TOKENS_MAX
        and 0 <= record.reasoning_tokens <= TOKENS_MAX
    ):
        raise LineRefused("invalid", f"a token count is below zero or above {TOKENS_MAX}")
    if not 0 < len(record.request_id) <= REQUEST_ID_LENGTH_MAX:
        raise LineRefused("invalid", f"the request id has {len(record.request_id)} characters")
    if record.postings:
        _check_postings(record)
    return record


def _check_postings(record: UsageRecord) -> None:
    """What a call takes of the ledger must be exact and whole, or the line is not booked at all."""
    for each in record.postings:
        if each.kind not in _LIMITED or not 0 < len(each.owner) <= TEXT_LENGTH_MAX or not each.unit:
            raise LineRefused("invalid", f"{each.kind[:40]!r} {each.owner[:40]!r} is no account to take from")
        if len(each.unit) + len(each.part) > TEXT_LENGTH_MAX or not 0 <= each.leased <= each.amount <= CELL_MAX:
            raise LineRefused("invalid", f"{each.leased} of {each.amount} cannot be taken of an account under a lease")
    if len({(each.kind, each.owner, each.unit, each.part) for each in record.postings}) != len(record.postings):
        raise LineRefused("invalid", "the line takes of one account twice")


def _read_unusual(line: bytes) -> UsageRecord:
    if not line.strip():
        raise LineRefused("blank", "a line without a record")
    try:
        line.decode()
    except UnicodeDecodeError as error:
        raise LineRefused("not_utf8", str(error)) from error
    try:
        return decode_usage_record(line)
    except UsageLineInvalid as error:
        raise LineRefused("invalid" if _is_json(line) else "corrupt", str(error)) from error


def _is_json(line: bytes) -> bool:
    try:
        msgspec.json.decode(line)
    except (ValueError, RecursionError):
        return False
    return True


def _at_ms(timestamp: str) -> int:
    try:
        moment = datetime.fromisoformat(timestamp)
        since = (moment if moment.tzinfo is UTC else usage_moment(timestamp)) - _EPOCH
    except (ValueError, OverflowError) as error:
        raise LineRefused("invalid", f"{timestamp[:40]!r} is not a moment") from error
    at_ms = since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000
    if not AT_MS_MIN <= at_ms < AT_MS_MAX:
        raise LineRefused("invalid", f"{timestamp[:40]} is not within 1970..2093")
    return at_ms


def _media(record: UsageRecord) -> tuple[int, int]:
    """Images, and milliseconds of sound or video, by the bill lines."""
    images = media_ms = 0
    for line in record.lines:
        try:
            if line.meter == _IMAGE:
                images += int(line.quantity)
            elif line.meter == _SECOND:
                media_ms += int(line.quantity * 1000)
            elif line.meter == _MINUTE:
                media_ms += int(line.quantity * 60_000)
        except (ValueError, ArithmeticError) as error:
            raise LineRefused("invalid", f"{str(line.quantity)[:40]} is not a quantity") from error
    if not (0 <= images <= COUNT_MAX and 0 <= media_ms <= DURATION_MS_MAX):
        raise LineRefused("invalid", "more images or seconds than one call can have")
    return images, media_ms


def _tries(record: UsageRecord, total_cost: Pico) -> tuple[Try, ...]:
    """The upstream tries of a record; one without attempts is one try of its channel."""
    if record.attempts:
        total = record.total_cost
        return tuple(
            [
                (
                    each.channel_id,
                    1,
                    0 if each.error_kind is None else 1,
                    _tokens(each.input_tokens),
                    _tokens(each.output_tokens),
                    total_cost if each.cost == total else exact_pico(each.cost),
                    _bounded_ms(each.duration_ms),
                )
                for each in record.attempts
            ]
        )
    if not record.channel_id or record.outcome == "refused":
        return ()
    failures = 0 if record.outcome == "success" else 1
    tokens = (record.input_tokens, record.output_tokens)
    return ((record.channel_id, 1, failures, *tokens, total_cost, _bounded_ms(record.response_time_ms)),)


def _tokens(count: int) -> int:
    if 0 <= count <= TOKENS_MAX:
        return count
    raise LineRefused("invalid", f"a token count is below zero or above {TOKENS_MAX}")


def _bounded_ms(duration_ms: int | None) -> int:
    """A duration steers no money: a senseless one is forced into bounds; the journal keeps what was written."""
    if duration_ms is None or duration_ms < 0:
        return 0
    return duration_ms if duration_ms <= DURATION_MS_MAX else DURATION_MS_MAX
