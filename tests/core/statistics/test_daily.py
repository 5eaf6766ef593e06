"""One day."""

from datetime import date
from decimal import Decimal

from smart_ai_router.core.statistics.daily import daily_statistics
from smart_ai_router.core.statistics.monthly import monthly_statistics
from smart_ai_router.core.statistics.weekly import weekly_statistics
from smart_ai_router.core.usage_record import decode_usage_record
from tests.core.usage_samples import GUIDE_FIGURES, GUIDE_LINE, WEDNESDAY, call, failed, view_of


def test_m1_32_a_day_has_the_guides_keys_in_order_and_exact_sums() -> None:
    # given: the reference project showed 0.0008100000000000001 for four such calls
    view = view_of([*(call(number, cost="0.0002025") for number in range(4)), failed(9)])

    # when
    day = daily_statistics(view, WEDNESDAY)

    # then
    assert list(day)[:13] == ["date", *GUIDE_FIGURES]
    assert day["date"] == "2025-08-20"
    assert day["total_cost"] == Decimal("0.00081")
    assert (day["total_requests"], day["successful_requests"], day["failed_requests"]) == (5, 4, 1)
    assert (day["total_input_tokens"], day["total_output_tokens"], day["total_tokens"]) == (600, 1200, 1800)
    assert day["avg_cost_per_request"] == Decimal("0.000162")
    assert day["avg_cost_per_1k_tokens"] == Decimal("0.00045")
    assert list(day["providers"]["openai"])[:3] == ["requests", "cost", "tokens"]
    assert day["models"]["gpt-4o-mini"]["cost"] == Decimal("0.00081")
    assert (day["currency"], day["complete"]) == ("USD", True)


def test_a_day_without_calls_has_the_same_keys_all_zero() -> None:
    busy, empty = (daily_statistics(view, WEDNESDAY) for view in (view_of([call(1)]), view_of([])))

    assert list(empty) == list(busy)
    assert empty["date"] == "2025-08-20"
    assert (empty["total_requests"], empty["total_cost"], empty["avg_cost_per_request"]) == (0, 0, 0)
    assert empty["providers"] == empty["channels"] == empty["models"] == {}


def test_m1_76_the_guides_sample_day_shows_one_request() -> None:
    day = daily_statistics(view_of([decode_usage_record(GUIDE_LINE)]), date(2025, 8, 24))

    assert (day["total_requests"], day["total_tokens"], day["total_cost"]) == (1, 450, Decimal("0.000375"))


def test_m1_49_day_week_and_month_agree_with_a_count_by_hand() -> None:
    days = [f"2025-08-{number:02d}" for number in range(1, 32)]
    view = view_of(call(index, day, f"0.{index + 1:03d}") for index, day in enumerate(days))

    assert daily_statistics(view, WEDNESDAY)["total_cost"] == Decimal("0.020")
    assert weekly_statistics(view, WEDNESDAY)["total_cost"] == Decimal("0.147")  # 18 + 19 + ... + 24
    assert monthly_statistics(view, WEDNESDAY)["total_cost"] == Decimal("0.496")  # 31 * 32 / 2
