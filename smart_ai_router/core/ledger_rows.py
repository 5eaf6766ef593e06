"""What the changes to money come to beside transfers: pools, rules, currencies, budgets, rates, switches.

Each such row has a kind and a key, so every store keeps them in one table. `ledger_effect` says what a change does; it
never fails, and depends on nothing but the rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple, Protocol, TypeAlias

import msgspec

from smart_ai_router.core.ledger_actions import (
    AccountAdjusted,
    AlertResolved,
    CallRefunded,
    CallRepriced,
    EnforcementSet,
    ExchangeRateAdded,
    KeyBudgetSet,
    LedgerChange,
    LedgerChanges,
    ModelSwitched,
    PartsBegun,
    PartsExpired,
    PoolRecharged,
    PoolSet,
    QuotaCurrencySet,
    QuotaGranted,
    QuotasGranted,
    RecurringGrantSet,
    transfer_of,
)
from smart_ai_router.domain.accounts import AccountKind, is_money
from smart_ai_router.domain.exchange import ExchangeRate
from smart_ai_router.domain.ledger import Transfer
from smart_ai_router.domain.pools import DEFAULT_RULE, PoolRule
from smart_ai_router.domain.quotas import KeyBudget, Period, RecurringGrant

TRANSFERS_TOLD_MAX: Final = 20  # in the audit record; all of them stand in the actions file
SEPARATOR: Final = "\n"  # in keys; no id holds one
_BITS_OF_PLACE: Final = 20
_NUMBER_DIGITS: Final = 15


class _Row(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="row"):
    """A row; its tag is its kind."""


class PoolRow(_Row, frozen=True, tag="pool"):
    """A provider has a pool. Its currency stays what it was at first."""

    provider_id: str
    currency: str
    opened_ms: int
    threshold_basis_points: int = DEFAULT_RULE.threshold_basis_points

    @property
    def rule(self) -> PoolRule:
        """When it is low."""
        return PoolRule(self.threshold_basis_points)


class QuotaCurrencyRow(_Row, frozen=True, tag="quota_currency"):
    """What a user is charged in."""

    user_id: str
    currency: str


class GrantRuleRow(_Row, frozen=True, tag="grant_rule"):
    """A recurring grant; `number` is that of its action."""

    number: int
    account_kind: str
    owner: str
    unit: str
    period: str
    amount: int
    from_day: str

    @property
    def rule(self) -> RecurringGrant:
        """The rule as it is decided by."""
        return RecurringGrant(
            AccountKind(self.account_kind),
            self.owner,
            self.unit,
            Period(self.period),
            self.amount,
            date.fromisoformat(self.from_day),
        )


class BudgetRow(_Row, frozen=True, tag="key_budget"):
    """What a key may be charged; a period of "" is no limit any more."""

    key_id: str
    currency: str
    period: str
    amount: int


class RateRow(_Row, frozen=True, tag="exchange_rate"):
    """A dated exchange rate; `number` is that of its action."""

    number: int
    base: str
    quote: str
    rate: Decimal
    effective_from_ms: int
    source: str


class SwitchRow(_Row, frozen=True, tag="model_switch"):
    """A model that was switched by hand, and when last."""

    provider_id: str
    model: str
    is_off: bool
    reason: str
    at_ms: int
    actor: str


class EnforcementRow(_Row, frozen=True, tag="quota_enforcement"):
    """Whether quotas are enforced."""

    is_enforced: bool


SettingRow: TypeAlias = PoolRow | QuotaCurrencyRow | GrantRuleRow | BudgetRow | RateRow | SwitchRow | EnforcementRow
_DECODER: Final[msgspec.json.Decoder[SettingRow]] = msgspec.json.Decoder(SettingRow)
_ENCODER: Final = msgspec.json.Encoder()


class SettingRows(Protocol):
    """What an effect depends on."""

    def setting(self, kind: str, key: str) -> SettingRow | None:
        """One row."""


class MadeTransfer(NamedTuple):
    """A transfer of an action, in the ledger's order."""

    id: int  # of its action and its place in it
    transfer: Transfer
    balance_before: int | None  # of the pool, with a recharge


class LedgerEffect(msgspec.Struct, frozen=True):
    """The rows that a change writes."""

    settings: tuple[SettingRow, ...] = ()
    transfers: tuple[MadeTransfer, ...] = ()
    resolved: AlertResolved | None = None


def transfer_id(number: int, place: int = 0) -> int:
    """The id of a transfer: its action's number, and its place in it."""
    return number << _BITS_OF_PLACE | place


def kind_of(row: SettingRow) -> str:
    """The kind of a row."""
    return str(row.__struct_config__.tag)


def key_of(row: SettingRow) -> str:
    """What a row is about, as text; parts are separated, so that all rules of an owner begin alike."""
    match row:
        case PoolRow(provider_id):
            return provider_id
        case QuotaCurrencyRow(user_id):
            return user_id
        case GrantRuleRow(number, kind, owner, unit):
            return SEPARATOR.join((kind, owner, unit, f"{number:0{_NUMBER_DIGITS}d}"))
        case BudgetRow(key_id):
            return key_id
        case RateRow(number, base, quote):
            return SEPARATOR.join((base, quote, f"{number:0{_NUMBER_DIGITS}d}"))
        case SwitchRow(provider_id, model):
            return SEPARATOR.join((provider_id, model))
        case EnforcementRow():
            return ""


def encode_setting(row: SettingRow) -> str:
    """The row as a store keeps it."""
    return _ENCODER.encode(row).decode()


def decode_setting(text: str) -> SettingRow:
    """The row that was kept."""
    return _DECODER.decode(text)


