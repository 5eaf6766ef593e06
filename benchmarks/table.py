"""A run as a table in the terminal."""

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.results import Change, Figure, Run, Side, sections
from benchmarks.statistic import Spread

_ENOUGH_DIGITS: Final = 100  # from here on a fraction says nothing


def show(run: Run, changed: Sequence[Change], console: Console) -> None:
    """Print facts, figures, notes, and what moved since the last kept run."""
    for name, fact in run.facts.items():
        console.print(f"[dim]{name}:[/dim] {fact}", highlight=False)
    for section, figures in sections(run.figures):
        console.print(_table(section, figures))
    for note in run.notes:
        console.print(f"left out: {note}", style="yellow", highlight=False)
    for change in changed:
        style, word = ("red", "WORSE") if change.is_regression else ("green", "better")
        console.print(f"{word}: {change.section}, {change.name}: {change.factor:.2f} times the kept run", style=style)


def _table(section: str, figures: Sequence[Figure]) -> Table:
    table = Table(title=section, title_justify="left", title_style="bold")
    table.add_column("")
    table.add_column("median (middle half)", justify="right")
    table.add_column("unit")
    table.add_column("ratio (middle half)", justify="right")
    table.add_column("goal", justify="right")
    for each in figures:
        ratio = spread_text(each.ratio) if each.ratio is not None else ""
        table.add_row(each.name, spread_text(each.value), each.unit, ratio, goal_text(each))
    return table


def spread_text(spread: Spread) -> str:
    """`212 (205-220)`; only the median where the three are one."""
    median = number_text(spread.median)
    if spread.low == spread.high:
        return median
    return f"{median} ({number_text(spread.low)}-{number_text(spread.high)})"


def number_text(value: float) -> str:
    """Three digits or so."""
    return f"{value:,.0f}" if abs(value) >= _ENOUGH_DIGITS else f"{value:.3g}"


def goal_text(figure: Figure) -> str:
    if figure.goal is None:
        return ""
    times = "x" if figure.goal.side is Side.RATIO else ""
    return f"≤ {number_text(figure.goal.limit)}{times} {'met' if figure.is_met else 'NOT MET'}"
