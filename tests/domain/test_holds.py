"""Holds: all accounts or none, settled once, the rest free only when the line is written, the overdraft told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.domain.accounts import AccountKey, Wallet, user_account
from smart_ai_router.domain.charges import Charge, Need
from smart_ai_router.domain.holds import (
    Hold,
    HoldMisused,
    LeaseBook,
    Overshoot,
)
from smart_ai_router.domain.lease_slices import DRAINED_S
from smart_ai_router.domain.leasing import Answer, Ruling
from smart_ai_router.domain.ledger import Posting
from tests.domain.ledger_samples import CNY, POOL, TOKENS, TOKENS_MONTHLY, granted, held, parts, short

MONEY, POOL_WALLET, BOTH = (CNY,), (POOL,), (TOKENS_MONTHLY, TOKENS)


# --- the life of a hold ---


def test_a_call_holds_in_all_its_accounts() -> None:
    book = granted({CNY: 100, POOL: 50})
    hold = book.reserve([Need(MONEY, 60), Need(POOL_WALLET, 20)], 1.0)

    assert isinstance(hold, Hold)
    assert hold.accounts() == ((CNY, 60), (POOL, 20))
    assert (parts(book, CNY), parts(book, POOL)) == ((40, 60, 0, 0), (30, 20, 0, 0))
    assert book.open_holds == 1


def test_a_call_that_is_short_of_one_account_holds_nothing_in_the_others() -> None:
    book = granted({CNY: 100, POOL: 50})

    shortage = short(book, Need(MONEY, 60), Need(POOL_WALLET, 51))

    assert (shortage.account, shortage.missing) == (POOL, 1)
    assert (parts(book, CNY), parts(book, POOL)) == ((100, 0, 0, 0), (50, 0, 0, 0))
    assert book.open_holds == 0


@pytest.mark.parametrize(("amount", "is_held"), [(99, True), (100, True), (101, False)])
def test_what_is_free_can_be_held_to_the_last_part(amount: int, is_held: bool) -> None:
    assert isinstance(granted({CNY: 100}).reserve([Need(MONEY, amount)], 1.0), Hold) is is_held


def test_what_a_call_did_not_use_is_free_only_when_its_line_is_written() -> None:
    book = granted({CNY: 100})
    hold = held(book, MONEY, 60)

    settled = book.settle(hold, [Charge(MONEY, 45)])
    assert settled.postings == (Posting(CNY, 45, 45),)
    assert parts(book, CNY) == (40, 60, 0, 0)

    book.line_written(hold)
    assert parts(book, CNY) == (55, 0, 45, 0)
    assert book.open_holds == 0


def test_a_cancelled_call_took_nothing() -> None:
    book = granted({CNY: 100})
    book.cancel(held(book, MONEY, 60))

    assert parts(book, CNY) == (100, 0, 0, 0)
    assert book.open_holds == 0


def test_a_hold_is_settled_once_and_written_once() -> None:
    book = granted({CNY: 100})
    hold = held(book, MONEY, 60)
    with pytest.raises(HoldMisused):
        book.line_written(hold)
    book.settle(hold, [Charge(MONEY, 45)])
    with pytest.raises(HoldMisused):
        book.settle(hold, [Charge(MONEY, 45)])
    with pytest.raises(HoldMisused):
        book.raise_to(hold, [Need(MONEY, 70)], 1.0)
    book.line_written(hold)
    with pytest.raises(HoldMisused):
        book.line_written(hold)

    assert parts(book, CNY) == (55, 0, 45, 0)


def test_a_charge_of_nothing_posts_nothing() -> None:
    book = granted({CNY: 100})

    assert book.settle(held(book, MONEY, 60), [Charge(MONEY, 0)]).postings == ()


# --- parts of a wallet ---


def drained(book: LeaseBook, account: AccountKey) -> None:
    """The control plane has said that there is no more of an account."""
    shortage = short(book, Need((account,), 10**9))
    report = book.report(1.0)
    assert report is not None
    slice_ = next(each for each in book.slices() if each.account == account)
    ruling = Ruling(account, slice_.granted, refused_since=shortage.asked_in)
    book.absorb(Answer("w1", report.sequence, (ruling,)), 1.0)


def test_the_monthly_part_is_used_up_first() -> None:
    book = granted({TOKENS_MONTHLY: 100, TOKENS: 100})
    hold = held(book, BOTH, 60)

    assert hold.accounts() == ((TOKENS_MONTHLY, 60),)


def test_the_permanent_part_is_not_touched_before_the_control_plane_said_that_the_monthly_one_is_empty() -> None:
    book = granted({TOKENS_MONTHLY: 100, TOKENS: 100})

    shortage = short(book, Need(BOTH, 150))

    assert (shortage.account, shortage.missing) == (TOKENS_MONTHLY, 50)
    assert not book.is_refused(shortage, shortage.asked_in)
    drained(book, TOKENS_MONTHLY)
    assert held(book, BOTH, 150).accounts() == ((TOKENS_MONTHLY, 100), (TOKENS, 50))


def test_a_call_that_crosses_the_parts_is_posted_on_both_the_monthly_one_first() -> None:
    book = granted({TOKENS_MONTHLY: 100, TOKENS: 100})
    drained(book, TOKENS_MONTHLY)

    for used, postings in [
        (150, (Posting(TOKENS_MONTHLY, 100, 100), Posting(TOKENS, 50, 50))),
        (40, (Posting(TOKENS, 40, 40),)),
    ]:
        hold = held(book, BOTH, used)
        assert book.settle(hold, [Charge(BOTH, used)]).postings == postings
        book.line_written(hold)


def test_what_was_held_of_the_permanent_part_and_not_used_comes_back_there() -> None:
    book = granted({TOKENS_MONTHLY: 100, TOKENS: 100})
    drained(book, TOKENS_MONTHLY)
    hold = held(book, BOTH, 150)
    book.settle(hold, [Charge(BOTH, 70)])
    book.line_written(hold)

    assert parts(book, TOKENS_MONTHLY) == (30, 0, 70, 0)
    assert parts(book, TOKENS) == (100, 0, 0, 0)


# --- raising ---


def test_a_hold_is_raised_by_the_difference_and_stays_one_part() -> None:
    book = granted({CNY: 100, POOL: 50})
    hold = held(book, MONEY, 60)

    assert book.raise_to(hold, [Need(MONEY, 75), Need(POOL_WALLET, 20)], 1.0) is None
    assert hold.accounts() == ((CNY, 75), (POOL, 20))
    assert book.raise_to(hold, [Need(MONEY, 10)], 1.0) is None
    assert hold.accounts() == ((CNY, 75), (POOL, 20))
    assert book.settle(hold, [Charge(MONEY, 75)]).postings == (Posting(CNY, 75, 75),)
    book.line_written(hold)
    assert parts(book, POOL) == (50, 0, 0, 0)


def test_a_hold_that_cannot_be_raised_stays_as_it_was() -> None:
    book = granted({CNY: 100, POOL: 50})
    hold = held(book, MONEY, 60)

    shortage = book.raise_to(hold, [Need(MONEY, 75), Need(POOL_WALLET, 51)], 1.0)

    assert shortage is not None
    assert shortage.account == POOL
    assert hold.accounts() == ((CNY, 60),)
    assert parts(book, CNY) == (40, 60, 0, 0)


# --- the actual is above the hold ---


def test_the_excess_is_taken_from_what_is_free_and_then_beyond_the_lease() -> None:
    book = granted({CNY: 100})
    hold = held(book, MONEY, 60)

    settled = book.settle(hold, [Charge(MONEY, 130)])

    assert settled.postings == (Posting(CNY, 130, 100),)
    assert settled.overshoots == (Overshoot(CNY, held=60, amount=130, beyond_lease=30),)
    book.line_written(hold)
    assert parts(book, CNY) == (0, 0, 100, 0)


def test_the_excess_of_one_call_does_not_touch_what_another_one_holds() -> None:
    book = granted({CNY: 100})
    first, second = held(book, MONEY, 60), held(book, MONEY, 40)

    assert book.settle(first, [Charge(MONEY, 70)]).postings == (Posting(CNY, 70, 60),)
    assert book.settle(second, [Charge(MONEY, 40)]).postings == (Posting(CNY, 40, 40),)


def test_the_excess_goes_through_the_parts_in_their_order() -> None:
    book = granted({TOKENS_MONTHLY: 100, TOKENS: 10})
    hold = held(book, BOTH, 60)

    settled = book.settle(hold, [Charge(BOTH, 125)])

    assert settled.postings == (Posting(TOKENS_MONTHLY, 100, 100), Posting(TOKENS, 25, 10))
    assert settled.overshoots == (Overshoot(TOKENS, held=60, amount=125, beyond_lease=15),)


def test_a_charge_for_which_nothing_was_held_is_posted_all_the_same() -> None:
    book = granted({CNY: 100})
    hold = held(book, MONEY, 60)

    settled = book.settle(hold, [Charge(POOL_WALLET, 7)])

    assert settled.postings == (Posting(POOL, 7, 0),)
    assert settled.overshoots == (Overshoot(POOL, 0, 7, 7),)


# --- enforcement off ---


def test_while_nothing_is_enforced_a_call_goes_on_with_what_there_is() -> None:
    book = granted({CNY: 100})
    hold = held(book, MONEY, 150, is_enforced=False)

    assert hold.accounts() == ((CNY, 100),)
    settled = book.settle(hold, [Charge(MONEY, 150)])
    assert settled.postings == (Posting(CNY, 150, 100),)
    assert settled.overshoots == ()  # nobody promised that it would fit


def test_while_nothing_is_enforced_more_is_asked_for_in_the_background_now_and_then() -> None:
    book = granted({CNY: 100})
    held(book, MONEY, 150, now=DRAINED_S, is_enforced=False)
    report = book.report(DRAINED_S)
    assert report is not None
    assert [(each.need, each.is_low) for each in report.wishes] == [(0, True)]

    held(book, MONEY, 50, now=DRAINED_S + 0.1, is_enforced=False)
    assert book.report(DRAINED_S + 0.1) is None


# --- calls that nobody can finish ---


# --- always ---

calls = st.lists(st.tuples(st.integers(0, 120), st.integers(0, 150), st.booleans()), max_size=8)


@given(calls, st.integers(0, 300), st.integers(0, 300))
def test_a_call_takes_exactly_its_charge_and_leaves_the_slices_whole(
    plan: list[tuple[int, int, bool]], monthly: int, permanent: int
) -> None:
    book = granted({TOKENS_MONTHLY: monthly, TOKENS: permanent})
    drained(book, TOKENS_MONTHLY)
    open_holds: list[tuple[Hold, int]] = []
    taken = 0
    for need, charge, is_enforced in plan:
        found = book.reserve([Need(BOTH, need, is_enforced)], 1.0)
        if isinstance(found, Hold):
            open_holds.append((found, charge))
            assert found.held_of(BOTH) == need or not is_enforced
        if len(open_holds) > 2:
            taken += finish(book, *open_holds.pop(0))
    for hold, charge in open_holds:
        taken += finish(book, hold, charge)

    assert book.open_holds == 0
    used = 0
    for slice_ in book.slices():
        assert slice_.held == 0
        assert slice_.granted == slice_.free + slice_.used + slice_.returned
        used += slice_.used
    assert used == taken


def finish(book: LeaseBook, hold: Hold, charge: int, wallet: Wallet = BOTH) -> int:
    """Settle and write; returns what was taken under leases."""
    was_held = hold.held_of(wallet)
    settled = book.settle(hold, [Charge(wallet, charge)])
    book.line_written(hold)
    assert sum(posting.amount for posting in settled.postings) == charge
    assert all(0 <= posting.leased <= posting.amount for posting in settled.postings)
    assert len({posting.account for posting in settled.postings}) == len(settled.postings)
    for overshoot in settled.overshoots:
        assert overshoot.amount == charge > overshoot.held == was_held
        assert overshoot.beyond_lease == sum(each.amount - each.leased for each in settled.postings)
    return sum(posting.leased for posting in settled.postings)


def test_a_user_of_another_name_has_other_accounts() -> None:
    book = granted({CNY: 100})

    assert short(book, Need((user_account("bob", "CNY"),), 1)).account.owner == "bob"
