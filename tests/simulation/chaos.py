"""When the faults of a plan happen: clocks that step, processes that stand still, full disks, orders, changes."""

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tests.simulation.scheduler import Actor
    from tests.simulation.world import World

HOUR_S: Final = 3600.0
DAY_S: Final = 86_400.0
CLOCK_STEPS: Final = (-HOUR_S, HOUR_S, 13 * DAY_S, 365 * DAY_S, -300.0)
HUNDREDTH: Final = Decimal("0.01")


def plan_chaos(world: "World", ends_at: float) -> None:
    """Enter all of them into the world's calendar, up to an instant."""
    plan, rng = world.plan, world.rng

    def at_random(times: int, action: Callable[[], None]) -> None:
        for _ in range(times):
            world.after(rng.uniform(0, ends_at), action)

    at_random(plan.stops, lambda: _stop(world, rng.choice([*world.workers, *world.controls]), rng.uniform(0.1, 2.0)))
    at_random(plan.clock_steps, lambda: _step_clock(world))
    at_random(plan.disk_fulls, lambda: _fill_disk(world))
    at_random(plan.store_losses, lambda: _lose_store(world))
    at_random(plan.enforcement_switches, lambda: _switch_enforcement(world))
    at_random(plan.price_changes, lambda: _change_prices(world))
    at_random(plan.orders, world.office.order)
    at_random(plan.drains, world.office.drain)
    at_random(plan.drains, world.office.switch_by_hand)
    at_random(plan.drains, world.office.resolve_by_hand)
    if plan.has_silence:
        burst_s = (ends_at - plan.lull_s) / 2
        world.after(burst_s * 0.3, lambda: _fall_silent(world, plan.lull_s + burst_s * 0.4))


def _stop(world: "World", actor: "Actor", seconds: float) -> None:
    """A process stands still: SIGSTOP, a machine that swaps, a long collection of garbage."""
    actor.stopped_until = max(actor.stopped_until, world.now + seconds)
    world.happened("process stopped")


def _fall_silent(world: "World", seconds: float) -> None:
    """From one burst of calls into the next, the worker with the most in its hands is not heard."""
    silent = max(world.workers, key=lambda worker: sum(slice_.free for slice_ in worker.book.slices()))
    _stop(world, silent, seconds)
    world.checks.lost(silent.book.holder)
    world.happened("process silent")


def _step_clock(world: "World") -> None:
    world.scheduler.wall_offset += world.rng.choice(CLOCK_STEPS)
    world.happened("clock stepped")


def _fill_disk(world: "World") -> None:
    disk = world.rng.choice(world.disks)
    disk.is_full = True
    world.happened("disk full")
    world.after(world.rng.uniform(0.1, 1.5), lambda: _empty_disk(world))


def _empty_disk(world: "World") -> None:
    for disk in world.disks:
        disk.is_full = False


def _lose_store(world: "World") -> None:
    world.store.is_away = True
    world.happened("store away")
    world.after(world.rng.uniform(0.1, 3.0), lambda: _find_store(world))


def _find_store(world: "World") -> None:
    world.store.is_away = False


def _switch_enforcement(world: "World") -> None:
    world.market.switch_enforcement()
    world.happened("enforcement switched")


def _change_prices(world: "World") -> None:
    wall_ms = world.scheduler.wall_ms()
    world.market.set_prices(wall_ms / 1000)
    world.market.set_rate(Decimal(world.rng.randint(650, 780)) * HUNDREDTH, wall_ms)
    world.happened("prices and rate changed")
