"""Alerts, clocks and receivers for the tests of alerting."""

from smart_ai_router.domain.alerts import Alert, AlertState, Severity

NOON = 1_763_812_800.0  # 2025-11-22T12:00:00Z

GUIDE_LINE = (
    '{\n  "channel_id": "ch_openai_001",\n  "channel_name": "OpenAI Official", \n  "alert_type": "quota_exhausted",\n'
    '  "message": "渠道 OpenAI Official 配额已用完",\n  "timestamp": "2025-08-24T12:30:45Z",\n'
    '  "details": {"remaining_requests": 0, "reset_time": "2025-08-25T00:00:00Z"}\n}'
).replace("\n", "")


class SetClock:
    """A clock that stands where it is put."""

    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Receiver:
    """A notifier that keeps what it gets, and fails as often as told."""

    def __init__(self, name: str = "receiver", failures: int = 0) -> None:
        self.name = name
        self.failures = failures
        self.tries = 0
        self.alerts: list[Alert] = []

    def notify(self, alert: Alert) -> None:
        self.tries += 1
        if self.failures:
            self.failures -= 1
            raise ConnectionError("receiver at https://hooks.example/secret-path is down, key sk-0123456789abcdef")
        self.alerts.append(alert)

    @property
    def told(self) -> list[str]:
        return [f"{alert.alert_type}:{alert.state.value}" for alert in self.alerts]


def alert(number: int = 1, *, state: AlertState = AlertState.OPEN, notice: int = 1, at: float = NOON) -> Alert:
    """An alert of channel ch_<number>."""
    return Alert(
        channel_id=f"ch_{number}",
        channel_name=f"Channel {number}",
        alert_type="quota_exhausted",
        message=f"渠道 Channel {number} 配额已用完",
        timestamp=at,
        details={"remaining_requests": 0, "reset_time": "2025-11-23T00:00:00Z"},
        id=f"alt_{number}",
        severity=Severity.CRITICAL,
        state=state,
        notice=notice,
    )
