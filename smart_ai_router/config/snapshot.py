"""Configuration, price book and store, made into the one picture that the gateway decides by."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from smart_ai_router.config.addresses import host_of
from smart_ai_router.config.channel_prices import exchanged
from smart_ai_router.config.channels import BuiltChannels
from smart_ai_router.config.policies import access_policy, routing_policy
from smart_ai_router.config.price_book import PriceBook
from smart_ai_router.config.problems import Notice
from smart_ai_router.config.resolved import resolve_provider
from smart_ai_router.config.settings import Settings
from smart_ai_router.config.upstream_settings import CurrencyExchangeSettings
from smart_ai_router.core.snapshot import KeyGrant, Snapshot, StoreState, User
from smart_ai_router.domain.channel import Channel
from smart_ai_router.domain.exchange import ExchangeRate
from smart_ai_router.domain.pricing import PriceVersion

FILE_USER: Final = "api"  # the user behind auth.api_token


def build_snapshot(
    settings: Settings, built: BuiltChannels, book: PriceBook, state: StoreState, *, version: int, now: float
) -> Snapshot:
    """The whole picture. `now` is seconds since 1970; `version` grows with every change.

    Users and keys of the store and of the file stand side by side; where both know an id, the store's counts, because
    it may carry a ratio or a block that the file cannot express.
    """
    channels, prices, notices = _with_price_lists(settings, built, book)
    return Snapshot(
        version=version,
        made_at=now,
        providers=built.providers,
        channels=channels,
        aliases=settings.routing.aliases,
        users=_first_by_id((*state.users, *file_users(settings))),
        keys=_keys(settings, state.keys),
        disabled=state.disabled,
        prices=(*state.prices, *built.prices, *prices),
        routing=routing_policy(settings),
        access=replace(access_policy(settings), keys_known=state.keys_known),
        currency=settings.system.currency,
        region_header=_header_name(settings.statistics.region_header),
        notes=tuple(str(notice) for notice in (*built.notices, *notices)),
        quotas=tuple(
            replace(each, currency=each.currency or settings.system.billing_currency) for each in state.quotas
        ),
        budgets=state.budgets,
        pools=state.pools,
        rates=(*file_rates(settings), *state.rates),
        quotas_enforced=state.quotas_enforced,
    )


def file_rates(settings: Settings) -> tuple[ExchangeRate, ...]:
    """The exchange rates of the file."""
    return tuple(
        ExchangeRate(each.from_, each.to, each.rate, _midnight_ms(each.date), "configuration")
        for each in settings.prices.exchange_rates
    )


def _midnight_ms(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 1000


def file_users(settings: Settings) -> tuple[User, ...]:
    """The users that the file's keys belong to."""
    names = [key.user or key.name for key in settings.auth.keys]
    if settings.auth.api_token:
        names.insert(0, FILE_USER)
    return tuple(User(id=name, name=name) for name in dict.fromkeys(names))


def file_keys(settings: Settings) -> tuple[KeyGrant, ...]:
    """The keys that the file and the environment grant, known by their SHA-256."""
    limits = settings.limits
    grants = [
        KeyGrant(
            id=f"config:{key.name}",
            sha256_hex=_sha256(key.key),
            user_id=key.user or key.name,
            name=key.name,
            enabled=key.enabled,
            models=key.models,
            requests_per_minute_max=key.requests_per_minute or limits.requests_per_minute,
            concurrency_max=key.concurrency or limits.concurrency,
        )
        for key in settings.auth.keys
    ]
    if settings.auth.api_token:
        token = KeyGrant(
            id="config:api_token",
            sha256_hex=_sha256(settings.auth.api_token),
            user_id=FILE_USER,
            name="api_token",
            requests_per_minute_max=limits.requests_per_minute,
            concurrency_max=limits.concurrency,
        )
        grants.insert(0, token)
    return tuple(grants)


def _keys(settings: Settings, stored: Iterable[KeyGrant]) -> tuple[KeyGrant, ...]:
    limits = settings.limits
    limited = (
        replace(
            key,
            requests_per_minute_max=key.requests_per_minute_max or limits.requests_per_minute,
            concurrency_max=key.concurrency_max or limits.concurrency,
        )
        for key in stored
    )
    return (*limited, *file_keys(settings))


