"""Days and months of a time zone as numbers."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.core.local_days import (
    MINUTES_KNOWN_MAX,
    LocalDays,
    TimeZoneUnknown,
    date_of,
    day_number,
    month_days,
    month_number,
)
from tests.contract.lines import moment

ZONES = ["UTC", "Asia/Shanghai", "America/New_York", "Asia/Kathmandu", "Pacific/Apia", "Australia/Lord_Howe"]


@given(zone=st.sampled_from(ZONES), at_ms=st.integers(0, 3_900_000_000_000))
def test_t3_a_moment_is_on_the_day_that_the_zones_clock_shows(zone: str, at_ms: int) -> None:
    wanted = datetime.fromtimestamp(at_ms // 1000, UTC).astimezone(ZoneInfo(zone)).date()

    days = LocalDays(zone)

    assert date_of(days.day_of(at_ms)) == wanted
    assert days.day_of(at_ms) == days.day_of(at_ms)


@given(zone=st.sampled_from(["UTC", "Asia/Shanghai", "America/New_York"]), day=st.integers(20_000, 40_000))
def test_a_day_begins_where_the_one_before_it_ends(zone: str, day: int) -> None:
    days = LocalDays(zone)

    assert days.day_of(days.starts_ms(day)) == day
    assert days.day_of(days.starts_ms(day) - 1) == day - 1


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 8), 23), (date(2026, 11, 1), 25), (date(2026, 7, 1), 24), (date(2028, 2, 29), 24)]
)
def test_t3_a_day_of_a_clock_change_is_an_hour_shorter_or_longer(day: date, hours: int) -> None:
    days = LocalDays("America/New_York")
    number = day_number(day)

    assert days.starts_ms(number + 1) - days.starts_ms(number) == hours * 3_600_000


@pytest.mark.parametrize(
    ("at", "day"),
    [
        ("2028-02-28 23:59:59.999", date(2028, 2, 28)),
        ("2028-02-29 00:00:00", date(2028, 2, 29)),
        ("2028-12-31 23:59:59.999", date(2028, 12, 31)),
        ("2029-01-01 00:00:00", date(2029, 1, 1)),
    ],
)
def test_both_sides_of_midnight(at: str, day: date) -> None:
    assert date_of(LocalDays("UTC").day_of(moment(at))) == day


@given(day=st.dates(date(1970, 1, 1), date(2093, 12, 31)))
def test_months_hold_their_days(day: date) -> None:
    number = day_number(day)
    first, last = month_days(month_number(number))

    assert first <= number <= last
    assert date_of(first).day == 1
    assert month_number(last + 1) == month_number(number) + 1
    assert date_of(number) == day


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "/etc/localtime", "UTC\x00"])
def test_a_name_that_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(TimeZoneUnknown):
        LocalDays(name)


def test_what_is_remembered_is_bounded() -> None:
    days = LocalDays("UTC")

    found = {days.day_of(minute * 60_000) for minute in range(MINUTES_KNOWN_MAX + 10)}

    assert len(days._days) <= MINUTES_KNOWN_MAX
    assert len(found) == MINUTES_KNOWN_MAX // 1440 + 1
