"""The budget of a day: when it warns, and when it closes the paid models."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from smart_ai_router.domain.money import Pico, pico_from_decimal

REASON_SPENT = "今日预算已用完，暂不可用"


class BudgetLevel(StrEnum):
    """How far a day's spending has gone."""

    WITHIN = "within"
    WARNING = "warning"  # at or above the alert share
    SPENT = "spent"  # at or above the whole


@dataclass(frozen=True, slots=True)
class DailyBudget:
    """What may be spent on one day, and from which share of it on people are told."""

    limit: Decimal  # units of `currency`
    alert_share: Decimal  # 0..1
    currency: str
    closes_models: bool

    def level(self, spent: Pico) -> BudgetLevel:
        """The level that a day's spending has reached."""
        limit = pico_from_decimal(self.limit)
        if spent >= limit:
            return BudgetLevel.SPENT
        return BudgetLevel.WARNING if Decimal(spent) >= limit * self.alert_share else BudgetLevel.WITHIN
