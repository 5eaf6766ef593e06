"""Refunds and repricings of single calls."""

import pytest

from smart_ai_router.core.administration import IdempotencyConflict
from smart_ai_router.core.call_corrections import CallUnknown, NothingToCorrect
from smart_ai_router.core.ledger_requests import CallRefund
from smart_ai_router.core.users_and_keys import FieldInvalid
from smart_ai_router.domain.accounts import usage_counter
from smart_ai_router.domain.ledger import TransferKind
from tests.core.ledger_samples import ALICE, KEY, POOL, Money, by, take


def test_a_refund_gives_the_user_and_the_key_back_what_the_call_took_once(money: Money) -> None:
    call = money.call(take(ALICE, 700), take(KEY, 700), take(POOL, 500))

    for _ in range(2):
        money.corrections.refund(call.request_id, CallRefund(), by("refund-1"))

    assert [money.balance(key) for key in (ALICE, KEY, POOL)] == [0, 0, -500]
    assert money.balance(usage_counter(ALICE)) == 0
    assert money.account(ALICE).used == 0
    with money.store.ledger() as ledger:
        assert [each.kind for each in ledger.call_transfers(call.request_id)] == [
            TransferKind.USAGE,
            TransferKind.REFUND,
        ]


def test_what_was_given_back_is_not_given_back_again(money: Money) -> None:
    call = money.call(take(ALICE, 700), take(POOL, 500))
    money.corrections.refund(call.request_id, CallRefund(), by("refund-1"))

    with pytest.raises(NothingToCorrect):
        money.corrections.refund(call.request_id, CallRefund(), by("refund-2"))
    with pytest.raises(IdempotencyConflict):
        money.corrections.refund(call.request_id, CallRefund("pool"), by("refund-1"))
    money.corrections.refund(call.request_id, CallRefund("all"), by("refund-3"))

    assert [money.balance(key) for key in (ALICE, POOL)] == [0, 0]


def test_a_call_that_took_nothing_is_not_known_to_the_ledger(money: Money) -> None:
    free = money.call()

    for request_id in (free.request_id, "req_none"):
        with pytest.raises(CallUnknown):
            money.corrections.refund(request_id, CallRefund(), by())
    with pytest.raises(FieldInvalid):
        money.corrections.refund(free.request_id, CallRefund("both"), by())


def test_a_repricing_carries_a_call_over_to_the_right_prices_once(money: Money) -> None:
    call = money.call(take(ALICE, 700), take(POOL, 500))

    money.corrections.reprice(call.request_id, {ALICE: 900, POOL: 400}, "prices of May", by())

    assert [money.balance(key) for key in (ALICE, POOL)] == [-900, -400]
    for right in ({ALICE: 900, POOL: 400}, {ALICE: 901, POOL: 400}):
        with pytest.raises(NothingToCorrect):
            money.corrections.reprice(call.request_id, right, "prices of May", by())
    money.corrections.reprice(call.request_id, {ALICE: 600, POOL: 400}, "prices of June", by())
    assert money.balance(ALICE) == -600


def test_a_call_of_another_makes_id_is_corrected_as_well(money: Money) -> None:
    call = money.call(take(ALICE, 700), request_id="other-maker-1")

    money.corrections.refund("other-maker-1", CallRefund(), by())

    assert call.request_id == "other-maker-1"
    assert money.balance(ALICE) == 0
