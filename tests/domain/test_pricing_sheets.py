"""Sheets: all prices one call may meet, laid out in tiers and bands."""

import pytest

from smart_ai_router.domain.meters import Meter
from smart_ai_router.domain.pricing import PriceConflict
from smart_ai_router.domain.pricing_sheets import compile_sheet, newest_generation
from tests.domain.pricing_samples import row, sheet_of

FOREVER = (float("-inf"), float("inf"))


def test_a_plain_list_is_one_band() -> None:
    sheet = sheet_of([row(Meter.INPUT, "1"), row(Meter.OUTPUT, "2")])
    assert sheet.standard.only is sheet.standard.bands[0]
    assert [tier.name for tier in sheet.distinct_tiers] == ["standard"]
    assert sheet.standard.bands[0].bills_tokens
    assert not sheet.standard.bands[0].bills_counts


def test_every_combination_of_thresholds_is_a_band_the_most_demanding_first() -> None:
    sheet = sheet_of(
        [
            row(Meter.INPUT, "1"),
            row(Meter.INPUT, "2", context_over=100),
            row(Meter.OUTPUT, "1"),
            row(Meter.OUTPUT, "3", output_over=10),
            row(Meter.OUTPUT, "4", with_reasoning=True),
        ]
    )
    corners = [(band.context_over, band.output_over, band.with_reasoning) for band in sheet.standard.bands]
    assert corners == sorted(corners, reverse=True)
    assert len(corners) == 8
    assert corners[-1] == (0, 0, False)


def test_a_row_with_one_condition_does_not_hide_a_row_with_another() -> None:
    sheet = sheet_of(
        [
            row(Meter.INPUT, "1"),
            row(Meter.INPUT, "2", context_over=100),
            row(Meter.OUTPUT, "5"),
            row(Meter.OUTPUT, "6", with_reasoning=True),
        ]
    )
    demanding = sheet.standard.bands[0]
    assert {
        meter: rate.numerator for meter, rate in demanding.rates.items() if meter in (Meter.INPUT, Meter.OUTPUT)
    } == {
        Meter.INPUT: 2 * 10**6,
        Meter.OUTPUT: 6 * 10**6,
    }


def test_a_tier_with_only_some_rows_takes_the_others_from_standard() -> None:
    sheet = sheet_of([row(Meter.INPUT, "1"), row(Meter.OUTPUT, "4"), row(Meter.OUTPUT, "2", service_tier="batch")])
    batch = sheet.tiers["batch"].bands[0].rates
    assert (batch[Meter.INPUT].numerator, batch[Meter.OUTPUT].numerator) == (10**6, 2 * 10**6)
    assert sheet.tiers["default"] is sheet.tiers[None] is sheet.standard
    assert "fast" not in sheet.tiers


def test_only_the_newest_rows_of_a_meter_count() -> None:
    old, new = row(Meter.INPUT, "1"), row(Meter.INPUT, "2", effective_from=10.0)
    banded = row(Meter.INPUT, "9", context_over=5)
    other = row(Meter.OUTPUT, "3")
    flex = row(Meter.INPUT, "4", service_tier="flex")
    assert newest_generation([old, new, banded, other, flex]) == [new, other, flex]


def test_one_sheet_has_one_currency() -> None:
    with pytest.raises(PriceConflict, match="CNY and USD"):
        compile_sheet([row(Meter.INPUT, "1"), row(Meter.OUTPUT, "1", currency="CNY")], "book", *FOREVER)
