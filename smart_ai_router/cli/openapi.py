"""`openapi`: the description of the HTTP interface, for code generators."""

from pathlib import Path
from typing import cast

import click
import msgspec

from smart_ai_router.api.control import create_control_app
from smart_ai_router.api.control_services import ControlServices


class _Unasked:
    """Stands where services would be: describing the routes asks them nothing."""

    def __getattr__(self, name: str) -> object:
        return None if name.startswith("__") else _Unasked()


@click.command(short_help="Write the OpenAPI document of the HTTP interface. 接口描述")
@click.option("--output", type=click.Path(path_type=Path), help="Write into this file. [default: standard output]")
def openapi(output: Path | None) -> None:
    """Write the OpenAPI document of the HTTP interface, the same one that a running router serves.

    \b
    smart-ai-router openapi > openapi.json
    smart-ai-router openapi --output console/openapi.json
    """
    document = create_control_app(cast(ControlServices, _Unasked())).openapi()
    text = msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text)
