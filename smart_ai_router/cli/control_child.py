"""`_control`: what `serve` starts as the control plane. Not for people."""

import sys

import click

from smart_ai_router.adapters.launch import StartOptions
from smart_ai_router.adapters.processes import SupervisorLink
from smart_ai_router.app.control_plane import run_control
from smart_ai_router.cli.options import start_options
from smart_ai_router.cli.program_log import start_program_log


@click.command(name="_control", hidden=True, short_help="The control plane, started by serve.")
@start_options
@click.option("--link-fd", type=int, required=True, help="The inherited link to the supervisor.")
def control(options: StartOptions, link_fd: int) -> None:
    """The control plane, started by serve."""
    link = SupervisorLink(link_fd)
    start_program_log(options.log_level or "INFO", "control")
    sys.exit(run_control(options, link))
