"""The watch over the pools: alerts, models off and on again, and what it makes up for after a crash."""

from decimal import Decimal

from smart_ai_router.core.ledger_requests import AlertResolution, ModelSwitching, NewPool, PoolAdjustment
from smart_ai_router.core.snapshot import ModelDisabled
from smart_ai_router.domain.pools import PoolAlertKind
from tests.core.administration_samples import NOW_MS
from tests.core.ledger_samples import POOL, UNIT, Money, by, take

OFF = ModelDisabled("openai", "*", "资费不足，暂不可用")


def alerts(money: Money) -> list[tuple[str, str, bool]]:
    with money.store.ledger() as ledger:
        return [(row.kind, row.level, row.resolved_ms is not None) for row in ledger.alerts()]


def test_m2_56_an_alert_comes_below_ten_percent_and_not_at_ten(money: Money) -> None:
    money.recharge("100")

    money.call(take(POOL, 90 * UNIT))
    assert alerts(money) == []

    money.call(take(POOL, 1))
    assert alerts(money) == [("low_balance", "warning", False)]
    assert [(notice.kind, notice.level) for notice in money.notices] == [(PoolAlertKind.LOW_BALANCE, "warning")]
    assert money.notices[0].message == "供应商 OPENAI 资源池余额不足，剩余 9.99%，可用余额 ¥10.00"
    assert money.rows.state().disabled == ()


def test_m2_57_at_zero_the_alert_is_critical_and_the_models_are_off(money: Money) -> None:
    money.recharge("100")
    money.call(take(POOL, 95 * UNIT))

    money.call(take(POOL, 5 * UNIT - 1))
    assert money.rows.state().disabled == ()
    money.call(take(POOL, 1))

    assert alerts(money) == [("insufficient_balance", "critical", False)]
    assert [notice.level for notice in money.notices] == ["warning", "critical"]
    assert money.rows.state().disabled == (OFF,)


def test_m2_77_a_recharge_resolves_the_alert_and_brings_back_what_money_had_switched_off(money: Money) -> None:
    money.recharge("100")
    money.pools.switch_model("openai", "gpt-4", ModelSwitching(False, "by hand"), by())
    money.call(take(POOL, 100 * UNIT))
    assert money.rows.state().disabled == (OFF, ModelDisabled("openai", "gpt-4", "by hand"))

    money.recharge("100")

    assert money.rows.state().disabled == (ModelDisabled("openai", "gpt-4", "by hand"),)
    assert alerts(money) == [("insufficient_balance", "critical", True)]


def test_every_switch_is_told_to_the_gateways_and_nothing_else_is(money: Money) -> None:
    money.recharge("100")
    told = money.told

    money.call(take(POOL, 95 * UNIT))
    assert money.told == told
    money.call(take(POOL, 5 * UNIT))
    assert money.told == told + 1


def test_m2_55_a_pool_that_is_asked_about_often_is_written_only_when_it_changes(money: Money) -> None:
    money.recharge("100")
    money.watch.check()
    money.clock.now += 300

    assert money.watch.look().notices == ()
    with money.store.ledger() as ledger:
        assert ledger.pools()[0].state.checked_ms == NOW_MS
    assert money.watch.check().pools == 1
    with money.store.ledger() as ledger:
        assert ledger.pools()[0].state.checked_ms == NOW_MS + 300_000


def test_n_03_an_alert_that_was_resolved_by_hand_stays_so_until_the_pool_sinks_further(money: Money) -> None:
    money.recharge("100")
    money.call(take(POOL, 95 * UNIT))
    with money.store.ledger() as ledger:
        alert_id = ledger.alerts()[0].id

    money.pools.resolve_alert(alert_id, AlertResolution(), by())
    money.call(take(POOL, UNIT))
    money.watch.check()
    assert alerts(money) == [("low_balance", "warning", True)]

    money.call(take(POOL, 4 * UNIT))
    assert alerts(money) == [("insufficient_balance", "critical", False), ("low_balance", "warning", True)]


def test_a_small_recharge_does_not_silence_the_warning(money: Money) -> None:
    money.recharge("100")
    money.call(take(POOL, 99 * UNIT))

    money.recharge("2")

    assert alerts(money) == [("low_balance", "warning", False)]
    with money.store.ledger() as ledger:
        assert ledger.pools()[0].state.filling == 100 * UNIT


def test_a_recharge_that_a_crash_left_unseen_is_seen_by_the_next_look(money: Money) -> None:
    money.recharge("100")
    money.call(take(POOL, 100 * UNIT))
    money.watch.look()
    money.pools._look = lambda: None  # the process ends between the booking and the look

    money.recharge("50")
    assert money.rows.state().disabled == (OFF,)
    money.watch.look()

    assert money.rows.state().disabled == ()
    with money.store.ledger() as ledger:
        standing = ledger.pools()[0]
    assert (standing.state.filling, standing.state.recharged_ms, standing.unseen) == (50 * UNIT, NOW_MS, ())


def test_another_threshold_counts_at_once(money: Money) -> None:
    money.recharge("100")
    money.call(take(POOL, 70 * UNIT))

    money.pools.set_pool("openai", NewPool(Decimal(40)), by())

    assert alerts(money) == [("low_balance", "warning", False)]


def test_a_correction_below_zero_switches_off(money: Money) -> None:
    money.recharge("1")

    money.pools.adjust("openai", PoolAdjustment(Decimal("-1.5")), by())

    assert money.rows.state().disabled == (OFF,)
    with money.store.ledger() as ledger:
        assert ledger.alerts()[0].available == -500_000_000_000


def test_calls_that_touch_no_pool_are_not_looked_at(money: Money) -> None:
    money.recharge("100")
    money.watch._seen = None  # type: ignore[assignment,method-assign]  # a look would fail

    assert money.call().request_id


def test_a_provider_that_was_never_recharged_warns_nobody(money: Money) -> None:
    money.call(take(POOL, UNIT))
    money.pools.set_pool("openai", NewPool(), by())
    money.watch.check()

    assert alerts(money) == []
    assert money.rows.state().disabled == ()
