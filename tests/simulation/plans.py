"""From a seed to a plan: how many of everything, and which faults."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens in one run."""

    seed: int
    hosts: int
    workers_per_host: int
    users: int
    calls: int
    calls_per_s: float
    is_exact: bool  # calls cost exactly what was held for them
    wild_share: float  # of calls that cost more than any estimate
    failover_share: float  # of attempts that fail
    is_enforced: bool
    has_units: bool
    has_monthly: bool
    has_budgets: bool
    currency: str  # what users are charged in; prices are in USD
    credit_share: float  # of what all calls of a user would cost
    pool_share: float
    worker_crash_chance: float  # after each step of a worker
    control_crash_chance: float
    loss: float
    duplication: float
    delay_max_s: float
    stops: int
    clock_steps: int
    orders: int  # recharges, grants, corrections, refunds
    price_changes: int
    twice_written_share: float  # of lines that are written twice
    long_silence: bool

    @property
    def is_calm(self) -> bool:
        """Nothing dies, no message is lost: whatever is refused must really be short."""
        return not (
            self.worker_crash_chance or self.control_crash_chance or self.loss or self.stops or self.long_silence
        )


def plan_of(seed: int) -> Plan:
    """The plan of a seed. A quarter of the runs is calm, a quarter has exact estimates, the rest has everything."""
    rng = random.Random(seed)
    is_calm = rng.random() < 0.25
    is_exact = rng.random() < 0.35
    stormy = 0.0 if is_calm else 1.0
    hosts = rng.choice((1, 1, 1, 2))
    return Plan(
        seed=seed,
        hosts=hosts,
        workers_per_host=rng.choice((1, 2, 2, 3)),
        users=rng.choice((1, 2, 3)),
        calls=rng.randint(30, 110),
        calls_per_s=rng.choice((10.0, 40.0, 200.0)),
        is_exact=is_exact,
        wild_share=0.0 if is_exact else rng.choice((0.0, 0.0, 0.1)),
        failover_share=rng.choice((0.0, 0.1, 0.3)),
        is_enforced=rng.random() < 0.9,
        has_units=rng.random() < 0.4,
        has_monthly=rng.random() < 0.4,
        has_budgets=rng.random() < 0.3,
        currency=rng.choice(("USD", "CNY")),
        credit_share=rng.choice((0.2, 0.6, 1.5)),
        pool_share=rng.choice((0.3, 0.8, 3.0)),
        worker_crash_chance=stormy * rng.choice((0.0, 0.002, 0.01)),
        control_crash_chance=stormy * rng.choice((0.0, 0.002, 0.01)),
        loss=stormy * rng.choice((0.0, 0.05, 0.3)),
        duplication=rng.choice((0.0, 0.1)),
        delay_max_s=rng.choice((0.001, 0.01, 0.1)) if stormy else 0.001,
        stops=int(stormy) * rng.choice((0, 0, 1, 2)),
        clock_steps=rng.choice((0, 0, 1, 2)),
        orders=rng.choice((0, 2, 6)),
        price_changes=rng.choice((0, 1, 2)),
        twice_written_share=rng.choice((0.0, 0.05)),
        long_silence=bool(stormy) and rng.random() < 0.03,
    )
