"""What the statistics verbs answer: the guide's shapes and exact figures."""

from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from smart_ai_router.core.statistics.breakdown import cost_breakdown
from smart_ai_router.core.statistics.daily import daily_statistics
from smart_ai_router.core.statistics.memory import MemoryStatistics
from smart_ai_router.core.statistics.monthly import monthly_statistics
from smart_ai_router.core.statistics.periods import Period
from smart_ai_router.core.statistics.summary import summary_statistics
from smart_ai_router.core.statistics.top import top_channels, top_models, top_tags, top_users
from smart_ai_router.core.statistics.view import StatisticsView
from smart_ai_router.core.statistics.weekly import weekly_statistics
from smart_ai_router.core.statistics_store import Dimension
from smart_ai_router.core.usage_record import AttemptRecord, decode_usage_record
from tests.core.usage_samples import GUIDE_LINE, SAMPLE, call, failed, view_of

WEDNESDAY = date(2025, 8, 20)
GUIDE_FIGURES = [
    "total_requests",
    "total_cost",
    "total_input_tokens",
    "total_output_tokens",
    "total_tokens",
    "successful_requests",
    "failed_requests",
    "providers",
    "channels",
    "models",
    "avg_cost_per_request",
    "avg_cost_per_1k_tokens",
]


def attempt(channel_id: str, error_kind: str | None = None, name: str = "") -> AttemptRecord:
    return AttemptRecord(
        channel_id, name or channel_id, "openai", "m", 200, error_kind, error_kind, 0, 0, Decimal(0), 10
    )


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


def test_m1_33_a_week_runs_from_monday_to_sunday() -> None:
    days = ["2025-08-17", "2025-08-18", "2025-08-20", "2025-08-24", "2025-08-25"]
    view = view_of(call(number, day) for number, day in enumerate(days))

    week = weekly_statistics(view, WEDNESDAY)

    assert list(week)[:14] == [*GUIDE_FIGURES, "week_start", "week_end"]
    assert (week["week_start"], week["week_end"], week["total_requests"]) == ("2025-08-18", "2025-08-24", 3)


def test_m1_34_a_month_is_the_calendars() -> None:
    days = ["2025-07-31", "2025-08-01", "2025-08-31", "2025-09-01"]
    view = view_of(call(number, day) for number, day in enumerate(days))

    month = monthly_statistics(view, WEDNESDAY)

    assert list(month)[:14] == [*GUIDE_FIGURES, "year", "month"]
    assert (month["year"], month["month"], month["total_requests"]) == (2025, 8, 2)


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


def test_m1_36_m1_46_models_rank_by_requests_and_limit_cuts() -> None:
    view = view_of(
        [
            call(1, model="dear", cost="9"),
            *(call(number, model="busy") for number in range(2, 5)),
            *(call(number, model="busy-and-dearer", cost="1") for number in range(5, 8)),
        ]
    )

    ranking = top_models(view, Period.DAILY, WEDNESDAY, 10)

    assert list(ranking)[:3] == ["period", "target_date", "models"]
    assert [row["model"] for row in ranking["models"]] == ["busy-and-dearer", "busy", "dear"]
    assert list(ranking["models"][0])[:6] == [
        "model",
        "requests",
        "cost",
        "tokens",
        "avg_cost_per_request",
        "avg_tokens_per_request",
    ]
    assert ranking["models"][0]["avg_tokens_per_request"] == Decimal(450)
    assert len(top_models(view, Period.DAILY, WEDNESDAY, 1)["models"]) == 1


def test_m1_37_channels_rank_by_cost_and_namesakes_stay_apart() -> None:
    view = view_of([call(1, channel_id="ch_a", cost="1"), call(2, channel_id="ch_b", cost="2")])

    ranking = top_channels(view, Period.DAILY, WEDNESDAY, 10)

    assert [(row["channel"], row["channel_id"], row["cost"]) for row in ranking["channels"]] == [
        ("OpenAI Official", "ch_b", Decimal(2)),
        ("OpenAI Official", "ch_a", Decimal(1)),
    ]


def test_m1_72_users_rank_by_cost_and_calls_without_a_user_show() -> None:
    view = view_of([call(1, cost="1", user_id="ada"), call(2, cost="2", user_id="bob"), call(3, cost="0.5")])

    assert [row["user"] for row in top_users(view, Period.DAILY, WEDNESDAY, 10)["users"]] == ["bob", "ada", "(none)"]


