"""What was used, and what it cost, in one calendar month."""

from datetime import date

from smart_ai_router.core.statistics.figures import figures_of
from smart_ai_router.core.statistics.periods import Days, month_of
from smart_ai_router.core.statistics.shapes import MonthlyStatistics
from smart_ai_router.core.statistics.view import StatisticsView


def monthly_statistics(view: StatisticsView, day: date, until: date | None = None) -> MonthlyStatistics:
    """The month of a day, or only `until` a day of it."""
    month = month_of(day)
    figures, further = figures_of(view, Days(month.first, until or month.last))
    return {**figures, "year": month.first.year, "month": month.first.month, **further}
