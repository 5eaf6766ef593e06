"""An operator's own prices: set, imported, listed; never edited, never such that nobody can bill by them."""

from decimal import Decimal
from typing import Any

import pytest

from smart_ai_router.core.administration_messages import NewPrices, PriceFigure, PriceImport, PricesOutcome
from smart_ai_router.core.price_changes import PricesConflict
from smart_ai_router.core.price_import import PriceListInvalid
from smart_ai_router.core.price_setting import PriceNeedsConfirmation, PriceRefused
from smart_ai_router.core.users_and_keys import FieldInvalid
from smart_ai_router.domain.errors import Refusal
from smart_ai_router.domain.meters import Meter, Quantity
from smart_ai_router.domain.money import pico_to_decimal
from smart_ai_router.domain.pricing import PriceCatalog, price_usage
from tests.core.administration_samples import NOW, Office, by
from tests.domain.pricing_samples import row, used

BOOK = (row(Meter.INPUT, "2.5"), row(Meter.CACHED_INPUT, "1.25"), row(Meter.OUTPUT, "10"))
MILLION: dict[Meter, Quantity] = {Meter.INPUT: 10**6, Meter.CACHED_INPUT: 10**6, Meter.OUTPUT: 10**6}
LIST = """\
provider: p
currency: USD
source: https://p.example/prices
checked: 2026-11-20
models:
  m: {input: INPUT, output: 9}
  n: {input: 1, output: 2}
"""


@pytest.fixture
def office() -> Office:
    """With a book of one model."""
    return Office(prices=BOOK)


def asked(*figures: tuple[str, str], **given: Any) -> NewPrices:
    prices = tuple(PriceFigure(word, Decimal(price)) for word, price in figures)
    return NewPrices(**{"provider_id": "p", "model_id": "m", "currency": "USD", "prices": prices, **given})


def imported(price: str = "2", **given: Any) -> PriceImport:
    return PriceImport(LIST.replace("INPUT", price), **given)


def cost(office: Office, at: float = NOW, model: str = "m") -> Decimal | None:
    """What a million of each costs, by the prices that the gateway gets."""
    sheet = PriceCatalog((*office.store.state().prices, *office.prices)).sheet("ch", "p", None, model, model, at)
    return None if sheet is None else pico_to_decimal(price_usage(sheet, used(MILLION)).total_cost)


def ids(outcome: PricesOutcome) -> list[str]:
    return sorted(each.id for each in outcome.added)


# --- setting ---


def test_figures_that_are_set_together_begin_at_once_with_the_rest_of_the_list(office: Office) -> None:
    office.clock.now = NOW + 0.75

    outcome = office.verbs.set_prices(asked(("input", "3"), ("output", "12")), by())

    assert ids(outcome) == [
        "own:p/m/cached_input_token@2026-11-22T12:00:00Z",
        "own:p/m/input_token@2026-11-22T12:00:00Z",
        "own:p/m/output_token@2026-11-22T12:00:00Z",
    ]
    assert [(each.old.price, each.new.price, each.unlikely) for each in outcome.changed] == [
        (Decimal("2.5"), Decimal(3), False),
        (Decimal(10), Decimal(12), False),
    ]
    assert (outcome.dry_run, outcome.effective) == (False, True)
    assert cost(office) == Decimal("16.25")
    assert cost(office, NOW - 1) == Decimal("13.75")


def test_a_second_change_within_the_second_begins_with_the_next_one(office: Office) -> None:
    office.verbs.set_prices(asked(("output", "12")), by())
    office.verbs.set_prices(asked(("output", "14")), by())

    assert cost(office, NOW) == Decimal("15.75")
    assert cost(office, NOW + 1) == Decimal("17.75")


def test_a_price_that_is_in_force_already_records_nothing(office: Office) -> None:
    office.verbs.set_prices(asked(("output", "12")), by())
    office.clock.now = NOW + 60

    again = office.verbs.set_prices(asked(("output", "12")), by())

    assert (again.added, again.unchanged) == ((), 1)
    assert len(office.verbs.audit().entries) == 1


def test_a_price_may_begin_later_but_not_earlier(office: Office) -> None:
    office.verbs.set_prices(asked(("output", "12"), effective_from="2026-12-01"), by())
    assert cost(office) == Decimal("13.75")
    assert cost(office, NOW + 40 * 86_400) == Decimal("15.75")

    with pytest.raises(PriceRefused, match="never edited"):
        office.verbs.set_prices(asked(("output", "12"), effective_from="2026-11-21"), by())
    with pytest.raises(PriceRefused, match="this very instant"):
        office.verbs.set_prices(asked(("input", "1"), effective_from="2026-12-01"), by())


def test_a_dry_run_shows_everything_and_stores_nothing(office: Office) -> None:
    outcome = office.verbs.set_prices(asked(("output", "12000"), dry_run=True), by("k1"))

    assert (outcome.dry_run, len(outcome.added)) == (True, 3)
    assert [each.unlikely for each in outcome.changed] == [True]
    assert not office.store.prices()
    assert office.verbs.set_prices(asked(("output", "12")), by("k1")).added  # the key is still free


