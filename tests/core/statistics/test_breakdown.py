"""Where a cost came from."""

from decimal import Decimal

import pytest

from smart_ai_router.core.statistics.breakdown import cost_breakdown
from smart_ai_router.core.statistics.periods import Period
from smart_ai_router.core.statistics_store import Dimension
from tests.core.usage_samples import WEDNESDAY, call, view_of


@pytest.mark.parametrize(
    ("by", "key", "dearest"),
    [(Dimension.PROVIDER, "provider", "b"), (Dimension.MODEL, "model", "mb"), (Dimension.CHANNEL, "channel", "cb")],
)
def test_m1_38_m1_50_m1_51_m1_52_a_breakdown_sums_to_its_total(by: Dimension, key: str, dearest: str) -> None:
    view = view_of(
        [
            call(1, "2025-08-01", "0.25", provider="a", model="ma", channel_id="ca", channel_name="ca"),
            call(2, "2025-08-31", "0.5", provider="b", model="mb", channel_id="cb", channel_name="cb"),
            call(3, "2025-08-20", "0.25", provider="b", model="mb", channel_id="cb", channel_name="cb"),
        ]
    )

    answer = cost_breakdown(view, Period.MONTHLY, by, WEDNESDAY)

    assert list(answer)[:5] == ["period", "breakdown_by", "target_date", "total_cost", "breakdown"]
    assert list(answer["breakdown"][0])[:5] == [key, "cost", "percentage", "requests", "tokens"]
    assert answer["breakdown"][0][key] == dearest  # type: ignore[literal-required]
    assert [row["percentage"] for row in answer["breakdown"]] == [Decimal(75), Decimal(25)]
    assert sum(row["cost"] for row in answer["breakdown"]) == answer["total_cost"] == Decimal(1)
