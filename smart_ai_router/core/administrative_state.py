"""What the actions come to: users, keys, price versions, and the record of who did what.

`effect_of` is the one place that says what an action does. A store asks it for the rows and writes them, so memory and
every database come to the same. It never fails: an action about something that is not there (its own action was lost
from a damaged file) does nothing but leave its trace in the audit record. Applying an action twice changes nothing.
"""

from collections.abc import Iterable, Mapping
from typing import Final, Protocol

import msgspec
from msgspec.structs import replace

from smart_ai_router.core.actions import (
    Action,
    Change,
    KeyCreated,
    KeyRevoked,
    PriceRow,
    PricesAdded,
    UserChanged,
    UserCreated,
    price_version,
)
from smart_ai_router.core.snapshot import KeyGrant, StoreState, User

AUDIT_PRICES_LISTED_MAX: Final = 50  # an import may have thousands; all of them stand in the actions file
_ENCODER: Final = msgspec.json.Encoder()


class UserRow(msgspec.Struct, frozen=True):
    """A user as the store knows it."""

    id: str
    name: str
    enabled: bool
    group_ratio: str  # exact decimal
    created_ms: int


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

    def is_usable(self, at_ms: int) -> bool:
        """Whether it is accepted at a moment, as far as the key itself goes."""
        return self.revoked_ms is None and (self.expires_ms is None or at_ms < self.expires_ms)


class StoredPrice(msgspec.Struct, frozen=True):
    """A price version and who added it."""

    price: PriceRow
    actor: str
    added_ms: int


class AuditEntry(msgspec.Struct, frozen=True):
    """Who did what to whom; before and after are JSON objects without secrets, "{}" for nothing."""

    number: int
    at_ms: int
    actor: str
    kind: str
    subject: str
    before: str
    after: str
    client: str


class Effect(msgspec.Struct, frozen=True):
    """The rows that an action writes. A price that stands already is left as it is."""

    audit: AuditEntry
    user: UserRow | None = None
    key: KeyRow | None = None
    prices: tuple[StoredPrice, ...] = ()


class Rows(Protocol):
    """What an effect depends on."""

    def user(self, user_id: str) -> UserRow | None: ...

    def key(self, key_id: str) -> KeyRow | None: ...

    def has_key_of(self, sha256_hex: str) -> bool:
        """Whether some key has this hash."""


def effect_of(action: Action, rows: Rows) -> Effect:
    """What an action does to these rows."""
    change, at_ms = action.change, action.at_ms
    match change:
        case UserCreated(user_id, name, group_ratio):
            before = rows.user(user_id)
            user = None if before else UserRow(user_id, name, True, group_ratio, at_ms)
            return Effect(_audit(action, f"user:{user_id}", {}, user_facts(user)), user=user)
        case UserChanged(user_id, name, enabled, group_ratio):
            before = rows.user(user_id)
            user = None if before is None else UserRow(user_id, name, enabled, group_ratio, before.created_ms)
            return Effect(_audit(action, f"user:{user_id}", user_facts(before), user_facts(user)), user=user)
        case KeyCreated():
            key = _created_key(change, at_ms, rows)
            return Effect(_audit(action, f"key:{change.key_id}", {}, key_facts(key)), key=key)
        case KeyRevoked(key_id):
            held = rows.key(key_id)
            is_open = held is not None and held.revoked_ms is None
            revoked = replace(held, revoked_ms=at_ms) if held is not None and is_open else None
            return Effect(_audit(action, f"key:{key_id}", key_facts(held), key_facts(revoked or held)), key=revoked)
        case PricesAdded(prices):
            stored = tuple(StoredPrice(price, action.actor, at_ms) for price in prices)
            return Effect(_audit(action, subject_of(change), {}, _prices_facts(prices)), prices=stored)


def subject_of(change: Change) -> str:
    """What a change is about: user:alice, key:key_1, price:openai/gpt-4o, prices."""
    match change:
        case UserCreated() | UserChanged():
            return f"user:{change.user_id}"
        case KeyCreated() | KeyRevoked():
            return f"key:{change.key_id}"
        case PricesAdded(prices):
            scopes = {(price.channel_id or price.provider, price.model) for price in prices}
            return f"price:{'/'.join(scopes.pop())}" if len(scopes) == 1 else "prices"


