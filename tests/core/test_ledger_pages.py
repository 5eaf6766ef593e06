"""Places of movements, and their cursors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.core.ledger_pages import START, Place, end_of, place_of_cursor
from smart_ai_router.core.ledger_store import AccountMovement
from smart_ai_router.core.record_keys import sid_at
from smart_ai_router.core.usage_pages import CursorInvalid
from smart_ai_router.domain.ledger import TransferKind


def movement(amount: int) -> AccountMovement:
    return AccountMovement(TransferKind.GRANT, f"g-{amount}", 0, amount, None, "", "", "")


@given(st.integers(-(2**63) + 1, 2**63 - 1), st.integers(0, 2**63 - 1))
def test_a_cursor_leads_back_to_its_place(number: int, transfer_id: int) -> None:
    place = Place(number, transfer_id)

    assert place_of_cursor(place.cursor) == place


def test_without_a_cursor_a_page_begins_with_the_newest() -> None:
    assert place_of_cursor(None) == START
    assert Place.of_transfer(3_000_000_000_000, 1) < START


@pytest.mark.parametrize("cursor", ["", "1", ".1", "1.", "1.-1", "a.1", "1.1.1", f"{2**63}.0", f"0.{2**63}", "１.1"])
def test_what_no_page_gave_out_is_refused(cursor: str) -> None:
    with pytest.raises(CursorInvalid):
        place_of_cursor(cursor)


def test_a_transfer_stands_before_the_calls_of_its_own_millisecond() -> None:
    at_ms = 1_795_348_800_000

    assert Place(sid_at(at_ms) - 1, 0) < Place.of_transfer(at_ms, 9) < Place(sid_at(at_ms) + 1, 0)


@pytest.mark.parametrize(("limit", "shown", "cursor"), [(2, [3, 2], "2.0"), (3, [3, 2, 1], None)])
def test_a_page_ends_with_the_cursor_of_its_last_row_when_there_are_more(
    limit: int, shown: list[int], cursor: str | None
) -> None:
    page = end_of([(Place(number, 0), movement(number)) for number in (2, 1, 3)], limit)

    assert [each.amount for each in page.movements] == shown
    assert page.next_cursor == cursor
