"""What an operator does with prices: list, show, set, compare, import. Values in, values out; nothing is rendered here.

Prices are appended, never edited. Setting one figure restates the model's whole price list for its owner, beginning
at the new date: the rows that do not change are carried over (from the shipped book, if the owner had none), so a
list is always complete and always of one date. A figure that differs from the one in force by a factor of 100 or
more, or that no token was ever sold for, is probably a mistaken unit: it needs an explicit confirmation.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Final, Protocol

from smart_ai_router.core.price_diff import cell_of, figures_of, in_force_by_cell, is_jump, per_unit_of
from smart_ai_router.core.price_import import FOREIGN_FORMATS, Imported, PriceListInvalid, import_foreign
from smart_ai_router.domain.meters import TOKEN_METERS
from smart_ai_router.domain.pricing import (
    STANDARD_TIER,
    PriceCatalog,
    PriceSheet,
    PriceVersion,
    model_scope,
    with_derived_id,
)
from smart_ai_router.domain.pricing_document import PriceList
from smart_ai_router.domain.pricing_units import (
    UNIT_WORDS,
    Unit,
    UnitMismatch,
    guide_minimum_charge,
    guide_round_up_to,
    guide_unit,
    plain_price,
)

OWN_FORMAT: Final = "list"  # our own form, as YAML or JSON
FORMATS: Final = (OWN_FORMAT, *FOREIGN_FORMATS)
TOKEN_PRICE_MIN: Final = Fraction(1, 10_000)  # per million tokens; the cheapest on any list is 0.0028
TOKEN_PRICE_MAX: Final = Fraction(10_000)  # the dearest is 600 USD, which is about 4,300 CNY


class PriceRefused(ValueError):
    """A price that cannot be set as asked."""

    status = 400


class PriceNeedsConfirmation(ValueError):
    """A price that looks like a mistaken unit; the same request with `confirm` sets it."""

    status = 409


class PriceStore(Protocol):
    """Where an operator's prices are kept. Appending a row that is there already changes nothing."""

    def versions(self) -> Sequence[PriceVersion]: ...

    def append(self, versions: Sequence[PriceVersion]) -> None: ...


ReadPriceList = Callable[[str, str], PriceList]  # text and file name; raises ValueError with the place


@dataclass(frozen=True, slots=True)
class PriceOrder:
    """One figure to set: for a provider, or, with `channel_id`, for one channel."""

    provider: str
    model: str
    unit: Unit
    price: Decimal
    currency: str
    channel_id: str | None = None
    region: str | None = None
    service_tier: str = STANDARD_TIER
    context_over: int = 0
    output_over: int = 0
    with_reasoning: bool = False
    minimum_charge: Decimal | None = None
    round_up_to: Decimal | None = None
    effective_from: float | None = None  # None: at once
    source: str = "operator"


@dataclass(frozen=True, slots=True)
class PriceChange:
    """What setting a price appends. Nothing when that price is in force already."""

    added: tuple[PriceVersion, ...]
    set_version: PriceVersion
    previous: PriceVersion | None
    factor: Fraction | None  # new price over old; None when there was none, or it was 0


@dataclass(frozen=True, slots=True)
class PriceShown:
    """What a model costs on a channel at an instant, and everything its owner ever charged for it."""

    sheet: PriceSheet
    current: tuple[PriceVersion, ...]
    history: tuple[PriceVersion, ...]  # oldest first


def make_order(
    provider: str,
    model: str,
    word: str,
    price: str,
    currency: str,
    *,
    unit: str | None = None,
    min_charge_unit: str | None = None,
    per: str | None = None,
    channel_id: str | None = None,
    region: str | None = None,
    service_tier: str = STANDARD_TIER,
) -> PriceOrder:
    """An order from the words of a command line or a form.

    `word` is a unit of our lists (input, output, image ...), or a pricing type of the second guide (input_token,
    audio_minute ...) with its `unit` (per_1k_tokens ...) and `min_charge_unit`. Raises PriceRefused.
    """
    try:
        figure = plain_price(price)
        if word in UNIT_WORDS and (unit or min_charge_unit):
            raise UnitMismatch(f"{word} has its unit in the word; unit and min_charge_unit go with a pricing type")
        measured = UNIT_WORDS[word] if word in UNIT_WORDS else guide_unit(word, unit)
        if per is not None:
            measured = measured._replace(per=_whole(per))
        minimum = guide_minimum_charge(figure, plain_price(min_charge_unit)) if min_charge_unit else None
    except UnitMismatch as error:
        raise PriceRefused(str(error)) from error
    return PriceOrder(
        provider=provider,
        model=model,
        unit=measured,
        price=figure,
        currency=currency,
        channel_id=channel_id,
        region=region,
        service_tier=service_tier,
        minimum_charge=minimum,
        round_up_to=None if word in UNIT_WORDS else guide_round_up_to(measured.meter),
    )


