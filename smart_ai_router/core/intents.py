"""What is known of a call before its first upstream byte, and the record it becomes if the worker dies.

An intent stands in the in-flight table from just before the upstream is asked until the call's line is in the
journal. After a crash the next owner of the table turns every intent that has no line into one `interrupted` record:
the prompt is billed to us as an estimate, the user pays nothing.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

import msgspec

from smart_ai_router.core.record_money import written_postings
from smart_ai_router.core.timestamps import iso_utc
from smart_ai_router.core.usage_record import BillLine, UsageRecord
from smart_ai_router.domain.accounts import AccountKey
from smart_ai_router.domain.charges import Tariff, provider_charge
from smart_ai_router.domain.estimates import estimate_usage
from smart_ai_router.domain.hold_postings import orphan_postings
from smart_ai_router.domain.money import pico_to_decimal
from smart_ai_router.domain.pricing import Bill, price_usage

INTENT_BYTES_MAX: Final = 2048  # an intent is about 600 bytes; it stands in a slot of this size
TEXT_MAX: Final = 200  # characters of a client-chosen text kept in an intent
SHORT_TEXT_MAX: Final = 25  # characters that are left of each text of an intent that is too long: 100 bytes at most
INTERRUPTED: Final = "the router stopped while this call was in flight"


class Intent(msgspec.Struct, frozen=True, array_like=True):
    """One call that may have reached an upstream."""

    request_id: str
    started_at: float  # seconds since 1970 UTC
    journal_day: str  # its line, if there is one, stands at or after this place
    journal_offset: int
    channel_id: str
    channel_name: str
    provider: str
    provider_region: str | None
    model: str
    upstream_model: str
    requested_model: str
    request_type: str
    usage_type: str
    stream: bool
    prompt_bytes: int
    currency: str
    tags: tuple[str, ...] = ()
    user_id: str | None = None
    api_key_id: str | None = None
    end_user: str | None = None
    session_id: str | None = None
    client_ip: str | None = None
    user_agent: str | None = None
    region: str | None = None
    holder: str = ""  # whose slices the call's hold is in
    held: tuple[tuple[AccountKey, int], ...] = ()


_CLIENTS_TEXTS: Final = ("requested_model", "end_user", "session_id", "user_agent", "region")
_OPERATORS_TEXTS: Final = ("channel_name", "model", "upstream_model", "channel_id", "provider", "user_id", "api_key_id")
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Intent)


def encode_intent(intent: Intent) -> bytes:
    """The stored form, never longer than `INTENT_BYTES_MAX`: texts that anybody could make longer are cut for that."""
    encoded = _encoder.encode(intent)
    for names in (_CLIENTS_TEXTS, _OPERATORS_TEXTS):
        if len(encoded) <= INTENT_BYTES_MAX:
            break
        cut = {name: text[:SHORT_TEXT_MAX] for name in names if (text := getattr(intent, name)) is not None}
        intent = msgspec.structs.replace(intent, **cut)
        encoded = _encoder.encode(intent)
    return encoded


def decode_intents(stored: Iterable[bytes]) -> tuple[list[Intent], int]:
    """Read stored intents, the last one of each call; also how many could not be read."""
    by_id: dict[str, Intent] = {}
    unreadable = 0
    for each in stored:
        try:
            intent = _decoder.decode(each)
        except ValueError:  # msgspec's errors, and those of UTF-8
            unreadable += 1
            continue
        by_id[intent.request_id] = intent
    return list(by_id.values()), unreadable


def interrupted_record(intent: Intent, tariff: Tariff, now: float) -> UsageRecord:
    """The one record of a call that nobody can finish any more; `tariff` holds its price and its provider's pool."""
    usage = estimate_usage(intent.prompt_bytes, 0)
    sheet = tariff.sheet
    bill = price_usage(sheet, usage) if sheet is not None else None
    to_provider = provider_charge(tariff, bill.total_cost if bill else 0)
    taken = orphan_postings(intent.held, () if to_provider is None else (to_provider,))
    return UsageRecord(
        timestamp=iso_utc(now),
        request_id=intent.request_id,
        session_id=intent.session_id,
        model=intent.model,
        channel_id=intent.channel_id,
        channel_name=intent.channel_name,
        provider=intent.provider,
        input_tokens=usage.input_tokens,
        output_tokens=0,
        total_tokens=usage.input_tokens,
        input_cost=pico_to_decimal(bill.input_cost if bill else 0),
        output_cost=pico_to_decimal(bill.output_cost if bill else 0),
        total_cost=pico_to_decimal(bill.total_cost if bill else 0),
        cost_currency=bill.currency if bill else intent.currency,
        request_type=intent.request_type,
        status="error",
        error_message=INTERRUPTED,
        response_time_ms=max(0, round((now - intent.started_at) * 1000)),
        user_agent=intent.user_agent,
        client_ip=intent.client_ip,
        tags=intent.tags,
        usage_type=intent.usage_type,
        outcome="interrupted",
        user_id=intent.user_id,
        api_key_id=intent.api_key_id,
        end_user=intent.end_user,
        requested_model=intent.requested_model,
        upstream_model=intent.upstream_model,
        stream=intent.stream,
        error_kind="interrupted",
        usage_source="estimated",
        cost_basis=bill.basis if bill else "unpriced",
        price_version=sheet.id if sheet is not None else None,
        lines=bill_lines(bill),
        user_charge=Decimal(0) if intent.user_id else None,
        holder=intent.holder or None,
        postings=written_postings(taken),
        flags=("upstream_may_bill",),
        region=intent.region,
    )


def bill_lines(bill: Bill | None) -> tuple[BillLine, ...]:
    """A bill's lines as the record carries them."""
    if bill is None:
        return ()
    return tuple(
        [
            BillLine(line.meter.value, Decimal(line.quantity), line.price_version, pico_to_decimal(line.amount))
            for line in bill.lines
        ]
    )
