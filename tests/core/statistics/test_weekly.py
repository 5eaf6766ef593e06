"""One week."""

from smart_ai_router.core.statistics.weekly import weekly_statistics
from tests.core.usage_samples import GUIDE_FIGURES, WEDNESDAY, call, view_of


def test_m1_33_a_week_runs_from_monday_to_sunday() -> None:
    days = ["2025-08-17", "2025-08-18", "2025-08-20", "2025-08-24", "2025-08-25"]
    view = view_of(call(number, day) for number, day in enumerate(days))

    week = weekly_statistics(view, WEDNESDAY)

    assert list(week)[:14] == [*GUIDE_FIGURES, "week_start", "week_end"]
    assert (week["week_start"], week["week_end"], week["total_requests"]) == ("2025-08-18", "2025-08-24", 3)