def user_facts(user: UserRow | None) -> Mapping[str, object]:
    """A user as the audit record shows it; nothing for none."""
    if user is None:
        return {}
    return {"id": user.id, "name": user.name, "enabled": user.enabled, "group_ratio": user.group_ratio}


def key_facts(key: KeyRow | None) -> Mapping[str, object]:
    """A key as the audit record shows it; nothing for none."""
    if key is None:
        return {}
    facts = msgspec.structs.asdict(key)
    return {name: value for name, value in facts.items() if name not in ("sha256_hex", "created_ms")}


def _prices_facts(prices: tuple[PriceRow, ...]) -> Mapping[str, object]:
    return {"count": len(prices), "prices": [price.id for price in prices[:AUDIT_PRICES_LISTED_MAX]]}


def _created_key(change: KeyCreated, at_ms: int, rows: Rows) -> KeyRow | None:
    if rows.user(change.user_id) is None or rows.key(change.key_id) or rows.has_key_of(change.sha256_hex):
        return None
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


def _audit(action: Action, subject: str, before: Mapping[str, object], after: Mapping[str, object]) -> AuditEntry:
    return AuditEntry(
        action.number,
        action.at_ms,
        action.actor,
        action.kind,
        subject,
        _ENCODER.encode(before).decode(),
        _ENCODER.encode(after).decode(),
        action.client,
    )


class AdministrativeState:
    """The fold of actions, in memory. Implements `Rows`."""

    def __init__(
        self,
        users: Iterable[UserRow] = (),
        keys: Iterable[KeyRow] = (),
        prices: Iterable[StoredPrice] = (),
        audit: Iterable[AuditEntry] = (),
    ) -> None:
        """The state that these rows are; nothing when they are left out."""
        self.users = {user.id: user for user in users}
        self.keys = {key.id: key for key in keys}
        self.prices = {stored.price.id: stored for stored in prices}
        self.audit = {entry.number: entry for entry in audit}
        self._hashes = {key.sha256_hex for key in self.keys.values()}

    def apply(self, action: Action) -> None:
        """Take one action in; one whose number was taken in before changes nothing."""
        if action.number not in self.audit:
            self.write(effect_of(action, self))

    def write(self, effect: Effect) -> None:
        """Write the rows of an effect."""
        if effect.user is not None:
            self.users[effect.user.id] = effect.user
        if effect.key is not None:
            self.keys[effect.key.id] = effect.key
            self._hashes.add(effect.key.sha256_hex)
        for stored in effect.prices:
            self.prices.setdefault(stored.price.id, stored)
        self.audit[effect.audit.number] = effect.audit

    def user(self, user_id: str) -> UserRow | None:
        """See `Rows`."""
        return self.users.get(user_id)

    def key(self, key_id: str) -> KeyRow | None:
        """See `Rows`."""
        return self.keys.get(key_id)

    def has_key_of(self, sha256_hex: str) -> bool:
        """See `Rows`."""
        return sha256_hex in self._hashes


def snapshot_user(row: UserRow) -> User:
    """A user as the gateway knows it."""
    return User(row.id, row.name, row.enabled, row.group_ratio)


def snapshot_key(row: KeyRow) -> KeyGrant:
    """A key as the gateway knows it."""
    return KeyGrant(
        id=row.id,
        sha256_hex=row.sha256_hex,
        user_id=row.user_id,
        name=row.name,
        expires_at=None if row.expires_ms is None else row.expires_ms / 1000,
        models=row.models,
        requests_per_minute_max=row.requests_per_minute_max,
        concurrency_max=row.concurrency_max,
    )


def store_state(users: Iterable[UserRow], keys: Iterable[KeyRow], prices: Iterable[StoredPrice]) -> StoreState:
    """What the gateway decides by: every user, the keys that are not revoked, every price version."""
    rows = tuple(keys)
    return StoreState(
        users=tuple(snapshot_user(user) for user in users),
        keys=tuple(snapshot_key(key) for key in rows if key.revoked_ms is None),
        prices=tuple(price_version(stored.price) for stored in prices),
        keys_known=bool(rows),
    )
