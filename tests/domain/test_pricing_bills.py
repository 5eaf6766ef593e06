"""Bills: exact lines, documented fallbacks, and unpriced as a state."""

from decimal import Decimal

import pytest

from smart_ai_router.domain.meters import NO_USAGE, Meter, Usage, UsageSource
from smart_ai_router.domain.money import AmountTooLarge, pico_to_decimal
from smart_ai_router.domain.pricing import (
    UNPRICED,
    Bill,
    amount_of,
    price_usage,
    unpriced_bill,
    upper_estimate,
)
from tests.domain.pricing_samples import row, sheet_of, used

INPUT_OUTPUT = (row(Meter.INPUT, "2.5"), row(Meter.OUTPUT, "10"))


def money(bill: Bill) -> tuple[Decimal, Decimal, Decimal]:
    return pico_to_decimal(bill.input_cost), pico_to_decimal(bill.output_cost), pico_to_decimal(bill.total_cost)


# --- golden values ---


def test_m1_17_m1_18_the_guides_sample_costs_exactly_0_000075_and_0_0003() -> None:
    sheet = sheet_of([row(Meter.INPUT, "0.50"), row(Meter.OUTPUT, "1.00")])

    bill = price_usage(sheet, used({Meter.INPUT: 150, Meter.OUTPUT: 300}))

    assert money(bill) == (Decimal("0.000075"), Decimal("0.0003"), Decimal("0.000375"))
    assert bill.currency == "USD"
    assert bill.basis == "book"
    assert bill.flags == ()


def test_gpt_4o_mini_costs_0_0002025_for_150_and_300_tokens() -> None:
    bill = price_usage(
        sheet_of([row(Meter.INPUT, "0.15"), row(Meter.OUTPUT, "0.60")]), used({Meter.INPUT: 150, Meter.OUTPUT: 300})
    )
    assert money(bill) == (Decimal("0.0000225"), Decimal("0.00018"), Decimal("0.0002025"))


def test_cached_tokens_of_gpt_4o_cost_half() -> None:
    sheet = sheet_of([*INPUT_OUTPUT, row(Meter.CACHED_INPUT, "1.25")])
    bill = price_usage(sheet, used({Meter.INPUT: 400, Meter.CACHED_INPUT: 600}))
    assert money(bill)[2] == Decimal("0.00175")
    assert [line.meter for line in bill.lines] == [Meter.INPUT, Meter.CACHED_INPUT]


@pytest.mark.parametrize(
    ("tokens", "cost"), [(199_999, "0.24999875"), (200_000, "0.25"), (200_001, "0.5000025"), (0, "0")]
)
def test_a_context_tier_is_a_cliff_on_all_input_tokens(tokens: int, cost: str) -> None:
    sheet = sheet_of([row(Meter.INPUT, "1.25"), row(Meter.INPUT, "2.50", context_over=200_000)])
    assert money(price_usage(sheet, used({Meter.INPUT: tokens})))[2] == Decimal(cost)


def test_cached_and_written_tokens_count_towards_the_context_tier() -> None:
    sheet = sheet_of([*INPUT_OUTPUT, row(Meter.OUTPUT, "20", context_over=100)])
    below = used({Meter.INPUT: 50, Meter.CACHED_INPUT: 30, Meter.CACHE_WRITE_5M: 20, Meter.OUTPUT: 1000})
    above = used({Meter.INPUT: 50, Meter.CACHED_INPUT: 30, Meter.CACHE_WRITE_5M: 21, Meter.OUTPUT: 1000})
    assert money(price_usage(sheet, below))[1] == Decimal("0.01")
    assert money(price_usage(sheet, above))[1] == Decimal("0.02")


def test_the_second_guides_golden_values() -> None:
    per_thousand = sheet_of([row(Meter.INPUT, "0.002", per=1000), row(Meter.OUTPUT, "0.008", per=1000)])
    assert money(price_usage(per_thousand, used({Meter.INPUT: 1000, Meter.OUTPUT: 2000})))[2] == Decimal("0.018")

    images = sheet_of([row(Meter.IMAGE, "0.5", per=1)])
    assert money(price_usage(images, used({Meter.IMAGE: 3}))) == (Decimal(0), Decimal("1.5"), Decimal("1.5"))

    video = sheet_of([row(Meter.SECOND, "0.02", per=1)])
    assert money(price_usage(video, used({Meter.SECOND: 30})))[2] == Decimal("0.6")


