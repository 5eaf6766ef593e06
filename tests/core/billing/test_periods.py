"""Which days a page is asked for."""

from datetime import date

import pytest

from smart_ai_router.core.billing.currency import Days
from smart_ai_router.core.billing.periods import asked_days, open_days
from smart_ai_router.core.statistics.periods import DateInvalid
from smart_ai_router.core.users_and_keys import FieldInvalid

TODAY = date(2026, 1, 31)


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        (None, None, date(2026, 1, 2), TODAY),  # 30 days, today included
        ("2026-01-31", None, TODAY, TODAY),
        (None, "2025-12-31", date(2025, 12, 2), date(2025, 12, 31)),
        ("2025-02-01", "2026-02-01", date(2025, 2, 1), date(2026, 2, 1)),
        ("2026-02-05", None, date(2026, 2, 5), date(2026, 2, 5)),
    ],
)
def test_m2_16_the_days_are_the_last_thirty_unless_said_otherwise(
    start: str | None, end: str | None, first: date, last: date
) -> None:
    assert asked_days(start, end, TODAY) == Days(first, last)


@pytest.mark.parametrize(("start", "end"), [("2025-01-31", "2026-02-01"), ("1970-01-01", None)])
def test_more_than_a_leap_year_of_days_is_refused(start: str, end: str | None) -> None:
    with pytest.raises(FieldInvalid, match="366 days"):
        asked_days(start, end, TODAY)


def test_days_that_run_backwards_are_refused() -> None:
    with pytest.raises(FieldInvalid, match="lies behind"):
        open_days("2026-01-02", "2026-01-01")
    with pytest.raises(FieldInvalid, match="lies behind"):
        asked_days("2026-01-02", "2026-01-01", TODAY)


@pytest.mark.parametrize(
    "text", ["", "today", "2026-1-2", "2026-02-30", "2026-01-02T00:00:00", "20260102", "２０２６-01-02"]
)
def test_m2_09_a_date_is_read_strictly(text: str) -> None:
    with pytest.raises(DateInvalid):
        open_days(text, None)
    with pytest.raises(DateInvalid):
        asked_days(None, text, TODAY)


def test_records_may_be_asked_for_without_days() -> None:
    assert open_days(None, None) == (None, None)
    assert open_days("2026-01-01", None) == (date(2026, 1, 1), None)
