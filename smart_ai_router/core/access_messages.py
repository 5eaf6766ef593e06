"""What is asked and told about keys that stand, administrators and logins; see `administration_messages.py`."""

from typing import Final

from msgspec import UNSET, UnsetType

from smart_ai_router.core.administration_messages import Asked, Told

# --- keys ---


class KeyEdit(Asked, frozen=True):
    """What to change of a key; what is left out stays, null takes a limit away."""

    name: str | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    models: tuple[str, ...] | UnsetType = UNSET
    expires_at: str | UnsetType | None = UNSET
    requests_per_minute: int | UnsetType | None = UNSET
    concurrency: int | UnsetType | None = UNSET


class KeyRotation(Asked, frozen=True):
    """A new secret for a key; the one before is accepted for a while longer, or not at all."""

    overlap_seconds: int = 0


# --- administrators ---


class NewAdministrator(Asked, frozen=True):
    """Somebody who may log in."""

    username: str
    password: str
    role: str = "admin"  # admin | billing_viewer


class AdministratorEdit(Asked, frozen=True):
    """What to change of an administrator; what is left out stays. A new password ends all sessions."""

    role: str | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    password: str | UnsetType = UNSET


class PasswordChange(Asked, frozen=True):
    """One's own password, by whoever knows the one before."""

    current_password: str
    new_password: str


class AdministratorFacts(Told, frozen=True):
    """An administrator."""

    username: str
    role: str
    enabled: bool
    created_at: str


class AdministratorList(Told, frozen=True):
    """All administrators by name."""

    administrators: tuple[AdministratorFacts, ...]


# --- logins ---


class Login(Asked, frozen=True):
    """Who logs in: an administrator by name and password or by the admin token, or a user by one of his API keys."""

    username: str | None = None
    password: str | None = None
    api_key: str | None = None
    token: str | None = None


class Me(Told, frozen=True):
    """Who is asking."""

    role: str  # user | billing_viewer | admin
    name: str
    user_id: str | None  # of a user of the gateway
    expires_at: str | None  # when the session ends at the latest; null without one
    time_zone: str  # by whose days the books are kept


class SessionToken(Told, frozen=True):
    """A session for a script: `Authorization: Bearer <token>`."""

    token: str
    username: str
    email: str | None  # none is kept
    admin_id: str | None  # an administrator's name; null for a user
    role: str
    expires_at: str


ACCESS_ANSWERS: Final = (AdministratorFacts, AdministratorList, Me, SessionToken)
ACCESS_REQUESTS: Final = (KeyEdit, KeyRotation, NewAdministrator, AdministratorEdit, PasswordChange, Login)
