"""How commands speak: text and tables for people, JSON for scripts."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import click
from rich.console import Console
from rich.progress import Progress

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


@contextmanager
def progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error while somebody watches; it is told what is done and what there is to do."""
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
