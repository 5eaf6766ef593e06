"""A cell as statistics see it."""

from smart_ai_router.core.rollups import Measures
from smart_ai_router.core.store import totals_of


def test_the_total_cost_holds_what_stands_beyond_input_and_output() -> None:
    totals = totals_of("CNY", Measures(requests=5, successes=3, input_cost=10, output_cost=20, other_cost=-3, images=2))

    assert (totals.currency, totals.requests, totals.successes, totals.failures) == ("CNY", 5, 3, 2)
    assert (totals.input_cost, totals.output_cost, totals.total_cost, totals.images) == (10, 20, 27, 2)
