"""Days of the configured time zone, as whole numbers: days and months since 1970."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

MINUTES_KNOWN_MAX: Final = 100_000  # two months of minutes; about 10 MB

_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()
_MS_PER_MINUTE: Final = 60_000
_MS: Final = timedelta(milliseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class TimeZoneUnknown(ValueError):
    """A time zone name that is not in the IANA database."""


class LocalDays:
    """Which day a moment belongs to. A time zone changes its offset only on whole minutes, so minutes are looked up."""

    def __init__(self, time_zone: str) -> None:
        """`time_zone` is an IANA name such as UTC or Asia/Shanghai; raises TimeZoneUnknown."""
        try:
            self.zone = ZoneInfo(time_zone)
        except (KeyError, ValueError, OSError) as error:
            raise TimeZoneUnknown(f"{time_zone!r} is no time zone of the IANA database") from error
        self.name = time_zone
        self._days: dict[int, int] = {}

    def day_of(self, at_ms: int) -> int:
        """The day of a moment, in days since 1970-01-01; `at_ms` is milliseconds since 1970 UTC."""
        minute = at_ms // _MS_PER_MINUTE
        day = self._days.get(minute)
        if day is None:
            if len(self._days) >= MINUTES_KNOWN_MAX:
                self._days.clear()
            moment = _EPOCH + timedelta(minutes=minute)
            day = self._days[minute] = day_number(moment.astimezone(self.zone).date())
        return day

    def starts_ms(self, day: int) -> int:
        """The first moment of a day."""
        midnight = datetime.combine(date_of(day), time.min, self.zone)
        return (midnight.astimezone(UTC) - _EPOCH) // _MS


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - _EPOCH_ORDINAL


def date_of(day: int) -> date:
    """The date of a day number."""
    return date.fromordinal(day + _EPOCH_ORDINAL)


def month_number(day: int) -> int:
    """The month of a day: months since the year 0."""
    of = date_of(day)
    return of.year * 12 + of.month - 1


def month_days(month: int) -> tuple[int, int]:
    """The first and the last day of a month."""
    first = date(month // 12, month % 12 + 1, 1)
    following = date((month + 1) // 12, (month + 1) % 12 + 1, 1)
    return day_number(first), day_number(following) - 1
