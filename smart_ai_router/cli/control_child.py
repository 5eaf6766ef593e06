"""`_control`: what `serve` starts as the control plane. Not for people."""

import sys

import click

from smart_ai_router.adapters.launch import StartOptions
from smart_ai_router.adapters.processes import SupervisorLink
from smart_ai_router.app.control_plane import run_control
from smart_ai_router.cli.options import start_options
from smart_ai_router.cli.program_log import start_program_log
from smart_ai_router.cli.terminal import complain
from smart_ai_router.core.actions import ActionUnknown
from smart_ai_router.core.administration import ActionsDiverge
from smart_ai_router.core.store import StoreCorrupt, StoreFailure, StoreTooNew, TimeZoneChanged

EXIT_FAILED = 1
EXIT_REFUSED = 2
# Starting again would not help.
FOR_A_PERSON = (ActionsDiverge, ActionUnknown, StoreCorrupt, StoreTooNew, TimeZoneChanged)


@click.command(name="_control", hidden=True, short_help="The control plane, started by serve.")
@start_options
@click.option("--link-fd", type=int, required=True, help="The inherited link to the supervisor.")
def control(options: StartOptions, link_fd: int) -> None:
    """The control plane, started by serve."""
    link = SupervisorLink(link_fd)
    start_program_log(options.log_level or "INFO", "control")
    try:
        sys.exit(run_control(options, link))
    except StoreFailure as failure:
        complain(str(failure))
        sys.exit(EXIT_REFUSED if isinstance(failure, FOR_A_PERSON) else EXIT_FAILED)
