"""What is wrong with a configuration, said so that its writer can mend it; secrets are masked."""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final

from smart_ai_router.config.tree import Leaf, Origin, Tree

SHOWN_LENGTH_MAX: Final = 60
MASK: Final = "***"
_MASK_ENDS_FROM_LENGTH: Final = 16  # shorter secrets show nothing of themselves
_SECRET_WORD: Final = re.compile(r"key|kye|tok|secret|passw|pwd|auth|credential|sk-", re.IGNORECASE)
_REFERENCE_DEFAULT: Final = re.compile(r":-[^}]*\}")
MAKE_KEY: Final = "python -c 'import secrets; print(secrets.token_urlsafe(32))'"  # works wherever the router does
_USER_IN_ADDRESS: Final = re.compile(r"://[^/@\s]*@")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that must change before the configuration can be used."""

    where: str  # file:line:column, or the variable or option
    key: str
    message: str
    value: str = ""  # as shown, masked if secret
    suggestion: str = ""

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        named = f"{self.key} = {self.value}" if self.value else self.key
        suggestion = f" ({self.suggestion})" if self.suggestion else ""
        return f"{place}{named}: {self.message}{suggestion}" if named else f"{place}{self.message}{suggestion}"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the writer of the configuration should know; nothing is refused for it."""

    key: str
    message: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.key}: {self.message}" if self.where else f"{self.key}: {self.message}"


class ConfigurationInvalid(Exception):
    """The configuration cannot be used. All that is wrong with it is said at once."""

    exit_code: ClassVar[int] = 2

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        count = len(self.problems)
        head = "1 problem in the configuration:" if count == 1 else f"{count} problems in the configuration:"
        return "\n".join((head, *(f"  {problem}" for problem in self.problems)))


class ListeningNeedsKeys(ConfigurationInvalid):
    """The router would listen to other machines, and nobody has a key."""


class ValueRefused(Exception):
    """A value that its setting does not take."""

    def __init__(self, message: str, suggestion: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.suggestion = suggestion


def mask(secret: str) -> str:
    """A secret as it may be shown: enough to tell two apart, not enough to use one."""
    if len(secret) < _MASK_ENDS_FROM_LENGTH:
        return MASK if secret else ""
    return f"{secret[:3]}{MASK}{secret[-2:]}"


def shown(tree: Tree | None, secret: bool) -> str:
    """A value as an error or an explanation may show it.

    A value that came out of `${NAME}` is shown as it was written: the variable may be the wrong one, and a secret.
    """
    if not isinstance(tree, Leaf) or tree.text is None:
        return ""
    if tree.written is not None:
        return _REFERENCE_DEFAULT.sub(f":-{MASK}}}", tree.written)
    return mask(tree.text) if secret else shorten(tree.text)


def shorten(text: str) -> str:
    """One printable line of bounded length, without the user and password that an address may carry."""
    line = repr(_USER_IN_ADDRESS.sub(f"://{MASK}@", text))
    return line if len(line) <= SHOWN_LENGTH_MAX else line[: SHOWN_LENGTH_MAX - 1] + "…"


def looks_secret(key: str, text: str) -> bool:
    """True when an unknown key or its value may be a secret that was put in the wrong place."""
    return bool(_SECRET_WORD.search(key) or _SECRET_WORD.search(text) or len(text) > SHOWN_LENGTH_MAX)


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that was probably meant."""
    by_lower = {candidate.lower(): candidate for candidate in candidates}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else None


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """A suggestion, or nothing when no candidate is near."""
    candidate = nearest(word, candidates)
    return f"did you mean {candidate}?" if candidate else ""


def problem_at(origin: Origin, key: str, message: str, value: str = "", suggestion: str = "") -> Problem:
    """A problem with its place."""
    return Problem(str(origin), key, message, value, suggestion)
