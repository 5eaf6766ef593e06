"""Options that several commands share, and the settings they lead to."""

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from smart_ai_router.adapters.launch import StartOptions
from smart_ai_router.config.loading import Loaded, configuration_path, load_settings

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")

PLACE_OPTIONS = (
    click.option(
        "--config", metavar="FILE", help="The configuration. [default: config/router_config.yaml if it exists]"
    ),
    click.option("--data-dir", metavar="DIR", help="Where the books are kept. [default: ./data]"),
    click.option("--logs-dir", metavar="DIR", help="Where the usage journal is written. [default: ./logs]"),
)
SERVER_OPTIONS = (
    click.option("--host", help="The address to listen on. [default: 127.0.0.1]"),
    click.option("--port", type=click.IntRange(0, 65535), help="The port; 0 takes any free one. [default: 7601]"),
    click.option("--workers", type=click.IntRange(1, 64), help="The number of gateway processes. [default: 1]"),
    click.option(
        "--log-level",
        type=click.Choice(LOG_LEVELS, case_sensitive=False),
        help="How much the program's log says. [default: INFO]",
    ),
)


def place_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command --config, --data-dir and --logs-dir; it receives them as StartOptions."""
    return _with_options(function, PLACE_OPTIONS)


def start_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command every option of a start; it receives them as StartOptions."""
    return _with_options(function, (*SERVER_OPTIONS, *PLACE_OPTIONS))


def _with_options(function: Callable[..., Any], options: tuple[Any, ...]) -> Callable[..., Any]:
    names = StartOptions.__dataclass_fields__

    @functools.wraps(function)
    def called(**given: Any) -> Any:
        chosen = {name: given.pop(name) for name in names if name in given}
        return function(StartOptions(**chosen), **given)

    for option in reversed(options):
        called = option(called)
    return called


def load(options: StartOptions) -> Loaded:
    """The configuration that the options, the environment and the file amount to. Raises ConfigurationInvalid."""
    path = configuration_path(options.config, os.environ, Path.cwd())
    return load_settings(path, os.environ, options.overrides())
