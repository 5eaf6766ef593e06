"""The settings as the program uses them: frozen values, one class per section.

Fields carry the names of the table of settings (`table/`), which also holds their defaults; there are none here, so
that no default stands in two places. Keys that have no effect have no field. Amounts are exact Decimals, times are
seconds.
"""

from dataclasses import dataclass, field
from decimal import Decimal

from smart_ai_router.config.upstream_settings import ChannelSettings, ProviderSettings


@dataclass(frozen=True, slots=True)
class SystemSettings:
    """Name, time and currency."""

    name: str
    time_zone: str
    currency: str
    billing_currency: str
    demo_channel: str  # auto | always | never
    probe_local_servers: bool


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How the router listens."""

    host: str
    port: int
    workers: int
    debug: bool
    cors_origins: tuple[str, ...]
    request_timeout: float
    max_request_size: int
    max_connections: int
    header_timeout: float
    body_timeout: float
    keep_alive_timeout: float
    drain_timeout: float
    trusted_proxies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ApiKeySettings:
    """An API key that the file grants."""

    name: str
    key: str = field(repr=False)
    user: str
    enabled: bool
    models: tuple[str, ...]
    requests_per_minute: int | None
    concurrency: int | None


@dataclass(frozen=True, slots=True)
class AdminSettings:
    """The admin token."""

    admin_token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class AuthSettings:
    """Who may call."""

    enabled: bool
    api_token: str | None = field(repr=False)
    anonymous_loopback: bool | None  # None means: while listening on this machine only
    keys: tuple[ApiKeySettings, ...]
    admin: AdminSettings


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """Limits of keys that set none of their own."""

    requests_per_minute: int | None
    concurrency: int | None


@dataclass(frozen=True, slots=True)
class ModelFilterSettings:
    """Which models tag queries leave out."""

    min_context_length: int
    min_parameter_count: int  # in millions
    exclude_embedding_models: bool
    exclude_vision_only_models: bool


@dataclass(frozen=True, slots=True)
class SortingRuleSettings:
    """One score of a strategy."""

    field: str
    weight: float
    order: str


@dataclass(frozen=True, slots=True)
class SortingStrategySettings:
    """A strategy of the file's own."""

    name: str
    items: tuple[SortingRuleSettings, ...]


@dataclass(frozen=True, slots=True)
class CooldownSettings:
    """How long faults rest a channel."""

    server_error: float | None


@dataclass(frozen=True, slots=True)
class ErrorHandlingSettings:
    """What the file says about faults."""

    cooldown_periods: CooldownSettings


@dataclass(frozen=True, slots=True)
class RoutingSettings:
    """How candidates are ordered and failures are handled."""

    default_strategy: str
    enable_fallback: bool
    max_retry_attempts: int
    error_cooldown_period: float
    unpriced_models: str  # serve | refuse
    client_gone: str  # drain | cancel
    drain_timeout: float
    aliases: tuple[tuple[str, str], ...]
    model_filters: ModelFilterSettings
    sorting_strategies: tuple[SortingStrategySettings, ...]
    error_handling: ErrorHandlingSettings


@dataclass(frozen=True, slots=True)
class NotifierSettings:
    """One way in which alerts are sent."""

    type: str
    name: str
    enabled: bool
    url: str | None = field(repr=False)
    secret: str | None = field(repr=False)
    urls: tuple[str, ...] = field(repr=False)
    host: str | None
    port: int | None
    security: str  # starttls | ssl | plain
    username: str | None
    password: str | None = field(repr=False)
    sender: str | None
    recipients: tuple[str, ...]
    factory: str | None
    options: tuple[tuple[str, str], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """Where alerts go."""

    notifiers: tuple[NotifierSettings, ...]


@dataclass(frozen=True, slots=True)
class MonitoringSettings:
    """What is watched, and when it alarms."""

    enable_metrics: bool
    log_level: str
    errors_before_alert: int
    error_window: float
    alert_cooldown: float
    error_rate_percent: float
    error_rate_resolved_percent: float
    error_rate_calls_min: int
    alerts: AlertSettings


@dataclass(frozen=True, slots=True)
class ExtensionSettings:
    """The operator's own code, as module:name."""

    path: str | None
    monitor: str | None
    tracker: str | None


@dataclass(frozen=True, slots=True)
class CostControlSettings:
    """The budget of a day."""

    global_daily_budget: Decimal | None
    alert_threshold: Decimal
    auto_disable_on_budget_exceeded: bool
    currency: str


@dataclass(frozen=True, slots=True)
class JournalSettings:
    """Where calls are written down, and how surely."""

    durability: str  # strict | group
    logs_dir: str


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """Where the books are."""

    data_dir: str
    url: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class ExchangeRateSettings:
    """From `date` (UTC) on, one `from` is `rate` units of `to`."""

    from_: str
    to: str
    rate: Decimal
    date: str


@dataclass(frozen=True, slots=True)
class PriceListSettings:
    """Exchange rates."""

    exchange_rates: tuple[ExchangeRateSettings, ...]


@dataclass(frozen=True, slots=True)
class StatisticsSettings:
    """Dimensions of the statistics."""

    region_header: str | None


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be configured."""

    system: SystemSettings
    server: ServerSettings
    auth: AuthSettings
    limits: LimitSettings
    providers: tuple[ProviderSettings, ...]
    channels: tuple[ChannelSettings, ...]
    routing: RoutingSettings
    monitoring: MonitoringSettings
    extensions: ExtensionSettings
    cost_control: CostControlSettings
    journal: JournalSettings
    storage: StorageSettings
    prices: PriceListSettings
    statistics: StatisticsSettings

    @property
    def log_level(self) -> str:
        """The level of the program's log: DEBUG when the server runs in debug mode."""
        return "DEBUG" if self.server.debug else self.monitoring.log_level
