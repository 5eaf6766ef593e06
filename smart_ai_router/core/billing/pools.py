"""资源池管理: what the pools, their recharges and their alerts look like."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final

from smart_ai_router.core.billing.currency import Days
from smart_ai_router.core.billing.market import Market
from smart_ai_router.core.billing.models import ProviderUnknown
from smart_ai_router.core.billing.pool_messages import (
    ExchangeRateFacts,
    PoolAlertFacts,
    PoolFacts,
    RechargeFacts,
    RechargePage,
)
from smart_ai_router.core.billing.view import BillingView, Gathered, dated_totals
from smart_ai_router.core.ledger_rows import transfer_id
from smart_ai_router.core.ledger_store import LedgerReader, PoolAlertRow, PoolStanding, Recharge
from smart_ai_router.core.ledger_verbs import Booked
from smart_ai_router.core.statistics_store import Dimension
from smart_ai_router.core.timestamps import iso_utc_ms
from smart_ai_router.domain.accounts import AccountKind
from smart_ai_router.domain.exchange import ExchangeRate
from smart_ai_router.domain.money import Pico, pico_to_decimal
from smart_ai_router.domain.pools import BASIS_POINTS, DEFAULT_RULE, PoolLevel, pool_figures

DAYS_OF_USE: Final = 7  # by which the days left are reckoned
STATUS_TEXTS: Final = {PoolLevel.SUFFICIENT: "充足", PoolLevel.LOW: "不足", PoolLevel.EXHAUSTED: "耗尽"}
ALERTS_MAX: Final = 1000


def list_pools(ledger: LedgerReader, market: Market, view: BillingView) -> list[PoolFacts]:
    """Every provider's pool, also of those that have none, by provider; then pools of providers that are gone."""
    standing = {pool.row.provider_id: pool for pool in ledger.pools()}
    alerts = {alert.provider_id: alert.id for alert in ledger.alerts(is_resolved=False, limit=ALERTS_MAX)}
    spent = _spent(view)
    known = sorted(provider.id for provider in market.snapshot.providers)
    gone = sorted(standing.keys() - set(known))
    facts = []
    for provider_id in (*known, *gone):
        pool = standing.get(provider_id)
        if pool is None:
            facts.append(_no_pool(provider_id, view))
        else:
            facts.append(_pool(pool, view, spent, alerts.get(provider_id)))
    return facts


def show_pool(ledger: LedgerReader, market: Market, view: BillingView, provider_id: str) -> PoolFacts:
    """One provider's pool; raises ProviderUnknown."""
    for pool in list_pools(ledger, market, view):
        if pool.provider_id == provider_id:
            return pool
    raise ProviderUnknown(f"there is no provider {provider_id[:80]!r}")


