"""`keys`: API keys, made, listed, revoked."""

import click
from rich.table import Table

from smart_ai_router.adapters.launch import StartOptions
from smart_ai_router.cli.administration_door import administration, idempotency_option, origin
from smart_ai_router.cli.options import place_options
from smart_ai_router.cli.terminal import complain, console, print_json
from smart_ai_router.core.administration import Origin
from smart_ai_router.core.administration_messages import KeyFacts, NewKey, NewUser
from smart_ai_router.core.administration_verbs import AdministrationVerbs
from smart_ai_router.domain.errors import Refusal


@click.group(short_help="API keys: create, list, revoke. 密钥")
def keys() -> None:
    """API keys belong to users. A key is shown once, when it is made; the router keeps its SHA-256.

    A router that runs on the data directory takes a change at once; otherwise it is there at the next start.
    """


@keys.command()
@place_options
@click.option("--user", "user_id", required=True, metavar="ID", help="Whose key it is.")
@click.option("--name", required=True, help="What it is for: laptop, ci, website ...")
@click.option("--create-user", is_flag=True, help="Make the user if there is none with this id.")
@click.option("--model", "models", multiple=True, help="Only this model, or tag query. May be repeated. [default: all]")
@click.option("--expires", metavar="WHEN", help="Refused from then on: 2027-01-31, or 2027-01-31T18:00:00+08:00.")
@click.option("--requests-per-minute", type=int, metavar="N", help="[default: limits.requests_per_minute]")
@click.option("--concurrency", type=int, metavar="N", help="Calls at one time. [default: limits.concurrency]")
@idempotency_option
@click.option("--json", "as_json", is_flag=True, help="For scripts: the key and all about it.")
def create(
    options: StartOptions,
    *,
    user_id: str,
    name: str,
    create_user: bool,
    models: tuple[str, ...],
    expires: str | None,
    requests_per_minute: int | None,
    concurrency: int | None,
    idempotency_key: str | None,
    as_json: bool,
) -> None:
    """Create a key. Standard output is the key and nothing else, this once.

    \b
    smart-ai-router keys create --user alice --create-user --name laptop
    smart-ai-router keys create --user bob --name ci --model tag:free --expires 2027-01-31
    KEY=$(smart-ai-router keys create --user alice --name script)
    """
    asked = NewKey(name, models, expires, requests_per_minute, concurrency)
    by = origin(idempotency_key)
    with administration(options) as verbs:
        if create_user:
            _make_user(verbs, user_id, by)
        made = verbs.create_key(user_id, asked, by)
    if as_json:
        print_json(made)
    elif isinstance(made.key, str):
        click.echo(made.key)
        complain(f"{made.id} of {made.user_id}; keep it now: it is not shown again")
    else:
        complain(f"{made.id} was made before under this idempotency key; it ends in {made.key_end}")


@keys.command("list")
@place_options
@click.option("--user", "user_id", metavar="ID", help="Only this user's. [default: everybody's]")
@click.option("--json", "as_json", is_flag=True, help="For scripts: a list of keys, without the keys themselves.")
def list_command(options: StartOptions, user_id: str | None, as_json: bool) -> None:
    """List keys by their ids and last characters, revoked ones too.

    \b
    smart-ai-router keys list
    smart-ai-router keys list --user alice --json
    """
    with administration(options) as verbs:
        found = _all_keys(verbs, user_id)
    if as_json:
        print_json(found)
    elif found:
        console().print(_table(found))
    else:
        complain("there are no keys here yet; make one with `keys create`")


@keys.command()
@place_options
@idempotency_option
@click.option("--json", "as_json", is_flag=True, help="For scripts: the key's facts.")
@click.argument("key_id", metavar="KEY_ID")
def revoke(options: StartOptions, idempotency_key: str | None, as_json: bool, key_id: str) -> None:
    """Revoke a key for good. A running router refuses it everywhere within a second.

    \b
    smart-ai-router keys revoke key_0123456789abcdef01234567
    """
    with administration(options) as verbs:
        revoked = verbs.revoke_key(key_id, origin(idempotency_key))
    if as_json:
        print_json(revoked)
    else:
        click.echo(f"{revoked.id} of {revoked.user_id} is revoked since {revoked.revoked_at}")
    if revoked.effective is False:
        complain("a gateway worker did not answer within a second; it takes the change when it is back")


def _make_user(verbs: AdministrationVerbs, user_id: str, by: Origin) -> None:
    try:
        verbs.user(user_id)
    except Refusal as refusal:
        if refusal.status != 404:
            raise
        verbs.create_user(NewUser(user_id, user_id), by._replace(idempotency_key=None))


def _all_keys(verbs: AdministrationVerbs, user_id: str | None) -> list[KeyFacts]:
    page = verbs.keys(user_id, limit=1000)
    found = list(page.keys)
    while page.next_cursor is not None:
        page = verbs.keys(user_id, page.next_cursor, limit=1000)
        found += page.keys
    return found


def _table(found: list[KeyFacts]) -> Table:
    table = Table("Id", "User", "Name", "Ends in", "Status", "Models", "Expires", box=None, pad_edge=False)
    for key in found:
        models = ", ".join(key.models) or "all"
        table.add_row(key.id, key.user_id, key.name, key.key_end, key.status, models, (key.expires_at or "")[:16])
    return table