def set_price(versions: Iterable[PriceVersion], order: PriceOrder, now: float, *, confirm: bool = False) -> PriceChange:
    """The rows to append so that the order is in force from its date.

    Raises PriceRefused for a date in the past and for a list that would be in two currencies, PriceNeedsConfirmation
    for what looks like a mistaken unit.
    """
    begins_at = now if order.effective_from is None else order.effective_from
    if begins_at < now:
        raise PriceRefused("prices are appended, never edited: the date must not lie in the past")
    wanted = _ordered_version(order, begins_at)
    own, base = _list_in_force(tuple(versions), order, begins_at)
    previous = next((row for row in base if cell_of(row) == cell_of(wanted)), None)
    factor = None if previous is None or not previous.price else Fraction(per_unit_of(wanted), per_unit_of(previous))
    if own and previous is not None and figures_of(previous) == figures_of(wanted):
        return PriceChange((), previous, previous, factor)
    if own and any(row.effective_from == begins_at for row in base):
        raise PriceRefused(f"another price list of {order.model} begins at this very instant; date this one after it")
    if not confirm:
        _refuse_unlikely(wanted, previous, factor)
    others = [row for row in base if cell_of(row) != cell_of(wanted)]
    if own and any(row.currency != wanted.currency for row in others):
        raise PriceRefused(f"the other prices of {order.model} are in {others[0].currency}; set the whole list anew")
    restated = [_restated(row, wanted) for row in others if row.currency == wanted.currency]
    return PriceChange((wanted, *restated), wanted, previous, factor)


def apply_price(store: PriceStore, order: PriceOrder, now: float, *, confirm: bool = False) -> PriceChange:
    """Set a price for good: `set_price` over what the store holds, appended to it."""
    change = set_price(store.versions(), order, now, confirm=confirm)
    store.append(change.added)
    return change


def adopt_prices(
    versions: Iterable[PriceVersion], imported: Iterable[PriceVersion], now: float
) -> tuple[PriceVersion, ...]:
    """The rows to append so that imported lists are an operator's provider prices from now on.

    A model whose list is in force already adds nothing, so adopting twice changes nothing. What an imported list says
    of the past is left out: prices are appended, never edited. Its future periods keep their dates.
    """
    own = [row for row in versions if row.channel_id is None and not row.is_book]
    current = _lists_by_model(in_force_by_cell(own, now).values())
    given = tuple(row for row in imported if row.effective_to is None or row.effective_to > now)
    wanted = _lists_by_model(row for row in in_force_by_cell(given, now).values())
    later = [row for row in given if row.effective_from > now]
    kept = {row.id for row in own}
    added = [
        with_derived_id(replace(row, effective_from=now, is_book=False))
        for model, rows in wanted.items()
        if _facts(rows) != _facts(current.get(model, []))
        for row in rows
    ]
    added += [row for row in (with_derived_id(replace(row, is_book=False)) for row in later) if row.id not in kept]
    return tuple(added)


def list_prices(
    versions: Iterable[PriceVersion], now: float, provider: str | None = None, model: str | None = None
) -> tuple[PriceVersion, ...]:
    """The rows in force (whatever their hours of the day), by id; `model` is any part of a name."""
    rows = in_force_by_cell(versions, now).values()
    chosen = (
        row
        for row in rows
        if (provider is None or row.provider.lower() == provider.lower())
        and (model is None or model.lower() in row.model.lower())
    )
    return tuple(sorted(chosen, key=lambda row: row.id))


def show_price(
    versions: Iterable[PriceVersion],
    provider: str,
    model: str,
    now: float,
    *,
    channel_id: str = "",
    region: str | None = None,
) -> PriceShown | None:
    """The sheet a call would meet now, its rows, and their history; None when the model is unpriced."""
    rows = tuple(versions)
    catalog = PriceCatalog(rows)
    sheet = catalog.sheet(channel_id, provider, region, model, model, now)
    if sheet is None:
        return None
    _, current = catalog.price_list(channel_id, provider, region, model, model, now)
    scopes = {model_scope(row) for row in current}
    history = sorted((row for row in rows if model_scope(row) in scopes), key=lambda row: (row.effective_from, row.id))
    return PriceShown(sheet, current, tuple(history))


