"""Figures, their goals, and the comparison with the run that was kept."""

from pathlib import Path

import pytest

from benchmarks.results import Figure, Goal, Run, Side, changes, kept_path, last_kept, load, save
from benchmarks.statistic import Spread


def run_with(*figures: Figure, date: str = "2026-11-22T08:00:00Z") -> Run:
    return Run("gateway", {"date": date}, {"rounds": 5}, figures)


def ratio(low: float, median: float, high: float) -> Figure:
    return Figure("calls", "ours", "us", Spread(0.0, 0.0, 0.0), Spread(median, low, high))


def test_a_figure_that_rose_beyond_its_noise_is_a_regression() -> None:
    before, now = run_with(ratio(3.8, 4.0, 4.2)), run_with(ratio(4.3, 4.5, 4.6))

    (change,) = changes(before, now)

    assert change.is_regression
    assert change.factor == pytest.approx(1.125)


def test_a_figure_that_fell_beyond_its_noise_is_no_regression() -> None:
    (change,) = changes(run_with(ratio(3.8, 4.0, 4.2)), run_with(ratio(3.0, 3.2, 3.3)))

    assert not change.is_regression


def test_a_change_within_the_noise_is_not_told() -> None:
    assert not list(changes(run_with(ratio(3.8, 4.0, 4.4)), run_with(ratio(4.3, 4.5, 4.6))))


def test_a_change_of_less_than_five_percent_is_not_told() -> None:
    assert not list(changes(run_with(ratio(4.0, 4.0, 4.0)), run_with(ratio(4.19, 4.19, 4.19))))


def test_figures_without_a_ratio_are_compared_by_their_values() -> None:
    before = run_with(Figure("memory", "warm", "MiB", Spread(50.0, 49.0, 51.0)))
    now = run_with(Figure("memory", "warm", "MiB", Spread(60.0, 59.0, 61.0)))

    assert [change.name for change in changes(before, now)] == ["warm"]


def test_a_figure_that_the_kept_run_does_not_have_is_not_compared() -> None:
    assert not list(changes(run_with(), run_with(ratio(4.3, 4.5, 4.6))))


@pytest.mark.parametrize(("median", "is_met"), [(3.99, True), (4.0, True), (4.01, False)])
def test_a_goal_is_met_up_to_its_limit(median: float, is_met: bool) -> None:
    value = Spread(99.0, 99.0, 99.0)
    figure = Figure("calls", "ours", "us", value, Spread(median, 1.0, 9.0), Goal(Side.RATIO, 4.0))

    assert figure.is_met is is_met


def test_a_kept_run_is_found_again_and_the_newest_is_the_one(tmp_path: Path) -> None:
    old, new = run_with(ratio(1, 2, 3), date="2026-09-30T00:00:00Z"), run_with(ratio(2, 3, 4))
    for each in (new, old):
        save(each, kept_path(each, tmp_path))

    assert last_kept("gateway", tmp_path) == new
    assert load(tmp_path / "gateway-20260930.json") == old
    assert last_kept("books", tmp_path) is None
