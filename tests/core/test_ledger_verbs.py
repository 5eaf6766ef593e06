"""What the verbs that move money have in common."""

from decimal import Decimal

import pytest

from smart_ai_router.core.administration import IdempotencyKeyInvalid
from smart_ai_router.core.ledger_requests import NewGrant
from smart_ai_router.core.ledger_verbs import (
    AmountRefused,
    booked,
    checked_amount,
    checked_currency,
    checked_text,
    checked_unit,
    known_user,
    money_origin,
)
from smart_ai_router.core.users_and_keys import FieldInvalid, UserUnknown
from tests.core.ledger_samples import Money, by


@pytest.mark.parametrize("prefix", ["usage:", "recurring:", "expire:", "reprice:"])
def test_keys_of_what_follows_from_the_books_are_nobodys(money: Money, prefix: str) -> None:
    with pytest.raises(IdempotencyKeyInvalid):
        money_origin(money.desk, by(f"{prefix}x"))


def test_a_request_without_a_key_gets_one_that_nobody_else_has(money: Money) -> None:
    keys = {money_origin(money.desk, by()).idempotency_key for _ in range(3)}

    assert len(keys) == 3
    assert money_origin(money.desk, by("mine")).idempotency_key == "mine"


def test_the_answer_holds_the_transfers_of_its_action(money: Money) -> None:
    answer = money.quotas.grant("alice", NewGrant("money", Decimal(1), description="why"), by("grant-1"))

    assert booked(answer.done) == answer
    assert [(each.key, each.actor, each.remark) for each in answer.transfers] == [("grant-1", "admin", "why")]
    assert answer.balance_before is None


def test_fields_are_checked_by_name(money: Money) -> None:
    assert checked_currency("CNY") == "CNY"
    assert checked_unit("audio", "CNY") == "audio_ms"
    assert checked_amount("CNY", Decimal("0.5")) == 500_000_000_000
    assert checked_text("x" * 500) == "x" * 500
    assert known_user(money.rows, "alice").id == "alice"

    for wrong in ("cny", "C", "text_token", "CNYCNYCNY", "１２３"):
        with pytest.raises(FieldInvalid):
            checked_currency(wrong)
    with pytest.raises(FieldInvalid):
        checked_text("x" * 501)
    with pytest.raises(FieldInvalid):
        checked_unit("gold", "CNY")
    with pytest.raises(AmountRefused):
        checked_amount("image", Decimal("0.5"))
    with pytest.raises(UserUnknown):
        known_user(money.rows, "nobody")