def import_prices(
    text: str,
    list_format: str,
    checked: str,
    read_list: ReadPriceList,
    providers: Collection[str] | None = None,
) -> Imported:
    """Read a price list of any known format into an operator's rows. Raises PriceListInvalid.

    `read_list` reads our own form. `checked` (YYYY-MM-DD) is the day of a foreign list. Nothing is stored: compare
    with `diff_prices`, then append what `adopt_prices` gives.
    """
    if list_format != OWN_FORMAT:
        return import_foreign(text, list_format, checked, providers)
    try:
        rows = read_list(text, OWN_FORMAT).versions
    except ValueError as error:
        raise PriceListInvalid(str(error)) from error
    return Imported(tuple(row for row in rows if providers is None or row.provider in providers), ())


def _ordered_version(order: PriceOrder, begins_at: float) -> PriceVersion:
    return with_derived_id(
        PriceVersion(
            id="",
            provider="" if order.channel_id is not None else order.provider,
            model=order.model,
            meter=order.unit.meter,
            price=order.price,
            currency=order.currency,
            per=order.unit.per,
            effective_from=begins_at,
            region=order.region,
            channel_id=order.channel_id,
            context_over=order.context_over,
            service_tier=order.service_tier,
            minimum_charge=order.minimum_charge,
            round_up_to=order.round_up_to,
            source=order.source,
            output_over=order.output_over,
            with_reasoning=order.with_reasoning,
            variant=order.unit.variant,
        )
    )


def _list_in_force(
    versions: Sequence[PriceVersion], order: PriceOrder, begins_at: float
) -> tuple[bool, tuple[PriceVersion, ...]]:
    """The list that the order changes, and whether it is the owner's own or the one that applies in its place."""
    catalog = PriceCatalog(versions)
    basis, rows = catalog.price_list(
        order.channel_id or "", order.provider, order.region, order.model, order.model, begins_at
    )
    is_own = basis == ("provider" if order.channel_id is None else "channel")
    return is_own and all(row.model.lower() == order.model.lower() for row in rows), rows


def _restated(row: PriceVersion, wanted: PriceVersion) -> PriceVersion:
    carried = replace(
        row,
        provider=wanted.provider,
        model=wanted.model,
        channel_id=wanted.channel_id,
        effective_from=wanted.effective_from,
        source=f"restated: {row.id}",
        is_book=False,
    )
    return with_derived_id(carried)


def _refuse_unlikely(wanted: PriceVersion, previous: PriceVersion | None, factor: Fraction | None) -> None:
    per_unit = per_unit_of(wanted)
    if factor is not None and is_jump(factor):
        raise PriceNeedsConfirmation(
            f"{wanted.price} per {wanted.per} of {wanted.meter} is {_times(factor)} the price in force "
            f"({previous.price if previous else ''} per {previous.per if previous else ''}); is the unit right?"
        )
    per_million = per_unit * 1_000_000
    if wanted.meter in TOKEN_METERS and per_unit and not TOKEN_PRICE_MIN <= per_million <= TOKEN_PRICE_MAX:
        raise PriceNeedsConfirmation(
            f"{wanted.price} per {wanted.per} tokens is no price that a token was ever sold for; is the unit right?"
        )


def _times(factor: Fraction) -> str:
    if factor >= 1:
        return f"{factor.numerator // factor.denominator} times"
    return "0" if not factor else f"1/{factor.denominator // factor.numerator} of"


def _lists_by_model(rows: Iterable[PriceVersion]) -> dict[str, list[PriceVersion]]:
    lists: dict[str, list[PriceVersion]] = {}
    for row in rows:
        lists.setdefault(f"{row.provider}:{row.region or ''}/{row.model}".lower(), []).append(row)
    return lists


def _facts(rows: Iterable[PriceVersion]) -> set[tuple[object, ...]]:
    return {(cell_of(row), figures_of(row), row.effective_to) for row in rows}


def _whole(text: str) -> int:
    number = plain_price(text)
    if number < 1 or number != number.to_integral_value():
        raise UnitMismatch(f"{text} is not a whole number of units")
    return int(number)
