"""What was used, and what it cost, on one day."""

from datetime import date

from smart_ai_router.core.statistics.figures import figures_of
from smart_ai_router.core.statistics.periods import Days
from smart_ai_router.core.statistics.shapes import DailyStatistics
from smart_ai_router.core.statistics.view import StatisticsView


def daily_statistics(view: StatisticsView, day: date) -> DailyStatistics:
    """One day; a day without calls has the same keys, all zero."""
    figures, further = figures_of(view, Days(day, day))
    return {"date": day.isoformat(), **figures, **further}
