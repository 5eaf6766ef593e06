"""Which price applies: owner, name, region, date and time of day."""

from decimal import Decimal

import pytest

from smart_ai_router.domain.meters import Meter
from smart_ai_router.domain.money import pico_to_decimal
from smart_ai_router.domain.pricing import PriceCatalog, PriceConflict, PriceSheet, PriceVersion, price_usage
from tests.domain.pricing_samples import row, used, utc

NOW = utc("2026-11-22T12:00:00")


def million_input(sheet: PriceSheet | None, **served: str) -> Decimal:
    """What a million input tokens cost on this sheet."""
    assert sheet is not None
    return pico_to_decimal(price_usage(sheet, used({Meter.INPUT: 1_000_000}, **served)).total_cost)


def find(rows: list[PriceVersion], upstream: str = "m", public: str = "m", now: float = NOW) -> PriceSheet | None:
    return PriceCatalog(rows).sheet("ch", "p", None, upstream, public, now)


# --- owners ---


def test_a_channels_price_goes_before_the_providers_and_that_before_the_books() -> None:
    book = row(Meter.INPUT, "3")
    provider = row(Meter.INPUT, "2", is_book=False)
    channel = row(Meter.INPUT, "1", is_book=False, provider="", channel_id="ch")
    for rows, price, basis in (
        ([book], "3", "book"),
        ([book, provider], "2", "provider"),
        ([book, provider, channel], "1", "channel"),
    ):
        sheet = find(rows)
        assert sheet is not None
        assert (million_input(sheet), sheet.basis) == (Decimal(price), basis)


def test_another_channels_price_does_not_apply() -> None:
    rows = [row(Meter.INPUT, "3"), row(Meter.INPUT, "1", provider="", channel_id="other", is_book=False)]
    assert million_input(find(rows)) == Decimal(3)


def test_an_owners_list_is_never_completed_from_another_owners() -> None:
    rows = [
        row(Meter.INPUT, "3"),
        row(Meter.CACHED_INPUT, "0.3"),
        row(Meter.INPUT, "1", provider="", channel_id="ch", is_book=False),
    ]
    sheet = find(rows)
    assert sheet is not None
    assert pico_to_decimal(price_usage(sheet, used({Meter.CACHED_INPUT: 1_000_000})).total_cost) == Decimal(1)


def test_a_model_that_nobody_prices_has_no_sheet() -> None:
    assert find([row(Meter.INPUT, "3")], "other", "other") is None
    assert PriceCatalog([]).sheet("ch", "p", None, "m", "m", NOW) is None


# --- names ---


def test_an_exact_name_goes_before_a_pattern_and_a_longer_pattern_before_a_shorter() -> None:
    rows = [
        row(Meter.INPUT, "1", model="*"),
        row(Meter.INPUT, "2", model="gpt-*"),
        row(Meter.INPUT, "3", model="gpt-4o-*"),
        row(Meter.INPUT, "4", model="gpt-4o-mini"),
        row(Meter.INPUT, "5", model="*-instruct"),
        row(Meter.INPUT, "6", model="qwen*-instruct"),
    ]
    for name, price in (
        ("gpt-4o-mini", 4),
        ("gpt-4o-audio", 3),
        ("gpt-4", 2),
        ("o3", 1),
        ("llama-instruct", 5),
        ("qwen3-instruct", 6),
        ("GPT-4o-Mini", 4),
    ):
        assert million_input(find(rows, name, name)) == Decimal(price), name


def test_a_pattern_needs_all_its_letters() -> None:
    assert find([row(Meter.INPUT, "1", model="ab*ba")], "aba", "aba") is None
    assert find([row(Meter.INPUT, "1", model="ab*ba")], "abba", "abba") is not None


def test_the_upstreams_name_goes_before_the_public_one() -> None:
    rows = [row(Meter.INPUT, "1", model="up"), row(Meter.INPUT, "2", model="public")]
    assert million_input(find(rows, "up", "public")) == Decimal(1)
    assert million_input(find(rows, "unknown", "public")) == Decimal(2)


def test_a_free_name_is_free_only_by_a_row_that_says_so() -> None:
    paid = [row(Meter.INPUT, "1", model="qwen/*"), row(Meter.INPUT, "2", model="qwen/qwen3")]
    assert find(paid, "qwen/qwen3:free", "qwen/qwen3:free") is None
    explicit = [*paid, row(Meter.INPUT, "0", model="*:free")]
    assert million_input(find(explicit, "qwen/qwen3:free", "qwen/qwen3:free")) == Decimal(0)
    assert million_input(find(explicit, "qwen/qwen3", "qwen/qwen3")) == Decimal(2)


