"""Timestamps as the journal writes them."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

SECONDS_CACHED_MAX: Final = 64  # the current second and those of calls just ended
_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


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
    """Milliseconds since 1970 of a date (its midnight UTC) or of a moment with Z or an offset.

    Raises ValueError for anything else, a moment without an offset included.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        if len(text) != len("2026-01-31"):
            raise ValueError(f"{text!r} has no time zone; end it with Z")
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _MILLISECOND
