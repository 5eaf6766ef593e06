"""What the actions come to: users, keys, price versions, and the record of who did what.

`effect_of` is the one place that says what an action does. A store asks it for the rows and writes them, so memory and
every database come to the same. It never fails: an action about something that is not there (its own action was lost
from a damaged file) does nothing but leave its trace in the audit record. Applying an action twice changes nothing.
"""

from collections.abc import Iterable, Mapping
from typing import Final, Protocol

import msgspec

from smart_ai_router.core.access_rows import (
    AdministratorRow,
    KeyRow,
    access_after,
    access_subject,
    administrator_facts,
    changed_administrator,
    changed_key,
    created_key,
    key_grants,
)
from smart_ai_router.core.actions import (
    AccessChange,
    Action,
    AdministratorChanged,
    AdministratorCreated,
    AdministratorDisabled,
    Change,
    KeyChange,
    KeyChanged,
    KeyCreated,
    KeyRevoked,
    KeyRotated,
    PriceRow,
    PricesAdded,
    UserChanged,
    UserCreated,
    price_version,
)
from smart_ai_router.core.ledger_actions import LedgerChange, LedgerChanges
from smart_ai_router.core.ledger_rows import (
    LedgerEffect,
    MadeTransfer,
    SettingRow,
    key_of,
    kind_of,
    ledger_effect,
    ledger_facts,
    ledger_subject,
)
from smart_ai_router.core.snapshot import StoreState, User

AUDIT_PRICES_LISTED_MAX: Final = 50  # an import may have thousands; all of them stand in the actions file
SECRET_OR_FIXED: Final = ("sha256_hex", "former_sha256_hex", "created_ms")  # of a key: of no use in the audit record
_ENCODER: Final = msgspec.json.Encoder()


class UserRow(msgspec.Struct, frozen=True):
    """A user as the store knows it."""

    id: str
    name: str
    enabled: bool
    group_ratio: str  # exact decimal
    created_ms: int


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
    administrator: AdministratorRow | None = None
    ledger: LedgerEffect | None = None


class Rows(Protocol):
    """What an effect depends on."""

    def user(self, user_id: str) -> UserRow | None: ...

    def key(self, key_id: str) -> KeyRow | None: ...

    def has_key_of(self, sha256_hex: str) -> bool:
        """Whether some key has this hash, or had it before it was rotated."""

    def administrator(self, username: str) -> AdministratorRow | None: ...

    def setting(self, kind: str, key: str) -> SettingRow | None:
        """A row about money; see `ledger_rows`."""


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
        case KeyChanged(key_id) | KeyRotated(key_id) | KeyRevoked(key_id):
            held = rows.key(key_id)
            key = None if _rotates_to_another(change, rows) else changed_key(change, held, at_ms)
            return Effect(_audit(action, f"key:{key_id}", key_facts(held), key_facts(key or held)), key=key)
        case PricesAdded(prices):
            stored = tuple(StoredPrice(price, action.actor, at_ms) for price in prices)
            return Effect(_audit(action, subject_of(change), {}, _prices_facts(prices)), prices=stored)
        case LedgerChange():
            return _ledger_effect(action, change, rows)
        case _:
            return _access_effect(action, change, rows)


def _access_effect(action: Action, change: AccessChange, rows: Rows) -> Effect:
    held = None
    if isinstance(change, AdministratorCreated | AdministratorChanged | AdministratorDisabled):
        held = rows.administrator(change.username)
    row = changed_administrator(change, held, action.number, action.at_ms)
    audit = _audit(action, access_subject(change), administrator_facts(held), access_after(change, row or held))
    return Effect(audit, administrator=row)


def _ledger_effect(action: Action, change: LedgerChanges, rows: Rows) -> Effect:
    effect = ledger_effect(change, action.number, action.at_ms, action.actor, rows)
    return Effect(_audit(action, ledger_subject(change), *ledger_facts(change, effect, rows)), ledger=effect)


