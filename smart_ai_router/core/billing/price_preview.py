"""What a new price would come to: the calls of some days, priced again from their sums.

The sums of a channel's calls (tokens by class, images, seconds) are priced by the list that stands and by the list as
it would be, and what the books recorded stands beside them. Rollups know no call by itself: bands of long contexts,
rounding up and least charges by call, other service tiers and hours of the day are lost in them. Where the list that
stands gives the recorded cost to the last digit, none of that played a part, and the preview says that it is accurate.
"""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Final

from smart_ai_router.core.administration_messages import NewPrices
from smart_ai_router.core.billing.currency import Days
from smart_ai_router.core.billing.market import Offer
from smart_ai_router.core.billing.price_list import Listed, PriceTable
from smart_ai_router.core.billing.price_messages import PricePreview, PricingRow
from smart_ai_router.core.billing.price_setting import moment_of, order_of
from smart_ai_router.core.billing.view import BillingView, Gathered, dated_totals
from smart_ai_router.core.price_setting import FigureChange, set_list
from smart_ai_router.core.statistics.ratios import percentage, ratio
from smart_ai_router.core.statistics_store import Dimension
from smart_ai_router.core.timestamps import Instant
from smart_ai_router.domain.meters import Meter, Quantity
from smart_ai_router.domain.money import PICO_PER_UNIT
from smart_ai_router.domain.pricing import PriceCatalog, PriceSheet

_MERE_COUNTS: Final = frozenset((Meter.IMAGE, Meter.SECOND))  # may be counted beside the tokens that are billed


def preview_price(view: BillingView, table: PriceTable, prices: NewPrices, days: Days, now: Instant) -> PricePreview:
    """What one new figure would have come to in some days.

    Raises FieldInvalid, PriceRefused for what could not be set, GroupingUnavailable.
    """
    market, order = table.market, order_of(prices)
    begins_at = now + 1 if prices.effective_from is None else moment_of(prices.effective_from, "effectiveDate")
    change = set_list(market.snapshot.prices, [replace(order, effective_from=begins_at)], now, confirm=True)
    (figure,) = change.figures
    after = PriceCatalog((*market.snapshot.prices, *change.added))
    offers = [offer for offer in market.offers() if _is_priced_by(offer, prices)]
    calls = _calls(view, offers, days)
    whole = Gathered()
    for gathered in calls.values():
        whole.add_all(gathered)
    currency = view.rates.terms(prices.currency, view.today).currency
    before = [market.sheet(offer, now) for offer in offers]
    then = [_sheet(after, offer, begins_at) for offer in offers]
    counted = [calls[offer.channel.id] for offer in offers]
    current = _cost(view, zip(before, counted, strict=True), currency)
    new = _cost(view, zip(then, counted, strict=True), currency) or Fraction()
    others = whole.costs.beside(currency)
    recorded = None if others else whole.costs.exact(currency)
    difference = None if current is None else new - current
    return PricePreview(
        provider_id=prices.provider_id,
        model_id=prices.model_id,
        start_date=days.first.isoformat(),
        end_date=days.last.isoformat(),
        call_count=whole.calls,
        total_tokens=whole.input_tokens + whole.output_tokens,
        currency=currency,
        recorded_cost=None if recorded is None else ratio(recorded, 1),
        current_cost=None if current is None else ratio(current, 1),
        new_cost=ratio(new, 1),
        difference=None if difference is None else ratio(difference, 1),
        percentage=_percent(difference, current),
        accurate=current is not None and current == recorded,
        old=_old(figure, table),
        new=table.row(Listed(figure.version, prices.provider_id)),
        unlikely=figure.is_unlikely,
        complete=view.complete,
    )


def _is_priced_by(offer: Offer, prices: NewPrices) -> bool:
    channel, model = offer
    return (
        channel.provider_id == prices.provider_id
        and prices.channel_id in {None, channel.id}
        and prices.region in {None, channel.region}
        and prices.model_id.lower() in {model.name.lower(), model.upstream_name.lower()}
    )


def _calls(view: BillingView, offers: list[Offer], days: Days) -> dict[str, Gathered]:
    """What each channel did with the model."""
    found = {offer.channel.id: Gathered() for offer in offers}
    for name in {offer.model.name for offer in offers}:
        for keys, totals, day in dated_totals(view, days, (Dimension.CHANNEL,), {Dimension.MODEL: name}):
            if keys[0] in found:
                found[keys[0]].add(view.rates, totals, day)
    return found


def _cost(view: BillingView, priced: Iterable[tuple[PriceSheet | None, Gathered]], currency: str) -> Fraction | None:
    """What these calls cost at these lists in a currency; None when some have no price, or none in this currency."""
    total = Fraction()
    for sheet, calls in priced:
        if not calls.calls:
            continue
        amount = None if sheet is None else _amount(sheet, calls)
        if sheet is None or amount is None:
            return None
        terms = view.rates.terms(sheet.currency, view.today)
        if terms.currency != currency:
            return None
        total += amount * terms.factor.numerator / terms.factor.denominator
    return total


def _amount(sheet: PriceSheet, calls: Gathered) -> Fraction | None:
    """Sums times standard prices, in units of the sheet's currency; None when a price is missing."""
    band = sheet.standard.bands[-1]  # the one without conditions
    total = Fraction() if band.request_rate is None else band.request_rate.value * calls.calls
    for meter, quantity in _quantities(calls):
        rate = band.rates.get(meter)
        if rate is not None:
            total += rate.value * Fraction(quantity)
        elif quantity and not band.bills_requests_only and meter not in _MERE_COUNTS:
            return None
    return total / PICO_PER_UNIT


def _quantities(calls: Gathered) -> tuple[tuple[Meter, Quantity], ...]:
    return (
        (Meter.INPUT, calls.input_tokens - calls.cached_tokens),
        (Meter.CACHED_INPUT, calls.cached_tokens),
        (Meter.OUTPUT, calls.output_tokens - calls.reasoning_tokens),
        (Meter.REASONING, calls.reasoning_tokens),
        (Meter.IMAGE, calls.images),
        (Meter.SECOND, Decimal(calls.media_ms) / 1000),
    )


def _sheet(catalog: PriceCatalog, offer: Offer, at: Instant) -> PriceSheet | None:
    channel, model = offer
    return catalog.sheet(channel.id, channel.provider_id, channel.region, model.upstream_name, model.name, at)


def _old(figure: FigureChange, table: PriceTable) -> PricingRow | None:
    if figure.previous is None:
        return None
    return table.row(Listed(figure.previous, figure.previous.provider))


def _percent(difference: Fraction | None, base: Fraction | None) -> Decimal | None:
    if difference is None or not base:
        return None
    share = difference / base
    return percentage(share.numerator, share.denominator)
