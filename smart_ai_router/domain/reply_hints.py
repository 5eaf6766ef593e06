"""What an upstream's headers say about waiting: Retry-After, and how much of a rate limit is left until when.

Header names come in lower case. Whatever cannot be read is as if it were not there; nothing here raises.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

WAIT_S_MAX: Final = 7 * 86_400.0  # nobody is told to come back in more than a week and does
_HEADER_LENGTH_MAX: Final = 100
_YEAR_9999_S: Final = 253_402_300_799
_EPOCH_S_FROM: Final = 10**9  # a smaller number is a time from now, a greater one a date
_EPOCH_MS_FROM: Final = 10**11

_NUMBER: Final = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,9})?")
_DURATION: Final = re.compile(
    r"(?:([0-9]{1,6})d)?(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,6}(?:\.[0-9]{1,9})?)s)?"
)
_MILLISECONDS: Final = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)ms")
# RFC 9110 section 5.6.7: the current form, and the two old ones that a recipient must read
_HTTP_DATE: Final = re.compile(
    r"[A-Za-z]{3,9}, ([0-9]{2})[ -]([A-Za-z]{3})[ -]([0-9]{4}|[0-9]{2}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT"
)
_ASCTIME: Final = re.compile(r"[A-Za-z]{3} ([A-Za-z]{3}) ([ 0-9][0-9]) ([0-9]{2}):([0-9]{2}):([0-9]{2}) ([0-9]{4})")
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_REMAINING_HEADERS: Final = (
    "x-ratelimit-remaining-requests",
    "anthropic-ratelimit-requests-remaining",
    "x-ratelimit-remaining",
    "ratelimit-remaining",
    "x-rate-limit-remaining",
)
_RESET_HEADERS: Final = (
    "x-ratelimit-reset-requests",
    "anthropic-ratelimit-requests-reset",
    "x-ratelimit-reset",
    "ratelimit-reset",
    "x-rate-limit-reset",
)


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait, from retry-after-ms or Retry-After (seconds or a date); None when not given.

    `now` is seconds since 1970.
    """
    milliseconds = headers.get("retry-after-ms", "").strip()
    if len(milliseconds) <= _HEADER_LENGTH_MAX and _NUMBER.fullmatch(milliseconds):
        return min(float(milliseconds) / 1000, WAIT_S_MAX)
    text = headers.get("retry-after", "").strip()
    if not text or len(text) > _HEADER_LENGTH_MAX:
        return None
    if _NUMBER.fullmatch(text):
        return min(float(text), WAIT_S_MAX)
    date = _http_date(text)
    return None if date is None else min(max(date - now, 0.0), WAIT_S_MAX)


def remaining_requests(headers: Mapping[str, str]) -> int | None:
    """How many requests the provider still allows; None when not told."""
    for name in _REMAINING_HEADERS:
        text = headers.get(name, "").strip()
        if len(text) <= _HEADER_LENGTH_MAX and _NUMBER.fullmatch(text):
            return int(float(text))
    return None


def reset_at(headers: Mapping[str, str], now: float) -> float | None:
    """When the limit is whole again, in seconds since 1970; None when not told."""
    for name in _RESET_HEADERS:
        text = headers.get(name, "").strip()
        moment = _moment(text, now) if 0 < len(text) <= _HEADER_LENGTH_MAX else None
        if moment is not None and 0 <= moment <= _YEAR_9999_S:
            return moment
    return None


def duration_s(text: str) -> float | None:
    """Read a duration such as 6m0s, 1h2m3s, 1.5s or 120ms."""
    milliseconds = _MILLISECONDS.fullmatch(text)
    if milliseconds:
        return float(milliseconds[1]) / 1000
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return days * 86_400 + hours * 3_600 + minutes * 60 + seconds


def _moment(text: str, now: float) -> float | None:
    """A reset time as vendors write it: seconds from now, a duration, seconds or milliseconds since 1970, or a date."""
    if _NUMBER.fullmatch(text):
        number = float(text)
        if number >= _EPOCH_MS_FROM:
            return number / 1000
        return number if number >= _EPOCH_S_FROM else now + number
    length = duration_s(text)
    if length is not None:
        return now + length
    try:
        date = datetime.fromisoformat(text)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return _http_date(text)


def _http_date(text: str) -> float | None:
    if match := _HTTP_DATE.fullmatch(text):
        day, month, year, *time = match.groups()
    elif match := _ASCTIME.fullmatch(text):
        month, day, *time, year = match.groups()
    else:
        return None
    full_year = int(year) + (0 if len(year) == 4 else 2000 if int(year) < 70 else 1900)
    try:
        hour, minute, second = (int(part) for part in time)
        return datetime(
            full_year, _MONTHS.index(month.lower()) + 1, int(day), hour, minute, min(second, 59), tzinfo=UTC
        ).timestamp()
    except ValueError:
        return None
