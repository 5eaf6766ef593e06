"""The channels that calls can go to: the file's, or those that this machine offers by itself.

A file with channels says all there is. Without any, every well-known key in the environment makes a channel, every
local server that answers makes one, and the offline demo channel is there, so that a fresh start answers.
Whatever keeps a channel from being used is a notice, never silence.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Final, NamedTuple

from smart_ai_router.config.addresses import (
    base_address,
    is_local_address,
    openai_compatible,
    sends_key_unencrypted,
)
from smart_ai_router.config.catalogue import (
    DEMO_CHANNEL,
    DEMO_MODEL,
    DEMO_PROVIDER,
    KNOWN_PROVIDERS,
    KnownProvider,
)
from smart_ai_router.config.channel_models import channel_models
from smart_ai_router.config.channel_prices import channel_prices, missing_side, provider_prices, with_content_id
from smart_ai_router.config.defaults import channel_defaults
from smart_ai_router.config.problems import Notice, ValueRefused
from smart_ai_router.config.resolved import (
    ResolvedProvider,
    from_catalogue,
    lower_tags,
    resolve_providers,
    timeouts_of,
)
from smart_ai_router.config.settings import Settings
from smart_ai_router.config.upstream_settings import ChannelSettings
from smart_ai_router.domain.channel import Channel, ChannelModel, Provider
from smart_ai_router.domain.meters import Meter
from smart_ai_router.domain.pricing import PriceVersion
from smart_ai_router.domain.tags import routing_tags

Probe = Callable[[str], Iterable[str] | None]
"""Given a base address, the names of the models served there, or None when nothing answers in time."""

DIALECTS: Final = frozenset(("openai",))
DEMO_PRIORITY: Final = 1_000_000  # behind every other channel
_PLACEHOLDER: Final = re.compile(r"your[_-].*|.*[_-]here|<.*>|x{8,}|sk-x{4,}|sk-\.{3}|changeme", re.IGNORECASE)


class BuiltChannels(NamedTuple):
    """What calls can go to, the file's own prices, and what its writer should know."""

    providers: tuple[Provider, ...]
    channels: tuple[Channel, ...]
    prices: tuple[PriceVersion, ...]  # of channels and providers, not the book's
    notices: tuple[Notice, ...]


def build_channels(
    settings: Settings, environ: Mapping[str, str], probe: Probe | None, dialects: Collection[str] = DIALECTS
) -> BuiltChannels:
    """Providers, channels and their own prices.

    `probe` looks for a local server (bounded in time by whoever provides it; None looks nowhere); `dialects` are
    those that the program speaks.
    """
    work = _Work(settings, dialects)
    providers = resolve_providers(settings)
    if settings.channels:
        for index, channel in enumerate(settings.channels):
            work.add(channel, providers[channel.provider], f"channels[{index}]")
    else:
        work.add_from_environment(environ)
        if probe is not None and settings.system.probe_local_servers:
            work.add_local_servers(probe)
    for provider in providers.values():
        work.know(provider)
    wants_demo = {"always": True, "never": False}.get(settings.system.demo_channel)
    if wants_demo is None:
        wants_demo = not settings.channels or not any(channel.enabled for channel in work.channels)
    if wants_demo:
        work.add_demo()
    return work.built()


def is_placeholder(key: str) -> bool:
    """True for what templates and tutorials write where a key belongs."""
    return bool(_PLACEHOLDER.fullmatch(key))