@pytest.mark.parametrize(
    ("seconds", "cost"),
    [("0.1", "0.1"), ("59.99", "0.1"), ("60", "0.1"), ("60.001", "0.2"), ("90", "0.2"), ("120", "0.2"), ("121", "0.3")],
)
def test_whole_minutes_are_billed_for_seconds(seconds: str, cost: str) -> None:
    sheet = sheet_of([row(Meter.MINUTE, "0.1", per=1, round_up_to=Decimal(1))])
    bill = price_usage(sheet, used({Meter.SECOND: Decimal(seconds)}))
    assert money(bill)[2] == Decimal(cost)
    assert bill.lines[0].quantity == Decimal(seconds)  # what was used, not what was billed


def test_minutes_without_rounding_are_billed_to_the_second() -> None:
    sheet = sheet_of([row(Meter.MINUTE, "0.006", per=1)])
    assert money(price_usage(sheet, used({Meter.SECOND: 90})))[2] == Decimal("0.009")
    assert money(price_usage(sheet, used({Meter.MINUTE: Decimal("1.5")})))[2] == Decimal("0.009")


def test_speech_is_billed_by_ten_thousand_characters() -> None:
    sheet = sheet_of([row(Meter.CHARACTER, "2", per=10_000)])
    assert money(price_usage(sheet, used({Meter.CHARACTER: 123})))[2] == Decimal("0.0246")


@pytest.mark.parametrize(
    ("tokens", "cost"), [(0, "0"), (1, "0.002"), (999, "0.002"), (1000, "0.002"), (1001, "0.002002")]
)
def test_a_minimum_of_one_thousand_tokens_is_charged_per_side(tokens: int, cost: str) -> None:
    sheet = sheet_of([row(Meter.INPUT, "0.002", per=1000, minimum_charge=Decimal("0.002"))])
    assert money(price_usage(sheet, used({Meter.INPUT: tokens})))[2] == Decimal(cost)


def test_a_million_calls_of_one_token_at_the_finest_price_lose_nothing() -> None:
    sheet = sheet_of([row(Meter.INPUT, "0.075")])
    one = price_usage(sheet, used({Meter.INPUT: 1})).total_cost
    assert pico_to_decimal(one) == Decimal("0.000000075")
    assert pico_to_decimal(sum(one for _ in range(10**6))) == Decimal("0.075")


def test_seven_tokens_a_hundred_thousand_times_cost_what_they_cost() -> None:
    sheet = sheet_of([row(Meter.INPUT, "0.0008", per=1000, currency="CNY")])
    bill = price_usage(sheet, used({Meter.INPUT: 7}))
    assert pico_to_decimal(bill.total_cost * 100_000) == Decimal("0.56")
    assert bill.currency == "CNY"


def test_each_line_is_rounded_once_half_to_even() -> None:
    # 0.0000005 and 0.0000015 per million: half a pico, and one and a half, a token.
    sheet = sheet_of([row(Meter.INPUT, "0.0000005"), row(Meter.OUTPUT, "0.0000015")])
    bill = price_usage(sheet, used({Meter.INPUT: 1, Meter.OUTPUT: 1}))
    assert [line.amount for line in bill.lines] == [0, 2]
    assert bill.total_cost == 2
    assert price_usage(sheet, used({Meter.INPUT: 3, Meter.OUTPUT: 3})).total_cost == 2 + 4


# --- meters without a price of their own ---


def test_classes_of_a_token_borrow_the_price_of_the_plain_one() -> None:
    sheet = sheet_of(INPUT_OUTPUT)
    bill = price_usage(
        sheet,
        used(
            {
                Meter.CACHED_INPUT: 1,
                Meter.CACHE_WRITE_5M: 1,
                Meter.CACHE_WRITE_1H: 1,
                Meter.IMAGE_INPUT: 1,
                Meter.REASONING: 1,
            }
        ),
    )
    assert [line.amount for line in bill.lines] == [2_500_000] * 4 + [10_000_000]
    assert {line.price_version for line in bill.lines} == {"p/m/input_token", "p/m/output_token"}
    assert bill.input_cost == 10_000_000


