"""The office of pools: money paid in at providers, warnings, switches, exchange rates."""

import logging
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from smart_ai_router.core.administration import ActionDesk, Origin
from smart_ai_router.core.ledger_actions import (
    AccountAdjusted,
    AlertResolved,
    ExchangeRateAdded,
    ModelSwitched,
    PoolRecharged,
    PoolSet,
    transfer_row,
)
from smart_ai_router.core.ledger_requests import (
    AlertResolution,
    ModelSwitching,
    NewExchangeRate,
    NewPool,
    NewRecharge,
    PoolAdjustment,
)
from smart_ai_router.core.ledger_rows import PoolRow
from smart_ai_router.core.ledger_store import LedgerStore, PoolAlertRow
from smart_ai_router.core.ledger_verbs import (
    Booked,
    booked,
    checked_amount,
    checked_currency,
    checked_text,
    made,
    money_origin,
    order_of,
)
from smart_ai_router.core.store import StoreFailure
from smart_ai_router.core.timestamps import utc_ms
from smart_ai_router.core.users_and_keys import FieldInvalid
from smart_ai_router.domain.accounts import AccountKey, pool_account
from smart_ai_router.domain.errors import Refusal
from smart_ai_router.domain.ledger import adjust, recharge
from smart_ai_router.domain.pools import DEFAULT_RULE

_logger = logging.getLogger(__name__)

NAME_CHARACTERS_MAX: Final = 200
RATE_DIGITS_MAX: Final = 18


class ProviderUnknown(Refusal):
    """There is no such provider."""

    status = 404
    code = "provider_not_found"


class AlertUnknown(Refusal):
    """There is no such alert."""

    status = 404
    code = "alert_not_found"


class PoolUnknown(Refusal):
    """The provider has no pool."""

    status = 404
    code = "pool_not_found"


