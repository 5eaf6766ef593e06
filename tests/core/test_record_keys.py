"""Numbers of records: our own ids, ids of other make, and that the two never meet."""

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.core.record_keys import (
    FOREIGN_NODE,
    LAG_MAX_MS,
    foreign_sids,
    own_key,
    own_request_id,
    sid_at,
    sid_ms,
    split_request_id,
)
from smart_ai_router.domain.request_ids import EPOCH_MS, SID_MAX, check_text, encode_request_id, sid_of

AT = EPOCH_MS + 40_000_000_000
SIDS = st.integers(0, SID_MAX)
CHECKS = st.integers(0, 2**25 - 1)


@given(sid=SIDS, check=CHECKS)
def test_an_id_of_ours_is_read_as_its_maker_wrote_it(sid: int, check: int) -> None:
    text = encode_request_id(sid, check_text(check))

    key = split_request_id(text)

    if sid >> 12 & 1023 == FOREIGN_NODE:
        assert key is None
    else:
        assert key == (sid, check)
        assert own_request_id(*key) == text


@given(text=st.text(max_size=30) | st.from_regex(r"req_[0-9a-z_]{18}", fullmatch=True))
def test_what_the_maker_does_not_know_is_an_id_of_other_make(text: str) -> None:
    key = split_request_id(text)

    if key is not None:
        assert key[0] == sid_of(text)
        assert own_request_id(*key) == text
    elif sid_of(text) is not None:
        assert (sid_of(text) or 0) >> 12 & 1023 == FOREIGN_NODE


@pytest.mark.parametrize(
    "tail", ["i" * 18, "1_2345678901234567", " 12345678901234567", "+12345678901234567", "1" * 17 + "U"]
)
def test_spellings_that_a_number_parser_would_let_pass_are_of_other_make(tail: str) -> None:
    assert split_request_id(f"req_{tail}") is None
    assert sid_of(f"req_{tail}") is None


@pytest.mark.parametrize(("lag_ms", "is_own"), [(0, True), (LAG_MAX_MS, True), (LAG_MAX_MS + 1, False)])
def test_an_id_days_away_from_its_record_needs_a_number_of_its_own(lag_ms: int, is_own: bool) -> None:
    text = encode_request_id(sid_at(AT), "aaaaa")

    assert (own_key(text, AT + lag_ms) is not None) == is_own
    assert (own_key(text, AT - lag_ms) is not None) == is_own


@given(text=st.text(max_size=40), at_ms=st.integers(0, EPOCH_MS + 2**41 - 10_000))
def test_numbers_of_other_make_are_distinct_near_their_time_and_never_ours(text: str, at_ms: int) -> None:
    sids = list(islice(foreign_sids(text, at_ms), 5000))

    assert len(set(sids)) == 5000
    assert sids == list(islice(foreign_sids(text, at_ms), 5000))
    assert all(sid >> 12 & 1023 == FOREIGN_NODE for sid in sids)
    assert all(-1002 <= at_ms - sid_ms(sid) <= 0 for sid in sids)
    assert all(-(2**63) <= sid < 2**63 for sid in sids)


def test_records_of_one_second_are_spread_and_those_of_a_millisecond_are_not() -> None:
    whole = {sid_ms(next(foreign_sids(f"id-{number}", AT))) for number in range(200)}
    exact = {sid_ms(next(foreign_sids(f"id-{number}", AT + 1))) for number in range(200)}

    assert len(whole) > 100
    assert exact == {AT + 1}
