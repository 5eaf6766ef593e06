"""`prices`: what models cost, from the shipped book, the configuration, and what was set by hand."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import click

from smart_ai_router.adapters.launch import StartOptions
from smart_ai_router.app.books import stored_prices
from smart_ai_router.cli.options import load, place_options
from smart_ai_router.cli.price_changes import import_command, set_command
from smart_ai_router.cli.price_tables import as_mapping, as_table, diff_mapping, print_diff
from smart_ai_router.cli.terminal import complain, console, print_json
from smart_ai_router.config.channels import build_channels
from smart_ai_router.config.price_book import parse_price_list, read_price_book
from smart_ai_router.core.price_admin import FORMATS, OWN_FORMAT, import_prices, list_prices, show_price
from smart_ai_router.core.price_diff import diff_prices
from smart_ai_router.core.price_import import PriceListInvalid
from smart_ai_router.core.store import StoreFailure
from smart_ai_router.domain.pricing import PriceVersion

EXIT_DIFFERENCES = 1


@click.group(short_help="What models cost: list, show, set, import, compare. 价格")
def prices() -> None:
    """What models cost. A channel's own price goes before its provider's, and that before the shipped book."""


prices.add_command(set_command)
prices.add_command(import_command)


def as_json_option(function: Callable[..., None]) -> Callable[..., None]:
    """The same --json for all of them."""
    return click.option("--json", "as_json", is_flag=True, help="For scripts: amounts in plain exact digits.")(function)


@prices.command("list")
@place_options
@click.option("--provider", help="Only this provider's.")
@click.option("--model", help="Only models whose name contains this.")
@as_json_option
def list_command(options: StartOptions, provider: str | None, model: str | None, as_json: bool) -> None:
    """List the prices in force now.

    \b
    smart-ai-router prices list --model deepseek
    smart-ai-router prices list --provider openai --json
    """
    rows = list_prices(known_prices(options), time.time(), provider, model)
    if as_json:
        print_json([as_mapping(row) for row in rows])
    elif rows:
        console().print(as_table(rows))
    else:
        complain("no price fits; without options all are listed")


@prices.command()
@place_options
@click.option("--channel", "channel_id", default="", help="As charged through this channel. [default: any]")
@click.option("--region", help="The provider's region or endpoint, where it has several price lists.")
@as_json_option
@click.argument("provider")
@click.argument("model")
def show(
    options: StartOptions, *, channel_id: str, region: str | None, as_json: bool, provider: str, model: str
) -> None:
    """Show what one model costs now, and every price it ever had. Exit code 1 when it has none.

    \b
    smart-ai-router prices show openai gpt-4o-mini
    """
    found = show_price(known_prices(options), provider, model, time.time(), channel_id=channel_id, region=region)
    if found is None:
        complain(f"{model} of {provider} has no price; `prices list --provider {provider}` shows those that have one")
        raise SystemExit(EXIT_DIFFERENCES)
    if as_json:
        current, history = ([as_mapping(row) for row in rows] for rows in (found.current, found.history))
        print_json({"basis": found.sheet.basis, "current": current, "history": history})
        return
    console().print(f"{model} of {provider}, by the {found.sheet.basis} price", as_table(found.current), sep="\n")
    console().print("History", as_table(found.history), sep="\n")


@prices.command()
@place_options
@click.option("--format", "list_format", type=click.Choice(FORMATS), default=OWN_FORMAT, help="How FILE is written.")
@click.option("--provider", "providers", multiple=True, help="Only this provider's; may be given several times.")
@as_json_option
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def diff(options: StartOptions, *, list_format: str, providers: tuple[str, ...], as_json: bool, file: Path) -> None:
    """Compare a price list with the prices in force. Exit code 1 when they differ.

    A change by a factor of 100 or more is marked: it is probably a mistaken unit.

    \b
    smart-ai-router prices diff prices.yaml
    smart-ai-router prices diff --format litellm --provider openai model_prices.json
    """
    now = time.time()
    try:
        checked = time.strftime("%Y-%m-%d", time.gmtime(now))
        imported = import_prices(file.read_text(), list_format, checked, parse_price_list, providers or None)
    except PriceListInvalid as error:
        raise click.UsageError(f"{file}: {error}") from error
    found = diff_prices(known_prices(options), imported.versions, now)
    if as_json:
        print_json(diff_mapping(found))
    else:
        print_diff(found, len(imported.skipped))
    raise SystemExit(EXIT_DIFFERENCES if found.added or found.removed or found.changed else 0)


def known_prices(options: StartOptions) -> tuple[PriceVersion, ...]:
    """What was set by hand, the configuration's own rows and the shipped book."""
    settings = load(options).settings
    built = build_channels(settings, os.environ, probe=None)
    try:
        stored = stored_prices(Path(settings.storage.data_dir), settings.storage.url)
    except StoreFailure as failure:
        complain(str(failure))
        raise SystemExit(EXIT_DIFFERENCES) from failure
    return (*stored, *built.prices, *read_price_book().versions)