class _Work:
    """Collects channels."""

    def __init__(self, settings: Settings, dialects: Collection[str]) -> None:
        self.channels: list[Channel] = []
        self._settings = settings
        self._dialects = dialects
        self._providers: dict[str, ResolvedProvider] = {}
        self._prices: list[PriceVersion] = []
        self._notices: list[Notice] = []
        self._demo: list[Provider] = []

    def built(self) -> BuiltChannels:
        providers = (*(each.as_provider() for each in self._providers.values()), *self._demo)
        return BuiltChannels(providers, tuple(self.channels), tuple(self._prices), tuple(self._notices))

    def know(self, provider: ResolvedProvider) -> None:
        if provider.id not in self._providers:
            self._providers[provider.id] = provider
            self._prices.extend(provider_prices(provider))

    def add(self, settings: ChannelSettings, provider: ResolvedProvider, path: str) -> None:
        """One channel of the file; one more for each further address."""
        self.know(provider)
        models = channel_models(settings, provider.default_models)
        for priced in settings.prices:
            if not any(_matches(priced.model, model) for model in models):
                self._notice(f"{path}.prices.{priced.model}", "matches no model of this channel, so it has no effect")
        side = missing_side(settings)
        if side:
            self._notice(path, f"has no price for {side} tokens, so its calls are recorded as unpriced")
        addresses = settings.base_url or provider.base_urls
        for index, url in enumerate(addresses):
            channel = self._channel(settings, provider, models, url, path)
            if index:
                channel = replace(
                    channel,
                    id=f"{channel.id}.{index + 1}",
                    name=f"{channel.name} ({index + 1})",
                    priority=channel.priority + index,
                )
            self.channels.append(channel)
            own = channel_prices(settings, channel.id, provider, models)
            self._prices.extend(own)
            exchange = settings.currency_exchange
            if exchange.rate is not None and own and all(row.currency != exchange.to for row in own):
                self._notice(path, f"currency_exchange has no effect, because its prices are not in {exchange.from_}")
        if len(addresses) > 1 and any((settings.daily_limit, settings.requests_per_minute, settings.concurrency)):
            self._notice(path, f"has {len(addresses)} addresses, and its limits count for each of them")

    def add_from_environment(self, environ: Mapping[str, str]) -> None:
        for known in KNOWN_PROVIDERS.values():
            variable = next((name for name in known.variables if environ.get(name, "").strip()), None)
            if variable is None:
                continue
            fields = {"provider": known.id, "api_key": environ[variable].strip(), **_identity(known)}
            try:
                settings = channel_defaults(fields)
            except ValueRefused as refused:
                self._notice(variable, f"makes no channel: {refused.message}")
                continue
            self.add(settings, from_catalogue(known), variable)

    def add_local_servers(self, probe: Probe) -> None:
        for known in KNOWN_PROVIDERS.values():
            if not known.is_local:
                continue
            names = tuple(name for name in probe(known.base_url) or () if name.strip() and name.isprintable())
            if names:
                provider = replace(from_catalogue(known), default_models=names)
                self.add(channel_defaults({"provider": known.id, **_identity(known)}), provider, known.base_url)

    def add_demo(self) -> None:
        """The offline channel: free, labelled as what it is wherever it shows."""
        model = ChannelModel(DEMO_MODEL, DEMO_MODEL, tags=(*routing_tags(DEMO_MODEL), "free"))
        channel = Channel(
            id=DEMO_CHANNEL,
            name="Demo (offline)",
            provider_id=DEMO_PROVIDER,
            dialect=DEMO_PROVIDER,
            base_url="",
            api_key="",
            auth_type="none",
            models=(model,),
            priority=DEMO_PRIORITY,
            is_local=True,
            is_demo=True,
        )
        self._demo.append(Provider(DEMO_PROVIDER, "Demo (offline)", DEMO_PROVIDER, "", "none"))
        self.channels.append(channel)
        for meter in (Meter.INPUT, Meter.OUTPUT):
            row = PriceVersion(
                id="",
                provider="",
                model=DEMO_MODEL,
                meter=meter,
                price=Decimal(0),
                currency=self._settings.system.currency,
                per=1_000_000,
                channel_id=DEMO_CHANNEL,
                source="the demo channel costs nothing",
            )
            self._prices.append(with_content_id(row))

    def _channel(
        self,
        settings: ChannelSettings,
        provider: ResolvedProvider,
        models: tuple[ChannelModel, ...],
        url: str,
        path: str,
    ) -> Channel:
        dialect, address = self._dialect(provider, url, path)
        is_local = is_local_address(address) or provider.is_local if settings.local is None else settings.local
        has_key = bool(settings.api_key) and not is_placeholder(settings.api_key)
        auth_type = "none" if is_local and not has_key else provider.auth_type
        off = "" if dialect in self._dialects else f"its provider speaks {dialect}, which this version does not"
        if not models:
            off = "it names no model"
        elif not has_key and auth_type != "none":
            off = "its api_key is a placeholder" if settings.api_key else "it has no api_key"
        if settings.enabled and provider.enabled and off:
            self._notice(path, f"the channel {settings.name} is switched off: {off}")
        if settings.api_key and sends_key_unencrypted(address):
            self._notice(path, f"{address} is not https: the key crosses the network unencrypted")
        return Channel(
            id=settings.id,
            name=settings.name,
            provider_id=provider.id,
            dialect=dialect,
            base_url=address,
            api_key=settings.api_key if has_key else "",
            auth_type=auth_type,
            models=models,
            tags=_channel_tags(settings, provider, is_local),
            enabled=settings.enabled and provider.enabled and not off,
            priority=settings.priority,
            weight=settings.weight,
            is_local=is_local,
            region=settings.region or provider.region,
            daily_limit=settings.daily_limit,
            requests_per_minute_max=settings.requests_per_minute or provider.rate_limit,
            concurrency_max=settings.concurrency,
            min_request_interval_s=settings.min_request_interval,
            proxy=settings.proxy or provider.proxy,
            tls_verify=provider.tls_verify if settings.tls_verify is None else settings.tls_verify,
            timeouts=timeouts_of((settings.timeouts, provider.timeouts), self._settings.server.request_timeout),
            extra_headers=tuple({**dict(provider.headers), **dict(settings.headers)}.items()),
        )

    def _dialect(self, provider: ResolvedProvider, url: str, path: str) -> tuple[str, str]:
        """The dialect to speak and where; a provider that also answers the OpenAI dialect is asked in that one."""
        compatible = openai_compatible(url)
        if provider.dialect not in self._dialects and compatible is not None and "openai" in self._dialects:
            self._notice(
                path, f"{provider.display_name} is reached through its OpenAI-compatible interface {compatible}"
            )
            return "openai", compatible
        address, change = base_address(url)
        if change:
            self._notice(path, change)
        return provider.dialect, address

    def _notice(self, key: str, message: str) -> None:
        notice = Notice(key, message)
        if notice not in self._notices:
            self._notices.append(notice)


def _identity(known: KnownProvider) -> dict[str, str]:
    return {"id": f"ch_{known.id}_001", "name": known.default_channel_name}


def _channel_tags(settings: ChannelSettings, provider: ResolvedProvider, is_local: bool) -> tuple[str, ...]:
    tags = lower_tags((*settings.tags, *settings.capabilities, *provider.tags))
    return tuple(dict.fromkeys((*tags, "local"))) if is_local else tags


def _matches(pattern: str, model: ChannelModel) -> bool:
    prefix, star, suffix = pattern.lower().partition("*")
    names = (model.name.lower(), model.upstream_name.lower())
    if not star:
        return prefix in names
    length = len(prefix) + len(suffix)
    return any(len(name) >= length and name.startswith(prefix) and name.endswith(suffix) for name in names)
