"""`POST /api/admin/billing/usage/records/{requestId}/refund`."""

from decimal import Decimal

import pytest

from tests.api.billing.billing_fixtures import BILLING, exact
from tests.api.billing.ledger_fixtures import Bank
from tests.core.ledger_samples import ALICE, POOL, UNIT, take


@pytest.fixture
def bank() -> Bank:
    return Bank()


def place(request_id: str) -> str:
    return f"{BILLING}/usage/records/{request_id}/refund"


def test_without_a_body_the_user_gets_it_back_once(bank: Bank) -> None:
    call = bank.money.call(take(ALICE, UNIT // 4), take(POOL, UNIT // 8))

    told = exact(bank.admin.post(place(call.request_id)))
    again = bank.admin.post(place(call.request_id))

    assert [(each["accountKind"], each["amount"]) for each in told["refunded"]] == [("user", Decimal("0.25"))]
    assert (told["requestId"], told["side"], told["repeated"]) == (call.request_id, "user", False)
    assert (again.status_code, again.json()["code"]) == (409, "nothing_to_correct")
    assert (bank.money.balance(ALICE), bank.money.balance(POOL)) == (0, -UNIT // 8)
    assert bank.views == 2


def test_under_its_key_a_refund_is_told_again(bank: Bank) -> None:
    call, headers = bank.money.call(take(ALICE, UNIT), take(POOL, UNIT)), {"idempotency-key": "sorry"}

    told = [exact(bank.admin.post(place(call.request_id), json={"side": "all"}, headers=headers)) for _ in range(2)]

    assert {**told[1], "repeated": False} == told[0]
    assert (bank.money.balance(ALICE), bank.money.balance(POOL)) == (0, 0)


def test_what_cannot_be_refunded_is_refused(bank: Bank) -> None:
    call = bank.money.call(take(ALICE, UNIT))

    assert bank.admin.post(place("req_nobody")).status_code == 404
    assert bank.admin.post(place(call.request_id), json={"side": "both"}).status_code == 400
    assert bank.admin.post(place(call.request_id), json={"amount": 1}).status_code == 400
    assert bank.alice.post(place(call.request_id)).status_code == 403
    assert bank.stranger.post(place(call.request_id)).status_code == 401
    assert bank.money.balance(ALICE) == -UNIT
