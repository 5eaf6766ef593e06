"""One run: everything that a seed makes happen, and the truth that it is held against."""

import random
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from typing import Final, NoReturn

from smart_ai_router.domain.accounts import AccountKind, QuotaUnit, key_account, pool_account, user_account
from smart_ai_router.domain.holds import HoldMisused
from smart_ai_router.domain.leasing import LeaseBroken
from smart_ai_router.domain.ledger import Order, Repetition, Transfer, TransferInvalid, grant, recharge
from smart_ai_router.domain.money import AmountInvalid, AmountTooLarge
from smart_ai_router.domain.quotas import Period, RecurringGrant
from tests.simulation.chaos import plan_chaos
from tests.simulation.checks import Checks
from tests.simulation.control import ControlPlane
from tests.simulation.disk import ActionLog, Disk, Journal
from tests.simulation.final_checks import FINAL_CHECKS
from tests.simulation.market import PROVIDERS, Market, day_of
from tests.simulation.office import Office
from tests.simulation.plans import Plan, plan_of
from tests.simulation.scheduler import Actor, Scheduler
from tests.simulation.store import Store
from tests.simulation.truth import Truth
from tests.simulation.variants import CORRECT, Variant
from tests.simulation.worker import Worker

CALL_COST: Final = 2_500_000_000  # about what a call costs, in pico of a dollar
CALL_TOKENS: Final = 400
CNY_FOR_A_DOLLAR: Final = 7
PAUSE_S: Final = 0.0004
BUSY_S: Final = 1.0  # how long everybody still looks often when nothing more comes in
LATE_S: Final = 40.0  # a copy of a message may turn up so much later
QUIET_S: Final = 5.0
LONG_QUIET_S: Final = 60.0
CALMING_S: Final = 12.0  # until whoever was killed last is back and what it left is booked
CLOSING_S: Final = 20.0  # until everything is given back
CRASH_POINT_CHANCE: Final = 0.15
BROKEN_RULES: Final = (LeaseBroken, HoldMisused, TransferInvalid, AmountInvalid, AmountTooLarge)


class SimulationFault(AssertionError):
    """An invariant did not hold."""


