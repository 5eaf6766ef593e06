"""The immutable picture of everything the gateway decides by, swapped whole.

The control plane makes it from configuration, prices and the store; a gateway worker holds the newest one and
keeps the last one on disk, so that it can start while the control plane is down.
"""

from dataclasses import dataclass, field
from datetime import date

from smart_ai_router.domain.channel import Channel, Provider
from smart_ai_router.domain.exchange import ExchangeRate
from smart_ai_router.domain.pricing import PriceVersion
from smart_ai_router.domain.quotas import KeyBudget, UserQuota


@dataclass(frozen=True, slots=True)
class User:
    """Someone who calls, and may be charged."""

    id: str
    name: str
    enabled: bool = True
    group_ratio: str = "1"  # exact decimal: user charge = cost x ratio


@dataclass(frozen=True, slots=True)
class KeyGrant:
    """What one API key may do. The key itself is known only by its SHA-256."""

    id: str
    sha256_hex: str
    user_id: str
    name: str
    enabled: bool = True
    expires_at: float | None = None
    models: tuple[str, ...] = ()  # allowed model names or tag queries; empty means all
    requests_per_minute_max: int | None = None
    concurrency_max: int | None = None


@dataclass(frozen=True, slots=True)
class ModelDisabled:
    """A provider's model that is off, and why."""

    provider_id: str
    model: str  # "*" for all of the provider
    reason: str  # e.g. 资费不足，暂不可用


@dataclass(frozen=True, slots=True)
class RoutingPolicy:
    """How candidates are ordered and failures are handled."""

    strategy: str = "cost_first"
    fallback: bool = True
    attempts_max: int = 3
    cooldown_s: float = 60.0
    sorting_strategies: tuple[
        tuple[str, tuple[tuple[str, float, str], ...]], ...
    ] = ()  # name -> (field, weight, order)
    context_tokens_min: int | None = None
    parameter_count_min: int | None = None
    exclude_embedding_models: bool = True
    exclude_vision_only_models: bool = True
    unpriced_models: str = "serve"  # serve | refuse
    client_gone: str = "drain"  # drain | cancel
    drain_s: float = 10.0


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """Who may call."""

    anonymous_loopback: bool = True  # a call without a key from this machine is served
    keys_required: bool = False
    keys_known: bool = False  # keys were made at some time: one that is not known is refused, not taken for none
    cross_origins: tuple[str, ...] = ()  # web origins whose pages may call; "*" is any


@dataclass(frozen=True, slots=True)
class StoreState:
    """What the store adds to the configuration: users and their keys, what is off, prices set by hand, and money."""

    users: tuple[User, ...] = ()
    keys: tuple[KeyGrant, ...] = ()
    disabled: tuple[ModelDisabled, ...] = ()  # by hand, and for lack of money
    prices: tuple[PriceVersion, ...] = ()
    keys_known: bool = False  # keys were made at some time, even if all of them are revoked by now
    quotas: tuple[UserQuota, ...] = ()  # of users who have any; a currency of "" stands for the configured one
    budgets: tuple[KeyBudget, ...] = ()
    pools: tuple[tuple[str, str], ...] = ()  # provider id, currency
    rates: tuple[ExchangeRate, ...] = ()
    quotas_enforced: bool = True


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a gateway worker decides by."""

    version: int
    made_at: float
    providers: tuple[Provider, ...] = ()
    channels: tuple[Channel, ...] = ()
    aliases: tuple[tuple[str, str], ...] = ()  # public name -> model name
    users: tuple[User, ...] = ()
    keys: tuple[KeyGrant, ...] = ()
    disabled: tuple[ModelDisabled, ...] = ()
    prices: tuple[PriceVersion, ...] = ()
    routing: RoutingPolicy = RoutingPolicy()
    access: AccessPolicy = AccessPolicy()
    currency: str = "USD"
    region_header: str | None = None  # lower case; the request header with a caller's region (statistics hook)
    notes: tuple[str, ...] = field(default=())
    counted_day: date | None = None  # the day that the counts below are of
    attempts_counted: tuple[tuple[str, int], ...] = ()  # channel id, tries on that day; for channels with a daily limit
    quotas: tuple[UserQuota, ...] = ()  # of users who have any; who is not listed is not limited
    budgets: tuple[KeyBudget, ...] = ()
    pools: tuple[tuple[str, str], ...] = ()  # provider id, currency; at a provider without one nothing is held
    rates: tuple[ExchangeRate, ...] = ()
    quotas_enforced: bool = True
