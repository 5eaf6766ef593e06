"""What is asked of the administration and what it answers, as the API and the command line exchange it.

JSON names are in camel case, as in the second guide. A field that is not named here is refused, so that nobody can
set what is not meant to be set. Amounts and ratios are exact decimals; moments are ISO 8601.
"""

from decimal import Decimal
from typing import TypeAlias

import msgspec
from msgspec import UNSET, UnsetType


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A request."""


class Told(msgspec.Struct, frozen=True, rename="camel"):
    """An answer."""


# --- users and keys ---


class NewUser(Asked, frozen=True):
    """A user to make. Without an id, one is made up."""

    name: str
    id: str | None = None
    group_ratio: Decimal | None = None  # what the user is charged: cost x ratio; 1 when left out


class UserEdit(Asked, frozen=True):
    """What to change of a user; what is left out stays."""

    name: str | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    group_ratio: Decimal | UnsetType = UNSET


class NewKey(Asked, frozen=True):
    """A key to make. Without models all are allowed; without limits those of the configuration apply."""

    name: str
    models: tuple[str, ...] = ()  # names or tag queries
    expires_at: str | None = None
    requests_per_minute: int | None = None
    concurrency: int | None = None


class KeyRevocation(Asked, frozen=True):
    """That a key is to be revoked; which one stands in the path."""


class UserFacts(Told, frozen=True):
    """A user."""

    id: str
    name: str
    enabled: bool
    group_ratio: Decimal
    created_at: str
    effective: bool | UnsetType = UNSET  # of a change: every gateway worker decides by it


class UserPage(Told, frozen=True):
    """Users by rising id; `next_cursor` leads on."""

    users: tuple[UserFacts, ...]
    next_cursor: str | None


class KeyFacts(Told, frozen=True):
    """A key. The key itself is shown once, when it is made."""

    id: str
    user_id: str
    name: str
    key_end: str  # its last characters
    status: str  # active | disabled | expired | revoked | user_disabled
    models: tuple[str, ...]
    requests_per_minute: int | None
    concurrency: int | None
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    enabled: bool = True
    former_key_until: str | None = None  # of a rotated key: until then the secret before is accepted as well
    key: str | UnsetType | None = UNSET  # of a creation or rotation: the key, or null when it was a repetition
    effective: bool | UnsetType = UNSET


class KeyPage(Told, frozen=True):
    """Keys by rising id; `next_cursor` leads on."""

    keys: tuple[KeyFacts, ...]
    next_cursor: str | None


# --- prices ---


class PriceFigure(Asked, frozen=True):
    """One figure of a price list; the words are those of the price lists, or the second guide's pricing types."""

    pricing_type: str
    price: Decimal
    unit: str | None = None
    min_charge_unit: Decimal | None = None
    per: int | None = None


class NewPrices(Asked, frozen=True):
    """Figures to set for one model of a provider, or, with `channel_id`, of one channel."""

    provider_id: str
    model_id: str
    currency: str
    prices: tuple[PriceFigure, ...]
    channel_id: str | None = None
    region: str | None = None
    service_tier: str = "standard"
    effective_from: str | None = None  # at once when left out
    source: str = "operator"
    dry_run: bool = False
    confirm: bool = False  # set a figure that looks like a mistaken unit


class PriceImport(Asked, frozen=True):
    """A price list to take over as the operator's own prices."""

    content: str
    format: str = "list"
    providers: tuple[str, ...] | None = None  # only these, by their ids in the list
    dry_run: bool = False
    confirm: bool = False


class PriceFacts(Told, frozen=True):
    """One price version."""

    id: str
    owner: str  # channel | provider | book: whose price it is
    provider_id: str
    model_id: str
    channel_id: str | None
    region: str | None
    meter: str
    price: Decimal
    per: int
    currency: str
    service_tier: str
    context_over: int
    output_over: int
    with_reasoning: bool
    variant: str
    window_utc: tuple[int, int] | None  # minutes of the day
    weekdays_utc: tuple[int, ...] | None  # Monday is 0
    minimum_charge: Decimal | None
    round_up_to: Decimal | None
    effective_from: str | None
    effective_to: str | None
    source: str
    checked: str


class PricePage(Told, frozen=True):
    """Price versions by id; `next_cursor` leads on."""

    prices: tuple[PriceFacts, ...]
    next_cursor: str | None


class PriceDifference(Told, frozen=True):
    """A figure that changes. `unlikely` when it looks like a mistaken unit."""

    old: PriceFacts
    new: PriceFacts
    unlikely: bool


class PricesOutcome(Told, frozen=True):
    """What setting or importing prices came to, or would come to."""

    dry_run: bool
    added: tuple[PriceFacts, ...]
    changed: tuple[PriceDifference, ...]
    unchanged: int
    skipped: tuple[str, ...]  # what a foreign list says and we cannot express
    effective: bool | UnsetType = UNSET


# --- what was done ---


class AuditFacts(Told, frozen=True):
    """Who did what to whom."""

    number: int
    at: str
    actor: str
    action: str
    subject: str
    before: dict[str, object]
    after: dict[str, object]
    client: str


class AuditPage(Told, frozen=True):
    """What was done, newest first; `next_cursor` leads on."""

    entries: tuple[AuditFacts, ...]
    next_cursor: str | None


Answer: TypeAlias = UserFacts | UserPage | KeyFacts | KeyPage | PricePage | PricesOutcome | AuditPage
ANSWERS = (UserFacts, UserPage, KeyFacts, KeyPage, PricePage, PricesOutcome, AuditPage)
REQUESTS = (NewUser, UserEdit, NewKey, NewPrices, PriceImport)
