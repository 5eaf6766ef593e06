"""The thresholds of alerts, and of a balance."""

from dataclasses import dataclass
from typing import Final


class AlertRulesInvalid(ValueError):
    """Rules that contradict themselves."""


@dataclass(frozen=True, slots=True)
class AlertRules:
    """The thresholds; every field can be configured."""

    errors_before_alert: int = 3
    error_window_s: float = 300.0
    cooldown_s: float = 3600.0
    error_rate_percent: float = 50.0
    error_rate_resolved_percent: float = 25.0
    error_rate_calls_min: int = 20
    error_share_floor_percent: float = 10.0  # below this share of the calls since it began, a run of errors is void
    flap_quiet_s: float = 300.0

    def __post_init__(self) -> None:
        if self.errors_before_alert < 1:
            raise AlertRulesInvalid(f"errors_before_alert is {self.errors_before_alert}; it must be at least 1")
        if self.error_rate_calls_min < 1:
            raise AlertRulesInvalid(f"error_rate_calls_min is {self.error_rate_calls_min}; it must be at least 1")
        if self.error_window_s <= 0 or self.cooldown_s < 0 or self.flap_quiet_s < 0:
            raise AlertRulesInvalid("error_window_s must be above 0; cooldown_s and flap_quiet_s must not be negative")
        if not 0 <= self.error_rate_resolved_percent <= self.error_rate_percent <= 100 or not self.error_rate_percent:
            raise AlertRulesInvalid(
                f"error_rate_percent is {self.error_rate_percent} and error_rate_resolved_percent is"
                f" {self.error_rate_resolved_percent}; it must be 0 <= resolved <= rate <= 100, and the rate above 0"
            )


DEFAULT_RULES: Final = AlertRules()


def balance_is_low(remaining: int, low_below: int, was_low: bool) -> bool:
    """Low below the threshold; no longer low from 110 % of it, so that spending around the edge is one episode.

    Both amounts in the same unit and currency, in pico. Without a threshold only nothing left is low.
    """
    if not was_low:
        return remaining < low_below or remaining <= 0
    return remaining * 10 < low_below * 11 or remaining <= 0
