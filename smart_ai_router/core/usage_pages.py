"""Pages of usage records: the question, and the rows that answer it.

Rows come newest first, by the time their ids were made. The cursor of a page is the key of its last row, so that
pages neither repeat nor skip a row while new ones arrive. A page reads a bounded number of rows: a rare combination of
filters may end it early, and then it says so and its cursor goes on from there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from smart_ai_router.core.statistics_store import Dimension
from smart_ai_router.domain.money import Pico

LIMIT_MAX: Final = 1000  # rows of one page
SKIP_MAX: Final = 10_000  # rows before it, for callers who count pages; beyond it there is the cursor
ROWS_READ_MAX: Final = 20_000  # of one page; about 20 ms of work


class CursorInvalid(ValueError):
    """A cursor that no page gave out."""


@dataclass(frozen=True, slots=True)
class UsageFilter:
    """Which records: all conditions together. Days are days of the configured time zone, both included."""

    user_id: str | None = None
    api_key_id: str | None = None
    provider: str | None = None
    channel_id: str | None = None
    model: str | None = None
    usage_type: str | None = None
    is_success: bool | None = None
    first: date | None = None
    last: date | None = None

    def dimensions(self) -> dict[Dimension, str]:
        """The conditions that rollups know."""
        asked: Mapping[Dimension, str | None] = {
            Dimension.USER: self.user_id,
            Dimension.API_KEY: self.api_key_id,
            Dimension.PROVIDER: self.provider,
            Dimension.CHANNEL: self.channel_id,
            Dimension.MODEL: self.model,
            Dimension.USAGE_TYPE: self.usage_type,
        }
        return {dimension: value for dimension, value in asked.items() if value is not None}


@dataclass(frozen=True, slots=True)
class UsageRow:
    """One record. What is not here (bill lines, attempts, error text) stands in its journal line."""

    sid: int
    request_id: str
    at_ms: int  # milliseconds since 1970 UTC
    model: str
    channel_id: str
    provider: str
    user_id: str
    api_key_id: str
    usage_type: str
    outcome: str
    error_kind: str
    status_code: int | None
    currency: str
    region: str
    usage_source: str
    cost_basis: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    input_cost: Pico
    output_cost: Pico
    total_cost: Pico
    user_charge: Pico | None
    images: int
    media_ms: int
    duration_ms: int
    first_token_ms: int | None

    @property
    def is_success(self) -> bool:
        return self.outcome == "success"


@dataclass(frozen=True, slots=True)
class UsagePage:
    """Some rows, and where to go on."""

    rows: tuple[UsageRow, ...]
    next_cursor: str | None  # None: there is nothing further
    is_complete: bool  # False: the search was cut short; the cursor goes on, perhaps to more rows


def cursor_of(sid: int) -> str:
    """The cursor behind a row; text, because the number passes 2^53."""
    return str(sid)


def sid_of_cursor(cursor: str) -> int:
    """Raises CursorInvalid."""
    digits = cursor.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 19) or int(digits) >= 1 << 63:
        raise CursorInvalid(f"{cursor[:40]!r} is not a cursor of this list")
    return int(cursor)
