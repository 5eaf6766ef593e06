"""What the refund of a call is told as."""

from smart_ai_router.core.billing.refunds import refund_facts
from smart_ai_router.core.ledger_requests import CallRefund
from smart_ai_router.domain.accounts import QuotaUnit, user_account
from tests.core.ledger_samples import ALICE, POOL, UNIT, Money, by, take

AUDIO = user_account("alice", QuotaUnit.AUDIO_MS)


def test_every_account_that_got_something_back_is_named_with_how_much() -> None:
    money = Money()
    call = money.call(take(ALICE, UNIT // 4), take(AUDIO, 90_000), take(POOL, UNIT // 8))

    booked = money.corrections.refund(call.request_id, CallRefund("user"), by("sorry"))
    again = money.corrections.refund(call.request_id, CallRefund("user"), by("sorry"))
    told = refund_facts(booked, call.request_id, "user")

    parts = sorted((each.account_kind, each.owner, each.quota_type, str(each.amount), each.currency or "")
                   for each in told.refunded)  # fmt: skip
    assert parts == [("user", "alice", "audio", "1.5", ""), ("user", "alice", "money", "0.25", "CNY")]
    assert {each.part for each in told.refunded} == {"permanent"}
    assert (told.request_id, told.side, told.repeated) == (call.request_id, "user", False)
    assert refund_facts(again, call.request_id, "user").repeated is True


def test_a_pool_gets_back_what_it_was_charged() -> None:
    money = Money()
    call = money.call(take(ALICE, UNIT), take(POOL, UNIT // 8))

    told = refund_facts(money.corrections.refund(call.request_id, CallRefund("pool"), by()), call.request_id, "pool")

    assert [(each.account_kind, each.owner, str(each.amount), each.part) for each in told.refunded] == [
        ("pool", "openai", "0.125", "")
    ]
