"""Estimates are rough, never zero for something, and always say that they are estimates."""

import pytest

from smart_ai_router.domain.estimates import estimate_usage, estimated_tokens
from smart_ai_router.domain.meters import Meter, UsageSource


@pytest.mark.parametrize(("size", "tokens"), [(0, 0), (1, 1), (4, 1), (5, 2), (4000, 1000)])
def test_four_bytes_make_a_token_and_a_rest_makes_one_more(size: int, tokens: int) -> None:
    assert estimated_tokens(size) == tokens


def test_an_estimate_says_that_it_is_one_and_keeps_the_reason() -> None:
    usage = estimate_usage(400, 40, ("usage_malformed",))
    assert usage.source is UsageSource.ESTIMATED
    assert usage.flags == ("usage_malformed",)
    assert dict(usage.quantities) == {Meter.INPUT: 100, Meter.OUTPUT: 10}


def test_nothing_generated_is_no_quantity() -> None:
    assert dict(estimate_usage(8, 0).quantities) == {Meter.INPUT: 2}