def ledger_effect(change: LedgerChanges, number: int, at_ms: int, actor: str, rows: SettingRows) -> LedgerEffect:
    """What a change, made in the action of this number, does."""
    transfers = tuple(
        MadeTransfer(transfer_id(number, place), transfer_of(row, at_ms, actor), row.balance_before)
        for place, row in enumerate(change.transfers)
    )
    resolved = change if isinstance(change, AlertResolved) else None
    return LedgerEffect(_settings(change, number, at_ms, actor, rows), transfers, resolved)


def _settings(change: LedgerChanges, number: int, at_ms: int, actor: str, rows: SettingRows) -> tuple[SettingRow, ...]:
    match change:
        case PoolSet():
            held = rows.setting("pool", change.provider_id)
            opened = (held.currency, held.opened_ms) if isinstance(held, PoolRow) else (change.currency, at_ms)
            return (PoolRow(change.provider_id, *opened, change.threshold_basis_points),)
        case PoolRecharged():
            is_known = rows.setting("pool", change.provider_id) is not None
            return () if is_known else (PoolRow(change.provider_id, change.currency, at_ms),)
        case RecurringGrantSet():
            rule = GrantRuleRow(
                number, change.account_kind, change.owner, change.unit, change.period, change.amount, change.from_day
            )
            user_id = change.owner if change.account_kind == AccountKind.USER else None
            return (rule, *_pinned_currency(user_id, (change.unit,), rows))
        case QuotaGranted():
            units = [cells[2] for row in change.transfers for cells in row.entries if cells[0] == AccountKind.USER]
            return _pinned_currency(change.user_id, units, rows)
        case QuotaCurrencySet():
            return (QuotaCurrencyRow(change.user_id, change.currency),)
        case KeyBudgetSet():
            return _budget(change, number)
        case EnforcementSet():
            return (EnforcementRow(change.is_enforced),)
        case ExchangeRateAdded():
            dated = (change.effective_from_ms, change.source)
            return (RateRow(number, change.base, change.quote, change.rate, *dated),)
        case ModelSwitched():
            return (SwitchRow(change.provider_id, change.model, change.is_off, change.reason, at_ms, actor),)
        case _:
            return ()


def _pinned_currency(user_id: str | None, units: Iterable[str], rows: SettingRows) -> tuple[QuotaCurrencyRow, ...]:
    """The first money that a user is given says what the user is charged in."""
    money = next((unit for unit in units if is_money(unit)), None)
    if user_id is None or money is None or rows.setting("quota_currency", user_id) is not None:
        return ()
    return (QuotaCurrencyRow(user_id, money),)


def _budget(change: KeyBudgetSet, number: int) -> tuple[SettingRow, ...]:
    budget = BudgetRow(change.key_id, change.currency, change.period, change.amount)
    if change.period not in (Period.MONTHLY, Period.DAILY):
        return (budget,)
    cells = (change.key_id, change.currency, change.period, change.amount, change.from_day)
    return (budget, GrantRuleRow(number, AccountKind.KEY.value, *cells))


def ledger_subject(change: LedgerChanges) -> str:
    """What a change is about: pool:openai, user:alice, key:key_1, call:req_1, rate:USD/CNY, quotas."""
    match change:
        case PoolSet() | PoolRecharged():
            return f"pool:{change.provider_id}"
        case AccountAdjusted():
            return f"{change.account[0]}:{change.account[1]}"
        case CallRefunded() | CallRepriced():
            return f"call:{change.request_id}"
        case QuotaGranted() | QuotaCurrencySet():
            return f"user:{change.user_id}"
        case RecurringGrantSet():
            return f"{change.account_kind}:{change.owner}"
        case KeyBudgetSet():
            return f"key:{change.key_id}"
        case ExchangeRateAdded():
            return f"rate:{change.base}/{change.quote}"
        case ModelSwitched():
            return f"model:{change.provider_id}/{change.model}"
        case AlertResolved():
            return f"pool:{change.provider_id}"
        case EnforcementSet() | QuotasGranted() | PartsBegun() | PartsExpired():
            return "quotas"


def ledger_facts(
    change: LedgerChanges, effect: LedgerEffect, rows: SettingRows
) -> tuple[Mapping[str, object], Mapping[str, object]]:
    """Before and after, as the audit record shows them."""
    before: dict[str, object] = {}
    for row in effect.settings:
        held = rows.setting(kind_of(row), key_of(row))
        if held is not None:
            before |= _facts(held)
    after = {name: value for name, value in _facts(change).items() if name != "transfers"}
    if change.transfers:
        told = change.transfers[:TRANSFERS_TOLD_MAX]
        after["count"] = len(change.transfers)
        after["transfers"] = [msgspec.to_builtins(row) for row in told]
    return before, after


def _facts(row: SettingRow | LedgerChange) -> dict[str, object]:
    facts = msgspec.structs.asdict(row)
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in facts.items()}


def budgets_of(rows: Iterable[SettingRow]) -> tuple[KeyBudget, ...]:
    """The budgets that hold."""
    return tuple(
        KeyBudget(row.key_id, row.currency, Period(row.period))
        for row in rows
        if isinstance(row, BudgetRow) and row.period
    )


def rates_of(rows: Iterable[SettingRow]) -> tuple[ExchangeRate, ...]:
    """All exchange rates, in the order in which they were entered: of two of one moment the later one counts."""
    found: Sequence[RateRow] = sorted((row for row in rows if isinstance(row, RateRow)), key=lambda row: row.number)
    return tuple(ExchangeRate(row.base, row.quote, row.rate, row.effective_from_ms, row.source) for row in found)
