"""Accounts: their names, their counter-accounts, their times, and how their amounts are written."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.domain.accounts import (
    LIMITED_KINDS,
    QUOTA_TYPES,
    AccountKey,
    AccountKind,
    QuotaTypeUnknown,
    QuotaUnit,
    account_text,
    amount_of_shown,
    credit_counter,
    daily_part,
    first_day_after,
    is_money,
    is_over,
    key_account,
    month_of,
    monthly_part,
    outside_account,
    pool_account,
    quota_type_of,
    shown_amount,
    unit_of,
    usage_counter,
    user_account,
)
from smart_ai_router.domain.money import CELL_MAX, AmountInvalid, AmountTooLarge

USER = user_account("alice", "CNY")
KEY = key_account("key_1", "CNY", "daily:2026-11-22")
POOL = pool_account("openai", "USD")


def test_what_is_used_goes_to_the_counter_account_of_its_kind() -> None:
    assert usage_counter(USER) == AccountKey(AccountKind.REVENUE, "", "CNY")
    assert usage_counter(KEY) == AccountKey(AccountKind.ALLOWANCE, "", "CNY")
    assert usage_counter(POOL) == AccountKey(AccountKind.PROVIDER, "openai", "USD")


def test_what_is_credited_comes_from_outside_and_a_budget_from_the_allowance() -> None:
    assert credit_counter(USER) == outside_account("CNY")
    assert credit_counter(POOL) == outside_account("USD")
    assert credit_counter(KEY) == AccountKey(AccountKind.ALLOWANCE, "", "CNY")


@pytest.mark.parametrize("kind", sorted(set(AccountKind) - LIMITED_KINDS))
def test_a_counter_account_has_no_counter_account(kind: AccountKind) -> None:
    account = AccountKey(kind, "", "CNY")
    with pytest.raises(ValueError, match="counter-account"):
        usage_counter(account)
    with pytest.raises(ValueError, match="counter-account"):
        credit_counter(account)


def test_an_account_is_named_in_one_line() -> None:
    assert account_text(USER) == "user alice CNY permanent"
    assert account_text(POOL) == "pool openai USD"


def test_a_currency_is_money_and_the_guides_units_are_not() -> None:
    assert is_money("CNY")
    assert not any(is_money(unit.value) for unit in QuotaUnit)


# --- parts ---


@pytest.mark.parametrize(
    ("part", "end"),
    [
        ("permanent", None),
        ("", None),
        ("monthly:2026-11", date(2026, 12, 1)),
        ("monthly:2026-12", date(2027, 1, 1)),
        ("monthly:2028-02", date(2028, 3, 1)),
        ("daily:2026-11-22", date(2026, 11, 23)),
        ("daily:2028-02-28", date(2028, 2, 29)),
        ("daily:2026-12-31", date(2027, 1, 1)),
    ],
)
def test_a_part_is_over_on_the_first_day_after_it(part: str, end: date | None) -> None:
    assert first_day_after(part) == end
    if end is None:
        assert not is_over(part, date(9999, 12, 31))
    else:
        assert not is_over(part, date.fromordinal(end.toordinal() - 1))
        assert is_over(part, end)


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_a_day_lies_in_its_parts(day: date) -> None:
    for part in (monthly_part(month_of(day)), daily_part(day)):
        assert not is_over(part, day)
        end = first_day_after(part)
        assert end is not None
        assert end > day
        assert is_over(part, end)


# --- units ---


def test_the_guides_quota_types_and_money_name_a_unit_each() -> None:
    assert [unit_of(each, "CNY") for each in QUOTA_TYPES] == ["text_token", "image", "audio_ms", "video_ms"]
    assert unit_of("money", "CNY") == "CNY"
    for quota_type in (*QUOTA_TYPES, "money"):
        assert quota_type_of(unit_of(quota_type, "CNY")) == quota_type


@pytest.mark.parametrize("word", ["", "tokens", "TEXT_TOKEN", "audio_ms", "CNY", "x" * 500])
def test_an_unknown_quota_type_is_refused_with_the_known_ones(word: str) -> None:
    with pytest.raises(QuotaTypeUnknown, match="use one of text_token, image, audio, video, money") as refused:
        unit_of(word, "CNY")
    assert len(str(refused.value)) < 150


@pytest.mark.parametrize(
    ("unit", "shown", "amount"),
    [
        ("CNY", "0.018", 18_000_000_000),
        ("CNY", "0.000000000001", 1),
        ("CNY", "-12.50", -12_500_000_000_000),
        ("text_token", "100000", 100_000),
        ("text_token", "1E+5", 100_000),
        ("image", "20", 20),
        ("audio_ms", "1.5", 90_000),
        ("audio_ms", "0.00005", 3),
        ("video_ms", "30", 30_000),
        ("video_ms", "0.001", 1),
        ("CNY", "0", 0),
        ("CNY", "0E-999999", 0),
    ],
)
def test_an_amount_is_read_exactly_as_people_write_it(unit: str, shown: str, amount: int) -> None:
    assert amount_of_shown(unit, Decimal(shown)) == amount


@pytest.mark.parametrize(
    ("unit", "shown"),
    [
        ("CNY", "0.0000000000001"),
        ("text_token", "0.5"),
        ("image", "1.1"),
        ("audio_ms", "0.00001"),
        ("video_ms", "0.0001"),
        ("CNY", "1E-999999"),
        ("CNY", "NaN"),
        ("CNY", "Infinity"),
        ("text_token", "-Infinity"),
    ],
)
def test_what_is_finer_than_the_smallest_part_is_refused(unit: str, shown: str) -> None:
    with pytest.raises(AmountInvalid):
        amount_of_shown(unit, Decimal(shown))


@pytest.mark.parametrize(
    ("unit", "shown"),
    [("CNY", "9223372.036854775808"), ("CNY", "1E+999999"), ("text_token", "1E+13"), ("CNY", "-1E+13")],
)
def test_what_fits_no_entry_is_refused(unit: str, shown: str) -> None:
    with pytest.raises(AmountTooLarge):
        amount_of_shown(unit, Decimal(shown))


def test_the_largest_amount_of_an_entry_is_read() -> None:
    assert amount_of_shown("CNY", Decimal("9223372.036854775807")) == CELL_MAX
    assert amount_of_shown("text_token", Decimal("9999999999999")) == 9_999_999_999_999


@pytest.mark.parametrize(
    ("unit", "amount", "shown"),
    [
        ("CNY", 18_000_000_000, "0.018"),
        ("CNY", -1, "-0.000000000001"),
        ("text_token", 1_200, "1200"),
        ("image", 0, "0"),
        ("audio_ms", 90_000, "1.5"),
        ("audio_ms", 20_000, "0.333333"),
        ("audio_ms", 40_000, "0.666667"),
        ("audio_ms", -20_000, "-0.333333"),
        ("video_ms", 1_500, "1.5"),
    ],
)
def test_an_amount_is_shown_without_zeros_at_its_end(unit: str, amount: int, shown: str) -> None:
    assert f"{shown_amount(unit, amount):f}" == shown


@given(
    st.sampled_from(["CNY", "text_token", "image", "video_ms"]),
    st.integers(-CELL_MAX, CELL_MAX).map(lambda amount: amount // 10**6),
)
def test_what_is_shown_is_read_back_as_it_was(unit: str, amount: int) -> None:
    assert amount_of_shown(unit, shown_amount(unit, amount)) == amount


def test_a_balance_beyond_every_entry_is_shown_to_its_last_digit() -> None:
    assert shown_amount("CNY", 10**40 + 1) == Decimal("10000000000000000000000000000.000000000001")
