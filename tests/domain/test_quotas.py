"""Quotas: which accounts limit whom on which day, and how much a call counts for."""

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from math import ceil
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.domain.accounts import AccountKind, QuotaUnit, is_over, key_account, user_account
from smart_ai_router.domain.exchange import UNCHANGED, Factor
from smart_ai_router.domain.meters import Meter, Quantities, UsageType
from smart_ai_router.domain.money import AmountInvalid
from smart_ai_router.domain.quotas import (
    AUDIO_MS_UNKNOWN,
    IMAGES_UNKNOWN,
    VIDEO_MS_UNKNOWN,
    KeyBudget,
    Period,
    RecurringGrant,
    UserQuota,
    counted,
    counted_at_most,
    due_amount,
    group_factor,
    part_on,
    quota_plan,
    unit_of_usage,
)
from tests.domain.ledger_samples import CNY, TODAY, TOKENS, TOKENS_MONTHLY, plan

DAY = date(2026, 11, 22)


# --- who is limited by what ---


def test_a_user_without_any_quota_is_not_limited() -> None:
    free = plan()

    assert free.money is None
    assert all(free.wallet(unit) is None for unit in QuotaUnit)


def test_the_monthly_part_is_used_up_before_the_permanent_one() -> None:
    both = plan("text_token", "CNY", monthly=["text_token"])

    assert both.wallet(QuotaUnit.TEXT_TOKEN) == (TOKENS_MONTHLY, TOKENS)
    assert both.money == (CNY,)


def test_a_part_of_its_own_is_enough() -> None:
    assert plan("text_token").wallet(QuotaUnit.TEXT_TOKEN) == (TOKENS,)
    assert plan(monthly=["text_token"]).wallet(QuotaUnit.TEXT_TOKEN) == (TOKENS_MONTHLY,)


def test_a_quota_of_tokens_pays_for_no_video() -> None:
    assert plan("text_token").wallet(QuotaUnit.VIDEO_MS) == (user_account("alice", "video_ms"),)


def test_money_pays_for_everything() -> None:
    rich = plan("text_token", "CNY")

    assert rich.wallet(QuotaUnit.VIDEO_MS) is None
    assert rich.wallet(QuotaUnit.TEXT_TOKEN) == (TOKENS,)


def test_money_in_another_currency_than_the_users_pays_for_nothing() -> None:
    stranger = plan("USD", currency="CNY")

    assert stranger.money == (CNY,)
    assert stranger.wallet(QuotaUnit.TEXT_TOKEN) is None


@pytest.mark.parametrize(
    ("period", "part"),
    [
        (Period.FOR_EVER, "permanent"),
        (Period.MONTHLY, "monthly:2026-11"),
        (Period.DAILY, "daily:2026-11-22"),
    ],
)
def test_a_budget_counts_in_the_part_of_its_period(period: Period, part: str) -> None:
    budget = KeyBudget("key_1", "USD", period)
    limited = quota_plan(UserQuota("alice", "CNY"), budget, DAY)

    assert part_on(period, DAY) == part
    assert limited.budget == (key_account("key_1", "USD", part),)
    assert limited.budget_currency == "USD"
    assert limited.money is None


def test_without_a_budget_there_is_none() -> None:
    limited = plan("CNY")

    assert (limited.budget, limited.budget_currency) == (None, "")


def test_enforcement_off_leaves_the_same_accounts() -> None:
    on, off = plan("CNY", "text_token"), plan("CNY", "text_token", is_enforced=False)

    assert (on.is_enforced, off.is_enforced) == (True, False)
    assert (on.money, on.units) == (off.money, off.units)


@pytest.mark.parametrize(
    ("ratio", "factor"),
    [("1", UNCHANGED), ("1.0", UNCHANGED), ("0.37", Factor(37, 100)), ("2", Factor(2, 1)), ("0", Factor(0, 1))],
)
def test_a_group_ratio_is_exact(ratio: str, factor: Factor) -> None:
    assert group_factor(ratio) == factor
    assert plan("CNY", ratio=ratio).ratio == factor


@pytest.mark.parametrize("ratio", ["-1", "", "1e3", "1/3", "NaN", "Infinity", "1.0000000000001", "9" * 99])
def test_what_is_no_ratio_is_refused(ratio: str) -> None:
    with pytest.raises(AmountInvalid):
        plan("CNY", ratio=ratio)


# --- days and months in time zones ---


