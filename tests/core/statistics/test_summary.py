"""A day beside its week and month."""

from decimal import Decimal

from smart_ai_router.core.statistics.summary import summary_statistics
from tests.core.usage_samples import WEDNESDAY, call, failed, view_of


def test_m1_35_m1_53_the_summary_compares_a_day_with_its_week_and_the_week_with_its_month() -> None:
    # given: today 6, the week so far 6 over three days, the month so far 9 over twenty days
    view = view_of([call(1, "2025-08-20", "6"), call(2, "2025-08-05", "3"), call(3, "2025-08-21", "100")])

    summary = summary_statistics(view, WEDNESDAY)

    # then: (6 - 2) / 2, and (6 - 7 * 0.45) / (7 * 0.45); the day after does not count yet
    assert list(summary)[:4] == ["today", "this_week", "this_month", "comparison"]
    assert summary["comparison"] == {
        "daily_vs_weekly_avg": Decimal(2),
        "weekly_vs_monthly_avg": Decimal("0.904761904762"),
    }
    assert (summary["this_week"]["total_cost"], summary["this_month"]["total_cost"]) == (Decimal(6), Decimal(9))
    assert summary["this_week"]["week_end"] == "2025-08-24"


def test_a_summary_without_any_cost_compares_to_zero() -> None:
    assert summary_statistics(view_of([failed(1)]), WEDNESDAY)["comparison"] == {
        "daily_vs_weekly_avg": Decimal(0),
        "weekly_vs_monthly_avg": Decimal(0),
    }
