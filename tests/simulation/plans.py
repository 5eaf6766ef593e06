"""From a seed to a plan: how many of everything, and which faults."""

import random
from dataclasses import dataclass
from typing import Final

from smart_ai_router.domain.leasing import CALL_S_MAX, LEASE_S

CALM_DELAY_S: Final = 0.001
SILENCES_S: Final = (
    LEASE_S + 60.0,
    LEASE_S + CALL_S_MAX + 200.0,
    LEASE_S + CALL_S_MAX + 200.0,
)  # leases expire; leases are ended
MID_MONTH: Final = 1_795_000_000.0  # 2026-11-18, seconds since 1970 UTC
MONTH_END: Final = 1_796_083_198.0  # 2026-11-30 23:59:58

# Where a process may be killed on purpose, each between two steps that must not be taken for one.
CRASH_POINTS: Final = (
    "intent_written",
    "upstream_answered",
    "call_settled",
    "line_appended",
    "slot_freed",
    "rest_freed",
    "orphan_appended",
    "report_heard",
    "action_torn",
    "action_written",
    "lines_posted",
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens in one run."""

    seed: int
    hosts: int
    workers_per_host: int
    users: int
    calls: int
    calls_per_s: float
    lull_s: float  # in the middle nobody calls for so long
    write_s_max: float  # how long a line may wait for a slow disk
    begins_at: float  # by the wall clock, seconds since 1970 UTC
    is_exact: bool  # calls cost exactly what was held for them
    wild_share: float  # of calls that cost more than any estimate
    failover_share: float  # of attempts that fail
    is_enforced: bool  # at the start
    enforcement_switches: int
    has_units: bool
    has_monthly: bool
    has_budgets: bool
    currency: str  # what users are charged in; prices are in USD
    is_rate_inverse: bool  # rates are entered from CNY to USD
    credit_share: float  # of what all calls of a user would cost
    pool_share: float
    worker_crash_chance: float  # after each step of a worker
    control_crash_chance: float
    crash_point: str  # "" or one of CRASH_POINTS
    loss: float
    duplication: float
    late_share: float  # of copies that turn up much later
    delay_max_s: float
    stops: int
    has_silence: bool  # a worker stands still for the whole lull
    clock_steps: int
    disk_fulls: int
    store_losses: int  # times when no transaction can be made
    orders: int  # recharges, grants, corrections, refunds
    drains: int  # times when a pool is emptied by hand
    price_changes: int  # and as many changes of the exchange rate
    twice_written_share: float  # of lines that are written twice

    @property
    def is_calm(self) -> bool:
        """Nothing dies, no message is lost: whatever is refused must really be short."""
        return self.delay_max_s <= CALM_DELAY_S and not (
            self.worker_crash_chance
            or self.control_crash_chance
            or self.crash_point
            or self.loss
            or self.stops
            or self.has_silence
            or self.disk_fulls
            or self.store_losses
        )


def plan_of(seed: int) -> Plan:
    """The plan of a seed. A quarter of the runs is calm, a third has exact estimates, the rest has everything."""
    rng = random.Random(seed)
    is_calm = rng.random() < 0.25
    is_exact = rng.random() < 0.35
    stormy = 0 if is_calm else 1
    has_silence = not is_calm and rng.random() < 0.08
    lull_s = rng.choice(SILENCES_S) if has_silence else rng.choice((0.0, 0.0, 0.0, 13.0))
    return Plan(
        seed=seed,
        hosts=rng.choice((1, 1, 1, 2)),
        workers_per_host=rng.choice((1, 2, 2, 3)),
        users=rng.choice((1, 1, 2, 3)),
        calls=rng.randint(15, 50),
        calls_per_s=rng.choice((10.0, 40.0, 200.0)),
        lull_s=lull_s,
        write_s_max=rng.choice((0.0004, 0.3)),
        begins_at=rng.choice((MID_MONTH, MID_MONTH, MONTH_END)),
        is_exact=is_exact,
        wild_share=0.0 if is_exact else rng.choice((0.0, 0.0, 0.1)),
        failover_share=rng.choice((0.0, 0.1, 0.3)),
        is_enforced=rng.random() < 0.9,
        enforcement_switches=rng.choice((0, 0, 0, 2)),
        has_units=rng.random() < 0.4,
        has_monthly=rng.random() < 0.4,
        has_budgets=rng.random() < 0.3,
        currency=rng.choice(("USD", "CNY")),
        is_rate_inverse=rng.random() < 0.2,
        credit_share=rng.choice((0.3, 0.8, 2.0)),
        pool_share=rng.choice((0.15, 0.4, 3.0)),
        worker_crash_chance=stormy * rng.choice((0.0, 0.003, 0.02)),
        control_crash_chance=stormy * rng.choice((0.0, 0.002, 0.01)),
        crash_point=rng.choice(("", *CRASH_POINTS)) if stormy else "",
        loss=stormy * rng.choice((0.0, 0.05, 0.3)),
        duplication=rng.choice((0.0, 0.1, 0.3)),
        late_share=rng.choice((0.0, 0.3)),
        delay_max_s=rng.choice((0.001, 0.01, 0.1)) if stormy else CALM_DELAY_S,
        stops=stormy * rng.choice((0, 0, 1, 2)),
        has_silence=has_silence,
        clock_steps=rng.choice((0, 0, 1, 2)),
        disk_fulls=stormy * rng.choice((0, 0, 1, 2)),
        store_losses=stormy * rng.choice((0, 0, 1)),
        orders=rng.choice((0, 2, 6)),
        drains=rng.choice((0, 0, 1, 2)),
        price_changes=rng.choice((0, 1, 2)),
        twice_written_share=rng.choice((0.0, 0.05)),
    )
