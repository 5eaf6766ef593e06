"""Setting, showing, adopting prices: complete lists, appended, with a guard against mistaken units."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest

from smart_ai_router.core.price_admin import (
    FORMATS,
    PriceChange,
    PriceNeedsConfirmation,
    PriceOrder,
    PriceRefused,
    adopt_prices,
    import_prices,
    list_prices,
    make_order,
    set_price,
    show_price,
)
from smart_ai_router.core.price_import import PriceListInvalid
from smart_ai_router.domain.meters import Meter, Quantity
from smart_ai_router.domain.money import pico_to_decimal
from smart_ai_router.domain.pricing import PriceCatalog, PriceVersion, price_usage
from smart_ai_router.domain.pricing_document import PriceList, read_price_list
from tests.domain.pricing_samples import row, used, utc

NOW = utc("2026-11-22T12:00:00")
BOOK = (
    row(Meter.INPUT, "2.5"),
    row(Meter.CACHED_INPUT, "1.25"),
    row(Meter.OUTPUT, "10"),
    row(Meter.INPUT, "1.25", service_tier="batch"),
    row(Meter.OUTPUT, "20", window_utc=(60, 240)),
)


class Shelf:
    """A store in memory."""

    def __init__(self, versions: Sequence[PriceVersion] = ()) -> None:
        self.kept = {version.id: version for version in versions}

    def versions(self) -> Sequence[PriceVersion]:
        return tuple(self.kept.values())

    def append(self, versions: Sequence[PriceVersion]) -> None:
        for version in versions:
            self.kept.setdefault(version.id, version)


def apply_price(shelf: Shelf, order: PriceOrder, now: float, *, confirm: bool = False) -> PriceChange:
    """Set a price for good."""
    change = set_price(shelf.versions(), order, now, confirm=confirm)
    shelf.append(change.added)
    return change


def order(price: str, word: str = "output", **fields: object) -> PriceOrder:
    return replace(make_order("p", "m", word, price, "USD"), **fields)  # type: ignore[arg-type]


def cost(versions: Sequence[PriceVersion], quantities: dict[Meter, Quantity], now: float = NOW) -> Decimal:
    sheet = PriceCatalog(versions).sheet("ch", "p", None, "m", "m", now)
    assert sheet is not None
    return pico_to_decimal(price_usage(sheet, used(quantities)).total_cost)


# --- setting ---


def test_setting_one_figure_restates_the_whole_list() -> None:
    change = set_price(BOOK, order("9"), NOW)

    assert change.set_version.id == "own:p/m/output_token@2026-11-22T12:00:00Z"
    assert change.previous == BOOK[2]
    assert change.factor == Fraction(9, 10)
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
    first = apply_price(shelf, order("9"), NOW)
    assert apply_price(shelf, order("9"), NOW + 60).added == ()
    assert len(shelf.kept) == len(BOOK) + len(first.added)


def test_a_second_change_starts_from_the_operators_own_list() -> None:
    shelf = Shelf(BOOK)
    apply_price(shelf, order("9"), NOW)
    apply_price(shelf, order("2", "input"), NOW + 60)
    million: dict[Meter, Quantity] = {Meter.INPUT: 10**6, Meter.OUTPUT: 10**6}
    assert cost(shelf.versions(), million, NOW + 61) == Decimal(11)
    assert cost(shelf.versions(), million, NOW + 59) == Decimal("11.5")


def test_two_lists_cannot_begin_at_one_instant() -> None:
    shelf = Shelf(BOOK)
    apply_price(shelf, order("9"), NOW)
    with pytest.raises(PriceRefused, match="this very instant"):
        apply_price(shelf, order("2", "input"), NOW)


def test_a_price_may_be_set_for_later_but_not_for_the_past() -> None:
    later = set_price(BOOK, order("9", effective_from=NOW + 3600), NOW)
    assert {each.effective_from for each in later.added} == {NOW + 3600}
    with pytest.raises(PriceRefused, match="never edited"):
        set_price(BOOK, order("9", effective_from=NOW - 1), NOW)


def test_a_channels_price_is_completed_from_the_list_that_applied_before() -> None:
    change = set_price(BOOK, order("9", channel_id="ch"), NOW)
    assert change.set_version.id == "channel:ch/m/output_token@2026-11-22T12:00:00Z"
    assert {each.provider for each in change.added} == {""}
    after = (*BOOK, *change.added)
    assert cost(after, {Meter.CACHED_INPUT: 10**6, Meter.OUTPUT: 10**6}) == Decimal("10.25")


def test_a_model_priced_by_a_pattern_gets_a_list_of_its_own() -> None:
    pattern = (row(Meter.INPUT, "3", model="m*"), row(Meter.OUTPUT, "15", model="m*"))
    change = set_price(pattern, order("14"), NOW)
    assert {(each.model, each.meter, each.price) for each in change.added} == {
        ("m", Meter.OUTPUT, Decimal(14)),
        ("m", Meter.INPUT, Decimal(3)),
    }


def test_a_first_price_in_another_currency_leaves_the_old_list_behind() -> None:
    change = set_price(BOOK, order("60", currency="CNY"), NOW)
    assert [each.currency for each in change.added] == ["CNY"]
    own = (*BOOK, *change.added)
    with pytest.raises(PriceRefused, match="are in CNY"):
        set_price((*own, *set_price(own, order("1", "input", currency="CNY"), NOW + 1).added), order("9"), NOW + 2)


@pytest.mark.parametrize(
    ("price", "refused"), [("999.99", False), ("1000", True), ("0.10001", False), ("0.1", True), ("0", True)]
)
def test_a_jump_by_a_factor_of_100_asks_for_confirmation(price: str, refused: bool) -> None:
    if refused:
        with pytest.raises(PriceNeedsConfirmation, match="is the unit right"):
            set_price(BOOK, order(price), NOW)
    assert set_price(BOOK, order(price), NOW, confirm=True).set_version.price == Decimal(price)
    if not refused:
        assert set_price(BOOK, order(price), NOW).added


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
            set_price(BOOK, first, NOW)
    else:
        assert len(set_price(BOOK, first, NOW).added) == 1


# --- orders ---


def test_an_order_takes_the_second_guides_words() -> None:
    tokens = make_order("p", "m", "input_token", "0.002", "CNY", unit="per_1k_tokens", min_charge_unit="1")
    assert (tokens.unit.meter, tokens.unit.per, tokens.minimum_charge) == (Meter.INPUT, 1000, Decimal("0.002"))
    minutes = make_order("p", "m", "audio_minute", "0.1", "CNY", unit="per_minute")
    assert (minutes.unit.meter, minutes.round_up_to) == (Meter.MINUTE, Decimal(1))
    video = make_order("p", "m", "video_second", "0.3", "CNY", unit="per_second_1080p")
    assert (video.unit.meter, video.unit.variant) == (Meter.SECOND, "1080p")


def test_the_second_guides_minutes_are_billed_whole() -> None:
    change = set_price((), make_order("p", "m", "audio_minute", "0.1", "CNY", unit="per_minute"), NOW)
    assert cost(change.added, {Meter.SECOND: 90}) == Decimal("0.2")


@pytest.mark.parametrize(
    ("word", "price", "extra", "message"),
    [
        ("word", "1", {}, "no unit of price"),
        ("input", "-1", {}, "plain digits"),
        ("input", "1e-3", {}, "plain digits"),
        ("image", "1", {"unit": "per_minute"}, "has its unit in the word"),
        ("video_second", "1", {"unit": "per_minute"}, "does not measure"),
        ("input", "1", {"per": "0"}, "whole number"),
        ("input", "1", {"per": "1.5"}, "whole number"),
    ],
)
def test_an_order_that_is_not_understood_is_refused(word: str, price: str, extra: dict[str, str], message: str) -> None:
    with pytest.raises(PriceRefused, match=message):
        make_order("p", "m", word, price, "USD", **extra)


# --- listing and showing ---


def test_a_list_shows_what_is_in_force_by_owner() -> None:
    change = set_price(BOOK, order("9"), NOW)
    other = row(Meter.INPUT, "1", model="other")
    everything = (*BOOK, *change.added, other)
    assert len(list_prices(everything, NOW)) == 2 * len(BOOK) + 1
    assert [each.model for each in list_prices(everything, NOW, model="OTH")] == ["other"]
    assert list_prices(everything, NOW - 1, provider="P", model="m") == tuple(sorted(BOOK, key=lambda each: each.id))
    assert list_prices(everything, NOW, provider="q") == ()


def test_a_model_is_shown_with_its_sheet_and_its_history() -> None:
    old = replace(BOOK[0], price=Decimal(5), effective_from=0.0, effective_to=NOW - 10, id="p/m/older")
    new = [replace(each, effective_from=NOW - 10, id=f"{each.id}@new") for each in BOOK]
    shown = show_price((old, *new), "p", "m", NOW)
    assert shown is not None
    assert shown.sheet.basis == "book"
    assert len(shown.current) == len(BOOK)  # also the row of other hours
    assert next(each.id for each in shown.history) == "p/m/older"
    assert show_price(BOOK, "p", "unknown", NOW) is None


# --- adopting an imported list ---


def imported(**models: object) -> tuple[PriceVersion, ...]:
    document = {"provider": "p", "currency": "USD", "source": "list", "checked": "2026-11-10", "models": models}
    return read_price_list(document, is_book=False).versions


def test_an_adopted_list_begins_now_and_adopting_it_again_changes_nothing() -> None:
    rows = imported(m={"input": "2", "output": "8"})
    added = adopt_prices(BOOK, rows, NOW)
    assert {(each.id, each.effective_from) for each in added} == {
        ("own:p/m/input_token@2026-11-22T12:00:00Z", NOW),
        ("own:p/m/output_token@2026-11-22T12:00:00Z", NOW),
    }
    after = (*BOOK, *added)
    assert adopt_prices(after, rows, NOW + 60) == ()
    assert cost(after, {Meter.INPUT: 10**6, Meter.OUTPUT: 10**6}) == Decimal(10)


def test_only_models_that_changed_are_adopted_again() -> None:
    first = adopt_prices((), imported(m={"input": "2"}, n={"input": "3"}), NOW)
    second = adopt_prices(first, imported(m={"input": "2"}, n={"input": "4"}), NOW + 60)
    assert [(each.model, each.price) for each in second] == [("n", Decimal(4))]
    PriceCatalog((*first, *second))  # no two rows that cannot both be true


def test_the_past_of_an_imported_list_is_left_out_and_its_future_kept() -> None:
    rows = imported(
        m={
            "periods": [
                {"input": "10"},
                {"from": "2026-01-01", "input": "2"},
                {"from": "2027-01-01", "input": "1"},
            ]
        }
    )
    added = adopt_prices((), rows, NOW)
    assert [(each.price, each.effective_from) for each in added] == [
        (Decimal(2), NOW),
        (Decimal(1), utc("2027-01-01T00:00:00")),
    ]
    assert adopt_prices(added, rows, NOW + 60) == ()


# --- formats ---


def read_stub(text: str, name: str) -> PriceList:
    if text == "broken":
        raise ValueError(f"{name}:1: broken")
    return read_price_list(
        {"provider": "p", "currency": "USD", "source": "s", "checked": "2026-11-22", "models": {"m": {"input": text}}},
        is_book=False,
    )


def test_our_own_form_is_read_through_the_port() -> None:
    got = import_prices("2.5", "list", "2026-11-22", read_stub)
    assert [each.price for each in got.versions] == [Decimal("2.5")]
    assert import_prices("2.5", "list", "2026-11-22", read_stub, providers=["q"]).versions == ()
    with pytest.raises(PriceListInvalid, match="list:1: broken"):
        import_prices("broken", "list", "2026-11-22", read_stub)


def test_an_unknown_format_is_refused_with_the_known_ones() -> None:
    assert FORMATS == ("list", "genai-prices", "litellm", "models.dev")
    with pytest.raises(PriceListInvalid, match="genai-prices, litellm"):
        import_prices("{}", "csv", "2026-11-22", read_stub)
