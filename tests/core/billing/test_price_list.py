"""The page of prices."""

from decimal import Decimal

import pytest

from smart_ai_router.core.billing.price_list import PricingUnknown
from smart_ai_router.domain.meters import Meter
from tests.core.administration_samples import NOW_MS
from tests.core.billing.billing_samples import a_channel
from tests.core.billing.price_samples import BOOK, Shop
from tests.domain.pricing_samples import row, utc


def test_m2_36_m2_37_prices_of_configured_models_are_listed_by_provider() -> None:
    shop = Shop(
        a_channel("ch_q", "q", "m"),
        a_channel("ch_p", "p", "m"),
        book=(*BOOK, row(Meter.INPUT, "9", provider="q"), row(Meter.INPUT, "9", provider="r")),
    )

    rows = shop.rows()

    assert [(each.provider_id, each.pricing_type, each.unit_price) for each in rows] == [
        ("p", "cached_input", Decimal("0.25")),
        ("p", "input_token", Decimal("0.5")),
        ("p", "output_token", Decimal(1)),
        ("q", "input_token", Decimal(9)),
    ]
    assert (rows[0].provider_name, rows[0].owner, rows[0].models, rows[0].currency) == (
        "Name of p",
        "book",
        ("m",),
        "USD",
    )
    assert (rows[0].effective_date, rows[0].expiry_date, rows[0].created_at, rows[0].is_active) == (
        None,
        None,
        None,
        True,
    )


def test_m2_38_prices_of_every_kind_of_use_have_their_unit() -> None:
    book = (
        row(Meter.INPUT, "2", per=1000),
        row(Meter.IMAGE, "0.04", per=1),
        row(Meter.CHARACTER, "1.5", per=10_000),
        row(Meter.MINUTE, "0.1", per=1, round_up_to=Decimal(1)),
        row(Meter.SECOND, "0.02", per=1, variant="720p"),
    )

    rows = Shop(book=book).rows()

    assert [(each.pricing_type, each.unit) for each in rows] == [
        ("audio_minute", "per_minute"),
        ("audio_tts", "per_10k_chars"),
        ("image", "per_image"),
        ("input_token", "per_1k_tokens"),
        ("video_second", "per_second_720p"),
    ]


@pytest.mark.parametrize(
    ("given", "count"),
    [
        ({}, 3),
        ({"provider_id": "p"}, 3),
        ({"provider_id": "q"}, 0),
        ({"model_id": "m"}, 3),
        ({"model_id": "free-of-price"}, 0),
        ({"pricing_type": "input_token"}, 1),
        ({"pricing_type": "image"}, 0),
    ],
)
def test_each_filter_leaves_only_its_own(given: dict[str, str], count: int) -> None:
    assert len(Shop().rows(**given)) == count


def test_a_pattern_is_listed_once_with_the_models_it_prices() -> None:
    shop = Shop(a_channel("ch_p", "p", "m-large", "m-small"), book=(row(Meter.INPUT, "1", model="m-*"),))

    (listed,) = shop.rows()

    assert (listed.model_id, listed.models) == ("m-*", ("m-large", "m-small"))
    assert shop.rows(model_id="m-small") == [listed]


def test_history_and_future_are_listed_when_asked_for_and_each_version_ends_where_the_next_begins() -> None:
    book = (
        row(Meter.INPUT, "1", effective_from=utc("2026-01-01")),
        row(Meter.INPUT, "2", effective_from=utc("2026-06-01")),
        row(Meter.INPUT, "3", effective_from=utc("2027-01-01T08:00:00")),
    )
    shop = Shop(book=book)

    rows = shop.rows(in_force=False)

    assert [(each.unit_price, each.effective_date, each.expiry_date, each.is_active) for each in rows] == [
        (Decimal(3), "2027-01-01T08:00:00Z", None, False),
        (Decimal(2), "2026-06-01", "2027-01-01T08:00:00Z", True),
        (Decimal(1), "2026-01-01", "2026-06-01", False),
    ]
    assert [each.unit_price for each in shop.rows()] == [Decimal(2)]


def test_what_was_entered_says_when_and_what_it_replaced_stays_in_the_history() -> None:
    shop = Shop()

    shop.add("m", "input_token", "0.6", unit="per_1m_tokens")
    (now,) = shop.rows(pricing_type="input_token")
    history = shop.rows(pricing_type="input_token", in_force=False)

    assert (now.owner, now.unit_price, now.created_at, now.updated_at) == (
        "provider",
        Decimal("0.6"),
        "2026-11-22T12:00:00.000Z",
        "2026-11-22T12:00:00.000Z",
    )
    assert NOW_MS == 1_795_348_800_000
    assert [(each.owner, each.is_active) for each in history] == [("provider", True), ("book", False)]


def test_a_channel_s_own_price_stands_under_its_provider() -> None:
    shop = Shop(book=(*BOOK, row(Meter.INPUT, "0.1", provider="", channel_id="ch_p", is_book=False)))

    (listed,) = shop.rows()

    assert (listed.owner, listed.channel_id, listed.provider_id) == ("channel", "ch_p", "p")


def test_a_price_that_is_to_come_for_a_model_without_one_is_listed() -> None:
    shop = Shop(book=(row(Meter.INPUT, "1", effective_from=utc("2027-01-01")),))

    assert shop.rows() == []
    assert [each.is_active for each in shop.rows(in_force=False)] == [False]


def test_a_version_is_found_by_its_id_or_not() -> None:
    shop = Shop()
    table = shop.desk.table(shop.now)

    assert table.row(table.find("p/m/input_token")).unit_price == Decimal("0.5")
    with pytest.raises(PricingUnknown) as refusal:
        table.find("p/x/input_token")
    assert refusal.value.status == 404
