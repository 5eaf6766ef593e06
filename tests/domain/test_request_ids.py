"""Call ids: they read back, they sort, and no clock makes two alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.domain.request_ids import (
    CHECK_BITS,
    COUNTER_MAX,
    EPOCH_MS,
    MS_MAX,
    SID_MAX,
    SidSequence,
    check_text,
    encode_request_id,
    sid_of,
    unix_ms_of,
)

SIDS = st.integers(0, SID_MAX)
CHECK = "k3m9z"


@given(SIDS, st.integers(0, 2**CHECK_BITS - 1))
def test_an_id_reads_back(sid: int, bits: int) -> None:
    request_id = encode_request_id(sid, check_text(bits))

    assert sid_of(request_id) == sid
    assert len(request_id) == 22
    assert request_id.startswith("req_")
    assert request_id == request_id.lower()


@given(SIDS, SIDS)
def test_ids_sort_as_their_numbers_do(one: int, other: int) -> None:
    assert (encode_request_id(one, CHECK) < encode_request_id(other, CHECK)) == (one < other)


@given(st.integers(0, 2**CHECK_BITS - 1), st.integers(0, 2**CHECK_BITS - 1))
def test_check_characters_tell_all_their_bits(one: int, other: int) -> None:
    assert (check_text(one) == check_text(other)) == (one == other)
    assert len(check_text(one)) == 5


def test_higher_bits_of_chance_are_ignored() -> None:
    assert check_text(2**60 + 7) == check_text(7) == "00007"


def test_the_smallest_and_the_greatest_id() -> None:
    assert encode_request_id(0, CHECK) == "req_0000000000000k3m9z"
    assert encode_request_id(SID_MAX, CHECK) == "req_7zzzzzzzzzzzzk3m9z"
    assert sid_of("req_8000000000000k3m9z") is None  # 2^63


@pytest.mark.parametrize(
    "foreign",
    [
        "",
        "req_",
        "req_abc123",
        "req_15260436",
        "4b3e1a52-7f0c-4a57-9a0e-1f6a3c0f9b11",
        "REQ_0000000000000k3m9z",
        "req_0000000000000K3M9Z",
        "req_000000000000ik3m9z",  # i, l, o and u are not in the alphabet
        "req_0000000000000k3m9u",
        "req_0000000000000k3m9z0",
        "req_00000000000000k3m9z"[:21],
        "req_000000000000é00000",
    ],
)
def test_a_foreign_id_has_no_number(foreign: str) -> None:
    assert sid_of(foreign) is None


@given(st.text(max_size=30))
def test_any_text_is_an_id_or_foreign(text: str) -> None:
    sid = sid_of(text)

    assert sid is None or encode_request_id(sid, text[-5:]) == text


@given(st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=200), st.integers(0, 1023))
def test_numbers_rise_whatever_the_clock_does(steps: list[int], node: int) -> None:
    sequence = SidSequence(node)
    now_ms, last = EPOCH_MS + 10**9, -1

    for step in steps:
        now_ms += step
        sid = sequence.next(now_ms)
        assert sid > last
        assert sid >> 12 & 1023 == node
        last = sid


def test_a_number_tells_when_it_was_made() -> None:
    assert unix_ms_of(SidSequence(7).next(1_763_800_000_123)) == 1_763_800_000_123


def test_a_full_counter_borrows_the_next_millisecond() -> None:
    sequence = SidSequence(0)
    now_ms = EPOCH_MS + 5

    sids = [sequence.next(now_ms) for _ in range(COUNTER_MAX + 2)]

    assert sids == sorted(set(sids))
    assert unix_ms_of(sids[COUNTER_MAX]) == now_ms
    assert unix_ms_of(sids[COUNTER_MAX + 1]) == now_ms + 1


@given(SIDS.filter(lambda sid: sid >> 22 < MS_MAX), st.integers(0, 1023), st.integers(0, MS_MAX))
def test_a_restart_goes_on_above_the_last_number(last: int, node: int, now: int) -> None:
    assert SidSequence(node, last).next(EPOCH_MS + now) > last


def test_a_clock_before_the_epoch_still_gives_rising_numbers() -> None:
    sequence = SidSequence(3)

    assert 0 <= sequence.next(0) < sequence.next(0)


def test_what_cannot_be_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="node 1024"):
        SidSequence(1024)
    with pytest.raises(ValueError, match="node -1"):
        SidSequence(-1)
    with pytest.raises(ValueError, match="63 bits"):
        SidSequence(0, SID_MAX + 1)
    with pytest.raises(OverflowError, match="2094"):
        SidSequence(0).next(EPOCH_MS + MS_MAX + 1)
    assert SidSequence(0).next(EPOCH_MS + MS_MAX) <= SID_MAX
