"""What a new price would come to."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from smart_ai_router.core.billing.currency import Days
from smart_ai_router.core.billing.price_messages import NewPricing, PricePreview
from smart_ai_router.core.billing.price_preview import preview_price
from smart_ai_router.core.billing.price_setting import wanted_prices
from smart_ai_router.core.price_setting import PriceRefused
from smart_ai_router.core.usage_record import BillLine, UsageRecord
from smart_ai_router.domain.exchange import ExchangeRate
from smart_ai_router.domain.meters import Meter
from tests.core.billing.billing_samples import USD_RATE, a_channel, record, view_over
from tests.core.billing.price_samples import BOOK, Shop
from tests.domain.pricing_samples import row

DAYS = Days(date(2026, 1, 1), date(2026, 1, 31))


def call(number: int, **given: object) -> UsageRecord:
    """100 tokens in (40 of them cached) and 50 out, at the book's prices."""
    common = {"model": "m", "provider": "p", "channel_id": "ch_p", "cached_tokens": 40}
    costs = {"input_cost": "0.00004", "output_cost": "0.00005"}  # 60 x 0.5 + 40 x 0.25, 50 x 1, per million
    return record(f"2026-01-{number + 1:02} 10:00:00", number, **{**common, **costs, **given})


def preview(
    records: list[UsageRecord], *rates: ExchangeRate, shop: Shop | None = None, **given: object
) -> PricePreview:
    """Of 2 dollars per million tokens of input, unless told otherwise."""
    shop = shop or Shop()
    wanted = {"model_id": "m", "pricing_type": "input_token", "unit_price": Decimal(2), "unit": "per_1m_tokens"}
    asked = NewPricing(**{**wanted, **given})  # type: ignore[arg-type]
    prices = wanted_prices(shop.desk, asked, shop.now)
    view = replace(view_over(records, *rates), today=date(2026, 11, 22))
    return preview_price(view, shop.desk.table(shop.now), prices, DAYS, shop.now)


def test_a_preview_prices_the_same_calls_anew() -> None:
    told = preview([call(0), call(1), call(2, model="other"), call(3, provider="q", channel_id="ch_q")])

    # 2 x (60 x 2 + 40 x 0.25 + 50 x 1) per million
    assert (told.recorded_cost, told.current_cost, told.new_cost) == (
        Decimal("0.00018"),
        Decimal("0.00018"),
        Decimal("0.00036"),
    )
    assert (told.difference, told.percentage, told.accurate) == (Decimal("0.00018"), Decimal(100), True)
    assert (told.call_count, told.total_tokens, told.currency) == (2, 300, "USD")
    assert told.old is not None
    assert (told.old.unit_price, told.new.unit_price, told.unlikely) == (Decimal("0.5"), Decimal(2), False)


def test_a_preview_stores_nothing_and_may_be_made_twice() -> None:
    shop = Shop()

    assert preview([call(0)], shop=shop) == preview([call(0)], shop=shop)
    assert list(shop.office.store.prices()) == []


def test_a_preview_is_shown_in_the_billing_currency_when_a_rate_is_stored() -> None:
    told = preview([call(0)], USD_RATE)

    assert (told.new_cost, told.currency) == (Decimal("0.00018") * Decimal("7.1234"), "CNY")
    assert told.accurate is True


def test_where_the_sums_do_not_give_the_recorded_cost_the_preview_says_that_it_is_not_accurate() -> None:
    told = preview([call(0, output_cost="0.00006")])

    assert (told.recorded_cost, told.current_cost, told.accurate) == (Decimal("0.0001"), Decimal("0.00009"), False)


def test_the_price_of_a_long_context_is_not_taken_for_the_sum_of_short_ones() -> None:
    shop = Shop(book=(*BOOK, row(Meter.INPUT, "10", context_over=150)))

    told = preview([call(0), call(1)], shop=shop)

    assert told.current_cost == Decimal("0.00018")


def test_a_first_price_has_nothing_to_be_compared_with() -> None:
    shop = Shop(a_channel("ch_p", "p", "m"), book=(row(Meter.OUTPUT, "1"),))

    told = preview([call(0, input_cost="0", cached_tokens=0)], shop=shop)

    assert (told.old, told.current_cost, told.difference, told.percentage) == (None, None, None, None)
    assert told.new_cost == Decimal("0.00025")


def test_costs_of_a_currency_that_cannot_be_converted_are_not_compared() -> None:
    told = preview([call(0, cost_currency="EUR")])

    assert (told.recorded_cost, told.accurate) == (None, False)
    assert told.new_cost == Decimal("0.00018")


def test_a_channel_s_own_price_concerns_its_own_calls_only() -> None:
    shop = Shop(a_channel("ch_p", "p", "m"), a_channel("ch_2", "p", "m"))
    records = [call(0), call(1, channel_id="ch_2")]

    assert preview(records, shop=shop, channel_id="ch_2").call_count == 1
    assert preview(records, shop=shop).call_count == 2


@pytest.mark.parametrize(
    ("pricing_type", "price", "usage_type", "meter", "quantity", "wanted"),
    [
        ("image", "0.5", "image_generation", "image", "3", "1.5"),
        ("video_second", "0.02", "video_generation", "second", "30", "0.6"),
    ],
)
def test_images_and_seconds_are_priced_by_their_number(  # noqa: PLR0917 - one row of the table
    pricing_type: str, price: str, usage_type: str, meter: str, quantity: str, wanted: str
) -> None:
    shop = Shop(a_channel("ch_p", "p", "m"), book=())
    line = BillLine(meter, Decimal(quantity), "v", Decimal(0))
    made = call(
        0, usage_type=usage_type, lines=(line,), input_tokens=0, output_tokens=0, cached_tokens=0, input_cost="0",
        output_cost="0",
    )  # fmt: skip

    told = preview([made], shop=shop, pricing_type=pricing_type, unit_price=Decimal(price), unit=None, currency="CNY")

    assert (told.new_cost, told.currency) == (Decimal(wanted), "CNY")


def test_a_mistaken_unit_is_pointed_out_and_an_impossible_date_refused() -> None:
    assert preview([call(0)], unit_price=Decimal("0.002"), unit="per_1k_tokens").unlikely is False
    assert preview([call(0)], unit_price=Decimal(2), unit="per_1k_tokens").unlikely is True
    with pytest.raises(PriceRefused, match="past"):
        preview([call(0)], effective_date="2026-01-01")
