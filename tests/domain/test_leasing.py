"""Lending: never more than there is, all of it to whoever waits, and no refusal while something lies idle."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.domain.leasing import (
    CALL_S_MAX,
    EXPIRY_MARGIN_S,
    LEASE_S,
    SLICE_CALLS,
    SLICE_S,
    AccountState,
    Evidence,
    Hearing,
    LeaseBroken,
    LeaseState,
    Presence,
    Report,
    Standing,
    Wish,
    grant_amount,
    hear,
    is_over_for,
    leased_in_all,
    lend,
    presence_of,
    reconcile,
    use,
)
from tests.domain.ledger_samples import CNY


def lease(outstanding: int, holder: str = "w2", **fields: int) -> LeaseState:
    return LeaseState(holder, CNY, outstanding, **fields)


def heard(
    wish: Wish, balance: int, own: LeaseState | None = None, others: tuple[LeaseState, ...] = (), sequence: int = 7
) -> Hearing:
    """What one wish of w1 comes to; `others` have lent what they have outstanding."""
    leased = leased_in_all([*others, *([own] if own is not None else [])])
    account = AccountState(CNY, balance, leased, max([each.asked_round for each in others], default=0))
    hearing = hear(Standing(account, own, others, 1 + len(others)), wish, Report("w1", sequence, (wish,)))
    after = [hearing.lease] if hearing.lease is not None else []
    kept = [next((new for new in hearing.recalled if new.holder == each.holder), each) for each in others]
    assert hearing.account.leased == leased_in_all([*kept, *after])
    return hearing


def wish(need: int, granted: int = 0, returned: int = 0, **fields: int) -> Wish:
    return Wish(CNY, granted, returned, need, **fields)  # type: ignore[arg-type]  # a bool is an int


# --- how much ---


def test_a_rich_account_lends_eight_calls_at_a_time() -> None:
    assert SLICE_CALLS == 8
    hearing = heard(wish(100, call_size=100), 1_600)

    assert hearing.ruling.granted == 800
    assert hearing.account.available == 800


def test_a_busy_worker_gets_what_lasts_two_seconds() -> None:
    assert SLICE_S == 2
    assert heard(wish(100, call_size=100, burn_per_s=5_000), 1_000_000).ruling.granted == 10_000


def test_an_account_that_cannot_afford_a_slice_for_everybody_lends_less() -> None:
    assert heard(wish(100, call_size=100), 1_599).ruling.granted == 799
    assert heard(wish(100, call_size=100), 1_600, None, (lease(0), lease(0, "w3"))).ruling.granted == 266


@pytest.mark.parametrize(("balance", "granted"), [(100, 100), (101, 100), (199, 100), (99, 0)])
def test_a_poor_account_lends_exactly_what_a_waiting_call_needs(balance: int, granted: int) -> None:
    assert heard(wish(100, call_size=100), balance).ruling.granted == granted


def test_while_another_worker_waits_nobody_gets_more_than_a_call_needs() -> None:
    waiting = (lease(0, wish_round=1, wish_sequence=3),)

    assert heard(wish(100, call_size=100), 10**6, None, waiting).ruling.granted == 100
    assert heard(wish(0, call_size=100, is_low=True), 10**6, None, waiting).ruling.granted == 0


def test_a_slice_that_runs_low_is_filled_in_the_background_and_a_full_one_is_not() -> None:
    assert heard(wish(0, call_size=100, is_low=True), 10**6).ruling.granted == 800
    assert heard(wish(0, call_size=100), 10**6).ruling.granted == 0


def test_an_overdrawn_account_lends_nothing_and_says_that_there_is_nothing() -> None:
    hearing = heard(wish(1), -50)

    assert (hearing.ruling.granted, hearing.ruling.available, hearing.ruling.refused_since) == (0, 0, 7)


@given(st.data())
def test_what_is_lent_is_there_and_pays_for_the_waiting_call(data: st.DataObject) -> None:
    available, need = data.draw(st.integers(-100, 10**6)), data.draw(st.integers(0, 1_000))
    unheard, is_scarce = data.draw(st.integers(0, 1_500)), data.draw(st.booleans())
    size, burn = data.draw(st.integers(0, 1_000)), data.draw(st.integers(0, 10**5))
    asked = Wish(CNY, 0, 0, need, call_size=size, burn_per_s=burn, is_low=data.draw(st.booleans()))

    amount = grant_amount(available, asked, data.draw(st.integers(0, 9)), unheard, is_scarce)

    missing = max(need - unheard, 0)
    assert 0 <= amount <= max(available, 0)
    assert amount >= missing or missing > available
    if is_scarce:
        assert amount in (0, missing)


# --- messages that are lost, repeated or overtaken ---


def test_a_grant_whose_answer_was_lost_is_told_again_and_not_made_again() -> None:
    first = heard(wish(100, call_size=100), 10**6)
    again = heard(wish(100, call_size=100), 10**6, first.lease, sequence=8)

    assert again.ruling.granted == first.ruling.granted == 800
    assert again.account.leased == first.account.leased


def test_a_larger_need_than_the_lost_grant_gets_the_difference() -> None:
    own = lease(100, "w1")

    assert heard(wish(130, call_size=0), 130, own).ruling.granted == 130
    assert heard(wish(130, call_size=0), 129, own).ruling.granted == 100


def test_a_wish_that_a_lost_grant_covers_waits_for_nobody() -> None:
    hearing = heard(wish(100), 100, lease(100, "w1"), (lease(50),))

    assert hearing.recalled == ()
    assert hearing.ruling.refused_since == 0
    assert hearing.lease is not None
    assert hearing.lease.wish_round == 0


def test_of_answers_that_overtook_each_other_the_latest_round_counts() -> None:
    hearing = heard(wish(0, granted=50, answered_round=3), 100, lease(50, "w1", answered_round=4))

    assert hearing.lease is not None
    assert hearing.lease.answered_round == 4


def test_what_was_returned_is_taken_note_of_once() -> None:
    own = lease(100, "w1")
    first = heard(wish(0, granted=100, returned=40), 100, own)
    assert first.lease is not None
    assert (first.ruling.returned, first.account.leased) == (40, 60)

    assert heard(wish(0, granted=100, returned=40), 100, first.lease).account.leased == 60


@pytest.mark.parametrize(
    ("granted", "returned"),
    [(101, 0), (100, 101), (100, -1), (50, 51)],
)
def test_counters_that_cannot_be_are_refused(granted: int, returned: int) -> None:
    with pytest.raises(LeaseBroken):
        heard(wish(0, granted=granted, returned=returned), 100, lease(100, "w1"))


def test_what_was_used_cannot_be_returned_as_well() -> None:
    with pytest.raises(LeaseBroken):
        heard(wish(0, granted=100, returned=31), 100, lease(100, "w1", used=70))
    assert heard(wish(0, granted=100, returned=30), 100, lease(100, "w1", used=70)).account.leased == 0


def test_a_lease_that_ended_begins_anew_where_its_counters_stood() -> None:
    hearing = heard(wish(10, granted=100, returned=30, call_size=1), 1_000)

    assert hearing.lease is not None
    assert (hearing.lease.granted, hearing.lease.used, hearing.lease.returned) == (110, 70, 30)
    assert hearing.account.leased == 10


def test_a_lease_ends_when_nothing_is_outstanding_and_the_worker_closes_it() -> None:
    closing = wish(0, granted=100, returned=30)._replace(is_closing=True)

    assert heard(closing, 100, lease(100, "w1", used=70)).lease is None
    assert heard(closing, 100, lease(100, "w1", used=70)).ruling.is_closed
    still_posting = heard(closing, 100, lease(100, "w1", used=69))
    assert still_posting.lease is not None
    assert not still_posting.ruling.is_closed


def test_a_closing_worker_for_whom_somebody_waits_keeps_its_lease() -> None:
    assert heard(wish(10)._replace(is_closing=True), 100).lease is not None


# --- recalls and refusals ---


def test_with_nobody_else_a_short_account_refuses_at_once() -> None:
    hearing = heard(wish(101), 100)

    assert (hearing.ruling.refused_since, hearing.ruling.available) == (7, 100)
    assert hearing.lease is not None
    assert hearing.lease.wish_round == 0


def test_others_are_asked_to_give_back_before_anybody_is_refused() -> None:
    hearing = heard(wish(60), 100, None, (lease(50),))

    assert hearing.ruling.refused_since == 0
    assert [each.asked_round for each in hearing.recalled] == [1]
    assert hearing.account.recall_round == 1


def test_a_wish_is_refused_since_the_report_that_brought_it_when_all_have_answered() -> None:
    waiting = heard(wish(60), 100, None, (lease(50),), sequence=3)

    asked = waiting.recalled[0]
    still = heard(wish(60), 100, waiting.lease, (asked,), sequence=4)
    assert (still.ruling.refused_since, still.recalled) == (0, ())

    answered = asked._replace(answered_round=1)
    refused = heard(wish(60), 100, still.lease, (answered,), sequence=5)
    assert refused.ruling.refused_since == 3
    assert refused.ruling.available == 50


def test_what_comes_back_serves_the_waiting_call() -> None:
    waiting = heard(wish(60), 100, None, (lease(50),))

    served = heard(wish(60), 100, waiting.lease, (lease(40, asked_round=1, answered_round=1),))
    assert served.ruling.granted == 60
    assert served.ruling.refused_since == 0
    assert served.lease is not None
    assert served.lease.wish_round == 0


def test_an_answer_to_an_earlier_round_does_not_count() -> None:
    hearing = heard(wish(60), 100, None, (lease(50, asked_round=4, answered_round=4),))

    assert [each.asked_round for each in hearing.recalled] == [5]
    assert hearing.ruling.refused_since == 0


def test_whoever_was_lent_something_after_the_round_began_is_asked_as_well() -> None:
    waiting = heard(wish(60), 100, None, (lease(50),))
    late = lease(30, "w3")

    hearing = heard(wish(60), 100, waiting.lease, (waiting.recalled[0]._replace(answered_round=1), late))

    assert [each.holder for each in hearing.recalled] == ["w3"]
    assert hearing.ruling.refused_since == 0


def test_whoever_has_nothing_is_not_asked() -> None:
    assert heard(wish(101), 100, None, (lease(0),)).ruling.refused_since == 7


def test_a_worker_hears_with_every_ruling_which_round_it_has_to_answer() -> None:
    own = lease(50, "w1", asked_round=9)

    assert heard(wish(0, granted=50), 100, own).ruling.recall_round == 9
    answered = heard(wish(0, granted=50, answered_round=9), 100, own)
    assert answered.lease is not None
    assert answered.lease.answered_round == 9


def test_who_can_go_on_with_another_account_takes_what_is_left_with_the_refusal() -> None:
    hearing = heard(wish(101)._replace(takes_less=True), 100)

    assert (hearing.ruling.refused_since, hearing.ruling.granted, hearing.ruling.available) == (7, 100, 0)


def test_who_cannot_leaves_it_for_smaller_calls() -> None:
    assert heard(wish(101), 100).ruling.granted == 0


# --- applying ---


@pytest.mark.parametrize("amount", [0, -1, 101])
def test_what_is_not_there_cannot_be_lent(amount: int) -> None:
    account, own = AccountState(CNY, 100), lease(0)

    assert lend(account, own, 100)[0].available == 0
    with pytest.raises(LeaseBroken):
        lend(account, own, amount)


def test_posting_a_line_leaves_what_is_available_as_it_was() -> None:
    account, own = use(AccountState(CNY, 1_000, 100), lease(100), 70, 70)

    assert account == AccountState(CNY, 930, 30)
    assert own is not None
    assert own.outstanding == 30


def test_only_what_no_lease_covered_lowers_what_is_available() -> None:
    account, _ = use(AccountState(CNY, 100, 100), lease(100), 130, 100)

    assert (account.balance, account.leased, account.available) == (-30, 0, -30)


def test_a_lease_that_has_ended_covers_nothing() -> None:
    assert use(AccountState(CNY, 100, 0), None, 30, 30) == (AccountState(CNY, 70, 0), None)


def test_a_lease_covers_no_more_than_it_has() -> None:
    account, own = use(AccountState(CNY, 100, 20), lease(20), 30, 30)

    assert (account.leased, account.available) == (0, 70)
    assert own is not None
    assert own.outstanding == 0


def test_what_is_outstanding_of_a_holder_that_is_over_comes_back() -> None:
    account, ended = reconcile(AccountState(CNY, 100, 60), lease(60, used=15))

    assert (account.leased, account.available) == (15, 85)
    assert ended.outstanding == 0


# --- who is over ---


@pytest.mark.parametrize(
    ("silent_s", "is_lock_free", "presence"),
    [
        (0, False, Presence.ALIVE),
        (LEASE_S + EXPIRY_MARGIN_S, False, Presence.ALIVE),
        (LEASE_S + EXPIRY_MARGIN_S + 1, False, Presence.SILENT),
        (0, True, Presence.DEAD),
        (10**6, True, Presence.DEAD),
    ],
)
def test_a_holder_is_dead_when_its_lock_is_free_and_silent_when_its_leases_have_run_out(
    silent_s: int, is_lock_free: bool, presence: Presence
) -> None:
    assert presence_of(silent_s, is_lock_free) is presence


LONGEST_S = LEASE_S + CALL_S_MAX + EXPIRY_MARGIN_S


@pytest.mark.parametrize(
    ("evidence", "is_over"),
    [
        (Evidence(Presence.DEAD, 0, True, True), True),
        (Evidence(Presence.DEAD, 0, False, True), False),
        (Evidence(Presence.DEAD, 0, True, False), False),
        (Evidence(Presence.SILENT, LONGEST_S, False, True), False),
        (Evidence(Presence.SILENT, LONGEST_S + 1, False, True), True),
        (Evidence(Presence.SILENT, LONGEST_S + 1, True, False), False),
        (Evidence(Presence.ALIVE, LONGEST_S + 1, True, True), False),
    ],
)
def test_leases_are_taken_back_only_when_all_that_was_spent_is_in_the_books(evidence: Evidence, is_over: bool) -> None:
    assert is_over_for(evidence) is is_over
