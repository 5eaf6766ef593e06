"""The desk that lends: reports, recalls, restarts, the dead and the silent."""

from collections.abc import Iterable
from decimal import Decimal

import pytest

from smart_ai_router.core.lease_desk import LeaseDesk
from smart_ai_router.core.ledger_requests import NewGrant, NewRecurringGrant
from smart_ai_router.core.ledger_store import HolderRow
from smart_ai_router.domain.accounts import AccountKey, QuotaUnit, user_account
from smart_ai_router.domain.charges import Charge, Need
from smart_ai_router.domain.holds import Hold, LeaseBook
from smart_ai_router.domain.leasing import (
    CALL_S_MAX,
    EXPIRY_MARGIN_S,
    LEASE_S,
    Answer,
    Recall,
    Report,
    Ruling,
    Wish,
)
from tests.core.ledger_samples import Money, by, take

TOKENS = user_account("alice", QuotaUnit.TEXT_TOKEN)
OTHER = user_account("alice", QuotaUnit.IMAGE)
SILENCE_S = LEASE_S + CALL_S_MAX + EXPIRY_MARGIN_S


class Desk:
    """A desk with a clock that stands where it is put, and the recalls that it told."""

    def __init__(self, money: Money, now: float = 1000.0) -> None:
        self.money = money
        self.now = now
        self.told: list[Recall] = []
        self.desk = self.restarted()
        self.sequences: dict[str, int] = {}
        self.books: list[LeaseBook] = []

    def restarted(self) -> LeaseDesk:
        """Only what the store holds is left."""
        self.desk = LeaseDesk(
            self.money.store,
            monotonic=lambda: self.now,
            tell=self.told.append,
            begin_part=self.money.calendar.begin_part,
        )
        return self.desk

    def hear(self, holder: str, *wishes: Wish) -> Answer:
        self.sequences[holder] = self.sequences.get(holder, 0) + 1
        answer = self.desk.hear(Report(holder, self.sequences[holder], wishes))
        assert answer is not None
        return answer

    def ruling(self, holder: str, wish: Wish) -> Ruling:
        return self.hear(holder, wish).rulings[0]

    def end(self, dead: Iterable[str] = (), *, orphans_booked: bool = True, read: bool = True) -> tuple[str, ...]:
        names = set(dead)
        return self.desk.end_over(
            is_dead=lambda row: row.holder in names,
            are_orphans_booked=lambda _: orphans_booked,
            read_to_end=lambda: read,
        )

    def leased(self, key: AccountKey = TOKENS) -> int:
        return self.money.account(key).leased


@pytest.fixture
def desk(money: Money) -> Desk:
    """A desk with two workers, and 1,000 tokens of Alice's."""
    money.quotas.grant("alice", NewGrant("text_token", Decimal(1000)), by())
    made = Desk(money)
    for number, holder in enumerate(("w1", "w2")):
        made.desk.register(holder, number, 100 + number)
    return made


def wish(need: int, granted: int = 0, returned: int = 0, **more: int) -> Wish:
    return Wish(TOKENS, granted, returned, need, call_size=need, **more)  # type: ignore[arg-type]


# --- lending ---


def test_what_is_lent_stands_in_the_store_before_it_is_answered(desk: Desk) -> None:
    ruling = desk.ruling("w1", wish(10))
    assert ruling.granted >= 10
    assert desk.leased() == ruling.granted
    with desk.money.store.ledger() as ledger:
        assert [(lease.holder, lease.outstanding) for lease in ledger.leases()] == [("w1", ruling.granted)]


def test_no_more_is_ever_lent_than_there_is(desk: Desk) -> None:
    first = desk.ruling("w1", wish(600))
    second = desk.ruling("w2", wish(600))

    assert (first.granted, second.granted) == (600, 0)
    assert desk.leased() == 600
    assert desk.told == [Recall("w1", TOKENS, 1)]


def test_a_report_is_decided_whole_or_not_at_all(desk: Desk) -> None:
    broken = Wish(OTHER, granted=5, returned=9, need=1)

    answer = desk.hear("w1", wish(10), broken)

    assert answer.is_over
    assert desk.leased() == 0
    with desk.money.store.ledger() as ledger:
        assert ledger.leases() == []


def test_a_holder_whose_counters_contradict_ours_begins_anew_and_its_lease_stays_counted(desk: Desk) -> None:
    desk.ruling("w1", wish(10))
    lent = desk.leased()

    assert desk.hear("w1", wish(10, granted=10_000)).is_over
    assert desk.hear("w1", wish(10)).is_over
    assert desk.leased() == lent
    assert desk.end(dead=["w1"]) == ("w1",)
    assert desk.leased() == 0


def test_a_report_that_was_overtaken_is_not_heard(desk: Desk) -> None:
    report = Report("w1", 7, (wish(10),))
    assert desk.desk.hear(report) is not None
    lent = desk.leased()

    assert desk.desk.hear(report) is None
    assert desk.desk.hear(Report("w1", 6, (wish(100),))) is None

    assert desk.leased() == lent


