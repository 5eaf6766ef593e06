"""Setting prices by the guide's form."""

from decimal import Decimal
from typing import Any

import pytest

from smart_ai_router.core.billing.price_list import PricingUnknown
from smart_ai_router.core.billing.price_messages import NewPricing, PricingEdit, PricingRow
from smart_ai_router.core.billing.price_setting import PricingConditional, add_pricing, change_pricing, wanted_prices
from smart_ai_router.core.price_setting import PriceNeedsConfirmation, PriceRefused
from smart_ai_router.core.users_and_keys import FieldInvalid
from smart_ai_router.domain.meters import Meter, Quantity
from smart_ai_router.domain.money import pico_to_decimal
from smart_ai_router.domain.pricing import price_usage
from tests.core.administration_samples import by
from tests.core.billing.billing_samples import a_channel
from tests.core.billing.price_samples import BOOK, Shop
from tests.domain.pricing_samples import row, used


def cost(shop: Shop, quantities: dict[Meter, Quantity], model: str = "m") -> Decimal:
    """What a call would cost now."""
    market = shop.market()
    offer = next(each for each in market.offers() if each.model.name == model)
    sheet = market.sheet(offer, shop.now + 2)
    assert sheet is not None
    bill = price_usage(sheet, used(quantities))
    assert bill.basis != "unpriced"
    return pico_to_decimal(bill.total_cost)


def edit(shop: Shop, pricing_id: str, price: str, key: str | None = None, **given: object) -> PricingRow:
    asked = PricingEdit(Decimal(price), **given)  # type: ignore[arg-type]
    return change_pricing(shop.desk, pricing_id, asked, by(key), shop.now)


# --- the golden values of the second guide's system ---


def test_m2_36_the_guide_s_token_prices_per_thousand() -> None:
    shop = Shop(a_channel("ch_p", "p", "new"), book=())
    shop.add("new", "input_token", "0.002", unit="per_1k_tokens", currency="CNY")
    shop.wait(2)
    shop.add("new", "output_token", "0.008", unit="per_1k_tokens", currency="CNY")

    assert cost(shop, {Meter.INPUT: 1000, Meter.OUTPUT: 2000}, "new") == Decimal("0.018")


@pytest.mark.parametrize(
    ("pricing_type", "unit", "price", "quantities", "wanted"),
    [
        ("image", None, "0.5", {Meter.IMAGE: 3}, "1.5"),
        ("audio_minute", "per_minute", "0.1", {Meter.SECOND: 90}, "0.2"),
        ("audio_minute", "per_minute", "0.1", {Meter.SECOND: 120}, "0.2"),
        ("audio_minute", "per_minute", "0.1", {Meter.SECOND: 121}, "0.3"),
        ("video_second", "per_second", "0.02", {Meter.SECOND: 30}, "0.6"),
        ("audio_tts", "per_10k_chars", "1.5", {Meter.CHARACTER: 25_000}, "3.75"),
    ],
)
def test_m2_36_m2_38_the_guide_s_other_units(
    pricing_type: str, unit: str | None, price: str, quantities: dict[Meter, Quantity], wanted: str
) -> None:
    shop = Shop(a_channel("ch_p", "p", "new"), book=())

    told = shop.add("new", pricing_type, price, unit=unit, currency="CNY")

    assert cost(shop, quantities, "new") == Decimal(wanted)
    assert (told.pricing_type, told.unit_price, told.currency) == (pricing_type, Decimal(price), "CNY")


def test_a_least_number_of_units_is_charged() -> None:
    shop = Shop(a_channel("ch_p", "p", "new"), book=())

    told = shop.add("new", "input_token", "0.002", unit="per_1k_tokens", min_charge_unit=Decimal(1), currency="CNY")

    assert cost(shop, {Meter.INPUT: 7}, "new") == Decimal("0.002")
    assert cost(shop, {Meter.INPUT: 2000}, "new") == Decimal("0.004")
    assert told.min_charge_unit == Decimal(1)


# --- new versions ---


def test_a_price_is_added_beside_the_rest_of_the_list() -> None:
    shop = Shop()

    told = shop.add("m", "input_token", "0.6", unit="per_1m_tokens")

    assert (told.id, told.currency, told.provider_id, told.is_active) == (
        "own:p/m/input_token@2026-11-22T12:00:00Z",
        "USD",
        "p",
        True,
    )
    assert shop.figures() == {
        "input_token": Decimal("0.6"),
        "output_token": Decimal(1),
        "cached_input": Decimal("0.25"),
    }


