"""How commands speak: text and tables for people, JSON for scripts."""

import sys
from typing import Final

import click
from rich.console import Console

from smart_ai_router.core.plain_json import encode_plain

UNSEEN_WIDTH: Final = 200  # into a file or a pipe: wide enough that a row stays a line


def console() -> Console:
    """Standard output for people. Text is shown as it is: no brackets in it are taken for markup."""
    return Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else UNSEEN_WIDTH)


def complain(message: str) -> None:
    """One message on standard error."""
    click.echo(message, err=True)


def print_json(value: object) -> None:
    """One JSON document on standard output; amounts are plain exact digits."""
    click.echo(encode_plain(value).decode())
