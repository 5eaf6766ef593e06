"""`openapi` writes what a running router serves."""

import json
from pathlib import Path

from click.testing import CliRunner

from smart_ai_router.cli import root


def test_the_document_names_the_eleven_statistics_routes(tmp_path: Path) -> None:
    file = tmp_path / "openapi.json"

    printed = CliRunner().invoke(root, ["openapi"])
    written = CliRunner().invoke(root, ["openapi", "--output", str(file)])

    assert printed.exit_code == written.exit_code == 0
    assert file.read_text() == printed.output
    paths = set(json.loads(printed.output)["paths"])
    names = [
        *("daily", "weekly", "monthly", "summary", "top-models", "top-channels", "cost-breakdown"),
        *("alerts", "channel-status", "clear-alerts/{channel_id}", "clear-all-alerts"),
    ]
    assert {f"/v1/stats/{name}" for name in names} <= paths
