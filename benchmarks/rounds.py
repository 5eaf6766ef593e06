"""Interleaved rounds: every contestant is up, each is driven in turn, and what counts is the ratio within a round.

A machine that is shared, or whose clock moves, changes from minute to minute; the contestants of one round meet it
in the same state.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from benchmarks.children import Child
from benchmarks.meters import cpu_us
from benchmarks.results import Figure, Goal
from benchmarks.statistic import spread

IDLE_S: Final = 1.0  # for the rate at which a contestant uses CPU unasked


@dataclass(slots=True)
class Contestant:
    """A running gateway, and what was measured of it."""

    name: str
    child: Child
    key: str | None = None
    goal: Goal | None = None
    idle_us_per_s: float = 0.0
    cpu_us: list[float] = field(default_factory=list)  # per unit of work, by round
    per_second: list[float] = field(default_factory=list)  # units of work


Drive = Callable[[Contestant], int]  # make it work; returns the units of work done


def run_rounds(contestants: Sequence[Contestant], rounds: int, drive: Drive, say: Callable[[str], None]) -> None:
    """Drive each contestant once to warm it up, then once a round."""
    for each in contestants:
        drive(each)
        each.idle_us_per_s = each.child.idle_us_per_s(IDLE_S)
    for number in range(rounds):
        for each in contestants:
            say(f"round {number + 1} of {rounds}: {each.name}")
            before, begun = cpu_us(each.child.pid), time.monotonic()
            units = drive(each)
            seconds = time.monotonic() - begun
            used = cpu_us(each.child.pid) - before - each.idle_us_per_s * seconds
            each.cpu_us.append(used / units)
            each.per_second.append(units / seconds)


def cpu_figures(section: str, unit: str, contestants: Sequence[Contestant]) -> list[Figure]:
    """CPU per unit of work; ratios to the first contestant."""
    first = contestants[0].cpu_us
    return [
        Figure(
            section,
            each.name,
            unit,
            spread(each.cpu_us),
            spread([mine / its for mine, its in zip(each.cpu_us, first, strict=True)]),
            each.goal,
        )
        for each in contestants
    ]
