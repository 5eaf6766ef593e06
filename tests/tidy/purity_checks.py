"""Where the clock, chance and the environment may be read, and where a float may not stand."""

import ast
import re
from collections.abc import Iterator

from tests.tidy.python_source import Source, dotted

PURE_ROOMS = frozenset(("domain", "core", "providers", "api"))
IMPURE_CALLS = {
    "time.time": "the clock is an argument or a port",
    "time.time_ns": "the clock is an argument or a port",
    "time.monotonic": "the clock is an argument or a port",
    "time.monotonic_ns": "the clock is an argument or a port",
    "time.perf_counter": "the clock is an argument or a port",
    "datetime.now": "the clock is an argument or a port",
    "datetime.utcnow": "the clock is an argument or a port",
    "datetime.today": "the clock is an argument or a port",
    "date.today": "the clock is an argument or a port",
    "datetime.datetime.now": "the clock is an argument or a port",
    "datetime.date.today": "the clock is an argument or a port",
    "os.urandom": "chance is an argument or a port",
    "os.environ": "only the configuration reads the environment",
    "os.getenv": "only the configuration reads the environment",
}
IMPURE_MODULES = {
    "random": "chance is an argument or a port",
    "secrets": "chance is an argument or a port",
    "uuid": "ids are arguments",
}

# A float is right for an instant or a length of time, for nothing else in these modules.
MONEY_MODULES = re.compile(
    r"smart_ai_router/(domain/(money|pricing|settlement|ledger|quota|account|entry|hold|lease)\w*"
    r"|core/(price|pricing|ledger|quota|lease|settle)\w*)\.py"
)
TIME_WORDS = re.compile(r"(^|_)(now|at|from|to|until|before|after|instant|edges?|seconds|s|ms|timestamp|time)($|_)")
ENDLESS = ("inf", "-inf")  # an instant that never comes


def impure_reads(source: Source) -> list[str]:
    """Clock, chance and environment in rooms that must not know them."""
    if source.room not in PURE_ROOMS:
        return []
    found = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and dotted(node) in IMPURE_CALLS:
            found.append(source.at(node, f"{dotted(node)}: {IMPURE_CALLS[dotted(node)]}"))
        if isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                if name in IMPURE_CALLS:
                    found.append(source.at(node, f"{name}: {IMPURE_CALLS[name]}"))
        for module in _imported(node):
            if module in IMPURE_MODULES:
                found.append(source.at(node, f"import {module}: {IMPURE_MODULES[module]}"))  # type: ignore[arg-type]
    return found


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module


def floats_near_money(source: Source) -> list[str]:
    """Floats in modules about money, except where a name says that it is a time."""
    if not MONEY_MODULES.fullmatch(source.path):
        return []
    found = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and dotted(node.func) == "float" and not _is_endless(node):
            found.append(source.at(node, "float(): money is a whole number of pico or an exact Decimal"))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and not _has_a_fraction(node):
            found.append(source.at(node, "/ makes a float of two whole numbers; see divide_half_even"))
        if isinstance(node, ast.Constant) and isinstance(node.value, float) and node.value != 0:
            found.append(source.at(node, f"{node.value} is a float: money is exact"))
        found += _float_annotations(source, node)
    return found


def _is_endless(call: ast.Call) -> bool:
    return len(call.args) == 1 and isinstance(call.args[0], ast.Constant) and call.args[0].value in ENDLESS


def _has_a_fraction(operation: ast.BinOp) -> bool:
    return any(isinstance(node, ast.Call) and dotted(node.func) == "Fraction" for node in ast.walk(operation))


def _float_annotations(source: Source, node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.AnnAssign) and _says_float(node.annotation):
        name = dotted(node.target).rpartition(".")[2] if isinstance(node.target, ast.Name | ast.Attribute) else ""
        if not TIME_WORDS.search(name):
            yield source.at(node, f"{name} is a float and its name is no time")
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        for argument in arguments:
            if _says_float(argument.annotation) and not TIME_WORDS.search(argument.arg):
                yield source.at(node, f"{argument.arg} of {node.name} is a float and its name is no time")
        if _says_float(node.returns) and not TIME_WORDS.search(node.name):
            yield source.at(node, f"{node.name} gives a float and its name is no time")


def _says_float(annotation: ast.expr | None) -> bool:
    return annotation is not None and any(
        isinstance(node, ast.Name) and node.id == "float" for node in ast.walk(annotation)
    )
