"""Timestamps as the journal writes them."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

SECONDS_CACHED_MAX: Final = 64  # the current second and those of calls just ended


def iso_utc(timestamp: float) -> str:
    """ISO 8601 in UTC with microseconds and a Z, of seconds since 1970; rounded down to the microsecond."""
    second = int(timestamp)
    return f"{_second_text(second)}.{int((timestamp - second) * 1_000_000):06d}Z"


@lru_cache(maxsize=SECONDS_CACHED_MAX)
def _second_text(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
