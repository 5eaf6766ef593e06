"""Limits: the last call that fits, the first that does not, and when it would."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.domain.limits import (
    ALLOWED,
    CONCURRENCY_RETRY_S,
    CallGate,
    Concurrency,
    DailyCount,
    Refused,
    RequestRate,
    Spacing,
    duration_text,
    rate_limit_headers,
)

MONDAY = date(2026, 11, 23)
TUESDAY = date(2026, 11, 24)


def test_a_minutes_calls_may_come_at_once_and_the_next_waits_for_its_share() -> None:
    rate = RequestRate(6)

    assert [rate.take(100.0) for _ in range(6)] == [ALLOWED] * 6
    refused = rate.take(100.0)
    assert isinstance(refused, Refused)
    assert refused.limit == "6 requests per minute"
    assert refused.retry_after_s == pytest.approx(10.0)
    assert isinstance(rate.take(109.9), Refused)
    assert rate.take(110.0) is ALLOWED
    assert isinstance(rate.take(110.0), Refused)


def test_a_check_counts_nothing() -> None:
    rate = RequestRate(1)

    assert [rate.check(0.0) for _ in range(3)] == [ALLOWED] * 3
    assert rate.take(0.0) is ALLOWED
    assert isinstance(rate.check(59.9), Refused)
    assert rate.check(60.0) is ALLOWED


def test_a_call_that_was_not_made_is_given_back() -> None:
    rate = RequestRate(2)
    rate.take(0.0)
    rate.take(0.0)

    rate.give_back()

    assert rate.take(0.0) is ALLOWED
    assert isinstance(rate.take(0.0), Refused)


def test_the_headers_tell_limit_rest_and_reset() -> None:
    rate = RequestRate(60)
    assert dict(rate.headers(0.0))["x-ratelimit-remaining-requests"] == "60"
    for _ in range(3):
        rate.take(0.0)

    assert rate.headers(0.0) == (
        ("x-ratelimit-limit-requests", "60"),
        ("x-ratelimit-remaining-requests", "57"),
        ("x-ratelimit-reset-requests", "3s"),
    )
    assert dict(rate.headers(1.0))["x-ratelimit-remaining-requests"] == "58"
    assert dict(rate.headers(3.0))["x-ratelimit-reset-requests"] == "0s"


def test_workers_share_a_limit() -> None:
    assert [RequestRate(60, shares=4).take(0.0) for _ in range(2)] == [ALLOWED] * 2
    rate = RequestRate(60, shares=4)
    assert [rate.take(0.0) for _ in range(16)].count(ALLOWED) == 15
    refused = rate.take(0.0)
    assert isinstance(refused, Refused)
    assert refused.limit == "60 requests per minute"
    assert refused.retry_after_s == pytest.approx(4.0)
    small = RequestRate(1, shares=4)
    assert small.take(0.0) is ALLOWED
    assert isinstance(small.take(239.0), Refused)


@given(st.integers(1, 120), st.lists(st.floats(0.0, 30.0), min_size=1, max_size=300))
def test_no_minute_holds_more_than_twice_the_limit(per_minute: int, gaps: list[float]) -> None:
    rate, now, taken = RequestRate(per_minute), 0.0, []

    for gap in gaps:
        now += gap
        if rate.take(now) is ALLOWED:
            taken.append(now)

    for moment in taken:
        assert sum(1 for each in taken if moment <= each < moment + 60.0) <= 2 * per_minute


@given(st.integers(1, 50), st.lists(st.floats(0.0, 30.0), min_size=1, max_size=100))
def test_whoever_waits_as_told_is_allowed(per_minute: int, gaps: list[float]) -> None:
    rate, now = RequestRate(per_minute), 0.0

    for gap in gaps:
        now += gap
        verdict = rate.take(now)
        if isinstance(verdict, Refused):
            assert verdict.retry_after_s is not None
            assert rate.check(now + verdict.retry_after_s + 1e-6) is ALLOWED


def test_only_so_many_calls_run_at_once() -> None:
    calls = Concurrency(2)

    assert [calls.take(), calls.take()] == [ALLOWED, ALLOWED]
    assert calls.take() == calls.check() == Refused("2 calls at once", CONCURRENCY_RETRY_S)
    calls.give_back()
    assert calls.check() is ALLOWED
    assert calls.take() is ALLOWED
    assert calls.under_way == 2


def test_a_call_cannot_end_twice() -> None:
    with pytest.raises(ValueError, match="had not begun"):
        Concurrency(1).give_back()


def test_a_day_holds_its_calls_and_a_new_date_begins_at_zero() -> None:
    day = DailyCount(2)

    assert [day.take(MONDAY), day.take(MONDAY)] == [ALLOWED, ALLOWED]
    assert day.take(MONDAY) == day.check(MONDAY) == Refused("2 calls a day", None)
    assert day.check(TUESDAY) is ALLOWED
    assert day.take(TUESDAY) is ALLOWED
    assert (day.day, day.used) == (TUESDAY, 1)


def test_a_days_count_is_taken_up_after_a_restart() -> None:
    day = DailyCount(10, used=9, day=MONDAY)

    assert day.headers(MONDAY, 3600.0)[1] == ("x-ratelimit-remaining-requests", "1")
    assert day.headers(TUESDAY, 90_000.0) == rate_limit_headers(10, 10, 86_400.0)
    assert day.take(MONDAY) is ALLOWED
    assert isinstance(day.take(MONDAY), Refused)
    day.give_back()
    assert day.take(MONDAY) is ALLOWED


def test_a_daily_limit_of_zero_allows_nothing_and_a_shared_one_at_least_one() -> None:
    assert isinstance(DailyCount(0).check(MONDAY), Refused)
    assert isinstance(DailyCount(0).take(MONDAY), Refused)
    assert [DailyCount(2, shares=4).take(MONDAY), DailyCount(8, shares=4, used=2, day=MONDAY).take(MONDAY)] == [
        ALLOWED,
        Refused("8 calls a day", None),
    ]


def test_calls_keep_their_distance() -> None:
    spacing = Spacing(0.5)

    assert spacing.take(10.0) is ALLOWED
    assert spacing.take(10.25) == spacing.check(10.25) == Refused("0.5 s between calls", 0.25)
    assert spacing.check(10.5) is ALLOWED
    assert spacing.take(10.5) is ALLOWED
    spacing.give_back()
    assert spacing.take(10.5) is ALLOWED


def test_a_gate_without_limits_is_open() -> None:
    gate = CallGate()

    assert gate.is_open
    assert [gate.enter(0.0, MONDAY), gate.check(0.0, MONDAY)] == [ALLOWED, ALLOWED]
    gate.leave()
    gate.undo()


def test_a_refused_call_counts_on_no_limit() -> None:
    gate = CallGate(requests_per_minute_max=2, concurrency_max=1, daily_limit=2)
    assert gate.enter(0.0, MONDAY) is ALLOWED

    assert gate.enter(0.0, MONDAY) == Refused("1 calls at once", CONCURRENCY_RETRY_S)
    gate.leave()

    assert gate.enter(0.0, MONDAY) is ALLOWED
    gate.leave()
    assert gate.enter(0.0, MONDAY) == Refused("2 calls a day", None)
    assert isinstance(gate.enter(0.0, TUESDAY), Refused)  # the minute is spent
    assert gate.enter(30.0, TUESDAY) is ALLOWED


def test_a_call_that_was_not_made_is_undone_on_every_limit() -> None:
    gate = CallGate(requests_per_minute_max=1, concurrency_max=1, daily_limit=1, min_request_interval_s=5.0)
    assert gate.enter(0.0, MONDAY) is ALLOWED
    assert isinstance(gate.check(0.0, MONDAY), Refused)

    gate.undo()

    assert gate.enter(0.0, MONDAY) is ALLOWED


def test_an_interval_is_kept_between_all_workers() -> None:
    gate = CallGate(min_request_interval_s=1.0, shares=2)

    assert gate.enter(0.0, MONDAY) is ALLOWED
    assert gate.check(1.5, MONDAY) == Refused("2 s between calls", 0.5)


@pytest.mark.parametrize("make", [lambda: RequestRate(0), lambda: RequestRate(1, 0), lambda: Concurrency(0)])
def test_a_limit_below_one_is_refused(make: object) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match="at least 1"):
        make()


def test_other_limits_that_say_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 0 and 1"):
        DailyCount(-1)
    with pytest.raises(ValueError, match="is none"):
        Spacing(0.0)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1.0, "0s"),
        (0.0, "0s"),
        (0.0001, "1ms"),
        (0.12, "120ms"),
        (0.9999, "1s"),
        (1.0, "1s"),
        (1.001, "2s"),
        (59.0, "59s"),
        (60.0, "1m0s"),
        (360.0, "6m0s"),
        (3600.0, "1h0m0s"),
        (3723.5, "1h2m4s"),
    ],
)
def test_durations_are_written_as_vendors_write_them_and_rounded_up(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
