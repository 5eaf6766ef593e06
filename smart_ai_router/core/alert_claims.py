"""Which of several monitors of the same channels tells people: each alert is told once, whoever saw it first."""

import logging
from typing import Protocol

from smart_ai_router.domain.alerts import Alert, AlertState

_logger = logging.getLogger(__name__)


class AlertClaims(Protocol):
    """Shared by the monitors. Raises OSError when it cannot be reached."""

    def claim(self, channel_id: str, kind: str, now: float, until: float) -> bool:
        """True for the first to ask; the others are refused until that moment or a release."""

    def release(self, channel_id: str, kind: str) -> bool:
        """True for the first to say that it is over."""


def may_tell(claims: AlertClaims | None, alert: Alert, cooldown_s: float) -> bool:
    """Whether this monitor tells. When the claims cannot be reached it does: twice is better than never."""
    if claims is None:
        return True
    try:
        if alert.state is AlertState.OPEN:
            until = alert.timestamp + cooldown_s
            return claims.claim(alert.channel_id, alert.alert_type, alert.timestamp, until)
        return claims.release(alert.channel_id, alert.alert_type)
    except OSError as error:
        _logger.error("alert %s is told without asking the other monitors: %s", alert.delivery_id, error)
        return True
