"""The question a page answers."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.core.statistics_store import Dimension
from smart_ai_router.core.usage_pages import UsageFilter, cursor_of, sid_of_cursor


@given(sid=st.integers(-(2**63) + 1, 2**63 - 1))
def test_a_cursor_comes_back_as_the_number_it_was_made_of(sid: int) -> None:
    assert sid_of_cursor(cursor_of(sid)) == sid


def test_only_what_rollups_know_is_a_dimension_of_a_filter() -> None:
    asked = UsageFilter(user_id="", model="m", is_success=True, first=date(2026, 1, 1), last=date(2026, 1, 2))

    assert asked.dimensions() == {Dimension.USER: "", Dimension.MODEL: "m"}
    assert UsageFilter().dimensions() == {}
