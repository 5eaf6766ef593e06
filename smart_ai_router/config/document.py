"""YAML text in, a tree of positioned leaves out. Values keep their text; nothing is constructed.

Only the composer of PyYAML is used: no tag makes an object, `no` stays the word it is until a setting asks for a
truth, and a price keeps its digits. Size, depth and the number of values (aliases expanded) are bounded, so that a
few lines of nested aliases cannot fill the memory. A key that stands twice is an error, because YAML would silently
keep the last.
"""

from typing import Final

import yaml

from smart_ai_router.config.problems import ConfigurationInvalid, Problem, problem_at
from smart_ai_router.config.tree import Branch, Items, Leaf, Origin, Tree

FILE_BYTES_MAX: Final = 1024 * 1024  # a thousand channels need about 300 KiB
DEPTH_MAX: Final = 24  # the deepest setting lies at 6
VALUES_MAX: Final = 100_000  # aliases expanded

_YAML_TAG: Final = "tag:yaml.org,2002:"
_MERGE_TAG: Final = _YAML_TAG + "merge"
_NULL_TAG: Final = _YAML_TAG + "null"
_PLAIN_TAGS: Final = frozenset(
    _YAML_TAG + name for name in ("str", "int", "float", "bool", "null", "timestamp", "map", "seq", "merge", "value")
)


class _TooDeep(yaml.MarkedYAMLError):
    pass


class _BoundedLoader(yaml.SafeLoader):
    """Composes nodes no deeper than DEPTH_MAX."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._composing = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._composing += 1
        if self._composing > DEPTH_MAX:
            raise _TooDeep(problem=f"nested more than {DEPTH_MAX} deep", problem_mark=self.get_mark())
        try:
            return super().compose_node(parent, index)
        finally:
            self._composing -= 1


def parse_document(data: bytes, file: str, problems: list[Problem]) -> Branch:
    """Read one YAML document whose top is a mapping; an empty one is an empty mapping.

    What is wrong with single values is added to `problems`, with line and column. Raises ConfigurationInvalid for
    what cannot be read at all.
    """
    start = Origin("file", file)
    if len(data) > FILE_BYTES_MAX:
        message = f"the file has {len(data):,} bytes; a configuration has at most {FILE_BYTES_MAX:,}"
        raise ConfigurationInvalid([problem_at(start, "", message)])
    node = _compose(_decode(data, start), file)
    if node is None:
        return Branch({}, start)
    walk = _Walk(file)
    tree = walk.tree(node, "", 0)
    problems.extend(walk.problems)
    if isinstance(tree, Leaf) and tree.text is None:
        return Branch({}, start)
    if not isinstance(tree, Branch):
        raise ConfigurationInvalid([problem_at(tree.origin, "", "the file must hold a mapping such as `server:`")])
    return tree


def parse_value(text: str, origin: Origin) -> Tree:
    """Read a list or mapping in flow form (`[a, b]`, `{a: b}`) from an environment variable or option."""
    try:
        node = _compose(text, origin.name)
    except ConfigurationInvalid as error:
        raise ConfigurationInvalid(Problem(str(origin), "", each.message) for each in error.problems) from None
    if node is None:
        return Leaf(None, origin)
    walk = _Walk(origin.name, origin)
    tree = walk.tree(node, "", 0)
    if walk.problems:
        raise ConfigurationInvalid(walk.problems)
    return tree


def _decode(data: bytes, start: Origin) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"byte {error.start} is not UTF-8"
        raise ConfigurationInvalid([Problem(f"{start}:{line}", "", message, "", "save the file as UTF-8")]) from None


def _compose(text: str, file: str) -> yaml.Node | None:
    try:
        # The constructor already reads ahead, so it belongs inside.
        return _BoundedLoader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        # Only the words of the error: its snippet would show the line, which may hold a key.
        mark = error.problem_mark or error.context_mark
        origin = Origin("file", file, mark.line + 1, mark.column + 1) if mark else Origin("file", file)
        words = " ".join(part for part in (error.context, error.problem) if part)
        raise ConfigurationInvalid([problem_at(origin, "", f"not readable as YAML: {words}")]) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        message = f"not readable as YAML: character {_name_of(error.character)} may not stand in a configuration"
        raise ConfigurationInvalid([problem_at(Origin("file", file, line, 1), "", message)]) from None


def _name_of(character: object) -> str:
    code = character if isinstance(character, int) else ord(str(character))
    return f"U+{code:04X}"


class _Walk:
    """One walk over composed nodes; collects problems."""

    def __init__(self, file: str, fixed: Origin | None = None) -> None:
        self.problems: list[Problem] = []
        self._file = file
        self._fixed = fixed
        self._values = 0

    def tree(self, node: yaml.Node, path: str, depth: int) -> Tree:
        origin = self._origin(node)
        self._values += 1
        if self._values > VALUES_MAX:
            message = f"more than {VALUES_MAX:,} values once aliases are expanded"
            raise ConfigurationInvalid([*self.problems, problem_at(origin, path, message)])
        if depth > DEPTH_MAX:  # only an alias to its own surroundings gets here
            raise ConfigurationInvalid([*self.problems, problem_at(origin, path, "an alias contains itself")])
        if node.tag not in _PLAIN_TAGS:
            message = f"the tag {node.tag.replace(_YAML_TAG, '!!')} is not read here"
            self.problems.append(problem_at(origin, path, message, "", "write the plain value"))
        if isinstance(node, yaml.MappingNode):
            return self._branch(node, path, depth)
        if isinstance(node, yaml.SequenceNode):
            items = (self.tree(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(node.value))
            return Items(tuple(items), origin)
        return Leaf(None if node.tag == _NULL_TAG else str(node.value), origin)

    def _branch(self, node: yaml.MappingNode, path: str, depth: int) -> Branch:
        entries: dict[str, Tree] = {}
        keys: dict[str, Origin] = {}
        merged: list[Branch] = []
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE_TAG:
                merged.extend(self._merged(value_node, path, depth))
                continue
            origin = self._origin(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                self.problems.append(problem_at(origin, path, "a key must be a word"))
                continue
            key = str(key_node.value)
            inner = f"{path}.{key}" if path else key
            if key in keys:
                message = f"stands twice; the first is at line {keys[key].line}"
                self.problems.append(problem_at(origin, inner, message, "", "remove one of the two"))
                continue
            keys[key] = origin
            entries[key] = self.tree(value_node, inner, depth + 1)
        for branch in merged:
            for key, value in branch.entries.items():
                if key not in keys:
                    keys[key] = branch.keys[key]
                    entries[key] = value
        return Branch(entries, self._origin(node), keys)

    def _merged(self, node: yaml.Node, path: str, depth: int) -> list[Branch]:
        """The mappings behind `<<`, first one first."""
        parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
        trees = [self.tree(part, path, depth + 1) for part in parts]
        branches = [tree for tree in trees if isinstance(tree, Branch)]
        if len(branches) != len(trees):
            self.problems.append(problem_at(self._origin(node), path, "`<<` takes a mapping or a list of mappings"))
        return branches

    def _origin(self, node: yaml.Node) -> Origin:
        if self._fixed is not None:
            return self._fixed
        return Origin("file", self._file, node.start_mark.line + 1, node.start_mark.column + 1)
