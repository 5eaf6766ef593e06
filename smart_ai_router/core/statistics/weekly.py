"""What was used, and what it cost, in one week."""

from datetime import date

from smart_ai_router.core.statistics.figures import figures_of
from smart_ai_router.core.statistics.periods import Days, week_of
from smart_ai_router.core.statistics.shapes import WeeklyStatistics
from smart_ai_router.core.statistics.view import StatisticsView


def weekly_statistics(view: StatisticsView, day: date, until: date | None = None) -> WeeklyStatistics:
    """The week of a day, Monday to Sunday, or only `until` a day of it; the named bounds are the whole week's."""
    week = week_of(day)
    figures, further = figures_of(view, Days(week.first, until or week.last))
    return {**figures, "week_start": week.first.isoformat(), "week_end": week.last.isoformat(), **further}