def test_a_mistaken_unit_needs_a_confirmation(office: Office) -> None:
    with pytest.raises(PriceNeedsConfirmation) as refused:
        office.verbs.set_prices(asked(("output", "0.00001")), by())
    assert (refused.value.status, refused.value.code) == (409, "confirmation_required")
    assert not office.store.prices()

    confirmed = office.verbs.set_prices(asked(("output", "0.00001"), confirm=True), by())
    assert len(confirmed.added) == 3


def test_a_channels_price_goes_before_its_providers(office: Office) -> None:
    office.verbs.set_prices(asked(("output", "8"), channel_id="ch"), by())

    assert cost(office) == Decimal("11.75")
    assert [each.owner for each in office.verbs.prices(channel="ch").prices] == ["channel"] * 3


def test_the_second_guides_words_are_taken(office: Office) -> None:
    figure = PriceFigure("input_token", Decimal("0.002"), unit="per_1k_tokens", min_charge_unit=Decimal(1))
    outcome = office.verbs.set_prices(NewPrices(provider_id="q", model_id="x", currency="CNY", prices=(figure,)), by())

    (added,) = outcome.added
    assert (added.meter, added.per, added.minimum_charge, added.currency) == (
        "input_token",
        1000,
        Decimal("0.002"),
        "CNY",
    )


def test_a_repeated_request_is_done_once_and_told_what_was_added(office: Office) -> None:
    first = office.verbs.set_prices(asked(("output", "12")), by("k1"))
    office.clock.now = NOW + 60
    second = office.verbs.set_prices(asked(("output", "12")), by("k1"))

    assert second.added == first.added
    assert len(office.store.prices()) == 3
    with pytest.raises(Refusal) as refused:
        office.verbs.set_prices(asked(("output", "13")), by("k1"))
    assert refused.value.status == 409


@pytest.mark.parametrize(
    ("figures", "given", "message"),
    [
        ([], {}, "1 to 64 figures"),
        ([("output", "12")] * 65, {}, "1 to 64 figures"),
        ([("output", "-1")], {}, "plain digits"),
        ([("output", "NaN")], {}, "plain digits"),
        ([("output", "1E+999")], {}, "plain digits"),
        ([("smell", "1")], {}, "no unit of price"),
        ([("output", "1"), ("output", "2")], {}, "given twice"),
        ([("output", "12")], {"currency": "usd"}, "currency code"),
        ([("output", "12")], {"currency": "DOLLAR"}, "currency code"),
        ([("output", "12")], {"service_tier": "gold"}, "serviceTier"),
        ([("output", "12")], {"provider_id": ""}, "providerId"),
        ([("output", "12")], {"model_id": "a\nb"}, "modelId"),
        ([("output", "12")], {"model_id": "a*b*"}, r"one \*"),
        ([("output", "12")], {"region": ""}, "region"),
        ([("output", "12")], {"source": "x" * 257}, "source"),
        ([("output", "12")], {"effective_from": "soon"}, "effectiveFrom"),
        ([("output", "12")], {"effective_from": "2027-01-01T00:00:00.5Z"}, "whole seconds"),
    ],
)
def test_what_is_no_price_is_refused(
    office: Office, figures: list[tuple[str, str]], given: dict[str, Any], message: str
) -> None:
    with pytest.raises(Refusal, match=message) as refused:
        office.verbs.set_prices(asked(*figures, **given), by())
    assert refused.value.status == 400
    assert not office.store.prices()


def test_a_list_that_nobody_could_bill_by_never_reaches_the_gateway(office: Office) -> None:
    """A price for a tier in one currency beside a list in another would stop every call of the model."""
    office.prices = (*BOOK, row(Meter.INPUT, "7", is_book=False, currency="CNY", model="x"))
    office.verbs.set_prices(asked(("output", "12"), model_id="x", currency="CNY"), by())

    with pytest.raises(PriceRefused, match="are in CNY"):
        office.verbs.set_prices(asked(("output", "12"), model_id="x", service_tier="batch"), by())

    assert cost(office, model="x") == Decimal(26)  # 7 for input and again for cached input, 12 for output


def test_an_import_in_another_currency_than_the_list_in_force_is_refused_whole(office: Office) -> None:
    office.verbs.set_prices(asked(("output", "12")), by())
    in_yuan = PriceImport(LIST.replace("INPUT", "15").replace("USD", "CNY"), confirm=True)

    with pytest.raises(PricesConflict) as refused:
        office.verbs.import_prices(in_yuan, by())

    assert refused.value.status == 409
    assert cost(office) == Decimal("15.75")
    assert cost(office, model="n") is None


# --- importing ---