def recharge_page(ledger: LedgerReader, provider_id: str, currency: str, page: int, size: int) -> RechargePage:
    """One page of a provider's recharges, newest first."""
    total = ledger.recharge_count(provider_id)
    rows = ledger.recharges(provider_id, limit=size, skip=page * size)
    return RechargePage(
        recharges=tuple(recharge_facts(each, currency) for each in rows),
        total_elements=total,
        total_pages=-(-total // size),
        current_page=page,
        page_size=size,
    )


def recharge_facts(recharge: Recharge, currency: str) -> RechargeFacts:
    """One recharge."""
    return RechargeFacts(
        id=recharge.id,
        provider_id=recharge.provider_id,
        recharge_amount=pico_to_decimal(recharge.amount),
        balance_before=pico_to_decimal(recharge.balance_before),
        balance_after=pico_to_decimal(recharge.balance_after),
        recharge_type="manual",
        operator_id=recharge.operator or recharge.actor,
        remark=recharge.remark,
        created_at=iso_utc_ms(recharge.at_ms),
        currency=currency,
    )


def recharge_of(booked: Booked, provider_id: str) -> Recharge:
    """The recharge that a request came to."""
    (transfer,) = booked.transfers
    action = booked.done.action
    amount = sum(entry.amount for entry in transfer.entries if entry.account.kind is AccountKind.POOL)
    return Recharge(
        transfer_id(action.number),
        provider_id,
        amount,
        booked.balance_before or 0,
        transfer.at_ms,
        transfer.actor,
        transfer.remark,
        transfer.key,
        transfer.source,
    )


def list_alerts(
    ledger: LedgerReader, view: BillingView, provider_id: str | None, *, is_resolved: bool | None
) -> list[PoolAlertFacts]:
    """Alerts, newest first; `is_resolved` of None asks for all of them."""
    return [_alert(each, view) for each in ledger.alerts(provider_id, is_resolved, limit=ALERTS_MAX)]


def list_rates(rates: Iterable[ExchangeRate]) -> list[ExchangeRateFacts]:
    """The stored exchange rates, by currencies and then by date."""
    ordered = sorted(rates, key=lambda each: (each.base, each.quote, each.effective_from_ms))
    return [
        ExchangeRateFacts(each.base, each.quote, each.rate, iso_utc_ms(each.effective_from_ms), each.source)
        for each in ordered
    ]


def _pool(pool: PoolStanding, view: BillingView, spent: Mapping[str, Fraction], alert_id: int | None) -> PoolFacts:
    row, state, account = pool.row, pool.state, pool.account
    figures = pool_figures(state, account.balance)
    changed = [moment for moment in (state.recharged_ms, state.checked_ms, row.opened_ms) if moment is not None]
    return PoolFacts(
        id=row.provider_id,
        provider_id=row.provider_id,
        total_balance=pico_to_decimal(figures.total),
        used_amount=pico_to_decimal(figures.used),
        available_balance=pico_to_decimal(figures.available),
        warning_threshold=_percent(row.threshold_basis_points),
        is_low_balance=figures.is_low,
        last_recharge_date=_moment(state.recharged_ms),
        last_check_date=_moment(state.checked_ms),
        created_at=iso_utc_ms(row.opened_ms),
        updated_at=iso_utc_ms(max(changed)),
        balance_percentage=figures.percentage,
        provider_name=view.provider_name(row.provider_id),
        currency=row.currency,
        is_opened=True,
        status=state.level.value,
        status_text=STATUS_TEXTS[state.level],
        models_off=state.are_models_off,
        lent_amount=pico_to_decimal(account.leased),
        total_recharged=pico_to_decimal(account.credited),
        total_used=pico_to_decimal(account.used),
        days_left=_days_left(account.balance, spent.get(row.provider_id)) if row.currency == view.currency else None,
        open_alert_id=alert_id,
    )


def _no_pool(provider_id: str, view: BillingView) -> PoolFacts:
    nothing = Decimal(0)
    return PoolFacts(
        id=provider_id,
        provider_id=provider_id,
        total_balance=nothing,
        used_amount=nothing,
        available_balance=nothing,
        warning_threshold=_percent(DEFAULT_RULE.threshold_basis_points),
        is_low_balance=False,
        last_recharge_date=None,
        last_check_date=None,
        created_at=None,
        updated_at=None,
        balance_percentage=nothing,
        provider_name=view.provider_name(provider_id),
        currency=view.currency,
        is_opened=False,
        status="none",
        status_text="未设置",
        models_off=False,
        lent_amount=nothing,
        total_recharged=nothing,
        total_used=nothing,
        days_left=None,
        open_alert_id=None,
    )


def _spent(view: BillingView) -> dict[str, Fraction]:
    """What the last days have cost at each provider, in the billing currency."""
    days = Days(view.today - timedelta(days=DAYS_OF_USE - 1), view.today)
    gathered: dict[str, Gathered] = {}
    for found in dated_totals(view, days, (Dimension.PROVIDER,)):
        gathered.setdefault(found.keys[0], Gathered()).add(view.rates, found.totals, found.day)
    return {provider: each.costs.exact(view.currency) for provider, each in gathered.items()}


def _days_left(balance: Pico, spent: Fraction | None) -> Decimal | None:
    """With one decimal, rounded down; None when nothing was spent."""
    if not spent:
        return None
    if balance <= 0:
        return Decimal(0)
    tenths = Fraction(pico_to_decimal(balance)) * DAYS_OF_USE * 10 / spent
    return Decimal(tenths.numerator // tenths.denominator).scaleb(-1)


def _alert(alert: PoolAlertRow, view: BillingView) -> PoolAlertFacts:
    return PoolAlertFacts(
        id=alert.id,
        provider_id=alert.provider_id,
        alert_type=alert.kind,
        alert_level=alert.level,
        balance_percentage=Decimal(alert.percentage),
        available_balance=pico_to_decimal(alert.available),
        message=alert.message,
        is_resolved=alert.resolved_ms is not None,
        resolved_at=_moment(alert.resolved_ms),
        resolved_by=alert.resolved_by,
        created_at=iso_utc_ms(alert.opened_ms),
        provider_name=view.provider_name(alert.provider_id),
        currency=alert.currency,
        raised_at=iso_utc_ms(alert.raised_ms),
    )


def _percent(basis_points: int) -> Decimal:
    return Decimal(basis_points * 100 // BASIS_POINTS) if not basis_points % 100 else Decimal(basis_points).scaleb(-2)


def _moment(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso_utc_ms(at_ms)