def subject_of(change: Change) -> str:
    """What a change is about: user:alice, key:key_1, price:openai/gpt-4o, prices."""
    match change:
        case UserCreated() | UserChanged():
            return f"user:{change.user_id}"
        case KeyCreated() | KeyChanged() | KeyRotated() | KeyRevoked():
            return f"key:{change.key_id}"
        case PricesAdded(prices):
            scopes = {(price.channel_id or price.provider, price.model) for price in prices}
            return f"price:{'/'.join(scopes.pop())}" if len(scopes) == 1 else "prices"
        case LedgerChange():
            return ledger_subject(change)
        case _:
            return access_subject(change)


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
    return {name: value for name, value in facts.items() if name not in SECRET_OR_FIXED}


def _prices_facts(prices: tuple[PriceRow, ...]) -> Mapping[str, object]:
    return {"count": len(prices), "prices": [price.id for price in prices[:AUDIT_PRICES_LISTED_MAX]]}


def _created_key(change: KeyCreated, at_ms: int, rows: Rows) -> KeyRow | None:
    if rows.user(change.user_id) is None or rows.key(change.key_id) or rows.has_key_of(change.sha256_hex):
        return None
    return created_key(change, at_ms)


def _rotates_to_another(change: KeyChange, rows: Rows) -> bool:
    """A secret that some key has already is not given to a second one."""
    return isinstance(change, KeyRotated) and rows.has_key_of(change.sha256_hex)


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
        administrators: Iterable[AdministratorRow] = (),
        *,
        settings: Iterable[SettingRow] = (),
        transfers: Iterable[MadeTransfer] = (),
    ) -> None:
        """The state that these rows are; nothing when they are left out."""
        self.users = {user.id: user for user in users}
        self.keys = {key.id: key for key in keys}
        self.prices = {stored.price.id: stored for stored in prices}
        self.audit = {entry.number: entry for entry in audit}
        self.administrators = {row.username: row for row in administrators}
        self.settings = {(kind_of(row), key_of(row)): row for row in settings}
        self.transfers = {made.transfer.key: made for made in transfers}
        self._hashes = {each for key in self.keys.values() for each in key.hashes}

    def apply(self, action: Action) -> None:
        """Take one action in; one whose number was taken in before changes nothing."""
        if action.number not in self.audit:
            self.write(effect_of(action, self))

    def write(self, effect: Effect) -> None:
        """Write the rows of an effect."""
        if effect.user is not None:
            self.users[effect.user.id] = effect.user
        if effect.key is not None:
            if effect.key.id in self.keys:
                self._hashes.difference_update(self.keys[effect.key.id].hashes)
            self.keys[effect.key.id] = effect.key
            self._hashes.update(effect.key.hashes)
        if effect.administrator is not None:
            self.administrators[effect.administrator.username] = effect.administrator
        for stored in effect.prices:
            self.prices.setdefault(stored.price.id, stored)
        if effect.ledger is not None:
            self.settings |= {(kind_of(row), key_of(row)): row for row in effect.ledger.settings}
            for made in effect.ledger.transfers:
                self.transfers.setdefault(made.transfer.key, made)
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

    def administrator(self, username: str) -> AdministratorRow | None:
        """See `Rows`."""
        return self.administrators.get(username)

    def setting(self, kind: str, key: str) -> SettingRow | None:
        """See `Rows`."""
        return self.settings.get((kind, key))


def snapshot_user(row: UserRow) -> User:
    """A user as the gateway knows it."""
    return User(row.id, row.name, row.enabled, row.group_ratio)


def store_state(users: Iterable[UserRow], keys: Iterable[KeyRow], prices: Iterable[StoredPrice]) -> StoreState:
    """What the gateway decides by: every user, the keys that are not revoked, every price version."""
    rows = tuple(keys)
    return StoreState(
        users=tuple(snapshot_user(user) for user in users),
        keys=tuple(grant for key in rows if key.revoked_ms is None for grant in key_grants(key)),
        prices=tuple(price_version(stored.price) for stored in prices),
        keys_known=bool(rows),
    )
