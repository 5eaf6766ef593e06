"""Medians, spreads and percentiles of measurements."""

import math
from collections.abc import Sequence
from statistics import median

import msgspec


class Spread(msgspec.Struct, frozen=True):
    """A median and the middle half around it."""

    median: float
    low: float  # first quartile
    high: float  # third quartile

    def overlaps(self, other: "Spread") -> bool:
        """True when the two middle halves share a value: the difference may be noise."""
        return self.low <= other.high and other.low <= self.high


def spread(values: Sequence[float]) -> Spread:
    """Of at least one value."""
    return Spread(median(values), percentile(values, 25), percentile(values, 75))


def percentile(values: Sequence[float], percent: float) -> float:
    """By linear interpolation; 0 of nothing."""
    if not values:
        return 0.0
    ordered = sorted(values)
    at = (len(ordered) - 1) * percent / 100
    below = math.floor(at)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (at - below)
