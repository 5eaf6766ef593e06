"""The console's types are those of the interface as it is."""

import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from smart_ai_router.cli.openapi import openapi
from tests.tidy.python_source import ROOT

CONSOLE = ROOT / "console"
GENERATOR = CONSOLE / "node_modules" / "openapi-typescript"


@pytest.mark.skipif(shutil.which("node") is None or not GENERATOR.exists(), reason="the console has no packages")
def test_the_committed_types_are_those_of_the_openapi_document(tmp_path: Path) -> None:
    document, types = tmp_path / "openapi.json", tmp_path / "schema.d.ts"
    assert CliRunner().invoke(openapi, ["--output", str(document)]).exit_code == 0
    command = ["node", "scripts/generate-types.mjs", str(document), str(types)]
    subprocess.run(command, cwd=CONSOLE, check=True, capture_output=True)

    committed = (CONSOLE / "src" / "api" / "schema.d.ts").read_text()

    assert types.read_text() == committed, "a route changed: run `npm run types` (console/README.md)"