def _with_price_lists(
    settings: Settings, built: BuiltChannels, book: PriceBook
) -> tuple[tuple[Channel, ...], tuple[PriceVersion, ...], list[Notice]]:
    """The book's rows under the names that this configuration uses, and the channels that find them.

    A provider gets the list of its endpoint or name, or of `priced_as`. A channel of its own region or address whose
    list is another one gets that list's rows under a region of its own. A channel with a currency exchange gets its
    list as its own prices, exchanged, unless it has prices of its own.
    """
    rows: list[PriceVersion] = []
    channels: list[Channel] = []
    notices: list[Notice] = []
    by_provider: dict[str, tuple[PriceVersion, ...]] = {}
    for provider in built.providers:
        by_provider[provider.id] = _price_list(settings, book, provider.id, provider.base_url, provider.region)
        rows.extend(by_provider[provider.id])
    exchanges = _exchanges(settings, built)
    regions: dict[tuple[str, str], tuple[PriceVersion, ...]] = {}
    for channel in built.channels:
        own = _price_list(settings, book, channel.provider_id, channel.base_url, channel.region)
        exchange = exchanges.get(channel.id)
        if exchange is not None:
            paid = tuple(_exchanged_list(channel, exchange, built.prices, own))
            rows.extend(paid)
            if not paid:
                message = f"currency_exchange has no effect, because no price of the channel is in {exchange.from_}"
                notices.append(Notice(channel.id, message))
        elif own and own != by_provider.get(channel.provider_id):
            region = channel.region or _list_region(book, channel)
            regions[channel.provider_id, region] = tuple(replace(row, region=region) for row in own)
            channels.append(replace(channel, region=region))
            continue
        channels.append(channel)
    for listed in regions.values():
        rows.extend(listed)
    return tuple(channels), tuple(rows), notices


def _list_region(book: PriceBook, channel: Channel) -> str:
    """A name for the price list of a channel's own address."""
    host = host_of(channel.base_url)
    return next((each.region or each.provider for each in book.lists if host in each.hosts), host)


def _price_list(
    settings: Settings, book: PriceBook, provider_id: str, base_url: str, region: str | None
) -> tuple[PriceVersion, ...]:
    provider = resolve_provider(provider_id, settings)
    if provider is not None and provider.priced_as:
        rows = book.for_provider(provider.priced_as, "", region)
        return tuple(replace(row, provider=provider_id) for row in rows)
    return book.for_provider(provider_id, base_url, region)


def _exchanges(settings: Settings, built: BuiltChannels) -> dict[str, CurrencyExchangeSettings]:
    """The exchange of each channel that has one, further addresses of a channel included."""
    priced = {row.channel_id for row in built.prices}
    configured = {each.id: each.currency_exchange for each in settings.channels if each.currency_exchange.rate}
    found = (
        (channel.id, configured.get(channel.id) or configured.get(channel.id.rsplit(".", 1)[0]))
        for channel in built.channels
    )
    return {channel_id: exchange for channel_id, exchange in found if exchange and channel_id not in priced}


def _exchanged_list(
    channel: Channel,
    exchange: CurrencyExchangeSettings,
    file_rows: Iterable[PriceVersion],
    book_rows: Iterable[PriceVersion],
) -> Iterable[PriceVersion]:
    """The provider's prices in the file, then the book's for models that these do not name, as the channel's own."""
    own = [row for row in file_rows if row.channel_id is None and row.provider == channel.provider_id]
    named = {row.model.lower() for row in own}
    for row in (*own, *(row for row in book_rows if row.model.lower() not in named)):
        if row.currency == exchange.from_:
            yield exchanged(replace(row, provider="", channel_id=channel.id, region=None, is_book=False), exchange)


def _first_by_id(users: Iterable[User]) -> tuple[User, ...]:
    found: dict[str, User] = {}
    for user in users:
        found.setdefault(user.id, user)
    return tuple(found.values())


def _sha256(key: str) -> str:
    return sha256(key.encode()).hexdigest()


def _header_name(name: str | None) -> str | None:
    """As a request's headers are looked up: in lower case."""
    return None if name is None else name.lower()
