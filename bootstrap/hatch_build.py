"""Build hook: a wheel or sdist made from a checkout carries the built console.

An sdist already carries it, so that installing one needs no Node. An editable install never builds.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ConsoleBuildHook(BuildHookInterface[Any]):
    """Have the console built before files are collected; a release without it is refused."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Called by hatchling before each target; nothing is added to `build_data`, the build lies in the package."""
        root = Path(self.root)
        made_from_sdist = (root / "PKG-INFO").exists()
        skipped = os.environ.get("SMART_AI_ROUTER_CONSOLE_BUILD") == "off"
        if version == "editable" or made_from_sdist or skipped or not (root / "console" / "package.json").exists():
            return
        subprocess.run([sys.executable, "-m", "bootstrap", "console"], cwd=root, check=True)
