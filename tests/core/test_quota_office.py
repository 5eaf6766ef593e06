"""The office of quotas: grants, corrections, monthly grants, budgets, the switch."""

from decimal import Decimal

import pytest

from smart_ai_router.core.administration import IdempotencyConflict, IdempotencyKeyInvalid
from smart_ai_router.core.ledger_requests import (
    NewBatchGrant,
    NewEnforcement,
    NewGrant,
    NewKeyBudget,
    NewQuotaCurrency,
    NewRecurringGrant,
    QuotaAdjustment,
)
from smart_ai_router.core.ledger_verbs import AmountRefused
from smart_ai_router.core.users_and_keys import FieldInvalid, KeyUnknown, UserUnknown
from smart_ai_router.domain.accounts import QuotaUnit, key_account, user_account
from smart_ai_router.domain.ledger import TransferKind
from smart_ai_router.domain.quotas import KeyBudget, Period, UserQuota
from tests.core.ledger_samples import ALICE, UNIT, Money, by

MONTH = "monthly:2026-11"
TOKENS = user_account("alice", QuotaUnit.TEXT_TOKEN)
MONTHLY_TOKENS = user_account("alice", QuotaUnit.TEXT_TOKEN, MONTH)


def grant(money: Money, amount: str, quota_type: str = "money", key: str | None = None) -> None:
    money.quotas.grant("alice", NewGrant(quota_type, Decimal(amount)), by(key))


def test_m2_31_a_grant_is_credited_once_under_its_key(money: Money) -> None:
    answers = [money.quotas.grant("alice", NewGrant("money", Decimal("12.5")), by("grant-1")) for _ in range(3)]

    assert money.balance(ALICE) == 12_500_000_000_000
    assert [answer.is_repeated for answer in answers] == [False, True, True]
    assert answers[1].transfers == answers[0].transfers
    assert answers[0].transfers[0].kind is TransferKind.GRANT
    assert answers[0].transfers[0].key == "grant-1"


def test_another_grant_under_the_same_key_is_a_conflict_and_the_first_one_stands(money: Money) -> None:
    grant(money, "1", key="grant-1")

    with pytest.raises(IdempotencyConflict):
        grant(money, "2", key="grant-1")

    assert money.balance(ALICE) == UNIT


def test_the_key_of_a_transfer_of_the_books_is_nobodys(money: Money) -> None:
    with pytest.raises(IdempotencyKeyInvalid, match="usage:"):
        grant(money, "1", key="usage:req_1")


def test_two_grants_without_a_key_are_two_grants(money: Money) -> None:
    grant(money, "1")
    grant(money, "1")

    assert money.balance(ALICE) == 2 * UNIT


@pytest.mark.parametrize(
    ("quota_type", "amount", "unit", "parts"),
    [
        ("text_token", "1000", "text_token", 1000),
        ("image", "3", "image", 3),
        ("audio", "1.5", "audio_ms", 90_000),
        ("video", "2.5", "video_ms", 2_500),
        ("money", "0.000000000001", "CNY", 1),
    ],
)
def test_m2_31_each_quota_type_is_granted_in_its_own_unit(
    money: Money, quota_type: str, amount: str, unit: str, parts: int
) -> None:
    grant(money, amount, quota_type)

    assert money.balance(user_account("alice", unit)) == parts


@pytest.mark.parametrize("amount", ["0", "-1", "0.0000000000001", "9300000"])
def test_n_05_an_amount_that_cannot_be_booked_is_refused_and_leaves_nothing_behind(money: Money, amount: str) -> None:
    before = len(money.log.lines)

    with pytest.raises(AmountRefused):
        grant(money, amount)

    assert money.balance(ALICE) == 0
    assert len(money.log.lines) == before


def test_who_and_what_are_not_there_are_named(money: Money) -> None:
    with pytest.raises(UserUnknown, match="carol"):
        money.quotas.grant("carol", NewGrant("money", Decimal(1)), by())
    with pytest.raises(FieldInvalid, match="tokens"):
        grant(money, "1", "tokens")
    with pytest.raises(FieldInvalid, match="yuan"):
        money.quotas.grant("alice", NewGrant("money", Decimal(1), currency="yuan"), by())
    with pytest.raises(KeyUnknown):
        money.quotas.set_key_budget("key_none", NewKeyBudget(Decimal(1)), by())


def test_the_first_money_says_what_a_user_is_charged_in(money: Money) -> None:
    money.quotas.grant("alice", NewGrant("money", Decimal(1), currency="USD"), by())

    with pytest.raises(FieldInvalid, match="USD"):
        money.quotas.grant("alice", NewGrant("money", Decimal(1), currency="CNY"), by())
    grant(money, "2")
    assert money.balance(user_account("alice", "USD")) == 3 * UNIT
    assert [(quota.user_id, quota.currency) for quota in money.rows.state().quotas] == [("alice", "USD")]


