"""Which days a billing page is asked for: days of the configured time zone, read strictly, both included."""

from datetime import date, timedelta
from typing import Final

from smart_ai_router.core.billing.currency import Days
from smart_ai_router.core.statistics.periods import parse_day
from smart_ai_router.core.users_and_keys import FieldInvalid

DAYS_BY_DEFAULT: Final = 30  # the second guide: 默认最近30天
DAYS_MAX: Final = 366  # of one answer by days; a year can be compared, and the answer stays readable


def asked_days(start: str | None, end: str | None, today: date) -> Days:
    """The days that costs are asked for: the last 30 when nothing is said, up to today without an end.

    Raises DateInvalid, FieldInvalid.
    """
    first, last = open_days(start, end)
    last = last or max(today, first or today)
    first = first or last - timedelta(days=DAYS_BY_DEFAULT - 1)
    if (last - first).days >= DAYS_MAX:
        raise FieldInvalid(f"{first} to {last} are more than {DAYS_MAX} days; ask for fewer", param="startDate")
    return Days(first, last)


def open_days(start: str | None, end: str | None) -> tuple[date | None, date | None]:
    """The days that records are asked for; a side that is not given is open. Raises DateInvalid, FieldInvalid."""
    first = None if start is None else parse_day(start)
    last = None if end is None else parse_day(end)
    if first is not None and last is not None and first > last:
        raise FieldInvalid(f"startDate {first} lies behind endDate {last}", param="startDate")
    return first, last
