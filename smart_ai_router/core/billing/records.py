"""The page of usage records, and one record in full.

A page is asked for by its number, or by the cursor that the page before gave out. Numbers count from the newest
record, so they shift when new calls arrive; cursors do not. Sums over the whole filter come from rollups.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from smart_ai_router.core.billing.currency import Days, unconverted
from smart_ai_router.core.billing.record_lines import FoundLine, LineState
from smart_ai_router.core.billing.record_messages import (
    AttemptFacts,
    BillLineFacts,
    ExchangeUsed,
    PostingFacts,
    RecordTotals,
    UsageRecordDetails,
    UsageRecordFacts,
    UsageRecordPage,
)
from smart_ai_router.core.billing.view import BillingView, Gathered, dated_totals
from smart_ai_router.core.statistics.periods import YEAR_MAX
from smart_ai_router.core.timestamps import iso_utc_ms
from smart_ai_router.core.usage_pages import SKIP_MAX, UsageFilter, UsageRow
from smart_ai_router.core.usage_record import UsageRecord
from smart_ai_router.core.users_and_keys import FieldInvalid
from smart_ai_router.domain.errors import Refusal
from smart_ai_router.domain.exchange import Conversion
from smart_ai_router.domain.meters import UsageType
from smart_ai_router.domain.money import pico_to_decimal

SIZE_BY_DEFAULT: Final = 20  # the second guide's
SIZE_MAX: Final = 200  # each record of a page is read from the journal
SUCCESS: Final = "success"
FAILED: Final = "failed"

_EVER: Final = Days(date(1970, 1, 1), date(YEAR_MAX, 12, 31))  # a clock that was wrong may have written any day
_AUDIO: Final = frozenset((UsageType.AUDIO_TTS.value, UsageType.AUDIO_STT.value))
_NO_LINE: Final = FoundLine(None, LineState.MISSING)


class RecordUnknown(Refusal):
    """The books have no record of this id."""

    status = 404
    code = "record_not_found"


@dataclass(frozen=True, slots=True)
class PageWanted:
    """Which page: its number, or the cursor before it."""

    number: int = 0
    size: int = SIZE_BY_DEFAULT
    cursor: str | None = None


def record_page(view: BillingView, asked: UsageFilter, wanted: PageWanted) -> UsageRecordPage:
    """Some records of a filter; raises FieldInvalid, CursorInvalid."""
    _require_page(asked, wanted)
    skip = 0 if wanted.cursor is not None else wanted.number * wanted.size
    page = view.books.usage_page(asked, wanted.cursor, wanted.size, skip)
    found = gathered(view, asked)
    count = matching_count(found, asked)
    return UsageRecordPage(
        records=records_of(view, page.rows),
        total_elements=count,
        total_pages=-(-count // wanted.size),
        current_page=None if wanted.cursor is not None else wanted.number,
        page_size=wanted.size,
        next_cursor=page.next_cursor,
        search_complete=page.is_complete,
        totals=_totals(view, asked, found),
        currency=view.currency,
        unconverted=unconverted((found.costs,), view.currency),
        complete=view.complete,
    )


def record_details(view: BillingView, request_id: str) -> UsageRecordDetails:
    """One record with its whole line, from an archive if need be; raises RecordUnknown."""
    row = view.books.usage_row(request_id)
    if row is None:
        raise RecordUnknown(f"the books have no record {request_id[:80]!r}")
    line = view.read_lines((request_id,), True)[request_id]
    facts = _facts(view, row, line)
    record = line.record
    return UsageRecordDetails(
        **{name: getattr(facts, name) for name in UsageRecordFacts.__struct_fields__},
        request_type=None if record is None else record.request_type,
        requested_model=None if record is None else record.requested_model,
        upstream_model=None if record is None else record.upstream_model,
        stream=None if record is None else record.stream,
        service_tier=None if record is None else record.service_tier,
        price_version=None if record is None else record.price_version,
        session_id=None if record is None else record.session_id,
        end_user=None if record is None else record.end_user,
        client_ip=None if record is None else record.client_ip,
        user_agent=None if record is None else record.user_agent,
        flags=() if record is None else record.flags,
        rates=() if record is None else _rates(record),
        postings=() if record is None else _postings(record),
    )


def records_of(view: BillingView, rows: tuple[UsageRow, ...]) -> tuple[UsageRecordFacts, ...]:
    """Records as they are told, in their order."""
    lines = view.read_lines([row.request_id for row in rows], False)
    return tuple(_facts(view, row, lines.get(row.request_id, _NO_LINE)) for row in rows)


def gathered(view: BillingView, asked: UsageFilter) -> Gathered:
    """Sums over all records that a filter lets through, its status left aside."""
    found = Gathered()
    days = Days(asked.first or _EVER.first, asked.last or _EVER.last)
    for each in dated_totals(view, days, (), asked.dimensions()):
        found.add(view.rates, each.totals, each.day)
    return found


def matching_count(found: Gathered, asked: UsageFilter) -> int:
    """How many records a filter lets through."""
    if asked.is_success is None:
        return found.calls
    return found.successes if asked.is_success else found.calls - found.successes


def _require_page(asked: UsageFilter, wanted: PageWanted) -> None:
    if not 1 <= wanted.size <= SIZE_MAX:
        raise FieldInvalid(f"size is a whole number from 1 to {SIZE_MAX}", param="size")
    if wanted.number < 0 or wanted.number * wanted.size > SKIP_MAX:
        raise FieldInvalid(f"page leads to the first {SKIP_MAX} records; go on with the cursor of a page", param="page")
    if asked.api_key_id is not None and asked.user_id is None:
        raise FieldInvalid("apiKeyId goes with the userId that the key belongs to", param="apiKeyId")


def _totals(view: BillingView, asked: UsageFilter, found: Gathered) -> RecordTotals:
    successes = 0 if asked.is_success is False else found.successes
    failures = 0 if asked.is_success is True else found.calls - found.successes
    is_whole = asked.is_success is None  # rollups count successes, and do not sum up what they cost by themselves
    return RecordTotals(
        call_count=successes + failures,
        success_count=successes,
        failed_count=failures,
        total_tokens=found.input_tokens + found.output_tokens if is_whole else None,
        total_cost=found.costs.shown(view.currency) if is_whole else None,
        other_costs=found.costs.beside(view.currency) if is_whole else {},
    )


def _facts(view: BillingView, row: UsageRow, line: FoundLine) -> UsageRecordFacts:
    record = line.record
    day = view.rates.day_of(row.at_ms)
    terms = view.rates.terms(row.currency, day)
    seconds = Decimal(row.media_ms) / 1000
    error = None if record is None else record.error_message
    has_charge = record is not None and record.user_charge is not None
    return UsageRecordFacts(
        id=row.request_id,
        user_id=row.user_id or None,
        provider_id=row.provider or None,
        model_id=row.model,
        usage_type=row.usage_type,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        total_tokens=row.input_tokens + row.output_tokens,
        image_count=row.images,
        audio_duration=seconds if row.usage_type in _AUDIO else Decimal(0),
        video_duration=seconds if row.usage_type == UsageType.VIDEO_GENERATION else Decimal(0),
        cost_amount=terms.shown(row.total_cost),
        token_consumed=row.input_tokens + row.output_tokens,
        status=SUCCESS if row.is_success else FAILED,
        request_id=row.request_id,
        error_message=error,
        created_at=iso_utc_ms(row.at_ms),
        provider_name=view.provider_name(row.provider) if row.provider else None,
        model_name=row.model,
        currency=terms.currency,
        original_cost=pico_to_decimal(row.total_cost),
        original_currency=row.currency,
        exchange=None if terms.conversion is None else _exchange(terms.conversion),
        outcome=row.outcome,
        status_code=row.status_code,
        error_kind=row.error_kind or None,
        channel_id=row.channel_id or None,
        api_key_id=row.api_key_id or None,
        cached_tokens=row.cached_tokens,
        cache_write_tokens=row.cache_write_tokens,
        reasoning_tokens=row.reasoning_tokens,
        usage_source=row.usage_source,
        cost_basis=row.cost_basis,
        duration_ms=row.duration_ms,
        first_token_ms=row.first_token_ms,
        region=row.region or None,
        line_state=line.state.value,
        channel_name=None if record is None else record.channel_name or None,
        user_charge=None if row.user_charge is None else pico_to_decimal(row.user_charge),
        charge_currency=record.charge_currency or record.cost_currency if record is not None and has_charge else None,
        tags=() if record is None else record.tags,
        lines=() if record is None else _lines(record),
        attempts=() if record is None else _attempts(record),
    )


def _exchange(used: Conversion) -> ExchangeUsed:
    return ExchangeUsed(used.base, used.quote, used.rate, iso_utc_ms(used.effective_from_ms), used.is_inverse)


def _lines(record: UsageRecord) -> tuple[BillLineFacts, ...]:
    return tuple(BillLineFacts(each.meter, each.quantity, each.price_version, each.amount) for each in record.lines)


def _attempts(record: UsageRecord) -> tuple[AttemptFacts, ...]:
    return tuple(
        AttemptFacts(
            channel_id=each.channel_id,
            channel_name=each.channel_name,
            provider_id=each.provider,
            model_id=each.model,
            status_code=each.status_code,
            error_kind=each.error_kind,
            error_message=each.error_message,
            input_tokens=each.input_tokens,
            output_tokens=each.output_tokens,
            cost=each.cost,
            duration_ms=each.duration_ms,
        )
        for each in record.attempts
    )


def _rates(record: UsageRecord) -> tuple[ExchangeUsed, ...]:
    return tuple(
        ExchangeUsed(each.base, each.quote, each.rate, each.effective_from, each.is_inverse) for each in record.rates
    )


def _postings(record: UsageRecord) -> tuple[PostingFacts, ...]:
    return tuple(PostingFacts(each.kind, each.owner, each.unit, each.part, each.amount) for each in record.postings)
