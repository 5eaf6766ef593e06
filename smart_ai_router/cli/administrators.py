"""`administrators`: who may log in to the console and its interface."""

import sys
from typing import Final

import click
from rich.table import Table

from smart_ai_router.adapters.launch import StartOptions
from smart_ai_router.cli.administration_door import administration, idempotency_option, origin
from smart_ai_router.cli.options import place_options
from smart_ai_router.cli.terminal import complain, console, print_json
from smart_ai_router.core.access_messages import AdministratorEdit, AdministratorFacts, NewAdministrator
from smart_ai_router.core.administrators import PASSWORD_CHARACTERS_MAX
from smart_ai_router.domain.roles import ADMINISTRATORS_ROLES

ROLES: Final = tuple(role.word for role in ADMINISTRATORS_ROLES)


@click.group(short_help="Who may log in: create, list, disable, password. 管理员")
def administrators() -> None:
    """Administrators log in by name and password, and stand in the audit record under their names.

    The admin token opens everything without a login; keep it for scripts and for the day a password is forgotten. A
    password is asked for, or read from standard input; it is never an argument, which other users of the machine see.
    """


@administrators.command()
@place_options
@click.option(
    "--role",
    type=click.Choice(ROLES),
    default=ROLES[0],
    show_default=True,
    help="What they may do; a billing_viewer reads usage, prices and billing.",
)
@idempotency_option
@click.option("--json", "as_json", is_flag=True, help="For scripts: the administrator as the interface tells it.")
@click.argument("username", metavar="NAME")
def create(options: StartOptions, *, role: str, idempotency_key: str | None, as_json: bool, username: str) -> None:
    """Let somebody log in. The name is 1 to 64 of A-Z a-z 0-9 . _ -

    \b
    smart-ai-router administrators create carol
    smart-ai-router administrators create books --role billing_viewer < password.txt
    """
    asked = NewAdministrator(username, _password(), role)
    with administration(options) as verbs:
        _tell([verbs.create_administrator(asked, origin(idempotency_key))], as_json, alone=True)


@administrators.command("list")
@place_options
@click.option("--json", "as_json", is_flag=True, help="For scripts: a list of administrators.")
def list_command(options: StartOptions, as_json: bool) -> None:
    """List everybody who may log in, or once might.

    \b
    smart-ai-router administrators list
    """
    with administration(options) as verbs:
        found = list(verbs.administrators().administrators)
    if found or as_json:
        _tell(found, as_json)
    else:
        complain("there are no administrators yet; make one with `administrators create NAME`")


@administrators.command()
@place_options
@click.option("--undo", is_flag=True, help="Let them log in again.")
@idempotency_option
@click.option("--json", "as_json", is_flag=True, help="For scripts: the administrator as the interface tells it.")
@click.argument("username", metavar="NAME")
def disable(options: StartOptions, *, undo: bool, idempotency_key: str | None, as_json: bool, username: str) -> None:
    """Lock somebody out; all their sessions end at once.

    \b
    smart-ai-router administrators disable carol
    smart-ai-router administrators disable carol --undo
    """
    asked = AdministratorEdit(enabled=undo)
    with administration(options) as verbs:
        _tell([verbs.change_administrator(username, asked, origin(idempotency_key))], as_json, alone=True)


@administrators.command()
@place_options
@idempotency_option
@click.argument("username", metavar="NAME")
def password(options: StartOptions, *, idempotency_key: str | None, username: str) -> None:
    """Give somebody a new password; all their sessions end at once.

    \b
    smart-ai-router administrators password carol
    smart-ai-router administrators password carol < password.txt
    """
    asked = AdministratorEdit(password=_password())
    with administration(options) as verbs:
        changed = verbs.change_administrator(username, asked, origin(idempotency_key))
    click.echo(f"{changed.username} has a new password; sessions that were open have ended")


def _password() -> str:
    """Asked for twice where somebody types, one line of standard input otherwise."""
    if sys.stdin.isatty():
        answer: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        return answer
    return sys.stdin.readline(PASSWORD_CHARACTERS_MAX + 3).rstrip("\r\n")


def _tell(found: list[AdministratorFacts], as_json: bool, *, alone: bool = False) -> None:
    if as_json:
        print_json(found[0] if alone else found)
        return
    table = Table("Name", "Role", "Enabled", "Created", box=None, pad_edge=False)
    for each in found:
        table.add_row(each.username, each.role, "yes" if each.enabled else "no", each.created_at[:10])
    console().print(table)
