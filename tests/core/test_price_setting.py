"""Setting figures of a price list: complete lists, appended, with a guard against mistaken units."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest

from smart_ai_router.core.price_setting import (
    ListChange,
    PriceInstantTaken,
    PriceNeedsConfirmation,
    PriceOrder,
    PriceRefused,
    is_unlikely,
    make_order,
    set_list,
)
from smart_ai_router.domain.meters import Meter, Quantity
from smart_ai_router.domain.money import pico_to_decimal
from smart_ai_router.domain.pricing import PriceCatalog, PriceVersion, price_usage
from tests.domain.pricing_samples import row, used, utc

NOW = utc("2026-11-22T12:00:00")
BOOK = (
    row(Meter.INPUT, "2.5"),
    row(Meter.CACHED_INPUT, "1.25"),
    row(Meter.OUTPUT, "10"),
    row(Meter.INPUT, "1.25", service_tier="batch"),
    row(Meter.OUTPUT, "20", window_utc=(60, 240)),
)


def set_one(versions: Sequence[PriceVersion], order: PriceOrder, now: float, *, confirm: bool = False) -> ListChange:
    return set_list(versions, (order,), now, confirm=confirm)


class Shelf:
    """Prices that are kept."""

    def __init__(self, versions: Sequence[PriceVersion] = ()) -> None:
        self.kept = {version.id: version for version in versions}

    def versions(self) -> Sequence[PriceVersion]:
        return tuple(self.kept.values())

    def set(self, order: PriceOrder, now: float, *, confirm: bool = False) -> ListChange:
        change = set_one(self.versions(), order, now, confirm=confirm)
        for version in change.added:
            self.kept.setdefault(version.id, version)
        return change


def order(price: str, word: str = "output", **fields: object) -> PriceOrder:
    return replace(make_order("p", "m", word, price, "USD"), **fields)  # type: ignore[arg-type]


def cost(versions: Sequence[PriceVersion], quantities: dict[Meter, Quantity], now: float = NOW) -> Decimal:
    sheet = PriceCatalog(versions).sheet("ch", "p", None, "m", "m", now)
    assert sheet is not None
    return pico_to_decimal(price_usage(sheet, used(quantities)).total_cost)


# --- setting ---


def test_setting_one_figure_restates_the_whole_list() -> None:
    change = set_one(BOOK, order("9"), NOW)

    assert change.figures[0].version.id == "own:p/m/output_token@2026-11-22T12:00:00Z"
    assert change.figures[0].previous == BOOK[2]
    assert change.figures[0].factor == Fraction(9, 10)
    assert len(change.added) == len(BOOK)  # cached input, batch and the hours of the day are carried over
    assert {each.effective_from for each in change.added} == {NOW}
    after = (*BOOK, *change.added)
    million: dict[Meter, Quantity] = {Meter.INPUT: 10**6, Meter.CACHED_INPUT: 10**6, Meter.OUTPUT: 10**6}
    assert cost(after, million) == Decimal("12.75")
    assert cost(after, million, NOW - 1) == Decimal("13.75")  # what was, stays
    restated = next(each for each in change.added if each.meter is Meter.CACHED_INPUT)
    assert restated.source == "restated: p/m/cached_input_token"


def test_setting_the_same_price_twice_changes_nothing() -> None:
    shelf = Shelf(BOOK)
    first = shelf.set(order("9"), NOW)
    assert shelf.set(order("9"), NOW + 60).added == ()
    assert len(shelf.kept) == len(BOOK) + len(first.added)


def test_a_second_change_starts_from_the_operators_own_list() -> None:
    shelf = Shelf(BOOK)
    shelf.set(order("9"), NOW)
    shelf.set(order("2", "input"), NOW + 60)
    million: dict[Meter, Quantity] = {Meter.INPUT: 10**6, Meter.OUTPUT: 10**6}
    assert cost(shelf.versions(), million, NOW + 61) == Decimal(11)
    assert cost(shelf.versions(), million, NOW + 59) == Decimal("11.5")


def test_two_lists_cannot_begin_at_one_instant() -> None:
    shelf = Shelf(BOOK)
    shelf.set(order("9"), NOW)
    with pytest.raises(PriceRefused, match="this very instant"):
        shelf.set(order("2", "input"), NOW)


def test_a_price_may_be_set_for_later_but_not_for_the_past() -> None:
    later = set_one(BOOK, order("9", effective_from=NOW + 3600), NOW)
    assert {each.effective_from for each in later.added} == {NOW + 3600}
    with pytest.raises(PriceRefused, match="never edited"):
        set_one(BOOK, order("9", effective_from=NOW - 1), NOW)


def test_a_channels_price_is_completed_from_the_list_that_applied_before() -> None:
    change = set_one(BOOK, order("9", channel_id="ch"), NOW)
    assert change.figures[0].version.id == "channel:ch/m/output_token@2026-11-22T12:00:00Z"
    assert {each.provider for each in change.added} == {""}
    after = (*BOOK, *change.added)
    assert cost(after, {Meter.CACHED_INPUT: 10**6, Meter.OUTPUT: 10**6}) == Decimal("10.25")


def test_a_model_priced_by_a_pattern_gets_a_list_of_its_own() -> None:
    pattern = (row(Meter.INPUT, "3", model="m*"), row(Meter.OUTPUT, "15", model="m*"))
    change = set_one(pattern, order("14"), NOW)
    assert {(each.model, each.meter, each.price) for each in change.added} == {
        ("m", Meter.OUTPUT, Decimal(14)),
        ("m", Meter.INPUT, Decimal(3)),
    }


def test_a_first_price_in_another_currency_leaves_the_old_list_behind() -> None:
    change = set_one(BOOK, order("60", currency="CNY"), NOW)
    assert [each.currency for each in change.added] == ["CNY"]
    own = (*BOOK, *change.added)
    with pytest.raises(PriceRefused, match="are in CNY"):
        set_one((*own, *set_one(own, order("1", "input", currency="CNY"), NOW + 1).added), order("9"), NOW + 2)


@pytest.mark.parametrize(
    ("price", "refused"), [("999.99", False), ("1000", True), ("0.10001", False), ("0.1", True), ("0", True)]
)
def test_a_jump_by_a_factor_of_100_asks_for_confirmation(price: str, refused: bool) -> None:
    if refused:
        with pytest.raises(PriceNeedsConfirmation, match="is the unit right"):
            set_one(BOOK, order(price), NOW)
    assert set_one(BOOK, order(price), NOW, confirm=True).figures[0].version.price == Decimal(price)
    if not refused:
        assert set_one(BOOK, order(price), NOW).added


@pytest.mark.parametrize(
    ("price", "per", "refused"),
    [
        ("0.00000015", None, True),  # per token, typed as per million
        ("150000", None, True),
        ("10000", None, False),
        ("10000.01", None, True),
        ("0.0001", None, False),
        ("0.00009", None, True),
        ("0", None, False),
        ("0.0000025", "1", False),
    ],
)
def test_a_first_price_that_no_token_was_ever_sold_for_asks_for_confirmation(
    price: str, per: str | None, refused: bool
) -> None:
    first = make_order("p", "new-model", "input", price, "USD", per=per)
    if refused:
        with pytest.raises(PriceNeedsConfirmation, match="ever sold for"):
            set_one(BOOK, first, NOW)
    else:
        assert len(set_one(BOOK, first, NOW).added) == 1


# --- orders ---


def test_an_order_takes_the_second_guides_words() -> None:
    tokens = make_order("p", "m", "input_token", "0.002", "CNY", unit="per_1k_tokens", min_charge_unit="1")
    assert (tokens.unit.meter, tokens.unit.per, tokens.minimum_charge) == (Meter.INPUT, 1000, Decimal("0.002"))
    minutes = make_order("p", "m", "audio_minute", "0.1", "CNY", unit="per_minute")
    assert (minutes.unit.meter, minutes.round_up_to) == (Meter.MINUTE, Decimal(1))
    video = make_order("p", "m", "video_second", "0.3", "CNY", unit="per_second_1080p")
    assert (video.unit.meter, video.unit.variant) == (Meter.SECOND, "1080p")


def test_the_second_guides_minutes_are_billed_whole() -> None:
    change = set_one((), make_order("p", "m", "audio_minute", "0.1", "CNY", unit="per_minute"), NOW)
    assert cost(change.added, {Meter.SECOND: 90}) == Decimal("0.2")


def test_the_second_guides_images_take_its_unit_and_its_least_number() -> None:
    change = set_one((), make_order("p", "m", "image", "0.5", "CNY", unit="per_image", min_charge_unit="2"), NOW)
    assert cost(change.added, {Meter.IMAGE: 3}) == Decimal("1.5")
    assert cost(change.added, {Meter.IMAGE: 1}) == Decimal("1.0")


@pytest.mark.parametrize(
    ("word", "price", "extra", "message"),
    [
        ("word", "1", {}, "no unit of price"),
        ("input", "-1", {}, "plain digits"),
        ("input", "1e-3", {}, "plain digits"),
        ("output", "1", {"unit": "per_minute"}, "has its unit in the word"),
        ("image", "1", {"unit": "per_minute"}, "does not measure"),
        ("video_second", "1", {"unit": "per_minute"}, "does not measure"),
        ("input", "1", {"per": "0"}, "whole number"),
        ("input", "1", {"per": "1.5"}, "whole number"),
    ],
)
def test_an_order_that_is_not_understood_is_refused(word: str, price: str, extra: dict[str, str], message: str) -> None:
    with pytest.raises(PriceRefused, match=message):
        make_order("p", "m", word, price, "USD", **extra)


# --- several figures at once ---


def test_several_figures_of_a_model_begin_together() -> None:
    orders = (order("3", "input"), order("12"), order("0.3", "cached_input"))
    change = set_list(BOOK, orders, NOW)
    assert [(each.version.price, each.factor) for each in change.figures] == [
        (Decimal(3), Fraction(6, 5)),
        (Decimal(12), Fraction(6, 5)),
        (Decimal("0.3"), Fraction(6, 25)),
    ]
    assert len(change.added) == len(BOOK)
    million: dict[Meter, Quantity] = {Meter.INPUT: 10**6, Meter.CACHED_INPUT: 10**6, Meter.OUTPUT: 10**6}
    assert cost((*BOOK, *change.added), million) == Decimal("15.3")


def test_a_figure_that_does_not_change_is_carried_over_with_those_that_do() -> None:
    own = set_list(BOOK, (order("3", "input"), order("12")), NOW).added
    change = set_list((*BOOK, *own), (order("3", "input"), order("13")), NOW + 60)
    assert [figure.is_new for figure in change.figures] == [False, True]
    assert len(change.added) == len(BOOK)
    assert set_list((*BOOK, *own), (order("3", "input"), order("12")), NOW + 60).added == ()


def test_one_unlikely_figure_among_several_asks_for_confirmation() -> None:
    orders = (order("3", "input"), order("12000"))
    with pytest.raises(PriceNeedsConfirmation, match="output_token is 1200 times"):
        set_list(BOOK, orders, NOW)
    assert len(set_list(BOOK, orders, NOW, confirm=True).added) == len(BOOK)


@pytest.mark.parametrize(
    ("orders", "message"),
    [
        ((), "no figure"),
        ((order("3"), order("4")), "given twice"),
        ((order("3"), order("4", "input", currency="CNY")), "one currency"),
        ((order("3"), order("4", "input", model="other")), "one model"),
        ((order("3"), order("4", "input", effective_from=NOW + 1)), "one date"),
    ],
)
def test_figures_that_are_no_one_list_are_refused(orders: tuple[PriceOrder, ...], message: str) -> None:
    with pytest.raises(PriceRefused, match=message):
        set_list(BOOK, orders, NOW)


def test_an_instant_that_is_taken_is_told_apart_from_other_refusals() -> None:
    shelf = Shelf(BOOK)
    shelf.set(order("9"), NOW)
    with pytest.raises(PriceInstantTaken) as refused:
        shelf.set(order("8"), NOW)
    assert (refused.value.status, refused.value.code) == (400, "price_refused")
    assert shelf.set(order("8"), NOW + 1).added


@pytest.mark.parametrize(
    ("meter", "price", "unlikely"),
    [
        (Meter.INPUT, "0.0001", False),
        (Meter.INPUT, "0.00009", True),
        (Meter.OUTPUT, "10000", False),
        (Meter.OUTPUT, "10000.01", True),
        (Meter.OUTPUT, "0", False),
        (Meter.IMAGE, "20000", False),
    ],
)
def test_a_price_that_no_token_was_ever_sold_for_is_unlikely(meter: Meter, price: str, unlikely: bool) -> None:
    assert is_unlikely(row(meter, price)) is unlikely