class PoolOffice:
    """The verbs. Every one is an action; what moves money has its transfers in it."""

    def __init__(
        self,
        desk: ActionDesk,
        ledger: LedgerStore,
        *,
        billing_currency: str,
        is_provider: Callable[[str], bool],
        look: Callable[[], object],
    ) -> None:
        """`billing_currency` is that of a pool for which nobody names another. `look` is the pool watch's."""
        self._desk = desk
        self._ledger = ledger
        self._currency = billing_currency
        self._is_provider = is_provider
        self._look = look

    def set_pool(self, provider_id: str, asked: NewPool, origin: Origin) -> Booked:
        """Open a pool, or set the level of its warning; raises ProviderUnknown, FieldInvalid."""

        def decide(_at_ms: int) -> PoolSet:
            pool = self._pool_or_new(provider_id, asked.currency)
            if asked.threshold_percent is not None:
                return PoolSet(*pool, _basis_points(asked.threshold_percent))
            held = self._pool(provider_id)
            return PoolSet(*pool, (DEFAULT_RULE if held is None else held.rule).threshold_basis_points)

        return self._looked(booked(self._desk.perform(f"set pool {provider_id}", asked, origin, decide)))

    def recharge(self, provider_id: str, asked: NewRecharge, origin: Origin) -> Booked:
        """Money was paid in; raises ProviderUnknown, FieldInvalid, AmountRefused."""
        origin = money_origin(self._desk, origin)

        def decide(at_ms: int) -> PoolRecharged:
            pool, currency = self._pool_or_new(provider_id, asked.currency)
            account = pool_account(pool, currency)
            amount = checked_amount(currency, asked.amount)
            order = order_of(origin, at_ms, asked.operator_id or "", asked.remark)
            transfer = made(lambda: recharge(account, amount, order))
            return PoolRecharged(pool, currency, transfers=(transfer_row(transfer, self._balance(account)),))

        return self._looked(booked(self._desk.perform(f"recharge {provider_id}", asked, origin, decide)))

    def adjust(self, provider_id: str, asked: PoolAdjustment, origin: Origin) -> Booked:
        """Correct what stands in a pool; raises PoolUnknown, AmountRefused."""
        origin = money_origin(self._desk, origin)

        def decide(at_ms: int) -> AccountAdjusted:
            row = self._pool(provider_id)
            if row is None:
                raise PoolUnknown(f"{provider_id[:80]!r} has no pool; recharge it first")
            account = pool_account(provider_id, row.currency)
            amount = checked_amount(row.currency, asked.amount)
            order = order_of(origin, at_ms, remark=asked.remark)
            return AccountAdjusted(account, transfers=(transfer_row(made(lambda: adjust(account, amount, order))),))

        return self._looked(booked(self._desk.perform(f"adjust pool {provider_id}", asked, origin, decide)))

    def switch_model(self, provider_id: str, model: str, asked: ModelSwitching, origin: Origin) -> Booked:
        """Switch a provider's model off or on by hand; "*" is all of them. Raises ProviderUnknown, FieldInvalid."""

        def decide(_at_ms: int) -> ModelSwitched:
            self._require_provider(provider_id)
            if not 0 < len(model) <= NAME_CHARACTERS_MAX or not model.isprintable():
                raise FieldInvalid(f"a model's name has 1 to {NAME_CHARACTERS_MAX} characters", param="model")
            return ModelSwitched(provider_id, model, not asked.enabled, checked_text(asked.reason))

        return booked(self._desk.perform(f"switch {provider_id} {model}", asked, origin, decide))

    def resolve_alert(self, alert_id: int, asked: AlertResolution, origin: Origin) -> Booked | None:
        """Somebody has seen to an alert; None when it was resolved before. Raises AlertUnknown."""
        alert = self._alert(alert_id)
        if alert.resolved_ms is not None and origin.idempotency_key is None:
            return None

        def decide(_at_ms: int) -> AlertResolved:
            who = checked_text(asked.resolved_by or origin.actor)
            return AlertResolved(alert_id, self._alert(alert_id).provider_id, who)

        return self._looked(booked(self._desk.perform(f"resolve alert {alert_id}", asked, origin, decide)))

    def add_rate(self, asked: NewExchangeRate, origin: Origin) -> Booked:
        """Enter an exchange rate; the rows before it stay. Raises FieldInvalid."""

        def decide(at_ms: int) -> ExchangeRateAdded:
            base, quote = checked_currency(asked.base), checked_currency(asked.quote)
            rate = asked.rate
            if base == quote or not rate.is_finite() or rate <= 0 or len(rate.as_tuple().digits) > RATE_DIGITS_MAX:
                raise FieldInvalid(f"{rate} {quote} for one {base} is no exchange rate", param="rate")
            if abs(rate.adjusted()) > RATE_DIGITS_MAX:
                raise FieldInvalid(f"{rate} is no exchange rate between two currencies", param="rate")
            from_ms = at_ms if asked.effective_from is None else _moment(asked.effective_from)
            return ExchangeRateAdded(base, quote, rate, from_ms, checked_text(asked.source))

        return booked(self._desk.perform("add exchange rate", asked, origin, decide))

    # --- parts ---

    def _looked(self, answer: Booked) -> Booked:
        """What follows from it, alerts and switches, is done before it is answered; the next look makes up for it."""
        try:
            self._look()
        except StoreFailure as failure:
            _logger.error("the pools cannot be looked at now: %s", failure)
        return answer

    def _require_provider(self, provider_id: str) -> None:
        if not self._is_provider(provider_id):
            raise ProviderUnknown(f"there is no provider {provider_id[:80]!r}")

    def _pool(self, provider_id: str) -> PoolRow | None:
        with self._ledger.ledger() as ledger:
            row = ledger.setting("pool", provider_id)
        return row if isinstance(row, PoolRow) else None

    def _pool_or_new(self, provider_id: str, currency: str | None) -> tuple[str, str]:
        row = self._pool(provider_id)
        if row is None:
            self._require_provider(provider_id)
            return provider_id, checked_currency(currency or self._currency)
        if currency not in (None, row.currency):
            raise FieldInvalid(f"the pool of {provider_id} is kept in {row.currency}", param="currency")
        return provider_id, row.currency

    def _balance(self, account: AccountKey) -> int:
        with self._ledger.ledger() as ledger:
            return ledger.account(account).balance

    def _alert(self, alert_id: int) -> PoolAlertRow:
        with self._ledger.ledger() as ledger:
            alert = ledger.alert(alert_id)
        if alert is None:
            raise AlertUnknown(f"there is no alert {alert_id}")
        return alert


def _basis_points(percent: Decimal) -> int:
    points = percent * 100
    if not 0 <= percent < 100 or points != points.to_integral_value():
        raise FieldInvalid("a warning comes at 0 to 99.99 percent, in steps of 0.01", param="thresholdPercent")
    return int(points)


def _moment(text: str) -> int:
    try:
        return utc_ms(text)
    except ValueError as error:
        raise FieldInvalid(str(error), param="effectiveFrom") from error
