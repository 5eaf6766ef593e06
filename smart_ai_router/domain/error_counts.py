"""Counting a channel's errors: the run of errors that follow one another, and the share of failures in a window.

Moments are seconds since 1970. Events may come slightly out of order; a step back that is longer than the window is
a clock that was set back, and counting begins anew.
"""

from dataclasses import dataclass, replace
from typing import Final, TypeAlias

WINDOW_SLICES: Final = 30  # ten seconds each in a five-minute window: exact enough for a share, small enough to copy


@dataclass(frozen=True, slots=True)
class ErrorRun:
    """Errors of a channel, each within the window of the one before, and the successes since the first."""

    errors: int
    successes: int
    last_at: float


@dataclass(frozen=True, slots=True)
class WindowSlice:
    """Calls of one thirtieth of the window."""

    index: int  # the moment divided by the slice's length
    calls: int
    failures: int


Window: TypeAlias = tuple[WindowSlice, ...]  # oldest first


def run_after_error(run: ErrorRun | None, now: float, window_s: float) -> ErrorRun:
    """One more error, or the first of a new run when the last one is longer ago than the window."""
    if run is None or abs(now - run.last_at) > window_s:
        return ErrorRun(errors=1, successes=0, last_at=now)
    return ErrorRun(run.errors + 1, run.successes, max(now, run.last_at))


def run_after_success(run: ErrorRun | None, count: int, share_floor_percent: float) -> ErrorRun | None:
    """The run goes on until its errors are less than the floor's share of the calls since it began."""
    if run is None:
        return None
    run = replace(run, successes=run.successes + count)
    is_void = 100 * run.errors < share_floor_percent * (run.errors + run.successes)
    return None if is_void else run


def window_after(window: Window, now: float, calls: int, failures: int, window_s: float) -> Window:
    """The window with some more calls, without slices that are too old."""
    index = _slice_index(now, window_s)
    newest = window[-1] if window else None
    if newest and newest.index - WINDOW_SLICES < index <= newest.index:  # a late event counts with the newest
        return (*window[:-1], WindowSlice(newest.index, newest.calls + calls, newest.failures + failures))
    oldest = index - WINDOW_SLICES
    kept = window if newest and newest.index < index else ()  # else the clock was set back
    return (*(each for each in kept if each.index > oldest), WindowSlice(index, calls, failures))


def failures_and_calls(window: Window, now: float, window_s: float) -> tuple[int, int]:
    """(failed calls, all calls) of the window that ends now."""
    oldest = _slice_index(now, window_s) - WINDOW_SLICES
    recent = [each for each in window if each.index > oldest]
    return sum(each.failures for each in recent), sum(each.calls for each in recent)


def _slice_index(now: float, window_s: float) -> int:
    return int(now * WINDOW_SLICES // window_s)
