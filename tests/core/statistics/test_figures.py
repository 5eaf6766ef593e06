"""What the figures of a day, a week and a month say about channels, failures and what is unusual."""

from decimal import Decimal

from smart_ai_router.core.statistics.daily import daily_statistics
from smart_ai_router.core.statistics.periods import Period
from smart_ai_router.core.statistics.summary import summary_statistics
from smart_ai_router.core.statistics.top import top_models
from smart_ai_router.core.statistics.view import StatisticsView
from smart_ai_router.core.usage_record import AttemptRecord
from tests.core.usage_samples import WEDNESDAY, call, failed, view_of


def attempt(channel_id: str, error_kind: str | None = None, name: str = "") -> AttemptRecord:
    return AttemptRecord(
        channel_id, name or channel_id, "openai", "m", 200, error_kind, error_kind, 0, 0, Decimal(0), 10
    )


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


def test_an_answer_says_when_the_books_had_not_caught_up() -> None:
    view = StatisticsView(view_of([call(1)]).store, complete=False)

    assert daily_statistics(view, WEDNESDAY)["complete"] is False
    assert summary_statistics(view, WEDNESDAY)["complete"] is False
    assert top_models(view, Period.DAILY, WEDNESDAY, 5)["complete"] is False
