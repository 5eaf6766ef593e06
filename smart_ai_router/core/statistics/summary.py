"""A day beside its week and its month."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

from smart_ai_router.core.statistics.daily import daily_statistics
from smart_ai_router.core.statistics.monthly import monthly_statistics
from smart_ai_router.core.statistics.ratios import ratio
from smart_ai_router.core.statistics.shapes import SummaryStatistics
from smart_ai_router.core.statistics.view import StatisticsView
from smart_ai_router.core.statistics.weekly import weekly_statistics


def summary_statistics(view: StatisticsView, day: date) -> SummaryStatistics:
    """A day, its week and its month, both up to that day, so that the averages divide by days that have been."""
    today = daily_statistics(view, day)
    this_week = weekly_statistics(view, day, until=day)
    this_month = monthly_statistics(view, day, until=day)
    week_cost = Fraction(this_week["total_cost"])
    average_of_week = week_cost / (day.weekday() + 1)
    average_of_month = Fraction(this_month["total_cost"]) / day.day
    return {
        "today": today,
        "this_week": this_week,
        "this_month": this_month,
        "comparison": {
            "daily_vs_weekly_avg": _change(Fraction(today["total_cost"]), average_of_week),
            "weekly_vs_monthly_avg": _change(week_cost, 7 * average_of_month),
        },
        "complete": view.complete,
    }


def _change(value: Fraction, base: Fraction) -> Decimal:
    """How far a value lies from its base, as a share of the base; 0 without a base."""
    return ratio(value - base, base)
