"""Providers and models as the billing pages list them: what is on offer, what it costs, and why something is off."""

from collections import defaultdict
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final

from smart_ai_router.core.billing.market import ALL_MODELS, Market, Offer
from smart_ai_router.core.billing.model_messages import ModelChannel, ModelFacts, ModelPrice, ProviderFacts
from smart_ai_router.core.billing.price_words import pricing_type_of, unit_of
from smart_ai_router.core.snapshot import ModelDisabled
from smart_ai_router.core.statistics.ratios import ratio
from smart_ai_router.core.timestamps import Instant
from smart_ai_router.domain.budgets import REASON_SPENT
from smart_ai_router.domain.channel import Channel, Provider
from smart_ai_router.domain.errors import Refusal
from smart_ai_router.domain.meters import Meter
from smart_ai_router.domain.pools import REASON_NO_MONEY
from smart_ai_router.domain.pricing import STANDARD_TIER, PriceVersion

TEXT_ENABLED: Final = "启用"
TEXT_DISABLED: Final = "禁用"
_KEY_END_SHOWN: Final = 4
_KEY_LENGTH_MIN: Final = 12  # of a key whose end may be shown: a third of it at most


class ModelStatus(StrEnum):
    """Whether a model can be called."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    NO_MONEY = "no_money"


class Cause(StrEnum):
    """Why a model is off."""

    MONEY = "money"  # its provider's pool is empty
    BUDGET = "budget"  # the daily budget is spent
    HAND = "hand"
    CONFIGURATION = "configuration"


_CAUSES: Final = {REASON_NO_MONEY: Cause.MONEY, REASON_SPENT: Cause.BUDGET}


class ProviderUnknown(Refusal):
    """No provider of this id is configured."""

    status = 404
    code = "provider_not_found"


class OfferUnknown(Refusal):
    """No model of this id is configured."""

    status = 404
    code = "model_not_found"


def list_providers(market: Market) -> list[ProviderFacts]:
    """Every configured provider, by id."""
    channels: dict[str, list[Channel]] = defaultdict(list)
    for channel in market.snapshot.channels:
        channels[channel.provider_id].append(channel)
    providers = sorted(market.snapshot.providers, key=lambda each: each.id)
    return [_provider_facts(market, each, channels[each.id]) for each in providers]


def show_provider(market: Market, provider_id: str) -> ProviderFacts:
    """One provider; raises ProviderUnknown."""
    found = next((each for each in list_providers(market) if each.id == provider_id), None)
    if found is None:
        raise ProviderUnknown(f"no provider {provider_id[:80]!r} is configured")
    return found


def list_models(market: Market, now: Instant, provider_id: str | None = None) -> list[ModelFacts]:
    """Every configured model of all providers or of one, by provider, then by name."""
    groups: dict[tuple[str, str], list[Offer]] = defaultdict(list)
    for offer in market.offers():
        if provider_id is None or offer.channel.provider_id == provider_id:
            groups[offer.channel.provider_id, offer.model.name].append(offer)
    return [_model_facts(market, sorted(groups[key], key=_place), now) for key in sorted(groups)]


def show_model(market: Market, model_id: str, now: Instant) -> ModelFacts:
    """One model by provider and name (openai/gpt-4o-mini); raises OfferUnknown."""
    provider_id = model_id.partition("/")[0]
    found = next((each for each in list_models(market, now, provider_id) if each.id == model_id), None)
    if found is None:
        raise OfferUnknown(f"no model {model_id[:80]!r} is configured; the id is provider/model")
    return found


def _provider_facts(market: Market, provider: Provider, channels: list[Channel]) -> ProviderFacts:
    disabled = market.disabled(provider.id, ALL_MODELS)
    is_enabled = provider.enabled and disabled is None
    text = TEXT_DISABLED if disabled is None else disabled.reason or TEXT_DISABLED
    return ProviderFacts(
        id=provider.id,
        name=provider.id,
        display_name=provider.display_name,
        enabled=is_enabled,
        created_at=None,
        updated_at=None,
        status_text=TEXT_ENABLED if is_enabled else text,
        dialect=provider.dialect,
        base_url=provider.base_url,
        region=provider.region,
        channel_count=len(channels),
        model_count=len({model.name for channel in channels for model in channel.models}),
    )


def _model_facts(market: Market, offers: list[Offer], now: Instant) -> ModelFacts:
    """The facts of one model; its channels come in the order of their priority."""
    first = offers[0]
    provider = market.provider(first.channel.provider_id)
    is_configured = (provider is None or provider.enabled) and any(offer.channel.enabled for offer in offers)
    disabled = market.disabled(first.channel.provider_id, first.model.name)
    status, text, cause = _status(is_configured, disabled)
    owner, rows = market.prices(first, now)
    return ModelFacts(
        id=f"{first.channel.provider_id}/{first.model.name}",
        provider_id=first.channel.provider_id,
        model_code=first.model.name,
        model_name=first.model.name,
        model_type=first.model.kind,
        enabled=status is ModelStatus.ENABLED,
        provider=first.channel.provider_id,
        provider_name=first.channel.provider_id if provider is None else provider.display_name,
        capability=first.model.kind,
        api_key=masked(first.channel.api_key),
        base_url=first.channel.base_url,
        is_default=False,
        priority=first.channel.priority,
        cost_per_token=_cost_per_token(rows),
        is_active=status is ModelStatus.ENABLED,
        description=None,
        created_at=None,
        updated_at=None,
        status=status.value,
        status_text=text,
        disabled_cause=cause,
        priced=bool(rows),
        price_owner=owner or None,
        prices=tuple(_price(row) for row in rows if _is_plain(row)),
        channels=tuple(_channel(offer) for offer in offers),
        tags=tuple(dict.fromkeys(tag for offer in offers for tag in (*offer.channel.tags, *offer.model.tags))),
        context_tokens=first.model.context_tokens,
        output_tokens_max=first.model.output_tokens_max,
    )


def masked(api_key: str) -> str:
    """An upstream key as it may be shown: its last characters, or nothing of a short one."""
    if not api_key:
        return ""
    return f"****{api_key[-_KEY_END_SHOWN:]}" if len(api_key) >= _KEY_LENGTH_MIN else "****"


def _status(is_configured: bool, disabled: ModelDisabled | None) -> tuple[ModelStatus, str, str | None]:
    if disabled is not None:
        cause = _CAUSES.get(disabled.reason, Cause.HAND)
        status = ModelStatus.NO_MONEY if cause is Cause.MONEY else ModelStatus.DISABLED
        return status, disabled.reason or TEXT_DISABLED, cause.value
    if not is_configured:
        return ModelStatus.DISABLED, TEXT_DISABLED, Cause.CONFIGURATION.value
    return ModelStatus.ENABLED, TEXT_ENABLED, None


def _channel(offer: Offer) -> ModelChannel:
    channel, model = offer
    return ModelChannel(
        channel.id, channel.name, channel.enabled, model.upstream_name, channel.priority, masked(channel.api_key)
    )


def _place(offer: Offer) -> tuple[bool, int, str]:
    """Channels that are on come first, then by priority."""
    return (not offer.channel.enabled, offer.channel.priority, offer.channel.id)


def _is_plain(row: PriceVersion) -> bool:
    conditions = (row.context_over, row.output_over, row.with_reasoning, row.window_utc)
    return row.service_tier == STANDARD_TIER and not any(conditions)


def _price(row: PriceVersion) -> ModelPrice:
    return ModelPrice(pricing_type_of(row), row.price, unit_of(row), row.currency)


def _cost_per_token(rows: tuple[PriceVersion, ...]) -> Decimal | None:
    for row in rows:
        if row.meter is Meter.INPUT and _is_plain(row) and not row.variant:
            return ratio(Fraction(row.price), row.per)
    return None
