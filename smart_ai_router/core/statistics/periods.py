"""Days, weeks and months, and the strict reading of a date."""

import re
from calendar import monthrange
from datetime import date, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

YEAR_MIN: Final = 1970
YEAR_MAX: Final = 9998  # the week of a later day would end after the last day there is

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Period(StrEnum):
    """The guide's three periods."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class Days(NamedTuple):
    """A range of days, both included."""

    first: date
    last: date


class DateInvalid(ValueError):
    """A date that is not written YYYY-MM-DD, does not exist, or lies outside the years 1970 to 9998."""

    def __init__(self) -> None:
        super().__init__("日期格式错误，请使用YYYY-MM-DD格式")


class MonthInvalid(ValueError):
    """A year and month that name no month."""

    def __init__(self) -> None:
        super().__init__(f"年月错误，year 应为 {YEAR_MIN} 到 {YEAR_MAX}，month 应为 1 到 12")


def parse_day(text: str) -> date:
    """Read YYYY-MM-DD strictly; raises DateInvalid."""
    if not _DATE.fullmatch(text):
        raise DateInvalid
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise DateInvalid from error
    return require_day(day)


def require_day(day: date) -> date:
    """The day itself, if statistics can be asked for it; raises DateInvalid."""
    if not YEAR_MIN <= day.year <= YEAR_MAX:
        raise DateInvalid
    return day


def week_of(day: date) -> Days:
    """Monday to Sunday."""
    monday = day - timedelta(days=day.weekday())
    return Days(monday, monday + timedelta(days=6))


def month_of(day: date) -> Days:
    """The first to the last day of the day's month."""
    return Days(day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1]))


def month(year: int, month_number: int) -> Days:
    """The days of a month by its numbers; raises MonthInvalid."""
    if not (YEAR_MIN <= year <= YEAR_MAX and 1 <= month_number <= 12):
        raise MonthInvalid
    return month_of(date(year, month_number, 1))


def days_of(period: Period, day: date) -> Days:
    """The days of the period in which the day lies."""
    if period is Period.DAILY:
        return Days(day, day)
    return week_of(day) if period is Period.WEEKLY else month_of(day)
