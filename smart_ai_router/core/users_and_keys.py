"""Users and their API keys: made, changed, revoked, listed.

A key is `sk-sar-` and 32 random bytes in base64url. It is shown once, in the answer to its creation, and known by its
SHA-256 from then on. A revoked key stays revoked.
"""

import base64
import re
import unicodedata
from collections.abc import Callable
from decimal import Decimal
from hashlib import sha256
from typing import Final, NamedTuple

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from smart_ai_router.core.access_rows import KeyRow
from smart_ai_router.core.actions import KeyCreated, KeyRevoked, KeyRotated, UserChanged, UserCreated
from smart_ai_router.core.administration import ActionDesk, AdministrationStore, Origin, Performed
from smart_ai_router.core.administration_messages import (
    KeyFacts,
    KeyPage,
    KeyRevocation,
    NewKey,
    NewUser,
    UserEdit,
    UserFacts,
    UserPage,
)
from smart_ai_router.core.administrative_state import UserRow
from smart_ai_router.core.plain_json import plain_text
from smart_ai_router.core.timestamps import iso_utc_ms, utc_ms
from smart_ai_router.domain.errors import Refusal
from smart_ai_router.domain.tag_queries import parse_tag_query

KEY_PREFIX: Final = "sk-sar-"
FILE_KEY_PREFIX: Final = "config:"  # of the ids of keys that the configuration grants
KEY_BYTES: Final = 32
KEY_END_CHARACTERS: Final = 4
NAME_CHARACTERS_MAX: Final = 128
MODELS_MAX: Final = 100  # of one key; more are a tag's work
MODEL_CHARACTERS_MAX: Final = 256
GROUP_RATIO_MAX: Final = Decimal(1000)  # far beyond any surcharge; keeps a charge within one cell
GROUP_RATIO_DECIMALS_MAX: Final = 9
LIMIT_MAX: Final = 1_000_000_000
PAGE_MAX: Final = 1000
USABLE_KEYS_MAX: Final = 100_000  # every gateway worker holds them all; about 20 MB

_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_UNSEEN: Final = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))  # Unicode categories that no name needs


class IdInvalid(Refusal):
    """An id that is not of 1 to 64 letters, digits, dots, dashes and underscores."""

    code = "id_invalid"


class FieldInvalid(Refusal):
    """A value that its field does not take."""

    code = "field_invalid"


class UserExists(Refusal):
    """There is a user with this id."""

    status = 409
    code = "user_exists"


class UserUnknown(Refusal):
    """There is no such user."""

    status = 404
    code = "user_not_found"


class KeyUnknown(Refusal):
    """There is no such key."""

    status = 404
    code = "key_not_found"


class TooManyKeys(Refusal):
    """The router holds as many usable keys as it can."""

    status = 409
    code = "too_many_keys"


class Minted(NamedTuple):
    """A key that was just made; it is held nowhere else."""

    key: str
    sha256_hex: str


