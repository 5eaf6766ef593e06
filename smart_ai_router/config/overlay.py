"""Values laid over the file: environment variables SMART_AI_ROUTER__SECTION__KEY and command-line options.

A variable's words name the path, split at two underscores, in any case: SMART_AI_ROUTER__SERVER__PORT is server.port,
SMART_AI_ROUTER__PROVIDERS__OPENAI__BASE_URL is providers.openai.base_url, SMART_AI_ROUTER__CHANNELS__0__API_KEY and
SMART_AI_ROUTER__CHANNELS__CH_OPENAI_001__API_KEY are the api_key of a channel by its place or its id. Lists may be
written with commas or as [a, b], mappings as {a: b}, and so may whole sections.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from smart_ai_router.config.document import parse_value
from smart_ai_router.config.problems import ConfigurationInvalid, Problem, nearest, problem_at
from smart_ai_router.config.shape import Shape
from smart_ai_router.config.tree import Branch, Items, Leaf, Origin, Tree, with_entry, with_item

PREFIX: Final = "SMART_AI_ROUTER__"
ADMIN_TOKEN_VARIABLE: Final = "SMART_AI_ROUTER_ADMIN_TOKEN"  # noqa: S105 - the name of a variable, not a token
_ADMIN_TOKEN_PATH: Final = "auth.admin.admin_token"  # noqa: S105 - the name of a setting
_NOT_A_WORD: Final = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Override:
    """One value from outside the file."""

    steps: tuple[str, ...]
    text: str = field(repr=False)
    origin: Origin


def environment_overrides(environ: Mapping[str, str]) -> list[Override]:
    """The variables that carry settings, in the order of their names; the admin token's own variable comes last."""
    overrides = [
        Override(tuple(name[len(PREFIX) :].split("__")), text, Origin("environment", name))
        for name, text in sorted(environ.items())
        if name.upper().startswith(PREFIX)
    ]
    token = environ.get(ADMIN_TOKEN_VARIABLE, "")
    if token:
        origin = Origin("environment", ADMIN_TOKEN_VARIABLE)
        overrides.append(Override(tuple(_ADMIN_TOKEN_PATH.split(".")), token, origin))
    return overrides


def option_overrides(options: Mapping[str, str]) -> list[Override]:
    """Command-line options by the dotted name of their setting: {"server.port": "8000"}."""
    return [
        Override(tuple(name.split(".")), text, Origin("command line", f"--{name.rsplit('.', 1)[-1].replace('_', '-')}"))
        for name, text in options.items()
    ]


def lay_over(tree: Branch, shape: Shape, overrides: list[Override], problems: list[Problem]) -> Branch:
    """The tree with every override applied; unknown paths are added to `problems`."""
    for override in overrides:
        try:
            changed = _set(tree, shape, override.steps, override)
        except ConfigurationInvalid as invalid:
            problems.extend(invalid.problems)
            continue
        if isinstance(changed, Branch):
            tree = changed
    return tree


def _set(tree: Tree | None, shape: Shape, steps: tuple[str, ...], override: Override) -> Tree:
    if shape.setting is not None:
        if steps:
            raise _refused(override, shape.path, f"{shape.path} is a single setting; {'.'.join(steps)} is not below it")
        return _leaf(shape, override)
    if not steps:
        if shape.path and override.text.lstrip()[:1] in ("[", "{"):
            return parse_value(override.text, override.origin)
        raise _refused(override, shape.path, f"{shape.path or 'the top'} is a section; name one of its settings")
    if shape.item is not None:
        return _set_item(tree, shape, shape.item, steps, override)
    branch = tree if isinstance(tree, Branch) else Branch({}, override.origin)
    if shape.entry is not None:
        key = _free_key(branch, steps[0])
        inner = shape.entry
    else:
        key = _known_key(shape, steps[0], override)
        inner = shape.children[key]
    return with_entry(branch, key, _set(branch.entries.get(key), inner, steps[1:], override))


def _set_item(tree: Tree | None, shape: Shape, item: Shape, steps: tuple[str, ...], override: Override) -> Tree:
    items = tree if isinstance(tree, Items) else Items((), override.origin)
    index = _index(items, steps[0])
    if index is None:
        message = f"{shape.path} has no item {steps[0]}; give its place (0 is the first) or its id"
        raise _refused(override, shape.path, message)
    current = items.items[index] if index < len(items.items) else None
    return with_item(items, index, _set(current, item, steps[1:], override))


def _index(items: Items, step: str) -> int | None:
    if step.isdecimal() and len(step) < 6:
        return int(step) if int(step) <= len(items.items) else None
    for index, item in enumerate(items.items):
        entries = item.entries if isinstance(item, Branch) else {}
        names = (entries.get(key) for key in ("id", "name"))
        if any(isinstance(name, Leaf) and _word(name.text or "") == _word(step) for name in names):
            return index
    return None


def _free_key(branch: Branch, step: str) -> str:
    """The existing key that the step means, else a new one: variables have no small letters, dots and dashes."""
    if step in branch.entries:
        return step
    return next((key for key in branch.entries if _word(key) == _word(step)), step.lower() if step.isupper() else step)


def _known_key(shape: Shape, step: str, override: Override) -> str:
    key = step.lower()
    if key in shape.children:
        return key
    path = f"{shape.path}.{key}" if shape.path else key
    near = nearest(key, shape.children)
    meant = f"{shape.path}.{near}" if near and shape.path else near
    raise _refused(override, path, "is not a setting", f"did you mean {meant}?" if meant else "")


def _leaf(shape: Shape, override: Override) -> Tree:
    is_composite = shape.setting is not None and shape.setting.kind.composite
    if is_composite and override.text.lstrip()[:1] in ("[", "{"):
        return parse_value(override.text, override.origin)
    return Leaf(override.text, override.origin)


def _word(text: str) -> str:
    return _NOT_A_WORD.sub("_", text).upper()


def _refused(override: Override, key: str, message: str, suggestion: str = "") -> ConfigurationInvalid:
    return ConfigurationInvalid([problem_at(override.origin, key, message, "", suggestion)])
