"""The decision tables of the ledger, row for row, from the hold to the entries."""

import pytest

from smart_ai_router.domain.accounts import AccountKey, pool_account, user_account
from smart_ai_router.domain.charges import Need, charged, needs_of, tariff_of
from smart_ai_router.domain.exchange import NO_RATES
from smart_ai_router.domain.holds import Overshoot, Shortage
from smart_ai_router.domain.meters import Meter
from smart_ai_router.domain.pricing import PriceVersion, price_usage
from smart_ai_router.domain.settlement import Outcome
from tests.domain.ledger_decisions import (
    EIGHT,
    REPORTED,
    RICH,
    YUAN_PRICES,
    Attempt,
    Paid,
    carried_out,
    cost_of,
    dashscope,
    decided,
    failed_over,
    figures,
    openai,
)
from tests.domain.ledger_samples import CNY, NOW_MS, POOL, SEVEN, TOKENS, chat, granted, pico, plan, sheet, tariff
from tests.domain.pricing_samples import row, sheet_of, used

ROWS = [
    ("answered, count sent", "0.0175", "0.0025 USD"),
    ("answered, count not sent", "0.0154", "0.0022 USD"),
    ("cut after bytes, count sent", "0.0175", "0.0025 USD"),
    ("cut after bytes, count not sent", "0.0154", "0.0022 USD"),
    ("client left, drained to the count", "0.0175", "0.0025 USD"),
    ("client left, cancelled", "0.0154", "0.0022 USD"),
    ("failed, count sent", "0", "0.0005 USD"),
    ("failed, count not sent", "0", "0 USD"),
    ("killed in flight", "0", "0.0022 USD"),
    ("refused", "0", "0 USD"),
    ("actual above the hold", "0.049", "0.007 USD"),
    ("actual above the hold and above the balance", "0.049", "0.007 USD"),
    ("failover, other provider", "0.0175", "0.002 CNY, 0.0025 USD"),
    ("failover, same provider", "0.0175", "0.003 USD"),
]


@pytest.mark.parametrize(("case", "user", "pools"), ROWS)
def test_each_row_of_who_pays_what_is_carried_out_as_it_says(case: str, user: str, pools: str) -> None:
    assert figures()[case] == Paid(user, tuple(pools.split(", ")))


def test_every_case_has_a_row() -> None:
    assert [row[0] for row in ROWS] == list(figures())


# --- actual above the hold ---

DEARER = used({Meter.INPUT: 1_000, Meter.OUTPUT: 3_000})


def test_what_a_call_costs_beyond_its_hold_is_taken_from_what_is_free() -> None:
    _, settled = carried_out(Attempt(openai(), DEARER))

    assert [posting.amount == posting.leased for posting in settled.postings] == [True, True]
    assert settled.overshoots == (
        Overshoot(CNY, pico("0.035"), pico("0.049"), 0),
        Overshoot(POOL, pico("0.005"), pico("0.007"), 0),
    )


def test_what_no_lease_covers_takes_the_balance_below_zero_by_exactly_that() -> None:
    _, settled = carried_out(Attempt(openai(), DEARER), money={CNY: pico("0.04"), POOL: pico("0.006")})

    assert [(posting.amount, posting.leased) for posting in settled.postings] == [
        (pico("0.049"), pico("0.04")),
        (pico("0.007"), pico("0.006")),
    ]
    assert [overshoot.beyond_lease for overshoot in settled.overshoots] == [pico("0.009"), pico("0.001")]


def test_a_call_at_exactly_its_hold_is_no_overshoot() -> None:
    _, settled = carried_out(Attempt(openai(), used({Meter.INPUT: 1_000, Meter.OUTPUT: 2_000})))

    assert settled.overshoots == ()
    assert [posting.amount for posting in settled.postings] == [pico("0.035"), pico("0.005")]


# --- prices and rates that change in flight ---