def test_a_one_hour_write_borrows_the_five_minute_price_first() -> None:
    sheet = sheet_of([*INPUT_OUTPUT, row(Meter.CACHE_WRITE_5M, "3.125")])
    assert price_usage(sheet, used({Meter.CACHE_WRITE_1H: 2})).total_cost == 6_250_000


@pytest.mark.parametrize("meter", [Meter.AUDIO_INPUT, Meter.AUDIO_OUTPUT, Meter.IMAGE_OUTPUT, Meter.SEARCH_CALL])
def test_what_has_no_price_makes_the_bill_unpriced_and_says_so(meter: Meter) -> None:
    bill = price_usage(sheet_of(INPUT_OUTPUT), used({Meter.INPUT: 1000, meter: 7}))
    assert bill.basis == UNPRICED
    assert bill.flags == (f"unpriced:{meter.value}",)
    assert money(bill)[2] == Decimal("0.0025")  # what is known is owed
    assert (bill.lines[-1].meter, bill.lines[-1].quantity) == (meter, 7)
    assert (bill.lines[-1].price_version, bill.lines[-1].amount) == ("", 0)


def test_audio_tokens_cost_their_own_price() -> None:
    sheet = sheet_of([*INPUT_OUTPUT, row(Meter.AUDIO_INPUT, "40"), row(Meter.AUDIO_OUTPUT, "80")])
    bill = price_usage(
        sheet,
        used({Meter.INPUT: 1000, Meter.AUDIO_INPUT: 1000, Meter.OUTPUT: 300, Meter.AUDIO_OUTPUT: 250}),
    )
    assert money(bill) == (Decimal("0.0425"), Decimal("0.023"), Decimal("0.0655"))
    assert bill.basis == "book"


def test_an_explicit_price_of_nothing_is_a_price() -> None:
    bill = price_usage(sheet_of([row(Meter.INPUT, "0"), row(Meter.OUTPUT, "0")]), used({Meter.INPUT: 5}))
    assert (bill.basis, bill.total_cost, bill.flags) == ("book", 0, ())
    assert bill.lines[0].price_version == "p/m/input_token"


def test_a_model_without_any_price_keeps_its_quantities() -> None:
    bill = unpriced_bill(used({Meter.INPUT: 5, Meter.OUTPUT: 0, Meter.REASONING: 2}), "USD")
    assert (bill.basis, bill.total_cost) == (UNPRICED, 0)
    assert [(line.meter, line.quantity) for line in bill.lines] == [(Meter.INPUT, 5), (Meter.REASONING, 2)]
    assert bill.flags == ("unpriced:input_token", "unpriced:reasoning_token")


def test_a_call_that_used_nothing_costs_nothing() -> None:
    assert price_usage(sheet_of([row(Meter.REQUEST, "1", per=1)]), NO_USAGE).lines == ()
    assert unpriced_bill(NO_USAGE, "USD").basis == "none"


def test_an_image_count_beside_billed_tokens_is_a_count() -> None:
    sheet = sheet_of([row(Meter.INPUT, "5"), row(Meter.OUTPUT, "40"), row(Meter.IMAGE_OUTPUT, "40")])
    bill = price_usage(sheet, used({Meter.INPUT: 100, Meter.IMAGE_OUTPUT: 1000, Meter.IMAGE: 1}))
    assert (bill.basis, len(bill.lines)) == ("book", 2)


def test_tokens_beside_billed_images_are_a_count() -> None:
    sheet = sheet_of([row(Meter.IMAGE, "0.04", per=1)])
    bill = price_usage(sheet, used({Meter.INPUT: 100, Meter.IMAGE: 2}))
    assert (bill.basis, money(bill)[2]) == ("book", Decimal("0.08"))


def test_a_count_alone_under_a_token_price_is_unpriced() -> None:
    bill = price_usage(sheet_of(INPUT_OUTPUT), used({Meter.CHARACTER: 100}))
    assert bill.flags == ("unpriced:character",)


