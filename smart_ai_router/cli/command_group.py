"""A group of commands whose modules are loaded when they are called, so that `--help` answers at once."""

import difflib
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import click


@dataclass(frozen=True, slots=True)
class CommandEntry:
    """A command that is not loaded yet. Its module holds a click command under the name without the underscore."""

    name: str
    module: str  # below smart_ai_router.cli
    help: str  # one line; a test keeps it equal to the command's own
    hidden: bool = False


class CommandGroup(click.Group):
    """Lists its commands without loading them; `default` is meant when no command is named."""

    def __init__(self, *arguments: Any, entries: Sequence[CommandEntry], default: str, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._entries = {entry.name: entry for entry in entries}
        self._default = default

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = {option for parameter in self.get_params(ctx) for option in parameter.opts}
        if not args or (args[0].startswith("-") and args[0] not in own):
            args = [self._default, *args]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return [entry.name for entry in self._entries.values() if not entry.hidden]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        entry = self._entries.get(cmd_name)
        if entry is None:
            return None
        module = importlib.import_module(f"smart_ai_router.cli.{entry.module}")
        command = getattr(module, cmd_name.lstrip("_"))
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self._entries:
            self._refuse(ctx, args[0])
        return super().resolve_command(ctx, args)

    def _refuse(self, ctx: click.Context, name: str) -> NoReturn:
        close = difflib.get_close_matches(name, self.list_commands(ctx), n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(self.list_commands(ctx))}"
        ctx.fail(f"No such command {name!r}; {hint}")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(entry.name, entry.help) for entry in self._entries.values() if not entry.hidden])