def test_a_grant_whose_answer_was_lost_is_told_again_and_not_made_again(desk: Desk) -> None:
    lost = desk.ruling("w1", wish(600))

    again = desk.ruling("w1", wish(600))

    assert again.granted == lost.granted == desk.leased() == 600


def test_the_need_is_refused_only_after_every_other_holder_has_answered_the_recall(desk: Desk) -> None:
    desk.ruling("w1", wish(900))
    waiting = desk.ruling("w2", wish(200))
    assert (waiting.granted, waiting.refused_since) == (0, 0)
    assert desk.desk.recalls() == [Recall("w1", TOKENS, 1)]

    desk.hear("w1", Wish(TOKENS, granted=900, returned=50, answered_round=1))
    refused = desk.ruling("w2", wish(200))

    assert (refused.refused_since, refused.available) == (1, 150)
    assert desk.desk.recalls() == []


def test_what_a_recall_brings_back_is_lent_to_who_waits(desk: Desk) -> None:
    desk.ruling("w1", wish(900))
    desk.ruling("w2", wish(200))

    desk.hear("w1", Wish(TOKENS, granted=900, returned=800, answered_round=1))
    served = desk.ruling("w2", wish(200))

    assert served.granted >= 200
    assert desk.leased() == 100 + served.granted <= 1000


def test_a_lease_ends_when_its_holder_closes_it(desk: Desk) -> None:
    granted = desk.ruling("w1", wish(10)).granted

    closed = desk.hear("w1", Wish(TOKENS, granted, returned=granted, is_closing=True)).rulings[0]

    assert closed.is_closed
    assert desk.leased() == 0
    with desk.money.store.ledger() as ledger:
        assert ledger.leases() == []


def test_a_heartbeat_costs_no_transaction(desk: Desk) -> None:
    desk.ruling("w1", wish(10))
    desk.desk._store = None  # type: ignore[assignment]  # any question would fail

    assert desk.hear("w1") == Answer("w1", 2)


# --- posting ---


def test_a_line_uses_its_lease_and_leaves_availability_as_it_was(desk: Desk) -> None:
    granted = desk.ruling("w1", wish(100)).granted
    before = desk.money.account(TOKENS).state.available

    desk.money.call(take(TOKENS, 60, leased=60), holder="w1")

    account = desk.money.account(TOKENS)
    assert (account.balance, account.leased, account.state.available) == (940, granted - 60, before)
    with desk.money.store.ledger() as ledger:
        assert [(lease.used, lease.outstanding) for lease in ledger.leases()] == [(60, granted - 60)]


def test_what_a_call_cost_beyond_its_lease_lowers_availability_by_exactly_that(desk: Desk) -> None:
    granted = desk.ruling("w1", wish(100)).granted
    before = desk.money.account(TOKENS).state.available

    desk.money.call(take(TOKENS, granted + 25, leased=granted), holder="w1")

    assert desk.money.account(TOKENS).state.available == before - 25
    assert desk.leased() == 0


# --- restarts, the dead and the silent ---


def test_leases_survive_a_restart_of_the_control_plane(desk: Desk) -> None:
    granted = desk.ruling("w1", wish(600)).granted

    desk.restarted()
    desk.desk.register("w1", 0, 100)
    again = desk.ruling("w1", wish(0, granted=granted))

    assert again.granted == granted == desk.leased()


def test_a_holder_that_the_books_do_not_know_begins_anew(desk: Desk) -> None:
    assert desk.hear("stranger", wish(10)).is_over
    assert desk.hear("stranger").is_over
    assert desk.leased() == 0


def test_a_worker_that_outlived_the_books_begins_anew(desk: Desk) -> None:
    granted = desk.ruling("w1", wish(600)).granted
    anew = Desk(Money())
    anew.money.quotas.grant("alice", NewGrant("text_token", Decimal(1000)), by())
    anew.desk.register("w1", 0, 100)
    anew.desk.register("w2", 1, 101)

    assert anew.hear("w1", Wish(TOKENS, granted, 0)).is_over
    assert anew.hear("w1").is_over
    assert anew.ruling("w2", wish(600)).granted == 600


def test_a_part_is_looked_at_once(desk: Desk) -> None:
    part = user_account("alice", QuotaUnit.TEXT_TOKEN, "monthly:2026-11")
    asked: list[AccountKey] = []
    desk.desk._begin_part = asked.append

    for _ in range(3):
        desk.hear("w1", Wish(part, 0, 0, need=1))

    assert asked == [part]


