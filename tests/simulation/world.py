"""One run: everything that a seed makes happen, and the truth that it is held against."""

import random
from collections.abc import Callable
from typing import Final

from smart_ai_router.domain.accounts import AccountKey, AccountKind, QuotaUnit, Wallet, key_account, pool_account, user_account
from smart_ai_router.domain.charges import Charge, Needs
from smart_ai_router.domain.holds import Hold, orphan_postings
from smart_ai_router.domain.leasing import CALL_S_MAX, LEASE_S
from smart_ai_router.domain.ledger import Order, grant, recharge
from smart_ai_router.domain.quotas import Period, RecurringGrant
from smart_ai_router.domain.settlement import Outcome
from tests.simulation.checks import Checks, Watch
from tests.simulation.control import ControlPlane
from tests.simulation.disk import Intent, Journal, Line, Store
from tests.simulation.market import PROVIDERS, Call, Market, day_of
from tests.simulation.office import Office
from tests.simulation.plans import Plan, plan_of
from tests.simulation.scheduler import Actor, Scheduler
from tests.simulation.variants import CORRECT, Variant
from tests.simulation.worker import Refused, Worker

CALL_COST: Final = 2_500_000_000  # about what a call costs, in pico of a dollar
PAUSE_S: Final = 0.0004


class SimulationFault(AssertionError):
    """An invariant did not hold."""