def test_m1_74_a_call_counts_under_each_of_its_tags_once() -> None:
    view = view_of([call(1, tags=("free", "chat", "free")), call(2, tags=("chat",)), call(3, tags=())])

    rows = top_tags(view, Period.DAILY, WEDNESDAY, 10)["tags"]

    assert [(row["tag"], row["requests"]) for row in rows] == [("chat", 2), ("free", 1)]


@pytest.mark.parametrize(
    ("by", "key", "dearest"),
    [(Dimension.PROVIDER, "provider", "b"), (Dimension.MODEL, "model", "mb"), (Dimension.CHANNEL, "channel", "cb")],
)
def test_m1_38_m1_50_m1_51_m1_52_a_breakdown_sums_to_its_total(by: Dimension, key: str, dearest: str) -> None:
    view = view_of(
        [
            call(1, "2025-08-01", "0.25", provider="a", model="ma", channel_id="ca", channel_name="ca"),
            call(2, "2025-08-31", "0.5", provider="b", model="mb", channel_id="cb", channel_name="cb"),
            call(3, "2025-08-20", "0.25", provider="b", model="mb", channel_id="cb", channel_name="cb"),
        ]
    )

    answer = cost_breakdown(view, Period.MONTHLY, by, WEDNESDAY)

    assert list(answer)[:5] == ["period", "breakdown_by", "target_date", "total_cost", "breakdown"]
    assert list(answer["breakdown"][0])[:5] == [key, "cost", "percentage", "requests", "tokens"]
    assert answer["breakdown"][0][key] == dearest  # type: ignore[literal-required]
    assert [row["percentage"] for row in answer["breakdown"]] == [Decimal(75), Decimal(25)]
    assert sum(row["cost"] for row in answer["breakdown"]) == answer["total_cost"] == Decimal(1)


def test_m1_54_a_channels_failures_are_counted_by_attempts_and_by_requests() -> None:
    # given: two calls failed over from ch_a to ch_b, one ended at ch_a
    moved_on = (attempt("ch_a", "server_error", "A"), attempt("ch_b", name="B"))
    view = view_of(
        [
            call(1, channel_id="ch_b", channel_name="B", attempts=moved_on),
            call(2, channel_id="ch_b", channel_name="B", attempts=moved_on),
            call(3, channel_id="ch_a", channel_name="A", attempts=(attempt("ch_a", name="A"),)),
        ]
    )

    day = daily_statistics(view, WEDNESDAY)
    details = day["channel_details"]

    assert (details["ch_a"]["attempts"], details["ch_a"]["failed_attempts"]) == (3, 2)
    assert details["ch_a"]["failure_rate"] == Decimal("66.67")
    assert (details["ch_b"]["attempts"], details["ch_b"]["failure_rate"]) == (2, 0)
    assert (day["channels"]["A"]["successful_requests"], day["channels"]["A"]["failed_requests"]) == (1, 0)


def test_a_channel_that_only_ever_failed_over_still_shows() -> None:
    moved_on = (attempt("ch_dead", "timeout", "Dead"), attempt("ch_b", name="B"))
    view = view_of([call(1, channel_id="ch_b", channel_name="B", attempts=moved_on)])

    details = daily_statistics(view, WEDNESDAY)["channel_details"]

    assert (details["ch_dead"]["channel_name"], details["ch_dead"]["requests"]) == ("Dead", 0)
    assert details["ch_dead"]["failure_rate"] == Decimal(100)


def test_attempts_that_nobody_counts_are_unknown_and_not_zero() -> None:
    view = view_of([call(1), failed(2)])

    detail = daily_statistics(StatisticsView(view.store), WEDNESDAY)["channel_details"]["ch_openai_001"]

    assert (detail["attempts"], detail["failed_attempts"], detail["failure_rate"]) == (None, None, Decimal(50))


def test_two_channels_of_one_name_show_both_ids_and_their_own_details() -> None:
    view = view_of([call(1, channel_id="ch_a", cost="1"), call(2, channel_id="ch_b", cost="2")])

    day = daily_statistics(view, WEDNESDAY)

    assert day["channels"]["OpenAI Official"]["channel_ids"] == ["ch_a", "ch_b"]
    assert day["channels"]["OpenAI Official"]["cost"] == Decimal(3)
    assert [detail["cost"] for detail in day["channel_details"].values()] == [Decimal(1), Decimal(2)]


def test_a_renamed_channel_bears_its_latest_name() -> None:
    view = view_of([call(2, channel_name="New"), call(1, channel_name="Old")])

    assert list(daily_statistics(view, WEDNESDAY)["channels"]) == ["New"]


