"""What the page of keys' budgets shows."""

from decimal import Decimal

from smart_ai_router.core.administration_messages import NewKey
from smart_ai_router.core.billing.key_budgets import key_budget, key_budgets
from smart_ai_router.core.billing.quota_messages import KeyBudgetFacts
from smart_ai_router.core.ledger_requests import NewKeyBudget
from smart_ai_router.domain.accounts import key_account
from tests.core.billing.money_samples import view_on_the_day
from tests.core.ledger_samples import UNIT, Money, by, take


def budget(money: Money, key_id: str) -> KeyBudgetFacts:
    key = money.rows.key(key_id)
    assert key is not None
    with money.store.ledger() as ledger:
        return key_budget(ledger, view_on_the_day(), key)


def test_a_key_without_a_budget_is_not_limited() -> None:
    money = Money()

    told = budget(money, money.key())

    assert (told.user_id, told.name, told.is_limited, told.period) == ("alice", "laptop", False, None)
    assert (told.amount, told.used, told.available, told.currency) == (0, 0, 0, "CNY")


def test_a_budget_of_each_month_shows_this_months_part() -> None:
    money = Money()
    key_id = money.key()
    money.quotas.set_key_budget(key_id, NewKeyBudget(Decimal(10), "monthly"), by())
    money.call(take(key_account(key_id, "CNY", "monthly:2026-10"), 9 * UNIT))
    money.call(take(key_account(key_id, "CNY", "monthly:2026-11"), 12 * UNIT))

    told = budget(money, key_id)

    assert (told.is_limited, told.period, told.resets_on) == (True, "monthly", "2026-12-01")
    assert (told.amount, told.used, told.available) == (10, 12, -2)


def test_a_budget_of_each_day_begins_anew_tomorrow_and_one_for_ever_never() -> None:
    money = Money()
    key_id = money.key()

    money.quotas.set_key_budget(key_id, NewKeyBudget(Decimal("0.5"), "daily", "USD"), by())
    daily = budget(money, key_id)
    money.quotas.set_key_budget(key_id, NewKeyBudget(Decimal(1)), by())
    for_ever = budget(money, key_id)
    money.quotas.set_key_budget(key_id, NewKeyBudget(Decimal(0), None), by())

    assert (daily.currency, daily.available, daily.resets_on) == ("USD", Decimal("0.5"), "2026-11-23")
    assert (for_ever.currency, for_ever.available, for_ever.resets_on) == ("CNY", 1, None)
    assert budget(money, key_id).is_limited is False


def test_a_page_has_all_of_its_keys_in_their_order() -> None:
    money = Money()
    keys = [money.people.create_key("alice", NewKey(name), by()) for name in ("a", "b")]
    money.quotas.set_key_budget(keys[1].id, NewKeyBudget(Decimal(1)), by())

    with money.store.ledger() as ledger:
        page = key_budgets(ledger, view_on_the_day(), keys, "next")

    assert [(each.key_id, each.is_limited) for each in page.budgets] == [(keys[0].id, False), (keys[1].id, True)]
    assert page.next_cursor == "next"
