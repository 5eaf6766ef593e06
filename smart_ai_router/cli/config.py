"""`config`: is the configuration right, and where does each value come from?"""

import os

import click
from rich.table import Table

from smart_ai_router.adapters.launch import StartOptions
from smart_ai_router.cli.options import load, start_options
from smart_ai_router.cli.terminal import complain, console, print_json
from smart_ai_router.config.channels import build_channels
from smart_ai_router.config.explain import explain as explain_settings


@click.group(short_help="Check the configuration, or say where each value comes from. 配置")
def config() -> None:
    """Check the configuration, or say where each value comes from.

    Values come from the defaults, then the file, then environment variables, then the command line; the later wins.
    """


@config.command()
@start_options
@click.option("--json", "as_json", is_flag=True, help="For scripts: a list of {name, value, from, note}.")
@click.argument("names", nargs=-1, metavar="[SETTING]...")
def explain(options: StartOptions, as_json: bool, names: tuple[str, ...]) -> None:
    """Show each setting with its value and where that value was written. Secrets are masked.

    \b
    smart-ai-router config explain
    smart-ai-router config explain server.port routing
    SMART_AI_ROUTER__SERVER__PORT=8000 smart-ai-router config explain server
    """
    lines = [line for line in explain_settings(load(options)) if not names or line.name.startswith(names)]
    if not lines:
        raise click.UsageError(f"no setting begins with {', '.join(names)}; without a name all are shown")
    if as_json:
        print_json([{"name": x.name, "value": x.value, "from": str(x.origin), "note": x.note} for x in lines])
        return
    table = Table("Setting", "Value", "From", "", box=None, pad_edge=False)
    for line in lines:
        table.add_row(line.name, line.value, str(line.origin), line.note)
    console().print(table)


@config.command()
@start_options
@click.option("--json", "as_json", is_flag=True, help="For scripts: {file, channels, notices}.")
def check(options: StartOptions, as_json: bool) -> None:
    """Read the configuration as a start would, and tell everything that is wrong with it at once (exit code 2).

    \b
    smart-ai-router config check --config config/router_config.yaml
    """
    loaded = load(options)
    built = build_channels(loaded.settings, os.environ, probe=None)
    notices = [str(notice) for notice in (*loaded.notices, *built.notices)]
    file = str(loaded.path) if loaded.path else None
    if as_json:
        print_json({"file": file, "channels": [channel.id for channel in built.channels], "notices": notices})
        return
    for notice in notices:
        complain(notice)
    count = len(built.channels)
    console().print(f"{file or 'No file: defaults and environment'}: usable, {count} channel{'s'[: count != 1]}")
