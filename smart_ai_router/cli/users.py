"""`users`: who may have keys, and what they are charged."""

from decimal import Decimal, InvalidOperation

import click
from msgspec import UNSET
from rich.table import Table

from smart_ai_router.adapters.launch import StartOptions
from smart_ai_router.cli.administration_door import administration, idempotency_option, origin
from smart_ai_router.cli.options import place_options
from smart_ai_router.cli.terminal import complain, console, print_json
from smart_ai_router.core.administration_messages import NewUser, UserEdit, UserFacts
from smart_ai_router.core.administration_verbs import AdministrationVerbs
from smart_ai_router.core.plain_json import plain_text

RATIO_HELP = "What the user is charged: cost x ratio, an exact decimal."


@click.group(short_help="Who may have keys: create, list, show, change. 用户")
def users() -> None:
    """Users have API keys, and every call with one of them is on the books under their id.

    A router that runs on the data directory takes a change at once; otherwise it is there at the next start.
    """


@users.command()
@place_options
@click.option("--name", help="For people. [default: the id]")
@click.option("--group-ratio", metavar="RATIO", help=f"{RATIO_HELP} [default: 1]")
@idempotency_option
@click.option("--json", "as_json", is_flag=True, help="For scripts: the user as the interface tells it.")
@click.argument("user_id", metavar="ID")
def create(
    options: StartOptions,
    *,
    name: str | None,
    group_ratio: str | None,
    idempotency_key: str | None,
    as_json: bool,
    user_id: str,
) -> None:
    """Create a user. The id is 1 to 64 of A-Z a-z 0-9 . _ -

    \b
    smart-ai-router users create alice
    smart-ai-router users create bob --name "Bob Smith" --group-ratio 0.8
    """
    asked = NewUser(name or user_id, user_id, None if group_ratio is None else _ratio(group_ratio))
    with administration(options) as verbs:
        _tell([verbs.create_user(asked, origin(idempotency_key))], as_json, alone=True)


@users.command("list")
@place_options
@click.option("--json", "as_json", is_flag=True, help="For scripts: a list of users.")
def list_command(options: StartOptions, as_json: bool) -> None:
    """List all users.

    \b
    smart-ai-router users list
    """
    with administration(options) as verbs:
        found = _all_users(verbs)
    if found or as_json:
        _tell(found, as_json)
    else:
        complain("there are no users yet; make one with `users create ID`")


@users.command()
@place_options
@click.option("--json", "as_json", is_flag=True, help="For scripts: the user as the interface tells it.")
@click.argument("user_id", metavar="ID")
def show(options: StartOptions, as_json: bool, user_id: str) -> None:
    """Show one user.

    \b
    smart-ai-router users show alice
    """
    with administration(options) as verbs:
        _tell([verbs.user(user_id)], as_json, alone=True)


@users.command()
@place_options
@click.option("--name", help="For people.")
@click.option("--group-ratio", metavar="RATIO", help=RATIO_HELP)
@click.option("--enable/--disable", "enabled", default=None, help="A disabled user's keys are refused.")
@idempotency_option
@click.option("--json", "as_json", is_flag=True, help="For scripts: the user as the interface tells it.")
@click.argument("user_id", metavar="ID")
def change(
    options: StartOptions,
    *,
    name: str | None,
    group_ratio: str | None,
    enabled: bool | None,
    idempotency_key: str | None,
    as_json: bool,
    user_id: str,
) -> None:
    """Change a user. What is not given stays as it is.

    \b
    smart-ai-router users change alice --disable
    smart-ai-router users change bob --group-ratio 1.2
    """
    asked = UserEdit(
        name=UNSET if name is None else name,
        enabled=UNSET if enabled is None else enabled,
        group_ratio=UNSET if group_ratio is None else _ratio(group_ratio),
    )
    with administration(options) as verbs:
        _tell([verbs.change_user(user_id, asked, origin(idempotency_key))], as_json, alone=True)


def _all_users(verbs: AdministrationVerbs) -> list[UserFacts]:
    page = verbs.users(limit=1000)
    found = list(page.users)
    while page.next_cursor is not None:
        page = verbs.users(page.next_cursor, limit=1000)
        found += page.users
    return found


def _ratio(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise click.BadParameter(f"{text!r} is no number such as 0.8", param_hint="--group-ratio") from error


def _tell(found: list[UserFacts], as_json: bool, *, alone: bool = False) -> None:
    if as_json:
        print_json(found[0] if alone else found)
        return
    table = Table("Id", "Name", "Enabled", "Group ratio", "Created", box=None, pad_edge=False)
    for user in found:
        enabled = "yes" if user.enabled else "no"
        table.add_row(user.id, user.name, enabled, plain_text(user.group_ratio), user.created_at[:10])
    console().print(table)
