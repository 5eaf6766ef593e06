"""What a worker says and hears: whom it asks, when a call is surely refused, and when it must stop spending."""

import pytest

from smart_ai_router.domain.accounts import AccountKey
from smart_ai_router.domain.charges import Charge, Need
from smart_ai_router.domain.holds import HEARTBEAT_S, REPORTS_REMEMBERED_MAX, SWEEP_S, Hold, LeaseBook, Shortage
from smart_ai_router.domain.lease_slices import IDLE_S
from smart_ai_router.domain.leasing import LEASE_S, Answer, Recall, Report, Ruling
from smart_ai_router.domain.ledger import Posting
from tests.domain.ledger_samples import CNY, POOL, TOKENS, TOKENS_MONTHLY, Office, granted, held, parts, short

MONEY, POOL_WALLET, BOTH = (CNY,), (POOL,), (TOKENS_MONTHLY, TOKENS)


def answered(book: LeaseBook, office: Office, now: float = 1.0) -> Report:
    """One report, heard and answered."""
    report = book.report(now)
    assert report is not None
    answer = office.hear(report)
    assert answer is not None
    book.absorb(answer, now)
    return report


# --- asking, being refused ---


def test_a_shortage_names_the_report_that_asks() -> None:
    book = granted({CNY: 100})
    shortage = short(book, Need(MONEY, 130))

    report = book.report(1.0)
    assert report is not None
    assert report.sequence == shortage.asked_in
    assert [(each.account, each.need) for each in report.wishes] == [(CNY, 30)]


def test_a_call_is_refused_by_an_answer_to_its_own_report_or_a_later_one() -> None:
    book = granted({CNY: 100})
    office = Office({CNY: 100})
    first = short(book, Need(MONEY, 130))
    assert not book.is_refused(first, first.asked_in)

    book = LeaseBook("w1", 0.0)
    first = short(book, Need(MONEY, 130), now=0.0)
    answered(book, office)
    again = short(book, Need(MONEY, 130))

    assert book.is_refused(again, first.asked_in)
    assert not book.is_refused(again, again.asked_in)
    assert book.available(CNY) == 100


def test_a_refusal_does_not_hold_for_a_smaller_call() -> None:
    book = LeaseBook("w1", 0.0)
    first = short(book, Need(MONEY, 130), now=0.0)
    answered(book, Office({CNY: 100}))

    smaller = short(book, Need(MONEY, 90))
    assert not book.is_refused(smaller, first.asked_in)


def test_a_wallet_is_refused_only_when_each_of_its_parts_is() -> None:
    office = Office({TOKENS_MONTHLY: 20, TOKENS: 70})
    book = LeaseBook("w1", 0.0)
    asked_in: dict[AccountKey, int] = {}
    verdicts = []
    for _ in range(4):
        shortage = short(book, Need(BOTH, 100))
        asked = asked_in.setdefault(shortage.account, shortage.asked_in)
        verdicts.append((shortage.account, shortage.missing, book.is_refused(shortage, asked)))
        answered(book, office)

    assert verdicts[0][0] == TOKENS_MONTHLY
    assert verdicts[-1][0] == TOKENS
    assert verdicts[-1][1] == 80
    assert [verdict for _, _, verdict in verdicts][:2] == [False, False]
    assert verdicts[-1][2]
    assert sum(book.available(account) for account in BOTH) == 90


def test_what_there_was_is_told_for_an_account_that_nobody_asked_for() -> None:
    assert LeaseBook("w1", 0.0).available(CNY) == 0


def test_a_call_that_waits_for_another_account_keeps_what_it_found() -> None:
    book = granted({CNY: 100, POOL: 0})
    short(book, Need(MONEY, 60), Need(POOL_WALLET, 20))
    book.recall(Recall("w1", CNY, 1), 1.0)

    assert parts(book, CNY) == (60, 0, 0, 40)


def test_a_recall_for_an_earlier_life_of_the_worker_is_not_obeyed() -> None:
    book = granted({CNY: 100})
    book.recall(Recall("w0", CNY, 1), 1.0)
    book.recall(Recall("w1", POOL, 1), 1.0)

    assert parts(book, CNY) == (100, 0, 0, 0)


# --- reports and answers ---


def test_a_worker_speaks_when_it_has_something_to_say_and_once_a_second() -> None:
    book = LeaseBook("w1", 0.0)
    first = book.report(0.0)
    assert first is not None
    assert (first.sequence, first.wishes) == (1, ())
    assert book.report(HEARTBEAT_S - 0.1) is None
    beat = book.report(HEARTBEAT_S)
    assert beat is not None
    assert beat.sequence == 2


def test_what_was_not_answered_is_said_again_with_the_next_heartbeat() -> None:
    book = LeaseBook("w1", 0.0)
    short(book, Need(MONEY, 30), now=0.0)
    first = book.report(0.0)
    second = book.report(HEARTBEAT_S)

    assert first is not None
    assert second is not None
    assert [each.account for each in first.wishes] == [each.account for each in second.wishes] == [CNY]
    book.absorb(Answer("w1", second.sequence, (Ruling(CNY, 0),)), HEARTBEAT_S)
    third = book.report(2 * HEARTBEAT_S)
    assert third is not None
    assert third.wishes == ()


