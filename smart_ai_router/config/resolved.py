"""Providers with the catalogue's knowledge filled in where the file says nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from smart_ai_router.config.addresses import base_address
from smart_ai_router.config.catalogue import KnownProvider, known_provider
from smart_ai_router.config.settings import Settings
from smart_ai_router.config.table.providers import ADAPTER_DIALECTS
from smart_ai_router.config.upstream_settings import PriceSettings, ProviderSettings, TimeoutSettings
from smart_ai_router.domain.channel import Provider, Timeouts

DEFAULT_DIALECT: Final = "openai"
NO_TIMEOUTS: Final = TimeoutSettings(None, None, None, None)


@dataclass(frozen=True, slots=True)
class ResolvedProvider:
    """A provider, complete."""

    id: str
    display_name: str
    dialect: str
    base_urls: tuple[str, ...]  # as written; empty when neither the file nor the catalogue knows one
    auth_type: str
    enabled: bool
    region: str | None
    currency: str
    priced_as: str | None
    rate_limit: int | None
    tags: tuple[str, ...]
    proxy: str | None
    tls_verify: bool
    headers: tuple[tuple[str, str], ...]
    timeouts: TimeoutSettings
    prices: tuple[PriceSettings, ...]
    default_models: tuple[str, ...]
    default_channel_name: str
    is_local: bool

    def as_provider(self) -> Provider:
        """The provider as the router sees it."""
        return Provider(
            id=self.id,
            display_name=self.display_name,
            dialect=self.dialect,
            base_url=base_address(self.base_urls[0]).base_url if self.base_urls else "",
            auth_type=self.auth_type,
            region=self.region,
            enabled=self.enabled,
        )


def resolve_provider(provider_id: str, settings: Settings) -> ResolvedProvider | None:
    """The provider of this name: the file's, completed by the catalogue, or the catalogue's; None if neither has it."""
    known = known_provider(provider_id)
    for each in settings.providers:
        if each.id == provider_id:
            return _from_file(each, known)
    return None if known is None else from_catalogue(known)


def from_catalogue(known: KnownProvider) -> ResolvedProvider:
    """A provider of which the file says nothing."""
    return ResolvedProvider(
        id=known.id,
        display_name=known.display_name,
        dialect=DEFAULT_DIALECT,
        base_urls=(known.base_url,),
        auth_type="none" if known.is_local else "bearer",
        enabled=True,
        region=known.region,
        currency=known.currency,
        priced_as=None,
        rate_limit=None,
        tags=(),
        proxy=None,
        tls_verify=True,
        headers=(),
        timeouts=NO_TIMEOUTS,
        prices=(),
        default_models=known.models,
        default_channel_name=known.default_channel_name,
        is_local=known.is_local,
    )


def timeouts_of(levels: tuple[TimeoutSettings, ...], first_byte_s: float) -> Timeouts:
    """The narrowest level that says something, field by field; `first_byte_s` is the server's request_timeout."""
    default = Timeouts()

    def first(name: str, fallback: float) -> float:
        given = (getattr(level, name) for level in levels)
        return float(next((value for value in given if value is not None), fallback))

    return Timeouts(
        connect_s=first("connect", default.connect_s),
        first_byte_s=first("first_byte", first_byte_s),
        idle_s=first("idle", default.idle_s),
        total_s=first("total", default.total_s),
    )


def _from_file(provider: ProviderSettings, known: KnownProvider | None) -> ResolvedProvider:
    adapter_dialect = ADAPTER_DIALECTS.get(provider.adapter_class or "")
    name = provider.display_name or provider.name or (known.display_name if known else provider.id)
    is_local = bool(known and known.is_local)
    return ResolvedProvider(
        id=provider.id,
        display_name=name,
        dialect=provider.dialect or adapter_dialect or DEFAULT_DIALECT,
        base_urls=provider.base_url or ((known.base_url,) if known else ()),
        auth_type=provider.auth_type or ("none" if is_local else "bearer"),
        enabled=provider.enabled,
        region=provider.region or (known.region if known else None),
        currency=provider.currency or (known.currency if known else "USD"),
        priced_as=provider.priced_as,
        rate_limit=provider.rate_limit,
        tags=lower_tags(provider.capabilities),
        proxy=provider.proxy,
        tls_verify=provider.tls_verify,
        headers=provider.headers,
        timeouts=provider.timeouts,
        prices=provider.prices,
        default_models=known.models if known else (),
        default_channel_name=name if name != provider.id or not known else known.default_channel_name,
        is_local=is_local,
    )


def lower_tags(tags: tuple[str, ...]) -> tuple[str, ...]:
    """Tags as queries compare them."""
    return tuple(dict.fromkeys(tag.strip().lower() for tag in tags if tag.strip()))


def resolve_providers(settings: Settings) -> Mapping[str, ResolvedProvider]:
    """Every provider that the file declares or that one of its channels names, by the name used there."""
    names = (*(each.id for each in settings.providers), *(channel.provider for channel in settings.channels))
    found = ((name, resolve_provider(name, settings)) for name in dict.fromkeys(names))
    return {name: provider for name, provider in found if provider is not None}


def identified(settings: Settings) -> Settings:
    """Every channel with an id and a name, made from its provider where the file gives none."""
    providers = resolve_providers(settings)
    counts: dict[str, int] = {}
    channels = []
    for channel in settings.channels:
        number = counts[channel.provider] = counts.get(channel.provider, 0) + 1
        provider = providers.get(channel.provider)
        shown = provider.display_name if provider else channel.provider
        first = provider.default_channel_name if provider else shown
        channel_id = channel.id or f"ch_{channel.provider}_{number:03d}"
        name = channel.name or (first if number == 1 else f"{shown} {number}")
        channels.append(replace(channel, id=channel_id, name=name))
    return replace(settings, channels=tuple(channels))