# --- regions ---


def test_a_region_with_prices_of_its_own_never_borrows_anothers() -> None:
    catalog = PriceCatalog(
        [
            row(Meter.INPUT, "1", currency="CNY"),
            row(Meter.INPUT, "9", model="home-only", currency="CNY"),
            row(Meter.INPUT, "0.2", region="intl"),
        ]
    )
    intl = catalog.sheet("ch", "p", "intl", "m", "m", NOW)
    assert intl is not None
    assert (million_input(intl), intl.currency) == (Decimal("0.2"), "USD")
    assert catalog.sheet("ch", "p", "intl", "home-only", "home-only", NOW) is None
    for region in (None, "eu"):  # a region without prices takes those without a region
        assert million_input(catalog.sheet("ch", "p", region, "m", "m", NOW)) == Decimal(1)


# --- dates ---


def test_the_newest_price_that_has_begun_applies_from_its_first_second() -> None:
    cut = utc("2025-06-10T00:00:00")
    rows = [row(Meter.INPUT, "10"), row(Meter.INPUT, "2", effective_from=cut)]
    assert million_input(find(rows, now=cut - 0.001)) == Decimal(10)
    assert million_input(find(rows, now=cut)) == Decimal(2)


def test_a_price_ends_before_its_last_instant() -> None:
    end = utc("2026-07-24T15:59:00")
    rows = [row(Meter.INPUT, "1", effective_to=end)]
    assert find(rows, now=end - 0.001) is not None
    assert find(rows, now=end) is None


def test_a_sheet_says_until_when_it_applies() -> None:
    cut, end = utc("2026-12-01T00:00:00"), utc("2027-01-01T00:00:00")
    rows = [row(Meter.INPUT, "2"), row(Meter.INPUT, "4", effective_from=cut, effective_to=end)]
    sheet = find(rows)
    assert sheet is not None
    assert sheet.valid_until == cut
    later = find(rows, now=cut)
    assert later is not None
    assert (later.valid_from, later.valid_until) == (cut, end)
    final = find(rows, now=end)
    assert final is not None
    assert final.valid_until == float("inf")


def test_a_catalog_notices_that_a_price_has_changed_while_it_runs() -> None:
    cut = utc("2026-12-01T00:00:00")
    catalog = PriceCatalog([row(Meter.INPUT, "2"), row(Meter.INPUT, "4", effective_from=cut)])
    for now, price in ((cut - 1, 2), (cut + 1, 4), (cut - 1, 2)):
        assert million_input(catalog.sheet("ch", "p", None, "m", "m", now)) == Decimal(price)
    first = catalog.sheet("ch", "p", None, "m", "m", cut + 1)
    assert catalog.sheet("ch", "p", None, "m", "m", cut + 2) is first  # compiled once


def test_a_price_that_begins_later_gives_an_unpriced_model_a_sheet_then() -> None:
    begin = utc("2026-12-01T00:00:00")
    catalog = PriceCatalog([row(Meter.INPUT, "2", effective_from=begin)])
    assert catalog.sheet("ch", "p", None, "m", "m", begin - 1) is None
    assert million_input(catalog.sheet("ch", "p", None, "m", "m", begin)) == Decimal(2)


def test_a_newer_list_of_a_meter_drops_the_older_ones_bands_and_windows() -> None:
    cut = utc("2026-03-13T00:00:00")
    rows = [
        row(Meter.INPUT, "5"),
        row(Meter.INPUT, "10", context_over=200_000),
        row(Meter.INPUT, "7", window_utc=(0, 1440)),
        row(Meter.INPUT, "5", effective_from=cut),
    ]
    assert million_input(find(rows, now=cut - 60)) == Decimal(10)
    assert million_input(find(rows, now=cut)) == Decimal(5)


# --- hours of the day ---

PEAK = [
    row(Meter.INPUT, "0.15"),
    row(Meter.INPUT, "0.3", window_utc=(60, 240), weekdays_utc=(0, 1, 2, 3, 4)),
    row(Meter.INPUT, "0.3", window_utc=(360, 600), weekdays_utc=(0, 1, 2, 3, 4)),
]


