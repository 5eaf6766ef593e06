"""What the gateways are told of money."""

from decimal import Decimal

from smart_ai_router.core.ledger_requests import ModelSwitching, NewGrant, NewRecurringGrant
from smart_ai_router.core.ledger_state import REASON_BY_HAND
from smart_ai_router.core.snapshot import ModelDisabled, StoreState
from smart_ai_router.domain.accounts import user_account
from smart_ai_router.domain.quotas import UserQuota
from tests.core.ledger_samples import ALICE, POOL, Money, by, take


def state(money: Money) -> StoreState:
    return money.rows.state()


def test_without_anything_nobody_is_limited(money: Money) -> None:
    told = state(money)

    assert (told.quotas, told.budgets, told.pools, told.rates, told.disabled) == ((), (), (), (), ())
    assert told.quotas_enforced


def test_what_calls_take_makes_no_limit(money: Money) -> None:
    money.call(take(ALICE, 5), take(POOL, 5))

    assert state(money).quotas == ()
    assert state(money).pools == ()


def test_a_user_is_limited_in_the_units_and_parts_that_were_granted(money: Money) -> None:
    money.quotas.grant("alice", NewGrant("money", Decimal(1)), by())
    money.quotas.grant("alice", NewGrant("image", Decimal(1)), by())
    money.quotas.set_monthly_grant("alice", NewRecurringGrant("text_token", Decimal(1)), by())
    money.quotas.set_monthly_grant("bob", NewRecurringGrant("video", Decimal(0)), by())

    assert state(money).quotas == (
        UserQuota("alice", "CNY", frozenset({"CNY", "image"}), frozenset({"text_token"}), "1"),
    )


def test_what_is_used_up_stays_a_limit(money: Money) -> None:
    money.quotas.grant("alice", NewGrant("money", Decimal(1)), by())
    money.call(take(ALICE, 10**12))

    assert [quota.permanent for quota in state(money).quotas] == [frozenset({"CNY"})]


def test_a_users_ratio_comes_with_the_quota(money: Money) -> None:
    money.quotas.grant("alice", NewGrant("money", Decimal(1)), by())
    with money.store.ledger() as ledger:
        assert ledger.account(user_account("alice", "CNY")).is_granted

    assert [quota.group_ratio for quota in state(money).quotas] == ["1"]


def test_m2_79_models_that_are_off_for_lack_of_money_and_by_hand_have_different_reasons(money: Money) -> None:
    money.pools.switch_model("qwen", "qwen-max", ModelSwitching(False), by())
    money.recharge("1")
    money.call(take(POOL, 10**12))

    assert state(money).disabled == (
        ModelDisabled("openai", "*", "资费不足，暂不可用"),
        ModelDisabled("qwen", "qwen-max", REASON_BY_HAND),
    )
