"""Keys and administrators as a store knows them, and what an action makes of one."""

from collections.abc import Mapping
from dataclasses import replace as replaced
from typing import Final

import msgspec
from msgspec.structs import replace

from smart_ai_router.core.actions import (
    AccessChange,
    AdministratorChanged,
    AdministratorCreated,
    AdministratorDisabled,
    KeyChanged,
    KeyCreated,
    KeyRevoked,
    KeyRotated,
    LoggedIn,
    LoggedOut,
    LoginsFailed,
)
from smart_ai_router.core.snapshot import KeyGrant

ADMINISTRATOR: Final = "administrator:"  # before a name: an account that logs in by name and password
KEY: Final = "key:"  # before an id: the account of a user, who logs in by that key


class KeyRow(msgspec.Struct, frozen=True):
    """An API key as the store knows it: by its SHA-256."""

    id: str
    user_id: str
    name: str
    sha256_hex: str
    shown_end: str
    models: tuple[str, ...]
    requests_per_minute_max: int | None
    concurrency_max: int | None
    created_ms: int
    expires_ms: int | None = None
    revoked_ms: int | None = None
    enabled: bool = True
    former_sha256_hex: str | None = None  # the secret before the last rotation
    former_until_ms: int | None = None

    @property
    def hashes(self) -> tuple[str, ...]:
        """Of the secrets that it has."""
        return (self.sha256_hex,) if self.former_sha256_hex is None else (self.sha256_hex, self.former_sha256_hex)

    def is_usable(self, at_ms: int) -> bool:
        """Whether it is accepted at a moment, as far as the key itself goes."""
        return self.enabled and self.revoked_ms is None and (self.expires_ms is None or at_ms < self.expires_ms)


class AdministratorRow(msgspec.Struct, frozen=True):
    """Somebody who may log in."""

    username: str
    role: str  # admin | billing_viewer
    enabled: bool
    password_hash: str
    created_ms: int
    epoch: int  # the number of the action since which sessions count


def changed_key(change: KeyChanged | KeyRotated | KeyRevoked, key: KeyRow | None, at_ms: int) -> KeyRow | None:
    """The key as it is afterwards; None when nothing changes. A revoked key stays as it is."""
    if key is None or key.revoked_ms is not None:
        return None
    match change:
        case KeyRevoked():
            return replace(key, revoked_ms=at_ms, former_sha256_hex=None, former_until_ms=None)
        case KeyRotated():
            return replace(
                key,
                sha256_hex=change.sha256_hex,
                shown_end=change.shown_end,
                former_sha256_hex=None if change.former_until_ms is None else key.sha256_hex,
                former_until_ms=change.former_until_ms,
            )
        case KeyChanged():
            return replace(
                key,
                name=change.name,
                enabled=change.enabled,
                models=change.models,
                requests_per_minute_max=change.requests_per_minute_max,
                concurrency_max=change.concurrency_max,
                expires_ms=change.expires_ms,
            )


def created_key(change: KeyCreated, at_ms: int) -> KeyRow:
    """The key that was made."""
    return KeyRow(
        id=change.key_id,
        user_id=change.user_id,
        name=change.name,
        sha256_hex=change.sha256_hex,
        shown_end=change.shown_end,
        models=change.models,
        requests_per_minute_max=change.requests_per_minute_max,
        concurrency_max=change.concurrency_max,
        created_ms=at_ms,
        expires_ms=change.expires_ms,
    )


def changed_administrator(
    change: AccessChange, row: AdministratorRow | None, number: int, at_ms: int
) -> AdministratorRow | None:
    """The administrator as he is after the action of this number; None when nothing changes."""
    match change:
        case AdministratorCreated(username, password_hash, role):
            return None if row else AdministratorRow(username, role, True, password_hash, at_ms, number)
        case AdministratorDisabled() if row is not None and row.enabled:
            return replace(row, enabled=False, epoch=number)
        case AdministratorChanged(_, role, enabled, password_hash) if row is not None:
            keeps_sessions = password_hash is None and enabled is not False
            return replace(
                row,
                role=row.role if role is None else role,
                enabled=row.enabled if enabled is None else enabled,
                password_hash=row.password_hash if password_hash is None else password_hash,
                epoch=row.epoch if keeps_sessions else number,
            )
        case _:
            return None


def access_subject(change: AccessChange) -> str:
    """The account that a change is about."""
    match change:
        case AdministratorCreated() | AdministratorChanged() | AdministratorDisabled():
            return f"{ADMINISTRATOR}{change.username}"
        case LoggedIn(account) | LoggedOut(account) | LoginsFailed(account):
            return account


def access_after(change: AccessChange, row: AdministratorRow | None) -> Mapping[str, object]:
    """What the audit record says of a change: the administrator afterwards, or what became of the login."""
    if isinstance(change, LoginsFailed):
        return {"times": change.times}
    told = dict(administrator_facts(row))
    if isinstance(change, AdministratorChanged) and change.password_hash is not None:
        told["password"] = "changed"  # noqa: S105 - the word, for the reader of the audit record
    return told


def administrator_facts(row: AdministratorRow | None) -> Mapping[str, object]:
    """An administrator as the audit record shows him; nothing for none."""
    return {} if row is None else {"username": row.username, "role": row.role, "enabled": row.enabled}


def key_grants(row: KeyRow) -> tuple[KeyGrant, ...]:
    """A key as the gateway knows it: once for its secret, and once more for the former one while that is accepted."""
    grant = KeyGrant(
        id=row.id,
        sha256_hex=row.sha256_hex,
        user_id=row.user_id,
        name=row.name,
        enabled=row.enabled,
        expires_at=None if row.expires_ms is None else row.expires_ms / 1000,
        models=row.models,
        requests_per_minute_max=row.requests_per_minute_max,
        concurrency_max=row.concurrency_max,
    )
    if row.former_sha256_hex is None or row.former_until_ms is None:
        return (grant,)
    until_ms = row.former_until_ms if row.expires_ms is None else min(row.former_until_ms, row.expires_ms)
    return (grant, replaced(grant, sha256_hex=row.former_sha256_hex, expires_at=until_ms / 1000))
