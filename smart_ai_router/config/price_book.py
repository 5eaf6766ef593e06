"""The shipped price book: one reviewed file per provider (and region) in `price_book_data/`, read strictly.

A file that is not understood completely is refused with its name and line: an unknown key, a figure that is no plain
number or is negative, a model priced twice, periods that overlap. Scalars are read as text, so no figure passes
through a float.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Final
from urllib.parse import urlsplit

import yaml

from smart_ai_router.domain.pricing import PriceVersion
from smart_ai_router.domain.pricing_document import DocumentError, PriceList, read_price_list

_DATA: Final = files(__package__) / "price_book_data"
_SUFFIX: Final = ".yaml"


class PriceBookError(ValueError):
    """A price list that cannot be taken as it stands, with the file and the line to look at."""

    def __init__(self, name: str, line: int, message: str) -> None:
        super().__init__(f"{name}:{line}: {message}")
        self.name = name
        self.line = line
        self.message = message


@dataclass(frozen=True, slots=True)
class PriceBook:
    """All price lists that were read."""

    lists: tuple[PriceList, ...]

    @property
    def versions(self) -> tuple[PriceVersion, ...]:
        """Every row of every list, under the providers' own ids."""
        return tuple(version for each in self.lists for version in each.versions)

    def for_provider(self, provider_id: str, base_url: str, region: str | None) -> tuple[PriceVersion, ...]:
        """The rows for a configured provider, under its id, so that its channels find them whatever it is called.

        A provider at an endpoint we know gets that endpoint's list, otherwise the list of its id or an alias of it.
        `region` chooses among the lists of one provider (DeepSeek bills in USD or, in region cn, in CNY); a region
        without a list of its own gets the list without a region. Empty when the book knows neither.
        """
        host = (urlsplit(base_url).hostname or "").lower()
        found = [each for each in self.lists if host in each.hosts]
        found = found or [each for each in self.lists if provider_id.lower() in (each.provider, *each.aliases)][:1]
        named = [each for each in self.lists if found and each.provider == found[0].provider]
        chosen = [each for each in named if each.region == region] if region is not None else []
        rows = (chosen or found)[0].versions if found else ()
        return tuple(replace(row, provider=provider_id, region=None) for row in rows)


def load_price_book(providers: Collection[str] | None = None) -> tuple[PriceVersion, ...]:
    """Every row of the shipped book, or of the named providers only. Raises PriceBookError."""
    return read_price_book(providers).versions


def read_price_book(providers: Collection[str] | None = None) -> PriceBook:
    """The shipped book, or the lists of the named providers only. Raises PriceBookError."""
    lists = [parse_price_list(text, name, is_book=True) for name, text in _texts(providers)]
    return PriceBook(tuple(lists))


def parse_price_list(text: str, name: str, *, is_book: bool = False) -> PriceList:
    """Read one price list from YAML (JSON is YAML too). Raises PriceBookError with `name` and the line."""
    try:
        document = yaml.load(text, Loader=_TextLoader)  # noqa: S506 - builds only text, lists and mappings
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise PriceBookError(name, mark.line + 1 if mark else 1, error.problem or "this is not YAML") from error
    except yaml.YAMLError as error:
        raise PriceBookError(name, 1, f"this is not YAML: {error}") from error
    try:
        return read_price_list(document, is_book=is_book)
    except DocumentError as error:
        raise PriceBookError(name, _line_of(text, error.path), f"{_place(error.path)}{error.message}") from error


class _TextLoader(yaml.CBaseLoader):
    """Reads every scalar as text and refuses a key that is given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        mapping: dict[object, object] = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=deep)
            if not isinstance(key, str) or key in mapping:
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} is given twice", key_node.start_mark)
            mapping[key] = self.construct_object(value_node, deep=deep)
        return mapping


def _texts(providers: Collection[str] | None) -> Iterator[tuple[str, str]]:
    for entry in sorted(_DATA.iterdir(), key=lambda each: each.name):
        if entry.name.endswith(_SUFFIX) and (providers is None or entry.name.split(".")[0] in providers):
            yield entry.name, entry.read_text(encoding="utf-8")


def _place(path: Sequence[str | int]) -> str:
    return "".join(f"{part} > " for part in path if isinstance(part, str)) if path else ""


def _line_of(text: str, path: Sequence[str | int]) -> int:
    """The line on which the last part of a path stands; found only when there is something to complain about."""
    node = yaml.compose(text, Loader=yaml.CBaseLoader)
    line = 1
    for part in path:
        if isinstance(node, yaml.MappingNode):
            pairs = [(key, value) for key, value in node.value if key.value == part]
            if not pairs:
                return line
            line = pairs[0][0].start_mark.line + 1
            node = pairs[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line
