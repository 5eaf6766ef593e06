"""Pools: when a warning is due, when models are off, and that what money switched off comes back with money."""

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.domain.pools import (
    ALERT_LEVELS,
    REASON_NO_MONEY,
    ModelSwitch,
    PoolAction,
    PoolActionKind,
    PoolAlertKind,
    PoolFigures,
    PoolLevel,
    PoolRule,
    PoolState,
    SwitchCause,
    after_check,
    after_recharge,
    after_resolving_by_hand,
    alert_message,
    percentage,
    pool_figures,
    runway_s,
    switches_after,
)
from tests.domain.ledger_samples import pico

FULL = pico("100")
LOW, EMPTY = PoolAlertKind.LOW_BALANCE, PoolAlertKind.INSUFFICIENT_BALANCE
OPEN, RAISE, LOWER, RESOLVE = (
    PoolActionKind.OPEN_ALERT,
    PoolActionKind.RAISE_ALERT,
    PoolActionKind.LOWER_ALERT,
    PoolActionKind.RESOLVE_ALERT,
)
OFF, ON = PoolAction(PoolActionKind.SWITCH_OFF), PoolAction(PoolActionKind.SWITCH_ON)


def filled(balance: int = FULL) -> PoolState:
    """A pool right after its first recharge."""
    state, actions = after_recharge(PoolState("openai"), balance, 1)
    assert actions == ()
    return state


def checked(state: PoolState, *balances: str) -> tuple[PoolState, tuple[PoolAction, ...]]:
    """The last of several checks."""
    actions: tuple[PoolAction, ...] = ()
    for balance in balances:
        state, actions = after_check(state, pico(balance), 2)
    return state, actions


# --- the levels ---


@pytest.mark.parametrize(
    ("balance", "level", "actions"),
    [
        ("100", PoolLevel.SUFFICIENT, ()),
        ("10.01", PoolLevel.SUFFICIENT, ()),
        ("10", PoolLevel.SUFFICIENT, ()),
        ("9.999999999999", PoolLevel.LOW, (PoolAction(OPEN, LOW),)),
        ("9.99", PoolLevel.LOW, (PoolAction(OPEN, LOW),)),
        ("0.000000000001", PoolLevel.LOW, (PoolAction(OPEN, LOW),)),
        ("0", PoolLevel.EXHAUSTED, (PoolAction(OPEN, EMPTY), OFF)),
        ("-1", PoolLevel.EXHAUSTED, (PoolAction(OPEN, EMPTY), OFF)),
    ],
)
def test_m2_56_m2_57_below_ten_percent_warns_and_at_zero_the_models_are_off(
    balance: str, level: PoolLevel, actions: tuple[PoolAction, ...]
) -> None:
    state, done = checked(filled(), balance)

    assert state.level is level
    assert done == actions
    assert state.are_models_off is (level is PoolLevel.EXHAUSTED)


def test_a_second_look_at_the_same_balance_does_nothing() -> None:
    for balance in ("50", "9", "0", "-1"):
        assert checked(filled(), balance, balance)[1] == ()


def test_m2_55_every_check_notes_its_moment() -> None:
    state, _ = after_check(filled(), FULL, 77)

    assert state.checked_ms == 77
    assert state.recharged_ms == 1


def test_a_warning_rises_to_critical_and_is_told_again() -> None:
    low, _ = checked(filled(), "5")
    state, actions = checked(low, "0")

    assert actions == (PoolAction(RAISE, EMPTY), OFF)
    assert state.alert is not None
    assert low.alert is not None
    assert (state.alert.kind, state.alert.opened_ms) == (EMPTY, low.alert.opened_ms)


def test_m2_25_the_levels_of_the_alerts_are_the_guides() -> None:
    assert ALERT_LEVELS == {LOW: "warning", EMPTY: "critical"}


def test_above_zero_again_the_models_are_on_and_the_alert_falls_back() -> None:
    state, actions = checked(filled(), "0", "0.01")

    assert actions == (PoolAction(LOWER, LOW), ON)
    assert state.level is PoolLevel.LOW


@pytest.mark.parametrize(("balance", "is_over"), [("10", False), ("11.99", False), ("12", True), ("12.01", True)])
def test_without_a_recharge_a_warning_ends_two_points_above_the_threshold(balance: str, is_over: bool) -> None:
    state, actions = checked(filled(), "9", balance)

    assert (state.level is PoolLevel.SUFFICIENT) is is_over
    assert actions == ((PoolAction(RESOLVE, LOW),) if is_over else ())


