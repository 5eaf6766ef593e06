"""A gateway worker: holds, intents, upstream calls, lines; it may be killed between any two of its steps."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from smart_ai_router.domain.accounts import AccountKind, Wallet
from smart_ai_router.domain.charges import Charge, Charged, Needs, Tariff, charged, needs_of, provider_charge, tariff_of
from smart_ai_router.domain.holds import Hold, LeaseBook, Shortage
from smart_ai_router.domain.leasing import Answer, Recall
from smart_ai_router.domain.ledger import Posting
from smart_ai_router.domain.meters import NO_USAGE
from smart_ai_router.domain.pricing import PriceSheet
from smart_ai_router.domain.settlement import Outcome
from tests.simulation.disk import Intent, Line
from tests.simulation.market import Call, cost_of, day_of, right_charge
from tests.simulation.scheduler import Actor
from tests.simulation.variants import book_of

if TYPE_CHECKING:
    from tests.simulation.world import World

TICK_S: Final = 0.05
QUIET_TICK_S: Final = 1.0
PATIENCE_S: Final = 0.3  # a 402 is decided within this time
WAIT: Final = -1.0  # a step that waits for the next tick or answer

Steps = Generator[float, None, None]


@dataclass(slots=True)
class Refused:
    """Why a call was not held."""

    is_users: bool
    is_certain: bool  # the control plane said so, after a recall


class Worker(Actor):
    """One worker process; each of its lives has a holder name, a lease book and calls of its own."""

    def __init__(self, world: "World", host: int, number: int) -> None:
        super().__init__(f"w{host}.{number}")
        self.world = world
        self.host = host
        self.number = number
        self.table: dict[str, Intent] = {}  # survives the process
        self.book = LeaseBook("", 0.0)
        self.waiting: list[Steps] = []
        self.writing: bytes | None = None
        self.under_way = 0

    def start(self) -> None:
        """A new life: first the calls of the one before become lines, then it serves."""
        self.is_up = True
        self.life += 1
        self.writing = None
        self.waiting = []
        self.under_way = 0
        self.book = book_of(self.world.variant, f"{self.name}#{self.life}", self.world.now)
        self.world.lives[self.book.holder] = self
        self._go_on(self._recover())

    def kill(self) -> None:
        """Whatever it was doing ends here; a line that was being written may stand in the journal in part."""
        if self.writing is not None:
            length = self.world.rng.randint(0, len(self.writing) + 1)
            self.world.journals[self.host].append_torn(self.writing, length)
        self.is_up = False
        self.life += 1
        self.world.crashes += 1
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
                line = world.orphan_line(intent)
                journal.append(line.encode())
                yield world.pause()
            del self.table[request_id]
        world.after(0.0, self._tick, self)

    def _tick(self) -> None:
        self._retry()
        self._report()
        world = self.world
        is_busy = self.under_way or world.is_open or world.now < world.busy_until
        world.after(TICK_S if is_busy else QUIET_TICK_S, self._tick, self)

    def _retry(self) -> None:
        waiting, self.waiting = self.waiting, []
        for steps in waiting:
            self._go_on(steps)

    def _report(self) -> None:
        report = self.book.report(self.world.now)
        if report is not None:
            control = self.world.controls[self.host]
            self.world.send(control, lambda: control.hear(report, self))

    def absorb(self, answer: Answer) -> None:
        """The control plane answers."""
        self.book.absorb(answer, self.world.now)
        self._retry()

    def recall(self, recall: Recall) -> None:
        """Another worker needs what lies idle here."""
        self.book.recall(recall, self.world.now)
        self._report()

    def stop_gently(self) -> None:
        """Drain: all calls are over, everything goes back."""
        self.book.give_back_all()
        self._report()

    # --- calls ---

    def serve(self, call: Call) -> None:
        """A client's call has come in."""
        self.under_way += 1
        self._go_on(self._call(call))

    def _call(self, call: Call) -> Steps:
        world = self.world
        hold: Hold | None = None
        earlier: list[Charge] = []
        needs: Needs | None = None
        verdict: Refused | None = None
        attempts = 0
        for provider in call.providers:
            if provider in world.disabled:
                verdict = verdict or Refused(False, True)
                continue
            tariff = self._tariff(call, provider)
            asked = needs_of(tariff, call.size, _spent(earlier, tariff))
            outcome = yield from self._hold(hold, asked)
            if isinstance(outcome, Refused):
                verdict = outcome if verdict is None or outcome.is_users else verdict
                continue
            hold, needs = outcome, asked
            pools = {charge.wallet for charge in earlier} | ({tariff.pool.wallet} if tariff.pool else set())
            self.table[call.request_id] = Intent(call.request_id, self.book.holder, hold.accounts(), tuple(pools))
            yield world.pause()
            world.serve_upstream(call.request_id)
            attempts += 1
            yield world.rng.uniform(0.005, 0.1)
            if attempts > call.failures:
                yield from self._finish(call, hold, needs, earlier, True)
                return
            charge = provider_charge(tariff, cost_of(_sheet(tariff), call.failed_usage))
            earlier += [charge] if charge is not None else []
        if hold is not None and needs is not None:
            yield from self._finish(call, hold, needs, earlier, False)
        elif verdict is not None:
            world.refused(verdict)
            self.under_way -= 1

    def _finish(self, call: Call, hold: Hold, needs: Needs, earlier: list[Charge], answered: bool) -> Steps:
        """Settle, write the line, make it durable, free the slot, free the rest, answer: a crash may come anywhere."""
        world = self.world
        if answered:
            outcome = Outcome.CANCELLED if call.is_abandoned else Outcome.SUCCESS
            result = charged(needs, outcome, call.usage, cost_of(_sheet(needs.tariff), call.usage), earlier)
            self._check_charge(call, needs, result)
        else:
            # Every attempt failed: the last one's cost stands in `earlier` like that of the others.
            outcome = Outcome.FAILED
            result = charged(needs, outcome, NO_USAGE, 0, earlier)
        settled = self.book.settle(hold, result.charges)
        world.expected[call.request_id] = dict(result.charges)
        yield world.pause()
        yield from self.write(call.request_id, outcome, settled.postings)
        del self.table[call.request_id]
        yield world.pause()
        self.book.line_written(hold)
        yield world.pause()
        self.under_way -= 1
        world.answered(call, outcome)

    def write(self, request_id: str, outcome: Outcome, postings: tuple[Posting, ...]) -> Steps:
        """Append the call's line; a line may be written twice after a failed fsync."""
        world = self.world
        line = Line(request_id, world.scheduler.wall_ms(), self.book.holder, outcome.value, postings).encode()
        self.writing = line
        yield world.pause()
        self.writing = None
        journal = world.journals[self.host]
        journal.append(line)
        world.lines_written += 1
        if world.rng.random() < world.plan.twice_written_share:
            journal.append(line)
        yield world.rng.uniform(0.0001, 0.003)

    def _hold(self, hold: Hold | None, needs: Needs) -> Generator[float, None, "Hold | Refused"]:
        world, book = self.world, self.book
        first: Shortage | None = None
        watch = None
        deadline = world.now + PATIENCE_S
        while True:
            result = book.reserve(needs.wanted, world.now) if hold is None else _raised(book, hold, needs, world.now)
            if not isinstance(result, Shortage):
                world.forget(watch)
                return result
            if first is None or first.account != result.account:
                world.forget(watch)
                first = result
                watch = world.watch(self, hold, needs, result.account)
                world.after(0.0005, self._report, self)
            is_users = result.account.kind is not AccountKind.POOL
            is_certain = book.is_refused(first)
            if is_certain or world.variant.refuses_at_once or world.now >= deadline:
                world.check_refusal(watch, is_certain, result.is_expired)
                world.forget(watch)
                return Refused(is_users, is_certain)
            yield WAIT

    def _tariff(self, call: Call, provider: str) -> Tariff:
        world = self.world
        wall_ms = world.scheduler.wall_ms() + world.skew_ms[self.host]
        plan = world.market.quota_plan(call.user, day_of(wall_ms))
        sheet = world.market.sheet(provider, wall_ms / 1000)
        return tariff_of(plan, provider, world.pool_currency[provider], sheet, world.market.rates, wall_ms)

    def _check_charge(self, call: Call, needs: Needs, result: Charged) -> None:
        """The charge again, by fractions."""
        plan = self.world.plan
        cost = cost_of(_sheet(needs.tariff), call.usage)
        ratio = self.world.market.quotas[call.user].group_ratio
        if result.user_charge != right_charge(cost, ratio, plan.currency):
            self.world.fault(f"{call.request_id}: charged {result.user_charge} for {cost}")


def _sheet(tariff: Tariff) -> PriceSheet:
    assert tariff.sheet is not None
    return tariff.sheet


def _spent(earlier: list[Charge], tariff: Tariff) -> int:
    wallet: Wallet | None = None if tariff.pool is None else tariff.pool.wallet
    return sum(charge.amount for charge in earlier if charge.wallet == wallet)


def _raised(book: LeaseBook, hold: Hold, needs: Needs, now: float) -> Hold | Shortage:
    return book.raise_to(hold, needs.wanted, now) or hold
