"""`${NAME}` and `${NAME:-default}` in the values of a file; `$${` stands for a plain `${`.

Replaced after YAML was read, so that a variable's content can never change the file's structure. A value that is
empty after replacement counts as not given.
"""

import re
from collections.abc import Mapping
from typing import Final

from smart_ai_router.config.problems import Problem, problem_at
from smart_ai_router.config.tree import Branch, Items, Leaf, Tree

_REFERENCE: Final = re.compile(r"\$\$\{|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\})?")


def interpolate(tree: Tree, environ: Mapping[str, str], problems: list[Problem], path: str = "") -> Tree:
    """The tree with every reference replaced; problems with references are added to `problems`."""
    if isinstance(tree, Branch):
        entries = {
            key: interpolate(value, environ, problems, f"{path}.{key}" if path else key)
            for key, value in tree.entries.items()
        }
        return Branch(entries, tree.origin, tree.keys)
    if isinstance(tree, Items):
        items = (interpolate(item, environ, problems, f"{path}[{index}]") for index, item in enumerate(tree.items))
        return Items(tuple(items), tree.origin)
    if tree.text is None or "${" not in tree.text:
        return tree
    return _replace(tree, tree.text, environ, problems, path)


def _replace(leaf: Leaf, text: str, environ: Mapping[str, str], problems: list[Problem], path: str) -> Leaf:
    def value_of(match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        name = match[1]
        if name is None:
            message = "a reference is written ${NAME} or ${NAME:-default}"
            problems.append(problem_at(leaf.origin, path, message, "", "write $${ for a plain ${"))
            return ""
        value = environ.get(name, "")
        if match[2] is not None:
            return value or match[2]
        if name not in environ:
            suggestion = f"set it, or write ${{{name}:-}} if it may be missing"
            problems.append(problem_at(leaf.origin, path, f"the variable {name} is not set", "", suggestion))
        return value

    replaced = _REFERENCE.sub(value_of, text)
    return Leaf(replaced or None, leaf.origin, text)