def test_a_users_currency_can_be_set(money: Money) -> None:
    money.quotas.set_currency("bob", NewQuotaCurrency("EUR"), by())

    assert money.rows.state().quotas == (UserQuota("bob", "EUR"),)


def test_m2_78_a_correction_goes_up_and_down_and_names_its_part(money: Money) -> None:
    grant(money, "10")

    money.quotas.adjust("alice", QuotaAdjustment("money", Decimal("-3.5")), by())
    money.quotas.adjust("alice", QuotaAdjustment("text_token", Decimal(7), month="2026-11"), by())

    assert money.balance(ALICE) == 6_500_000_000_000
    assert money.balance(MONTHLY_TOKENS) == 7
    with pytest.raises(FieldInvalid, match="2026-13"):
        money.quotas.adjust("alice", QuotaAdjustment("money", Decimal(1), month="2026-13"), by())


def test_m2_31_a_batch_grant_reaches_every_enabled_user_in_one_action(money: Money) -> None:
    before = len(money.log.lines)

    booked = money.quotas.grant_to_all(NewBatchGrant(100, 2), by("batch-1"))
    again = money.quotas.grant_to_all(NewBatchGrant(100, 2), by("batch-1"))

    assert len(money.log.lines) == before + 1
    assert again.is_repeated
    assert len(booked.transfers) == 4
    for user_id in ("alice", "bob"):
        assert money.balance(user_account(user_id, QuotaUnit.TEXT_TOKEN)) == 100
        assert money.balance(user_account(user_id, QuotaUnit.IMAGE)) == 2


def test_a_batch_grant_of_nothing_is_refused(money: Money) -> None:
    with pytest.raises(AmountRefused):
        money.quotas.grant_to_all(NewBatchGrant(0, 0), by())


def test_a_monthly_grant_begins_with_the_month_under_way(money: Money) -> None:
    money.quotas.set_monthly_grant("alice", NewRecurringGrant("text_token", Decimal(500)), by())

    assert money.balance(MONTHLY_TOKENS) == 500
    assert money.rows.state().quotas == (UserQuota("alice", "", monthly=frozenset({"text_token"})),)


def test_a_higher_monthly_grant_makes_up_the_difference_and_a_lower_one_takes_it(money: Money) -> None:
    for amount in (500, 800, 300):
        money.quotas.set_monthly_grant("alice", NewRecurringGrant("text_token", Decimal(amount)), by())
        assert money.balance(MONTHLY_TOKENS) == amount


def test_a_monthly_grant_of_zero_ends_it_and_leaves_what_was_given(money: Money) -> None:
    money.quotas.set_monthly_grant("alice", NewRecurringGrant("text_token", Decimal(500)), by())

    money.quotas.set_monthly_grant("alice", NewRecurringGrant("text_token", Decimal(0)), by())
    money.clock.now += 31 * 86_400

    assert money.calendar.turn() == 1  # November expires, December does not begin
    assert money.balance(user_account("alice", QuotaUnit.TEXT_TOKEN, "monthly:2026-12")) == 0


@pytest.mark.parametrize(
    ("period", "part"), [("for_ever", "permanent"), ("monthly", MONTH), ("daily", "daily:2026-11-22")]
)
def test_a_keys_budget_is_an_account_of_its_period(money: Money, period: str, part: str) -> None:
    key_id = money.key()

    for amount in ("5", "8", "2"):
        money.quotas.set_key_budget(key_id, NewKeyBudget(Decimal(amount), period), by())
        assert money.balance(key_account(key_id, "CNY", part)) == int(amount) * UNIT
    assert money.rows.state().budgets == (KeyBudget(key_id, "CNY", Period(period)),)

    money.quotas.set_key_budget(key_id, NewKeyBudget(Decimal(0), None), by())
    assert money.rows.state().budgets == ()


def test_a_budget_of_nothing_is_a_limit(money: Money) -> None:
    key_id = money.key()

    money.quotas.set_key_budget(key_id, NewKeyBudget(Decimal(0)), by())

    assert money.rows.state().budgets == (KeyBudget(key_id, "CNY", Period.FOR_EVER),)
    assert money.balance(key_account(key_id, "CNY")) == 0


def test_n_06_enforcement_is_on_until_it_is_switched_off(money: Money) -> None:
    assert money.rows.state().quotas_enforced

    money.quotas.set_enforcement(NewEnforcement(False), by())

    assert not money.rows.state().quotas_enforced


def test_every_change_stands_in_the_audit_record(money: Money) -> None:
    grant(money, "1", key="grant-1")
    money.quotas.set_enforcement(NewEnforcement(False), by())

    entries = money.rows.audit(None, 2)

    assert [(entry.kind, entry.subject) for entry in entries] == [
        ("quota_enforcement_set", "quotas"),
        ("quota_granted", "user:alice"),
    ]
    assert '"key":"grant-1"' in entries[1].after
