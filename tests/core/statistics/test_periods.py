"""Days, weeks and months, and the strict reading of a date."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.core.statistics.periods import (
    DateInvalid,
    Days,
    MonthInvalid,
    Period,
    days_of,
    month,
    parse_day,
    week_of,
)


@pytest.mark.parametrize("text", ["2025-08-20", "1970-01-01", "9998-12-31", "2024-02-29"])
def test_a_date_is_read_as_it_is_written(text: str) -> None:
    assert parse_day(text).isoformat() == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "2026-02-30",
        "2025-02-29",
        "10000-01-01",
        "0001-01-01",
        "1969-12-31",
        "9999-12-31",
        "2025-8-20",
        "20250820",
        "2025-W34-3",
        " 2025-08-20",
        "2025-08-20\n",
        "2025-08-20T00:00:00",
        "２０２５-08-20",
        "-025-08-20",
        "2025-13-01",
        "9" * 10_000,
    ],
)
def test_m1_44_anything_else_is_a_bad_date(text: str) -> None:
    with pytest.raises(DateInvalid, match="日期格式错误，请使用YYYY-MM-DD格式"):
        parse_day(text)


@given(st.dates(date(1970, 1, 1), date(9998, 12, 31)))
def test_every_day_lies_in_its_week_and_month(day: date) -> None:
    week, of_month = week_of(day), days_of(Period.MONTHLY, day)

    assert week.first <= day <= week.last
    assert (week.first.weekday(), week.last.weekday(), (week.last - week.first).days) == (0, 6, 6)
    assert (of_month.first.day, of_month.first.month, of_month.last.month) == (1, day.month, day.month)
    assert (of_month.last + timedelta(days=1)).day == 1
    assert of_month.first <= day <= of_month.last
    assert days_of(Period.DAILY, day) == Days(day, day)


def test_the_week_of_new_year_2020_begins_in_2019() -> None:
    assert week_of(date(2020, 1, 1)) == (date(2019, 12, 30), date(2020, 1, 5))


@pytest.mark.parametrize(
    ("year", "number"), [(2025, 0), (2025, 13), (1969, 12), (9999, 1), (0, 1), (-1, 1), (2025, -1), (10**20, 1)]
)
def test_a_month_that_does_not_exist_is_refused(year: int, number: int) -> None:
    with pytest.raises(MonthInvalid):
        month(year, number)


def test_the_months_of_a_year_are_its_twelve() -> None:
    assert month(2024, 2) == (date(2024, 2, 1), date(2024, 2, 29))
    assert month(2025, 1).first == date(2025, 1, 1)
    assert month(2025, 12).last == date(2025, 12, 31)
