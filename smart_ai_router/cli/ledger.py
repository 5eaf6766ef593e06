"""`ledger export`: every transfer and every account as lines of JSON, for auditors and other programs."""

import sys
from contextlib import closing
from pathlib import Path

import click

from smart_ai_router.adapters.launch import StartOptions
from smart_ai_router.app.engines import engine_at
from smart_ai_router.cli.options import load, place_options
from smart_ai_router.cli.terminal import complain
from smart_ai_router.core.ledger_export import ledger_lines
from smart_ai_router.core.store import StoreFailure

EXIT_FAILED = 1


@click.group(short_help="The ledger of money and quota: export. 总账")
def ledger() -> None:
    """The ledger of money and quota, which `verify` proves."""


@ledger.command(short_help="Every transfer and account as lines of JSON. 导出")
@place_options
def export(options: StartOptions) -> None:
    """Write every transfer with its entries, then every account with its sums: one JSON object a line.

    Amounts are exact decimals. All of it is of one moment; may run while the router runs.

    \b
    smart-ai-router ledger export > ledger.jsonl
    """
    settings = load(options).settings
    try:
        engine = engine_at(Path(settings.storage.data_dir), settings.storage.url)
        if not engine.exists():
            raise click.UsageError(f"there are no books at {engine.place}; a start makes them, and so does `rebuild`")
        with closing(engine.read()) as books, books.ledger() as standing:
            for line in ledger_lines(standing):
                click.echo(line)
    except StoreFailure as failure:
        complain(str(failure))
        sys.exit(EXIT_FAILED)
