"""Two price lists side by side."""

from decimal import Decimal
from fractions import Fraction

import pytest

from smart_ai_router.core.price_diff import diff_prices
from smart_ai_router.domain.meters import Meter
from tests.domain.pricing_samples import row, utc

NOW = utc("2026-11-22T12:00:00")


def test_a_diff_names_what_came_went_and_changed() -> None:
    old = [
        row(Meter.INPUT, "2"),
        row(Meter.OUTPUT, "8"),
        row(Meter.CACHED_INPUT, "1"),
        row(Meter.INPUT, "1", model="n"),
    ]
    new = [row(Meter.INPUT, "3", is_book=False), row(Meter.OUTPUT, "8", is_book=False)]
    new.append(row(Meter.REASONING, "9", is_book=False))
    diff = diff_prices(old, new, NOW)
    assert [each.meter for each in diff.added] == [Meter.REASONING]
    assert [(each.meter, each.model) for each in diff.removed] == [(Meter.CACHED_INPUT, "m"), (Meter.INPUT, "n")]
    assert [(each.old.price, each.new.price, each.factor) for each in diff.changed] == [
        (Decimal(2), Decimal(3), Fraction(3, 2))
    ]
    assert diff.unchanged == 1
    assert not diff.changed[0].is_suspicious


def test_the_same_price_in_another_unit_is_no_change() -> None:
    assert diff_prices([row(Meter.INPUT, "2")], [row(Meter.INPUT, "0.002", per=1000)], NOW).unchanged == 1


def test_providers_that_the_new_list_does_not_name_are_left_aside() -> None:
    old = [row(Meter.INPUT, "2"), row(Meter.INPUT, "2", provider="other"), row(Meter.INPUT, "2", region="cn")]
    assert diff_prices(old, [row(Meter.INPUT, "2")], NOW).removed == ()


def test_an_operators_list_stands_for_the_books() -> None:
    old = [row(Meter.INPUT, "2"), row(Meter.OUTPUT, "8"), row(Meter.INPUT, "3", is_book=False)]
    diff = diff_prices(old, [row(Meter.INPUT, "3")], NOW)
    assert (diff.unchanged, diff.removed) == (1, ())


def test_only_what_is_in_force_is_compared() -> None:
    cut = utc("2026-11-01T00:00:00")
    old = [row(Meter.INPUT, "2", effective_to=cut), row(Meter.INPUT, "3", effective_from=cut)]
    future = [row(Meter.INPUT, "3"), row(Meter.INPUT, "9", effective_from=NOW + 1)]
    assert diff_prices(old, future, NOW).unchanged == 1


def test_channels_own_prices_are_left_aside() -> None:
    own = row(Meter.INPUT, "9", provider="", channel_id="ch", is_book=False)
    assert diff_prices([row(Meter.INPUT, "2"), own], [row(Meter.INPUT, "2")], NOW).removed == ()


@pytest.mark.parametrize(
    ("new", "suspicious"),
    [("199.9", False), ("200", True), ("0.0201", False), ("0.02", True), ("0", True), ("2.1", False)],
)
def test_a_change_by_a_factor_of_100_is_suspicious(new: str, suspicious: bool) -> None:
    (delta,) = diff_prices([row(Meter.INPUT, "2")], [row(Meter.INPUT, new)], NOW).changed
    assert delta.is_suspicious == suspicious


def test_another_currency_cannot_be_compared() -> None:
    (delta,) = diff_prices([row(Meter.INPUT, "2")], [row(Meter.INPUT, "14", currency="CNY")], NOW).changed
    assert (delta.factor, delta.is_suspicious) == (None, True)
