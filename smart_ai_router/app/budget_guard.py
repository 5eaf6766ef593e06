"""Holds today's cost against the day's budget, tells people, and closes what costs money when it is spent.

The books are asked once a second, so a budget closes within about a second of the call that reached it; calls that
are under way then are finished and booked.
"""

from collections.abc import Callable
from datetime import date

from smart_ai_router.config.settings import Settings
from smart_ai_router.core.snapshot import ModelDisabled, Snapshot
from smart_ai_router.core.statistics_store import StatisticsStore
from smart_ai_router.core.utils.channel_monitor import ChannelMonitor
from smart_ai_router.domain.alerts import Severity
from smart_ai_router.domain.budgets import REASON_SPENT, BudgetLevel, DailyBudget
from smart_ai_router.domain.meters import Meter, Usage, UsageSource
from smart_ai_router.domain.money import Pico, pico_to_text
from smart_ai_router.domain.pricing import PriceCatalog, price_usage

EVERYTHING = "*"  # the alert's channel: the budget is nobody's in particular
ALERT_WARNING = "budget_warning"
ALERT_SPENT = "budget_exceeded"
_SAMPLE = Usage(((Meter.INPUT, 1000), (Meter.OUTPUT, 1000)), UsageSource.ESTIMATED)


def daily_budget(settings: Settings) -> DailyBudget | None:
    """The configured budget; None when there is none."""
    control = settings.cost_control
    if control.global_daily_budget is None:
        return None
    return DailyBudget(
        control.global_daily_budget,
        control.alert_threshold,
        control.currency,
        control.auto_disable_on_budget_exceeded,
    )


class BudgetGuard:
    """Knows whether today's budget is spent."""

    def __init__(self, store: StatisticsStore, monitor: ChannelMonitor, today: Callable[[], date]) -> None:
        self._store = store
        self._monitor = monitor
        self._today = today
        self._level = BudgetLevel.WITHIN
        self.is_closed = False

    def check(self, budget: DailyBudget | None) -> bool:
        """Look once; True when models must be opened or closed."""
        level = BudgetLevel.WITHIN if budget is None else budget.level(self._spent(budget.currency))
        if budget is not None and level is not self._level:
            self._tell(budget, level)
        self._level = level
        was_closed = self.is_closed
        self.is_closed = level is BudgetLevel.SPENT and budget is not None and budget.closes_models
        return was_closed != self.is_closed

    def disabled(self, snapshot: Snapshot, now: float) -> tuple[ModelDisabled, ...]:
        """Every model that costs money, or may: an unknown price is not free."""
        if not self.is_closed:
            return ()
        catalog = PriceCatalog(snapshot.prices)
        found = {}
        for channel in snapshot.channels:
            for model in channel.models:
                sheet = catalog.sheet(
                    channel.id, channel.provider_id, channel.region, model.upstream_name, model.name, now
                )
                if sheet is None or price_usage(sheet, _SAMPLE).total_cost:
                    found[channel.provider_id, model.name] = REASON_SPENT
        return tuple(ModelDisabled(provider, model, reason) for (provider, model), reason in found.items())

    def _spent(self, currency: str) -> Pico:
        today = self._today()
        return sum(row.totals.total_cost for row in self._store.totals(today, today) if row.totals.currency == currency)

    def _tell(self, budget: DailyBudget, level: BudgetLevel) -> None:
        spent = pico_to_text(self._spent(budget.currency))
        details = {"spent": spent, "budget": f"{budget.limit:f}", "currency": budget.currency}
        kinds = {BudgetLevel.WARNING: ALERT_WARNING, BudgetLevel.SPENT: ALERT_SPENT}
        for other, kind in kinds.items():
            if other is not level:
                self._monitor.resolve_alert(EVERYTHING, kind)
        if level is BudgetLevel.WARNING:
            message = f"今日成本已达预算的 {budget.alert_share * 100:f}%：{spent} / {budget.limit:f} {budget.currency}"
            self._monitor.record_alert(EVERYTHING, "每日预算", ALERT_WARNING, message, details)
        elif level is BudgetLevel.SPENT:
            message = f"今日预算已用完：{spent} / {budget.limit:f} {budget.currency}"
            self._monitor.record_alert(
                EVERYTHING, "每日预算", ALERT_SPENT, message, details, severity=Severity.CRITICAL
            )
