"""Which cells to read for a range of days: whole months by month, days at the edges by day, the live day as it is."""

from collections.abc import Collection
from typing import Final, NamedTuple

from smart_ai_router.core.local_days import month_days, month_number
from smart_ai_router.core.rollups import (
    CHANNEL_DAY,
    CHANNEL_MONTH,
    CUBE_DAY,
    CUBE_MONTH,
    MODEL_DAY,
    MODEL_MONTH,
    REGION_DAY,
    REGION_MONTH,
    TAG_DAY,
    TAG_MONTH,
    USER_CUBE_DAY,
    USER_DAY,
    USER_MONTH,
    Rollup,
)
from smart_ai_router.core.statistics_store import Dimension, GroupingUnavailable

# Live rollup, its days once they are over, its months; the first that has all dimensions is the smallest.
_FAMILIES: Final[tuple[tuple[Rollup, Rollup, Rollup | None], ...]] = (
    (REGION_DAY, REGION_DAY, REGION_MONTH),
    (TAG_DAY, TAG_DAY, TAG_MONTH),
    (CUBE_DAY, CHANNEL_DAY, CHANNEL_MONTH),
    (CUBE_DAY, MODEL_DAY, MODEL_MONTH),
    (CUBE_DAY, CUBE_DAY, CUBE_MONTH),
    (USER_CUBE_DAY, USER_DAY, USER_MONTH),
    (USER_CUBE_DAY, USER_CUBE_DAY, None),
)


class Piece(NamedTuple):
    """A range of periods to read from one rollup, both included."""

    rollup: Rollup
    first: int
    last: int


class Span(NamedTuple):
    """The days of all records: the first, and the last one, from which on nothing is folded."""

    first_day: int
    live_from: int


def pieces_for(asked: Collection[Dimension], first: int, last: int, span: Span) -> list[Piece]:
    """Where to read the totals of the days first..last, so that each record is counted once; whole months first.

    `asked` are all dimensions that are grouped or filtered by. Raises GroupingUnavailable.
    """
    dimensions = {dimension for dimension in asked if dimension is not Dimension.DAY}
    family = next((family for family in _FAMILIES if dimensions <= set(family[1].dimensions)), None)
    if family is None:
        raise GroupingUnavailable(_unavailable(asked))
    live, day, month = family
    first, last = max(first, span.first_day), min(last, span.live_from)
    if first > last:
        return []
    pieces = []
    closed_last = min(last, span.live_from - 1)
    if month is None or Dimension.DAY in asked:
        pieces.append(Piece(day, first, closed_last))
    else:
        pieces += _month_pieces(day, month, first, closed_last, span)
    if last == span.live_from:
        pieces.append(Piece(live, last, last))
    return [piece for piece in pieces if piece.first <= piece.last]


def _month_pieces(day: Rollup, month: Rollup, first: int, last: int, span: Span) -> list[Piece]:
    """Whole months by month, the days at the edges by day. Months hold no days outside of the span."""
    if first > last:
        return []
    first_month, last_month = month_number(first), month_number(last)
    if first > max(month_days(first_month)[0], span.first_day):
        first_month += 1
    if last < min(month_days(last_month)[1], span.live_from - 1):
        last_month -= 1
    if first_month > last_month:
        return [Piece(day, first, last)]
    whole_first, whole_last = month_days(first_month)[0], month_days(last_month)[1]
    return [
        Piece(month, first_month, last_month),
        Piece(day, first, whole_first - 1),
        Piece(day, whole_last + 1, last),
    ]


def _unavailable(asked: Collection[Dimension]) -> str:
    exist = "; ".join(", ".join(dimension.value for dimension in day.dimensions) for _, day, _ in _FAMILIES)
    return f"no rollup holds {', '.join(sorted(asked))} together; with day, there are: {exist}"