@pytest.mark.parametrize(
    ("instant", "zone", "month"),
    [
        ("2026-11-30T15:59:59.999", "Asia/Shanghai", "monthly:2026-11"),
        ("2026-11-30T16:00:00.000", "Asia/Shanghai", "monthly:2026-12"),
        ("2026-11-30T23:59:59.999", "UTC", "monthly:2026-11"),
        ("2026-12-01T00:00:00.000", "UTC", "monthly:2026-12"),
        ("2026-12-01T04:59:59.999", "America/New_York", "monthly:2026-11"),
        ("2026-12-01T05:00:00.000", "America/New_York", "monthly:2026-12"),
        ("2026-12-31T16:00:00.000", "Asia/Shanghai", "monthly:2027-01"),
    ],
)
def test_a_month_begins_at_local_midnight(instant: str, zone: str, month: str) -> None:
    local = datetime.fromisoformat(instant).replace(tzinfo=UTC).astimezone(ZoneInfo(zone))

    limited = quota_plan(UserQuota("alice", "CNY", monthly=frozenset(("CNY",))), None, local.date())

    assert limited.money == (user_account("alice", "CNY", month),)


def test_a_new_month_is_a_new_account_and_nothing_is_reset() -> None:
    quota = UserQuota("alice", "CNY", monthly=frozenset(("CNY",)))
    before, after = (quota_plan(quota, None, day).money for day in (date(2026, 11, 30), date(2026, 12, 1)))

    assert before is not None
    assert after is not None
    assert before != after
    assert is_over(before[0].part, date(2026, 12, 1))
    assert not is_over(after[0].part, date(2026, 12, 1))


# --- what a part is credited with when it begins ---


def rule(amount: int, from_day: date, period: Period = Period.MONTHLY, **fields: str) -> RecurringGrant:
    owner = fields.get("owner", "alice")
    return RecurringGrant(AccountKind.USER, owner, fields.get("unit", "text_token"), period, amount, from_day)


@pytest.mark.parametrize(
    ("part", "latest", "due"),
    [
        ("monthly:2026-10", date(2026, 11, 22), 0),  # before the rule
        ("monthly:2026-11", date(2026, 11, 22), 500),  # the rule begins in this month
        ("monthly:2026-12", date(2026, 11, 30), 0),  # not begun yet
        ("monthly:2026-12", date(2026, 12, 1), 500),
        ("monthly:2027-01", date(2027, 1, 1), 500),
        ("permanent", date(2026, 11, 22), 0),
        ("daily:2026-11-22", date(2026, 11, 22), 0),
    ],
)
def test_a_part_is_credited_from_its_first_day_and_never_ahead(part: str, latest: date, due: int) -> None:
    assert due_amount([rule(500, date(2026, 11, 15))], user_account("alice", "text_token", part), latest) == due


def test_of_several_rules_the_one_that_began_last_counts() -> None:
    rules = [rule(500, date(2026, 9, 1)), rule(900, date(2026, 11, 1)), rule(700, date(2026, 10, 1))]
    amounts = [
        due_amount(rules, user_account("alice", "text_token", f"monthly:2026-{month}"), date(2026, 12, 31))
        for month in ("08", "09", "10", "11", "12")
    ]

    assert amounts == [0, 500, 700, 900, 900]


def test_of_two_rules_of_one_day_the_later_written_one_counts() -> None:
    rules = [rule(500, DAY), rule(600, DAY)]

    assert due_amount(rules, TOKENS_MONTHLY, TODAY) == 600


def test_amount_zero_ends_a_rule() -> None:
    rules = [rule(500, date(2026, 9, 1)), rule(0, date(2026, 11, 1))]

    assert due_amount(rules, TOKENS_MONTHLY, TODAY) == 0


def test_a_rule_is_for_one_owner_and_one_unit() -> None:
    rules = [rule(1, DAY, owner="bob"), rule(2, DAY, unit="image")]

    assert due_amount(rules, TOKENS_MONTHLY, TODAY) == 0


def test_a_daily_budget_is_credited_day_by_day() -> None:
    rules = [RecurringGrant(AccountKind.KEY, "key_1", "CNY", Period.DAILY, 9, DAY)]
    parts = [key_account("key_1", "CNY", f"daily:2026-11-{day}") for day in (21, 22, 23)]

    assert [due_amount(rules, part, DAY) for part in parts] == [0, 9, 0]


@pytest.mark.parametrize(
    ("kind", "period", "amount"),
    [
        (AccountKind.USER, Period.MONTHLY, -1),
        (AccountKind.USER, Period.FOR_EVER, 1),
        (AccountKind.POOL, Period.MONTHLY, 1),
        (AccountKind.REVENUE, Period.DAILY, 1),
    ],
)
def test_a_rule_that_could_never_grant_is_refused(kind: AccountKind, period: Period, amount: int) -> None:
    with pytest.raises(AmountInvalid):
        RecurringGrant(kind, "x", "CNY", period, amount, DAY)


