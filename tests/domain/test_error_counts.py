"""Runs of errors and windows of calls."""

import pytest

from smart_ai_router.domain.error_counts import (
    WINDOW_SLICES,
    ErrorRun,
    Window,
    failures_and_calls,
    run_after_error,
    run_after_success,
    window_after,
)

NOON = 1_763_812_800.0
WINDOW_S = 300.0


@pytest.mark.parametrize(
    ("second", "errors"),
    [(0.0, 3), (299.0, 3), (300.0, 3), (300.001, 1), (-300.0, 3), (-300.001, 1)],
)
def test_a_run_goes_on_within_the_window_and_begins_anew_beyond_it(second: float, errors: int) -> None:
    run = run_after_error(ErrorRun(errors=2, successes=1, last_at=NOON), NOON + second, WINDOW_S)
    assert run.errors == errors


def test_a_late_error_does_not_set_the_run_back() -> None:
    run = run_after_error(ErrorRun(2, 0, NOON), NOON - 10, WINDOW_S)
    assert run.last_at == NOON


@pytest.mark.parametrize(("successes", "goes_on"), [(8, True), (9, True), (10, False)])
def test_a_run_is_void_once_its_errors_are_below_a_tenth(successes: int, goes_on: bool) -> None:
    run = run_after_success(ErrorRun(1, 0, NOON), successes, 10.0)
    assert (run is not None) is goes_on


def test_no_run_stays_no_run() -> None:
    assert run_after_success(None, 5, 10.0) is None


def test_calls_of_one_slice_share_a_cell_and_the_window_stays_small() -> None:
    window: Window = ()
    for second in range(3600):
        window = window_after(window, NOON + second, 1, second % 2, WINDOW_S)
    assert len(window) == WINDOW_SLICES
    assert failures_and_calls(window, NOON + 3599, WINDOW_S) == (150, 300)


def test_old_slices_do_not_count_even_before_the_next_call() -> None:
    window = window_after((), NOON, 5, 5, WINDOW_S)
    assert failures_and_calls(window, NOON + 299, WINDOW_S) == (5, 5)
    assert failures_and_calls(window, NOON + 300, WINDOW_S) == (0, 0)


def test_a_late_call_counts_with_the_newest_slice() -> None:
    window = window_after(window_after((), NOON, 1, 1, WINDOW_S), NOON - 200, 1, 0, WINDOW_S)
    assert failures_and_calls(window, NOON, WINDOW_S) == (1, 2)


def test_a_clock_set_back_empties_the_window() -> None:
    window = window_after(window_after((), NOON, 9, 9, WINDOW_S), NOON - 3600, 1, 0, WINDOW_S)
    assert failures_and_calls(window, NOON - 3600, WINDOW_S) == (0, 1)