def test_a_price_that_changes_in_flight_changes_nothing_for_the_call() -> None:
    needs = needs_of(openai(), chat(1_000, 2_000))
    doubled = openai(sheet("2", "4"))

    old = needs.tariff.sheet
    assert old is not None
    assert doubled.sheet is not None
    assert price_usage(doubled.sheet, REPORTED).total_cost == pico("0.005")
    assert price_usage(old, REPORTED).total_cost == pico("0.0025")
    assert charged(needs, Outcome.SUCCESS, REPORTED, pico("0.0025")).user_charge == pico("0.0175")


def test_a_rate_that_changes_in_flight_changes_nothing_for_the_call() -> None:
    needs = needs_of(openai(), chat(1_000, 2_000))
    later = needs_of(openai(rates=EIGHT), chat(1_000, 2_000))

    assert [charged(each, Outcome.SUCCESS, REPORTED, pico("0.0025")).user_charge for each in (needs, later)] == [
        pico("0.0175"),
        pico("0.02"),
    ]


# --- failover ---


def test_the_user_pays_the_price_of_the_channel_that_answered() -> None:
    answered_by_yuan = carried_out(Attempt(openai(), used({}), Outcome.FAILED), Attempt(dashscope(), REPORTED))[0]

    assert answered_by_yuan == Paid("0.01", ("0 USD", "0.01 CNY"))


def test_the_hold_is_raised_where_the_next_channel_is_dearer_and_kept_where_it_is_cheaper() -> None:
    book = granted(RICH)
    hold = book.reserve(needs_of(dashscope(), chat(1_000, 2_000)).wanted, 1.0)
    assert not isinstance(hold, Shortage)
    assert hold.held_of((CNY,)) == pico("0.02")

    assert book.raise_to(hold, needs_of(openai(), chat(1_000, 2_000)).wanted, 1.0) is None
    assert hold.held_of((CNY,)) == pico("0.035")
    assert book.raise_to(hold, needs_of(dashscope(), chat(1_000, 2_000)).wanted, 1.0) is None
    assert hold.held_of((CNY,)) == pico("0.035")


def test_every_attempt_failed_and_the_user_pays_nothing() -> None:
    prompt = used({Meter.INPUT: 500})

    assert carried_out(Attempt(dashscope(), prompt, Outcome.FAILED), Attempt(openai(), prompt, Outcome.FAILED))[
        0
    ] == Paid("0", ("0.002 CNY", "0.0005 USD"))
    assert failed_over(dashscope()).user == "0.0175"


# --- before any upstream is asked ---

YUAN_POOL_OF_OPENAI = pool_account("openai", "CNY")
UNPRICED = tariff_of(plan("CNY"), POOL, None, SEVEN, NOW_MS)
ONLY_TOKENS = tariff_of(plan("text_token"), POOL, None, SEVEN, NOW_MS)
NO_RATE = tariff(plan("CNY"), POOL)
NO_RATE_LENIENT = tariff(plan("CNY", is_enforced=False), POOL)
NO_RATE_POOL = tariff(plan(), YUAN_POOL_OF_OPENAI)
LENIENT = tariff(plan("CNY", is_enforced=False), POOL, rates=SEVEN)


@pytest.mark.parametrize(
    ("money", "decision"),
    [
        ({CNY: pico("0.035"), POOL: pico("0.005")}, "go_on"),
        ({CNY: pico("0.035") - 1, POOL: pico("0.005")}, "quota_short"),
        ({CNY: pico("0.035"), POOL: pico("0.005") - 1}, "next_channel"),
        ({CNY: pico("0.035") - 1, POOL: pico("0.005") - 1}, "quota_short"),
        ({CNY: 0, POOL: 0}, "quota_short"),
    ],
)
def test_m2_59_pool_and_quota_short_to_the_last_pico(money: dict[AccountKey, int], decision: str) -> None:
    assert decided(openai(), money) == decision


def test_a_quota_of_money_and_one_of_tokens_are_both_needed() -> None:
    both = tariff(plan("CNY", "text_token"), None, rates=SEVEN)

    assert decided(both, {TOKENS: 3_000, CNY: pico("0.035")}) == "go_on"
    assert decided(both, {TOKENS: 2_999, CNY: pico("0.035")}) == "quota_short"
    assert decided(both, {TOKENS: 3_000, CNY: pico("0.034")}) == "quota_short"


