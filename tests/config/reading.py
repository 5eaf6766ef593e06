"""Configurations for tests, from text."""

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from smart_ai_router.config.loading import Loaded, load_document
from smart_ai_router.config.problems import ConfigurationInvalid

FILE = Path("router_config.yaml")
KEY = "sk-0123456789abcdef-secret"


def load(text: str, environ: Mapping[str, str] | None = None, overrides: Mapping[str, str] | None = None) -> Loaded:
    """The configuration of a file with this content."""
    return load_document(dedent(text).encode(), FILE, environ or {}, overrides or {})


def problems(
    text: str, environ: Mapping[str, str] | None = None, overrides: Mapping[str, str] | None = None
) -> list[str]:
    """All that is wrong with a file of this content, as told."""
    with pytest.raises(ConfigurationInvalid) as caught:
        load(text, environ, overrides)
    return [str(problem) for problem in caught.value.problems]
