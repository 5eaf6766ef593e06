"""`keys`: API keys, made, listed, changed, rotated, revoked."""

import click
from msgspec import UNSET, UnsetType
from rich.table import Table

from smart_ai_router.adapters.launch import StartOptions
from smart_ai_router.cli.administration_door import administration, idempotency_option, origin
from smart_ai_router.cli.options import place_options
from smart_ai_router.cli.terminal import complain, console, print_json
from smart_ai_router.core.access_messages import KeyEdit, KeyRotation
from smart_ai_router.core.administration import Origin
from smart_ai_router.core.administration_messages import KeyFacts, NewKey, NewUser
from smart_ai_router.core.administration_verbs import AdministrationVerbs
from smart_ai_router.domain.errors import Refusal


@click.group(short_help="API keys: create, list, change, rotate, revoke. 密钥")
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
    _show(made, as_json)


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


@keys.command()
@place_options
@click.option("--name", help="What it is for.")
@click.option("--enable/--disable", "enabled", default=None, help="A disabled key is refused meanwhile.")
@click.option("--model", "models", multiple=True, help="Only this model, or tag query; `all` for all. May be repeated.")
@click.option("--expires", metavar="WHEN", help="Refused from then on; `never` takes the end away.")
@click.option("--requests-per-minute", metavar="N", help="`default` for limits.requests_per_minute.")
@click.option("--concurrency", metavar="N", help="Calls at one time; `default` for limits.concurrency.")
@idempotency_option
@click.option("--json", "as_json", is_flag=True, help="For scripts: the key's facts.")
@click.argument("key_id", metavar="KEY_ID")
def change(
    options: StartOptions,
    *,
    name: str | None,
    enabled: bool | None,
    models: tuple[str, ...],
    expires: str | None,
    requests_per_minute: str | None,
    concurrency: str | None,
    idempotency_key: str | None,
    as_json: bool,
    key_id: str,
) -> None:
    """Change what a key may do. What is not given stays as it is; its secret does too.

    \b
    smart-ai-router keys change key_0123456789abcdef01234567 --disable
    smart-ai-router keys change key_0123456789abcdef01234567 --model tag:free --expires 2027-01-31
    smart-ai-router keys change key_0123456789abcdef01234567 --model all --expires never
    """
    asked = KeyEdit(
        name=UNSET if name is None else name,
        enabled=UNSET if enabled is None else enabled,
        models=UNSET if not models else () if models == ("all",) else models,
        expires_at=UNSET if expires is None else None if expires == "never" else expires,
        requests_per_minute=_limit(requests_per_minute, "--requests-per-minute"),
        concurrency=_limit(concurrency, "--concurrency"),
    )
    with administration(options) as verbs:
        changed = verbs.change_key(key_id, asked, origin(idempotency_key))
    _tell_change(changed, as_json)


@keys.command()
@place_options
@click.option(
    "--overlap",
    type=click.IntRange(min=0),
    default=0,
    metavar="SECONDS",
    help="How long the key before is accepted as well. [default: not at all]",
)
@idempotency_option
@click.option("--json", "as_json", is_flag=True, help="For scripts: the key and all about it.")
@click.argument("key_id", metavar="KEY_ID")
def rotate(options: StartOptions, *, overlap: int, idempotency_key: str | None, as_json: bool, key_id: str) -> None:
    """Give a key a new secret. Standard output is the new key and nothing else, this once.

    Its id stays, and with it what it may do and what is on the books under it.

    \b
    smart-ai-router keys rotate key_0123456789abcdef01234567
    KEY=$(smart-ai-router keys rotate key_0123456789abcdef01234567 --overlap 3600)
    """
    with administration(options) as verbs:
        made = verbs.rotate_key(key_id, KeyRotation(overlap), origin(idempotency_key))
    _show(made, as_json)


def _limit(text: str | None, option: str) -> int | UnsetType | None:
    if text is None:
        return UNSET
    if text == "default":
        return None
    try:
        return int(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is neither a whole number nor `default`", param_hint=option) from error


def _show(made: KeyFacts, as_json: bool) -> None:
    """A key that was just made, or has a new secret."""
    if as_json:
        print_json(made)
    elif isinstance(made.key, str):
        click.echo(made.key)
        complain(f"{made.id} of {made.user_id}; keep it now: it is not shown again")
    else:
        complain(f"{made.id} was made before under this idempotency key; it ends in {made.key_end}")


def _tell_change(changed: KeyFacts, as_json: bool) -> None:
    if as_json:
        print_json(changed)
    else:
        console().print(_table([changed]))
    if changed.effective is False:
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
