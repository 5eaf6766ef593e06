"""What changes to money come to: rows, and facts for the audit record."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.core.ledger_actions import (
    EnforcementSet,
    ExchangeRateAdded,
    KeyBudgetSet,
    LedgerChanges,
    ModelSwitched,
    PartsBegun,
    PoolRecharged,
    PoolSet,
    QuotaCurrencySet,
    QuotaGranted,
    RecurringGrantSet,
    transfer_row,
)
from smart_ai_router.core.ledger_rows import (
    TRANSFERS_TOLD_MAX,
    BudgetRow,
    GrantRuleRow,
    LedgerEffect,
    PoolRow,
    QuotaCurrencyRow,
    RateRow,
    SettingRow,
    budgets_of,
    decode_setting,
    encode_setting,
    key_of,
    kind_of,
    ledger_effect,
    ledger_facts,
    ledger_subject,
    rates_of,
)
from smart_ai_router.domain.exchange import ExchangeRates
from smart_ai_router.domain.ledger import Order, grant
from tests.core.administration_samples import NOW_MS
from tests.core.ledger_samples import ALICE


class Kept(dict[tuple[str, str], SettingRow]):
    """Rows in memory."""

    def setting(self, kind: str, key: str) -> SettingRow | None:
        return self.get((kind, key))

    def do(self, change: LedgerChanges, number: int = 1) -> LedgerEffect:
        effect = ledger_effect(change, number, NOW_MS, "admin", self)
        self.update({(kind_of(row), key_of(row)): row for row in effect.settings})
        return effect


def granted(*amounts: int) -> QuotaGranted:
    orders = [Order(f"g-{number}", NOW_MS) for number, _ in enumerate(amounts)]
    rows = [transfer_row(grant(ALICE, amount, order)) for amount, order in zip(amounts, orders, strict=True)]
    return QuotaGranted("alice", transfers=tuple(rows))


def test_a_pools_currency_and_birth_stay_when_its_threshold_changes() -> None:
    kept = Kept()
    kept.do(PoolRecharged("openai", "USD"))

    kept.do(PoolSet("openai", "CNY", 2500), 2)
    kept.do(PoolRecharged("openai", "CNY"), 3)

    assert list(kept.values()) == [PoolRow("openai", "USD", NOW_MS, 2500)]


def test_the_first_money_pins_the_currency_and_later_money_does_not() -> None:
    kept = Kept()
    kept.do(RecurringGrantSet("user", "alice", "text_token", "monthly", 5, "2026-11-22"))
    assert kept.setting("quota_currency", "alice") is None

    kept.do(granted(1), 2)
    kept.do(RecurringGrantSet("user", "alice", "USD", "monthly", 5, "2026-11-22"), 3)

    assert kept.setting("quota_currency", "alice") == QuotaCurrencyRow("alice", "CNY")
    kept.do(QuotaCurrencySet("alice", "EUR"), 4)
    assert kept.setting("quota_currency", "alice") == QuotaCurrencyRow("alice", "EUR")


def test_a_periodic_budget_is_a_rule_as_well_and_one_for_ever_is_not() -> None:
    kept = Kept()
    kept.do(KeyBudgetSet("key_a", "CNY", "monthly", 5, "2026-11-22"))
    kept.do(KeyBudgetSet("key_b", "CNY", "for_ever", 5, "2026-11-22"), 2)
    kept.do(KeyBudgetSet("key_c", "CNY", ""), 3)

    rules = [row for row in kept.values() if isinstance(row, GrantRuleRow)]
    assert [(row.account_kind, row.owner, row.amount) for row in rules] == [("key", "key_a", 5)]
    assert [budget.key_id for budget in budgets_of(kept.values())] == ["key_a", "key_b"]


def test_transfers_are_numbered_by_their_action_and_place() -> None:
    first = Kept().do(granted(1, 2), 1)
    second = Kept().do(granted(3), 2)

    ids = [made.id for made in (*first.transfers, *second.transfers)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 3


def test_of_two_rates_of_one_moment_the_later_one_counts_however_many_there_are() -> None:
    kept = Kept()
    for number in range(1, 12):
        kept.do(ExchangeRateAdded("USD", "CNY", Decimal(number), 5), number)

    rates = ExchangeRates(rates_of(reversed(kept.values())))

    assert rates.conversion("USD", "CNY", 5).rate == 11


def test_rows_of_one_owner_begin_alike_and_nobody_elses_do() -> None:
    rule = GrantRuleRow(7, "user", "al", "image", "monthly", 5, "2026-11-22")

    assert key_of(rule).startswith("user\nal\n")
    assert not key_of(rule).startswith("user\nalice\n")
    assert rule.rule.amount == 5


@given(st.text(max_size=20), st.text(max_size=20), st.integers(0, 2**63))
def test_a_row_is_read_as_it_was_kept(one: str, other: str, amount: int) -> None:
    for row in (BudgetRow(one, other, "daily", amount), RateRow(1, one, other, Decimal(amount), 5, "")):
        assert decode_setting(encode_setting(row)) == row


def test_the_audit_record_tells_before_and_after_and_not_every_transfer() -> None:
    kept = Kept()
    effect = kept.do(PoolSet("openai", "CNY", 1000))
    change = PoolSet("openai", "CNY", 2500)

    before, after = ledger_facts(change, effect, kept)
    _, many = ledger_facts(granted(*range(1, 100)), LedgerEffect(), kept)

    assert (before["threshold_basis_points"], after["threshold_basis_points"]) == (1000, 2500)
    assert "transfers" not in after
    assert many["count"] == 99
    told = many["transfers"]
    assert isinstance(told, list)
    assert len(told) == TRANSFERS_TOLD_MAX


def test_every_change_has_a_subject() -> None:
    assert ledger_subject(granted(1)) == "user:alice"
    assert ledger_subject(ModelSwitched("openai", "gpt-4o", True)) == "model:openai/gpt-4o"
    assert ledger_subject(KeyBudgetSet("key_a", "CNY", "")) == "key:key_a"
    assert ledger_subject(ExchangeRateAdded("USD", "CNY", Decimal(7), 0)) == "rate:USD/CNY"
    assert ledger_subject(EnforcementSet(True)) == ledger_subject(PartsBegun()) == "quotas"
