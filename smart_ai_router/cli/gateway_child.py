"""`_gateway`: what `serve` starts for each worker. Not for people; it imports no web framework."""

import socket
import sys

import click

from smart_ai_router.adapters.processes import SupervisorLink
from smart_ai_router.app.boot import decode_boot
from smart_ai_router.app.gateway_worker import run_gateway
from smart_ai_router.cli.program_log import start_program_log


@click.command(name="_gateway", hidden=True)
@click.option("--boot", required=True, help="What the worker is told once, as JSON.")
@click.option("--log-level", required=True)
@click.option("--listen-fd", type=int, required=True, help="The inherited listening socket.")
@click.option("--link-fd", type=int, required=True, help="The inherited link to the supervisor.")
def gateway(boot: str, log_level: str, listen_fd: int, link_fd: int) -> None:
    """One gateway worker, started by serve."""
    told = decode_boot(boot)
    start_program_log(log_level, f"gateway-{told.worker}")
    link = SupervisorLink(link_fd)
    sys.exit(run_gateway(told, socket.socket(fileno=listen_fd), link))