class World:
    """Everything there is."""

    def __init__(self, plan: Plan, variant: Variant) -> None:
        self.plan = plan
        self.variant = variant
        self.rng = random.Random(plan.seed * 7919 + 1)
        self.scheduler = Scheduler(self.rng, plan.begins_at)
        self.market = Market(plan, self.rng)
        self.store = Store()
        self.disks = [Disk() for _ in range(plan.hosts)]
        self.journals = [Journal(disk) for disk in self.disks]
        self.actions = ActionLog(self.disks[0])
        self.skew_ms = [self.rng.choice((0, 0, 300_000)) for _ in range(plan.hosts)]
        self.controls = [ControlPlane(self, host) for host in range(plan.hosts)]
        self.workers = [Worker(self, host, n) for host in range(plan.hosts) for n in range(plan.workers_per_host)]
        self.lives: dict[str, Worker] = {}  # holder to the worker that bears or bore the name
        self.office = Office(self)
        self.truth = Truth()
        self.checks = Checks(self)
        self.rules: list[RecurringGrant] = []
        self.pool_currency = {provider: self.rng.choice(("USD", "CNY")) for provider in PROVIDERS}
        self.busy_until = BUSY_S
        self.has_chaos = False  # until everybody works
        self.events: Counter[str] = Counter()  # what happened how often: a fault that never happens tests nothing

    @property
    def now(self) -> float:
        return self.scheduler.now

    @property
    def is_busy(self) -> bool:
        return self.now < self.busy_until

    def often_s(self, busy_s: float) -> float:
        """How soon something is done again: less often when nothing happens, and rarely when that has gone on."""
        if self.is_busy:
            return busy_s
        return QUIET_S if self.now < self.busy_until + LONG_QUIET_S else LONG_QUIET_S

    def fault(self, message: str) -> NoReturn:
        raise SimulationFault(f"seed {self.plan.seed} at {self.now:.4f} s, step {self.scheduler.steps}: {message}")

    def happened(self, what: str) -> None:
        self.events[what] += 1

    def at_point(self, name: str, actor: Actor) -> bool:
        """Between two steps that must not be taken for one: here a process may die. True when it does."""
        if self.plan.crash_point != name or not self.has_chaos or self.rng.random() >= CRASH_POINT_CHANCE:
            return False
        self.happened(f"killed at {name}")
        actor.is_doomed = True
        return True

    def pause(self) -> float:
        """The time between two steps."""
        return self.rng.random() * PAUSE_S

    def after(self, delay_s: float, action: Callable[[], None], owner: Actor | None = None) -> None:
        self.scheduler.after(delay_s, action, owner)

    def send(self, receiver: Actor, deliver: Callable[[], None]) -> None:
        """A message: it may be late, lost, or come twice; it is lost when its receiver dies meanwhile."""
        plan, rng = self.plan, self.rng
        if not receiver.is_up or (self.has_chaos and rng.random() < plan.loss):
            self.happened("message lost")
            return
        self.after(rng.random() * plan.delay_max_s, deliver, receiver)
        if rng.random() < plan.duplication:
            self.happened("message repeated")
            delay_max_s = LATE_S if rng.random() < plan.late_share else plan.delay_max_s
            self.after(rng.random() * delay_max_s, deliver, receiver)

    def workers_up(self) -> int:
        return sum(worker.is_up for worker in self.workers)

    def fingerprint(self) -> str:
        """The same for the same seed, in every process."""
        digest = sha256(str((self.scheduler.trace, self.scheduler.steps, sorted(self.events.items()))).encode())
        for log in (*self.journals, self.actions):
            digest.update(log.data)
        digest.update(repr(self.store.transfers).encode())
        return digest.hexdigest()

    # --- the run ---

    def run(self) -> None:
        """Chaos, then quiet, then the final account."""
        self._open()
        plan = self.plan
        moment = 0.0
        for number in range(plan.calls):
            if number == plan.calls // 2:
                moment += plan.lull_s
            moment += self.rng.expovariate(plan.calls_per_s)
            self.after(moment, self._call_in)
        ends_at = moment + BUSY_S
        plan_chaos(self, ends_at)
        self.scheduler.run(ends_at, self._after_step)
        self._calm_down()
        self.scheduler.run(self.now + CALMING_S + plan.late_share * LATE_S, self._after_step)
        self._get_busy()
        for worker in self.workers:
            worker.stop_gently()
        self.scheduler.run(self.now + CLOSING_S, self._after_step)
        for check in FINAL_CHECKS:
            check(self)

    def _open(self) -> None:
        """Users with their quotas, providers with their pools, and everybody begins to work."""
        plan = self.plan
        self.market.open()
        scale = CNY_FOR_A_DOLLAR if plan.currency == "CNY" else 1
        share = int(CALL_COST * plan.calls / plan.users * plan.credit_share) * scale
        tokens = int(CALL_TOKENS * plan.calls / plan.users * plan.credit_share)
        today = day_of(self.scheduler.wall_ms())
        for quota, budget in zip(self.market.quotas, self.market.budgets, strict=True):
            for unit in sorted(quota.permanent):
                amount = tokens if unit == QuotaUnit.TEXT_TOKEN else share
                account = user_account(quota.user_id, unit)
                self._carry_out(grant(account, amount, Order(f"open {quota.user_id} {unit}", 0)))
                if unit in quota.monthly:
                    month, first = Period.MONTHLY, today.replace(day=1)
                    rule = RecurringGrant(AccountKind.USER, quota.user_id, unit, month, amount // 2, first)
                    self.rules.append(rule)
            if budget is not None and budget.period is Period.FOR_EVER:
                self._carry_out(grant(key_account(budget.key_id, budget.currency), share, Order(budget.key_id, 0)))
            elif budget is not None:
                key, period = budget.key_id, budget.period
                self.rules.append(RecurringGrant(AccountKind.KEY, key, budget.currency, period, share, today))
        for provider, currency in self.pool_currency.items():
            scale = CNY_FOR_A_DOLLAR if currency == "CNY" else 1
            amount = int(CALL_COST * plan.calls * plan.pool_share) * scale
            self._carry_out(recharge(pool_account(provider, currency), amount, Order(f"open {provider}", 0)))
        self.has_chaos = not plan.is_calm
        for actor in (*self.controls, *self.workers):
            actor.start()

    def _carry_out(self, transfer: Transfer) -> None:
        if self.controls[0].books.order(transfer) is not Repetition.NEW:
            self.fault(f"{transfer.key} was not new")
        self.controls[0].books.catch_up()

    def _call_in(self) -> None:
        self._get_busy()
        call = self.market.call()
        worker = self.rng.choice(self.workers)
        if worker.is_up:  # one that stands still finds the call when it goes on
            self.after(0.0, lambda: worker.serve(call), worker)

    def _get_busy(self) -> None:
        was_busy, self.busy_until = self.is_busy, self.now + BUSY_S
        for actor in (*self.controls, *self.workers):
            if actor.is_up and not was_busy:
                actor.wake()

    def _calm_down(self) -> None:
        """No more faults; what was lost is sent again, whoever was away comes back."""
        self.has_chaos = False
        self._get_busy()
        self.store.is_away = False
        for disk in self.disks:
            disk.is_full = False
        for actor in (*self.controls, *self.workers):
            actor.stopped_until = 0.0
        self.office.finish()

    def _after_step(self, owner: Actor | None) -> None:
        self.checks.after_step(owner)
        if owner is None or not owner.is_up:
            return
        is_doomed, owner.is_doomed = owner.is_doomed, False
        if not self.has_chaos:
            return
        chance = self.plan.worker_crash_chance if isinstance(owner, Worker) else self.plan.control_crash_chance
        if is_doomed or (self.is_busy and self.rng.random() < chance):
            owner.kill()


def simulate(seed: int, variant: Variant = CORRECT) -> World:
    """Run a seed; raises SimulationFault."""
    world = World(plan_of(seed), variant)
    try:
        world.run()
    except BROKEN_RULES as broken:
        raise SimulationFault(f"seed {seed} at {world.now:.4f} s, step {world.scheduler.steps}: {broken}") from broken
    return world
