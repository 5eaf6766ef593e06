"""Names that say nothing, folders that linters skip, modules without a test of their own."""

import ast
import re
from collections.abc import Collection, Iterable
from pathlib import PurePosixPath

from tests.tidy.python_source import Source

EMPTY_NAMES = frozenset(("utils", "util", "helpers", "helper", "common", "manager", "base", "new", "v2", "misc"))
EMPTY_CLASS_NAMES = EMPTY_NAMES - {"new", "base", "v2"}  # a NewSnapshot may exist; a module called new may not
CLOSED_ROOM = "smart_ai_router/core/utils"
CLOSED_ROOM_TESTS = "tests/core/utils"
CLOSED_ROOM_FILES = frozenset(("__init__.py", "channel_monitor.py", "usage_tracker.py"))
PACKAGES = ("smart_ai_router/", "bootstrap/", "tests/")
MIRRORED_ROOMS = ("domain", "core")


def empty_names(source: Source) -> list[str]:
    """Files, folders and classes named by a word that fits everything."""
    found = []
    for part in PurePosixPath(source.path).with_suffix("").parts:
        words = EMPTY_NAMES.intersection(part.lower().split("_"))
        if words and not source.path.startswith((f"{CLOSED_ROOM}/", f"{CLOSED_ROOM_TESTS}/")):
            found.append(f"{source.path}: {sorted(words)[0]!r} in a name says nothing")
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ClassDef):
            words = EMPTY_CLASS_NAMES.intersection(word.lower() for word in re.findall(r"[A-Z][a-z0-9]*", node.name))
            if words:
                found.append(source.at(node, f"{sorted(words)[0]!r} in {node.name} says nothing"))
    return found


def closed_room(paths: Iterable[str]) -> list[str]:
    """What stands in `core/utils` beside the guide's two files, or is missing there."""
    present = {path.removeprefix(f"{CLOSED_ROOM}/") for path in paths if path.startswith(f"{CLOSED_ROOM}/")}
    extra = [f"{CLOSED_ROOM}/{name}: the guide's two files and nothing else" for name in present - CLOSED_ROOM_FILES]
    missing = [f"{CLOSED_ROOM}/{name}: missing" for name in CLOSED_ROOM_FILES - present]
    return sorted(extra + missing)


def folders_without_init(paths: Collection[str]) -> list[str]:
    """Folders of our packages that hold Python files and no `__init__.py`: linters skip them without a word."""
    folders = {str(PurePosixPath(path).parent) for path in paths if path.endswith(".py") and path.startswith(PACKAGES)}
    present = set(paths)
    return sorted(f"{folder}/__init__.py: missing" for folder in folders if f"{folder}/__init__.py" not in present)


def untested_modules(sources: Iterable[Source], test_paths: Collection[str]) -> list[str]:
    """Modules of `domain` and `core` without a test file named after them in the same folder under `tests/`.

    `tests/domain/test_pricing_rates.py` tests `domain/pricing_rates.py`; so does `test_pricing_rates_rounding.py`.
    A module without any function, or with nothing but Protocols, has nothing to test.
    """
    tests = [PurePosixPath(path) for path in test_paths]
    found = []
    for source in sources:
        path = PurePosixPath(source.path)
        if source.room not in MIRRORED_ROOMS or path.name == "__init__.py" or not _does_something(source):
            continue
        folder = PurePosixPath("tests", *path.parent.parts[1:])
        wanted = re.compile(rf"test_{re.escape(path.stem)}(_\w+)?\.py")
        if not any(wanted.fullmatch(test.name) and folder in test.parents for test in tests):
            found.append(f"{source.path}: no {folder}/test_{path.stem}.py")
    return found


def _does_something(source: Source) -> bool:
    classes = [node for node in source.tree.body if isinstance(node, ast.ClassDef) and not _is_protocol(node)]
    bodies = [source.tree.body, *(node.body for node in classes)]
    return any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for body in bodies for node in body)


def _is_protocol(node: ast.ClassDef) -> bool:
    return any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)
