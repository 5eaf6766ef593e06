"""`verify` and `rebuild`: the books against the journal they were made from."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from smart_ai_router.adapters.launch import DataDirectoryLock, StartOptions
from smart_ai_router.app.books import rebuild_books, verify_books
from smart_ai_router.app.engines import engine_at
from smart_ai_router.cli.options import load, place_options
from smart_ai_router.cli.terminal import complain, console, print_json, progress
from smart_ai_router.core.administration import ActionsUnwritable
from smart_ai_router.core.store import RecordSums, StoreFailure
from smart_ai_router.core.verification_report import VerificationReport
from smart_ai_router.domain.money import pico_to_decimal, pico_to_text

EXIT_FAILED = 1


def logs_of_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """The journals of other hosts, for books that several hosts post into."""
    return click.option(
        "--logs-of",
        metavar="HOST=DIR",
        multiple=True,
        help="The journal of another host that posts into the same PostgreSQL; once for each.",
    )(function)


def journals_of(given: tuple[str, ...]) -> dict[str, Path]:
    """Host to directory."""
    found: dict[str, Path] = {}
    for each in given:
        host, _, directory = each.partition("=")
        if not (host and directory and Path(directory).is_dir()):
            raise click.UsageError(f"--logs-of {each}: takes HOST=DIR, and DIR must be there")
        found[host] = Path(directory)
    return found


@click.command(short_help="Prove the books: recompute everything from the journal. 核对账目")
@place_options
@logs_of_option
@click.option("--json", "as_json", is_flag=True, help="For scripts: {equal, files, records, sums, differences, ...}.")
def verify(options: StartOptions, logs_of: tuple[str, ...], as_json: bool) -> None:
    """Prove the books: everything is made once more from the journal, its archive included, and compared.

    Users, keys, prices and transfers are made once more from the actions file; every balance is added up from both.

    May run while the router runs. Exit code 0 when every record, sum and rollup agrees, 1 when something differs.

    \b
    smart-ai-router verify
    smart-ai-router verify --data-dir /srv/router/data --logs-dir /srv/router/logs --json
    """
    settings = load(options).settings
    data_dir = Path(settings.storage.data_dir)
    try:
        engine = engine_at(data_dir, settings.storage.url)
        if not engine.exists():
            raise click.UsageError(f"there are no books at {engine.place}; a start makes them, and so does `rebuild`")
        with progress("Proving") as told:
            logs_dir, others = Path(settings.journal.logs_dir), journals_of(logs_of)
            report = verify_books(data_dir, logs_dir, told, url=settings.storage.url, others=others)
    except (StoreFailure, ActionsUnwritable) as failure:
        complain(str(failure))
        sys.exit(EXIT_FAILED)
    if as_json:
        print_json(as_mapping(report))
    else:
        tell(report)
    sys.exit(report.exit_status)


@click.command(short_help="Make the books anew from the journal. 重建账目")
@place_options
@logs_of_option
@click.option("--json", "as_json", is_flag=True, help="For scripts: {files, records, actions, problem_lines, digest}.")
def rebuild(options: StartOptions, logs_of: tuple[str, ...], as_json: bool) -> None:
    """Make the books anew from the journal, its archive included, and put them in the place of the old ones.

    The router must be stopped: this refuses (exit code 2) while one works on the data directory. If it is broken off,
    the old books stay. Users, keys and prices are made anew from the actions file. What neither file holds is carried
    over.

    \b
    smart-ai-router rebuild
    """
    settings = load(options).settings
    data_dir = Path(settings.storage.data_dir)
    lock = DataDirectoryLock.acquire(data_dir)
    try:
        with progress("Booking") as told:
            logs_dir, time_zone = Path(settings.journal.logs_dir), settings.system.time_zone
            url, others = settings.storage.url, journals_of(logs_of)
            made = rebuild_books(data_dir, logs_dir, time_zone, told, url=url, others=others)
    except (StoreFailure, ActionsUnwritable) as failure:
        complain(str(failure))
        sys.exit(EXIT_FAILED)
    finally:
        lock.release()
    done = made.books
    facts = {"files": done.files, "records": done.records, "problem_lines": done.problem_lines, "digest": done.digest}
    facts["actions"] = made.actions
    if as_json:
        print_json(facts)
    else:
        click.echo(
            f"booked {done.records:,} records of {done.files} files; lines that could not be: {done.problem_lines}"
        )
        click.echo(f"applied {made.actions:,} administrative changes")
        click.echo(f"digest {done.digest}")


def as_mapping(report: VerificationReport) -> dict[str, object]:
    """A proof for scripts."""
    return {
        "equal": report.is_equal,
        "files": report.files,
        "records": report.records,
        "problem_lines": report.problem_lines,
        "actions": report.actions,
        "pending_actions": report.pending_actions,
        "entries": report.entries,
        "transfers": report.transfers,
        "accounts": report.accounts,
        "missing_files": report.missing_files,
        "sums": {currency: _exact(sums) for currency, sums in report.sums.items()},
        "difference_count": report.difference_count,
        "differences": [each._asdict() for each in report.differences],
    }


def _exact(sums: RecordSums) -> dict[str, object]:
    costs = {name: pico_to_decimal(value) for name, value in sums._asdict().items() if name != "records"}
    return {"records": sums.records, **costs}


def tell(report: VerificationReport) -> None:
    """A proof for people."""
    click.echo(f"{report.records:,} records of {report.files} files; lines that are no records: {report.problem_lines}")
    _tell_sums(report.sums)
    if report.actions or report.pending_actions:
        click.echo(f"{report.actions:,} administrative changes; not applied yet: {report.pending_actions}")
    if report.accounts:
        moved = f"{report.entries:,} entries of calls and {report.transfers:,} transfers"
        click.echo(f"ledger: {moved} on {report.accounts:,} accounts")
    for name in report.missing_files:
        complain(f"booked, and standing nowhere any more: {name}")
    if report.is_equal:
        click.echo("The books are right: every record, sum and rollup agrees with the journal.")
        return
    table = Table("What", "Where", "Journal", "Books", box=None, pad_edge=False)
    for each in report.differences:
        table.add_row(each.what, each.where, each.journal, each.books)
    console().print(table)
    complain(f"The books differ from the journal in {report.difference_count:,} places; `rebuild` makes them anew.")


def _tell_sums(sums: Mapping[str, RecordSums]) -> None:
    for currency, each in sorted(sums.items()):
        costs = ", ".join(
            f"{word} {pico_to_text(cost)}"
            for word, cost in (("input", each.input_cost), ("output", each.output_cost), ("total", each.total_cost))
        )
        click.echo(f"{currency}: {each.records:,} records, {costs}")
