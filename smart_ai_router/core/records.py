"""From the facts of an operation to its one journal line."""

from decimal import Decimal
from typing import Final, NamedTuple, cast

import msgspec

from smart_ai_router.core.calls import Call, Caller, ReplyReader, Target
from smart_ai_router.core.funds import Settlement
from smart_ai_router.core.record_money import ledger_keys, written_amount
from smart_ai_router.core.timestamps import iso_utc
from smart_ai_router.core.usage_record import AttemptRecord, BillLine, UsageRecord
from smart_ai_router.domain.estimates import estimate_usage
from smart_ai_router.domain.faults import Fault
from smart_ai_router.domain.meters import INPUT_METERS, NO_USAGE, OUTPUT_METERS, Meter, Quantities, Usage
from smart_ai_router.domain.pricing import Bill, PriceSheet, price_usage, unpriced_bill
from smart_ai_router.domain.settlement import Basis, Outcome, decide_billing

ERROR_TEXT_MAX: Final = 500  # characters of an error kept in a record
NO_BILL: Final = Bill((), 0, 0, 0, "", "none", ())  # nothing was billed
_encoder = msgspec.json.Encoder(decimal_format="number")


class Attempt(msgspec.Struct, frozen=True):
    """One finished upstream try."""

    target: Target
    status: int | None
    fault: Fault | None
    usage: Usage
    bill: Bill | None
    sheet_id: str | None
    duration_s: float


class Ending(msgspec.Struct, frozen=True):
    """Everything the record says about how the operation ended."""

    outcome: Outcome
    error_kind: str | None
    error_message: str | None
    status_code: int
    flags: tuple[str, ...] = ()


class Moments(msgspec.Struct, frozen=True):
    """When it began and ended: wall time names, monotonic time measures."""

    ended_at: float
    duration_s: float
    first_byte_s: float | None


class TokenCounts(NamedTuple):
    """Tokens of one usage; cached and cache writes are part of the input, reasoning of the output."""

    input: int
    output: int
    cached: int
    cache_write: int
    reasoning: int


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
    """The bill of some usage; None when there is nothing to bill. Without a price its quantities are kept."""
    if not usage.quantities:
        return None
    return unpriced_bill(usage, "") if sheet is None else price_usage(sheet, usage)


def finished_attempt(  # noqa: PLR0917 - the facts of one try, in the order they are known
    call: Call,
    target: Target,
    outcome: Outcome,
    fault: Fault | None,
    reader: ReplyReader | None,
    sheet: PriceSheet | None,
    status: int,
    duration_s: float,
) -> Attempt:
    """One try, billed by what its reply said; a try without a reply is billed only if nobody waited for it."""
    usage = NO_USAGE
    if reader is not None:
        usage = usage_to_bill(call, outcome, reader.usage, reader.content_bytes, reader.flags)
    elif outcome is Outcome.CANCELLED or outcome is Outcome.INTERRUPTED:
        usage = usage_to_bill(call, outcome, None, 0, ())
    sheet_id = sheet.id if sheet is not None else None
    return Attempt(target, status or None, fault, usage, bill_usage(sheet, usage), sheet_id, duration_s)


class Facts(msgspec.Struct, frozen=True):
    """What is known of an operation when it has ended."""

    request_id: str
    call: Call
    caller: Caller
    moments: Moments
    ending: Ending
    attempts: list[Attempt]
    tags: tuple[str, ...]
    currency: str
    settlement: Settlement | None
    upstream_model: str | None


