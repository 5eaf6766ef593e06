"""What people see of quotas: totals and use, the calculator, grants to everybody, and the words of a refusal."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.domain.accounts import AccountKey, QuotaUnit, Wallet, key_account, user_account
from smart_ai_router.domain.ledger import (
    Repetition,
    Transfer,
    TransferKind,
    adjust,
    compared,
    expiry,
    grant,
    refund,
    repricing,
    usage_transfer,
)
from smart_ai_router.domain.ledger_proof import balances_of
from smart_ai_router.domain.meters import Meter
from smart_ai_router.domain.money import AmountInvalid
from smart_ai_router.domain.pricing import upper_estimate
from smart_ai_router.domain.quota_pages import (
    Figures,
    batch_grant,
    calculate_quota,
    figures_of,
    image_cost_per_user,
    output_tokens_affordable,
    quota_figures,
    shortage_notice,
    text_cost_per_user,
)
from tests.domain.ledger_samples import (
    BUDGET,
    CNY,
    NOW_MS,
    POOL,
    TODAY,
    TOKENS,
    TOKENS_MONTHLY,
    facts,
    order,
    pico,
    sheet,
)
from tests.domain.pricing_samples import row, sheet_of

QWEN = sheet("2", "2", "CNY")  # qwen-plus: 0.002 yuan per 1,000 tokens, in and out
WANX = sheet_of([row(Meter.IMAGE, "0.012", currency="CNY", per=1)])


def call(request_id: str, amount: int, account: AccountKey = TOKENS) -> Transfer:
    made = usage_transfer(facts(request_id, (account, amount, 0)))
    assert made is not None
    return made


# --- totals and use ---


def test_m2_32_m2_78_granted_corrected_and_used_agree_with_the_balance() -> None:
    used = call("req_1", 450)
    back = refund("req_1", [used], {TOKENS: 50}, order("refund"))
    dearer = repricing("req_1", [used, back], {TOKENS: 410}, "right", order())
    assert dearer is not None
    transfers = [grant(TOKENS, 1_000, order("a")), adjust(TOKENS, -200, order("b")), used, back, dearer]

    figures = figures_of(transfers)

    assert figures[TOKENS] == Figures(credited=800, used=410)
    assert figures[TOKENS].balance == balances_of(transfers)[TOKENS] == 390


def test_what_expired_was_never_there_to_use() -> None:
    old = user_account("alice", "text_token", "monthly:2026-10")
    gone = expiry(old, 700, 0, TODAY, NOW_MS)
    assert gone is not None

    assert figures_of([grant(old, 1_000, order()), call("req_1", 300, old), gone])[old] == Figures(300, 300)


def test_a_users_quota_shows_the_guides_four_types_and_money_by_part() -> None:
    figures = figures_of(
        [grant(TOKENS, 1_000, order("a")), grant(TOKENS_MONTHLY, 500, order("b")), call("req_1", 600, TOKENS_MONTHLY)]
    )

    shown = quota_figures("alice", "CNY", "2026-11", figures)

    assert [each.quota_type for each in shown] == ["text_token", "image", "audio", "video", "money"]
    assert [each.unit for each in shown] == ["text_token", "image", "audio_ms", "video_ms", "CNY"]
    assert (shown[0].permanent, shown[0].monthly) == (Figures(1_000, 0), Figures(500, 600))
    assert shown[0].available == 900
    assert shown[4].available == 0


def test_another_month_and_another_user_are_not_shown() -> None:
    figures = figures_of([grant(TOKENS_MONTHLY, 500, order())])

    assert quota_figures("alice", "CNY", "2026-12", figures)[0].available == 0
    assert quota_figures("bob", "CNY", "2026-11", figures)[0].available == 0


# --- the calculator ---


def test_the_calculator_gives_the_guides_example() -> None:
    text, image = text_cost_per_user(QWEN, 100_000), image_cost_per_user(WANX, 20)
    assert (text, image) == (pico("0.2"), pico("0.24"))

    shown = calculate_quota(pico("100"), pico("0.2"), pico("0.24"), users=200)

    assert shown.total_cost_per_user == pico("0.44")
    assert shown.users_max == 227
    assert (shown.total_cost, shown.remaining) == (pico("88"), pico("12"))


def test_tokens_are_reckoned_at_the_dearer_of_both_prices() -> None:
    assert text_cost_per_user(sheet("30", "60", "CNY"), 100_000) == pico("6")
    assert text_cost_per_user(sheet("60", "30", "CNY"), 100_000) == pico("6")


def test_a_cost_that_no_pico_holds_is_rounded_up() -> None:
    fine = sheet("0.0000001", "0.0000001", "CNY")  # a tenth of a pico a token; 1,000 tokens are 100 pico

    assert text_cost_per_user(fine, 1) == 1
    assert text_cost_per_user(fine, 100_000) == 10_000


def test_a_price_that_is_not_there_is_not_made_up() -> None:
    assert text_cost_per_user(WANX, 100_000) is None
    assert text_cost_per_user(sheet_of([row(Meter.INPUT, "1")]), 100_000) is None
    assert image_cost_per_user(QWEN, 20) is None


@pytest.mark.parametrize(("available", "users_max"), [("0.88", 2), ("0.879999999999", 1), ("0", 0), ("-5", 0)])
def test_only_whole_users_are_counted(available: str, users_max: int) -> None:
    assert calculate_quota(pico(available), pico("0.2"), pico("0.24"), 1).users_max == users_max


def test_what_is_missing_shows_below_zero_and_what_costs_nothing_has_no_limit() -> None:
    assert calculate_quota(pico("1"), pico("0.2"), pico("0.24"), 10).remaining == pico("-3.4")
    assert calculate_quota(pico("1"), 0, 0, 10).users_max is None


# --- grants to everybody ---

USERS = {"carol": True, "alice": True, "bob": False}
AMOUNTS = {QuotaUnit.TEXT_TOKEN: 100_000, QuotaUnit.IMAGE: 20, QuotaUnit.VIDEO_MS: 0}


def test_a_batch_grant_reaches_every_enabled_user_once_in_each_unit() -> None:
    batch = batch_grant(USERS, AMOUNTS, order("december"))

    assert [(each.entries[0].account.owner, each.entries[0].account.unit) for each in batch.transfers] == [
        ("alice", "text_token"),
        ("alice", "image"),
        ("carol", "text_token"),
        ("carol", "image"),
    ]
    assert (batch.users, batch.granted_users, batch.left_out) == (3, 2, ("bob",))
    assert len({each.key for each in batch.transfers}) == 4
    assert all(each.kind is TransferKind.GRANT for each in batch.transfers)


def test_a_repeated_batch_grant_changes_nothing_and_another_key_is_another_grant() -> None:
    first, again, other = (batch_grant(USERS, AMOUNTS, order(key)).transfers for key in ("a", "a", "b"))

    pairs = zip(first, again, strict=True)
    assert all(compared(mine, theirs) is Repetition.REPEATED for mine, theirs in pairs)
    assert not {each.key for each in first} & {each.key for each in other}


@pytest.mark.parametrize("amounts", [{}, {QuotaUnit.IMAGE: 0}, {QuotaUnit.IMAGE: 5, QuotaUnit.TEXT_TOKEN: -1}])
def test_a_batch_of_nothing_is_refused(amounts: dict[QuotaUnit, int]) -> None:
    with pytest.raises(AmountInvalid):
        batch_grant(USERS, amounts, order())


# --- refusals ---


ALICES = {unit: user_account("alice", unit.value) for unit in QuotaUnit}
DAILY = BUDGET._replace(part="daily:2026-11-22")
DECEMBER = date(2026, 12, 1)
NOTICES: list[tuple[Wallet, tuple[int, int], str, date | None]] = [
    ((TOKENS,), (1_200, 0), "text_token, 需要: 1200, 可用: 0 text_token", None),
    ((TOKENS_MONTHLY, TOKENS), (1_200, 7), "text_token, 需要: 1200, 可用: 7 text_token", DECEMBER),
    ((CNY,), (18_000_000_000, 10_000_000_000), "money, 需要: 0.018, 可用: 0.01 CNY", None),
    ((DAILY,), (10**12, 1), "key_budget, 需要: 1, 可用: 0.000000000001 CNY", date(2026, 11, 23)),
    ((POOL,), (10**12, -(10**12)), "resource_pool, 需要: 1, 可用: 0 USD", None),
    ((ALICES[QuotaUnit.AUDIO_MS],), (90_000, 30_000), "audio, 需要: 1.5, 可用: 0.5 minute", None),
    ((ALICES[QuotaUnit.VIDEO_MS],), (10_000, 0), "video, 需要: 10, 可用: 0 second", None),
    ((ALICES[QuotaUnit.IMAGE],), (3, 2), "image, 需要: 3, 可用: 2 image", None),
]


@pytest.mark.parametrize(("wallet", "needed_and_available", "words", "resets_on"), NOTICES)
def test_n_09_a_refusal_says_which_limit_how_much_and_until_when(
    wallet: Wallet, needed_and_available: tuple[int, int], words: str, resets_on: date | None
) -> None:
    notice = shortage_notice(wallet, *needed_and_available)

    assert f"{notice.message} {notice.unit}" == f"配额不足: {words}"
    assert notice.message == f"配额不足: {notice.quota_type}, 需要: {notice.needed}, 可用: {notice.available:f}"
    assert notice.resets_on == resets_on


def test_of_two_parts_that_end_the_first_one_counts() -> None:
    wallet = (TOKENS_MONTHLY, key_account("k", "text_token", "daily:2026-11-22"), TOKENS)

    assert shortage_notice(wallet, 1, 0).resets_on == date(2026, 11, 23)


@given(st.integers(0, 5_000), st.integers(1, 5_000), st.integers(0, 20_000_000_000))
def test_the_recommended_max_tokens_is_the_largest_that_can_be_paid(
    input_tokens: int, output_tokens: int, available: int
) -> None:
    prices = sheet("1", "3")
    affordable = output_tokens_affordable(prices, input_tokens, output_tokens, available)

    if affordable is None:
        assert upper_estimate(prices, input_tokens, 1) > available
    else:
        assert 1 <= affordable <= output_tokens
        assert upper_estimate(prices, input_tokens, affordable) <= available
        assert affordable == output_tokens or upper_estimate(prices, input_tokens, affordable + 1) > available


@given(st.integers(1, 10**6), st.integers(0, 10**4))
def test_the_cost_of_tokens_is_never_below_the_price(tokens: int, price: int) -> None:
    cost = text_cost_per_user(sheet(f"0.00000{price}", "0", "CNY"), tokens)

    assert cost is not None
    exact = Fraction(Decimal(f"0.00000{price}")) * tokens * 10**6
    assert ceil(exact) <= cost <= exact + Fraction(tokens, 1_000) + 1
