"""Counting a channel's errors: the run of errors that follow one another, and the share of failures in a window.

Moments are seconds since 1970. Events may come slightly out of order; a step back that is longer than the window is
a clock that was set back, and counting begins anew.
"""

from dataclasses import dataclass, replace
from typing import Final

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


@dataclass(frozen=True, slots=True)
class CallWindow:
    """The calls of the window that ends with the newest of them, and their sums."""

    slices: tuple[WindowSlice, ...] = ()  # oldest first
    calls: int = 0
    failures: int = 0


NO_CALLS: Final = CallWindow()


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


def window_after(window: CallWindow, now: float, calls: int, failures: int, window_s: float) -> CallWindow:
    """The window with some more calls, without slices that are too old."""
    index = int(now * WINDOW_SLICES // window_s)
    newest = window.slices[-1] if window.slices else None
    if newest is not None and newest.index - WINDOW_SLICES < index <= newest.index:  # a late event joins the newest
        grown = WindowSlice(newest.index, newest.calls + calls, newest.failures + failures)
        return CallWindow((*window.slices[:-1], grown), window.calls + calls, window.failures + failures)
    kept = window.slices if newest is not None and newest.index < index else ()  # else the clock was set back
    slices = (
        *(each for each in kept if each.index > index - WINDOW_SLICES),
        WindowSlice(index, calls, failures),
    )
    return CallWindow(slices, sum(each.calls for each in slices), sum(each.failures for each in slices))