def test_a_price_per_request_is_charged_once_whatever_was_used() -> None:
    sheet = sheet_of([row(Meter.REQUEST, "0.01", per=1)])
    bill = price_usage(sheet, used({Meter.INPUT: 100, Meter.OUTPUT: 9, Meter.REQUEST: 1}))
    assert (bill.basis, money(bill)) == ("book", (Decimal(0), Decimal("0.01"), Decimal("0.01")))
    with_tokens = sheet_of([*INPUT_OUTPUT, row(Meter.REQUEST, "5", per=1000)])
    assert money(price_usage(with_tokens, used({Meter.INPUT: 1000})))[2] == Decimal("0.0075")


def test_searches_are_billed_by_the_thousand() -> None:
    sheet = sheet_of([*INPUT_OUTPUT, row(Meter.SEARCH_CALL, "10", per=1000)])
    assert money(price_usage(sheet, used({Meter.SEARCH_CALL: 3})))[1] == Decimal("0.03")


# --- tiers, bands, variants ---


def test_the_served_tier_is_billed() -> None:
    sheet = sheet_of([*INPUT_OUTPUT, row(Meter.INPUT, "1.25", service_tier="flex")])
    quantities = {Meter.INPUT: 1000, Meter.OUTPUT: 100}
    assert money(price_usage(sheet, used(quantities)))[2] == Decimal("0.0035")
    flex = price_usage(sheet, used(quantities, tier="flex"))
    assert money(flex)[2] == Decimal("0.00225")  # output has no flex row and keeps its standard price
    assert flex.flags == ()


@pytest.mark.parametrize("name", [None, "", "default", "auto", "standard", "on_demand"])
def test_every_name_of_the_standard_tier_is_standard(name: str | None) -> None:
    assert price_usage(sheet_of(INPUT_OUTPUT), used({Meter.INPUT: 1}, tier=name)).flags == ()


def test_a_tier_without_prices_is_billed_as_standard_and_flagged() -> None:
    bill = price_usage(sheet_of(INPUT_OUTPUT), used({Meter.INPUT: 1000}, tier="scale"))
    assert (money(bill)[2], bill.flags) == (Decimal("0.0025"), ("service_tier_unpriced:scale",))


def test_the_new_name_of_the_priority_tier_means_the_same() -> None:
    sheet = sheet_of([*INPUT_OUTPUT, row(Meter.INPUT, "5", service_tier="priority")])
    assert money(price_usage(sheet, used({Meter.INPUT: 1000}, tier="fast")))[2] == Decimal("0.005")


def test_a_long_answer_may_cost_more_per_token() -> None:
    # Zhipu's tiers: below 200 output tokens, from 200 on, and from 32,000 input tokens on.
    sheet = sheet_of(
        [
            row(Meter.INPUT, "2"),
            row(Meter.OUTPUT, "8"),
            row(Meter.INPUT, "3", output_over=199),
            row(Meter.OUTPUT, "14", output_over=199),
            row(Meter.INPUT, "4", context_over=31_999),
            row(Meter.OUTPUT, "16", context_over=31_999),
        ]
    )
    cases = (
        (1000, 199, "0.003592"),
        (1000, 200, "0.0058"),
        (31_999, 199, "0.06559"),
        (32_000, 199, "0.131184"),
        (32_000, 200, "0.1312"),
    )
    for tokens, output, cost in cases:
        bill = price_usage(sheet, used({Meter.INPUT: tokens, Meter.OUTPUT: output}))
        assert money(bill)[2] == Decimal(cost), (tokens, output)


def test_thinking_makes_the_whole_answer_dearer() -> None:
    sheet = sheet_of([row(Meter.INPUT, "0.8"), row(Meter.OUTPUT, "2"), row(Meter.OUTPUT, "8", with_reasoning=True)])
    assert money(price_usage(sheet, used({Meter.OUTPUT: 1000})))[2] == Decimal("0.002")
    assert money(price_usage(sheet, used({Meter.OUTPUT: 400, Meter.REASONING: 600})))[2] == Decimal("0.008")
    assert money(price_usage(sheet, used({Meter.OUTPUT: 1000, Meter.REASONING: 0})))[2] == Decimal("0.002")


