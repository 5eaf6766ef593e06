"""How commands speak: text and tables for people, JSON for scripts."""

import click
from rich.console import Console

from smart_ai_router.core.plain_json import encode_plain


def console() -> Console:
    """Standard output for people."""
    return Console(highlight=False)


def complain(message: str) -> None:
    """One message on standard error."""
    click.echo(message, err=True)


def print_json(value: object) -> None:
    """One JSON document on standard output; amounts are plain exact digits."""
    click.echo(encode_plain(value).decode())
