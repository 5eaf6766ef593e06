"""用户配额: what keys may be charged, and what they were."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Protocol

from smart_ai_router.core.billing.quota_messages import KeyBudgetFacts, KeyBudgetPage
from smart_ai_router.core.billing.view import BillingView
from smart_ai_router.core.ledger_rows import BudgetRow
from smart_ai_router.core.ledger_store import LedgerReader
from smart_ai_router.domain.accounts import first_day_after
from smart_ai_router.domain.money import pico_to_decimal
from smart_ai_router.domain.quotas import KeyBudget, Period


class NamedKey(Protocol):
    """What is told of a key beside its budget."""

    @property
    def id(self) -> str: ...

    @property
    def user_id(self) -> str: ...

    @property
    def name(self) -> str: ...


def key_budgets(
    ledger: LedgerReader, view: BillingView, keys: Iterable[NamedKey], next_cursor: str | None
) -> KeyBudgetPage:
    """The budgets of one page of keys, also of those that have none."""
    return KeyBudgetPage(tuple(key_budget(ledger, view, key) for key in keys), next_cursor)


def key_budget(ledger: LedgerReader, view: BillingView, key: NamedKey) -> KeyBudgetFacts:
    """One key's budget in the period of today."""
    row = ledger.setting("key_budget", key.id)
    if not isinstance(row, BudgetRow) or not row.period:
        return _no_budget(key, view.currency)
    account = ledger.account(KeyBudget(key.id, row.currency, Period(row.period)).account(view.today))
    ends = first_day_after(account.key.part)
    return KeyBudgetFacts(
        key_id=key.id,
        user_id=key.user_id,
        name=key.name,
        is_limited=True,
        period=row.period,
        amount=pico_to_decimal(row.amount),
        used=pico_to_decimal(account.used),
        available=pico_to_decimal(account.balance),
        currency=row.currency,
        resets_on=None if ends is None else ends.isoformat(),
    )


def _no_budget(key: NamedKey, currency: str) -> KeyBudgetFacts:
    nothing = Decimal(0)
    return KeyBudgetFacts(
        key_id=key.id,
        user_id=key.user_id,
        name=key.name,
        is_limited=False,
        period=None,
        amount=nothing,
        used=nothing,
        available=nothing,
        currency=currency,
        resets_on=None,
    )