def test_a_price_that_begins_later_is_not_in_force_yet() -> None:
    shop = Shop()

    told = shop.add("m", "input_token", "0.6", unit="per_1m_tokens", effective_date="2026-12-01")

    assert (told.effective_date, told.is_active) == ("2026-12-01", False)
    assert shop.figures()["input_token"] == Decimal("0.5")


def test_the_same_price_again_adds_nothing_and_is_told() -> None:
    shop = Shop()
    first = shop.add("m", "input_token", "0.6", unit="per_1m_tokens")
    shop.wait(10)

    assert shop.add("m", "input_token", "0.6", unit="per_1m_tokens") == first


def test_a_model_that_is_configured_nowhere_may_have_a_price() -> None:
    shop = Shop()

    told = shop.add("coming", "input_token", "0.6", unit="per_1m_tokens", provider_id="p")

    assert (told.model_id, told.currency, told.is_active, told.models) == ("coming", "CNY", False, ())


def test_the_provider_must_be_clear() -> None:
    shop = Shop(a_channel("ch_p", "p", "m"), a_channel("ch_q", "q", "m"))

    with pytest.raises(FieldInvalid, match="p, q"):
        shop.add("m", "image", "0.5")
    with pytest.raises(FieldInvalid, match="nowhere"):
        shop.add("x", "image", "0.5")
    assert shop.add("m", "image", "0.5", channel_id="ch_q").provider_id == "q"


def test_what_a_form_gets_wrong_is_refused_and_leaves_nothing() -> None:
    shop = Shop()

    wrong: tuple[tuple[type[Exception], dict[str, Any]], ...] = (
        (FieldInvalid, {"is_active": False}),
        (FieldInvalid, {"effective_date": "tomorrow"}),
        (PriceRefused, {"effective_date": "2026-11-21"}),
        (PriceRefused, {"unit": "per_image"}),
        (FieldInvalid, {"currency": "usd"}),
        (FieldInvalid, {"service_tier": "gold"}),
    )
    for error, given in wrong:
        with pytest.raises(error):
            shop.add("m", "input_token", "0.6", **{"unit": "per_1m_tokens", **given})
    for price, error in (("-1", PriceRefused), ("NaN", FieldInvalid), ("Infinity", FieldInvalid)):
        with pytest.raises(error):
            shop.add("m", "input_token", price)
    with pytest.raises(PriceNeedsConfirmation):
        shop.add("m", "input_token", "0.6")  # per thousand: 1,200 times the price in force
    assert list(shop.office.store.prices()) == []


# --- a price that ends ---


def test_after_a_price_that_ends_the_one_before_is_in_force_again() -> None:
    shop = Shop()

    told = shop.add("m", "input_token", "0.3", unit="per_1m_tokens", expiry_date="2026-11-23")

    assert (told.unit_price, told.expiry_date) == (Decimal("0.3"), "2026-11-23")
    shop.wait(86_400 / 2 - 3)
    assert shop.figures()["input_token"] == Decimal("0.3")
    shop.wait(3)
    assert shop.figures() == {
        "input_token": Decimal("0.5"),
        "output_token": Decimal(1),
        "cached_input": Decimal("0.25"),
    }


def test_a_repeated_request_completes_what_a_crash_cut_short_and_adds_nothing_else() -> None:
    shop = Shop()
    first = shop.add("m", "input_token", "0.3", "k", unit="per_1m_tokens", expiry_date="2026-11-23")
    count = len(shop.office.store.prices())

    second = shop.add("m", "input_token", "0.3", "k", unit="per_1m_tokens", expiry_date="2026-11-23")

    assert second == first
    assert len(shop.office.store.prices()) == count


def test_a_price_can_only_end_where_one_follows() -> None:
    shop = Shop()

    for given in ({"expiry_date": "2026-11-21"}, {"expiry_date": "2026-12-01", "effective_date": "2026-12-02"}):
        with pytest.raises(FieldInvalid, match="expiryDate"):
            shop.add("m", "input_token", "0.3", unit="per_1m_tokens", **given)
    with pytest.raises(FieldInvalid, match="a price before this one"):
        shop.add("m", "image", "0.3", expiry_date="2026-12-01")
    assert list(shop.office.store.prices()) == []


