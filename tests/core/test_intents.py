"""What a call becomes when nobody can finish it any more."""

from decimal import Decimal

import pytest

from smart_ai_router.core.decisions import Decisions
from smart_ai_router.core.intents import TEXT_MAX, Intent, decode_intents, encode_intent, interrupted_record
from smart_ai_router.core.usage_record import decode_usage_record, encode_usage_record
from smart_ai_router.domain.pricing import PriceSheet
from tests.core.playbook import NOON, House, channel, snapshot


def intent_of_a_call(**fields: object) -> tuple[Intent, bytes]:
    house = House()
    house.call(**fields)
    (stored,) = house.inflight.slots.values()
    (intent,), unreadable = decode_intents([stored])
    assert unreadable == 0
    return intent, stored


def sheet_of(intent: Intent) -> PriceSheet | None:
    used = channel()
    return Decisions(snapshot(used), NOON).sheet(used, used.models[0], intent.started_at)


def test_an_intent_says_who_called_what_where_and_fits_its_slot() -> None:
    intent, stored = intent_of_a_call(model="gpt-4o-mini", user="x" * 5000, stream=True)
    assert (intent.channel_id, intent.model, intent.stream) == ("ch_openai_001", "gpt-4o-mini", True)
    assert intent.started_at == NOON
    assert len(stored) < 2048
    assert encode_intent(intent) == stored


def test_an_interrupted_call_is_one_record_that_estimates_the_prompt_and_charges_nobody() -> None:
    intent, _ = intent_of_a_call()
    record = interrupted_record(intent, sheet_of, NOON + 5)
    assert (record.outcome, record.status, record.usage_source) == ("interrupted", "error", "estimated")
    assert record.request_id == intent.request_id
    assert record.input_tokens > 0
    assert record.output_tokens == 0
    assert record.total_cost == record.input_tokens * Decimal("0.0000005")
    assert record.response_time_ms == 5000
    assert "upstream_may_bill" in record.flags
    assert decode_usage_record(encode_usage_record(record)) == record


def test_an_interrupted_call_without_a_price_says_so() -> None:
    intent, _ = intent_of_a_call()
    record = interrupted_record(intent, lambda _: None, NOON)
    assert (record.cost_basis, record.total_cost) == ("unpriced", 0)


@pytest.mark.parametrize("garbage", [b"", b"\xff", b"\x90", b"torn"])
def test_an_intent_that_cannot_be_read_is_counted_and_costs_no_other(garbage: bytes) -> None:
    intent, stored = intent_of_a_call()
    intents, unreadable = decode_intents([garbage, stored])
    assert (intents, unreadable) == ([intent], 1)


def test_of_two_intents_of_one_call_the_later_attempt_counts() -> None:
    house = House(channel(1), channel(2))
    house.call()
    first = next(iter(house.inflight.slots.values()))
    house.upstream.last.answers(500, {})
    second = next(iter(house.inflight.slots.values()))
    (intent,), _ = decode_intents([first, second])
    assert intent.channel_id == "ch_openai_002"


def test_long_texts_of_a_client_are_cut() -> None:
    house = House()
    house.call(model="tag:" + ",".join(["gpt"] * 30))
    (intent,), _ = decode_intents(house.inflight.slots.values())
    assert len(intent.requested_model) <= TEXT_MAX
