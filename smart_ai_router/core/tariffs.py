"""What a caller's calls cost whom, compiled once and used until the day, a rate or the snapshot changes."""

from collections.abc import Mapping
from datetime import date
from typing import Final, NamedTuple

from smart_ai_router.core.calls import Call, Caller
from smart_ai_router.core.snapshot import Snapshot
from smart_ai_router.domain.accounts import AccountKey, pool_account
from smart_ai_router.domain.channel import ChannelModel
from smart_ai_router.domain.charges import (
    CallSize,
    Needs,
    Tariff,
    input_tokens_at_most,
    needs_of,
    output_tokens_at_most,
    tariff_of,
)
from smart_ai_router.domain.exchange import ExchangeRates
from smart_ai_router.domain.meters import UsageType
from smart_ai_router.domain.pricing import PriceSheet
from smart_ai_router.domain.quotas import KeyBudget, QuotaPlan, UserQuota, quota_plan

TARIFFS_CACHED_MAX: Final = 50_000  # callers times models that are in use on one day; about 1 KB each

_Key = tuple[str | None, str | None, str, int]


class Terms(NamedTuple):
    """A tariff, and what its calls need when nothing of it limits them."""

    tariff: Tariff
    unlimited: Needs | None


class Tariffs:
    """The tariffs of one snapshot on one day."""

    def __init__(self, snapshot: Snapshot, today: date, now: float) -> None:
        """`today` is the day in the configured time zone; `now` is seconds since 1970 UTC."""
        self._snapshot = snapshot
        self._today = today
        self._at_ms = int(now * 1000)
        self._rates = ExchangeRates(snapshot.rates)
        coming = [rate.effective_from_ms for rate in snapshot.rates if rate.effective_from_ms > self._at_ms]
        self._until_ms = min(coming, default=None)
        self._quotas: Mapping[str, UserQuota] = {each.user_id: each for each in snapshot.quotas}
        self._budgets: Mapping[str, KeyBudget] = {each.key_id: each for each in snapshot.budgets}
        self._ratios: Mapping[str, str] = {user.id: user.group_ratio for user in snapshot.users}
        self._pools: Mapping[str, AccountKey] = {
            provider: pool_account(provider, currency) for provider, currency in snapshot.pools
        }
        self._known: dict[_Key, tuple[PriceSheet | None, Terms]] = {}

    def are_of(self, snapshot: Snapshot, today: date, now: float) -> bool:
        """False when others must be compiled: a new snapshot, a new day, a rate that has come into force."""
        is_current = snapshot is self._snapshot and today == self._today
        return is_current and (self._until_ms is None or now * 1000 < self._until_ms)

    def terms(self, caller: Caller, provider_id: str, sheet: PriceSheet | None) -> Terms:
        """How one provider's prices touch the caller's wallets and the provider's pool."""
        key = (caller.user_id, caller.api_key_id, provider_id, id(sheet))
        known = self._known.get(key)
        if known is not None and known[0] is sheet:
            return known[1]
        tariff = tariff_of(self._plan(caller, sheet), self._pools.get(provider_id), sheet, self._rates, self._at_ms)
        if len(self._known) >= TARIFFS_CACHED_MAX:
            self._known.clear()
        terms = Terms(tariff, _unlimited(tariff))
        self._known[key] = (sheet, terms)
        return terms

    def _plan(self, caller: Caller, sheet: PriceSheet | None) -> QuotaPlan | None:
        """What limits the caller; None for a caller without a user. Who has no quota is charged in the price's own
        currency, so that no exchange rate is needed to say how much."""
        user_id = caller.user_id
        if user_id is None:
            return None
        quota = self._quotas.get(user_id)
        if quota is None:
            currency = self._snapshot.currency if sheet is None else sheet.currency
            quota = UserQuota(user_id, currency, group_ratio=self._ratios.get(user_id, "1"))
        budget = None if caller.api_key_id is None else self._budgets.get(caller.api_key_id)
        return quota_plan(quota, budget, self._today, self._snapshot.quotas_enforced)


def _unlimited(tariff: Tariff) -> Needs | None:
    """The same needs for every call when no wallet, no pool and no gap is touched; None when there is one."""
    plan = tariff.plan
    has_units = plan is not None and (bool(plan.units) or plan.nothing_else is not None)
    if tariff.user or tariff.pool is not None or tariff.gaps or has_units:
        return None
    return needs_of(tariff, CallSize(UsageType.TEXT_GENERATION, 0, 0))


def call_size(call: Call, model: ChannelModel) -> CallSize:
    """Upper bounds of what one attempt at a model can use."""
    return CallSize(
        call.endpoint.usage_type,
        input_tokens_at_most(call.prompt_bytes, model.context_tokens),
        output_tokens_at_most(call.output_tokens_max, model.output_tokens_max, call.choices),
    )
