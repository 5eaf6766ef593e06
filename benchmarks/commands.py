"""The commands of `python -m benchmarks`."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import click
from rich.console import Console

from benchmarks import books as books_bench
from benchmarks import results, starting, steps
from benchmarks.gateway import Bench, Settings, scratch_folder
from benchmarks.machine import MeasurementImpossible, facts, find_programs, require_cores
from benchmarks.picture import draw
from benchmarks.results import Figure, Run
from benchmarks.table import show

QUICK: Final = Settings(rounds=3, seconds=2.0, calls=200_000, held=(1000,), connections=(32,))
FULL: Final = Settings(rounds=7, seconds=3.0, calls=1_000_000, held=(1000, 4000), connections=(32, 1, 256))
PRINTED_COLUMNS: Final = 110  # where there is no terminal to ask
PARTS: Final = ("calls", "streams", "latency", "memory", "steps", "start")
DISK: Final = Path("/var/tmp")  # on disk by convention, where /tmp may be memory

Measure = Callable[[], Iterator[Figure]]


@click.group()
def main() -> None:
    """Measure Smart AI Router on this machine."""


def _written(command: Callable[..., None]) -> Callable[..., None]:
    """The options that both commands share."""
    path = click.Path(path_type=Path)
    for option in (
        click.option("--keep", is_flag=True, help="Keep the figures in benchmarks/results/ for later runs."),
        click.option("--json", "json_path", type=path, help="Write the figures there."),
        click.option("--folder", type=click.Path(exists=True, path_type=Path), default=DISK, help="The disk to use."),
    ):
        command = option(command)
    return command


@main.command()
@click.option("--rounds", type=click.IntRange(1), help=f"Interleaved rounds ({FULL.rounds}).")
@click.option("--seconds", type=click.FloatRange(1), help=f"Load on each contestant in a round ({FULL.seconds:g}).")
@click.option("--quick", is_flag=True, help="Fewer, shorter rounds; 200,000 calls for memory instead of a million.")
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), help="Only this part; may be repeated.")
@click.option("--against", multiple=True, type=click.Path(exists=True, path_type=Path), help="A second checkout.")
@click.option("--svg", "svg_path", type=click.Path(path_type=Path), help="Draw the ratios there.")
@_written
def gateway(
    *,
    rounds: int | None,
    seconds: float | None,
    quick: bool,
    parts: tuple[str, ...],
    against: tuple[Path, ...],
    svg_path: Path | None,
    folder: Path,
    json_path: Path | None,
    keep: bool,
) -> None:
    """Calls, streams, latency, memory and start of the gateway, beside nginx."""
    preset = QUICK if quick else FULL
    settings = Settings(
        rounds=rounds or preset.rounds,
        seconds=seconds or preset.seconds,
        calls=preset.calls,
        held=preset.held,
        connections=preset.connections,
        against=tuple(path.resolve() for path in against),
    )
    _run(lambda console: _measure_gateway(settings, parts or PARTS, folder, console), json_path, svg_path, keep=keep)


@main.command()
@click.option("--long", "is_long", is_flag=True, help="Ten million records beside one million.")
@click.option("--records", type=click.IntRange(1000), multiple=True, help="Other sizes instead; may be repeated.")
@_written
def books(*, is_long: bool, records: tuple[int, ...], folder: Path, json_path: Path | None, keep: bool) -> None:
    """CPU a line, bytes a record and CPU of statistics, over generated journals."""
    sizes = records or ((1_000_000, 10_000_000) if is_long else (1_000_000,))
    _run(lambda console: _measure_books(sizes, folder, console), json_path, None, keep=keep)


def _run(measure: Callable[[Console], Run], json_path: Path | None, svg_path: Path | None, *, keep: bool) -> None:
    """Measure, show, compare with the last kept run, and write what was asked for."""
    console = Console(stderr=True)
    try:
        run = measure(console)
    except MeasurementImpossible as impossible:
        console.print(str(impossible), style="red", highlight=False)
        sys.exit(1)
    before = results.last_kept(run.command)
    width = None if sys.stdout.isatty() else PRINTED_COLUMNS
    show(run, list(results.changes(before, run)) if before is not None else [], Console(width=width))
    if json_path is not None:
        results.save(run, json_path)
    if svg_path is not None:
        svg_path.write_text(draw(run))
    if keep:
        results.save(run, results.kept_path(run))


def _measure_gateway(settings: Settings, parts: tuple[str, ...], parent: Path, console: Console) -> Run:
    """Raises MeasurementImpossible. Only the start may be left out: it needs an environment of its own."""
    programs = find_programs()
    require_cores()
    figures: list[Figure] = []
    notes: list[str] = []
    with scratch_folder(parent) as folder, console.status("starting") as status:
        machine = facts(folder)
        bench = Bench(programs, settings, folder, status.update)
        measures: dict[str, Measure] = {
            "calls": bench.calls,
            "streams": bench.streams,
            "latency": bench.latency,
            "memory": bench.memory,
            "steps": steps.measure,
        }
        for part, measure in measures.items():
            if part in parts:
                figures += measure()
        if "start" in parts:
            try:
                figures += starting.measure(settings.rounds, folder, status.update)
            except MeasurementImpossible as impossible:
                notes.append(str(impossible))
    figures_taken = {"rounds": settings.rounds, "seconds": settings.seconds}
    return Run("gateway", machine, figures_taken, tuple(figures), tuple(notes))


def _measure_books(sizes: tuple[int, ...], parent: Path, console: Console) -> Run:
    figures: list[Figure] = []
    with scratch_folder(parent) as folder, console.status("starting") as status:
        machine = facts(folder)
        for size in sizes:
            figures += books_bench.measure(size, folder / str(size), status.update)
    return Run("books", machine, {"records": max(sizes)}, tuple(figures))
