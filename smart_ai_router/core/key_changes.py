"""Changing a key that stands: what it may do, whether it is on, and its secret."""

from collections.abc import Callable
from typing import Final

from msgspec import UnsetType
from msgspec.structs import replace

from smart_ai_router.core.access_messages import KeyEdit, KeyRotation
from smart_ai_router.core.access_rows import KeyRow
from smart_ai_router.core.actions import KeyChanged, KeyRotated
from smart_ai_router.core.administration import ActionDesk, AdministrationStore, Origin
from smart_ai_router.core.administration_messages import KeyFacts
from smart_ai_router.core.users_and_keys import (
    KEY_END_CHARACTERS,
    USABLE_KEYS_MAX,
    FieldInvalid,
    TooManyKeys,
    UsersAndKeys,
    checked_count,
    checked_models,
    checked_name,
    mint,
    moment,
)
from smart_ai_router.domain.errors import Refusal

CHANGEABLE: Final = "name, enabled, models, expiresAt, requestsPerMinute and concurrency"
OVERLAP_S_MAX: Final = 30 * 24 * 3600  # a secret that has leaked should not live on for long


class KeyIsRevoked(Refusal):
    """The key was revoked, for good."""

    status = 409
    code = "key_revoked"


class KeyChanges:
    """The verbs."""

    def __init__(
        self,
        desk: ActionDesk,
        store: AdministrationStore,
        people: UsersAndKeys,
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._desk = desk
        self._store = store
        self._people = people
        self._random_bytes = random_bytes

    def change_key(self, key_id: str, asked: KeyEdit, origin: Origin) -> KeyFacts:
        """Change what is given of a key; raises KeyUnknown, KeyIsRevoked, FieldInvalid, TooManyKeys."""
        if asked == KeyEdit():
            raise FieldInvalid(f"nothing to change was given; a key has {CHANGEABLE}")
        edit = _checked(asked)

        def decide(at_ms: int) -> KeyChanged:
            now = self._open_key(key_id)
            after = edit(now)
            if after.expires_ms != now.expires_ms and after.expires_ms is not None and after.expires_ms <= at_ms:
                raise FieldInvalid(f"expiresAt {asked.expires_at} has passed already", param="expiresAt")
            if after.is_usable(at_ms) and not now.is_usable(at_ms):
                self._require_room(at_ms)
            return KeyChanged(
                key_id=key_id,
                name=after.name,
                enabled=after.enabled,
                models=after.models,
                requests_per_minute_max=after.requests_per_minute_max,
                concurrency_max=after.concurrency_max,
                expires_ms=after.expires_ms,
            )

        done = self._desk.perform(f"change key {key_id}", asked, origin, decide)
        return replace(self._people.facts_of(self._people.key_row(key_id)), effective=done.is_effective)

    def rotate_key(self, key_id: str, asked: KeyRotation, origin: Origin) -> KeyFacts:
        """Give a key a new secret and show it, this once; raises KeyUnknown, KeyIsRevoked, FieldInvalid.

        Everything else stays: its id, what it may do, what is on the books under it. With an overlap the secret
        before is accepted for so long; one that was before that ends at once.
        """
        if not 0 <= asked.overlap_seconds <= OVERLAP_S_MAX:
            raise FieldInvalid(
                f"overlapSeconds is a whole number from 0 to {OVERLAP_S_MAX}, 30 days", param="overlapSeconds"
            )
        minted = mint(self._random_bytes)

        def decide(at_ms: int) -> KeyRotated:
            self._open_key(key_id)
            until_ms = at_ms + asked.overlap_seconds * 1000 if asked.overlap_seconds else None
            return KeyRotated(key_id, minted.sha256_hex, minted.key[-KEY_END_CHARACTERS:], until_ms)

        done = self._desk.perform(f"rotate key {key_id}", asked, origin, decide)
        return self._people.key_told(done, None if done.is_repeated else minted.key)

    def _open_key(self, key_id: str) -> KeyRow:
        row = self._people.key_row(key_id)
        if row.revoked_ms is not None:
            raise KeyIsRevoked(f"key {key_id} was revoked; make another one", param="keyId")
        return row

    def _require_room(self, at_ms: int) -> None:
        if self._store.usable_key_count(at_ms) >= USABLE_KEYS_MAX:
            raise TooManyKeys(f"there are {USABLE_KEYS_MAX} usable keys already; revoke some")


def _checked(asked: KeyEdit) -> Callable[[KeyRow], KeyRow]:
    """What is asked, as a change of the key that stands; raises FieldInvalid."""
    name = None if isinstance(asked.name, UnsetType) else checked_name(asked.name)
    models = None if isinstance(asked.models, UnsetType) else checked_models(asked.models)
    limits: dict[str, int | None] = {}
    if not isinstance(asked.requests_per_minute, UnsetType):
        limits["requests_per_minute_max"] = checked_count(asked.requests_per_minute, "requestsPerMinute")
    if not isinstance(asked.concurrency, UnsetType):
        limits["concurrency_max"] = checked_count(asked.concurrency, "concurrency")
    if not isinstance(asked.expires_at, UnsetType):
        limits["expires_ms"] = None if asked.expires_at is None else moment(asked.expires_at)

    def edited(now: KeyRow) -> KeyRow:
        return replace(
            now,
            name=now.name if name is None else name,
            enabled=now.enabled if isinstance(asked.enabled, UnsetType) else asked.enabled,
            models=now.models if models is None else models,
            **limits,
        )

    return edited
