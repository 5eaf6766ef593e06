"""Sums over groups and currencies."""

from decimal import Decimal

from smart_ai_router.core.statistics.daily import daily_statistics
from smart_ai_router.core.statistics.view import StatisticsView
from tests.core.usage_samples import WEDNESDAY, call, view_of


def replace_currency(view: StatisticsView, currency: str) -> StatisticsView:
    return StatisticsView(view.store, currency, view.complete, view.attempts)


def test_currencies_are_never_added() -> None:
    view = view_of([call(1, cost="1"), call(2, cost="7", cost_currency="CNY", provider="qwen")])

    day = daily_statistics(view, WEDNESDAY)

    assert (day["total_requests"], day["total_cost"]) == (2, Decimal(1))
    assert day["other_currencies"] == {"CNY": {"requests": 1, "cost": Decimal(7), "tokens": 450}}
    assert day["avg_cost_per_request"] == Decimal(1)
    assert day["providers"]["qwen"]["cost"] == Decimal(0)
    assert daily_statistics(replace_currency(view, "CNY"), WEDNESDAY)["total_cost"] == Decimal(7)


def test_sums_beyond_one_cell_are_exact() -> None:
    view = view_of(call(number, cost="9223372.036854775807") for number in range(3))

    assert daily_statistics(view, WEDNESDAY)["total_cost"] == Decimal("27670116.110564327421")


def test_many_equal_costs_add_up_without_a_remainder() -> None:
    # 200 x 0.2025 in binary floats is 40.500000000000085
    view = view_of(call(number, cost="0.2025") for number in range(200))

    assert daily_statistics(view, WEDNESDAY)["total_cost"] == Decimal("40.5")