class UsersAndKeys:
    """The verbs."""

    def __init__(self, desk: ActionDesk, store: AdministrationStore, random_bytes: Callable[[int], bytes]) -> None:
        self._desk = desk
        self._store = store
        self._random_bytes = random_bytes

    # --- users ---

    def create_user(self, asked: NewUser, origin: Origin) -> UserFacts:
        """Make a user; raises IdInvalid, FieldInvalid, UserExists."""
        user_id = self._desk.fresh_id("user_") if asked.id is None else checked_id(asked.id, "id")
        name = checked_name(asked.name)
        ratio = "1" if asked.group_ratio is None else checked_ratio(asked.group_ratio)

        def decide(_at_ms: int) -> UserCreated:
            if self._store.user(user_id) is not None:
                raise UserExists(f"there is a user {user_id} already; choose another id", param="id")
            return UserCreated(user_id, name, ratio)

        done = self._desk.perform("create user", asked, origin, decide)
        change = done.action.change
        assert isinstance(change, UserCreated)
        row = UserRow(change.user_id, change.name, True, change.group_ratio, done.action.at_ms)
        return replace(user_facts(row), effective=done.is_effective)

    def change_user(self, user_id: str, asked: UserEdit, origin: Origin) -> UserFacts:
        """Change what is given of a user; raises UserUnknown, FieldInvalid."""
        if asked == UserEdit():
            raise FieldInvalid("nothing to change was given; a user has name, enabled and groupRatio")
        name = None if isinstance(asked.name, UnsetType) else checked_name(asked.name)
        ratio = None if isinstance(asked.group_ratio, UnsetType) else checked_ratio(asked.group_ratio)

        def decide(_at_ms: int) -> UserChanged:
            now = self._user(user_id)
            enabled = now.enabled if isinstance(asked.enabled, UnsetType) else asked.enabled
            return UserChanged(user_id, name or now.name, enabled, ratio or now.group_ratio)

        done = self._desk.perform(f"change user {user_id}", asked, origin, decide)
        change = done.action.change
        assert isinstance(change, UserChanged)
        created_ms = self._user(user_id).created_ms
        row = UserRow(change.user_id, change.name, change.enabled, change.group_ratio, created_ms)
        return replace(user_facts(row), effective=done.is_effective)

    def user(self, user_id: str) -> UserFacts:
        """One user; raises UserUnknown."""
        return user_facts(self._user(user_id))

    def users(self, cursor: str = "", limit: int = 100) -> UserPage:
        """Users by rising id."""
        rows = self._store.users(cursor, checked_limit(limit) + 1)
        more = rows[limit - 1].id if len(rows) > limit else None
        return UserPage(tuple(user_facts(row) for row in rows[:limit]), more)

    # --- keys ---

    def create_key(self, user_id: str, asked: NewKey, origin: Origin) -> KeyFacts:
        """Make a key and show it, this once; raises UserUnknown, FieldInvalid, TooManyKeys."""
        name = checked_name(asked.name)
        models = checked_models(asked.models)
        per_minute = checked_count(asked.requests_per_minute, "requestsPerMinute")
        concurrency = checked_count(asked.concurrency, "concurrency")
        expires_ms = None if asked.expires_at is None else moment(asked.expires_at)
        minted = mint(self._random_bytes)
        key_id = self._desk.fresh_id("key_")

        def decide(at_ms: int) -> KeyCreated:
            self._user(user_id)
            if expires_ms is not None and expires_ms <= at_ms:
                raise FieldInvalid(f"expiresAt {asked.expires_at} has passed already", param="expiresAt")
            if self._store.usable_key_count(at_ms) >= USABLE_KEYS_MAX:
                raise TooManyKeys(f"there are {USABLE_KEYS_MAX} usable keys already; revoke some")
            return KeyCreated(
                key_id=key_id,
                user_id=user_id,
                name=name,
                sha256_hex=minted.sha256_hex,
                shown_end=minted.key[-KEY_END_CHARACTERS:],
                models=models,
                requests_per_minute_max=per_minute,
                concurrency_max=concurrency,
                expires_ms=expires_ms,
            )

        done = self._desk.perform(f"create key of {user_id}", asked, origin, decide)
        return self.key_told(done, None if done.is_repeated else minted.key)

    def revoke_key(self, key_id: str, origin: Origin) -> KeyFacts:
        """Refuse a key from now on; one that is revoked already stays as it is. Raises KeyUnknown."""
        held = self.key_row(key_id)
        if held.revoked_ms is not None:
            return self.facts_of(held)

        def decide(_at_ms: int) -> KeyRevoked:
            self.key_row(key_id)
            return KeyRevoked(key_id)

        done = self._desk.perform(f"revoke key {key_id}", KeyRevocation(), origin, decide)
        return replace(self.facts_of(self.key_row(key_id)), effective=done.is_effective)

    def keys(self, user_id: str | None = None, cursor: str = "", limit: int = 100) -> KeyPage:
        """Keys of one user or of all, by rising id; raises UserUnknown."""
        if user_id is not None:
            self._user(user_id)
        rows = self._store.keys(user_id, cursor, checked_limit(limit) + 1)
        more = rows[limit - 1].id if len(rows) > limit else None
        return KeyPage(tuple(self.facts_of(row) for row in rows[:limit]), more)

    # --- parts ---

    def _user(self, user_id: str) -> UserRow:
        row = self._store.user(user_id)
        if row is None:
            raise UserUnknown(f"there is no user {user_id[:64]!r}; create it first", param="userId")
        return row

    def key_row(self, key_id: str) -> KeyRow:
        """The key as the store has it; raises KeyUnknown."""
        row = self._store.key(key_id)
        if row is None:
            hint = "; keys of the configuration file are revoked there" if key_id.startswith(FILE_KEY_PREFIX) else ""
            raise KeyUnknown(f"there is no key {key_id[:64]!r}{hint}", param="keyId")
        return row

    def key_told(self, done: Performed, key: str | None) -> KeyFacts:
        """The answer to a creation or rotation; `key` is the secret, this once."""
        change = done.action.change
        assert isinstance(change, KeyCreated | KeyRotated)
        return replace(self.facts_of(self.key_row(change.key_id)), key=key, effective=done.is_effective)

    def facts_of(self, key: KeyRow) -> KeyFacts:
        """A key as it is told now."""
        owner = self._store.user(key.user_id)
        return key_facts(key, owner is None or owner.enabled, self._desk.now_ms())