def test_a_threshold_of_its_own_counts() -> None:
    rule = PoolRule(threshold_basis_points=2_500, recovery_basis_points=0)

    assert after_check(filled(), pico("25"), 2, rule)[0].level is PoolLevel.SUFFICIENT
    assert after_check(filled(), pico("24.99"), 2, rule)[0].level is PoolLevel.LOW


# --- recharges ---


@pytest.mark.parametrize(("balance", "is_over"), [("9.99", False), ("10", True), ("50", True), ("150", True)])
def test_a_recharge_to_the_threshold_ends_the_warning(balance: str, is_over: bool) -> None:
    low, _ = checked(filled(), "5")
    state, actions = after_recharge(low, pico(balance), 9)

    assert (state.level is PoolLevel.SUFFICIENT) is is_over
    assert actions == ((PoolAction(RESOLVE, LOW),) if is_over else ())
    assert state.filling == (pico(balance) if is_over else FULL)


def test_m2_77_a_recharge_from_zero_brings_the_models_back_and_resolves_the_alert() -> None:
    empty, _ = checked(filled(), "0")
    state, actions = after_recharge(empty, FULL, 9)

    assert actions == (PoolAction(RESOLVE, EMPTY), ON)
    assert (state.level, state.alert, state.are_models_off) == (PoolLevel.SUFFICIENT, None, False)
    assert state.recharged_ms == 9


def test_a_recharge_that_only_pays_debts_leaves_the_models_off() -> None:
    for balance in ("-0.5", "0"):
        state, actions = after_recharge(checked(filled(), "-1")[0], pico(balance), 9)
        assert state.are_models_off
        assert actions == ()


def test_a_small_recharge_does_not_silence_the_warning() -> None:
    state, actions = after_recharge(checked(filled(), "0")[0], pico("1"), 9)

    assert state.level is PoolLevel.LOW
    assert state.filling == FULL
    assert actions == (PoolAction(LOWER, LOW), ON)


def test_the_threshold_does_not_drift_with_the_number_of_recharges() -> None:
    state = filled()
    for _ in range(10):
        state, _ = after_recharge(checked(state, "50")[0], FULL, 9)

    assert percentage(FULL, state.filling) == 100
    assert checked(state, "10")[0].level is PoolLevel.SUFFICIENT
    assert checked(state, "9.99")[0].level is PoolLevel.LOW


def test_a_provider_that_was_never_recharged_warns_nobody() -> None:
    state, actions = after_check(PoolState("openai"), 0, 5)

    assert actions == ()
    assert (state.level, state.checked_ms) == (PoolLevel.SUFFICIENT, 5)


def test_a_pool_that_a_correction_filled_warns_like_any_other() -> None:
    state, _ = after_check(PoolState("openai"), FULL, 5)

    assert state.filling == FULL
    assert checked(state, "9.99")[1] == (PoolAction(OPEN, LOW),)


# --- resolving by hand ---


def test_an_alert_resolved_by_hand_does_not_come_back_at_the_next_check() -> None:
    state, actions = after_resolving_by_hand(checked(filled(), "5")[0])

    assert actions == (PoolAction(RESOLVE, LOW),)
    assert checked(state, "5")[1] == ()
    assert checked(state, "4")[1] == ()


def test_a_resolved_warning_does_not_swallow_the_critical_alert() -> None:
    state, _ = after_resolving_by_hand(checked(filled(), "5")[0])

    assert checked(state, "0")[1] == (PoolAction(OPEN, EMPTY), OFF)


def test_a_resolved_warning_comes_back_after_the_pool_was_sufficient() -> None:
    state, _ = after_resolving_by_hand(checked(filled(), "5")[0])
    state, actions = after_recharge(state, FULL, 9)

    assert actions == ()
    assert checked(state, "5")[1] == (PoolAction(OPEN, LOW),)


def test_a_resolved_critical_alert_is_silent_on_the_way_up_and_comes_back_on_the_way_down() -> None:
    state, actions = after_resolving_by_hand(checked(filled(), "0")[0])
    assert actions == (PoolAction(RESOLVE, EMPTY),)

    state, actions = checked(state, "1")
    assert actions == (ON,)
    assert checked(state, "0")[1] == (PoolAction(OPEN, EMPTY), OFF)


def test_resolving_what_is_not_open_does_nothing() -> None:
    assert after_resolving_by_hand(filled()) == (filled(), ())


# --- what people see ---