def test_a_request_that_was_cut_between_its_two_versions_is_completed_by_its_repetition() -> None:
    shop = Shop()
    asked = NewPricing(
        "m", "input_token", Decimal("0.3"), "per_1m_tokens", expiry_date="2026-11-23", provider_id="p", currency="USD"
    )
    shop.office.verbs.set_prices(wanted_prices(shop.desk, asked, shop.now), by("k"))  # and no further
    shop.wait(60)

    add_pricing(shop.desk, asked, by("k"), shop.now)

    assert shop.figures()["input_token"] == Decimal("0.3")
    shop.wait(86_400)
    assert shop.figures()["input_token"] == Decimal("0.5")


def test_a_price_that_ends_is_refused_while_another_version_begins_before_its_end() -> None:
    shop = Shop()
    shop.add("m", "input_token", "0.7", unit="per_1m_tokens", effective_date="2026-11-25")

    with pytest.raises(FieldInvalid, match="one by one"):
        shop.add("m", "input_token", "0.3", unit="per_1m_tokens", expiry_date="2026-11-30")


# --- editing ---


def test_an_edit_is_a_new_version_in_the_same_unit() -> None:
    shop = Shop()

    told = edit(shop, "p/m/cached_input_token", "0.2")

    assert (told.pricing_type, told.unit_price, told.unit, told.owner) == (
        "cached_input",
        Decimal("0.2"),
        "per_1m_tokens",
        "provider",
    )
    assert shop.figures() == {"input_token": Decimal("0.5"), "output_token": Decimal(1), "cached_input": Decimal("0.2")}
    assert shop.desk.table(shop.now).find("p/m/cached_input_token").version.price == Decimal("0.25")


def test_an_edit_keeps_the_rounding_and_the_least_charge_unless_told_otherwise() -> None:
    shop = Shop(a_channel("ch_p", "p", "new"), book=())
    first = shop.add("new", "audio_minute", "0.1", min_charge_unit=Decimal(2), currency="CNY")
    shop.wait(5)

    second = edit(shop, first.id, "0.2")
    shop.wait(5)
    third = edit(shop, second.id, "0.2", min_charge_unit=None)

    assert (second.min_charge_unit, second.round_up_to, second.currency) == (Decimal(2), Decimal(1), "CNY")
    assert (third.min_charge_unit, third.round_up_to) == (None, Decimal(1))


def test_an_edit_may_change_the_unit_and_the_date() -> None:
    shop = Shop()

    told = edit(shop, "p/m/input_token", "0.0006", unit="per_1k_tokens", effective_date="2026-12-01")

    assert (told.unit, told.effective_date, told.is_active) == ("per_1k_tokens", "2026-12-01", False)


def test_what_an_edit_cannot_change_is_refused() -> None:
    shop = Shop(book=(*BOOK, row(Meter.INPUT, "2", context_over=128_000)))

    for error, pricing_id, given in (
        (PricingUnknown, "p/m/unknown", {}),
        (FieldInvalid, "p/m/input_token", {"model_id": "other"}),
        (FieldInvalid, "p/m/input_token", {"pricing_type": "output_token"}),
        (FieldInvalid, "p/m/input_token", {"is_active": False}),
        (PricingConditional, "p/m/input_token+over128000", {}),
    ):
        with pytest.raises(error):
            edit(shop, pricing_id, "0.6", **given)
    assert edit(shop, "p/m/input_token", "0.6", model_id="m", pricing_type="input_token").unit_price == Decimal("0.6")


def test_an_edit_of_a_channel_s_price_stays_the_channel_s() -> None:
    shop = Shop(book=(*BOOK, row(Meter.INPUT, "0.1", provider="", channel_id="ch_p", is_book=False)))

    told = edit(shop, "channel:ch_p/m/input_token", "0.2")

    assert (told.owner, told.channel_id, told.unit_price) == ("channel", "ch_p", Decimal("0.2"))


def test_a_form_without_a_currency_takes_that_of_the_list_in_force() -> None:
    shop = Shop()

    added = add_pricing(shop.desk, NewPricing("m", "image", Decimal("0.5")), by(), shop.now)

    assert added.currency == "USD"
