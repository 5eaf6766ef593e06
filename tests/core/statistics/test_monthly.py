"""One month."""

from smart_ai_router.core.statistics.monthly import monthly_statistics
from tests.core.usage_samples import GUIDE_FIGURES, WEDNESDAY, call, view_of


def test_m1_34_a_month_is_the_calendars() -> None:
    days = ["2025-07-31", "2025-08-01", "2025-08-31", "2025-09-01"]
    view = view_of(call(number, day) for number, day in enumerate(days))

    month = monthly_statistics(view, WEDNESDAY)

    assert list(month)[:14] == [*GUIDE_FIGURES, "year", "month"]
    assert (month["year"], month["month"], month["total_requests"]) == (2025, 8, 2)
