"""The thresholds, and the two edges of a balance."""

import pytest

from smart_ai_router.domain.alert_rules import AlertRules, AlertRulesInvalid, balance_is_low


@pytest.mark.parametrize(
    "fields",
    [
        {"errors_before_alert": 0},
        {"error_rate_calls_min": 0},
        {"error_window_s": 0.0},
        {"cooldown_s": -1.0},
        {"error_rate_percent": 0.0, "error_rate_resolved_percent": 0.0},
        {"error_rate_percent": 20.0},  # below the resolved percentage
        {"error_rate_percent": 100.1},
    ],
)
def test_rules_that_contradict_themselves_are_refused(fields: dict[str, float]) -> None:
    with pytest.raises(AlertRulesInvalid):
        AlertRules(**fields)  # type: ignore[arg-type]


TEN = 10 * 10**12


@pytest.mark.parametrize(
    ("remaining", "was_low", "low"),
    [
        (TEN - 1, False, True),
        (TEN, False, False),
        (TEN + 1, False, False),
        (TEN, True, True),
        (11 * 10**12 - 1, True, True),
        (11 * 10**12, True, False),
    ],
)
def test_a_balance_is_low_below_its_edge_and_well_a_tenth_above_it(remaining: int, was_low: bool, low: bool) -> None:
    assert balance_is_low(remaining, TEN, was_low) is low


@pytest.mark.parametrize(("remaining", "low"), [(1, False), (0, True), (-1, True)])
def test_without_an_edge_only_nothing_left_is_low(remaining: int, low: bool) -> None:
    assert balance_is_low(remaining, 0, False) is low
