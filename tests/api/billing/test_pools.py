"""`/api/admin/billing/resource-pool` and `/exchange-rates`: what goes in, what comes out, and who may ask."""

from decimal import Decimal
from typing import Any

import pytest

from smart_ai_router.core.billing.pool_messages import PoolAlertFacts, PoolFacts
from tests.api.billing.billing_fixtures import BILLING, exact
from tests.api.billing.ledger_fixtures import Bank
from tests.core.ledger_samples import POOL, UNIT, take

PLACE = f"{BILLING}/resource-pool"
ONE = f"{PLACE}/providers/openai"


@pytest.fixture
def bank() -> Bank:
    return Bank()


def put_in(bank: Bank, amount: str, key: str | None = None, **more: object) -> Any:
    headers = {} if key is None else {"idempotency-key": key}
    return bank.admin.post(f"{ONE}/recharge", json={"amount": amount, **more}, headers=headers)


def test_m2_65_m2_66_pools_are_listed_and_read_one_by_one_with_the_guides_fields_first(bank: Bank) -> None:
    put_in(bank, "12.5")

    listed = exact(bank.admin.get(PLACE))
    one = exact(bank.admin.get(ONE))

    assert [each["providerId"] for each in listed] == ["openai", "qwen"]
    assert listed[0] == one
    assert list(one) == list(PoolFacts.__struct_encode_fields__)
    assert (one["totalBalance"], one["balancePercentage"], one["isLowBalance"]) == (Decimal("12.5"), 100, False)
    missing = bank.admin.get(f"{PLACE}/providers/nobody")
    assert (missing.status_code, missing.json()["code"]) == (404, "provider_not_found")


def test_every_answer_about_money_waits_for_the_calls_that_have_ended(bank: Bank) -> None:
    for path in ("", "/providers/openai", "/providers/openai/recharges", "/alerts"):
        before = bank.views
        exact(bank.admin.get(PLACE + path))
        assert bank.views > before, path


def test_n_01_a_recharge_is_answered_with_itself_and_the_pool_and_once_under_its_key(bank: Bank) -> None:
    first = exact(put_in(bank, "5", "june", remark="六月"))
    again = exact(put_in(bank, "5", "june", remark="六月"))
    other = put_in(bank, "6", "june")

    assert (first["recharge"]["rechargeAmount"], first["pool"]["availableBalance"]) == (5, 5)
    assert (first["repeated"], again["repeated"]) == (False, True)
    assert again["recharge"] == first["recharge"]
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")
    assert bank.money.balance(POOL) == 5 * UNIT


@pytest.mark.parametrize(
    "body", ['{"amount": 0}', '{"amount": -5}', "{}", '{"amount": "x"}', "[]", "", '{"amount": 1, "amout": 2}',
             '{"amount": 1, "currency": "yuan"}', '{"amount": 1e-13}', '{"amount": NaN}']
)  # fmt: skip
def test_n_01_what_is_no_recharge_is_refused(bank: Bank, body: str) -> None:
    response = bank.admin.post(f"{ONE}/recharge", content=body)

    assert response.status_code == 400
    assert bank.money.rows.state().pools == ()


def test_an_amount_is_taken_to_the_last_digit(bank: Bank) -> None:
    response = bank.admin.post(f"{ONE}/recharge", content='{"amount": 1234567.000000000001}')

    assert b'"availableBalance":1234567.000000000001' in response.content


def test_n_02_recharges_are_paged_within_bounds(bank: Bank) -> None:
    for amount in ("1", "2", "3"):
        put_in(bank, amount)

    told = exact(bank.admin.get(f"{ONE}/recharges", params={"page": 1, "size": 2}))

    assert [each["rechargeAmount"] for each in told["recharges"]] == [1]
    assert list(told) == ["recharges", "totalElements", "totalPages", "currentPage", "pageSize"]
    for wrong in ({"page": -1}, {"size": 0}, {"size": 1001}, {"page": 10_001}):
        assert bank.admin.get(f"{ONE}/recharges", params=wrong).status_code == 422


