"""A gateway worker: holds, intents, upstream calls, lines; it may be killed between any two of its steps."""

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from smart_ai_router.domain.accounts import AccountKind, Wallet, pool_account
from smart_ai_router.domain.charges import Charge, Charged, Needs, Tariff, charged, needs_of, provider_charge, tariff_of
from smart_ai_router.domain.hold_postings import orphan_postings
from smart_ai_router.domain.holds import Hold, LeaseBook, Shortage
from smart_ai_router.domain.leasing import Answer, Recall
from smart_ai_router.domain.meters import NO_USAGE
from smart_ai_router.domain.pricing import PriceSheet
from smart_ai_router.domain.settlement import Outcome
from tests.simulation.books import are_models_off_for_money
from tests.simulation.disk import Intent, Line
from tests.simulation.market import Call, cost_of, day_of
from tests.simulation.scheduler import LeaseHolder
from tests.simulation.truth import sums_of
from tests.simulation.variants import book_of

if TYPE_CHECKING:
    from tests.simulation.world import World

TICK_S: Final = 0.05
IDLE_TICK_S: Final = 0.25  # while there is no call: the next one wakes the worker
NO_ROOM_S: Final = 0.05  # how soon a line is tried again when the disk is full
PATIENCE_S: Final = 0.3  # a 402 is decided within this time
WAIT: Final = -1.0  # a step that waits for the next tick or answer

Steps = Generator[float, None, None]


@dataclass(frozen=True, slots=True)
class Refused:
    """A call was not held."""

    is_users: bool  # the user's money or budget is short; otherwise it is a pool: the next channel


class Admission(NamedTuple):
    """What an attempt is priced by."""

    at_ms: int  # by the worker's clock
    rates_known: int  # how many rows there were; a later row may begin before this clock


NOT_ADMITTED: Final = Admission(0, 0)


@dataclass(slots=True)
class Attempts:
    """How far an operation has come."""

    call: Call
    hold: Hold | None = None
    needs: Needs | None = None
    count: int = 0
    earlier: list[Charge] = field(default_factory=list)  # what the failed attempts have cost
    costs: list[tuple[Tariff, int, Admission]] = field(default_factory=list)  # the same before it was converted
    admission: Admission = NOT_ADMITTED  # of the latest attempt

    def spent(self, tariff: Tariff) -> int:
        """What failed attempts have cost the pool of this tariff."""
        wallet = None if tariff.pool is None else tariff.pool.wallet
        return sum(charge.amount for charge in self.earlier if charge.wallet == wallet)

    def pools(self) -> tuple[Wallet, ...]:
        """The pools that this operation may have cost something."""
        wallets = dict.fromkeys(charge.wallet for charge in self.earlier)
        if self.needs is not None and self.needs.tariff.pool is not None:
            wallets[self.needs.tariff.pool.wallet] = None
        return tuple(wallets)

    def fail(self, cost: int) -> None:
        """The last attempt failed and has cost this much."""
        assert self.needs is not None
        charge = provider_charge(self.needs.tariff, cost)
        self.costs.append((self.needs.tariff, cost, self.admission))
        if charge is not None:
            self.earlier.append(charge)


