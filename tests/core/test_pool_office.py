"""The office of pools: recharges, corrections, thresholds, switches, alerts, exchange rates."""

from decimal import Decimal

import pytest

from smart_ai_router.core.administration import IdempotencyConflict
from smart_ai_router.core.ledger_requests import (
    AlertResolution,
    ModelSwitching,
    NewExchangeRate,
    NewPool,
    NewRecharge,
    PoolAdjustment,
)
from smart_ai_router.core.ledger_verbs import AmountRefused
from smart_ai_router.core.pool_office import AlertUnknown, PoolUnknown, ProviderUnknown
from smart_ai_router.core.snapshot import ModelDisabled
from smart_ai_router.core.store import StoreUnavailable
from smart_ai_router.core.users_and_keys import FieldInvalid
from smart_ai_router.domain.accounts import pool_account
from smart_ai_router.domain.exchange import ExchangeRate
from tests.core.administration_samples import NOW_MS
from tests.core.ledger_samples import POOL, UNIT, Money, by, take


def test_m2_27_a_recharge_opens_the_pool_and_is_booked_once(money: Money) -> None:
    answers = [
        money.pools.recharge("openai", NewRecharge(Decimal("100.50"), "六月", "op-7"), by("recharge-1"))
        for _ in range(3)
    ]

    assert money.balance(POOL) == 100_500_000_000_000
    assert [answer.is_repeated for answer in answers] == [False, True, True]
    assert {answer.balance_before for answer in answers} == {0}
    assert money.rows.state().pools == (("openai", "CNY"),)


def test_another_recharge_under_the_same_key_is_a_conflict(money: Money) -> None:
    money.pools.recharge("openai", NewRecharge(Decimal(1)), by("recharge-1"))

    with pytest.raises(IdempotencyConflict):
        money.pools.recharge("openai", NewRecharge(Decimal(2)), by("recharge-1"))

    assert money.balance(POOL) == UNIT


def test_m2_28_recharges_are_listed_newest_first_with_the_balance_around_them(money: Money) -> None:
    money.recharge("10")
    money.call(take(POOL, 3 * UNIT))
    money.pools.recharge("openai", NewRecharge(Decimal(5), "second"), by())
    money.recharge("1", "qwen")

    with money.store.ledger() as ledger:
        rows = ledger.recharges("openai")
        assert ledger.recharge_count("openai") == 2
        assert ledger.recharges("openai", limit=1, skip=1) == rows[1:]
    assert [(row.amount, row.balance_before, row.balance_after, row.remark) for row in rows] == [
        (5 * UNIT, 7 * UNIT, 12 * UNIT, "second"),
        (10 * UNIT, 0, 10 * UNIT, ""),
    ]


@pytest.mark.parametrize("amount", ["0", "-5", "0.0000000000001"])
def test_n_01_money_that_cannot_be_paid_in_is_refused(money: Money, amount: str) -> None:
    with pytest.raises(AmountRefused):
        money.recharge(amount)

    assert money.rows.state().pools == ()


def test_a_pool_belongs_to_a_provider_and_keeps_its_currency(money: Money) -> None:
    with pytest.raises(ProviderUnknown):
        money.recharge("1", "nobody")
    with pytest.raises(PoolUnknown):
        money.pools.adjust("qwen", PoolAdjustment(Decimal(1)), by())

    money.pools.recharge("qwen", NewRecharge(Decimal(1), currency="USD"), by())

    with pytest.raises(FieldInvalid, match="USD"):
        money.pools.recharge("qwen", NewRecharge(Decimal(1), currency="CNY"), by())
    money.recharge("2", "qwen")
    assert money.balance(pool_account("qwen", "USD")) == 3 * UNIT


def test_a_pool_that_was_only_given_a_threshold_limits_nothing(money: Money) -> None:
    money.pools.set_pool("openai", NewPool(Decimal("12.34")), by())

    assert money.rows.state().pools == ()
    with money.store.ledger() as ledger:
        assert [pool.row.threshold_basis_points for pool in ledger.pools()] == [1234]


