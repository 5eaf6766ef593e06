"""Administrators: who may log in by name and password, and with which role.

A password is kept as a hash that takes time to compute, made before the change is decided on, outside of the desk's
lock. It takes no part in the comparison of repeated requests, because that is a fast hash; a repetition is held
against the password itself instead.
"""

import unicodedata
from typing import Final, Protocol

from msgspec import UnsetType
from msgspec.structs import replace

from smart_ai_router.core.access_messages import (
    AdministratorEdit,
    AdministratorFacts,
    AdministratorList,
    NewAdministrator,
)
from smart_ai_router.core.access_rows import AdministratorRow
from smart_ai_router.core.actions import (
    AdministratorChanged,
    AdministratorCreated,
    AdministratorDisabled,
    Change,
)
from smart_ai_router.core.administration import (
    ActionDesk,
    AdministrationStore,
    IdempotencyConflict,
    Origin,
    Performed,
)
from smart_ai_router.core.timestamps import iso_utc_ms
from smart_ai_router.core.users_and_keys import FieldInvalid, checked_id
from smart_ai_router.domain.errors import Refusal
from smart_ai_router.domain.roles import ADMINISTRATORS_ROLES, Role

PASSWORD_CHARACTERS_MIN: Final = 12
PASSWORD_CHARACTERS_MAX: Final = 1024  # bounds what is hashed; no passphrase is longer
ADMINISTRATORS_MAX: Final = 1000


class PasswordHasher(Protocol):
    """Slow, salted hashes. Both take tens of milliseconds and some memory; safe to use from any thread."""

    def hash(self, password: str) -> str:
        """The hash, with its salt and parameters."""

    def fits(self, password: str, password_hash: str | None) -> bool:
        """Whether the hash is of this password. None takes as long as any other and fits no password."""


class AdministratorExists(Refusal):
    """There is an administrator of this name."""

    status = 409
    code = "administrator_exists"


class AdministratorUnknown(Refusal):
    """There is no such administrator."""

    status = 404
    code = "administrator_not_found"


class TooManyAdministrators(Refusal):
    """There are as many administrators as there may be."""

    status = 409
    code = "too_many_administrators"


class Administrators:
    """The verbs."""

    def __init__(self, desk: ActionDesk, store: AdministrationStore, hasher: PasswordHasher) -> None:
        self._desk = desk
        self._store = store
        self._hasher = hasher

    def create_administrator(self, asked: NewAdministrator, origin: Origin) -> AdministratorFacts:
        """Let somebody log in; raises IdInvalid, FieldInvalid, AdministratorExists."""
        username = checked_id(asked.username, "username")
        password = checked_password(asked.password, username)
        role = checked_role(asked.role)
        password_hash = self._hasher.hash(password)

        def decide(_at_ms: int) -> AdministratorCreated:
            if self._store.administrator(username) is not None:
                raise AdministratorExists(f"there is an administrator {username} already", param="username")
            if len(self._store.administrators()) >= ADMINISTRATORS_MAX:
                raise TooManyAdministrators(f"there are {ADMINISTRATORS_MAX} administrators already")
            return AdministratorCreated(username, password_hash, role)

        wordless = replace(asked, password="")
        done = self._desk.perform("create administrator", wordless, origin, decide, tell_gateways=False)
        self._require_same_password(done, password)
        return _facts(self._row(username))

    def change_administrator(self, username: str, asked: AdministratorEdit, origin: Origin) -> AdministratorFacts:
        """Change what is given; a new password or a lock ends all sessions. Raises AdministratorUnknown, FieldInvalid.

        Locking somebody out is an action of its own, and goes before everything else that is asked.
        """
        if asked == AdministratorEdit():
            raise FieldInvalid("nothing to change was given; an administrator has role, enabled and password")
        role = None if isinstance(asked.role, UnsetType) else checked_role(asked.role)
        password = None if isinstance(asked.password, UnsetType) else checked_password(asked.password, username)
        enabled = None if isinstance(asked.enabled, UnsetType) else asked.enabled
        if enabled is False and (role is not None or password is not None):
            raise FieldInvalid("an administrator is disabled by itself; change role and password in another request")
        password_hash = None if password is None else self._hasher.hash(password)

        def decide(_at_ms: int) -> Change:
            self._row(username)
            if enabled is False:
                return AdministratorDisabled(username)
            return AdministratorChanged(username, role, enabled, password_hash)

        wordless = asked if password is None else replace(asked, password="")
        done = self._desk.perform(f"change administrator {username}", wordless, origin, decide, tell_gateways=False)
        if password is not None:
            self._require_same_password(done, password)
        return _facts(self._row(username))

    def administrators(self) -> AdministratorList:
        """Everybody who may log in, or once might, by name."""
        return AdministratorList(tuple(_facts(row) for row in self._store.administrators()))

    def _row(self, username: str) -> AdministratorRow:
        row = self._store.administrator(username)
        if row is None:
            raise AdministratorUnknown(f"there is no administrator {username[:64]!r}", param="username")
        return row

    def _require_same_password(self, done: Performed, password: str) -> None:
        change = done.action.change
        assert isinstance(change, AdministratorCreated | AdministratorChanged)
        if done.is_repeated and not self._hasher.fits(password, change.password_hash):
            raise IdempotencyConflict("another request was made under this Idempotency-Key; use a new key")


def checked_password(text: str, username: str) -> str:
    """A password in the form in which it is hashed; raises FieldInvalid, which never shows it."""
    password = normal_password(text)
    if not PASSWORD_CHARACTERS_MIN <= len(password) <= PASSWORD_CHARACTERS_MAX:
        raise FieldInvalid(
            f"a password has {PASSWORD_CHARACTERS_MIN} to {PASSWORD_CHARACTERS_MAX} characters", param="password"
        )
    if password.casefold() == username.casefold() or len(set(password)) == 1:
        raise FieldInvalid("this password is too easy to guess", param="password")
    return password


def normal_password(text: str) -> str:
    """The one form of a password that different keyboards write differently (NFKC, as NIST SP 800-63B has it)."""
    return unicodedata.normalize("NFKC", text)


def checked_role(word: str) -> str:
    """The word for a role that administrators have; raises FieldInvalid."""
    if word not in [role.word for role in ADMINISTRATORS_ROLES]:
        words = " or ".join(role.word for role in ADMINISTRATORS_ROLES)
        raise FieldInvalid(f"{word[:40]!r} is no role: {words}", param="role")
    return word


def role_of(row: AdministratorRow) -> Role:
    """What an administrator may do."""
    return Role.of_word(row.role)


def _facts(row: AdministratorRow) -> AdministratorFacts:
    return AdministratorFacts(row.username, row.role, row.enabled, iso_utc_ms(row.created_ms))
