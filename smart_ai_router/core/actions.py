"""What administrators did: one action, one line of `data/actions.jsonl`, in the order in which it happened.

An action is written and made durable before it has any effect. What users, keys and prices there are follows from the
actions alone (`administrative_state.py`), so the file makes them anew when a store is lost. It holds no secrets: an
API key is known by its SHA-256, an administrator's password by its Argon2id hash.

An action has a number, which counts without gaps from 1, and an id: the idempotency key of the request, or one made
for it. `request` tells one request from another under the same id. A kind of change, once written, is never changed
or removed; a field that is added has a default. A line that this version does not know stops the start: leaving it
out could let a revoked key in.
"""

from dataclasses import fields
from decimal import Decimal
from typing import Final, TypeAlias

import msgspec

from smart_ai_router.core.ledger_actions import LedgerChanges
from smart_ai_router.core.store import StoreFailure
from smart_ai_router.core.timestamps import iso_utc_ms, utc_ms
from smart_ai_router.domain.meters import Meter
from smart_ai_router.domain.pricing import STANDARD_TIER, PriceVersion


class ActionDamaged(ValueError):
    """A line that is no action, such as the piece that a crash left behind."""


class ActionUnknown(StoreFailure):
    """An action of a kind that this version does not know: a later version of the router has written it."""


class _Change(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, tag_field="kind"):
    """One kind of change; its tag is the word in the file."""


class UserCreated(_Change, frozen=True, tag="user_created"):
    """Somebody may have keys, and may be charged."""

    user_id: str
    name: str
    group_ratio: str = "1"  # exact decimal: user charge = cost x ratio


class UserChanged(_Change, frozen=True, tag="user_changed"):
    """A user is from now on as it stands here."""

    user_id: str
    name: str
    enabled: bool
    group_ratio: str


class KeyCreated(_Change, frozen=True, tag="key_created"):
    """A user has one more key. None means no limit, no end; no models means all."""

    key_id: str
    user_id: str
    name: str
    sha256_hex: str
    shown_end: str  # the last characters, by which its owner knows it
    models: tuple[str, ...] = ()
    requests_per_minute_max: int | None = None
    concurrency_max: int | None = None
    expires_ms: int | None = None


class KeyRevoked(_Change, frozen=True, tag="key_revoked"):
    """A key is refused from now on, for good."""

    key_id: str


class KeyChanged(_Change, frozen=True, tag="key_changed"):
    """A key is from now on as it stands here; its owner and its secret stay."""

    key_id: str
    name: str
    enabled: bool
    models: tuple[str, ...] = ()
    requests_per_minute_max: int | None = None
    concurrency_max: int | None = None
    expires_ms: int | None = None


class KeyRotated(_Change, frozen=True, tag="key_rotated"):
    """A key has another secret from now on; the one before is accepted until a moment, or no longer."""

    key_id: str
    sha256_hex: str
    shown_end: str
    former_until_ms: int | None = None


class AdministratorCreated(_Change, frozen=True, tag="administrator_created"):
    """Somebody may log in, with this role."""

    username: str
    password_hash: str  # Argon2id, with its parameters and salt
    role: str  # admin | billing_viewer


class AdministratorChanged(_Change, frozen=True, tag="administrator_changed"):
    """What is given of an administrator is from now on as it stands here. A new password ends all sessions."""

    username: str
    role: str | None = None
    enabled: bool | None = None
    password_hash: str | None = None


class AdministratorDisabled(_Change, frozen=True, tag="administrator_disabled"):
    """An administrator may not log in any more; all sessions end."""

    username: str


class LoggedIn(_Change, frozen=True, tag="logged_in"):
    """A session was opened."""

    account: str  # administrator:carol, or key:key_1 for the user whose key it is


class LoggedOut(_Change, frozen=True, tag="logged_out"):
    """A session was closed by whoever had it."""

    account: str


class LoginsFailed(_Change, frozen=True, tag="logins_failed"):
    """Somebody was refused, as often as this since the last time it was noted."""

    account: str  # administrator:carol; "unknown" when there is nobody of that name, who is not noted
    times: int = 1


class PriceRow(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A `PriceVersion` as it is written; the fields are explained there."""

    id: str
    provider: str
    model: str
    meter: Meter
    price: Decimal
    currency: str
    per: int
    effective_from: float = 0.0
    effective_to: float | None = None
    region: str | None = None
    channel_id: str | None = None
    context_over: int = 0
    window_utc: tuple[int, int] | None = None
    service_tier: str = STANDARD_TIER
    minimum_charge: Decimal | None = None
    round_up_to: Decimal | None = None
    source: str = ""
    checked: str = ""
    output_over: int = 0
    with_reasoning: bool = False
    variant: str = ""
    weekdays_utc: tuple[int, ...] | None = None
    is_book: bool = False


class PricesAdded(_Change, frozen=True, tag="prices_added"):
    """Price versions of an operator's own. They are appended and never edited."""

    prices: tuple[PriceRow, ...]


AccessChange: TypeAlias = (
    AdministratorCreated | AdministratorChanged | AdministratorDisabled | LoggedIn | LoggedOut | LoginsFailed
)
KeyChange: TypeAlias = KeyCreated | KeyChanged | KeyRotated | KeyRevoked
Change: TypeAlias = UserCreated | UserChanged | KeyChange | PricesAdded | AccessChange | LedgerChanges


class Action(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that was done."""

    number: int
    id: str
    at: str  # ISO 8601 UTC
    actor: str
    client: str  # where the request came from: an address, or `command line`
    request: str  # SHA-256 of the request, in hex
    change: Change

    @property
    def at_ms(self) -> int:
        """When, in milliseconds since 1970 UTC."""
        return utc_ms(self.at)

    @property
    def kind(self) -> str:
        """The word for what was done, as it stands in the file."""
        return str(self.change.__struct_config__.tag)


class _Head(msgspec.Struct):
    """What every action of every version begins with."""

    number: int
    id: str
    change: msgspec.Raw


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Action)
_HEAD_DECODER: Final = msgspec.json.Decoder(_Head)
_PRICE_FIELDS: Final = tuple(each.name for each in fields(PriceVersion))


def make_action(
    number: int, action_id: str, at_ms: int, change: Change, *, actor: str, client: str, request: str
) -> Action:
    """An action of a moment in milliseconds since 1970 UTC."""
    return Action(number, action_id, iso_utc_ms(at_ms), actor, client, request, change)


def encode_action(action: Action) -> bytes:
    """The line, without its newline."""
    return _ENCODER.encode(action)


def decode_action(line: bytes) -> Action:
    """Read a line; raises ActionDamaged, and ActionUnknown for one that a later version wrote."""
    try:
        return _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        try:
            head = _HEAD_DECODER.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise ActionDamaged(str(error)) from error
        raise ActionUnknown(
            f"action {head.number} cannot be understood ({error}); a later version has written it: use the newer router"
        ) from error


def price_row(version: PriceVersion) -> PriceRow:
    """A price version as it is written."""
    return PriceRow(**{name: getattr(version, name) for name in _PRICE_FIELDS})


def price_version(row: PriceRow) -> PriceVersion:
    """The price version that was written."""
    return PriceVersion(**{name: getattr(row, name) for name in _PRICE_FIELDS})