def test_a_threshold_stays_until_another_one_is_given(money: Money) -> None:
    money.pools.set_pool("openai", NewPool(Decimal(25)), by())
    money.pools.set_pool("openai", NewPool(), by())

    with money.store.ledger() as ledger:
        assert ledger.pools()[0].row.threshold_basis_points == 2500
    for percent in ("-0.01", "100", "10.001"):
        with pytest.raises(FieldInvalid):
            money.pools.set_pool("openai", NewPool(Decimal(percent)), by())


def test_a_correction_goes_both_ways(money: Money) -> None:
    money.recharge("10")

    money.pools.adjust("openai", PoolAdjustment(Decimal("-0.25"), "provider's fee"), by("adjust-1"))
    money.pools.adjust("openai", PoolAdjustment(Decimal("-0.25"), "provider's fee"), by("adjust-1"))

    assert money.balance(POOL) == 9_750_000_000_000


def test_a_look_that_fails_does_not_undo_what_was_booked(money: Money) -> None:
    def fails() -> None:
        raise StoreUnavailable("disk full")

    money.pools._look = fails
    money.recharge("10")

    assert money.balance(POOL) == 10 * UNIT


def test_a_model_is_off_by_hand_until_it_is_switched_on(money: Money) -> None:
    money.pools.switch_model("openai", "gpt-4o", ModelSwitching(False, "维护"), by())
    assert money.rows.state().disabled == (ModelDisabled("openai", "gpt-4o", "维护"),)

    money.pools.switch_model("openai", "gpt-4o", ModelSwitching(True), by())
    assert money.rows.state().disabled == ()

    with pytest.raises(FieldInvalid):
        money.pools.switch_model("openai", "", ModelSwitching(False), by())


def test_n_03_an_alert_is_resolved_by_hand_once_and_known_by_its_id(money: Money) -> None:
    money.recharge("100")
    money.call(take(POOL, 95 * UNIT))
    with money.store.ledger() as ledger:
        alert = ledger.alerts("openai", is_resolved=False)[0]

    assert money.pools.resolve_alert(alert.id, AlertResolution("carol"), by()) is not None
    assert money.pools.resolve_alert(alert.id, AlertResolution("dave"), by()) is None

    with money.store.ledger() as ledger:
        resolved = ledger.alert(alert.id)
        assert ledger.alerts("openai", is_resolved=False) == []
    assert resolved is not None
    assert (resolved.resolved_by, resolved.resolved_ms) == ("carol", NOW_MS)
    with pytest.raises(AlertUnknown):
        money.pools.resolve_alert(alert.id + 1, AlertResolution(), by())


def test_exchange_rates_are_dated_and_kept(money: Money) -> None:
    money.pools.add_rate(NewExchangeRate("USD", "CNY", Decimal("7.25"), "2026-01-01"), by())
    money.pools.add_rate(NewExchangeRate("USD", "CNY", Decimal("7.1")), by())

    first, second = money.rows.state().rates
    assert first == ExchangeRate("USD", "CNY", Decimal("7.25"), 1_767_225_600_000, "operator")
    assert (second.rate, second.effective_from_ms) == (Decimal("7.1"), NOW_MS)


@pytest.mark.parametrize(
    ("base", "quote", "rate"),
    [("USD", "USD", "1"), ("USD", "CNY", "0"), ("USD", "CNY", "-7"), ("USD", "CNY", "NaN"), ("usd", "CNY", "7")],
)
def test_what_is_no_exchange_rate_is_refused(money: Money, base: str, quote: str, rate: str) -> None:
    with pytest.raises(FieldInvalid):
        money.pools.add_rate(NewExchangeRate(base, quote, Decimal(rate)), by())


def test_a_moment_that_is_none_is_refused(money: Money) -> None:
    with pytest.raises(FieldInvalid, match="yesterday"):
        money.pools.add_rate(NewExchangeRate("USD", "CNY", Decimal(7), "yesterday"), by())
