"""A control plane: hears reports, lends and recalls, posts the journal, ends leases of the dead."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from smart_ai_router.domain.leasing import (
    AccountState,
    Answer,
    Evidence,
    LeaseState,
    Presence,
    Recall,
    Report,
    Ruling,
    Standing,
    Wish,
    hear,
    is_over_for,
    presence_of,
    reconcile,
)
from smart_ai_router.domain.ledger import Repetition, Transfer
from tests.simulation.books import Books
from tests.simulation.scheduler import Actor
from tests.simulation.store import HolderRow

if TYPE_CHECKING:
    from tests.simulation.worker import Worker
    from tests.simulation.world import World

POST_S: Final = 0.1
WATCH_S: Final = 0.25
RECALL_S: Final = 0.06
INSTANT_S: Final = 0.001


class ControlPlane(Actor):
    """The control plane of one host. All of them share the store, as they would a PostgreSQL."""

    def __init__(self, world: "World", host: int) -> None:
        super().__init__(f"c{host}")
        self.world = world
        self.host = host
        self.books = Books(world, self)
        self.seen: dict[str, float] = {}
        self.naps = 0

    def start(self) -> None:
        self.is_up = True
        self.life += 1
        self.seen = {}
        self.wake()

    def wake(self) -> None:
        """Something happens again: look at once, and often from now on."""
        self.naps += 1
        for job in (self._post, self._watch, self._repeat_recalls):
            self.world.after(0.0, job, self)

    def _again(self, job: Callable[[], None], delay_s: float) -> None:
        """Do a job again after a while, a longer one when nothing happens."""
        nap = self.naps
        self.world.after(self.world.often_s(delay_s), lambda: job() if nap == self.naps else None, self)

    def kill(self) -> None:
        """Only what the store and the files hold is left."""
        self.is_up = False
        self.life += 1
        self.world.happened("control plane killed")
        self.world.after(self.world.rng.uniform(0.01, 1.0), self.start)

    # --- leases ---

    def hear(self, report: Report, worker: "Worker") -> None:
        """One transaction for the whole report, then the answer, then the recalls."""
        world, store = self.world, self.world.store
        if store.is_away:
            return
        row = store.holders.setdefault(report.holder, HolderRow(self.host, worker.number))
        if row.is_over:
            over = Answer(report.holder, report.sequence, is_over=True)
            world.send(worker, lambda: worker.absorb(over))
            return
        if report.sequence <= row.heard:
            world.happened("report repeated or overtaken")
            if not world.variant.hears_old_reports:
                return
        row.heard = max(row.heard, report.sequence)
        self.seen[report.holder] = world.now
        world.truth.heard_at[report.holder] = world.now
        rulings = []
        recalled: list[LeaseState] = []
        for wish in report.wishes:
            ruling, asked = self._decide(report, wish)
            rulings.append(ruling)
            recalled += asked
        answer = Answer(report.holder, report.sequence, tuple(rulings))
        world.at_point("report_heard", self)
        world.after(world.pause(), lambda: self._tell(answer, worker, recalled), self)

    def _decide(self, report: Report, wish: Wish) -> tuple[Ruling, tuple[LeaseState, ...]]:
        world, store = self.world, self.world.store
        self.books.begin_part(wish.account)
        leases = store.leases.get(wish.account, {})
        own = leases.get(report.holder)
        others = [each for holder, each in leases.items() if holder != report.holder and self._may_answer(holder)]
        account = store.account(wish.account)
        imagined = account.leased if world.variant.lends_what_is_not_there else 0
        if world.variant.loses_returns:
            wish = wish._replace(returned=0 if own is None else own.returned)
        if world.variant.recalls_nobody:
            others = []
        account = account._replace(balance=account.balance + imagined)
        hearing = hear(Standing(account, own, others, world.workers_up()), wish, report)
        store.put_account(_without(hearing.account, imagined))
        if hearing.lease is None:
            store.drop_lease(wish.account, report.holder)
        else:
            store.put_lease(hearing.lease)
        for each in hearing.recalled:
            store.put_lease(each)
        return hearing.ruling, hearing.recalled

    def _tell(self, answer: Answer, worker: "Worker", recalled: list[LeaseState]) -> None:
        self.world.send(worker, lambda: worker.absorb(answer))
        for lease in recalled:
            self._tell_recall(lease)

    def _tell_recall(self, lease: LeaseState) -> None:
        holder = self.world.lives.get(lease.holder)
        if holder is not None and holder.host == self.host and holder.book.holder == lease.holder:
            self.world.happened("recall")
            self.world.send(holder, lambda: holder.recall(Recall(lease.holder, lease.account, lease.asked_round)))

    def _may_answer(self, holder: str) -> bool:
        row = self.world.store.holders[holder]
        if row.host != self.host or holder not in self.seen:
            return True  # another control plane's, or not heard since this one began
        return presence_of(self.world.now - self.seen[holder], self._is_dead(holder)) is not Presence.SILENT

    def _is_dead(self, holder: str) -> bool:
        worker = self.world.lives[holder]
        return not worker.is_up or worker.book.holder != holder

    # --- what is done every so often ---

    def _post(self) -> None:
        world = self.world
        is_done = True
        if not world.store.is_away:
            self.books.catch_up()
            is_done = self.books.post(self.host)
        self._again(self._post, POST_S if is_done else INSTANT_S)

    def _watch(self) -> None:
        """Leases of the dead and the silent, parts that are over."""
        store = self.world.store
        if not store.is_away:
            for lease in store.all_leases():
                row = store.holders[lease.holder]
                if row.host == self.host and self._is_over_for(lease.holder, row):
                    self._end_lease(lease, row)
            self.books.end_parts()
        self._again(self._watch, WATCH_S)

    def _end_lease(self, lease: LeaseState, row: HolderRow) -> None:
        store = self.world.store
        self.world.checks.a_lease_ends_only_when_all_that_was_spent_is_booked(lease.holder, row)
        account, ended = reconcile(store.account(lease.account), lease)
        store.put_account(account)
        store.drop_lease(ended.account, ended.holder)
        row.is_over = True
        self.world.happened("lease of the dead ended" if self._is_dead(lease.holder) else "lease of the silent ended")

    def _is_over_for(self, holder: str, row: HolderRow) -> bool:
        world = self.world
        silent_s = world.now - self.seen.setdefault(holder, world.now)
        worker = world.lives[holder]
        is_dead = self._is_dead(holder)
        if world.variant.ends_leases_before_reading:
            return is_dead
        return is_over_for(
            Evidence(
                presence=presence_of(silent_s, is_dead),
                silent_s=silent_s,
                are_orphans_booked=not any(intent.holder == holder for intent in worker.table.values()),
                is_journal_read=world.store.offsets.get(row.host, 0) >= world.journals[row.host].complete,
            )
        )

    def _repeat_recalls(self) -> None:
        """Recalls that another host began, or that were lost."""
        world = self.world
        for lease in world.store.all_leases():
            if lease.asked_round > lease.answered_round and world.store.holders[lease.holder].host == self.host:
                self._tell_recall(lease)
        self._again(self._repeat_recalls, RECALL_S)

    # --- orders ---

    def order(self, transfer: Transfer, answer: Callable[[Repetition], None]) -> None:
        """A person's order: first into the action log, then into the store, then it is answered."""
        world = self.world
        if world.store.is_away:
            return
        repetition = self.books.order(transfer)
        if repetition is not None:
            world.after(world.pause(), lambda: self._take_effect(repetition, answer), self)

    def _take_effect(self, repetition: Repetition, answer: Callable[[Repetition], None]) -> None:
        if not self.world.store.is_away:
            self.books.catch_up()
            answer(repetition)


def _without(account: AccountState, imagined: int) -> AccountState:
    return account._replace(balance=account.balance - imagined)
