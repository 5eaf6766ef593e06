"""The way from a command to the administration: of the router at work on the data directory, or of its files."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click

from smart_ai_router.adapters.launch import DataDirectoryLock, StartOptions
from smart_ai_router.adapters.remote_administration import RemoteAdministration, router_listens
from smart_ai_router.adapters.secrets import kept_admin_token
from smart_ai_router.app.administration import AdministrationOffice, configured_prices
from smart_ai_router.app.books import open_store
from smart_ai_router.app.boot import control_socket
from smart_ai_router.cli.options import load
from smart_ai_router.cli.terminal import complain
from smart_ai_router.config.loading import Loaded
from smart_ai_router.core.administration import Origin
from smart_ai_router.core.administration_verbs import AdministrationVerbs
from smart_ai_router.core.store import StoreFailure
from smart_ai_router.domain.errors import Refusal

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
CALLERS_MISTAKES: Final = (400, 413, 422)
OTHER_ADMIN: Final = (
    "the router at work does not take this admin token; set SMART_AI_ROUTER_ADMIN_TOKEN to the one it was started with"
)


def idempotency_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same --idempotency-key for every command that changes something."""
    return click.option(
        "--idempotency-key",
        metavar="KEY",
        help="Done once under this key, however often the command is run. [default: done each time]",
    )(function)


def origin(idempotency_key: str | None) -> Origin:
    """A change from the command line."""
    return Origin("admin", "command line", idempotency_key)


@contextmanager
def administration(options: StartOptions) -> Iterator[AdministrationVerbs]:
    """The verbs; what is refused ends the command with its message (exit code 2 for wrong usage, else 1)."""
    loaded = load(options)
    data_dir = Path(loaded.settings.storage.data_dir)
    try:
        if router_listens(control_socket(data_dir)):
            yield _at_work(loaded, data_dir)
        else:
            with _at_rest(loaded, data_dir) as verbs:
                yield verbs
    except Refusal as refusal:
        complain(OTHER_ADMIN if refusal.status == 401 else refusal.message)
        sys.exit(EXIT_USAGE if refusal.status in CALLERS_MISTAKES else EXIT_FAILED)
    except StoreFailure as failure:
        complain(str(failure))
        sys.exit(EXIT_FAILED)


def _at_work(loaded: Loaded, data_dir: Path) -> RemoteAdministration:
    token = kept_admin_token(data_dir, loaded.settings.auth.admin.admin_token)
    if token is None:
        complain(f"a router runs on {data_dir}, and its admin token is not known here; set SMART_AI_ROUTER_ADMIN_TOKEN")
        sys.exit(EXIT_FAILED)
    return RemoteAdministration(control_socket(data_dir), token)


@contextmanager
def _at_rest(loaded: Loaded, data_dir: Path) -> Iterator[AdministrationVerbs]:
    """Nobody else may work on the data directory meanwhile; a router that is just starting holds it already."""
    lock = DataDirectoryLock.acquire(data_dir)
    try:
        settings = loaded.settings
        store = open_store(data_dir, settings.system.time_zone, settings.storage.url)
        try:
            office = AdministrationOffice(
                store, data_dir, given_prices=lambda: configured_prices(loaded), tell_gateways=lambda: True
            )
            office.catch_up()
            yield office.verbs
        finally:
            store.close()
    finally:
        lock.release()
