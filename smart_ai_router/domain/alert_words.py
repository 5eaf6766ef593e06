"""The words of alerts: kinds, messages, cleaned texts and details, moments.

Texts that come from outside (an upstream's error, a channel's name) are one clean, short line without secrets
before they stand in a file, a mail or a chat.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Final


class AlertKind(StrEnum):
    """What is wrong with a channel. The value is the line's `alert_type`."""

    QUOTA_EXHAUSTED = "quota_exhausted"
    LOW_BALANCE = "low_balance"
    API_KEY_INVALID = "api_key_invalid"
    RATE_LIMIT = "rate_limit"
    SERVER_ERROR = "server_error"
    API_ERROR = "api_error"
    ERROR_RATE = "error_rate"


TEXT_LENGTH_MAX: Final = 500  # a longer error text is a page of HTML; its start says what it is
_SOURCE_LENGTH_MAX: Final = 2000  # bounds the work of masking, whatever an upstream sends
TEXTS_CACHED_MAX: Final = 256  # an outage says the same few things thousands of times; half a megabyte at the most
DETAILS_KEYS_MAX: Final = 50  # an alert is a note, not a dump
_DETAILS_DEPTH_MAX: Final = 6  # deeper structures are written as text
_EXPONENT_MAX: Final = 40  # no amount is longer; "1E999999" in plain digits would be a megabyte

MASK: Final = "***"

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
# Each alternative is one run of characters after a literal start, so the work grows with the text and no faster.
# ASCII: a key right after a Chinese word must still begin at a word boundary.
_SECRET = re.compile(
    r"(?P<bearer>\b[Bb]earer\s+)\S+"
    r"|(?P<named>\b(?i:api[ _-]?key|access[_-]?token|token|secret|password|authorization)\b[\"']?\s*[:=]\s*[\"']?"
    r"(?:(?i:bearer|basic)\s+)?)[^\s\"',;}]{6,}"
    r"|\b(?:sk|pk|rk|gsk|xai|ghp|hf|nvapi)[-_][A-Za-z0-9_*.-]{8,}"
    r"|\b(?:AIza|SEC)[A-Za-z0-9_-]{20,}"
    r"|\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"
    r"|\b[A-Za-z0-9_]{32,}(?:\.[A-Za-z0-9_-]+)*",
    re.ASCII,
)
_SECRET_NAME = re.compile(r"(?i)api[_-]?key|token$|secret|password|authorization|cookie")

_CURRENCY_SIGNS: Final = {"USD": "$", "CNY": "¥", "EUR": "€"}


def clean_text(text: str) -> str:
    """One line of at most 500 characters, without control characters and with anything that looks like a key masked."""
    source = text[:_SOURCE_LENGTH_MAX]
    if len(text) > len(source):
        source = source.rpartition(" ")[0]  # a cut word could be the unrecognised half of a key
    return _cleaned(source)


def clean_details(details: Mapping[str, object] | None) -> dict[str, object] | None:
    """The details with cleaned texts, masked secrets and bounded size; numbers stay what they are."""
    if details is None:
        return None
    return _clean_mapping(details, _DETAILS_DEPTH_MAX)


def utc_text(seconds: float) -> str:
    """ISO 8601 in UTC with Z: 2025-08-24T12:30:45Z, with six decimals when the second is not whole."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().removesuffix("+00:00") + "Z"


def seconds_of(text: str) -> float:
    """The moment of an ISO 8601 text; without a zone it is UTC. Raises ValueError for anything else."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def quota_exhausted_message(channel_name: str) -> str:
    """The guide's words."""
    return f"渠道 {channel_name} 配额已用完"


def api_key_invalid_message(channel_name: str) -> str:
    """The guide's words."""
    return f"渠道 {channel_name} API密钥无效或已过期"


def low_balance_message(channel_name: str, remaining: Decimal | None, currency: str = "USD") -> str:
    """The guide's words; the amount has four decimals for the eye, the exact one stands in the details."""
    if remaining is None:
        return f"渠道 {channel_name} 余额不足"
    sign = _CURRENCY_SIGNS.get(currency, f"{currency} ")
    return f"渠道 {channel_name} 余额不足，剩余: {sign}{remaining:.4f}"


def error_rate_message(channel_name: str, failures: int, calls: int, window_s: float) -> str:
    """How many of the last calls failed."""
    return (
        f"渠道 {channel_name} 错误率过高: 最近 {window_s / 60:g} 分钟 {failures}/{calls} 次调用失败"
        f" ({100 * failures / calls:.1f}%)"
    )


def resolved_message(channel_name: str, kind: str, duration_s: float) -> str:
    """The alert is over."""
    return f"渠道 {channel_name} 已恢复: {kind}，持续 {_duration_text(duration_s)}"


def cleared_message(channel_name: str, kind: str) -> str:
    """An administrator put the alert away."""
    return f"渠道 {channel_name} 告警已清除: {kind}"


@lru_cache(maxsize=TEXTS_CACHED_MAX)
def _cleaned(source: str) -> str:
    line = _UNPRINTABLE.sub(" ", source).strip()
    masked = _SECRET.sub(lambda match: (match["bearer"] or match["named"] or "") + MASK, line)
    if len(masked) <= TEXT_LENGTH_MAX:
        return masked
    return masked[: TEXT_LENGTH_MAX - 1] + "…"


def _duration_text(seconds: float) -> str:
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} 小时 {minutes} 分"
    return f"{minutes} 分 {rest} 秒" if minutes else f"{rest} 秒"


def _clean_mapping(details: Mapping[str, object], depth: int) -> dict[str, object]:
    cleaned: dict[str, object] = {}
    for name, value in list(details.items())[:DETAILS_KEYS_MAX]:
        key = clean_text(str(name))
        cleaned[key] = MASK if _SECRET_NAME.search(key) and isinstance(value, str) else _clean_value(value, depth - 1)
    return cleaned


def _clean_value(value: object, depth: int) -> object:
    if value is None or isinstance(value, float):
        return value
    if isinstance(value, int):
        return value if value.bit_length() < 64 else clean_text(hex(value))
    if isinstance(value, Decimal):
        return value if value.is_finite() and abs(value.adjusted()) < _EXPONENT_MAX else clean_text(str(value))
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, Mapping) and depth > 0:
        return _clean_mapping(value, depth)
    if isinstance(value, list | tuple) and depth > 0:
        return [_clean_value(each, depth - 1) for each in value[:DETAILS_KEYS_MAX]]
    return clean_text(str(value))
