"""Providers, channels and the models behind them, as the router sees them.

A provider is a company and an endpoint; a channel is one key at a provider, with models, tags, limits and prices.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long each phase of an upstream call may take, in seconds."""

    connect_s: float = 10.0
    first_byte_s: float = 300.0
    idle_s: float = 120.0  # between two reads of a reply that has begun
    total_s: float = 1800.0


@dataclass(frozen=True, slots=True)
class Provider:
    """A company and an endpoint."""

    id: str
    display_name: str
    dialect: str  # the module in `providers/` that speaks to it, e.g. "openai"
    base_url: str
    auth_type: str = "bearer"  # bearer | x-api-key | none
    region: str | None = None
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class ChannelModel:
    """One model that a channel serves."""

    name: str  # what clients ask for
    upstream_name: str  # what the provider calls it
    tags: tuple[str, ...] = ()  # split parts and complete segments of the name (see `tags.py`) and configured tags
    parameter_count: int | None = None  # from the name or the file: qwen3-30b -> 30_000_000_000
    context_tokens: int | None = None
    output_tokens_max: int | None = None
    kind: str = "chat"  # chat | embedding | image | audio | video | rerank | moderation
    quality: float | None = None  # 0..1, from the file; None means unknown


@dataclass(frozen=True, slots=True)
class Channel:
    """One key at a provider."""

    id: str
    name: str
    provider_id: str
    dialect: str
    base_url: str
    api_key: str = field(repr=False)  # never printed
    auth_type: str = "bearer"
    models: tuple[ChannelModel, ...] = ()
    tags: tuple[str, ...] = ()
    enabled: bool = True
    priority: int = 100  # smaller first
    weight: float = 1.0
    is_local: bool = False
    is_demo: bool = False
    region: str | None = None
    daily_limit: int | None = None  # calls per day; None means no limit
    requests_per_minute_max: int | None = None
    concurrency_max: int | None = None
    min_request_interval_s: float = 0.0
    proxy: str | None = None  # http://host:port for CONNECT
    tls_verify: bool = True
    timeouts: Timeouts = Timeouts()
    extra_headers: tuple[tuple[str, str], ...] = ()
