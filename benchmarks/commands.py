"""The commands of `python -m benchmarks`."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import click
from rich.console import Console

from benchmarks import results
from benchmarks.gateway import Bench, Settings, scratch_folder
from benchmarks.machine import MeasurementImpossible, facts, find_programs, require_cores
from benchmarks.picture import draw
from benchmarks.results import Figure, Run
from benchmarks.table import show

QUICK: Final = Settings(rounds=3, seconds=2.0, calls=200_000, held=(1000,))
PARTS: Final = ("calls", "streams", "latency", "memory")


@click.group()
def main() -> None:
    """Measure Smart AI Router on this machine."""


@main.command()
@click.option("--rounds", type=click.IntRange(1), help="Interleaved rounds (5; 3 with --quick).")
@click.option("--seconds", type=click.FloatRange(1), help="Load on each contestant in a round (4; 2 with --quick).")
@click.option("--quick", is_flag=True, help="Fewer, shorter rounds; 200,000 calls for memory instead of a million.")
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), help="Only this part; may be repeated.")
@click.option("--against", multiple=True, type=click.Path(exists=True, path_type=Path), help="A second checkout.")
@click.option("--folder", type=click.Path(exists=True, path_type=Path), default="/var/tmp", help="Disk of the journal.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the figures there.")
@click.option("--svg", "svg_path", type=click.Path(path_type=Path), help="Draw the ratios there.")
@click.option("--keep", is_flag=True, help="Keep the figures in benchmarks/results/ for later runs to compare with.")
def gateway(
    *,
    rounds: int | None,
    seconds: float | None,
    quick: bool,
    parts: tuple[str, ...],
    against: tuple[Path, ...],
    folder: Path,
    json_path: Path | None,
    svg_path: Path | None,
    keep: bool,
) -> None:
    """Calls, streams, latency and memory of the gateway, beside nginx."""
    settings = Settings(
        rounds=rounds or (QUICK.rounds if quick else 5),
        seconds=seconds or (QUICK.seconds if quick else 4.0),
        calls=QUICK.calls if quick else 1_000_000,
        held=QUICK.held if quick else (1000, 4000),
        against=tuple(path.resolve() for path in against),
    )
    console = Console(stderr=True)
    try:
        run = _measure_gateway(settings, parts or PARTS, folder, console)
    except MeasurementImpossible as impossible:
        console.print(str(impossible), style="red", highlight=False)
        sys.exit(1)
    _finish(run, json_path, svg_path, keep)


def _measure_gateway(settings: Settings, parts: tuple[str, ...], parent: Path, console: Console) -> Run:
    """Raises MeasurementImpossible."""
    programs = find_programs()
    require_cores()
    figures: list[Figure] = []
    with scratch_folder(parent) as folder, console.status("starting") as status:
        machine = facts(folder)
        bench = Bench(programs, settings, folder, status.update)
        measures: dict[str, Callable[[], Iterator[Figure]]] = {
            "calls": bench.calls,
            "streams": bench.streams,
            "latency": bench.latency,
            "memory": bench.memory,
        }
        for part, measure in measures.items():
            if part in parts:
                figures += measure()
    return Run("gateway", machine, {"rounds": settings.rounds, "seconds": settings.seconds}, tuple(figures))


def _finish(run: Run, json_path: Path | None, svg_path: Path | None, keep: bool) -> None:
    """Show, compare, and write what was asked for."""
    before = results.last_kept(run.command)
    changed = list(results.changes(before, run)) if before is not None else []
    show(run, changed, Console())
    if json_path is not None:
        results.save(run, json_path)
    if svg_path is not None:
        svg_path.write_text(draw(run))
    if keep:
        results.save(run, results.kept_path(run))
