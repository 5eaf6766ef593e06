"""`serve`: bind, lock, start the children, and stay until told to stop."""

import asyncio
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from rich.panel import Panel
from rich.table import Table

import smart_ai_router
from smart_ai_router.adapters.action_file import FILE_NAME as ACTIONS
from smart_ai_router.adapters.journal import prepare_directory
from smart_ai_router.adapters.launch import DataDirectoryLock, StartOptions, StartRefused, bind_listener
from smart_ai_router.adapters.processes import ChildCommand, Plan, Role, Supervisor
from smart_ai_router.app.boot import GatewayBoot, control_socket, encode_boot
from smart_ai_router.app.engines import DriverMissing, engine_at
from smart_ai_router.cli.options import load, start_options
from smart_ai_router.cli.terminal import complain, console
from smart_ai_router.config.binding import check_binding
from smart_ai_router.config.settings import Settings

PACKAGE = Path(smart_ai_router.__file__).parent
OTHERS = 0o027  # what they may never do with files of the router: a group may read logs, nobody else anything
SOCKET_PATH_BYTES_MAX = 107  # sun_path of Linux without its end
KILL_MARGIN_S = 5.0  # what a worker gets beyond its own deadline to write its last lines
EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - how to reach what listens everywhere


@click.command(short_help="Start the router: gateway, console, books. 启动")
@start_options
def serve(options: StartOptions) -> None:
    """Start the router and stay until SIGTERM or Ctrl-C.

    Without a configuration it serves what it finds: keys in the environment (OPENAI_API_KEY, DEEPSEEK_API_KEY, ...),
    local servers, and a built-in demo model that answers tag:free.

    \b
    smart-ai-router serve
    smart-ai-router serve --config config/router_config.yaml --port 8000 --workers 2
    """
    loaded = load(options)
    data_dir = Path(loaded.settings.storage.data_dir)
    if not (data_dir / ACTIONS).exists():  # else there may be keys, which the control plane counts
        check_binding(loaded, stored_keys=0)
    for notice in loaded.notices:
        complain(str(notice))
    settings = loaded.settings
    require_supported(settings)
    os.umask(OTHERS)
    lock = DataDirectoryLock.acquire(data_dir)
    prepare_directory(Path(settings.journal.logs_dir))
    listener = bind_listener(settings.server.host, settings.server.port)
    plan = make_plan(options, settings, listener, lock.descriptor)
    supervisor = Supervisor(plan, lambda notes: announce(settings.server.host, plan.listener, notes), complain)
    sys.exit(asyncio.run(supervisor.run()))


def require_supported(settings: Settings) -> None:
    """Refuse early what this version cannot do; raises StartRefused."""
    try:
        engine_at(Path(settings.storage.data_dir), settings.storage.url)
    except DriverMissing as missing:
        raise StartRefused(str(missing)) from missing
    socket_path = str(control_socket(Path(settings.storage.data_dir).resolve()))
    if len(socket_path.encode()) > SOCKET_PATH_BYTES_MAX:
        raise StartRefused(
            f"the data directory's path is too long: its socket {socket_path} would have {len(socket_path.encode())} "
            f"bytes, and the system allows {SOCKET_PATH_BYTES_MAX}; choose a shorter --data-dir"
        )


def make_plan(options: StartOptions, settings: Settings, listener: socket.socket, lock: int) -> Plan:
    """The children of this start and what each inherits."""
    # -P: the folder the user stands in is not a source of modules.
    own = (sys.executable, "-P", "-m", "smart_ai_router")
    children = [ChildCommand("control plane", Role.CONTROL, (*own, "_control", *options.arguments()), (lock,))]
    for worker in range(settings.server.workers):
        boot = encode_boot(gateway_boot(settings, worker))
        told = ("--boot", boot, "--log-level", settings.log_level, "--listen-fd", str(listener.fileno()))
        command = (*own, "_gateway", *told)
        children.append(ChildCommand(f"gateway {worker}", Role.GATEWAY, command, (lock, listener.fileno())))
    others = os.environ.get("PYTHONPATH")
    path = f"{PACKAGE.parent}{os.pathsep}{others}" if others else str(PACKAGE.parent)
    deadline_s = settings.server.drain_timeout + KILL_MARGIN_S
    return Plan(tuple(children), listener, {**os.environ, "PYTHONPATH": path}, deadline_s)


def gateway_boot(settings: Settings, worker: int) -> GatewayBoot:
    """What one worker is told at its start."""
    server = settings.server
    return GatewayBoot(
        worker=worker,
        workers=server.workers,
        data_dir=str(Path(settings.storage.data_dir).resolve()),  # the control plane's address is made of it
        logs_dir=str(Path(settings.journal.logs_dir).resolve()),
        time_zone=settings.system.time_zone,
        durability=settings.journal.durability,
        head_s=server.header_timeout,
        body_s=server.body_timeout,
        keep_alive_s=server.keep_alive_timeout,
        body_bytes_max=server.max_request_size,
        connections_max=server.max_connections,
        drain_deadline_s=server.drain_timeout,
    )


def announce(host: str, listener: socket.socket, notes: Sequence[str]) -> None:
    """Tell the person who started it where everything is; `notes` come from the control plane."""
    port = listener.getsockname()[1]
    shown = EVERY_ADDRESS.get(host, f"[{host}]" if ":" in host else host)
    address = f"http://{shown}:{port}"
    table = Table.grid(padding=(0, 2))
    table.add_row("接口 API", f"{address}/v1")
    table.add_row("控制台 Console", f"{address}/console" if console_is_built() else console_hint())
    table.add_row("文档 Docs", f"{address}/docs")
    for note in notes:
        label, separator, text = note.partition(": ")
        table.add_row(*((label, text) if separator else ("", note)))
    title = f"Smart AI Router {smart_ai_router.__version__}"
    console().print(Panel(table, title=title, title_align="left", expand=False))


def console_is_built() -> bool:
    """True when the package carries the console."""
    return (PACKAGE / "console_dist" / "index.html").exists()


def console_hint() -> str:
    """Why there is no console."""
    if (PACKAGE.parent / "console" / "package.json").exists():
        return "尚未构建 not built: python -m bootstrap console"
    return "此版本不含 not part of this version"
