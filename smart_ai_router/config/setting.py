"""One row of the table of settings. Validation, `config explain`, the environment and the reference read these rows."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from smart_ai_router.config.kinds import Kind

SINCE: Final = "0.1.0"


class _Required:
    """Marks a setting that has no default."""

    def __repr__(self) -> str:
        return "required"


REQUIRED: Final = _Required()


class Words(NamedTuple):
    """The same sentence in both languages of the documentation."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting: its path, what it takes, what it is without being given, and what it does.

    In `name`, `[]` stands for an item of a list and `{word}` for a key of the writer's own choice, which becomes the
    field `word` of the entry. `idle` says why an accepted key of the reference project has no effect here; such a
    key never reaches `Settings`. `only` limits an idle key to the values for which having no effect is harmless.
    """

    name: str
    kind: Kind
    default: object
    zh: str
    en: str
    unit: str = ""
    restart: bool = False  # takes effect at the next start only
    idle: Words | None = None
    only: tuple[object, ...] = ()
    is_shorthand: bool = False  # a plain value in place of the mapping stands for this key
    since: str = SINCE

    @property
    def segments(self) -> tuple[str, ...]:
        """The path in steps: `channels[].models[].name` -> channels, [], models, [], name."""
        return tuple(self.name.replace("[]", ".[]").split("."))

    @property
    def repeated(self) -> bool:
        """True inside lists and mappings of the writer's own choice."""
        return any(segment[0] in "[{" for segment in self.segments)
