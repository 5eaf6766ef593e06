"""What the pages of quotas show: parts, use, history, a user's own figures, and how far a pool goes."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from smart_ai_router.core.billing.models import OfferUnknown, ProviderUnknown
from smart_ai_router.core.billing.quota_messages import QuotaCalculationFacts, UserQuotaFacts
from smart_ai_router.core.billing.quotas import (
    CalculationAsked,
    CalculationImpossible,
    Calculator,
    is_enforced,
    quota_account,
    quota_history,
    user_quota,
    user_statistics,
)
from smart_ai_router.core.ledger_requests import (
    NewEnforcement,
    NewGrant,
    NewQuotaCurrency,
    NewRecharge,
    NewRecurringGrant,
    QuotaAdjustment,
)
from smart_ai_router.core.users_and_keys import FieldInvalid
from smart_ai_router.domain.accounts import QuotaUnit, user_account
from smart_ai_router.domain.exchange import ExchangeRate, ExchangeRates
from tests.core.billing.money_samples import a_shop, view_on_the_day
from tests.core.ledger_samples import ALICE, UNIT, Money, by, take

MONTHLY_TOKENS = user_account("alice", QuotaUnit.TEXT_TOKEN, "monthly:2026-11")
TOKENS = user_account("alice", QuotaUnit.TEXT_TOKEN)
AUDIO = user_account("alice", QuotaUnit.AUDIO_MS)


@pytest.fixture
def money() -> Money:
    return Money()


def grant(money: Money, quota_type: str, amount: str) -> None:
    money.quotas.grant("alice", NewGrant(quota_type, Decimal(amount)), by())


def quota(money: Money, user_id: str = "alice") -> UserQuotaFacts:
    with money.store.ledger() as ledger:
        return user_quota(ledger, view_on_the_day(), user_id)


def test_m2_30_who_was_given_nothing_has_zeros_and_no_limit(money: Money) -> None:
    told = quota(money)

    assert (told.id, told.is_limited, told.enforced, told.currency, told.month) == (
        "alice", False, True, "CNY", "2026-11",
    )  # fmt: skip
    assert {told.text_token_total, told.image_quota_monthly, told.audio_available, told.money_used} == {0}
    assert told.last_reset_date == "2026-11-01"


def test_m2_30_m2_32_every_type_has_its_permanent_and_its_monthly_part(money: Money) -> None:
    grant(money, "text_token", "1000")
    money.quotas.set_monthly_grant("alice", NewRecurringGrant("text_token", Decimal(500)), by())
    grant(money, "audio", "1.5")
    grant(money, "money", "2")
    money.call(take(MONTHLY_TOKENS, 500), take(TOKENS, 100), take(AUDIO, 30_000), take(ALICE, UNIT // 4))

    told = quota(money)

    assert (told.text_token_total, told.text_token_used, told.text_token_available) == (1000, 100, 900)
    assert (told.text_token_monthly_quota, told.text_token_monthly_used) == (500, 500)
    assert (told.audio_quota_total, told.audio_quota_used, told.audio_available) == (Decimal("1.5"), Decimal("0.5"), 1)
    assert (told.money_total, told.money_used, told.money_available) == (2, Decimal("0.25"), Decimal("1.75"))
    assert told.is_limited is True
    assert quota(money, "bob").is_limited is False


def test_the_month_of_another_day_has_parts_of_its_own(money: Money) -> None:
    money.quotas.set_monthly_grant("alice", NewRecurringGrant("image", Decimal(3)), by())

    with money.store.ledger() as ledger:
        december = user_quota(ledger, replace(view_on_the_day(), today=date(2026, 12, 1)), "alice")

    assert quota(money).image_quota_monthly == 3
    assert (december.image_quota_monthly, december.last_reset_date) == (0, "2026-12-01")


def test_a_user_with_another_currency_is_shown_in_it(money: Money) -> None:
    money.quotas.set_currency("alice", NewQuotaCurrency("USD"), by())
    grant(money, "money", "3")

    assert (quota(money).currency, quota(money).money_total) == ("USD", 3)


def test_n_06_the_switch_is_on_until_somebody_turns_it_off(money: Money) -> None:
    def seen() -> bool:
        with money.store.ledger() as ledger:
            return is_enforced(ledger)

    before = seen()
    money.quotas.set_enforcement(NewEnforcement(False), by())
    off = seen(), quota(money).enforced
    money.quotas.set_enforcement(NewEnforcement(True), by())

    assert (before, off, seen()) == (True, (False, False), True)


def test_a_users_own_figures_sum_both_parts(money: Money) -> None:
    grant(money, "text_token", "1000")
    money.quotas.set_monthly_grant("alice", NewRecurringGrant("text_token", Decimal(500)), by())
    money.call(take(MONTHLY_TOKENS, 333), take(TOKENS, 1))

    with money.store.ledger() as ledger:
        told = user_statistics(ledger, view_on_the_day(), "alice")

    stats = told.text_token_stats
    assert (stats.total_quota, stats.total_used, stats.total_available) == (1500, 334, 1166)
    assert (stats.monthly_quota, stats.monthly_used, stats.monthly_available) == (500, 333, 167)
    assert (stats.permanent_quota, stats.plan_monthly_quota, stats.monthly_actual_usage) == (1000, 500, 333)
    assert (stats.total_usage_rate, stats.monthly_usage_rate) == (Decimal("22.26"), Decimal("66.6"))
    assert (told.image_stats.total_usage_rate, told.current_month, told.plan_name) == (0, "2026-11", None)


def test_m2_78_the_history_of_a_part_adds_up_to_it_and_is_paged(money: Money) -> None:
    grant(money, "money", "2")
    call = money.call(take(ALICE, UNIT // 2))
    money.quotas.adjust("alice", QuotaAdjustment("money", Decimal("-0.25"), "typo"), by())

    with money.store.ledger() as ledger:
        account = quota_account(ledger, view_on_the_day(), "alice", "money", None)
        whole = quota_history(ledger, account, None, 20)
        first = quota_history(ledger, account, None, 2)
        rest = quota_history(ledger, account, first.next_cursor, 2)

    kinds = {each.transaction_type: each for each in whole.records}
    assert {kind: each.amount for kind, each in kinds.items()} == {
        "grant": 2, "usage": Decimal("-0.5"), "adjust": Decimal("-0.25"),
    }  # fmt: skip
    assert sum(each.amount for each in whole.records) == quota(money).money_available
    assert kinds["usage"].request_id == call.request_id
    assert (kinds["adjust"].description, kinds["adjust"].operator_id) == ("typo", "admin")
    assert {each.part for each in whole.records} == {"permanent"}
    assert (*first.records, *rest.records) == whole.records
    assert (whole.next_cursor, rest.next_cursor) == (None, None)


def test_the_account_of_a_history_is_named_by_type_and_month(money: Money) -> None:
    with money.store.ledger() as ledger:
        view = view_on_the_day()
        assert quota_account(ledger, view, "alice", "text_token", "2026-11") == MONTHLY_TOKENS
        assert quota_account(ledger, view, "alice", "money", None) == ALICE
        with pytest.raises(FieldInvalid, match="tokens"):
            quota_account(ledger, view, "alice", "tokens", None)


# --- the calculator ---


def calculated(money: Money, asked: CalculationAsked, *rates: ExchangeRate) -> QuotaCalculationFacts:
    with money.store.ledger() as ledger:
        return Calculator(ledger, a_shop(), view_on_the_day(), ExchangeRates(rates)).calculate(asked)


def test_the_calculator_reckons_by_the_golden_prices_and_the_dearest_model(money: Money) -> None:
    money.recharge("30")

    told = calculated(money, CalculationAsked("openai", 1000, 3, 5))

    assert (told.text_cost_per_user, told.image_cost_per_user) == (Decimal("0.008"), Decimal("1.5"))
    assert (told.total_cost_per_user, told.max_users) == (Decimal("1.508"), 19)
    assert (told.total_users, told.total_cost_for_all_users, told.remaining_balance) == (
        5, Decimal("7.54"), Decimal("22.46"),
    )  # fmt: skip
    assert (told.text_model, told.image_model, told.provider_name) == ("chat", "picture", "Name of openai")


def test_the_calculator_takes_the_model_that_is_named(money: Money) -> None:
    told = calculated(money, CalculationAsked("openai", 1000, 0, 1, "cheap"))

    assert (told.text_cost_per_user, told.text_model, told.image_cost_per_user) == (Decimal("0.001"), "cheap", 0)
    assert (told.available_balance, told.max_users) == (0, 0)
    with pytest.raises(OfferUnknown, match="dear"):
        calculated(money, CalculationAsked("openai", 1000, 0, 1, "dear"))


def test_for_nothing_there_is_no_greatest_number_of_users(money: Money) -> None:
    told = calculated(money, CalculationAsked("qwen", 0, 0, 7))

    assert (told.max_users, told.total_cost_for_all_users, told.text_model) == (None, 0, None)


def test_without_a_price_or_a_rate_nothing_is_invented(money: Money) -> None:
    with pytest.raises(ProviderUnknown):
        calculated(money, CalculationAsked("nobody", 1, 1, 1))
    with pytest.raises(CalculationImpossible, match="qwen"):
        calculated(money, CalculationAsked("qwen", 1000, 0, 1))
    money.pools.recharge("openai", NewRecharge(Decimal(10), currency="USD"), by())
    with pytest.raises(CalculationImpossible, match="CNY"):
        calculated(money, CalculationAsked("openai", 1000, 0, 1))

    assert calculated(money, CalculationAsked("openai", 0, 0, 1)).total_cost_per_user == 0, "nothing needs no rate"
    rate = ExchangeRate("USD", "CNY", Decimal(8), 0)
    told = calculated(money, CalculationAsked("openai", 1000, 0, 1), rate)

    assert (told.currency, told.text_cost_per_user, told.available_balance) == ("USD", Decimal("0.001"), 10)
