"""Setting a price from the page of prices: the guide's form becomes a new version.

A price with an expiry date becomes two versions: the new one, and behind it the price that stands now, from the expiry
date on. Both go through the same door as every other price, each under a key of its own that follows from the
request's, so that a repeated request changes nothing and completes what a crash cut short.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from msgspec import UNSET
from msgspec.structs import replace

from smart_ai_router.core.actions import price_version
from smart_ai_router.core.administration import Origin
from smart_ai_router.core.administration_messages import NewPrices, PriceFacts, PriceFigure
from smart_ai_router.core.administration_verbs import AdministrationVerbs
from smart_ai_router.core.administrative_state import StoredPrice
from smart_ai_router.core.billing.market import Market
from smart_ai_router.core.billing.price_list import Listed, PriceFilter, PriceTable, PricingUnknown
from smart_ai_router.core.billing.price_messages import NewPricing, PricingEdit, PricingRow
from smart_ai_router.core.billing.price_words import list_word_of, minimum_units_of, pricing_type_of, unit_of
from smart_ai_router.core.plain_json import plain_text
from smart_ai_router.core.price_changes import TEXT_CHARACTERS_MAX
from smart_ai_router.core.price_setting import PriceOrder, PriceRefused, make_order
from smart_ai_router.core.timestamps import Instant, seconds_of, utc_ms
from smart_ai_router.core.users_and_keys import FieldInvalid
from smart_ai_router.domain.errors import Refusal
from smart_ai_router.domain.money import AmountInvalid
from smart_ai_router.domain.pricing import PriceCatalog, PriceVersion

RETURN: Final = ":return"  # behind the idempotency key, for the price that follows one that ends


class PricingConditional(Refusal):
    """A figure under conditions, which the form cannot express."""

    status = 409
    code = "pricing_conditional"


@dataclass(frozen=True, slots=True)
class PriceDesk:
    """What prices are set over. `market` is what stands at the moment of asking."""

    verbs: AdministrationVerbs
    market: Callable[[], Market]
    stored: Callable[[], Sequence[StoredPrice]]
    currency: str  # of a first price, when nobody says

    def table(self, now: Instant) -> PriceTable:
        """The page as it stands."""
        return PriceTable(self.market(), self.stored(), now)


def add_pricing(desk: PriceDesk, asked: NewPricing, origin: Origin, now: Instant) -> PricingRow:
    """Append a version; raises FieldInvalid, PriceRefused, PriceNeedsConfirmation, PricesConflict."""
    return _append(desk, wanted_prices(desk, asked, now), asked.expiry_date, origin, now)


def change_pricing(desk: PriceDesk, pricing_id: str, asked: PricingEdit, origin: Origin, now: Instant) -> PricingRow:
    """Append a version of a figure that stands; raises what `add_pricing` does, PricingUnknown, PricingConditional."""
    wanted = edited_prices(desk.table(now).find(pricing_id), asked)
    return _append(desk, wanted, asked.expiry_date, origin, now)


def wanted_prices(desk: PriceDesk, asked: NewPricing, now: Instant) -> NewPrices:
    """The form as a request to set prices; raises FieldInvalid."""
    _require_active(asked.is_active)
    market = desk.market()
    provider_id = asked.provider_id or _only_provider(market, asked)
    currency = asked.currency or _currency_in_force(market, provider_id, asked, now) or desk.currency
    figure = PriceFigure(asked.pricing_type, asked.unit_price, asked.unit, asked.min_charge_unit)
    return NewPrices(
        provider_id=provider_id,
        model_id=asked.model_id,
        currency=currency,
        prices=(figure,),
        channel_id=asked.channel_id,
        region=asked.region,
        service_tier=asked.service_tier,
        effective_from=asked.effective_date,
        source=asked.source,
        confirm=asked.confirm,
    )


def edited_prices(found: Listed, asked: PricingEdit) -> NewPrices:
    """An edit as a request to set prices; raises FieldInvalid, PricingConditional."""
    _require_active(asked.is_active)
    version = found.version
    if asked.model_id not in {None, version.model}:
        raise FieldInvalid(f"modelId of this price is {version.model}; it cannot be changed", param="modelId")
    if asked.pricing_type not in {None, pricing_type_of(version)}:
        raise FieldInvalid(f"pricingType of this price is {pricing_type_of(version)}", param="pricingType")
    return NewPrices(
        provider_id=found.provider_id,
        model_id=version.model,
        currency=asked.currency or version.currency,
        prices=(_edited_figure(version, asked),),
        channel_id=version.channel_id,
        region=version.region,
        service_tier=version.service_tier,
        effective_from=asked.effective_date,
        source=asked.source,
        confirm=asked.confirm,
    )


def order_of(prices: NewPrices) -> PriceOrder:
    """The one figure of a request, measured; raises PriceRefused, FieldInvalid."""
    (figure,) = prices.prices
    return make_order(
        prices.provider_id,
        prices.model_id,
        figure.pricing_type,
        _digits(figure.price),
        prices.currency,
        unit=figure.unit,
        min_charge_unit=None if figure.min_charge_unit is None else _digits(figure.min_charge_unit),
        per=None if figure.per is None else str(figure.per),
        channel_id=prices.channel_id,
        region=prices.region,
        service_tier=prices.service_tier,
    )


def moment_of(text: str, field: str) -> Instant:
    """A date or a moment with its offset; raises FieldInvalid."""
    try:
        return seconds_of(utc_ms(text))
    except ValueError as error:
        raise FieldInvalid(f"{field}: {error}", param=field) from error


def is_same_figure(version: PriceVersion, order: PriceOrder) -> bool:
    """Whether a version is for what an order is for."""
    unit = order.unit
    return (version.meter, version.variant, version.service_tier) == (unit.meter, unit.variant, order.service_tier)


def _append(desk: PriceDesk, prices: NewPrices, expiry: str | None, origin: Origin, now: Instant) -> PricingRow:
    order = order_of(prices)
    if expiry is not None:  # all that can be wrong with it is found before anything is recorded
        begins_at = now if prices.effective_from is None else moment_of(prices.effective_from, "effectiveDate")
        _following(desk.market(), prices, order, expiry, begins_at)
    outcome = desk.verbs.set_prices(prices, origin)
    added = next((each for each in outcome.added if _is_added(each, order)), None)
    if added is not None and expiry is not None and added.effective_from is not None:
        # A repeated request is told the beginning of its first time, so this is the same request as then.
        following = _following(desk.market(), prices, order, expiry, moment_of(added.effective_from, "effectiveDate"))
        key = origin.idempotency_key
        desk.verbs.set_prices(following, origin._replace(idempotency_key=None if key is None else key + RETURN))
    table = desk.table(now)
    if added is not None:
        return _told(desk, table, added.id, prices.provider_id)
    for row in table.rows(PriceFilter(prices.provider_id)):  # nothing was added: it is in force already
        listed = table.find(row.id)
        if prices.model_id in {row.model_id, *row.models} and is_same_figure(listed.version, order):
            return row
    raise PriceRefused(f"{prices.model_id} of {prices.provider_id} is at this price already")


def _told(desk: PriceDesk, table: PriceTable, pricing_id: str, provider_id: str) -> PricingRow:
    try:
        return table.row(table.find(pricing_id))
    except PricingUnknown:  # of a model that is not configured (yet)
        stored = next(each for each in desk.stored() if each.price.id == pricing_id)
        return table.row(Listed(price_version(stored.price), provider_id))


def _following(market: Market, prices: NewPrices, order: PriceOrder, expiry: str, begins_at: Instant) -> NewPrices:
    """What is to be in force again after a price that ends: the figure before its beginning. Raises FieldInvalid."""
    ends_at = moment_of(expiry, "expiryDate")
    if ends_at <= begins_at:
        raise FieldInvalid("expiryDate lies behind effectiveDate", param="expiryDate")
    names = (prices.provider_id, prices.region, prices.model_id, prices.model_id)
    _, between = market.catalog.price_list(prices.channel_id or "", *names, ends_at - 1)
    if any(begins_at < row.effective_from and is_same_figure(row, order) for row in between):
        raise FieldInvalid("expiryDate: another version begins before it; set them one by one", param="expiryDate")
    earlier = PriceCatalog(row for row in market.snapshot.prices if row.effective_from < begins_at)
    _, rows = earlier.price_list(prices.channel_id or "", *names, begins_at)
    former = next((row for row in rows if is_same_figure(row, order) and not _conditions(row)), None)
    if former is None:
        raise FieldInvalid(
            "expiryDate needs a price before this one that is in force again afterwards; leave it out",
            param="expiryDate",
        )
    if former.currency != prices.currency:
        raise FieldInvalid(
            f"expiryDate: the price before is in {former.currency}, this one in {prices.currency}", param="expiryDate"
        )
    figure = _figure(former, former.price, None, minimum_units_of(former))
    source = f"again: {former.id}"[:TEXT_CHARACTERS_MAX]
    return replace(prices, prices=(figure,), effective_from=expiry, source=source)


def _edited_figure(version: PriceVersion, asked: PricingEdit) -> PriceFigure:
    if _conditions(version):
        raise PricingConditional(
            f"{version.id} applies under conditions (context, hours, reasoning); import a price list to change it"
        )
    least = minimum_units_of(version) if asked.min_charge_unit is UNSET else asked.min_charge_unit
    return _figure(version, asked.unit_price, asked.unit, least)


def _figure(version: PriceVersion, price: Decimal, unit: str | None, least: Decimal | None) -> PriceFigure:
    """A figure for what a version is for, measured in the same unit unless another one is given."""
    if unit is None and least is None and not version.variant and version.round_up_to is None:
        return PriceFigure(list_word_of(version), price, per=version.per)
    return PriceFigure(pricing_type_of(version), price, unit or unit_of(version), least)


def _conditions(version: PriceVersion) -> bool:
    return bool(version.context_over or version.output_over or version.with_reasoning or version.window_utc)


def _is_added(added: PriceFacts, order: PriceOrder) -> bool:
    return (added.meter, added.variant, added.service_tier) == (
        order.unit.meter.value,
        order.unit.variant,
        order.service_tier,
    ) and not (added.context_over or added.output_over or added.with_reasoning or added.window_utc)


def _only_provider(market: Market, asked: NewPricing) -> str:
    """The provider of a model that only one has, or of the channel that the price is for."""
    offers = [offer for offer in market.offers() if asked.channel_id in {None, offer.channel.id}]
    found = sorted({offer.channel.provider_id for offer in offers if offer.model.name == asked.model_id})
    if len(found) != 1:
        told = f"has it at {', '.join(found)}" if found else "is configured nowhere"
        raise FieldInvalid(f"providerId is needed: the model {told}", param="providerId")
    return found[0]


def _currency_in_force(market: Market, provider_id: str, asked: NewPricing, now: Instant) -> str | None:
    _, rows = market.catalog.price_list(
        asked.channel_id or "", provider_id, asked.region, asked.model_id, asked.model_id, now
    )
    return rows[0].currency if rows else None


def _require_active(is_active: bool) -> None:
    if not is_active:
        raise FieldInvalid(
            "isActive: prices are appended; one that is to begin later has an effectiveDate", param="isActive"
        )


def _digits(number: Decimal) -> str:
    try:
        return plain_text(number)
    except AmountInvalid as error:
        raise FieldInvalid(f"{number} is not a price in plain digits such as 0.075", param="unitPrice") from error
