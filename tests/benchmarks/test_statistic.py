"""Medians, spreads and percentiles."""

import pytest

from benchmarks.statistic import Spread, percentile, spread


@pytest.mark.parametrize(("percent", "expected"), [(0, 1.0), (25, 1.75), (50, 2.5), (99, 3.97), (100, 4.0)])
def test_percentiles_are_interpolated_between_the_values_beside_them(percent: float, expected: float) -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], percent) == pytest.approx(expected)


def test_a_spread_holds_the_median_and_the_middle_half() -> None:
    assert spread([1.0, 2.0, 3.0, 4.0, 100.0]) == Spread(3.0, 2.0, 4.0)


@pytest.mark.parametrize(("low", "overlaps"), [(4.01, False), (4.0, True), (3.99, True)])
def test_spreads_that_share_a_value_may_differ_by_noise_alone(low: float, overlaps: bool) -> None:
    before, now = Spread(3.0, 2.0, 4.0), Spread(5.0, low, 6.0)

    assert before.overlaps(now) is now.overlaps(before) is overlaps