def test_a_variant_has_its_own_price_and_others_the_plain_one() -> None:
    sheet = sheet_of([row(Meter.IMAGE, "0.04", per=1), row(Meter.IMAGE, "0.08", per=1, variant="hd")])
    assert money(price_usage(sheet, used({Meter.IMAGE: 1})))[2] == Decimal("0.04")
    assert money(price_usage(sheet, used({Meter.IMAGE: 1}, variant="hd")))[2] == Decimal("0.08")
    unknown = price_usage(sheet, used({Meter.IMAGE: 1}, variant="8k"))
    assert (money(unknown)[2], unknown.flags) == (Decimal("0.04"), ("variant_unpriced:8k",))


# --- limits ---


def test_a_bill_that_no_record_can_hold_is_refused() -> None:
    sheet = sheet_of([row(Meter.INPUT, "1", per=1)])
    assert price_usage(sheet, used({Meter.INPUT: 9_223_372})).total_cost == 9_223_372 * 10**12
    with pytest.raises(AmountTooLarge):
        price_usage(sheet, used({Meter.INPUT: 9_223_373}))
    with pytest.raises(AmountTooLarge):
        upper_estimate(sheet, 9_223_373, 0)


@pytest.mark.parametrize("quantity", [-1, Decimal(-1), Decimal("NaN"), Decimal("Infinity"), Decimal("1E+30")])
def test_what_is_no_quantity_is_refused(quantity: int | Decimal) -> None:
    with pytest.raises(ValueError, match="quantity"):
        price_usage(sheet_of(INPUT_OUTPUT), used({Meter.INPUT: quantity}))
    with pytest.raises(ValueError, match="quantity"):
        price_usage(sheet_of(INPUT_OUTPUT), used({Meter.AUDIO_INPUT: quantity}))


def test_a_stored_line_is_computed_again_from_its_row() -> None:
    minute = row(Meter.MINUTE, "0.1", per=1, round_up_to=Decimal(1))
    bill = price_usage(sheet_of([minute]), used({Meter.SECOND: 61}))
    line = bill.lines[0]
    assert amount_of(minute, line.meter, line.quantity) == line.amount == 200_000_000_000
    borrowed = price_usage(sheet_of(INPUT_OUTPUT), used({Meter.REASONING: 3})).lines[0]
    assert amount_of(INPUT_OUTPUT[1], borrowed.meter, borrowed.quantity) == borrowed.amount


# --- upper estimates ---


def test_an_upper_estimate_takes_the_dearest_tier_unless_one_is_named() -> None:
    sheet = sheet_of([*INPUT_OUTPUT, row(Meter.INPUT, "5", service_tier="priority")])
    assert pico_to_decimal(upper_estimate(sheet, 1000, 100)) == Decimal("0.006")
    assert pico_to_decimal(upper_estimate(sheet, 1000, 100, service_tier="standard")) == Decimal("0.0035")
    assert pico_to_decimal(upper_estimate(sheet, 1000, 100, service_tier="priority")) == Decimal("0.006")


def test_an_upper_estimate_stays_below_a_cliff_that_cannot_be_reached() -> None:
    sheet = sheet_of([*INPUT_OUTPUT, row(Meter.INPUT, "100", context_over=1000)])
    assert pico_to_decimal(upper_estimate(sheet, 1000, 0)) == Decimal("0.0025")
    assert pico_to_decimal(upper_estimate(sheet, 1001, 0)) == Decimal("0.1001")


def test_an_upper_estimate_of_a_free_model_is_nothing() -> None:
    assert upper_estimate(sheet_of([row(Meter.INPUT, "0"), row(Meter.OUTPUT, "0")]), 10**6, 10**6) == 0


def test_an_upper_estimate_counts_images_and_requests() -> None:
    sheet = sheet_of([row(Meter.IMAGE, "0.04", per=1), row(Meter.REQUEST, "0.01", per=1)])
    assert pico_to_decimal(upper_estimate(sheet, 100, 100, ((Meter.IMAGE, 2),))) == Decimal("0.09")


def test_a_usage_of_the_router_itself_is_priced_like_any_other() -> None:
    estimated = Usage(((Meter.INPUT, 1000),), UsageSource.ESTIMATED)
    assert money(price_usage(sheet_of(INPUT_OUTPUT), estimated))[2] == Decimal("0.0025")
