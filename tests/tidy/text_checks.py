"""Words that must not stand in the repository, and tests that wait or patch."""

import ast
import re

from tests.tidy.python_source import Source, dotted

# Written in pieces, so that this file does not name what it forbids.
_REGISTRIES = ("py" + r"pi\.org", "python" + r"hosted\.org", "registry" + r"\.npm", "deb" + r"\.debian\.org")
FOREIGN_WORDS = (
    (re.compile(r"(^|[^A-Za-z0-9_.])/(wo" + r"rk|fa" + r"rm)/"), "a path of one machine"),
    (re.compile(r"/tmp/ba" + "sh_jobs|/ro" + r"ot/\.|/ho" + r"me/\w+/"), "a path of one machine"),
    (re.compile("|".join(_REGISTRIES)), "the address of a registry"),
    (re.compile(r"\b(TO" + "DO|FIX" + r"ME|X" + r"XX)\b"), "an unfinished thought"),
)


def foreign_words(path: str, text: str) -> list[str]:
    """Machine paths, registry addresses and leftovers."""
    return [
        f"{path}:{number}: {meaning}: {match.group().strip()}"
        for number, line in enumerate(text.splitlines(), start=1)
        for pattern, meaning in FOREIGN_WORDS
        if (match := pattern.search(line))
    ]


def waiting_and_patching(source: Source) -> list[str]:
    """Sleeps in tests, and patches by path: both hide what a test depends on.

    A short sleep inside `while not event:` waits for the event itself; the test's own time limit bounds it.
    """
    found = []
    polled = _polling_sleeps(source.tree)
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Call):
            continue
        name = dotted(node.func)
        if name in ("time.sleep", "asyncio.sleep") and not _is_zero(node) and node not in polled:
            found.append(source.at(node, f"{name}: wait for the event itself"))
        if name in ("mock.patch", "patch", "mocker.patch", "monkeypatch.setattr") and _first_is_text(node):
            found.append(source.at(node, f"{name} by path: give the part to its constructor"))
    return found


def _polling_sleeps(tree: ast.Module) -> set[ast.AST]:
    loops = [node for node in ast.walk(tree) if isinstance(node, ast.While) and not isinstance(node.test, ast.Constant)]
    return {node for loop in loops for statement in loop.body for node in ast.walk(statement)}


def _is_zero(call: ast.Call) -> bool:
    return len(call.args) == 1 and isinstance(call.args[0], ast.Constant) and call.args[0].value == 0


def _first_is_text(call: ast.Call) -> bool:
    return bool(call.args) and isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)
