"""Runs of errors and windows of calls."""

import pytest

from smart_ai_router.domain.error_counts import (
    NO_CALLS,
    WINDOW_SLICES,
    ErrorRun,
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
    window = NO_CALLS
    for second in range(3600):
        window = window_after(window, NOON + second, 1, second % 2, WINDOW_S)
    assert len(window.slices) == WINDOW_SLICES
    assert (window.failures, window.calls) == (150, 300)


@pytest.mark.parametrize(("second", "sums"), [(299.0, (5, 6)), (300.0, (0, 1))])
def test_slices_leave_after_the_window(second: float, sums: tuple[int, int]) -> None:
    window = window_after(window_after(NO_CALLS, NOON, 5, 5, WINDOW_S), NOON + second, 1, 0, WINDOW_S)
    assert (window.failures, window.calls) == sums


def test_a_late_call_counts_with_the_newest_slice() -> None:
    window = window_after(window_after(NO_CALLS, NOON, 1, 1, WINDOW_S), NOON - 200, 1, 0, WINDOW_S)
    assert (window.failures, window.calls, len(window.slices)) == (1, 2, 1)


def test_a_clock_set_back_empties_the_window() -> None:
    window = window_after(window_after(NO_CALLS, NOON, 9, 9, WINDOW_S), NOON - 3600, 1, 0, WINDOW_S)
    assert (window.failures, window.calls) == (0, 1)


def test_the_sums_are_those_of_the_slices() -> None:
    window = NO_CALLS
    for second in range(0, 2000, 7):
        window = window_after(window, NOON + second * (1 + second % 3), second % 4, second % 2, WINDOW_S)
        assert window.calls == sum(each.calls for each in window.slices)
        assert window.failures == sum(each.failures for each in window.slices)