def test_an_imported_list_becomes_the_operators_own(office: Office) -> None:
    outcome = office.verbs.import_prices(imported(), by())

    assert ids(outcome) == [
        "own:p/m/input_token@2026-11-22T12:00:00Z",
        "own:p/m/output_token@2026-11-22T12:00:00Z",
        "own:p/n/input_token@2026-11-22T12:00:00Z",
        "own:p/n/output_token@2026-11-22T12:00:00Z",
    ]
    assert cost(office) == Decimal(13)
    assert cost(office, model="n") == Decimal(4)
    assert office.verbs.audit().entries[0].subject == "prices"


def test_importing_again_changes_nothing(office: Office) -> None:
    office.verbs.import_prices(imported(), by())
    office.clock.now = NOW + 60

    again = office.verbs.import_prices(imported(), by())

    assert (again.added, again.changed, again.unchanged) == ((), (), 4)
    assert len(office.verbs.audit().entries) == 1


def test_an_import_within_the_second_of_another_begins_with_the_next_one(office: Office) -> None:
    office.verbs.import_prices(imported("2"), by())
    office.verbs.import_prices(imported("3"), by())

    assert cost(office, NOW) == Decimal(13)
    assert cost(office, NOW + 1) == Decimal(15)


def test_an_import_is_previewed_and_a_mistaken_unit_is_shown(office: Office) -> None:
    preview = office.verbs.import_prices(imported("2500", dry_run=True), by())

    assert preview.dry_run is True
    (changed, other) = sorted(preview.changed, key=lambda each: each.new.meter)
    assert (changed.old.price, changed.new.price, changed.unlikely) == (Decimal("2.5"), Decimal(2500), True)
    assert other.unlikely is False
    assert not office.store.prices()


def test_an_import_with_a_mistaken_unit_needs_a_confirmation(office: Office) -> None:
    with pytest.raises(PriceNeedsConfirmation, match=r"1 prices look .* \(own:p/m/input_token 2500 USD\)"):
        office.verbs.import_prices(imported("2500"), by())
    assert not office.store.prices()

    assert len(office.verbs.import_prices(imported("2500", confirm=True), by()).added) == 4


def test_a_first_price_that_no_token_was_ever_sold_for_needs_one_too() -> None:
    office = Office()

    with pytest.raises(PriceNeedsConfirmation, match=r"own:p/m/input_token 0\.000002 USD"):
        office.verbs.import_prices(imported("0.000002"), by())


def test_an_import_may_take_some_providers_only(office: Office) -> None:
    assert office.verbs.import_prices(imported(providers=("other",)), by()).added == ()


def test_foreign_lists_are_read_and_what_cannot_be_expressed_is_named(office: Office) -> None:
    text = '{"p": {"models": {"m": {"cost": {"input": 2, "output": 8, "smell": 3}}}}}'

    outcome = office.verbs.import_prices(PriceImport(text, "models.dev"), by())

    assert [(each.price, each.checked) for each in outcome.added] == [
        (Decimal(2), "2026-11-22"),
        (Decimal(8), "2026-11-22"),
    ]
    assert outcome.skipped == ("p/m: smell has no counterpart here",)


@pytest.mark.parametrize(
    ("content", "list_format"), [("[1, 2", "litellm"), ("provider: p", "list"), ("{}", "nonsense")]
)
def test_what_is_no_price_list_is_refused(office: Office, content: str, list_format: str) -> None:
    with pytest.raises(PriceListInvalid) as refused:
        office.verbs.import_prices(PriceImport(content, list_format), by())
    assert refused.value.status == 400


# --- listing ---


def test_prices_are_listed_by_owner_provider_model_and_channel(office: Office) -> None:
    office.verbs.set_prices(asked(("output", "12")), by())
    office.prices = (*BOOK, row(Meter.INPUT, "1", model="other", provider="q"))

    assert len(office.verbs.prices().prices) == 7
    assert {each.owner for each in office.verbs.prices(provider="P").prices} == {"book", "provider"}
    assert [each.model_id for each in office.verbs.prices(model="OTH").prices] == ["other"]
    assert office.verbs.prices(channel="ch").prices == ()


def test_what_is_past_or_still_to_come_is_listed_when_asked_for(office: Office) -> None:
    office.verbs.set_prices(asked(("output", "12")), by())
    office.clock.now = NOW + 60
    office.verbs.set_prices(asked(("output", "13"), effective_from="2026-12-01"), by())

    own = [each for each in office.verbs.prices(in_force=False).prices if each.owner == "provider"]

    assert len(own) == 6
    assert {each.effective_from for each in own} == {"2026-11-22T12:00:00Z", "2026-12-01"}
    assert len([each for each in office.verbs.prices().prices if each.owner == "provider"]) == 3


def test_prices_come_in_pages(office: Office) -> None:
    first = office.verbs.prices(limit=2)
    second = office.verbs.prices(cursor=first.next_cursor or "", limit=2)

    assert [each.id for each in (*first.prices, *second.prices)] == sorted(price.id for price in BOOK)
    assert (len(first.prices), second.next_cursor) == (2, None)
    with pytest.raises(FieldInvalid):
        office.verbs.prices(limit=0)
