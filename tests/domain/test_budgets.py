"""Both sides of the day's two edges."""

from decimal import Decimal

import pytest

from smart_ai_router.domain.budgets import BudgetLevel, DailyBudget
from smart_ai_router.domain.money import parse_pico

BUDGET = DailyBudget(Decimal("100"), Decimal("0.8"), "USD", closes_models=True)


@pytest.mark.parametrize(
    ("spent", "level"),
    [
        ("0", BudgetLevel.WITHIN),
        ("79.999999999999", BudgetLevel.WITHIN),
        ("80", BudgetLevel.WARNING),
        ("99.999999999999", BudgetLevel.WARNING),
        ("100", BudgetLevel.SPENT),
        ("100.000000000001", BudgetLevel.SPENT),
    ],
)
def test_the_day_warns_at_its_share_and_closes_at_its_limit(spent: str, level: BudgetLevel) -> None:
    assert BUDGET.level(parse_pico(spent)) is level


def test_a_budget_of_nothing_is_spent_from_the_start() -> None:
    assert DailyBudget(Decimal(0), Decimal("0.8"), "USD", closes_models=True).level(0) is BudgetLevel.SPENT