class World:
    """Everything there is."""

    def __init__(self, plan: Plan, variant: Variant) -> None:
        self.plan = plan
        self.variant = variant
        self.rng = random.Random(plan.seed * 7919 + 1)
        self.scheduler = Scheduler(self.rng)
        self.market = Market(plan, self.rng)
        self.store = Store()
        self.journals = [Journal() for _ in range(plan.hosts)]
        self.skew_ms = [self.rng.choice((0, 0, 300_000)) for _ in range(plan.hosts)]
        self.controls = [ControlPlane(self, host) for host in range(plan.hosts)]
        self.workers = [Worker(self, host, n) for host in range(plan.hosts) for n in range(plan.workers_per_host)]
        self.lives: dict[str, Worker] = {}  # holder to the worker that bears or bore the name
        self.office = Office(self)
        self.checks = Checks(self)
        self.rules: list[RecurringGrant] = []
        self.pool_currency = {provider: self.rng.choice(("USD", "CNY")) for provider in PROVIDERS}
        self.is_open = True  # calls come in
        self.busy_until = 0.0
        self.has_chaos = not plan.is_calm
        # the truth
        self.served: dict[str, int] = {}  # request id to how often an upstream was asked
        self.expected: dict[str, dict[Wallet, int]] = {}  # request id to what its line should take
        self.acknowledged: set[str] = set()
        self.allowances: dict[AccountKey, int] = {}
        self.refusals: list[Refused] = []
        self.crashes = 0
        self.lost_messages = 0
        self.lines_written = 0
        self.refused_at: dict[int, float] = {}

    @property
    def now(self) -> float:
        return self.scheduler.now

    @property
    def disabled(self) -> set[str]:
        return {switch.provider_id for switch in self.store.switches}

    def fault(self, message: str) -> None:
        raise SimulationFault(f"seed {self.plan.seed} at {self.now:.4f} s, step {self.scheduler.steps}: {message}")

    def pause(self) -> float:
        """The time between two steps."""
        return self.rng.random() * PAUSE_S

    def after(self, delay_s: float, action: Callable[[], None], owner: Actor | None = None) -> None:
        self.scheduler.after(delay_s, action, owner)

    def send(self, receiver: Actor, deliver: Callable[[], None]) -> None:
        """A message: it may be late, lost, or come twice; it is lost when its receiver dies meanwhile."""
        plan, rng = self.plan, self.rng
        if not receiver.is_up or (self.has_chaos and rng.random() < plan.loss):
            self.lost_messages += 1
            return
        copies = 2 if rng.random() < plan.duplication else 1
        for _ in range(copies):
            self.after(rng.random() * plan.delay_max_s, deliver, receiver)

    def workers_up(self) -> int:
        return sum(worker.is_up for worker in self.workers)

    # --- what workers tell ---

    def serve_upstream(self, request_id: str) -> None:
        self.served[request_id] = self.served.get(request_id, 0) + 1

    def orphan_line(self, intent: Intent) -> Line:
        """The line of a call that died: its provider may bill anything up to what was held for it."""
        held = dict(intent.held)
        charges = [Charge(wallet, self.rng.randint(0, held.get(wallet[0], 0))) for wallet in intent.wallets]
        postings = orphan_postings(intent.held, charges)
        self.expected[intent.request_id] = {charge.wallet: charge.amount for charge in charges if charge.amount}
        self.served.setdefault(intent.request_id, 0)
        return Line(
            intent.request_id, self.scheduler.wall_ms(), intent.holder, Outcome.INTERRUPTED.value, postings
        )

    def answered(self, call: Call, outcome: Outcome) -> None:
        if outcome is not Outcome.FAILED:
            self.acknowledged.add(call.request_id)

    def refused(self, verdict: Refused) -> None:
        self.refusals.append(verdict)

    def watch(self, worker: Worker, hold: Hold | None, needs: Needs, account: AccountKey) -> Watch:
        return self.checks.watch(worker, hold, needs, account)

    def forget(self, watch: Watch | None) -> None:
        self.checks.forget(watch)

    def check_refusal(self, watch: Watch | None, is_certain: bool, is_expired: bool) -> None:
        self.checks.refusal(watch, is_certain, is_expired)

    # --- the run ---

    def run(self) -> None:
        """Chaos, then quiet, then the final account."""
        self._open()
        plan = self.plan
        busy_s = plan.calls / plan.calls_per_s + 2.0
        self.busy_until = busy_s + 3.0
        moment = 0.0
        for _ in range(plan.calls):
            moment += self.rng.expovariate(plan.calls_per_s)
            self.after(moment, self._call_in)
        self._plan_chaos(busy_s)
        self.scheduler.run(busy_s, self._after_step)
        self._calm_down()
        self.scheduler.run(self.now + 8.0, self._after_step)
        for worker in self.workers:
            worker.stop_gently()
        self.scheduler.run(self.now + 20.0, self._after_step)
        self.checks.final()

    def _open(self) -> None:
        plan = self.plan
        self.market.open()
        control = self.controls[0]
        for quota, budget in zip(self.market.quotas, self.market.budgets, strict=True):
            share = int(CALL_COST * plan.calls / plan.users * plan.credit_share * (7 if plan.currency == "CNY" else 1))
            tokens = int(400 * plan.calls / plan.users * plan.credit_share)
            for unit in quota.permanent:
                amount = tokens if unit == QuotaUnit.TEXT_TOKEN else share
                account = user_account(quota.user_id, unit)
                control.carry_out(grant(account, amount, Order(f"open {quota.user_id} {unit}", 0)))
                if unit in quota.monthly:
                    day = day_of(self.scheduler.wall_ms())
                    rule = RecurringGrant(
                        AccountKind.USER, quota.user_id, unit, Period.MONTHLY, amount // 2, day.replace(day=1)
                    )
                    self.rules.append(rule)
            if budget is not None and budget.period is Period.FOR_EVER:
                control.carry_out(grant(key_account(budget.key_id, budget.currency), share, Order(budget.key_id, 0)))
            elif budget is not None:
                day = day_of(self.scheduler.wall_ms())
                self.rules.append(
                    RecurringGrant(AccountKind.KEY, budget.key_id, budget.currency, budget.period, share, day)
                )
        for provider, currency in self.pool_currency.items():
            amount = int(CALL_COST * plan.calls * plan.pool_share * (7 if currency == "CNY" else 1))
            control.carry_out(recharge(pool_account(provider, currency), amount, Order(f"open {provider}", 0)))
        for actor in (*self.controls, *self.workers):
            actor.start()

    def _call_in(self) -> None:
        call = self.market.call()
        worker = self.rng.choice(self.workers)
        if worker.is_up and worker.stopped_until <= self.now:
            self.after(0.0, lambda: worker.serve(call), worker)

    def _plan_chaos(self, busy_s: float) -> None:
        plan, rng = self.plan, self.rng
        for _ in range(plan.stops):
            victim: Actor = rng.choice([*self.workers, *self.controls])
            self.after(rng.uniform(0, busy_s), lambda victim=victim: self._stop(victim, rng.uniform(0.1, 2.0)))  # type: ignore[misc]
        for _ in range(plan.clock_steps):
            step = rng.choice((-3600.0, 3600.0, 86_400.0 * 13, 86_400.0 * 365, -300.0))
            self.after(rng.uniform(0, busy_s), lambda step=step: self._step_clock(step))  # type: ignore[misc]
        for _ in range(plan.orders):
            self.after(rng.uniform(0, busy_s), self.office.order)
        for _ in range(plan.price_changes):
            moment = rng.uniform(0, busy_s)
            self.after(moment, lambda: self.market.set_prices(self.scheduler.wall_ms() / 1000))
        if plan.long_silence:
            self.after(busy_s * 0.5, lambda: self._stop(rng.choice(self.workers), LEASE_S + CALL_S_MAX + 100))

    def _stop(self, actor: Actor, seconds: float) -> None:
        actor.stopped_until = self.now + seconds

    def _step_clock(self, step: float) -> None:
        self.scheduler.wall_offset += step

    def _calm_down(self) -> None:
        self.is_open = False
        self.has_chaos = False
        self.busy_until = self.now + 40.0
        if self.plan.long_silence:
            self.busy_until = 0.0
            self.scheduler.run(self.now + LEASE_S + CALL_S_MAX + 200, self._after_step)
            self.busy_until = self.now + 40.0
        for actor in (*self.controls, *self.workers):
            actor.stopped_until = 0.0
        self.office.finish()

    def _after_step(self, owner: Actor | None) -> None:
        self.checks.after_step(owner)
        if not self.has_chaos or owner is None or not owner.is_up:
            return
        if isinstance(owner, Worker):
            if self.rng.random() < self.plan.worker_crash_chance:
                owner.kill()
        elif isinstance(owner, ControlPlane) and self.rng.random() < self.plan.control_crash_chance:
            owner.kill()


def simulate(seed: int, variant: Variant = CORRECT) -> World:
    """Run a seed; raises SimulationFault."""
    world = World(plan_of(seed), variant)
    world.run()
    return world
