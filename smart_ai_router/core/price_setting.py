"""Setting figures of a price list.

Prices are appended, never edited. Setting some figures restates the model's whole price list for its owner, beginning
at the new date: the rows that do not change are carried over (from the shipped book, if the owner had none), so a
list is always complete and always of one date. A figure that differs from the one in force by a factor of 100 or
more, or that no token was ever sold for, is probably a mistaken unit: it needs an explicit confirmation.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Final

from smart_ai_router.core.price_diff import cell_of, figures_of, is_jump, per_unit_of
from smart_ai_router.domain.errors import Refusal
from smart_ai_router.domain.meters import TOKEN_METERS
from smart_ai_router.domain.pricing import STANDARD_TIER, PriceCatalog, PriceVersion, with_derived_id
from smart_ai_router.domain.pricing_units import (
    PRICING_TYPES,
    UNIT_WORDS,
    Unit,
    UnitMismatch,
    guide_minimum_charge,
    guide_round_up_to,
    guide_unit,
    plain_price,
)

TOKEN_PRICE_MIN: Final = Fraction(1, 10_000)  # per million tokens; the cheapest on any list is 0.0028
TOKEN_PRICE_MAX: Final = Fraction(10_000)  # the dearest is 600 USD, which is about 4,300 CNY


class PriceRefused(Refusal):
    """A price that cannot be set as asked."""

    code = "price_refused"


class PriceInstantTaken(PriceRefused):
    """Another list of the model begins at the same instant."""


class PriceNeedsConfirmation(Refusal):
    """A price that looks like a mistaken unit; the same request with `confirm` sets it."""

    status = 409
    code = "confirmation_required"


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
class FigureChange:
    """One figure that was asked for, and the one it replaces."""

    version: PriceVersion
    previous: PriceVersion | None
    factor: Fraction | None  # new price over old; None when there was none, or it was 0

    @property
    def is_new(self) -> bool:
        """True when the figure differs from the one in force."""
        return self.previous is None or figures_of(self.previous) != figures_of(self.version)

    @property
    def is_unlikely(self) -> bool:
        """True when it looks like a mistaken unit."""
        return (self.factor is not None and is_jump(self.factor)) or is_unlikely(self.version)


@dataclass(frozen=True, slots=True)
class ListChange:
    """What setting several figures of one list appends. Nothing when all of them are in force already."""

    added: tuple[PriceVersion, ...]
    figures: tuple[FigureChange, ...]  # in the order of the orders


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
        has_more = bool(unit or min_charge_unit)  # "image" is a word of ours, and a pricing type as well
        if has_more and word in UNIT_WORDS and word not in PRICING_TYPES:
            raise UnitMismatch(f"{word} has its unit in the word; unit and min_charge_unit go with a pricing type")
        measured = guide_unit(word, unit) if has_more or word not in UNIT_WORDS else UNIT_WORDS[word]
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


def set_list(
    versions: Iterable[PriceVersion], orders: Sequence[PriceOrder], now: float, *, confirm: bool = False
) -> ListChange:
    """The rows to append so that all these figures of one price list are in force from their date.

    Raises PriceRefused for a date in the past, for figures of different lists and for a list that would be in two
    currencies, PriceNeedsConfirmation for what looks like a mistaken unit.
    """
    order = _common(orders)
    begins_at = now if order.effective_from is None else order.effective_from
    if begins_at < now:
        raise PriceRefused("prices are appended, never edited: the date must not lie in the past")
    wanted = {cell_of(row): row for row in (_ordered_version(each, begins_at) for each in orders)}
    if len(wanted) < len(orders):
        raise PriceRefused(f"one figure of {order.model} is given twice")
    own, base = _list_in_force(tuple(versions), order, begins_at)
    before = {cell_of(row): row for row in base}
    figures = tuple(_figure_change(row, before.get(cell)) for cell, row in wanted.items())
    if own and not any(figure.is_new for figure in figures):
        return ListChange((), figures)
    if own and any(row.effective_from == begins_at for row in base):
        raise PriceInstantTaken(
            f"another price list of {order.model} begins at this very instant; date this one after it"
        )
    for figure in figures if not confirm else ():
        if figure.is_new:
            _refuse_unlikely(figure.version, figure.previous, figure.factor)
    others = [row for cell, row in before.items() if cell not in wanted]
    if own and any(row.currency != order.currency for row in others):
        raise PriceRefused(f"the other prices of {order.model} are in {others[0].currency}; set the whole list anew")
    pattern = figures[0].version
    restated = [_restated(row, pattern) for row in others if row.currency == order.currency]
    return ListChange((*(figure.version for figure in figures), *restated), figures)


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


def is_unlikely(version: PriceVersion) -> bool:
    """True for a price per token that no token was ever sold for: probably a mistaken unit."""
    per_million = per_unit_of(version) * 1_000_000
    return version.meter in TOKEN_METERS and bool(per_million) and not TOKEN_PRICE_MIN <= per_million <= TOKEN_PRICE_MAX


def _common(orders: Sequence[PriceOrder]) -> PriceOrder:
    """An order that stands for all, as to owner, model, currency and date."""
    if not orders:
        raise PriceRefused("there is no figure to set")
    first = orders[0]
    for order in orders[1:]:
        same = replace(
            order,
            unit=first.unit,
            price=first.price,
            minimum_charge=first.minimum_charge,
            round_up_to=first.round_up_to,
            service_tier=first.service_tier,
            context_over=first.context_over,
            output_over=first.output_over,
            with_reasoning=first.with_reasoning,
        )
        if same != first:
            raise PriceRefused("figures that are set together are of one model, one currency and one date")
    return first


def _figure_change(wanted: PriceVersion, previous: PriceVersion | None) -> FigureChange:
    factor = None if previous is None or not previous.price else Fraction(per_unit_of(wanted), per_unit_of(previous))
    return FigureChange(wanted, previous, factor)


def _refuse_unlikely(wanted: PriceVersion, previous: PriceVersion | None, factor: Fraction | None) -> None:
    if factor is not None and is_jump(factor):
        raise PriceNeedsConfirmation(
            f"{wanted.price} per {wanted.per} of {wanted.meter} is {_times(factor)} the price in force "
            f"({previous.price if previous else ''} per {previous.per if previous else ''}); is the unit right?"
        )
    if is_unlikely(wanted):
        raise PriceNeedsConfirmation(
            f"{wanted.price} per {wanted.per} tokens is no price that a token was ever sold for; is the unit right?"
        )


def _times(factor: Fraction) -> str:
    if factor >= 1:
        return f"{factor.numerator // factor.denominator} times"
    return "0" if not factor else f"1/{factor.denominator // factor.numerator} of"


def _whole(text: str) -> int:
    number = plain_price(text)
    if number < 1 or number != number.to_integral_value():
        raise UnitMismatch(f"{text} is not a whole number of units")
    return int(number)