def make_line(facts: Facts) -> bytes:
    """The journal line of one operation; its usage and cost are those of its last attempt."""
    call, caller, ending, moments = facts.call, facts.caller, facts.ending, facts.moments
    last = facts.attempts[-1] if facts.attempts else None
    usage = last.usage if last is not None else NO_USAGE
    bill = (last.bill if last is not None else None) or NO_BILL
    tokens = count_tokens(usage.quantities)
    channel = last.target.channel if last is not None else None
    money = ledger_keys(facts.settlement, caller.user_id, bill.currency)
    record = UsageRecord(
        timestamp=iso_utc(moments.ended_at),
        request_id=facts.request_id,
        session_id=call.session_id,
        model=last.target.model.name if last is not None else call.model,
        channel_id=channel.id if channel is not None else "",
        channel_name=channel.name if channel is not None else "",
        provider=channel.provider_id if channel is not None else "",
        input_tokens=tokens.input,
        output_tokens=tokens.output,
        total_tokens=tokens.input + tokens.output,
        input_cost=written_amount(bill.input_cost),
        output_cost=written_amount(bill.output_cost),
        total_cost=written_amount(bill.total_cost),
        cost_currency=bill.currency or facts.currency,
        request_type=call.endpoint.request_type,
        status="success" if ending.outcome is Outcome.SUCCESS else "error",
        error_message=ending.error_message and ending.error_message[:ERROR_TEXT_MAX],
        response_time_ms=int(moments.duration_s * 1000),
        user_agent=caller.user_agent,
        client_ip=caller.client_ip,
        tags=facts.tags,
        usage_type=call.endpoint.usage_type,
        outcome=ending.outcome,
        user_id=caller.user_id,
        api_key_id=caller.api_key_id,
        end_user=call.end_user,
        requested_model=call.model,
        upstream_model=facts.upstream_model,
        stream=call.stream,
        status_code=ending.status_code,
        error_kind=ending.error_kind,
        cached_tokens=tokens.cached,
        cache_write_tokens=tokens.cache_write,
        reasoning_tokens=tokens.reasoning,
        time_to_first_token_ms=None if moments.first_byte_s is None else int(moments.first_byte_s * 1000),
        usage_source=usage.source,
        cost_basis=bill.basis,
        price_version=last.sheet_id if last is not None and last.bill is not None else None,
        service_tier=usage.service_tier,
        lines=_written_lines(bill),
        user_charge=money.user_charge,
        charge_currency=money.charge_currency,
        holder=money.holder,
        postings=money.postings,
        rates=money.rates,
        attempts=_written_attempts(facts.attempts, tokens) if facts.attempts else (),
        flags=ending.flags + usage.flags + bill.flags + money.flags,
        region=call.region,
    )
    return _encode(record)


def count_tokens(quantities: Quantities) -> TokenCounts:
    """The tokens of a usage by the classes that a record shows."""
    input_tokens = output_tokens = cached = cache_write = reasoning = 0
    for meter, quantity in quantities:
        if meter is Meter.INPUT:
            input_tokens += int(quantity)
        elif meter is Meter.OUTPUT:
            output_tokens += int(quantity)
        elif meter in INPUT_METERS:
            input_tokens += int(quantity)
            if meter is Meter.CACHED_INPUT:
                cached += int(quantity)
            elif meter is Meter.CACHE_WRITE_5M or meter is Meter.CACHE_WRITE_1H:
                cache_write += int(quantity)
        elif meter in OUTPUT_METERS:
            output_tokens += int(quantity)
            if meter is Meter.REASONING:
                reasoning += int(quantity)
    return TokenCounts(input_tokens, output_tokens, cached, cache_write, reasoning)


def _written_lines(bill: Bill) -> tuple[BillLine, ...]:
    return tuple(
        [
            BillLine(meter, cast(Decimal, quantity), price_version, written_amount(amount))
            for meter, quantity, price_version, amount in bill.lines
        ]
    )


def _written_attempts(attempts: list[Attempt], tokens_of_last: TokenCounts) -> tuple[AttemptRecord, ...]:
    *failed, last = attempts
    if not failed:
        return (_written_attempt(last, tokens_of_last),)
    before = [_written_attempt(each, count_tokens(each.usage.quantities)) for each in failed]
    return (*before, _written_attempt(last, tokens_of_last))


def _written_attempt(attempt: Attempt, tokens: TokenCounts) -> AttemptRecord:
    channel = attempt.target.channel
    fault = attempt.fault
    return AttemptRecord(
        channel.id,
        channel.name,
        channel.provider_id,
        attempt.target.model.upstream_name,
        attempt.status,
        None if fault is None else fault.kind,
        None if fault is None else fault.message[:ERROR_TEXT_MAX],
        tokens.input,
        tokens.output,
        written_amount(0 if attempt.bill is None else attempt.bill.total_cost),
        int(attempt.duration_s * 1000),
    )


def _encode(record: UsageRecord) -> bytes:
    try:
        return _encoder.encode(record)
    except UnicodeEncodeError:
        # Half a surrogate pair in somebody's error text must not cost a call its line.
        texts = {
            name: value.encode(errors="replace").decode()
            for name in record.__struct_fields__
            if isinstance(value := getattr(record, name), str)
        }
        return _encoder.encode(msgspec.structs.replace(record, attempts=(), **texts))