def test_answers_may_come_in_any_order_and_twice() -> None:
    book = LeaseBook("w1", 0.0)
    short(book, Need(MONEY, 30), now=0.0)
    book.report(0.0)
    book.report(HEARTBEAT_S)
    late, early = Answer("w1", 2, (Ruling(CNY, 50),)), Answer("w1", 1, (Ruling(CNY, 30),))
    for answer in (late, early, late, early):
        book.absorb(answer, 1.0)

    assert parts(book, CNY) == (50, 0, 0, 0)


def test_a_late_answer_about_a_lease_that_has_ended_gives_nothing_to_the_next_one() -> None:
    book, office = LeaseBook("w1", 0.0), Office({CNY: 1_000})
    short(book, Need(MONEY, 10), now=0.0)
    report = book.report(0.0)
    assert report is not None
    lent = office.hear(report)
    assert lent is not None
    book.absorb(lent, 0.0)
    for now in (SWEEP_S * IDLE_S, SWEEP_S * (IDLE_S + 1)):
        answered(book, office, now)
    assert list(book.slices()) == []

    short(book, Need(MONEY, 10), now=12.0)
    book.absorb(lent, 12.0)

    assert parts(book, CNY) == (0, 0, 0, 0)


def test_an_answer_to_another_holder_is_not_ours() -> None:
    book = granted({CNY: 100})
    book.absorb(Answer("w0", 99, (Ruling(CNY, 500), Ruling(POOL, 500))), 1.0)

    assert parts(book, CNY) == (100, 0, 0, 0)
    assert [each.account for each in book.slices()] == [CNY]


@pytest.mark.parametrize(("after_s", "can_hold"), [(LEASE_S - 0.1, True), (LEASE_S, False)])
def test_a_worker_that_has_lost_touch_stops_spending_and_what_is_held_settles(after_s: float, can_hold: bool) -> None:
    book = granted({CNY: 100})
    hold = held(book, MONEY, 10)

    found = book.reserve([Need(MONEY, 10)], after_s)
    assert isinstance(found, Hold) is can_hold
    if isinstance(found, Shortage):
        assert found.is_expired
        assert found.missing == 0
        assert not book.is_refused(found, found.asked_in)
    assert book.settle(hold, [Charge(MONEY, 10)]).postings == (Posting(CNY, 10, 10),)


def test_while_nothing_is_enforced_losing_touch_refuses_nobody() -> None:
    held(granted({CNY: 100}), MONEY, 10, now=LEASE_S + 1, is_enforced=False)


def test_a_lease_lasts_from_the_report_that_was_answered_and_not_from_its_answer() -> None:
    book = LeaseBook("w1", 0.0)
    first = book.report(0.0)
    assert first is not None
    book.absorb(Answer("w1", first.sequence), LEASE_S - 1)

    assert isinstance(book.reserve([], LEASE_S - 1), Hold)
    assert short(book, Need(MONEY, 1), now=LEASE_S).is_expired


def test_an_answer_to_a_report_that_is_long_gone_extends_nothing() -> None:
    book = LeaseBook("w1", 0.0)
    for beat in range(REPORTS_REMEMBERED_MAX + 1):
        assert book.report(float(beat)) is not None
    book.absorb(Answer("w1", 1), 70.0)
    assert short(book, Need(MONEY, 1), now=70.0).is_expired

    book.absorb(Answer("w1", 2), 70.0)
    assert not short(book, Need(MONEY, 1), now=70.0).is_expired


def test_what_nobody_used_goes_back_by_itself_and_the_lease_ends() -> None:
    book = LeaseBook("w1", 0.0)
    office = Office({CNY: 1_000})
    short(book, Need(MONEY, 10), now=0.0)
    answered(book, office, 0.0)
    assert office.accounts[CNY].leased == 80

    for now in (SWEEP_S * IDLE_S, SWEEP_S * (IDLE_S + 1)):
        answered(book, office, now)

    assert office.accounts[CNY].leased == 0
    assert office.leases == {}
    assert list(book.slices()) == []


def test_a_worker_that_stops_gives_everything_back() -> None:
    book = LeaseBook("w1", 0.0)
    office = Office({CNY: 1_000})
    short(book, Need(MONEY, 10), now=0.0)
    answered(book, office, 0.0)
    hold = held(book, MONEY, 10)
    book.give_back_all()
    answered(book, office, 1.0)
    assert office.accounts[CNY].leased == 10

    book.settle(hold, [Charge(MONEY, 4)])
    book.line_written(hold)
    book.give_back_all()
    answered(book, office, 1.5)
    assert office.accounts[CNY].leased == 4  # used: its line will be posted


def test_what_the_line_freed_goes_back_at_once_while_the_account_is_scarce() -> None:
    book = granted({CNY: 100})
    hold = held(book, MONEY, 100)
    book.recall(Recall("w1", CNY, 1), 1.0)
    book.report(1.0)
    book.settle(hold, [Charge(MONEY, 30)])
    book.line_written(hold)

    report = book.report(1.1)
    assert report is not None
    assert [each.returned for each in report.wishes] == [70]
