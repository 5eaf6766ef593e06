"""What is asked of the books of money, as JSON."""

from decimal import Decimal

import msgspec
import pytest

from smart_ai_router.core.ledger_requests import NewBatchGrant, NewGrant, NewRecharge


def test_the_second_guides_bodies_are_taken_as_they_stand() -> None:
    grant = msgspec.json.decode(b'{"quotaType":"image","amount":20}', type=NewGrant)
    recharge = msgspec.json.decode(b'{"amount":100.10,"remark":"x","operatorId":"op"}', type=NewRecharge)
    batch = msgspec.json.decode(b"{}", type=NewBatchGrant)

    assert (grant.source, grant.description) == ("admin_grant", "管理员手动分配")
    assert (recharge.amount, recharge.operator_id) == (Decimal("100.10"), "op")
    assert (batch.text_token_per_user, batch.image_count_per_user) == (100_000, 20)


def test_amounts_are_exact() -> None:
    body = b'{"amount":0.1000000000000000055511151231257827}'

    assert msgspec.json.decode(body, type=NewRecharge).amount == Decimal("0.1000000000000000055511151231257827")


@pytest.mark.parametrize("body", [b'{"amount":"many"}', b'{"amount":1,"balance":5}', b"{}"])
def test_what_is_not_asked_for_is_refused(body: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body, type=NewRecharge)
