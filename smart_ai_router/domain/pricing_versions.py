"""The price version: one dated row of a price list, and the name it goes by."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Final

from smart_ai_router.domain.meters import Meter

STANDARD_TIER: Final = "standard"
SECONDS_PER_DAY: Final = 86_400
MINUTES_PER_DAY: Final = 1_440
_WEEKDAY_OF_1970_01_01: Final = 3  # Thursday, with Monday as 0
_WEEKDAY_WORDS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class PriceConflict(ValueError):
    """Two prices that cannot both be true: the same row twice with different figures, or two currencies at once."""


@dataclass(frozen=True, slots=True)
class PriceVersion:
    """`price` units of `currency` per `per` of `meter`, under the row's conditions.

    A row applies when all its conditions hold; of several rows that apply to one meter, the one with the most
    specific conditions is billed (see `pricing_sheets`).
    """

    id: str  # `price_id` of the row
    provider: str  # provider id; "" in a channel's own prices
    model: str  # exact upstream or public name, or a pattern with one "*"
    meter: Meter
    price: Decimal
    currency: str
    per: int  # 1_000_000 for per-million token prices, 1 for an image
    effective_from: float = 0.0  # seconds since 1970 UTC
    effective_to: float | None = None
    region: str | None = None
    channel_id: str | None = None  # set on a channel's own price, which goes before all others
    context_over: int = 0  # applies when all input tokens together exceed this (a cliff, not marginal)
    window_utc: tuple[int, int] | None = None  # minutes of the UTC day [from, to), None means always
    service_tier: str = STANDARD_TIER  # standard | batch | flex | priority
    minimum_charge: Decimal | None = None  # of each line with a quantity, in units of the currency
    round_up_to: Decimal | None = None  # quantities are rounded up to a multiple of this (whole minutes: 1)
    source: str = ""
    checked: str = ""  # YYYY-MM-DD
    output_over: int = 0  # applies when all output tokens together exceed this (a cliff)
    with_reasoning: bool = False  # applies only when the call produced reasoning tokens
    variant: str = ""  # the size or quality it is for: 720p, hd, 1024x1792; "" means any
    weekdays_utc: tuple[int, ...] | None = None  # days on which the window begins, Monday is 0; None means all
    is_book: bool = False  # a row of the shipped price book; an operator's provider price goes before it


_after_model = attrgetter(*(each.name for each in fields(PriceVersion)[3:]))


def with_derived_id(version: PriceVersion) -> PriceVersion:
    """The same row under the name that its own fields give it."""
    return for_model(version, version.model)


def for_model(version: PriceVersion, model: str) -> PriceVersion:
    """The same price for a model of this name, with the id that follows.

    Written without `replace`, which takes several times as long: a price book is thousands of rows.
    """
    name = f"{owner_text(version)}/{model}/{_tail(version)}"
    return PriceVersion(name, version.provider, model, *_after_model(version))


def price_id(version: PriceVersion) -> str:
    """A stable, readable name: `openai/gpt-4o-mini/input_token@2024-07-18`.

    The shipped book has no prefix, an operator's provider price begins with `own:`, a channel's with `channel:`.
    Region, conditions and start follow only where the row has them, so a row keeps its name when others are added.
    """
    return f"{model_scope(version)}/{_tail(version)}"


def model_scope(version: PriceVersion) -> str:
    """Whose price for which model: the part of `price_id` that all rows of one price list share."""
    return f"{owner_text(version)}/{version.model}"


def owner_text(version: PriceVersion) -> str:
    """Whose price it is: openai, deepseek:cn, own:openai, channel:ch_openai_001."""
    if version.channel_id is not None:
        return f"channel:{version.channel_id}"
    owner = "" if version.is_book else "own:"
    region = f":{version.region}" if version.region else ""
    return f"{owner}{version.provider}{region}"


def instant_text(instant: float) -> str:
    """2024-07-18 for a midnight, else 2026-08-16T16:00:00Z."""
    moment = datetime.fromtimestamp(instant, tz=UTC)
    if instant % SECONDS_PER_DAY == 0:
        return f"{moment:%Y-%m-%d}"
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def in_dates(version: PriceVersion, now: float) -> bool:
    """True when the row's dates include this instant, whatever its hours of the day."""
    return version.effective_from <= now and (version.effective_to is None or now < version.effective_to)


def in_force(version: PriceVersion, now: float) -> bool:
    """True when the row's dates and its window include this instant."""
    if not in_dates(version, now):
        return False
    return version.window_utc is None or _in_window(version.window_utc, version.weekdays_utc, now)


def edges_around(versions: Iterable[PriceVersion], now: float) -> tuple[float, float]:
    """The last instant at or before `now`, and the first after it, at which any of these rows begins or ends.

    Where there is none: minus and plus infinity.
    """
    before, after = float("-inf"), float("inf")
    for version in versions:
        for edge in _edges(version, now):
            if edge <= now:
                before = max(before, edge)
            else:
                after = min(after, edge)
    return before, after


def _edges(version: PriceVersion, now: float) -> Iterable[float]:
    yield version.effective_from
    if version.effective_to is not None:
        yield version.effective_to
    if version.window_utc is not None:
        # Today's and both neighbours' edges: the window's, whatever the weekday; one edge too many costs nothing.
        midnight = now - now % SECONDS_PER_DAY
        for day in (-1, 0, 1):
            for minute in version.window_utc:
                yield midnight + day * SECONDS_PER_DAY + minute * 60


def _in_window(window: tuple[int, int], weekdays: tuple[int, ...] | None, now: float) -> bool:
    minute = int(now // 60) % MINUTES_PER_DAY
    day = int(now // SECONDS_PER_DAY)
    begin, end = window
    if begin <= end:
        return begin <= minute < end and _on_weekday(day, weekdays)
    if minute >= begin:
        return _on_weekday(day, weekdays)
    return minute < end and _on_weekday(day - 1, weekdays)  # the part after midnight belongs to the day it began


def _on_weekday(day: int, weekdays: tuple[int, ...] | None) -> bool:
    return weekdays is None or (day + _WEEKDAY_OF_1970_01_01) % 7 in weekdays


def _conditions_text(version: PriceVersion) -> str:
    parts = []
    if version.service_tier != STANDARD_TIER:
        parts.append(version.service_tier)
    if version.variant:
        parts.append(version.variant)
    if version.context_over:
        parts.append(f"over{version.context_over}")
    if version.output_over:
        parts.append(f"output_over{version.output_over}")
    if version.with_reasoning:
        parts.append("reasoning")
    if version.window_utc is not None:
        parts.append("-".join(f"{minute // 60:02d}:{minute % 60:02d}" for minute in version.window_utc))
    if version.weekdays_utc is not None:
        parts.append(".".join(_WEEKDAY_WORDS[day] for day in version.weekdays_utc))
    return "".join(f"+{part}" for part in parts)


def _tail(version: PriceVersion) -> str:
    start = f"@{instant_text(version.effective_from)}" if version.effective_from else ""
    return f"{version.meter}{_conditions_text(version)}{start}"
