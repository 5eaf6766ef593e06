"""`archive`: pack old days of the journal. They still count in every statistic."""

import sys
import time
from pathlib import Path

import click

from smart_ai_router.adapters.launch import StartOptions
from smart_ai_router.cli.options import load, place_options
from smart_ai_router.cli.terminal import complain, print_json, progress
from smart_ai_router.core.archive import DAYS_TO_KEEP, archive_old_days
from smart_ai_router.core.archive_files import ArchiveDirectory

DAYS_MAX = 36_500


@click.command(short_help="Pack old days of the usage journal. 归档")
@place_options
@click.option(
    "--days-to-keep",
    type=click.IntRange(0, DAYS_MAX),
    default=DAYS_TO_KEEP,
    show_default=True,
    help="Days whose files stay as they are; today's always does.",
)
@click.option("--json", "as_json", is_flag=True, help="For scripts: {packed, kept, failures}.")
def archive(options: StartOptions, days_to_keep: int, as_json: bool) -> None:
    """Pack old days of the usage journal into logs/archive. They still count everywhere; nothing is overwritten.

    May run while the router runs. Exit code 1 when a file could not be packed; it then stands where it stood.

    \b
    smart-ai-router archive
    smart-ai-router archive --days-to-keep 7
    """
    logs_dir = Path(load(options).settings.journal.logs_dir)
    with progress("Packing") as told:
        done = archive_old_days(ArchiveDirectory(logs_dir), time.time(), days_to_keep, told)
    if as_json:
        failures = [{"name": name, "why": why} for name, why in done.failures]
        packed = [each._asdict() for each in done.packed]
        print_json({"packed": packed, "kept": done.kept, "failures": failures})
    else:
        for each in done.packed:
            click.echo(f"{each.name} -> {each.archive} ({each.size:,} -> {each.packed_size:,} bytes)")
        for name, why in done.failures:
            complain(f"{name}: {why}")
        click.echo(f"packed {len(done.packed)}, kept {len(done.kept)}, failed {len(done.failures)}")
    sys.exit(done.exit_status)
