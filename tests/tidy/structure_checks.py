"""Size, imports, globals, swallowed exceptions: what separates code that can be lived in from code that cannot."""

import ast
from collections.abc import Container

from tests.tidy.python_source import Source, dotted

FUNCTION_LINES_MAX = 60  # the 99th percentile of the code bases we hold up; no exceptions
MODULE_LINES_MAX = 400  # their 90th percentile

Function = ast.FunctionDef | ast.AsyncFunctionDef


def long_functions(source: Source, lines_max: int = FUNCTION_LINES_MAX) -> list[str]:
    """Functions that do not fit a screen, decorators not counted."""
    found = []
    for node in ast.walk(source.tree):
        if isinstance(node, Function):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > lines_max:
                found.append(source.at(node, f"{node.name} has {lines} lines (limit {lines_max})"))
    return found


def long_module(source: Source, lines_max: int = MODULE_LINES_MAX) -> list[str]:
    """The module, when it has more than one subject's worth of lines."""
    lines = len(source.text.splitlines())
    return [f"{source.path}: {lines} lines (limit {lines_max})"] if lines > lines_max else []


def global_statements(source: Source) -> list[str]:
    """Rebinding of module-level names."""
    return [
        source.at(node, f"global {', '.join(node.names)}: give it to the one who needs it")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Global)
    ]


def hidden_imports(source: Source) -> list[str]:
    """Imports below module level, written as statements or as calls."""
    found = []
    for function in ast.walk(source.tree):
        if not isinstance(function, Function | ast.Lambda):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom):
                found.append(source.at(node, "import inside a function: a cycle that was hidden"))
            if isinstance(node, ast.Call) and dotted(node.func) in ("importlib.import_module", "__import__"):
                found.append(source.at(node, f"{dotted(node.func)} inside a function: a cycle that was hidden"))
    return sorted(set(found))


def broad_excepts(source: Source, known: Container[str] = ()) -> list[str]:
    """Handlers that catch everything and do not let it rise again, outside the files that are known for a reason."""
    if source.path in known:
        return []
    return [
        source.at(node, f"except {_caught(node)}: catch what you can name")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ExceptHandler) and _is_broad(node) and not _raises_again(node)
    ]


def _is_broad(handler: ast.ExceptHandler) -> bool:
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(each is None or dotted(each) in ("Exception", "BaseException") for each in caught)


def _caught(handler: ast.ExceptHandler) -> str:
    return ast.unparse(handler.type) if handler.type else "everything"


def _raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None
