"""Timestamps as the journal writes them."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, TypeAlias

Instant: TypeAlias = float  # seconds since 1970 UTC

SECONDS_CACHED_MAX: Final = 64  # the current second and those of calls just ended
LATEST_MS: Final = 253_402_300_799_999  # the last millisecond of the year 9999
_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2}))?"
)


def iso_utc(timestamp: float) -> str:
    """ISO 8601 in UTC with microseconds and a Z, of seconds since 1970; rounded down to the microsecond."""
    second = int(timestamp)
    return f"{_second_text(second)}.{int((timestamp - second) * 1_000_000):06d}Z"


@lru_cache(maxsize=SECONDS_CACHED_MAX)
def _second_text(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def iso_utc_ms(at_ms: int) -> str:
    """ISO 8601 in UTC with milliseconds and a Z, of milliseconds since 1970."""
    second, millisecond = divmod(at_ms, 1000)
    return f"{_second_text(second)}.{millisecond:03d}Z"


def utc_ms(text: str) -> int:
    """Milliseconds since 1970 of a date (its midnight UTC) or of a moment such as 2026-08-16T16:00:00Z or ...+08:00.

    Raises ValueError for anything else, a moment without an offset included.
    """
    if not _MOMENT.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is no moment such as 2026-08-16 or 2026-08-16T16:00:00Z")
    moment = datetime.fromisoformat(text)
    at_ms = (moment.replace(tzinfo=moment.tzinfo or UTC) - _EPOCH) // _MILLISECOND
    if not 0 <= at_ms <= LATEST_MS:
        raise ValueError(f"{text[:40]!r} lies outside of the years 1970 to 9999")
    return at_ms


def seconds_of(at_ms: int) -> Instant:
    """The instant of a count of milliseconds since 1970 UTC."""
    return at_ms / 1000
