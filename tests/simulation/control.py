"""A control plane: hears reports, lends and recalls, posts the journal, watches pools, ends leases of the dead."""

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from smart_ai_router.domain.accounts import AccountKey, AccountKind, is_over
from smart_ai_router.domain.leasing import (
    AccountState,
    Answer,
    Evidence,
    LeaseState,
    Presence,
    Recall,
    Report,
    Ruling,
    Wish,
    hear,
    is_over_for,
    presence_of,
    reconcile,
    use,
)
from smart_ai_router.domain.ledger import Repetition, Transfer, TransferKind, expiry, recurring_grant, usage_transfer
from smart_ai_router.domain.pools import PoolState, after_check, after_recharge, switches_after
from smart_ai_router.domain.quotas import due_amount
from tests.simulation.disk import HolderRow, Line
from tests.simulation.market import day_of
from tests.simulation.scheduler import Actor

if TYPE_CHECKING:
    from tests.simulation.world import World
    from tests.simulation.worker import Worker

POST_S: Final = 0.08
WATCH_S: Final = 0.25
BATCH_LINES: Final = 50
CLOCK_TOLERANCE: Final = timedelta(minutes=10)


class ControlPlane(Actor):
    """The control plane of one host. All of them share the store, as they would a PostgreSQL."""

    def __init__(self, world: "World", host: int) -> None:
        super().__init__(f"c{host}")
        self.world = world
        self.host = host
        self.seen: dict[str, float] = {}

    def start(self) -> None:
        self.is_up = True
        self.life += 1
        self.seen = {}
        self.world.after(0.0, self._post, self)
        self.world.after(0.0, self._watch, self)

    def kill(self) -> None:
        """Only what the store holds is left."""
        self.is_up = False
        self.life += 1
        self.world.crashes += 1
        self.world.after(self.world.rng.uniform(0.01, 1.0), self.start)

    # --- leases ---

    def hear(self, report: Report, worker: "Worker") -> None:
        """One transaction for the whole report, then the answer, then the recalls."""
        world, store = self.world, self.world.store
        row = store.holders.setdefault(report.holder, HolderRow(self.host, worker.number))
        if row.is_over or (report.sequence <= row.heard and not world.variant.hears_old_reports):
            return
        row.heard = max(row.heard, report.sequence)
        store.changes += 1
        self.seen[report.holder] = world.now
        rulings = []
        recalled: list[LeaseState] = []
        for wish in report.wishes:
            ruling, asked = self._decide(report, wish)
            rulings.append(ruling)
            recalled += asked
        answer = Answer(report.holder, report.sequence, tuple(rulings))
        world.after(world.pause(), lambda: self._tell(answer, worker, recalled), self)

    def _decide(self, report: Report, wish: Wish) -> tuple[Ruling, tuple[LeaseState, ...]]:
        world, store = self.world, self.world.store
        self._begin_part(wish.account)
        leases = store.leases.get(wish.account, {})
        own = leases.get(report.holder)
        others = [each for holder, each in leases.items() if holder != report.holder and self._may_answer(holder)]
        account = store.account(wish.account)
        if world.variant.lends_what_is_not_there:
            account = AccountState(account.key, account.balance + account.leased, account.leased, account.recall_round)
        if world.variant.grants_again and own is not None:
            wish = wish._replace(granted=own.granted)
        if world.variant.recalls_nobody:
            others = []
        hearing = hear(account, own, others, wish, report, world.workers_up())
        if world.variant.lends_what_is_not_there:
            hearing = hearing._replace(account=AccountState(
                account.key, account.balance - account.leased, hearing.account.leased, hearing.account.recall_round
            ))
        store.put_account(hearing.account)
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
            self.world.send(holder, lambda: holder.recall(Recall(lease.holder, lease.account, lease.asked_round)))

    def _may_answer(self, holder: str) -> bool:
        row = self.world.store.holders[holder]
        if row.host != self.host or holder not in self.seen:
            return True  # another control plane's, or not heard since this one began
        return presence_of(self.world.now - self.seen[holder], self._is_dead(holder)) is not Presence.SILENT

    def _is_dead(self, holder: str) -> bool:
        worker = self.world.lives[holder]
        return not worker.is_up or worker.book.holder != holder

    def _begin_part(self, account: AccountKey) -> None:
        """Credit a part that begins, once."""
        latest = day_of(self.world.scheduler.wall_ms() + int(CLOCK_TOLERANCE.total_seconds() * 1000))
        amount = due_amount(self.world.rules, account, latest)
        if amount:
            self.world.store.book(recurring_grant(account, amount, self.world.scheduler.wall_ms()))

    # --- watch ---

    def _watch(self) -> None:
        """Every so often: recalls that were lost, leases of the dead, parts that are over."""
        world, store = self.world, self.world.store
        for lease in list(store.all_leases()):
            row = store.holders[lease.holder]
            if row.host != self.host:
                continue
            if self._is_over_for(lease.holder, row):
                account, ended = reconcile(store.account(lease.account), lease)
                store.put_account(account)
                store.drop_lease(ended.account, ended.holder)
                row.is_over = True
            elif lease.asked_round > lease.answered_round:
                self._tell_recall(lease)
        today = day_of(world.scheduler.wall_ms())
        for account in list(store.accounts.values()):
            if is_over(account.key.part, today):
                gone = expiry(account.key, account.balance, account.leased, today, world.scheduler.wall_ms())
                if gone is not None:
                    store.book(gone)
        is_busy = world.is_open or world.now < world.busy_until
        world.after(WATCH_S if is_busy else 5.0, self._watch, self)

    def _is_over_for(self, holder: str, row: HolderRow) -> bool:
        world = self.world
        silent_s = world.now - self.seen.setdefault(holder, world.now)
        worker = world.lives[holder]
        is_dead = self._is_dead(holder)
        if world.variant.reconciles_before_reading:
            return is_dead
        return is_over_for(
            Evidence(
                presence=presence_of(silent_s, is_dead),
                silent_s=silent_s,
                are_orphans_booked=not any(intent.holder == holder for intent in worker.table.values()),
                is_journal_read=world.store.offsets.get(row.host, 0) >= world.journals[row.host].complete,
            )
        )

    # --- books ---

    def _post(self) -> None:
        """Post the next lines and how far the journal was read, in one transaction."""
        world, store = self.world, self.world.store
        journal = world.journals[self.host]
        first = store.offsets.get(self.host, 0)
        end = journal.complete
        if end > first:
            lines = journal.lines(first)
            for line in lines:
                self._post_line(line)
            if world.variant.posts_twice and world.rng.random() < 0.1:
                world.after(0.001, self._post, self)  # the offset is written in another transaction, which was lost
                return
            store.offsets[self.host] = end
            store.changes += 1
        is_busy = world.is_open or world.now < world.busy_until
        world.after(POST_S if is_busy else 5.0, self._post, self)

    def _post_line(self, line: Line) -> None:
        world, store = self.world, self.world.store
        transfer = usage_transfer(line.facts)
        if transfer is None:
            return
        if world.variant.posts_twice:
            store.append(transfer)
        elif store.book(transfer) is not Repetition.NEW:
            return
        for posting in line.postings:
            leases = store.leases.get(posting.account, {})
            lease = leases.get(line.holder)
            if posting.leased > (0 if lease is None else lease.outstanding):
                world.fault(f"{line.request_id} used {posting.leased} of a lease that does not hold it: {lease}")
            account, lease = use(store.account(posting.account), lease, posting.amount, posting.leased)
            store.put_account(account)
            if lease is not None:
                store.put_lease(lease)
            beyond = posting.amount - posting.leased
            if beyond:
                world.allowances[posting.account] = world.allowances.get(posting.account, 0) + beyond
            if posting.account.kind is AccountKind.POOL:
                self._look_at_pool(posting.account, is_recharge=False)

    def _look_at_pool(self, account: AccountKey, *, is_recharge: bool) -> None:
        world, store = self.world, self.world.store
        provider = account.owner
        decide = after_recharge if is_recharge else after_check
        state, actions = decide(
            store.pools.get(provider, PoolState(provider)), store.account(account).balance, world.scheduler.wall_ms()
        )
        store.pools[provider] = state
        added, removed = switches_after(provider, actions, store.switches)
        if world.variant.keeps_models_off:
            removed = ()
        store.switches = (store.switches - set(removed)) | set(added)

    # --- orders ---

    def carry_out(self, transfer: Transfer) -> Repetition:
        """A person's transfer, in one transaction with what follows from it."""
        store = self.world.store
        if self.world.variant.ignores_keys:
            store.append(transfer)
            repetition = Repetition.NEW
        else:
            repetition = store.book(transfer)
        if repetition is Repetition.NEW:
            for account, amount in transfer.entries:
                if transfer.kind in (TransferKind.ADJUST, TransferKind.REPRICE) and amount < 0:
                    self.world.allowances[account] = self.world.allowances.get(account, 0) - amount
                if account.kind is AccountKind.POOL:
                    self._look_at_pool(account, is_recharge=transfer.kind is TransferKind.RECHARGE)
        return repetition