class Worker(LeaseHolder):
    """One worker process; each of its lives has a holder name, a lease book and calls of its own."""

    def __init__(self, world: "World", host: int, number: int) -> None:
        super().__init__(f"w{host}.{number}")
        self.world = world
        self.host = host
        self.number = number
        self.table: dict[str, Intent] = {}  # survives the process
        self.waiting: list[Steps] = []
        self.writing: bytes | None = None
        self.under_way = 0
        self.renewals = 0
        self.naps = 0
        self.is_touched = False  # the book has changed since the invariants looked at it

    def start(self) -> None:
        """A new life: first the calls of the one before become lines, then it serves."""
        self.is_up = True
        self.life += 1
        self.writing = None
        self.waiting = []
        self.under_way = 0
        self._open_book(f"{self.name}#{self.life}")
        self._go_on(self._recover())

    def _open_book(self, holder: str) -> None:
        self.book = book_of(self.world.variant, holder, self.world.now)
        self.world.lives[holder] = self
        self.is_touched = True

    def kill(self) -> None:
        """Whatever it was doing ends here; a line that was being written may stand in the journal in part."""
        if self.writing is not None:
            length = self.world.rng.randint(0, len(self.writing) + 1)
            self.world.journals[self.host].append_torn(self.writing, length)
            self.world.happened("line torn")
        self.is_up = False
        self.life += 1
        self.world.happened("worker killed")
        self.world.checks.lost(self.book.holder)
        self.world.after(self.world.rng.uniform(0.01, 0.5), self.start)

    # --- steps ---

    def _go_on(self, steps: Steps) -> None:
        for delay in steps:
            if delay == WAIT:
                self.waiting.append(steps)
            else:
                self.world.after(delay, lambda: self._go_on(steps), self)
            return

    def _recover(self) -> Steps:
        world = self.world
        journal = world.journals[self.host]
        journal.close_tail()
        yield world.pause()
        if world.variant.trusts_torn_lines:
            known = {each for each in self.table if f'"{each}"'.encode() in journal.data}
        else:
            known = {line.request_id for line in journal.lines()}
        for request_id, intent in list(self.table.items()):
            yield world.pause()
            if request_id not in known and not world.variant.forgets_orphans:
                line = orphan_line(world, intent).encode()
                while not journal.append(line):
                    yield NO_ROOM_S
                world.at_point("orphan_appended", self)
                world.happened("orphan")
                yield world.pause()
            del self.table[request_id]
        self.wake()

    def _tick(self) -> None:
        self._retry()
        self._report()
        nap = self.naps
        delay_s = TICK_S if self.under_way else self.world.often_s(IDLE_TICK_S)
        self.world.after(delay_s, lambda: self._tick() if nap == self.naps else None, self)

    def wake(self) -> None:
        """Calls come in again: tick often from now on."""
        self.naps += 1
        self.world.after(TICK_S, self._tick, self)

    def _hurry(self) -> None:
        """A call began to wait: ask at once."""
        self._retry()
        self._report()

    def _retry(self) -> None:
        waiting, self.waiting = self.waiting, []
        for steps in waiting:
            self._go_on(steps)

    def _report(self) -> None:
        self.is_touched = True
        report = self.book.report(self.world.now)
        if report is not None:
            control = self.world.controls[self.host]
            self.world.send(control, lambda: control.hear(report, self))

    def absorb(self, answer: Answer) -> None:
        """The control plane answers."""
        if answer.is_over and answer.holder == self.book.holder:
            self.renewals += 1
            self.world.happened("book opened anew")
            self.world.checks.lost(self.book.holder)
            self._open_book(f"{self.name}#{self.life}.{self.renewals}")
        self.book.absorb(answer, self.world.now)
        self._retry()

    def recall(self, recall: Recall) -> None:
        """Another worker needs what lies idle here."""
        self.book.recall(recall, self.world.now)
        self._retry()
        self._report()

    def stop_gently(self) -> None:
        """Drain: all calls are over, everything goes back."""
        self.book.give_back_all()
        self._report()

    # --- calls ---

    def serve(self, call: Call) -> None:
        """A client's call has come in."""
        if not self.under_way:
            self.wake()
        self.under_way += 1
        self._go_on(self._call(call))

    def _call(self, call: Call) -> Steps:
        world, book = self.world, self.book
        if world.disks[self.host].is_full:
            world.happened("refused for the full disk")
            self.under_way -= 1
            return
        attempts = Attempts(call)
        for provider in call.providers:
            if are_models_off_for_money(world, provider):
                world.happened("refused for the empty pool")
                continue
            admission = Admission(self._wall_ms(), len(world.market.rate_rows))
            tariff = self._tariff(call, provider, admission.at_ms)
            asked = needs_of(tariff, call.size, attempts.spent(tariff))
            if world.variant.holds_too_little:
                asked = asked._replace(wanted=tuple(need._replace(amount=need.amount // 2) for need in asked.wanted))
            outcome = yield from self._hold(book, attempts.hold, asked)
            if isinstance(outcome, Refused):
                world.happened("refused for lack of quota" if outcome.is_users else "refused by a pool")
                if outcome.is_users:
                    break
                continue
            attempts.hold, attempts.needs, attempts.admission = outcome, asked, admission
            world.truth.reserved_at[call.request_id] = world.now
            yield from self._ask(book, attempts)
            if attempts.count > call.failures:
                yield from self._finish(book, attempts)
                return
            world.happened("attempt failed")
            attempts.fail(cost_of(_sheet(tariff), call.failed_usage))
        if attempts.hold is not None:
            yield from self._fail(book, attempts)
        else:
            self.under_way -= 1

    def _ask(self, book: LeaseBook, attempts: "Attempts") -> Steps:
        """Write the intent, then ask the upstream."""
        world, request_id = self.world, attempts.call.request_id
        assert attempts.hold is not None
        if world.variant.asks_before_the_intent:
            world.truth.served[request_id] += 1
            yield world.pause()
        self.table[request_id] = Intent(request_id, book.holder, attempts.hold.accounts(), attempts.pools())
        world.at_point("intent_written", self)
        yield world.pause()
        world.truth.served[request_id] += 1
        attempts.count += 1
        yield world.rng.uniform(0.005, 0.1)
        world.at_point("upstream_answered", self)
        yield world.pause()

    def _finish(self, book: LeaseBook, attempts: "Attempts") -> Steps:
        """An upstream has answered."""
        assert attempts.needs is not None
        call, needs = attempts.call, attempts.needs
        outcome = Outcome.CANCELLED if call.is_abandoned else Outcome.SUCCESS
        if self.world.variant.prices_at_the_end:
            provider = call.providers[attempts.count - 1]
            needs = needs._replace(tariff=self._tariff(call, provider, self._wall_ms()))
        cost = cost_of(_sheet(needs.tariff), call.usage)
        result = charged(needs, outcome, call.usage, cost, attempts.earlier)
        self.world.checks.a_call_is_charged_by_what_held_at_its_admission(attempts, result)
        yield from self._end(book, attempts, result, outcome)

    def _fail(self, book: LeaseBook, attempts: "Attempts") -> Steps:
        """Every attempt failed; what the last one cost stands in `earlier` like that of the others."""
        assert attempts.needs is not None
        result = charged(attempts.needs, Outcome.FAILED, NO_USAGE, 0, attempts.earlier)
        yield from self._end(book, attempts, result, Outcome.FAILED)

    def _end(self, book: LeaseBook, attempts: "Attempts", result: Charged, outcome: Outcome) -> Steps:
        """Settle, write the line, make it durable, free the slot, free the rest, answer: a crash may come anywhere."""
        world, request_id, hold = self.world, attempts.call.request_id, attempts.hold
        assert hold is not None
        world.truth.held[request_id] = sums_of(Charge(wallet, held) for wallet, _, held in hold.parts)
        world.truth.charged[request_id] = sums_of(result.charges)
        settled = book.settle(hold, result.charges)
        if settled.overshoots:
            world.happened("call above its hold")
        self.is_touched = True
        world.at_point("call_settled", self)
        yield world.pause()
        yield from self._write(
            Line(request_id, world.scheduler.wall_ms(), book.holder, outcome.value, settled.postings)
        )
        del self.table[request_id]
        world.at_point("slot_freed", self)
        yield world.pause()
        book.line_written(hold)
        self.is_touched = True
        world.at_point("rest_freed", self)
        yield world.pause()
        self.under_way -= 1
        world.truth.acknowledged.add(request_id)

    def _write(self, line: Line) -> Steps:
        """Append the call's line; a line may be written twice after a failed fsync."""
        world, raw = self.world, line.encode()
        journal = world.journals[self.host]
        self.writing = raw
        yield world.rng.random() * world.plan.write_s_max
        while not journal.append(raw):
            world.happened("line waits for room")
            yield NO_ROOM_S
        self.writing = None
        if world.rng.random() < world.plan.twice_written_share:
            world.happened("line written twice")
            journal.append(raw)
        world.at_point("line_appended", self)
        yield world.rng.uniform(0.0001, 0.003)

    def _hold(self, book: LeaseBook, hold: Hold | None, needs: Needs) -> Generator[float, None, "Hold | Refused"]:
        world = self.world
        first: Shortage | None = None
        watch = None
        began = world.now
        while True:
            self.is_touched = True
            result = book.reserve(needs.wanted, world.now) if hold is None else _raised(book, hold, needs, world.now)
            if not isinstance(result, Shortage):
                world.checks.forget(watch)
                return result
            if first is None or first.account != result.account:
                world.checks.forget(watch)
                first = result
                watch = world.checks.watch(hold, needs, result.account, began)
                world.after(0.0005, self._hurry, self)
            is_certain = book.is_refused(result, first.asked_in)
            if is_certain or world.variant.refuses_at_once or world.now >= began + PATIENCE_S:
                world.checks.nobody_is_refused_while_money_lies_idle(watch, is_certain, result.is_expired)
                world.checks.forget(watch)
                return Refused(result.account.kind is not AccountKind.POOL)
            yield WAIT

    def _wall_ms(self) -> int:
        return self.world.scheduler.wall_ms() + self.world.skew_ms[self.host]

    def _tariff(self, call: Call, provider: str, wall_ms: int) -> Tariff:
        world = self.world
        plan = world.market.quota_plan(call.user, day_of(wall_ms))
        sheet = world.market.sheet(provider, wall_ms / 1000)
        pool = pool_account(provider, world.pool_currency[provider])
        pool = pool_account(provider, world.pool_currency[provider])
        return tariff_of(plan, pool, sheet, world.market.rates, wall_ms)


def orphan_line(world: "World", intent: Intent) -> Line:
    """The line of a call that died: its provider may bill anything up to what was held for it."""
    held = dict(intent.held)
    charges = [
        Charge(wallet, world.rng.choice((0, held[wallet[0]] // 3, held[wallet[0]], held[wallet[0]])))
        for wallet in intent.wallets
        if wallet[0] in held
    ]
    world.truth.held[intent.request_id] = {(account,): amount for account, amount in intent.held}
    world.truth.charged[intent.request_id] = sums_of(charges)
    postings = orphan_postings(intent.held, charges)
    return Line(intent.request_id, world.scheduler.wall_ms(), intent.holder, Outcome.INTERRUPTED.value, postings)


def _sheet(tariff: Tariff) -> PriceSheet:
    assert tariff.sheet is not None
    return tariff.sheet


def _raised(book: LeaseBook, hold: Hold, needs: Needs, now: float) -> Hold | Shortage:
    return book.raise_to(hold, needs.wanted, now) or hold
