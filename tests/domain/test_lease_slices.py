"""A slice: its parts always make up what was granted, and it says truly when it is idle, low or scarce."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.domain.lease_slices import BURN_MS, DRAINED_S, IDLE_S, SCARCE_S, Slice
from smart_ai_router.domain.leasing import Ruling
from tests.domain.ledger_samples import CNY


def lent(amount: int, now: float = 0.0) -> Slice:
    """A slice that was granted so much with the answer to its first report."""
    slice_ = Slice(CNY, 1, now)
    slice_.wish(1, now)
    slice_.obey(Ruling(CNY, amount), 1)
    return slice_


def spend(slice_: Slice, amount: int) -> None:
    slice_.free -= amount
    slice_.used += amount


def test_a_new_slice_has_nothing_and_wishes_what_a_call_asks_for() -> None:
    slice_ = Slice(CNY, 1, 0.0)
    slice_.ask(100, call_size=120, takes_less=True)
    slice_.ask(150, call_size=150, takes_less=False)

    wish = slice_.wish(1, 0.0)
    assert (wish.granted, wish.need, wish.call_size, wish.takes_less) == (0, 100, 150, False)
    assert slice_.wish(2, 0.0).need == 0


def test_what_is_granted_is_free_once() -> None:
    slice_ = lent(100)
    slice_.obey(Ruling(CNY, 100), 2)
    slice_.obey(Ruling(CNY, 60), 3)  # overtaken by the others

    assert (slice_.granted, slice_.free) == (100, 100)


@pytest.mark.parametrize(("spent", "is_low"), [(49, False), (50, False), (51, True), (100, True)])
def test_below_half_of_what_was_free_more_is_welcome(spent: int, is_low: bool) -> None:
    slice_ = lent(100)
    spend(slice_, spent)

    assert slice_.wish(2, 0.0).is_low is is_low


@pytest.mark.parametrize(("idle_s", "returned"), [(IDLE_S - 0.1, 0), (IDLE_S, 100)])
def test_what_nobody_used_for_a_while_goes_back(idle_s: float, returned: int) -> None:
    assert lent(100).wish(2, idle_s).returned == returned


def test_while_a_call_waits_nothing_goes_back() -> None:
    slice_ = lent(100)
    slice_.ask(50, 150, takes_less=False)

    assert slice_.wish(2, IDLE_S).returned == 0


def test_an_idle_slice_closes_when_nothing_is_held() -> None:
    slice_ = lent(100)
    slice_.free, slice_.held = 60, 40
    assert not slice_.wish(2, IDLE_S).is_closing
    slice_.held, slice_.free = 0, 40

    wish = slice_.wish(3, IDLE_S)
    assert (wish.returned, wish.is_closing) == (100, True)


def test_a_recall_gives_back_what_is_idle_and_for_a_second_whatever_becomes_free() -> None:
    slice_ = lent(100)
    slice_.free, slice_.held = 70, 30

    assert slice_.recall(1, 0.0)
    assert (slice_.free, slice_.returned) == (0, 70)
    slice_.held, slice_.free = 0, 30
    assert slice_.wish(2, SCARCE_S - 0.1).returned == 100
    assert slice_.answered_round == 1


def test_after_that_second_what_becomes_free_stays() -> None:
    slice_ = lent(100)
    slice_.recall(1, 0.0)
    slice_.obey(Ruling(CNY, 150), 2)

    assert slice_.wish(3, SCARCE_S).returned == 100


def test_a_recall_that_was_answered_is_not_obeyed_again_but_said_again() -> None:
    slice_ = lent(100)
    slice_.recall(2, 0.0)
    slice_.obey(Ruling(CNY, 130), 2)

    assert slice_.recall(2, 0.0)
    assert not slice_.recall(1, 0.0)
    assert (slice_.free, slice_.returned) == (30, 100)


def test_a_wish_that_reckoned_with_what_went_back_is_forgotten_and_its_call_asks_again() -> None:
    slice_ = lent(100)
    slice_.ask(30, 130, takes_less=False)
    slice_.recall(1, 0.0)
    assert slice_.wish(2, 0.0).need == 0

    slice_.ask(130, 130, takes_less=False)
    assert slice_.wish(3, 0.0).need == 130


def test_no_recall_is_no_recall() -> None:
    assert not lent(100).recall(0, 0.0)


def test_what_a_call_keeps_here_is_not_idle_until_the_next_report() -> None:
    slice_ = lent(100)
    slice_.keep(40)
    slice_.recall(1, 0.0)
    assert (slice_.free, slice_.returned) == (40, 60)

    slice_.wish(2, IDLE_S)
    assert slice_.free == 40  # it was kept when this report was made; nothing keeps it for the next one
    slice_.wish(3, IDLE_S)
    assert slice_.free == 0


def test_a_slice_that_is_drained_asks_again_only_now_and_then() -> None:
    slice_ = lent(100)

    assert not slice_.ask_later(10, DRAINED_S - 0.1)
    assert slice_.ask_later(10, DRAINED_S)
    assert slice_.wish(2, DRAINED_S).is_low
    assert not slice_.ask_later(10, DRAINED_S + 0.1)


def test_a_slice_without_anything_asks_at_once() -> None:
    assert Slice(CNY, 1, 0.0).ask_later(10, 0.0)


def test_a_refusal_drains_the_slice_and_a_grant_or_something_left_ends_that() -> None:
    slice_ = lent(100)
    slice_.obey(Ruling(CNY, 100, refused_since=2, available=7), 2)
    assert (slice_.is_drained, slice_.refused_since, slice_.available) == (True, 2, 7)

    slice_.obey(Ruling(CNY, 100, available=0), 3)
    assert slice_.is_drained
    slice_.obey(Ruling(CNY, 100, available=5), 4)
    assert not slice_.is_drained
    slice_.obey(Ruling(CNY, 100, refused_since=5), 5)
    slice_.obey(Ruling(CNY, 101), 6)
    assert not slice_.is_drained


def test_an_older_refusal_is_no_news() -> None:
    slice_ = lent(100)
    slice_.obey(Ruling(CNY, 100, refused_since=5, available=1), 5)
    slice_.obey(Ruling(CNY, 100, refused_since=4, available=9), 6)

    assert (slice_.refused_since, slice_.available) == (5, 1)


def test_a_slice_ends_only_with_the_answer_to_its_last_report_and_nothing_left() -> None:
    slice_ = Slice(CNY, 1, 0.0)
    slice_.wish(1, 0.0)
    closed = Ruling(CNY, 0, is_closed=True)

    assert slice_.obey(closed, 1)
    slice_.wish(2, 0.0)
    assert not slice_.obey(closed, 1)
    slice_.ask(5, 5, takes_less=False)
    assert not slice_.obey(closed, 2)


def test_burn_is_what_a_second_takes_and_fades_by_half() -> None:
    slice_ = lent(1_000_000)
    spend(slice_, 5_000)
    assert slice_.wish(2, 1.0).burn_per_s == 5_000
    assert slice_.wish(3, 2.0).burn_per_s == 2_500
    assert slice_.wish(4, 3.0).burn_per_s == 1_250


def test_a_burst_is_not_measured_over_an_instant() -> None:
    slice_ = lent(1_000_000)
    spend(slice_, 1_000)

    assert slice_.wish(2, 0.001).burn_per_s == 1_000 * 1_000 // BURN_MS


steps = st.tuples(st.sampled_from(["grant", "take", "free", "use", "recall", "wish", "keep"]), st.integers(0, 50))


@given(st.lists(steps, max_size=60))
def test_granted_is_always_free_held_used_and_returned(history: list[tuple[str, int]]) -> None:
    slice_ = lent(100)
    for number, (step, amount) in enumerate(history, start=2):
        now = number * 0.7
        match step:
            case "grant":
                slice_.obey(Ruling(CNY, slice_.granted + amount), number)
            case "take":
                taken = min(amount, slice_.free)
                slice_.free -= taken
                slice_.held += taken
            case "free" | "use":
                ended = min(amount, slice_.held)
                slice_.held -= ended
                if step == "free":
                    slice_.free += ended
                else:
                    slice_.used += ended
            case "recall":
                slice_.recall(amount, now)
            case "keep":
                slice_.keep(min(amount, slice_.free))
            case _:
                wish = slice_.wish(number, now)
                assert (wish.granted, wish.returned) == (slice_.granted, slice_.returned)
                assert wish.burn_per_s >= 0
        parts = (slice_.free, slice_.held, slice_.used, slice_.returned)
        assert min(parts) >= 0
        assert slice_.granted == sum(parts)