def test_a_pool_is_set_and_corrected(bank: Bank) -> None:
    opened = exact(bank.admin.put(ONE, json={"thresholdPercent": 12.5, "currency": "USD"}))
    adjusted = exact(bank.admin.post(f"{ONE}/adjust", json={"amount": "-0.5", "remark": "invoice"}))

    assert (opened["isOpened"], opened["warningThreshold"], opened["currency"]) == (True, Decimal("12.5"), "USD")
    assert adjusted["availableBalance"] == Decimal("-0.5")
    assert bank.admin.post(f"{PLACE}/providers/qwen/adjust", json={"amount": 1}).status_code == 404
    assert bank.admin.put(ONE, json={"thresholdPercent": 100}).status_code == 400


def test_m2_67_m2_68_n_03_alerts_are_listed_by_state_and_provider_and_resolved(bank: Bank) -> None:
    put_in(bank, "100")
    bank.money.call(take(POOL, 95 * UNIT))
    (found,) = exact(bank.admin.get(f"{PLACE}/alerts"))

    resolved = bank.admin.post(f"{PLACE}/alerts/{found['id']}/resolve", json={"resolvedBy": "carol"})

    assert list(found) == list(PoolAlertFacts.__struct_encode_fields__)
    assert (resolved.status_code, resolved.content) == (204, b"")
    lists = {
        asked: [each["id"] for each in exact(bank.admin.get(f"{PLACE}/alerts", params={"isResolved": asked}))]
        for asked in ("true", "false")
    }
    assert lists == {"true": [found["id"]], "false": []}
    assert exact(bank.admin.get(f"{PLACE}/alerts"))[0]["resolvedBy"] == "carol"
    assert exact(bank.admin.get(f"{PLACE}/alerts", params={"providerId": "qwen"})) == []
    assert bank.admin.post(f"{PLACE}/alerts/{found['id']}/resolve").status_code == 204
    assert bank.admin.post(f"{PLACE}/alerts/99/resolve").status_code == 404


def test_who_resolves_an_alert_without_a_name_is_named_by_what_they_are(bank: Bank) -> None:
    put_in(bank, "100")
    bank.money.call(take(POOL, 95 * UNIT))
    (found,) = exact(bank.admin.get(f"{PLACE}/alerts"))

    bank.admin.post(f"{PLACE}/alerts/{found['id']}/resolve")

    assert exact(bank.admin.get(f"{PLACE}/alerts"))[0]["resolvedBy"] == "admin"


def test_m2_55_n_04_a_check_notes_its_time_and_says_what_it_came_to(bank: Bank) -> None:
    exact(bank.admin.put(ONE, json={}))

    told = exact(bank.admin.post(f"{PLACE}/check"))

    assert told == {"message": "资源池检查已完成", "pools": 1, "alerts": 0}
    assert exact(bank.admin.get(ONE))["lastCheckDate"] == "2026-11-22T12:00:00.000Z"


def test_exchange_rates_are_appended_and_listed(bank: Bank) -> None:
    place = f"{BILLING}/exchange-rates"
    assert exact(bank.admin.get(place)) == []

    made = bank.admin.post(place, json={"base": "USD", "quote": "CNY", "rate": "7.1234", "source": "bank"})

    assert made.status_code == 201
    (rate,) = exact(bank.admin.get(place))
    assert (rate["base"], rate["quote"], rate["rate"], rate["source"]) == ("USD", "CNY", Decimal("7.1234"), "bank")
    assert bank.admin.post(place, json={"base": "USD", "quote": "USD", "rate": 1}).status_code == 400


def test_n_13_users_and_strangers_learn_nothing_of_pools(bank: Bank) -> None:
    for method, path in (
        ("GET", PLACE), ("GET", ONE), ("PUT", ONE), ("POST", f"{ONE}/recharge"), ("POST", f"{ONE}/adjust"),
        ("GET", f"{ONE}/recharges"), ("GET", f"{PLACE}/alerts"), ("POST", f"{PLACE}/alerts/1/resolve"),
        ("POST", f"{PLACE}/check"), ("GET", f"{BILLING}/exchange-rates"), ("POST", f"{BILLING}/exchange-rates"),
    ):  # fmt: skip
        assert bank.stranger.request(method, path).status_code == 401, path
        assert bank.alice.request(method, path).status_code == 403, path