def test_what_a_dead_worker_had_left_comes_back_once_its_journal_is_read(desk: Desk) -> None:
    desk.ruling("w1", wish(600))
    desk.money.call(take(TOKENS, 100, leased=100), holder="w1")

    assert desk.end(dead=["w1"], orphans_booked=False) == ()
    assert desk.end(dead=["w1"], read=False) == ()
    assert desk.leased() == 500
    assert desk.end(dead=["w1"]) == ("w1",)

    account = desk.money.account(TOKENS)
    assert (account.balance, account.leased) == (900, 0)
    assert desk.hear("w1", wish(1)).is_over
    assert desk.end(dead=["w1"]) == ()


def test_the_journal_is_read_after_the_orphans_were_booked(desk: Desk) -> None:
    desk.ruling("w1", wish(600))
    order: list[str] = []

    def orphans(_row: HolderRow) -> bool:
        order.append("orphans")
        return True

    def read() -> bool:
        order.append("read")
        return True

    desk.desk.end_over(is_dead=lambda row: row.holder == "w1", are_orphans_booked=orphans, read_to_end=read)

    assert order == ["orphans", "read"]


def test_a_line_that_comes_after_its_lease_was_taken_back_covers_nothing(desk: Desk) -> None:
    desk.ruling("w1", wish(600))
    desk.end(dead=["w1"])

    desk.money.call(take(TOKENS, 100, leased=100), holder="w1")

    account = desk.money.account(TOKENS)
    assert (account.balance, account.leased) == (900, 0)


def test_a_forgotten_worker_is_dead_without_anybody_else_saying_so(desk: Desk) -> None:
    desk.ruling("w1", wish(600))
    desk.desk.forget("w1")
    assert desk.end() == ("w1",)


@pytest.mark.parametrize(("silent_s", "ended"), [(SILENCE_S, ()), (SILENCE_S + 0.5, ("w1",))])
def test_a_silent_worker_is_over_only_when_its_longest_call_is(
    desk: Desk, silent_s: float, ended: tuple[str, ...]
) -> None:
    desk.ruling("w1", wish(600))
    desk.now += silent_s
    desk.hear("w2")

    assert desk.end() == ended


def test_a_restart_begins_to_count_the_silence_anew(desk: Desk) -> None:
    desk.ruling("w1", wish(600))
    desk.now += SILENCE_S
    desk.restarted()
    assert desk.end() == ()

    desk.now += SILENCE_S + 1

    assert desk.end() == ("w1", "w2")


def test_nobody_waits_for_a_silent_holder_to_answer(desk: Desk) -> None:
    desk.ruling("w1", wish(900))
    desk.now += LEASE_S + EXPIRY_MARGIN_S + 1

    refused = desk.ruling("w2", wish(200))

    assert (refused.refused_since, refused.available) == (1, 100)


def test_a_part_that_begins_is_credited_before_it_is_lent(desk: Desk) -> None:
    from_rule = user_account("alice", QuotaUnit.TEXT_TOKEN, "monthly:2026-12")
    money = desk.money
    money.quotas.set_monthly_grant("alice", NewRecurringGrant("text_token", Decimal(500)), by())
    money.clock.now += 9 * 86_400

    ruling = desk.hear("w1", Wish(from_rule, 0, 0, need=10, call_size=10)).rulings[0]

    assert ruling.granted >= 10
    assert money.balance(from_rule) == 500


# --- with the workers' own books ---


def _held(desk: Desk, book: LeaseBook, need: Need) -> Hold | None:
    """A hold, or None when the desk has said that there is not enough."""
    asked_in = 0
    for _ in range(20):
        found = book.reserve([need], desk.now)
        if isinstance(found, Hold):
            return found
        asked_in = asked_in or found.asked_in
        if book.is_refused(found, asked_in):
            return None
        for each in _books(desk, book):
            report = each.report(desk.now)
            answer = None if report is None else desk.desk.hear(report)
            if answer is not None:
                each.absorb(answer, desk.now)
        for recall in desk.told:
            for each in _books(desk, book):
                each.recall(recall, desk.now)
        desk.told.clear()
        desk.now += 0.05
    raise AssertionError("neither lent nor refused")


def _books(desk: Desk, book: LeaseBook) -> list[LeaseBook]:
    return [*{id(each): each for each in (*desk.books, book)}.values()]


def test_two_workers_spend_exactly_what_there_is(desk: Desk) -> None:
    books = {holder: LeaseBook(holder, desk.now) for holder in ("w1", "w2")}
    desk.books = list(books.values())
    need = Need((TOKENS,), 7)
    spent = refused = 0
    while refused < 2:
        refused = 0
        for holder, book in books.items():
            hold = _held(desk, book, need)
            if hold is None:
                refused += 1
                continue
            settled = book.settle(hold, [Charge((TOKENS,), 7)])
            posted = settled.postings[0]
            desk.money.call(take(posted.account, posted.amount, posted.leased), holder=holder)
            book.line_written(hold)
            spent += 7

    assert spent == 1000 // 7 * 7
    account = desk.money.account(TOKENS)
    assert account.balance == 1000 - spent
    assert account.state.available >= 0
