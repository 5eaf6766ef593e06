"""`python -m tests.simulation --seeds N [--first K]`: run seeds and say which failed."""

import argparse
import sys
import time
from collections import Counter

from tests.simulation.world import SimulationFault, simulate


def main() -> int:
    """Exit code 0 when every seed held, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1_000, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first one")
    arguments = parser.parse_args()
    totals: Counter[str] = Counter()
    failed = []
    began = time.process_time()
    for seed in range(arguments.first, arguments.first + arguments.seeds):
        try:
            world = simulate(seed)
        except SimulationFault as fault:
            failed.append(seed)
            print(fault)
            continue
        totals.update(
            steps=world.scheduler.steps,
            served=len(world.served),
            answered=len(world.acknowledged),
            refused=len(world.refusals),
            crashes=world.crashes,
            lost_messages=world.lost_messages,
            virtual_seconds=int(world.now),
        )
    spent = time.process_time() - began
    print(f"{arguments.seeds} seeds in {spent:.1f} s of CPU, {len(failed)} failed {failed[:20]}")
    print(", ".join(f"{name} {count}" for name, count in totals.items()))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
