"""What administrators, and the calendar, do to money: kinds of changes in the actions file.

A change that moves something carries its transfers as they were made, entries and all: whoever applies it decides
nothing, so the ledger that is made anew from the file is the same to the last digit. A transfer's moment and actor are
those of its action. Amounts are whole numbers of the unit's smallest part (pico of a currency, tokens, images, ms).
"""

from decimal import Decimal
from typing import Final, TypeAlias

import msgspec

from smart_ai_router.domain.accounts import AccountKey, AccountKind
from smart_ai_router.domain.ledger import Entry, Transfer, TransferKind
from smart_ai_router.domain.pools import DEFAULT_RULE

TRANSFERS_MAX: Final = 1 << 20  # of one action: a transfer is numbered by its action and its place in it
TRANSFERS_A_CHANGE: Final = 20_000  # what one action is made of at most; about 8 MB

EntryCells: TypeAlias = tuple[str, str, str, str, int]  # kind, owner, unit and part of the account; amount


class TransferRow(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A transfer as it is written."""

    kind: str
    key: str  # idempotency key
    entries: tuple[EntryCells, ...]
    request_id: str | None = None
    source: str = ""
    remark: str = ""
    balance_before: int | None = None  # of the pool, when it was recharged


class LedgerChange(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag_field="kind"
):
    """One kind of change; its tag is the word in the file."""

    transfers: tuple[TransferRow, ...] = ()


class PoolSet(LedgerChange, frozen=True, tag="pool_set"):
    """A provider has a pool from now on, or its warning comes at another level."""

    provider_id: str
    currency: str
    threshold_basis_points: int = DEFAULT_RULE.threshold_basis_points


class PoolRecharged(LedgerChange, frozen=True, tag="pool_recharged"):
    """Money was paid in at a provider; without a pool it has one from now on."""

    provider_id: str
    currency: str


class AccountAdjusted(LedgerChange, frozen=True, tag="account_adjusted"):
    """What an account was credited with was corrected."""

    account: tuple[str, str, str, str]


class CallRefunded(LedgerChange, frozen=True, tag="call_refunded"):
    """Some of what a call was charged was given back."""

    request_id: str


class CallRepriced(LedgerChange, frozen=True, tag="call_repriced"):
    """A call was carried over to the prices that are right."""

    request_id: str
    prices: str


class QuotaGranted(LedgerChange, frozen=True, tag="quota_granted"):
    """A user was given quota. The first money that a user is given says what currency the user is charged in."""

    user_id: str


class QuotasGranted(LedgerChange, frozen=True, tag="quotas_granted"):
    """Many users were given quota at once."""

    users: int
    left_out: int = 0  # users who are not enabled


class RecurringGrantSet(LedgerChange, frozen=True, tag="recurring_grant_set"):
    """Each part that begins from a day on is credited with an amount; 0 ends it."""

    account_kind: str  # user | key
    owner: str
    unit: str
    period: str  # monthly | daily
    amount: int
    from_day: str  # of the configured time zone


class QuotaCurrencySet(LedgerChange, frozen=True, tag="quota_currency_set"):
    """A user is charged in this currency from now on."""

    user_id: str
    currency: str


class KeyBudgetSet(LedgerChange, frozen=True, tag="key_budget_set"):
    """What a key may be charged, in all or in each period; a period of "" takes the limit away."""

    key_id: str
    currency: str
    period: str  # for_ever | monthly | daily | ""
    amount: int = 0
    from_day: str = ""


class EnforcementSet(LedgerChange, frozen=True, tag="quota_enforcement_set"):
    """Whether callers without quota are refused."""

    is_enforced: bool


class ExchangeRateAdded(LedgerChange, frozen=True, tag="exchange_rate_added"):
    """One unit of `base` is `rate` units of `quote` from a moment on."""

    base: str
    quote: str
    rate: Decimal
    effective_from_ms: int
    source: str = ""


class ModelSwitched(LedgerChange, frozen=True, tag="model_switched"):
    """A provider's model, or "*" for all of them, was switched by hand."""

    provider_id: str
    model: str
    is_off: bool
    reason: str = ""


class AlertResolved(LedgerChange, frozen=True, tag="alert_resolved"):
    """Somebody has seen to the alert of a pool."""

    alert_id: int
    provider_id: str
    resolved_by: str


class PartsBegun(LedgerChange, frozen=True, tag="parts_begun"):
    """Parts of accounts began and were credited by their rules."""


class PartsExpired(LedgerChange, frozen=True, tag="parts_expired"):
    """What was left of parts that are over was taken back."""


LedgerChanges: TypeAlias = (
    PoolSet
    | PoolRecharged
    | AccountAdjusted
    | CallRefunded
    | CallRepriced
    | QuotaGranted
    | QuotasGranted
    | RecurringGrantSet
    | QuotaCurrencySet
    | KeyBudgetSet
    | EnforcementSet
    | ExchangeRateAdded
    | ModelSwitched
    | AlertResolved
    | PartsBegun
    | PartsExpired
)


def transfer_row(transfer: Transfer, balance_before: int | None = None) -> TransferRow:
    """A transfer as it is written."""
    entries = tuple((*account, amount) for account, amount in transfer.entries)
    return TransferRow(
        transfer.kind.value,
        transfer.key,
        entries,
        transfer.request_id,
        transfer.source,
        transfer.remark,
        balance_before,
    )


def transfer_of(row: TransferRow, at_ms: int, actor: str) -> Transfer:
    """The transfer that was written in an action of this moment and actor, entries in the order of their accounts."""
    entries = tuple(sorted(Entry(AccountKey(AccountKind(kind), *name), amount) for kind, *name, amount in row.entries))
    return Transfer(TransferKind(row.kind), row.key, at_ms, entries, row.request_id, actor, row.source, row.remark)