# --- how much a call counts for ---


def test_every_usage_type_counts_in_a_unit() -> None:
    assert {each: unit_of_usage(each) for each in UsageType} == {
        UsageType.TEXT_GENERATION: QuotaUnit.TEXT_TOKEN,
        UsageType.EMBEDDING: QuotaUnit.TEXT_TOKEN,
        UsageType.RERANK: QuotaUnit.TEXT_TOKEN,
        UsageType.MODERATION: QuotaUnit.TEXT_TOKEN,
        UsageType.IMAGE_GENERATION: QuotaUnit.IMAGE,
        UsageType.AUDIO_TTS: QuotaUnit.AUDIO_MS,
        UsageType.AUDIO_STT: QuotaUnit.AUDIO_MS,
        UsageType.VIDEO_GENERATION: QuotaUnit.VIDEO_MS,
    }


@pytest.mark.parametrize(
    ("unit", "quantities", "count"),
    [
        (QuotaUnit.TEXT_TOKEN, ((Meter.INPUT, 150), (Meter.CACHED_INPUT, 50), (Meter.REASONING, 7)), 207),
        (QuotaUnit.TEXT_TOKEN, ((Meter.INPUT, 150), (Meter.SEARCH_CALL, 3)), 150),
        (QuotaUnit.TEXT_TOKEN, (), 0),
        (QuotaUnit.IMAGE, ((Meter.IMAGE, 3), (Meter.IMAGE_OUTPUT, 4_160)), 3),
        (QuotaUnit.IMAGE, ((Meter.IMAGE_OUTPUT, 4_160),), None),
        (QuotaUnit.AUDIO_MS, ((Meter.SECOND, Decimal("3.4561")),), 3_457),
        (QuotaUnit.AUDIO_MS, ((Meter.MINUTE, Decimal("1.5")),), 90_000),
        (QuotaUnit.AUDIO_MS, ((Meter.CHARACTER, 7),), 1_400),
        (QuotaUnit.AUDIO_MS, ((Meter.CHARACTER, 7), (Meter.SECOND, 2)), 2_000),
        (QuotaUnit.AUDIO_MS, ((Meter.SECOND, 2), (Meter.CHARACTER, 7)), 2_000),
        (QuotaUnit.AUDIO_MS, (), None),
        (QuotaUnit.VIDEO_MS, ((Meter.SECOND, 30),), 30_000),
        (QuotaUnit.VIDEO_MS, ((Meter.SECOND, 0),), 0),
        (QuotaUnit.VIDEO_MS, ((Meter.CHARACTER, 30),), None),
    ],
)
def test_quantities_are_counted_in_the_smallest_part_of_a_unit(
    unit: QuotaUnit, quantities: Quantities, count: int | None
) -> None:
    assert counted(unit, quantities) == count


@given(st.decimals(0, 10_000, places=6))
def test_a_duration_is_rounded_up_to_a_millisecond(seconds: Decimal) -> None:
    assert counted(QuotaUnit.VIDEO_MS, ((Meter.SECOND, seconds),)) == ceil(Fraction(seconds) * 1_000)


def test_a_negative_duration_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be billed"):
        counted(QuotaUnit.AUDIO_MS, ((Meter.SECOND, Decimal(-1)),))


@pytest.mark.parametrize(
    ("unit", "others", "upper"),
    [
        (QuotaUnit.TEXT_TOKEN, ((Meter.IMAGE, 3),), 1_200),
        (QuotaUnit.IMAGE, ((Meter.IMAGE, 3),), 3),
        (QuotaUnit.IMAGE, (), IMAGES_UNKNOWN),
        (QuotaUnit.AUDIO_MS, ((Meter.CHARACTER, 100),), 20_000),
        (QuotaUnit.AUDIO_MS, (), AUDIO_MS_UNKNOWN),
        (QuotaUnit.VIDEO_MS, ((Meter.SECOND, 5),), 5_000),
        (QuotaUnit.VIDEO_MS, (), VIDEO_MS_UNKNOWN),
    ],
)
def test_before_a_call_what_was_asked_for_counts_or_the_guides_figure(
    unit: QuotaUnit, others: Quantities, upper: int
) -> None:
    assert counted_at_most(unit, 1_200, others) == upper


def test_the_guides_figures_are_one_image_sixty_seconds_and_ten() -> None:
    assert (IMAGES_UNKNOWN, AUDIO_MS_UNKNOWN, VIDEO_MS_UNKNOWN) == (1, 60_000, 10_000)
