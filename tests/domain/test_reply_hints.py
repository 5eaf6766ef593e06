"""What upstreams say about waiting, in every form that they say it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.domain.alert_words import utc_text
from smart_ai_router.domain.reply_hints import (
    WAIT_S_MAX,
    duration_s,
    remaining_requests,
    reset_at,
    retry_after_s,
)

NOW = datetime(2025, 8, 24, 12, 30, 45, tzinfo=UTC).timestamp()
MIDNIGHT = datetime(2025, 8, 25, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("20", 20.0),
        ("1.5", 1.5),
        (" 20 ", 20.0),
        ("Sun, 24 Aug 2025 12:31:45 GMT", 60.0),
        ("Sun, 24 Aug 2025 12:30:45 GMT", 0.0),
        ("Sun, 24 Aug 2025 12:00:00 GMT", 0.0),  # already over
        ("Sunday, 24-Aug-25 12:31:45 GMT", 60.0),
        ("Sun Aug 24 12:31:45 2025", 60.0),
        ("Sun Nov  6 08:49:37 1994", 0.0),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 0.0),
        ("Wed, 01 Jan 2098 00:00:00 GMT", WAIT_S_MAX),
        ("999999999", WAIT_S_MAX),
    ],
)
def test_u5_retry_after_is_read_as_seconds_and_as_a_date(text: str, seconds: float) -> None:
    assert retry_after_s({"retry-after": text}, NOW) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "-5",
        "nan",
        "inf",
        "1e9",
        "Sun, 32 Aug 2025 12:31:45 GMT",
        "Sun, 24 Xxx 2025 12:31:45 GMT",
        "9" * 200,
    ],
)
def test_a_retry_after_that_cannot_be_read_is_none(text: str) -> None:
    assert retry_after_s({"retry-after": text}, NOW) is None


def test_milliseconds_go_before_seconds() -> None:
    assert retry_after_s({"retry-after-ms": "1250", "retry-after": "9"}, NOW) == 1.25
    assert retry_after_s({"retry-after-ms": "x", "retry-after": "9"}, NOW) == 9.0
    assert retry_after_s({}, NOW) is None


@pytest.mark.parametrize(
    "name",
    [
        "x-ratelimit-remaining-requests",
        "x-ratelimit-remaining",
        "ratelimit-remaining",
        "x-rate-limit-remaining",
        "anthropic-ratelimit-requests-remaining",
    ],
)
def test_the_requests_left_are_read_under_each_name(name: str) -> None:
    assert remaining_requests({name: "0"}) == 0
    assert remaining_requests({name: "57"}) == 57
    assert remaining_requests({name: "many"}) is None
    assert remaining_requests({}) is None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("6m0s", NOW + 360),
        ("1s", NOW + 1),
        ("120ms", NOW + 0.12),
        ("1h2m3.5s", NOW + 3723.5),
        ("2d", NOW + 172_800),
        ("60", NOW + 60),
        (str(int(MIDNIGHT)), MIDNIGHT),
        (str(int(MIDNIGHT * 1000)), MIDNIGHT),
        ("2025-08-25T00:00:00Z", MIDNIGHT),
        ("2025-08-25T08:00:00+08:00", MIDNIGHT),
        ("2025-08-25T00:00:00", MIDNIGHT),
        ("Mon, 25 Aug 2025 00:00:00 GMT", MIDNIGHT),
    ],
)
def test_a_reset_is_read_in_each_form(text: str, moment: float) -> None:
    assert reset_at({"x-ratelimit-reset-requests": text}, NOW) == pytest.approx(moment)


@pytest.mark.parametrize("text", ["", "soon", "-1", "9" * 15, "x" * 200])
def test_a_reset_that_cannot_be_read_is_none(text: str) -> None:
    assert reset_at({"x-ratelimit-reset": text}, NOW) is None


def test_the_next_name_is_tried_when_one_cannot_be_read() -> None:
    headers = {"x-ratelimit-reset-requests": "?", "x-ratelimit-reset": "60"}

    assert reset_at(headers, NOW) == NOW + 60


@pytest.mark.parametrize("text", ["", "m", "1x", "1s1m", "1 m", "ms"])
def test_what_is_no_duration_is_none(text: str) -> None:
    assert duration_s(text) is None


@given(st.text(max_size=120), st.floats(0, 4e9))
def test_no_header_text_can_break_it(text: str, now: float) -> None:
    wait_s = retry_after_s({"retry-after": text, "retry-after-ms": text}, now)
    moment = reset_at({"x-ratelimit-reset-requests": text}, now)
    remaining = remaining_requests({"x-ratelimit-remaining": text})

    assert wait_s is None or 0.0 <= wait_s <= WAIT_S_MAX
    assert moment is None or utc_text(moment).endswith("Z")
    assert remaining is None or remaining >= 0
