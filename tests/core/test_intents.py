"""Intents: what is kept of a call in flight always fits its slot, and reads back as it was."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from smart_ai_router.core.intents import (
    INTENT_BYTES_MAX,
    SHORT_TEXT_MAX,
    TEXT_MAX,
    Intent,
    decode_intents,
    encode_intent,
    interrupted_record,
)
from smart_ai_router.core.usage_record import decode_usage_record, encode_usage_record
from smart_ai_router.domain.accounts import pool_account, user_account
from tests.core.playbook import NOON, House
from tests.core.test_recovery import INTENT, UNPRICED
from tests.domain.ledger_samples import tariff

LONG = "🙂" * 256  # the most characters that a record keeps, at their widest


def test_an_intent_reads_back_as_it_was() -> None:
    full = replace(
        INTENT, tags=("a", "b"), end_user="e", session_id="s", client_ip="::1", user_agent="curl", region="CN"
    )
    assert decode_intents([encode_intent(INTENT), encode_intent(full)]) == ([full], 0)


def test_of_several_intents_of_one_call_the_last_one_counts() -> None:
    moved_on = replace(INTENT, channel_id="ch_openai_002")
    other = replace(INTENT, request_id="req_other")
    intents, unreadable = decode_intents([encode_intent(each) for each in (INTENT, other, moved_on)])
    assert (intents, unreadable) == ([moved_on, other], 0)


def test_what_cannot_be_read_is_counted() -> None:
    damaged = [b"", b"\xc1", b"\x90", encode_intent(INTENT)[:-1], b"\xd9\x02\xff\xff"]
    assert decode_intents([*damaged, encode_intent(INTENT)]) == ([INTENT], len(damaged))


def test_texts_of_a_client_at_their_longest_are_cut_and_nothing_else() -> None:
    long = replace(
        INTENT, requested_model=LONG[:TEXT_MAX], end_user=LONG, session_id=LONG, user_agent=LONG[:200], region=LONG
    )
    encoded = encode_intent(long)
    assert len(encoded) <= INTENT_BYTES_MAX
    ((kept,), _) = decode_intents([encoded])
    cut = LONG[:SHORT_TEXT_MAX]
    assert kept == replace(long, requested_model=cut, end_user=cut, session_id=cut, user_agent=cut, region=cut)


def test_names_of_an_operator_without_end_still_fit() -> None:
    names = ("channel_name", "model", "upstream_model", "channel_id", "provider", "user_id", "api_key_id")
    long = replace(INTENT, **dict.fromkeys(names, "模" * 5000), end_user=LONG)
    encoded = encode_intent(long)
    assert len(encoded) <= INTENT_BYTES_MAX
    assert decode_intents([encoded])[0][0].request_id == INTENT.request_id


def test_what_was_held_is_kept_with_its_holder() -> None:
    held = ((pool_account("openai", "USD"), 2**62), (user_account("u1", "CNY"), 5))
    intent = replace(INTENT, holder="0-1-ab", held=held)
    assert decode_intents([encode_intent(intent)])[0] == [intent]


def test_an_interrupted_call_is_its_providers_and_nobody_elses_under_the_dead_workers_lease() -> None:
    pool, user = pool_account("openai", "USD"), user_account("u1", "CNY")
    intent = replace(INTENT, holder="0-1-ab", held=((user, 10**12), (pool, 10**12)))
    record = interrupted_record(intent, tariff(None, pool), NOON + 1)
    (taken,) = record.postings
    assert (taken.kind, taken.owner) == ("pool", "openai")
    assert Decimal(taken.amount).scaleb(-12) == record.total_cost > 0
    assert taken.leased == taken.amount
    assert record.holder == "0-1-ab"


def test_both_sides_of_the_size() -> None:
    room = INTENT_BYTES_MAX - len(encode_intent(replace(INTENT, end_user="x" * 300)))
    fits = replace(INTENT, end_user="x" * (300 + room))
    beyond = replace(INTENT, end_user="x" * (301 + room))
    assert decode_intents([encode_intent(fits)])[0] == [fits]
    assert decode_intents([encode_intent(beyond)])[0] == [
        replace(beyond, end_user="x" * SHORT_TEXT_MAX, requested_model="tag:gpt")
    ]


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=300))
def test_any_texts_fit_and_the_record_can_be_written(end_user: str, session_id: str, user_agent: str) -> None:
    encoded = encode_intent(replace(INTENT, end_user=end_user, session_id=session_id, user_agent=user_agent))
    assert len(encoded) <= INTENT_BYTES_MAX
    ((kept,), _) = decode_intents([encoded])
    record = interrupted_record(kept, UNPRICED, NOON + 1)
    assert decode_usage_record(encode_usage_record(record)) == record


@pytest.mark.parametrize("user_id", ["u1", None])
def test_an_interrupted_call_costs_its_user_nothing(user_id: str | None) -> None:
    record = interrupted_record(replace(INTENT, user_id=user_id), UNPRICED, NOON + 1)
    assert record.user_charge == (Decimal(0) if user_id else None)
    assert (record.status, record.outcome, record.cost_basis) == ("error", "interrupted", "unpriced")


def test_a_call_with_the_longest_texts_is_carried_out() -> None:
    house = House()
    house.call(user=LONG, model="gpt-4o-mini")
    ((kept,), _) = decode_intents(house.inflight.slots.values())
    assert isinstance(kept, Intent)
    assert kept.end_user == LONG
