"""Listing, showing, adopting, importing price lists."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from smart_ai_router.core.price_admin import (
    FORMATS,
    adopt_prices,
    import_prices,
    list_prices,
    show_price,
)
from smart_ai_router.core.price_import import PriceListInvalid
from smart_ai_router.core.price_setting import make_order, set_list
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


def cost(versions: Sequence[PriceVersion], quantities: dict[Meter, Quantity], now: float = NOW) -> Decimal:
    sheet = PriceCatalog(versions).sheet("ch", "p", None, "m", "m", now)
    assert sheet is not None
    return pico_to_decimal(price_usage(sheet, used(quantities)).total_cost)


# --- listing and showing ---


def test_a_list_shows_what_is_in_force_by_owner() -> None:
    change = set_list(BOOK, [make_order("p", "m", "output", "9", "USD")], NOW)
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
