"""Run seeds of the simulated ledger and say which ones break an invariant.

A seed decides everything: users, prices, calls, and every fault. The same seed always gives the same run; its
fingerprint says so. Exit code: 0 every seed held, 1 a seed failed, 2 wrong usage.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

from tests.simulation.variants import BROKEN, CORRECT
from tests.simulation.world import SimulationFault, World, simulate

PROGRESS_S: Final = 5.0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    made.add_argument("--seeds", type=_count, default=1_000, metavar="N", help="how many seeds (1000)")
    made.add_argument("--first", type=int, default=0, metavar="K", help="the first of them (0)")
    made.add_argument("--seed", type=int, metavar="K", help="only this one, with what happened in it")
    made.add_argument(
        "--variant",
        choices=sorted(BROKEN),
        metavar="NAME",
        help=f"a router that is broken on purpose: {', '.join(sorted(BROKEN))}",
    )
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    options = parser().parse_args(arguments)
    variant = CORRECT if options.variant is None else BROKEN[options.variant]
    seeds = range(options.first, options.first + options.seeds) if options.seed is None else [options.seed]
    failed: list[int] = []
    events: Counter[str] = Counter()
    spent_s, told_s = time.process_time(), time.monotonic()
    virtual_s = 0.0
    steps = 0
    for number, seed in enumerate(seeds):
        if time.monotonic() - told_s > PROGRESS_S:
            told_s = time.monotonic()
            print(f"{number} of {len(seeds)} seeds, {len(failed)} failed", file=sys.stderr, flush=True)
        try:
            world = simulate(seed, variant)
        except SimulationFault as fault:
            failed.append(seed)
            print(fault, flush=True)
            continue
        events.update(world.events)
        virtual_s += world.now
        steps += world.scheduler.steps
        if options.seed is not None:
            _describe(world)
    spent_s = time.process_time() - spent_s
    for what, count in sorted(events.items()):
        print(f"{count:>9} {what}")
    print(f"{len(seeds)} seeds, {steps} steps, {virtual_s:.0f} simulated seconds in {spent_s:.1f} s of CPU")
    print(f"{len(failed)} failed{': ' if failed else ''}{', '.join(map(str, failed))}")
    return 1 if failed else 0


def _describe(world: World) -> None:
    print(world.plan)
    calls = f"{len(world.truth.served)} calls reached an upstream, {len(world.truth.acknowledged)} were answered"
    print(f"{calls}, {len(world.store.transfers)} transfers\nfingerprint {world.fingerprint()}")


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError(f"{count} is not above zero")
    return count


if __name__ == "__main__":
    sys.exit(main())
