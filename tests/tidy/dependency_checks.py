"""Locks, declarations and installed files of what the project depends on."""

import ast
import re
import sys
from collections.abc import Collection, Iterable, Mapping

from tests.tidy.python_source import Source

_PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)")


def canonical(name: str) -> str:
    """A distribution's name in its one spelling."""
    return re.sub(r"[-_.]+", "-", name).lower()


def declared_name(requirement: str) -> str:
    """The distribution that a requirement asks for: "uvicorn[standard]>=0.54; python_version > '3'" -> "uvicorn"."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    return canonical(match.group()) if match else ""


def pins(lock: str) -> dict[str, str]:
    """Name and version of every entry of a lock."""
    return {canonical(match[1]): match[2] for line in lock.splitlines() if (match := _PIN.match(line))}


def lock_faults(name: str, lock: str) -> list[str]:
    """Entries without a hash, lines that are no pin, and addresses."""
    found = []
    for entry in re.split(r"\n(?! )", lock.strip()):
        first = entry.splitlines()[0] if entry else ""
        if not _PIN.match(entry):
            found.append(f"{name}: {first!r} is not a pinned version")
        elif "--hash=sha256:" not in entry:
            found.append(f"{name}: {first!r} has no hash")
    if "://" in lock:
        found.append(f"{name}: holds an address")
    return found


def pins_that_differ(core: Mapping[str, str], dev: Mapping[str, str]) -> list[str]:
    """Entries of the runtime lock that the development lock lacks or has in another version."""
    return [
        f"{name}: {version} runs, {dev.get(name, 'nothing')} is tested"
        for name, version in sorted(core.items())
        if dev.get(name) != version
    ]


def undeclared_imports(
    sources: Iterable[Source], declared: Collection[str], providers: Mapping[str, list[str]]
) -> list[str]:
    """Third-party modules that the package imports and no declared distribution provides.

    `providers` names the distributions behind each top-level module, as importlib.metadata does.
    """
    found = []
    for source in sources:
        for node, module in _imports(source.tree):
            if module in sys.stdlib_module_names or module == "smart_ai_router":
                continue
            if not {canonical(name) for name in providers.get(module, [])}.intersection(declared):
                found.append(source.at(node, f"{module} is imported and not declared in pyproject.toml"))
    return found


def _imports(tree: ast.Module) -> Iterable[tuple[ast.stmt, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name.partition(".")[0]) for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node, node.module.partition(".")[0]


def start_hooks(files: Mapping[str, Collection[str]]) -> list[str]:
    """Distributions that install a `.pth` file: code that runs at every start of the interpreter."""
    return [
        f"{name} installs {path}, which runs at every interpreter start"
        for name, paths in sorted(files.items())
        for path in sorted(paths)
        if path.endswith(".pth")
    ]
