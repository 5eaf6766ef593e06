"""Which cells answer for a range of days: every day once, and as few cells as can be."""

from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.core.local_days import month_days
from smart_ai_router.core.rollup_pieces import Piece, Span, pieces_for
from smart_ai_router.core.rollups import (
    CHANNEL_MONTH,
    CUBE_DAY,
    CUBE_MONTH,
    MODEL_MONTH,
    REGION_DAY,
    REGION_MONTH,
    TAG_MONTH,
    USER_CUBE_DAY,
    USER_DAY,
    USER_MONTH,
    Grain,
)
from smart_ai_router.core.statistics_store import Dimension, GroupingUnavailable

JANUARY = 2026 * 12
FIRST, LAST = month_days(JANUARY)
DAYS = st.integers(FIRST - 400, FIRST + 400)
ASKED: list[Collection[Dimension]] = [
    (),
    (Dimension.DAY,),
    (Dimension.MODEL,),
    (Dimension.USER,),
    (Dimension.USER, Dimension.MODEL),
    (Dimension.TAG,),
]


def covered(pieces: list[Piece], span: Span) -> list[int]:
    """The days that some pieces answer for. A month answers for those of its days that are over."""
    days: list[int] = []
    for rollup, first, last in pieces:
        if rollup.grain is Grain.DAY:
            days += range(first, last + 1)
        else:
            for month in range(first, last + 1):
                days += [day for day in range(*_bounds(month)) if span.first_day <= day < span.live_from]
    return sorted(days)


def _bounds(month: int) -> tuple[int, int]:
    first, last = month_days(month)
    return first, last + 1


@given(asked=st.sampled_from(ASKED), first=DAYS, last=DAYS, begin=DAYS, length=st.integers(0, 300))
def test_every_day_that_holds_records_is_answered_for_once(
    asked: Collection[Dimension], first: int, last: int, begin: int, length: int
) -> None:
    span = Span(begin, begin + length)

    pieces = pieces_for(asked, first, last, span)

    assert covered(pieces, span) == list(range(max(first, span.first_day), min(last, span.live_from) + 1))


def test_a_whole_month_is_one_piece() -> None:
    span = Span(FIRST - 90, LAST + 90)

    assert pieces_for((Dimension.MODEL,), FIRST, LAST, span) == [Piece(MODEL_MONTH, JANUARY, JANUARY)]
    assert pieces_for((Dimension.PROVIDER,), FIRST, LAST, span) == [Piece(CHANNEL_MONTH, JANUARY, JANUARY)]
    assert pieces_for((Dimension.PROVIDER, Dimension.MODEL), FIRST, LAST, span) == [Piece(CUBE_MONTH, JANUARY, JANUARY)]


def test_the_month_so_far_is_its_month_and_the_live_day() -> None:
    today = FIRST + 14

    assert pieces_for((Dimension.MODEL,), FIRST, today, Span(FIRST - 90, today)) == [
        Piece(MODEL_MONTH, JANUARY, JANUARY),
        Piece(CUBE_DAY, today, today),
    ]


def test_a_users_live_day_is_read_from_the_cube_that_is_kept_live() -> None:
    assert pieces_for((Dimension.USER,), FIRST - 1, LAST, Span(FIRST - 90, LAST)) == [
        Piece(USER_MONTH, JANUARY, JANUARY),
        Piece(USER_DAY, FIRST - 1, FIRST - 1),
        Piece(USER_CUBE_DAY, LAST, LAST),
    ]


def test_one_day_short_of_a_month_is_read_by_days() -> None:
    assert pieces_for((), FIRST + 1, LAST, Span(FIRST - 90, LAST + 90)) == [Piece(REGION_DAY, FIRST + 1, LAST)]
    assert pieces_for((), FIRST, LAST - 1, Span(FIRST - 90, LAST + 90)) == [Piece(REGION_DAY, FIRST, LAST - 1)]


def test_a_month_whose_days_before_the_first_record_are_not_asked_for_is_still_whole() -> None:
    pieces = pieces_for((Dimension.TAG,), FIRST + 10, LAST, Span(FIRST + 10, LAST + 5))

    assert pieces == [Piece(TAG_MONTH, JANUARY, JANUARY)]


def test_days_are_answered_by_days() -> None:
    span = Span(FIRST - 90, LAST + 90)

    assert [piece.rollup for piece in pieces_for((Dimension.DAY,), FIRST, LAST, span)] == [REGION_DAY]
    assert [piece.rollup for piece in pieces_for((), FIRST, LAST, span)] == [REGION_MONTH]


def test_what_no_rollup_has_is_refused_even_of_empty_books() -> None:
    with pytest.raises(GroupingUnavailable, match="user, api_key, model"):
        pieces_for((Dimension.USER, Dimension.TAG), FIRST, LAST, Span(0, -1))
