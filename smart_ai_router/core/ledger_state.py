"""What the gateways must know of money: whose quota, which budgets, pools, rates and switches there are."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from smart_ai_router.core.ledger_rows import (
    EnforcementRow,
    GrantRuleRow,
    QuotaCurrencyRow,
    SwitchRow,
    budgets_of,
    rates_of,
)
from smart_ai_router.core.ledger_store import LedgerAccount, LedgerReader
from smart_ai_router.core.snapshot import ModelDisabled, StoreState
from smart_ai_router.domain.accounts import PERMANENT, AccountKind
from smart_ai_router.domain.pools import ALL_MODELS, REASON_NO_MONEY
from smart_ai_router.domain.quotas import UserQuota

REASON_BY_HAND: Final = "已由管理员停用"


def with_money(state: StoreState, ledger: LedgerReader) -> StoreState:
    """The state with all that the ledger adds to it."""
    enforcement = ledger.setting("quota_enforcement", "")
    pools = ledger.pools()
    opened = ((pool.row.provider_id, pool.row.currency) for pool in pools if pool.account.is_granted)
    empty = [pool.row.provider_id for pool in pools if pool.state.are_models_off]
    switches = [row for row in ledger.settings("model_switch") if isinstance(row, SwitchRow) and row.is_off]
    return replace(
        state,
        disabled=(
            *state.disabled,
            *(ModelDisabled(provider_id, ALL_MODELS, REASON_NO_MONEY) for provider_id in empty),
            *(ModelDisabled(row.provider_id, row.model, row.reason or REASON_BY_HAND) for row in switches),
        ),
        quotas=_quotas(state, ledger),
        budgets=budgets_of(ledger.settings("key_budget")),
        pools=tuple(opened),
        rates=rates_of(ledger.settings("exchange_rate")),
        quotas_enforced=not isinstance(enforcement, EnforcementRow) or enforcement.is_enforced,
    )


def _quotas(state: StoreState, ledger: LedgerReader) -> tuple[UserQuota, ...]:
    """Of every user who has an account that was granted, a rule or a currency of his own."""
    ratios = {user.id: user.group_ratio for user in state.users}
    rows = ledger.settings("quota_currency")
    currencies = {row.user_id: row.currency for row in rows if isinstance(row, QuotaCurrencyRow)}
    granted = [account for account in ledger.accounts(AccountKind.USER) if account.is_granted]
    permanent = _units(account for account in granted if account.key.part == PERMANENT)
    monthly = _units(account for account in granted if account.key.part != PERMANENT)
    for row in ledger.settings("grant_rule", AccountKind.USER.value):
        if isinstance(row, GrantRuleRow) and row.amount:
            monthly.setdefault(row.owner, set()).add(row.unit)
    return tuple(
        UserQuota(
            user_id,
            currencies.get(user_id, ""),
            frozenset(permanent.get(user_id, ())),
            frozenset(monthly.get(user_id, ())),
            ratios.get(user_id, "1"),
        )
        for user_id in sorted({*currencies, *permanent, *monthly})
    )


def _units(accounts: Iterable[LedgerAccount]) -> dict[str, set[str]]:
    units: dict[str, set[str]] = {}
    for account in accounts:
        units.setdefault(account.key.owner, set()).add(account.key.unit)
    return units
