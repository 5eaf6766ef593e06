"""The simulator can fail: each router that is broken on purpose is caught, by the invariant that it breaks."""

import pytest

from tests.simulation.variants import BROKEN
from tests.simulation.world import SimulationFault, simulate

SEEDS = 120  # most are caught by the first ten; the rarest crash needs a few dozen

CAUGHT_BY = {
    "refunds_before_the_line": "of a lease that does not hold it",
    "asks_before_the_intent": "reached an upstream and has no line",
    "forgets_orphans": "reached an upstream and has no line",
    "trusts_torn_lines": "reached an upstream and has no line",
    "prices_at_the_end": "is charged",
    "holds_too_little": "although every estimate was exact",
    "refuses_at_once": "refused in haste",
    "ignores_recalls": "refused surely",
    "hears_answers_twice": "granted",
    "spends_expired_leases": "of a lease that does not hold it",
    "knows_accounts_by_identity": "nobody is sure of it",
    "recalls_nobody": "refused surely",
    "lends_what_is_not_there": "overdrawn",
    "loses_returns": "is lent to",
    "hears_old_reports": "",
    "ends_leases_before_reading": "its leases end before its calls are booked",
    "posts_twice": "",
    "ignores_keys": "was booked",
    "forgets_actions": "is in the store only",
    "expires_what_is_lent": "overdrawn",
    "keeps_models_off": "are off with",
    "frees_what_hands_switched_off": "was switched by hand",
}  # "": whichever comes first, it depends on the moment


def first_fault(name: str) -> str:
    """What the first seed that catches a variant says of it."""
    for seed in range(SEEDS):
        try:
            simulate(seed, BROKEN[name])
        except SimulationFault as fault:
            return str(fault)
    return f"{name} held in {SEEDS} seeds"


@pytest.mark.parametrize("name", BROKEN)
def test_a_router_with_one_mistake_is_caught(name: str) -> None:
    fault = first_fault(name)

    assert fault.startswith("seed "), fault
    assert CAUGHT_BY[name] in fault
