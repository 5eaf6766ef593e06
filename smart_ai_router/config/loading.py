"""File, environment and command line in, one `Loaded` out, or all that is wrong with them at once.

Precedence: default, file, environment, command line.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec

from smart_ai_router.config.defaults import SHAPE
from smart_ai_router.config.document import FILE_BYTES_MAX, parse_document
from smart_ai_router.config.interpolation import interpolate
from smart_ai_router.config.meaning import check_meaning
from smart_ai_router.config.overlay import environment_overrides, lay_over, option_overrides
from smart_ai_router.config.problems import ConfigurationInvalid, Notice, Problem, problem_at
from smart_ai_router.config.reading import read_tree
from smart_ai_router.config.resolved import identified
from smart_ai_router.config.setting import Setting
from smart_ai_router.config.settings import Settings
from smart_ai_router.config.table import SETTINGS
from smart_ai_router.config.tree import Branch, Origin

CONFIG_VARIABLE: Final = "SMART_AI_ROUTER_CONFIG"
DEFAULT_PATH: Final = Path("config/router_config.yaml")

_NO_OPTIONS: Final[Mapping[str, str]] = MappingProxyType({})


def _names_by_last_word(settings: Iterable[Setting]) -> Mapping[str, tuple[str, ...]]:
    """Under which full names a word occurs, for suggestions: port -> server.port, ..."""
    names: dict[str, tuple[str, ...]] = {}
    for setting in settings:
        for depth in range(1, len(setting.segments) + 1):
            word = setting.segments[depth - 1]
            name = ".".join(setting.segments[:depth]).replace(".[]", "[]")
            if word[0] not in "[{" and name not in names.get(word, ()):
                names[word] = (*names.get(word, ()), name)
    return MappingProxyType(names)


_NAMES: Final = _names_by_last_word(SETTINGS)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, where each value came from, and what their writer should know."""

    settings: Settings
    path: Path | None
    origins: Mapping[str, Origin]  # by path, of every value that was given
    shown: Mapping[str, str]  # by path, masked
    rows: Mapping[str, Setting]  # by path, the row of the table
    notices: tuple[Notice, ...]
    digest: str  # SHA-256 of the file's content; "" without a file


def configuration_path(argument: str | None, environ: Mapping[str, str], directory: Path) -> Path | None:
    """The file to read: the command line's, else SMART_AI_ROUTER_CONFIG's, else config/router_config.yaml if there.

    None means that there is no file, which is fine.
    """
    chosen = argument or environ.get(CONFIG_VARIABLE)
    if chosen:
        return Path(chosen)
    return directory / DEFAULT_PATH if (directory / DEFAULT_PATH).is_file() else None


def load_settings(path: Path | None, environ: Mapping[str, str], overrides: Mapping[str, str] = _NO_OPTIONS) -> Loaded:
    """Read and check the whole configuration.

    `overrides` are command-line options by the dotted name of their setting. Raises ConfigurationInvalid with every
    problem there is, each naming file, line, key and value; secrets are masked.
    """
    data = b"" if path is None else read_file(path)
    return load_document(data, path, environ, overrides)


def load_document(
    data: bytes, path: Path | None, environ: Mapping[str, str], overrides: Mapping[str, str] = _NO_OPTIONS
) -> Loaded:
    """As `load_settings`, for content that was already read."""
    problems: list[Problem] = []
    document = parse_document(data, str(path) if path else "", problems)
    # A key that stands twice or a reference that has no value was said already; what became of it is no news.
    tree = interpolate(document, environ, problems)
    told = {problem.key for problem in problems if problem.key}
    if not isinstance(tree, Branch):  # pragma: no cover - a document is a mapping
        raise TypeError("a document is a mapping")
    tree = lay_over(tree, SHAPE, environment_overrides(environ), problems)
    tree = lay_over(tree, SHAPE, option_overrides(overrides), problems)
    values, reading = read_tree(SHAPE, tree, _NAMES)
    problems += [problem for problem in reading.problems if problem.key not in told]
    if problems:
        raise ConfigurationInvalid(problems)
    settings = identified(msgspec.convert(values, Settings))
    meaning_problems, meaning_notices = check_meaning(settings, reading.origins)
    if meaning_problems:
        raise ConfigurationInvalid(meaning_problems)
    return Loaded(
        settings,
        path,
        origins=MappingProxyType(reading.origins),
        shown=MappingProxyType(reading.shown),
        rows=MappingProxyType(reading.rows),
        notices=(*reading.notices, *meaning_notices),
        digest=sha256(data).hexdigest() if path else "",
    )


def read_file(path: Path) -> bytes:
    """The file's bytes; raises ConfigurationInvalid when it cannot be read or is no file of a sensible size."""
    origin = Origin("file", str(path))
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        message = f"cannot be read: {error.strerror or error}"
        suggestion = "copy config/router_config.example.yaml" if isinstance(error, FileNotFoundError) else ""
        raise ConfigurationInvalid([problem_at(origin, "", message, "", suggestion)]) from None
    if len(data) > FILE_BYTES_MAX:
        message = f"the file has {max(size, len(data)):,} bytes; a configuration has at most {FILE_BYTES_MAX:,}"
        raise ConfigurationInvalid([problem_at(origin, "", message)])
    return data
