"""Records folded in memory."""

from datetime import date

from msgspec.structs import replace

from smart_ai_router.core.statistics.daily import daily_statistics
from smart_ai_router.core.statistics.memory import MemoryStatistics
from smart_ai_router.core.statistics.view import StatisticsView
from tests.core.usage_samples import SAMPLE, WEDNESDAY, call, posting_of, view_of


def test_a_renamed_channel_bears_its_latest_name() -> None:
    view = view_of([call(2, channel_name="New"), call(1, channel_name="Old")])

    assert list(daily_statistics(view, WEDNESDAY)["channels"]) == ["New"]


def test_m1_49_a_day_belongs_to_the_configured_time_zone() -> None:
    # given: 17:30 UTC on the 20th is 01:30 on the 21st in Shanghai
    record = replace(SAMPLE, timestamp="2025-08-20T17:30:00Z")

    in_utc, in_shanghai = view_of([record]), view_of([record], "Asia/Shanghai")

    assert daily_statistics(in_utc, WEDNESDAY)["total_requests"] == 1
    assert daily_statistics(in_shanghai, WEDNESDAY)["total_requests"] == 0
    assert daily_statistics(in_shanghai, date(2025, 8, 21))["total_requests"] == 1


def test_a_record_counted_twice_counts_once() -> None:
    statistics = MemoryStatistics()

    assert [statistics.add(posting_of(call(1))), statistics.add(posting_of(call(1)))] == [True, False]
    assert daily_statistics(StatisticsView(statistics), WEDNESDAY)["total_requests"] == 1