@pytest.mark.parametrize(
    ("moment", "price"),
    [
        ("2026-11-20T00:59:59", "0.15"),
        ("2026-11-20T01:00:00", "0.3"),
        ("2026-11-20T03:59:59", "0.3"),
        ("2026-11-20T04:00:00", "0.15"),
        ("2026-11-20T06:00:00", "0.3"),
        ("2026-11-20T10:00:00", "0.15"),
        ("2026-11-21T02:00:00", "0.15"),  # a Saturday
        ("2026-11-22T02:00:00", "0.15"),  # a Sunday
        ("2026-11-23T02:00:00", "0.3"),
    ],
)
def test_peak_hours_cost_more_on_weekdays(moment: str, price: str) -> None:
    assert million_input(find(PEAK, now=utc(moment))) == Decimal(price)


def test_a_sheet_ends_with_its_hours() -> None:
    sheet = find(PEAK, now=utc("2026-11-20T02:00:00"))
    assert sheet is not None
    assert (sheet.valid_from, sheet.valid_until) == (utc("2026-11-20T01:00:00"), utc("2026-11-20T04:00:00"))
    quiet = find(PEAK, now=utc("2026-11-20T12:00:00"))
    assert quiet is not None
    assert quiet.valid_until == utc("2026-11-21T01:00:00")


@pytest.mark.parametrize(
    ("moment", "price"),
    [
        ("2025-03-04T16:29:59", "0.27"),
        ("2025-03-04T16:30:00", "0.135"),
        ("2025-03-05T00:29:59", "0.135"),
        ("2025-03-05T00:30:00", "0.27"),
    ],
)
def test_a_window_may_pass_midnight(moment: str, price: str) -> None:
    rows = [row(Meter.INPUT, "0.27"), row(Meter.INPUT, "0.135", window_utc=(990, 30))]
    assert million_input(find(rows, now=utc(moment))) == Decimal(price)


def test_the_part_of_a_window_after_midnight_belongs_to_the_day_it_began() -> None:
    rows = [row(Meter.INPUT, "2"), row(Meter.INPUT, "1", window_utc=(1320, 120), weekdays_utc=(4,))]  # Friday night
    assert million_input(find(rows, now=utc("2026-11-20T23:00:00"))) == Decimal(1)
    assert million_input(find(rows, now=utc("2026-11-21T01:59:00"))) == Decimal(1)
    assert million_input(find(rows, now=utc("2026-11-20T01:00:00"))) == Decimal(2)


# --- what cannot be true ---


def test_one_row_with_two_figures_is_refused() -> None:
    with pytest.raises(PriceConflict, match=r"p/m/input_token is given twice"):
        PriceCatalog([row(Meter.INPUT, "1"), row(Meter.INPUT, "2")])
    PriceCatalog([row(Meter.INPUT, "1"), row(Meter.INPUT, "1")])  # the same row twice is one row


def test_two_currencies_at_one_time_are_refused_and_one_after_the_other_are_not() -> None:
    with pytest.raises(PriceConflict, match="more than one currency"):
        PriceCatalog([row(Meter.INPUT, "1"), row(Meter.OUTPUT, "2", currency="CNY")])
    change = utc("2026-01-01T00:00:00")
    PriceCatalog(
        [row(Meter.INPUT, "1", effective_to=change), row(Meter.INPUT, "7", currency="CNY", effective_from=change)]
    )


# --- sheet ids ---


def test_a_sheets_id_is_short_stable_and_changes_with_any_figure() -> None:
    start = utc("2024-07-18T00:00:00")
    first = find([row(Meter.INPUT, "0.15", effective_from=start), row(Meter.OUTPUT, "0.60", effective_from=start)])
    again = find([row(Meter.OUTPUT, "0.60", effective_from=start), row(Meter.INPUT, "0.15", effective_from=start)])
    other = find([row(Meter.INPUT, "0.15", effective_from=start), row(Meter.OUTPUT, "0.61", effective_from=start)])
    assert first is not None
    assert again is not None
    assert other is not None
    assert first.id == again.id
    assert first.id.startswith("p/m@2024-07-18#")
    assert len(first.id) < 40
    assert first.id != other.id
    assert first.version_ids == ("p/m/input_token@2024-07-18", "p/m/output_token@2024-07-18")


def test_the_rows_behind_a_sheet_include_those_of_other_hours() -> None:
    basis, rows = PriceCatalog(PEAK).price_list("ch", "p", None, "m", "m", NOW)
    assert (basis, len(rows)) == ("book", 3)
    assert PriceCatalog(PEAK).price_list("ch", "q", None, "m", "m", NOW) == ("", ())