def test_a_user_without_quota_in_this_unit_is_refused() -> None:
    assert decided(tariff(plan("image")), {}) == "quota_short"


def test_n_06_while_enforcement_is_off_an_empty_quota_refuses_nobody_and_a_pool_still_does() -> None:
    assert decided(LENIENT, {CNY: 0, POOL: pico("0.005")}) == "go_on"
    assert decided(LENIENT, {CNY: 0, POOL: pico("0.004")}) == "next_channel"


def test_without_a_price_money_that_is_limited_is_not_spent() -> None:
    assert decided(UNPRICED, RICH, refuses_unpriced=False) == "price_unknown"
    assert decided(ONLY_TOKENS, {TOKENS: 3_000}, refuses_unpriced=True) == "next_channel"
    assert decided(ONLY_TOKENS, {TOKENS: 3_000}, refuses_unpriced=False) == "go_on"


def test_without_a_rate_no_currency_is_made_into_another() -> None:
    assert decided(NO_RATE, RICH) == "rate_unknown"
    assert decided(NO_RATE_LENIENT, RICH) == "go_on"
    assert decided(NO_RATE_POOL, {YUAN_POOL_OF_OPENAI: pico("100")}) == "next_channel"


def test_a_call_that_was_served_without_a_rate_takes_what_is_known() -> None:
    paid, _ = carried_out(Attempt(NO_RATE_LENIENT, REPORTED))

    assert paid == Paid("0", ("0.0025 USD",))
    assert [gap.flag for gap in NO_RATE_LENIENT.gaps] == ["no_rate:USD>CNY"]


def test_a_price_in_the_users_currency_needs_no_rate() -> None:
    assert decided(tariff(plan("CNY"), None, YUAN_PRICES, NO_RATES), {CNY: pico("0.02")}) == "go_on"
    assert dashscope().conversions == ()


# --- the guide's golden values ---

CALCULATED = [
    ([row(Meter.INPUT, "0.002", currency="CNY", per=1_000), row(Meter.OUTPUT, "0.008", currency="CNY", per=1_000)],
     {Meter.INPUT: 1_000, Meter.OUTPUT: 2_000}, "0.018"),
    ([row(Meter.IMAGE, "0.5", currency="CNY", per=1)], {Meter.IMAGE: 3}, "1.5"),
    ([row(Meter.MINUTE, "0.1", currency="CNY", per=1, round_up_to=1)], {Meter.SECOND: 90}, "0.2"),
    ([row(Meter.MINUTE, "0.1", currency="CNY", per=1, round_up_to=1)], {Meter.SECOND: 120}, "0.2"),
    ([row(Meter.SECOND, "0.02", currency="CNY", per=1)], {Meter.SECOND: 30}, "0.6"),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "quantities", "charge"), CALCULATED)
def test_the_guides_calls_are_charged_what_the_guide_says(
    rows: list[PriceVersion], quantities: dict[Meter, int], charge: str
) -> None:
    priced = tariff(plan("CNY"), None, sheet_of(rows))
    attempt = Attempt(priced, used(quantities))

    result = charged(needs_of(priced, chat(1_000, 2_000)), Outcome.SUCCESS, attempt.usage, cost_of(attempt))

    assert dict(result.charges) == {(CNY,): pico(charge)}


def test_a_hundred_thousand_small_calls_are_charged_to_the_last_digit() -> None:
    tiny = tariff(plan("CNY"), None, sheet_of([row(Meter.INPUT, "0.0008", currency="CNY", per=1_000)]))
    needs = needs_of(tiny, chat(7, 0))
    assert needs.wanted == (Need((user_account("alice", "CNY"),), pico("0.0000056"), True),)

    one_call = charged(needs, Outcome.SUCCESS, used({Meter.INPUT: 7}), pico("0.0000056")).user_charge

    assert one_call is not None
    assert one_call * 100_000 == pico("0.56")
