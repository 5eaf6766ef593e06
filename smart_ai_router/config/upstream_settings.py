"""Providers and channels as the file describes them; see `settings.py`."""

from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class TimeoutSettings:
    """Times of one upstream call; None means the next wider setting."""

    connect: float | None
    first_byte: float | None
    idle: float | None
    total: float | None


@dataclass(frozen=True, slots=True)
class PriceSettings:
    """Prices of one model, by meter; None means no row."""

    model: str
    currency: str | None
    per: int | None
    input: Decimal | None
    cached_input: Decimal | None
    cache_write_5m: Decimal | None
    cache_write_1h: Decimal | None
    audio_input: Decimal | None
    image_input: Decimal | None
    output: Decimal | None
    reasoning: Decimal | None
    audio_output: Decimal | None
    image_output: Decimal | None
    image: Decimal | None
    character: Decimal | None
    second: Decimal | None
    minute: Decimal | None
    request: Decimal | None
    search_call: Decimal | None


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """A provider as the file describes it; what it leaves open comes from the catalogue."""

    id: str
    name: str
    display_name: str
    adapter_class: str | None
    dialect: str | None
    base_url: tuple[str, ...]
    auth_type: str | None
    enabled: bool
    region: str | None
    currency: str | None
    priced_as: str | None
    rate_limit: int | None
    capabilities: tuple[str, ...]
    proxy: str | None = field(repr=False)
    tls_verify: bool
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    timeouts: TimeoutSettings
    prices: tuple[PriceSettings, ...]


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """A model as a channel lists it."""

    name: str
    upstream_name: str
    tags: tuple[str, ...]
    kind: str | None
    context_length: int | None
    max_output: int | None
    parameters: int | None
    quality: float | None


@dataclass(frozen=True, slots=True)
class TokenCostSettings:
    """The reference project's prices per token."""

    input: Decimal | None
    output: Decimal | None


@dataclass(frozen=True, slots=True)
class ThousandCostSettings:
    """The reference project's prices per 1,000 tokens."""

    input_cost_per_1k: Decimal | None
    output_cost_per_1k: Decimal | None


@dataclass(frozen=True, slots=True)
class CurrencyExchangeSettings:
    """What one unit of the price list's currency costs in another. The fields are `from` and `to` in the file."""

    from_: str | None
    to: str | None
    rate: Decimal | None
    description: str


@dataclass(frozen=True, slots=True)
class PerformanceSettings:
    """What the file knows of a channel's models."""

    quality_score: float | None


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """A channel as the file describes it."""

    id: str
    name: str
    provider: str
    api_key: str = field(repr=False)
    base_url: tuple[str, ...]
    enabled: bool
    model_name: str
    configured_models: tuple[str, ...]
    models: tuple[ModelSettings, ...]
    model_aliases: tuple[tuple[str, str], ...]
    tags: tuple[str, ...]
    capabilities: tuple[str, ...]
    priority: int
    weight: float
    daily_limit: int | None
    requests_per_minute: int | None
    concurrency: int | None
    min_request_interval: float
    local: bool | None
    region: str | None
    proxy: str | None = field(repr=False)
    tls_verify: bool | None
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    timeouts: TimeoutSettings
    performance: PerformanceSettings
    currency: str | None
    cost_per_token: TokenCostSettings
    pricing: ThousandCostSettings
    prices: tuple[PriceSettings, ...]
    currency_exchange: CurrencyExchangeSettings
