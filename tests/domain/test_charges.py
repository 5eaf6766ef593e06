"""Tariffs, needs and charges: what a call must hold, that no bill is above it, and what a gap in the prices does."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.domain.accounts import AccountKey, QuotaUnit, pool_account, user_account
from smart_ai_router.domain.charges import (
    MEDIA_TOKENS_UPPER,
    OUTPUT_TOKENS_UNKNOWN,
    CallSize,
    Charge,
    Charged,
    Gap,
    GapAnswer,
    GapKind,
    Need,
    answer_to_gaps,
    charged,
    input_tokens_at_most,
    needs_of,
    output_tokens_at_most,
    provider_charge,
    tariff_of,
)
from smart_ai_router.domain.exchange import NO_RATES, ExchangeRate, ExchangeRates
from smart_ai_router.domain.meters import NO_USAGE, Meter, UsageType
from smart_ai_router.domain.money import CELL_MAX, AmountTooLarge
from smart_ai_router.domain.pricing import PriceVersion, price_usage
from smart_ai_router.domain.quotas import KeyBudget, Period, UserQuota, quota_plan
from smart_ai_router.domain.settlement import Outcome
from tests.domain.ledger_samples import (
    BUDGET,
    CNY,
    NOW_MS,
    POOL,
    SEVEN,
    TODAY,
    TOKENS,
    TOKENS_MONTHLY,
    chat,
    pico,
    plan,
    sheet,
    tariff,
)
from tests.domain.pricing_oracle import line_amounts
from tests.domain.pricing_samples import row, sheet_of, used

CNY_WALLET, POOL_WALLET = (CNY,), (POOL,)


# --- bounds of a call ---


@pytest.mark.parametrize(
    ("body", "context", "media", "upper"),
    [
        (1_000, None, 0, 1_000),
        (1_000, 8_000, 0, 1_000),
        (9_000, 8_000, 0, 8_000),
        (8_000, 8_000, 0, 8_000),
        (1_000, None, 2, 1_000 + 2 * MEDIA_TOKENS_UPPER),
        (1_000, 8_000, 2, 8_000),
    ],
)
def test_a_body_has_at_most_a_token_for_each_byte_and_no_more_than_the_context(
    body: int, context: int | None, media: int, upper: int
) -> None:
    assert input_tokens_at_most(body, context, media) == upper


@pytest.mark.parametrize(
    ("asked", "limit", "choices", "upper"),
    [
        (100, None, 1, 100),
        (None, 4_096, 1, 4_096),
        (100, 4_096, 1, 100),
        (9_999, 4_096, 1, 4_096),
        (100, None, 3, 300),
        (None, None, 1, OUTPUT_TOKENS_UNKNOWN),
        (None, None, 2, 2 * OUTPUT_TOKENS_UNKNOWN),
        (0, None, 1, 0),
    ],
)
def test_an_answer_is_at_most_what_was_asked_for_within_the_models_limit(
    asked: int | None, limit: int | None, choices: int, upper: int
) -> None:
    assert output_tokens_at_most(asked, limit, choices) == upper


# --- needs ---


def test_a_call_holds_its_upper_estimate_in_every_account_the_pool_last() -> None:
    both = tariff(plan("CNY", "text_token", monthly=["text_token"]), POOL, rates=SEVEN)

    assert needs_of(both, chat(1_000, 2_000)).wanted == (
        Need((TOKENS_MONTHLY, TOKENS), 3_000, True),
        Need(CNY_WALLET, pico("0.035"), True),
        Need(POOL_WALLET, pico("0.005"), True),
    )


def test_a_key_budget_is_held_in_its_own_currency_after_the_users_money() -> None:
    limited = quota_plan(
        UserQuota("alice", "CNY", frozenset(("CNY",)), group_ratio="2"), KeyBudget("key_1", "USD", Period.DAILY), TODAY
    )
    needs = needs_of(tariff(limited, None, rates=SEVEN), chat(1_000, 2_000))

    budget = BUDGET._replace(unit="USD", part="daily:2026-11-22")
    assert needs.wanted == (Need(CNY_WALLET, pico("0.07"), True), Need((budget,), pico("0.01"), True))


def test_a_caller_without_quota_holds_only_the_pool() -> None:
    assert needs_of(tariff(plan(), POOL), chat(1_000, 2_000)).wanted == (Need(POOL_WALLET, pico("0.005"), True),)
    assert needs_of(tariff(None, POOL), chat(1_000, 2_000)).wanted == (Need(POOL_WALLET, pico("0.005"), True),)


def test_a_provider_without_a_pool_is_not_limited() -> None:
    assert needs_of(tariff(plan()), chat(1_000, 2_000)).wanted == ()


def test_what_costs_nothing_needs_no_money() -> None:
    free = tariff(plan("CNY", "text_token"), POOL, sheet("0", "0"), SEVEN)

    assert needs_of(free, chat(10, 20)).wanted == (Need((TOKENS,), 30, True),)


def test_enforcement_off_is_told_to_the_users_accounts_and_not_to_the_pool() -> None:
    lenient = tariff(plan("CNY", is_enforced=False), POOL, rates=SEVEN)

    assert [need.is_enforced for need in needs_of(lenient, chat(10, 20)).wanted] == [False, True]


def test_what_earlier_attempts_cost_this_pool_is_held_as_well() -> None:
    needs = needs_of(tariff(None, POOL), chat(1_000, 2_000), spent=pico("0.0005"))

    assert needs.wanted == (Need(POOL_WALLET, pico("0.0055"), True),)


def test_a_bound_is_rounded_up_where_the_rate_has_no_end() -> None:
    thirds = ExchangeRates([ExchangeRate("CNY", "USD", Decimal(3))])

    needs = needs_of(tariff(plan("CNY"), None, rates=thirds), chat(1, 0))

    assert needs.wanted == (Need(CNY_WALLET, 333_334, True),)


def test_a_call_that_no_record_holds_is_refused() -> None:
    dear = tariff(None, POOL, sheet("9000000", "0"))

    assert needs_of(dear, chat(10**6, 0)).wanted[0].amount == pico("9000000")
    with pytest.raises(AmountTooLarge):
        needs_of(dear, chat(10**6 + 30_000, 0))


def test_an_image_call_holds_images_and_their_price() -> None:
    prices = sheet_of([row(Meter.IMAGE, "0.5", currency="CNY", per=1)])
    size = CallSize(UsageType.IMAGE_GENERATION, 100, 0, ((Meter.IMAGE, 3),))

    needs = needs_of(tariff(plan("image", "CNY"), None, prices), size)

    image = user_account("alice", "image")
    assert needs.wanted == (Need((image,), 3, True), Need(CNY_WALLET, pico("1.5"), True))
    result = charged(needs, Outcome.SUCCESS, used({Meter.IMAGE: 2}), pico("1"))
    assert result.charges == (Charge((image,), 2), Charge(CNY_WALLET, pico("1")))


def test_a_usage_that_does_not_say_how_much_counts_as_what_was_held() -> None:
    needs = needs_of(tariff(plan("audio_ms")), CallSize(UsageType.AUDIO_TTS, 0, 0, ((Meter.CHARACTER, 50),)))

    audio = (user_account("alice", "audio_ms"),)
    assert needs.wanted == (Need(audio, 10_000, True),)
    assert charged(needs, Outcome.SUCCESS, NO_USAGE, 0).charges == (Charge(audio, 10_000),)


# --- charges ---


def test_nobody_is_charged_for_a_caller_without_a_user() -> None:
    needs = needs_of(tariff(None, POOL), chat(10, 20))

    assert charged(needs, Outcome.SUCCESS, used({Meter.INPUT: 10}), 10) == Charged((Charge(POOL_WALLET, 10),), None, "")


def test_a_user_without_a_limit_is_charged_and_the_record_says_so() -> None:
    result = charged(needs_of(tariff(plan(ratio="2"), rates=SEVEN), chat(1, 2)), Outcome.SUCCESS, NO_USAGE, 10)

    assert result == Charged((), 140, "CNY")


def test_a_charge_is_rounded_once_half_to_even_from_the_cost() -> None:
    half = tariff(plan("USD", currency="USD", ratio="0.5"))

    charges = [charged(needs_of(half, chat(9, 9)), Outcome.SUCCESS, NO_USAGE, cost).user_charge for cost in (1, 2, 3)]

    assert charges == [0, 1, 2]


def test_a_charge_that_no_record_holds_is_refused() -> None:
    needs = needs_of(tariff(plan("CNY"), rates=SEVEN), chat(1, 1))

    with pytest.raises(AmountTooLarge):
        charged(needs, Outcome.SUCCESS, NO_USAGE, CELL_MAX)


def test_the_cost_of_an_attempt_goes_to_its_providers_pool_in_the_pools_currency() -> None:
    yuan_pool = pool_account("openai", "CNY")

    assert provider_charge(tariff(None, yuan_pool, rates=SEVEN), pico("0.5")) == Charge((yuan_pool,), pico("3.5"))
    assert provider_charge(tariff(None, yuan_pool, rates=SEVEN), 0) is None
    assert provider_charge(tariff(None), pico("0.5")) is None


def test_the_tariff_keeps_the_rates_it_used_for_the_record() -> None:
    mixed = tariff(plan("CNY"), pool_account("openai", "CNY"), rates=SEVEN)

    (conversion,) = mixed.conversions
    assert (conversion.base, conversion.quote, conversion.rate) == ("USD", "CNY", Decimal(7))
    assert tariff(plan("USD", currency="USD"), POOL).conversions == ()


# --- gaps ---

NO_PRICE_CNY = Gap(GapKind.UNPRICED, CNY_WALLET, "", True)
NO_RATE_CNY = Gap(GapKind.NO_RATE, CNY_WALLET, "USD>CNY", True)
NO_PRICE_POOL = Gap(GapKind.UNPRICED, POOL_WALLET, "", True)
NO_RATE_POOL = Gap(GapKind.NO_RATE, (pool_account("openai", "CNY"),), "USD>CNY", True)


def unpriced(*units: str, pool: AccountKey | None = None, is_enforced: bool = True) -> tuple[Gap, ...]:
    return tariff_of(plan(*units, is_enforced=is_enforced), pool, None, NO_RATES, NOW_MS).gaps


def test_a_price_that_is_not_there_is_a_gap_in_every_wallet_of_money() -> None:
    assert unpriced("CNY", pool=POOL) == (NO_PRICE_CNY, NO_PRICE_POOL)
    assert unpriced("text_token") == ()


def test_a_rate_that_is_not_there_is_a_gap_and_names_both_currencies() -> None:
    assert tariff(plan("CNY")).gaps == (NO_RATE_CNY,)
    assert tariff(None, pool_account("openai", "CNY")).gaps == (NO_RATE_POOL,)
    assert tariff(plan("USD", currency="USD"), POOL).gaps == ()


def test_a_gap_has_a_word_for_the_record() -> None:
    assert [gap.flag for gap in (NO_PRICE_CNY, NO_PRICE_POOL, NO_RATE_CNY)] == [
        "unpriced:user",
        "unpriced:pool",
        "no_rate:USD>CNY",
    ]


@pytest.mark.parametrize(
    ("gaps", "refuses_unpriced", "answer"),
    [
        ((), True, GapAnswer.GO_ON),
        ((NO_PRICE_CNY,), False, GapAnswer.PRICE_UNKNOWN),
        ((NO_RATE_CNY,), False, GapAnswer.RATE_UNKNOWN),
        ((NO_PRICE_CNY._replace(is_enforced=False),), True, GapAnswer.GO_ON),
        ((NO_RATE_CNY._replace(is_enforced=False),), True, GapAnswer.GO_ON),
        ((NO_PRICE_POOL,), False, GapAnswer.GO_ON),
        ((NO_PRICE_POOL,), True, GapAnswer.NEXT_CHANNEL),
        ((NO_RATE_POOL,), False, GapAnswer.NEXT_CHANNEL),
        ((NO_PRICE_POOL, NO_PRICE_CNY), True, GapAnswer.PRICE_UNKNOWN),
        ((NO_RATE_POOL, NO_RATE_CNY), True, GapAnswer.RATE_UNKNOWN),
    ],
)
def test_a_gap_is_answered_by_its_kind_and_the_users_side_decides_first(
    gaps: tuple[Gap, ...], refuses_unpriced: bool, answer: GapAnswer
) -> None:
    assert answer_to_gaps(gaps, refuses_unpriced) is answer


def test_behind_a_gap_nothing_is_held_nothing_is_charged_and_the_charge_is_not_known() -> None:
    gapped = tariff(plan("CNY", "text_token", is_enforced=False), POOL)

    needs = needs_of(gapped, chat(1_000, 2_000))
    assert needs.wanted == (Need((TOKENS,), 3_000, False), Need(POOL_WALLET, pico("0.005"), True))
    assert charged(needs, Outcome.SUCCESS, used({Meter.INPUT: 5}), 5) == Charged(
        (Charge((TOKENS,), 5), Charge(POOL_WALLET, 5)), None, "CNY"
    )
    assert charged(needs, Outcome.FAILED, NO_USAGE, 0).user_charge == 0


def test_a_tariff_of_another_day_has_other_wallets() -> None:
    quota = UserQuota("alice", "USD", monthly=frozenset(("USD",)))
    november, december = (
        needs_of(tariff(quota_plan(quota, None, day)), chat(1, 1)).wanted[0].wallet[0].part
        for day in (date(2026, 11, 30), date(2026, 12, 1))
    )

    assert (november, december) == ("monthly:2026-11", "monthly:2026-12")


# --- always: no bill within the bounds is above its need ---

prices = st.decimals(0, 100, places=7)
ratios = st.sampled_from(["1", "0", "0.37", "1.3", "2.000000000001"])
rates = st.decimals("0.0001", 100, places=6)


@st.composite
def priced_rows(draw: st.DrawFn) -> list[PriceVersion]:
    per = draw(st.sampled_from([1, 1_000, 1_000_000]))
    rows = [row(meter, str(draw(prices)), per=per) for meter in (Meter.INPUT, Meter.OUTPUT)]
    if draw(st.booleans()):
        rows.append(row(Meter.CACHED_INPUT, str(draw(prices)), per=per))
    if draw(st.booleans()):
        rows.append(row(Meter.REASONING, str(draw(prices)), per=per))
    if draw(st.booleans()):
        over = draw(st.integers(1, 2_000))
        rows += [replace(each, id="", price=each.price * 3, context_over=over) for each in rows]
    if draw(st.booleans()):
        rows += [replace(each, id="", price=each.price * 2, service_tier="priority") for each in rows]
    if draw(st.booleans()):
        rows = [replace(each, minimum_charge=Decimal("0.01")) for each in rows]
    return [replace(each, id=f"v{place}") for place, each in enumerate(rows)]


@given(st.data())
def test_no_bill_within_the_bounds_is_above_its_need(data: st.DataObject) -> None:
    rows = data.draw(priced_rows())
    prices_of_call = sheet_of(rows)
    ratio, rate = data.draw(ratios), data.draw(rates)
    size = chat(data.draw(st.integers(0, 3_000)), data.draw(st.integers(0, 3_000)))
    inputs = data.draw(st.integers(0, size.input_tokens))
    cached = data.draw(st.integers(0, size.input_tokens - inputs))
    outputs = data.draw(st.integers(0, size.output_tokens))
    reasoned = data.draw(st.integers(0, size.output_tokens - outputs))
    quantities = {Meter.INPUT: inputs, Meter.CACHED_INPUT: cached, Meter.OUTPUT: outputs, Meter.REASONING: reasoned}
    usage = used(quantities, tier=data.draw(st.sampled_from([None, "priority"])))
    limited = quota_plan(
        UserQuota("alice", "CNY", frozenset(("CNY", "text_token")), group_ratio=ratio), KeyBudget("k", "USD"), TODAY
    )
    pool = pool_account("p", data.draw(st.sampled_from(["USD", "CNY"])))
    priced = tariff(limited, pool, prices_of_call, ExchangeRates([ExchangeRate("USD", "CNY", rate)]))

    needs = needs_of(priced, size)
    cost = price_usage(prices_of_call, usage).total_cost
    result = charged(needs, Outcome.SUCCESS, usage, cost)

    held = {need.wallet: need.amount for need in needs.wanted}
    assert all(charge.amount <= held.get(charge.wallet, 0) for charge in result.charges)
    # and the charges are right, by fractions and a search over the rows
    exact_cost = sum(amount or 0 for amount in line_amounts(rows, usage).values())
    assert cost == exact_cost
    right = {
        (user_account("alice", "text_token"),): sum(quantities.values()),
        CNY_WALLET: round(exact_cost * Fraction(ratio) * Fraction(rate)),
        (AccountKey(BUDGET.kind, "k", "USD", "permanent"),): round(exact_cost * Fraction(ratio)),
        (pool,): round(exact_cost * (Fraction(rate) if pool.unit == "CNY" else 1)),
    }
    assert dict(result.charges) == {wallet: amount for wallet, amount in right.items() if amount}
    assert result.user_charge == right[CNY_WALLET]


@given(st.decimals(0, 4_000, places=4), st.decimals(0, 4_000, places=4))
def test_no_sound_within_what_was_asked_for_is_above_its_need(asked: Decimal, less: Decimal) -> None:
    minute = sheet_of([row(Meter.MINUTE, "0.1", per=1, round_up_to=Decimal(1), currency="CNY")])
    needs = needs_of(
        tariff(plan("audio_ms", "CNY"), None, minute), CallSize(UsageType.AUDIO_STT, 0, 0, ((Meter.SECOND, asked),))
    )
    usage = used({Meter.SECOND: max(asked - less, Decimal(0))})

    result = charged(needs, Outcome.SUCCESS, usage, price_usage(minute, usage).total_cost)

    held = {need.wallet: need.amount for need in needs.wanted}
    assert all(charge.amount <= held[charge.wallet] for charge in result.charges)
    spent_ms = ceil(Fraction(max(asked - less, Decimal(0))) * 1_000)
    assert dict(result.charges).get((user_account("alice", QuotaUnit.AUDIO_MS.value),), 0) == spent_ms
