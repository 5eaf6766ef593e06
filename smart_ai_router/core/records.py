"""From the facts of an operation to its one usage record."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from smart_ai_router.core.calls import Call, Caller, Target
from smart_ai_router.core.intents import bill_lines, iso_utc
from smart_ai_router.core.usage_record import AttemptRecord, UsageRecord
from smart_ai_router.domain.estimates import estimate_usage
from smart_ai_router.domain.faults import Fault
from smart_ai_router.domain.meters import NO_USAGE, Meter, Usage
from smart_ai_router.domain.money import Pico, pico_to_decimal
from smart_ai_router.domain.pricing import Bill, PriceSheet, price_usage
from smart_ai_router.domain.settlement import Basis, Outcome, decide_billing

ERROR_TEXT_MAX: Final = 500  # characters of an error kept in a record
_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One finished upstream try."""

    target: Target
    status: int | None
    fault: Fault | None
    usage: Usage
    bill: Bill | None
    sheet_id: str | None
    duration_s: float


@dataclass(frozen=True, slots=True)
class Ending:
    """Everything the record says about how the operation ended."""

    outcome: Outcome
    error_kind: str | None
    error_message: str | None
    status_code: int
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Moments:
    """When it began and ended: wall time names, monotonic time measures."""

    ended_at: float
    duration_s: float
    first_byte_s: float | None


def usage_to_bill(
    call: Call, outcome: Outcome, reported: Usage | None, content_bytes: int, flags: tuple[str, ...]
) -> Usage:
    """The quantities that the provider is taken to bill, by the decision table."""
    basis = decide_billing(outcome, reported is not None).provider
    if basis is Basis.REPORTED and reported is not None:
        return reported
    if basis is Basis.NOTHING:
        return NO_USAGE
    return estimate_usage(call.prompt_bytes, content_bytes, flags)


def bill_usage(sheet: PriceSheet | None, usage: Usage) -> Bill | None:
    """The bill of some usage; None when there is nothing to bill or no price for it."""
    return price_usage(sheet, usage) if sheet is not None and usage.quantities else None


def make_record(
    *,
    request_id: str,
    call: Call,
    caller: Caller,
    moments: Moments,
    ending: Ending,
    attempts: tuple[Attempt, ...],
    tags: tuple[str, ...],
    currency: str,
    user_charge: Pico | None,
    upstream_model: str | None,
) -> UsageRecord:
    """The record of one operation; its usage and cost are those of its last attempt."""
    last = attempts[-1] if attempts else None
    usage = last.usage if last is not None else NO_USAGE
    bill = last.bill if last is not None else None
    channel = last.target.channel if last is not None else None
    input_tokens, output_tokens = usage.input_tokens, usage.output_tokens
    input_cost = pico_to_decimal(bill.input_cost) if bill is not None else _ZERO
    output_cost = pico_to_decimal(bill.output_cost) if bill is not None else _ZERO
    unpriced = bill is None and bool(usage.quantities)
    return UsageRecord(
        timestamp=iso_utc(moments.ended_at),
        request_id=request_id,
        session_id=call.session_id,
        model=last.target.model.name if last is not None else call.model,
        channel_id=channel.id if channel is not None else "",
        channel_name=channel.name if channel is not None else "",
        provider=channel.provider_id if channel is not None else "",
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        total_tokens=input_tokens + output_tokens,
        input_cost=input_cost,
        output_cost=output_cost,
        total_cost=input_cost + output_cost,
        cost_currency=bill.currency if bill is not None else currency,
        request_type=call.endpoint.request_type,
        status="success" if ending.outcome is Outcome.SUCCESS else "error",
        error_message=ending.error_message[:ERROR_TEXT_MAX] if ending.error_message else None,
        response_time_ms=int(moments.duration_s * 1000),
        user_agent=caller.user_agent,
        client_ip=caller.client_ip,
        tags=tags,
        usage_type=call.endpoint.usage_type.value,
        outcome=ending.outcome.value,
        user_id=caller.user_id,
        api_key_id=caller.api_key_id,
        end_user=call.end_user,
        requested_model=call.model,
        upstream_model=upstream_model,
        stream=call.stream,
        status_code=ending.status_code,
        error_kind=ending.error_kind,
        cached_tokens=int(usage.quantity(Meter.CACHED_INPUT)),
        cache_write_tokens=int(usage.quantity(Meter.CACHE_WRITE_5M) + usage.quantity(Meter.CACHE_WRITE_1H)),
        reasoning_tokens=int(usage.quantity(Meter.REASONING)),
        time_to_first_token_ms=None if moments.first_byte_s is None else int(moments.first_byte_s * 1000),
        usage_source=usage.source.value,
        cost_basis=bill.basis if bill is not None else "unpriced" if unpriced else "none",
        price_version=last.sheet_id if last is not None and bill is not None else None,
        service_tier=usage.service_tier,
        lines=bill_lines(bill),
        user_charge=None if user_charge is None else pico_to_decimal(user_charge),
        attempts=tuple([_attempt_record(each) for each in attempts]),
        flags=ending.flags + usage.flags + (bill.flags if bill is not None else ()),
        region=call.region,
    )


def _attempt_record(attempt: Attempt) -> AttemptRecord:
    channel = attempt.target.channel
    fault = attempt.fault
    return AttemptRecord(
        channel_id=channel.id,
        channel_name=channel.name,
        provider=channel.provider_id,
        model=attempt.target.model.upstream_name,
        status_code=attempt.status,
        error_kind=None if fault is None else fault.kind.value,
        error_message=None if fault is None else fault.message[:ERROR_TEXT_MAX],
        input_tokens=attempt.usage.input_tokens,
        output_tokens=attempt.usage.output_tokens,
        cost=_ZERO if attempt.bill is None else pico_to_decimal(attempt.bill.total_cost),
        duration_ms=int(attempt.duration_s * 1000),
    )