def user_facts(row: UserRow) -> UserFacts:
    """A user as it is told."""
    return UserFacts(row.id, row.name, row.enabled, Decimal(row.group_ratio), iso_utc_ms(row.created_ms))


def key_facts(row: KeyRow, user_enabled: bool, at_ms: int) -> KeyFacts:
    """A key as it is told at a moment."""
    status = "active" if user_enabled else "user_disabled"
    if row.revoked_ms is not None:
        status = "revoked"
    elif not row.enabled:
        status = "disabled"
    elif not row.is_usable(at_ms):
        status = "expired"
    return KeyFacts(
        id=row.id,
        user_id=row.user_id,
        name=row.name,
        key_end=row.shown_end,
        status=status,
        models=row.models,
        requests_per_minute=row.requests_per_minute_max,
        concurrency=row.concurrency_max,
        created_at=iso_utc_ms(row.created_ms),
        expires_at=None if row.expires_ms is None else iso_utc_ms(row.expires_ms),
        revoked_at=None if row.revoked_ms is None else iso_utc_ms(row.revoked_ms),
        enabled=row.enabled,
        former_key_until=None if row.former_until_ms is None else iso_utc_ms(row.former_until_ms),
        key=UNSET,
    )


def checked_id(text: str, field: str) -> str:
    """The id; raises IdInvalid."""
    if not _ID.fullmatch(text):
        raise IdInvalid(f"{text[:64]!r} is no {field}: 1 to 64 of A-Z a-z 0-9 . _ -", param=field)
    return text


def checked_name(text: str) -> str:
    """A name for people, without space around it; raises FieldInvalid."""
    name = text.strip()
    if not 0 < len(name) <= NAME_CHARACTERS_MAX:
        raise FieldInvalid(f"a name has 1 to {NAME_CHARACTERS_MAX} characters, this one {len(name)}", param="name")
    if any(unicodedata.category(each) in _UNSEEN for each in name):
        raise FieldInvalid("a name holds visible characters only", param="name")
    return name


def checked_ratio(ratio: Decimal) -> str:
    """A group ratio in plain digits; raises FieldInvalid."""
    exponent = ratio.as_tuple().exponent
    is_plain = isinstance(exponent, int) and exponent >= -GROUP_RATIO_DECIMALS_MAX
    if not is_plain or not 0 <= ratio <= GROUP_RATIO_MAX or ratio.is_signed():
        raise FieldInvalid(
            f"a group ratio is 0 to {GROUP_RATIO_MAX} with at most {GROUP_RATIO_DECIMALS_MAX} decimals",
            param="groupRatio",
        )
    return plain_text(ratio)


def checked_models(models: tuple[str, ...]) -> tuple[str, ...]:
    """Model names and tag queries, each once; raises FieldInvalid."""
    kept = tuple(dict.fromkeys(model.strip() for model in models))
    if len(kept) > MODELS_MAX:
        raise FieldInvalid(f"a key names at most {MODELS_MAX} models; use a tag query for more", param="models")
    for model in kept:
        if not 0 < len(model) <= MODEL_CHARACTERS_MAX or not model.isprintable():
            raise FieldInvalid(f"a model name has 1 to {MODEL_CHARACTERS_MAX} printable characters", param="models")
        try:
            parse_tag_query(model)
        except Refusal as error:
            raise FieldInvalid(f"models: {error.message}", param="models") from error
    return kept


def checked_count(count: int | None, field: str) -> int | None:
    """A limit of at least 1, or none; raises FieldInvalid."""
    if count is not None and not 1 <= count <= LIMIT_MAX:
        raise FieldInvalid(f"{field} is a whole number from 1 to {LIMIT_MAX}, or left out", param=field)
    return count


def checked_limit(limit: int) -> int:
    """The length of a page; raises FieldInvalid."""
    if not 1 <= limit <= PAGE_MAX:
        raise FieldInvalid(f"limit is a whole number from 1 to {PAGE_MAX}", param="limit")
    return limit


def moment(text: str, field: str = "expiresAt") -> int:
    """Milliseconds since 1970 UTC; raises FieldInvalid."""
    try:
        return utc_ms(text)
    except ValueError as error:
        raise FieldInvalid(f"{field}: {error}", param=field) from error


def mint(random_bytes: Callable[[int], bytes]) -> Minted:
    """A key that nobody has."""
    key = KEY_PREFIX + base64.urlsafe_b64encode(random_bytes(KEY_BYTES)).rstrip(b"=").decode()
    return Minted(key, sha256(key.encode()).hexdigest())
