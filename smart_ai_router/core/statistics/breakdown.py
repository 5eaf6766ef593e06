"""Where the cost of a period came from."""

from datetime import date
from typing import cast

from smart_ai_router.core.statistics.periods import Period, days_of
from smart_ai_router.core.statistics.ratios import percentage
from smart_ai_router.core.statistics.shapes import (
    BreakdownFigures,
    BreakdownRow,
    CostBreakdown,
)
from smart_ai_router.core.statistics.view import StatisticsView, Sums, channel_name, grouped
from smart_ai_router.core.statistics_store import Dimension
from smart_ai_router.domain.money import Pico, pico_to_decimal

BREAKDOWNS = (Dimension.PROVIDER, Dimension.CHANNEL, Dimension.MODEL)


def cost_breakdown(view: StatisticsView, period: Period, by: Dimension, day: date) -> CostBreakdown:
    """The period's cost by provider, channel or model, the most expensive first; the parts sum to the total."""
    groups = grouped(view, *days_of(period, day), by)
    total = sum(sums.cost_pico(view.currency) for sums in groups.values())
    names = view.store.channel_names() if by is Dimension.CHANNEL else {}
    rows: list[BreakdownRow] = []
    for key, sums in sorted(groups.items(), key=lambda each: (-each[1].cost_pico(view.currency), each[0])):
        figures = _figures(sums, view.currency, total)
        name = {by.value: channel_name(names, key)}
        channel_id = {"channel_id": key} if by is Dimension.CHANNEL else {}
        rows.append(cast(BreakdownRow, {**name, **figures, **channel_id}))  # its keys depend on a value
    return {
        "period": period.value,
        "breakdown_by": by.value,
        "target_date": day.isoformat(),
        "total_cost": pico_to_decimal(total),
        "breakdown": rows,
        "currency": view.currency,
        "complete": view.complete,
    }


def _figures(sums: Sums, currency: str, total: Pico) -> BreakdownFigures:
    return {
        "cost": sums.cost(currency),
        "percentage": percentage(sums.cost_pico(currency), total),
        "requests": sums.requests,
        "tokens": sums.tokens,
        "successful_requests": sums.successes,
        "failed_requests": sums.failures,
    }