@pytest.mark.parametrize(
    ("balance", "filling", "shown"),
    [
        ("100", "100", "100"),
        ("9.999999999999", "100", "9.99"),
        ("10", "100", "10"),
        ("1", "3", "33.33"),
        ("0", "100", "0"),
        ("-0.001", "100", "-0.01"),
        ("1", "0", "100"),
        ("0", "0", "0"),
        ("-1", "0", "0"),
    ],
)
def test_a_percentage_is_rounded_down(balance: str, filling: str, shown: str) -> None:
    assert percentage(pico(balance), pico(filling)) == Decimal(shown)


def test_m2_51_m2_52_total_is_used_plus_available_and_the_percentage_is_of_the_total() -> None:
    assert pool_figures(filled(), pico("80")) == PoolFigures(FULL, pico("20"), pico("80"), Decimal(80), False)
    overdrawn, _ = checked(filled(), "-1")
    assert pool_figures(overdrawn, pico("-1")) == PoolFigures(FULL, pico("101"), pico("-1"), Decimal(-1), True)


def test_the_messages_are_the_guides() -> None:
    assert REASON_NO_MONEY == "资费不足，暂不可用"
    low = alert_message("OpenAI", LOW, Decimal("9.99"), Decimal("9.99"), "CNY")
    assert low == "供应商 OpenAI 资源池余额不足，剩余 9.99%，可用余额 ¥9.99"
    empty = alert_message("OpenAI", EMPTY, Decimal(0), Decimal(0), "USD")
    assert empty == "供应商 OpenAI 资源池已耗尽，可用余额 USD 0.00，模型资费不足，暂不可用"


@pytest.mark.parametrize(
    ("balance", "spent", "over_s", "runway"),
    [(100, 10, 60, 600), (99, 10, 60, 594), (1, 3, 1, 0), (100, 0, 60, None), (0, 10, 60, 0), (-1, 0, 60, 0)],
)
def test_the_runway_is_what_the_last_spending_leaves(balance: int, spent: int, over_s: int, runway: int | None) -> None:
    assert runway_s(balance, spent, over_s) == runway


# --- switches ---

MONEY = ModelSwitch("openai", "*", SwitchCause.MONEY, REASON_NO_MONEY)
HAND = ModelSwitch("openai", "gpt-4o", SwitchCause.HAND, "too dear")
OTHER = ModelSwitch("dashscope", "*", SwitchCause.MONEY, REASON_NO_MONEY)


def test_m2_35_models_of_an_empty_pool_are_off_with_the_reason() -> None:
    assert switches_after("openai", (PoolAction(OPEN, EMPTY), OFF), [HAND, OTHER]) == ((MONEY,), ())


def test_what_is_off_already_is_not_switched_off_twice() -> None:
    assert switches_after("openai", (OFF,), [MONEY, HAND]) == ((), ())


def test_m2_79_a_recharge_brings_back_exactly_what_money_switched_off() -> None:
    assert switches_after("openai", (ON,), [MONEY, HAND, OTHER]) == ((), (MONEY,))


def test_a_warning_switches_nothing() -> None:
    assert switches_after("openai", (PoolAction(OPEN, LOW),), [HAND]) == ((), ())


# --- always ---

steps = st.tuples(st.sampled_from(["check", "recharge", "hand"]), st.integers(-20, 150))


@given(st.lists(steps, max_size=30))
def test_alert_switch_and_level_never_contradict_each_other(history: list[tuple[str, int]]) -> None:
    state = filled()
    switches: set[ModelSwitch] = {HAND, OTHER}
    for kind, units in history:
        balance = units * 10**12
        if kind == "hand":
            state, actions = after_resolving_by_hand(state)
        else:
            state, actions = (after_check if kind == "check" else after_recharge)(state, balance, 3)
            assert state.filling >= balance
        added, removed = switches_after("openai", actions, switches)
        switches = (switches - set(removed)) | set(added)

        assert (MONEY in switches) is state.are_models_off is (state.level is PoolLevel.EXHAUSTED)
        assert switches >= {HAND, OTHER}
        if state.level is PoolLevel.SUFFICIENT:
            assert state.alert is None
        if state.alert is not None:
            assert state.alert.kind is (EMPTY if state.level is PoolLevel.EXHAUSTED else LOW)


@given(st.lists(st.integers(-5, 100), min_size=2, max_size=20))
def test_every_sinking_to_a_deeper_level_is_told(balances: list[int]) -> None:
    state = filled()
    for before, after in pairwise(balances):
        state, _ = after_check(state, before * 10**12, 3)
        level = state.level
        state, actions = after_check(state, after * 10**12, 3)
        order = [PoolLevel.SUFFICIENT, PoolLevel.LOW, PoolLevel.EXHAUSTED]
        told = {action.action for action in actions} & {OPEN, RAISE}
        assert bool(told) is (order.index(state.level) > order.index(level))