def test_currencies_are_never_added() -> None:
    view = view_of([call(1, cost="1"), call(2, cost="7", cost_currency="CNY", provider="qwen")])

    day = daily_statistics(view, WEDNESDAY)

    assert (day["total_requests"], day["total_cost"]) == (2, Decimal(1))
    assert day["other_currencies"] == {"CNY": {"requests": 1, "cost": Decimal(7), "tokens": 450}}
    assert day["avg_cost_per_request"] == Decimal(1)
    assert day["providers"]["qwen"]["cost"] == Decimal(0)
    assert daily_statistics(replace_currency(view, "CNY"), WEDNESDAY)["total_cost"] == Decimal(7)


def replace_currency(view: StatisticsView, currency: str) -> StatisticsView:
    return StatisticsView(view.store, currency, view.complete, view.attempts)


def test_what_is_not_priced_estimated_or_cached_is_told_apart() -> None:
    view = view_of(
        [
            call(1, cost="0", cost_basis="unpriced", cached_tokens=40, reasoning_tokens=7),
            call(2, usage_source="estimated"),
            call(3),
        ]
    )

    day = daily_statistics(view, WEDNESDAY)

    assert (day["unpriced_requests"], day["estimated_requests"]) == (1, 1)
    assert (day["cached_tokens"], day["reasoning_tokens"]) == (40, 7)
    assert day["estimated_share"] == Decimal("33.33")


def test_calls_refused_before_they_had_a_channel_stand_under_none() -> None:
    view = view_of([failed(1, provider="", channel_id="", channel_name="", outcome="refused"), call(2)])

    day = daily_statistics(view, WEDNESDAY)

    assert day["total_requests"] == sum(share["requests"] for share in day["providers"].values()) == 2
    assert day["providers"]["(none)"]["failed_requests"] == 1
    assert (day["channels"]["(none)"]["requests"], day["channels"]["(none)"]["channel_ids"]) == (1, [])
    assert day["channel_details"]["(none)"]["attempts"] == 0


def test_m1_49_a_day_belongs_to_the_configured_time_zone() -> None:
    # given: 17:30 UTC on the 20th is 01:30 on the 21st in Shanghai
    record = replace(SAMPLE, timestamp="2025-08-20T17:30:00Z")

    in_utc, in_shanghai = view_of([record]), view_of([record], ZoneInfo("Asia/Shanghai"))

    assert daily_statistics(in_utc, WEDNESDAY)["total_requests"] == 1
    assert daily_statistics(in_shanghai, WEDNESDAY)["total_requests"] == 0
    assert daily_statistics(in_shanghai, date(2025, 8, 21))["total_requests"] == 1


def test_m1_49_day_week_and_month_agree_with_a_count_by_hand() -> None:
    days = [f"2025-08-{number:02d}" for number in range(1, 32)]
    view = view_of(call(index, day, f"0.{index + 1:03d}") for index, day in enumerate(days))

    assert daily_statistics(view, WEDNESDAY)["total_cost"] == Decimal("0.020")
    assert weekly_statistics(view, WEDNESDAY)["total_cost"] == Decimal("0.147")  # 18 + 19 + ... + 24
    assert monthly_statistics(view, WEDNESDAY)["total_cost"] == Decimal("0.496")  # 31 * 32 / 2


def test_a_record_counted_twice_counts_once() -> None:
    statistics = MemoryStatistics()

    assert [statistics.add(call(1)), statistics.add(call(1))] == [True, False]
    assert daily_statistics(StatisticsView(statistics), WEDNESDAY)["total_requests"] == 1


def test_sums_beyond_one_cell_are_exact() -> None:
    view = view_of(call(number, cost="9223372.036854775807") for number in range(3))

    assert daily_statistics(view, WEDNESDAY)["total_cost"] == Decimal("27670116.110564327421")


def test_many_equal_costs_add_up_without_a_remainder() -> None:
    # 200 x 0.2025 in binary floats is 40.500000000000085
    view = view_of(call(number, cost="0.2025") for number in range(200))

    assert daily_statistics(view, WEDNESDAY)["total_cost"] == Decimal("40.5")


def test_m1_76_the_guides_sample_day_shows_one_request() -> None:
    day = daily_statistics(view_of([decode_usage_record(GUIDE_LINE)]), date(2025, 8, 24))

    assert (day["total_requests"], day["total_tokens"], day["total_cost"]) == (1, 450, Decimal("0.000375"))


def test_an_answer_says_when_the_books_had_not_caught_up() -> None:
    view = StatisticsView(view_of([call(1)]).store, complete=False)

    assert daily_statistics(view, WEDNESDAY)["complete"] is False
    assert summary_statistics(view, WEDNESDAY)["complete"] is False
    assert top_models(view, Period.DAILY, WEDNESDAY, 5)["complete"] is False
