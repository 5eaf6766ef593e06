"""The command line: one module per command, loaded when it is called.

Exit codes: 0 done, 1 found differences or failed, 2 wrong usage or configuration.
"""

import sys

import click

from smart_ai_router import __version__
from smart_ai_router.adapters.launch import StartRefused
from smart_ai_router.cli.command_group import CommandEntry, CommandGroup
from smart_ai_router.config.problems import ConfigurationInvalid

EXIT_USAGE = 2

COMMANDS = (
    CommandEntry("serve", "serve", "Start the router: gateway, console, books. 启动"),
    CommandEntry("report", "report", "Usage and cost of a day, its week and its month. 统计报告"),
    CommandEntry("archive", "archive", "Pack old days of the usage journal. 归档"),
    CommandEntry("verify", "books", "Prove the books: recompute everything from the journal. 核对账目"),
    CommandEntry("rebuild", "books", "Make the books anew from the journal. 重建账目"),
    CommandEntry("ledger", "ledger", "The ledger of money and quota: export. 总账"),
    CommandEntry("users", "users", "Who may have keys: create, list, show, change. 用户"),
    CommandEntry("keys", "keys", "API keys: create, list, change, rotate, revoke. 密钥"),
    CommandEntry("administrators", "administrators", "Who may log in: create, list, disable, password. 管理员"),
    CommandEntry("prices", "prices", "What models cost: list, show, set, import, compare. 价格"),
    CommandEntry("openapi", "openapi", "Write the OpenAPI document of the HTTP interface. 接口描述"),
    CommandEntry("config", "config", "Check the configuration, or say where each value comes from. 配置"),
    CommandEntry("_control", "control_child", "The control plane, started by serve.", hidden=True),
    CommandEntry("_gateway", "gateway_child", "One gateway worker, started by serve.", hidden=True),
)


@click.group(
    cls=CommandGroup,
    entries=COMMANDS,
    default="serve",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="In a checkout, write `python main.py` for `smart-ai-router`. Without a command, `serve` is meant.",
)
@click.version_option(__version__, prog_name="smart-ai-router")
def root() -> None:
    """Smart AI Router: an AI gateway whose every call is on the books.

    \b
    smart-ai-router                      start on http://127.0.0.1:7601
    smart-ai-router COMMAND --help       what a command does, with examples
    """


def main() -> None:
    """Run the command line and end the process with its exit code."""
    try:
        root.main(prog_name="smart-ai-router")
    except (ConfigurationInvalid, StartRefused) as refusal:
        click.echo(str(refusal), err=True)
        sys.exit(EXIT_USAGE)
