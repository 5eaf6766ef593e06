"""Who asks the administration, and what that lets them see and do.

A role includes every role below it. Whoever has no role of their own may only reach what is open to everybody.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Self


class Role(IntEnum):
    """What somebody may do, from least to most."""

    NOBODY = 0  # not logged in
    USER = 1  # sees himself: his own keys, usage, quota
    BILLING_VIEWER = 2  # reads users, prices, usage, statistics; changes nothing
    ADMIN = 3  # everything

    @property
    def word(self) -> str:
        """As it is written outside."""
        return self.name.lower()

    @classmethod
    def of_word(cls, word: str) -> Self:
        """The role that is written so; raises ValueError."""
        for role in cls:
            if role.word == word:
                return role
        raise ValueError(f"{word[:40]!r} is no role")


ADMINISTRATORS_ROLES: Final = (Role.ADMIN, Role.BILLING_VIEWER)  # those that are given to administrators


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who has proven who they are."""

    role: Role
    actor: str  # as the audit record names them: admin (the token), administrator:carol, user:alice
    name: str
    user_id: str | None = None  # of a user of the gateway

    def may(self, least: Role, own: str | None = None) -> bool:
        """Whether they may do what takes at least this role; `own`, the user whom it is about, may do it as well."""
        return self.role >= least or (own is not None and self.user_id == own)
