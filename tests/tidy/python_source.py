"""The project's files, read once, for the checks beside this module."""

import ast
import functools
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Source:
    """One Python file; `path` is relative to the repository, with forward slashes."""

    path: str
    text: str

    @functools.cached_property
    def tree(self) -> ast.Module:
        """The parsed file."""
        return ast.parse(self.text, self.path)

    @property
    def room(self) -> str:
        """The room inside the package, e.g. "domain"; "" outside the package and for its top-level modules."""
        parts = self.path.split("/")
        return parts[1] if parts[0] == "smart_ai_router" and len(parts) > 2 else ""

    def at(self, node: ast.stmt | ast.expr | ast.excepthandler, finding: str) -> str:
        """A finding with its place."""
        return f"{self.path}:{node.lineno}: {finding}"


@functools.cache
def project_files() -> tuple[str, ...]:
    """Every file that is tracked, or would be: nothing that the ignore file names, nothing that has been deleted.

    An unpacked sdist has no repository; there it is every file outside hidden folders.
    """
    if not (ROOT / ".git").exists():
        found = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
        return tuple(sorted(path.as_posix() for path in found if not any(part[0] == "." for part in path.parts[:-1])))
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return tuple(sorted(path for path in set(listed) if path and (ROOT / path).is_file()))


@functools.cache
def sources(*beginnings: str) -> tuple[Source, ...]:
    """The Python files whose path begins with one of the words; all of them without a word."""
    chosen = [path for path in project_files() if path.endswith(".py") and path.startswith(beginnings or ("",))]
    return tuple(Source(path, (ROOT / path).read_text()) for path in chosen)


@functools.cache
def texts() -> tuple[tuple[str, str], ...]:
    """Path and content of every file that is text."""
    found = []
    for path in project_files():
        content = (ROOT / path).read_bytes()
        if b"\0" not in content:
            found.append((path, content.decode(errors="replace")))
    return tuple(found)


def dotted(node: ast.expr) -> str:
    """`a.b.c` of an attribute chain; "" when it is not one."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    return ""
