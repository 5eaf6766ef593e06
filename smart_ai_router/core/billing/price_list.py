"""The page of prices: every version that bears on a configured model, with what came before it and comes after it.

Versions of models that nobody has configured are listed by `/api/admin/prices`.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from smart_ai_router.core.administrative_state import StoredPrice
from smart_ai_router.core.billing.market import Market
from smart_ai_router.core.billing.price_messages import PricingRow
from smart_ai_router.core.billing.price_words import minimum_units_of, pricing_type_of, unit_of
from smart_ai_router.core.timestamps import Instant, iso_utc_ms
from smart_ai_router.domain.errors import Refusal
from smart_ai_router.domain.pricing import PriceVersion, model_scope
from smart_ai_router.domain.pricing_versions import instant_text


class PricingUnknown(Refusal):
    """There is no price version of this id, or none that bears on a configured model."""

    status = 404
    code = "pricing_not_found"


class Listed(NamedTuple):
    """A price version, whose provider it is for, and which configured models are billed by it now."""

    version: PriceVersion
    provider_id: str
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PriceFilter:
    """Which prices to list: all conditions together."""

    provider_id: str | None = None
    model_id: str | None = None
    pricing_type: str | None = None
    in_force: bool = True  # False: all versions, past and future ones included


class PriceTable:
    """The versions that bear on the models of a market, at an instant."""

    def __init__(self, market: Market, stored: Iterable[StoredPrice], now: Instant) -> None:
        """`stored` says when the operator's own versions were entered."""
        self.market = market
        self._added_ms = {each.price.id: each.added_ms for each in stored}
        self._listed = used_versions(market, now)
        self._starts: dict[tuple[str, ...], list[float]] = defaultdict(list)
        for each in self._listed.values():
            self._starts[_figure(each.version)].append(each.version.effective_from)

    def rows(self, asked: PriceFilter) -> list[PricingRow]:
        """Versions by provider, model and pricing type; of one figure the newest first."""
        found = [each for each in self._listed.values() if _matches(each, asked)]
        found.sort(key=lambda each: each.version.effective_from, reverse=True)
        found.sort(key=lambda each: (each.provider_id, each.version.model, pricing_type_of(each.version)))
        return [self.row(each) for each in found]

    def find(self, pricing_id: str) -> Listed:
        """One version; raises PricingUnknown."""
        found = self._listed.get(pricing_id)
        if found is None:
            raise PricingUnknown(f"no price version {pricing_id[:120]!r} bears on a configured model")
        return found

    def row(self, listed: Listed) -> PricingRow:
        """A version as it is told."""
        version = listed.version
        provider = self.market.provider(listed.provider_id)
        added_ms = self._added_ms.get(version.id)
        added = None if added_ms is None else iso_utc_ms(added_ms)
        expiry = self._expiry(version)
        return PricingRow(
            id=version.id,
            model_id=version.model,
            pricing_type=pricing_type_of(version),
            unit_price=version.price,
            unit=unit_of(version),
            min_charge_unit=minimum_units_of(version),
            effective_date=instant_text(version.effective_from) if version.effective_from else None,
            expiry_date=None if expiry is None else instant_text(expiry),
            is_active=bool(listed.models),
            created_at=added,
            updated_at=added,
            provider_id=listed.provider_id,
            provider_name=listed.provider_id if provider is None else provider.display_name,
            models=listed.models,
            owner="channel" if version.channel_id is not None else "book" if version.is_book else "provider",
            channel_id=version.channel_id,
            region=version.region,
            meter=version.meter.value,
            per=version.per,
            currency=version.currency,
            service_tier=version.service_tier,
            variant=version.variant,
            context_over=version.context_over,
            output_over=version.output_over,
            with_reasoning=version.with_reasoning,
            window_utc=version.window_utc,
            weekdays_utc=version.weekdays_utc,
            minimum_charge=version.minimum_charge,
            round_up_to=version.round_up_to,
            source=version.source,
            checked=version.checked,
        )

    def _expiry(self, version: PriceVersion) -> Instant | None:
        """When the version ends: by itself, or because the next one of its figure begins."""
        later = [start for start in self._starts[_figure(version)] if start > version.effective_from]
        ends = [*later, *([] if version.effective_to is None else [version.effective_to])]
        return min(ends, default=None)


def used_versions(market: Market, now: Instant) -> dict[str, Listed]:
    """By id: every version, of any time, of the price lists that bear on configured models."""
    billed: dict[str, set[str]] = defaultdict(set)
    lists: dict[str, str] = {}  # whose prices for which model -> provider
    names: set[tuple[str, str]] = set()
    for offer in market.offers():
        provider_id = offer.channel.provider_id
        names |= {(provider_id, offer.model.name.lower()), (provider_id, offer.model.upstream_name.lower())}
        for row in market.prices(offer, now)[1]:
            billed[row.id].add(offer.model.name)
            lists[model_scope(row)] = provider_id
    provider_of = {channel.id: channel.provider_id for channel in market.snapshot.channels}
    found = {}
    for version in market.snapshot.prices:
        owner = version.provider if version.channel_id is None else provider_of.get(version.channel_id, "")
        provider = lists.get(model_scope(version))
        if provider is None and (owner, version.model.lower()) in names:
            provider = owner
        if provider is not None:
            found[version.id] = Listed(version, provider, tuple(sorted(billed.get(version.id, ()))))
    return found


def _matches(each: Listed, asked: PriceFilter) -> bool:
    return (
        (bool(each.models) or not asked.in_force)
        and asked.provider_id in {None, each.provider_id}
        and (asked.model_id is None or asked.model_id in {each.version.model, *each.models})
        and asked.pricing_type in {None, pricing_type_of(each.version)}
    )


def _figure(version: PriceVersion) -> tuple[str, ...]:
    return (model_scope(version), version.meter, version.service_tier, version.variant)
