"""A control plane over memory, for tests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache

from starlette.testclient import TestClient

from smart_ai_router.api.admin_access import admin_access
from smart_ai_router.api.control import ControlServices, ReloadOutcome, create_control_app
from smart_ai_router.core.alert_log import ChannelAlert
from smart_ai_router.core.usage_record import UsageRecord
from smart_ai_router.domain.errors import TagUnknown
from tests.core.usage_samples import call, view_of

ADMIN = {"authorization": "Bearer right-admin-token"}
USER = {"authorization": "Bearer sk-of-a-user"}
TODAY = date(2025, 8, 20)
STATS_PATHS = (
    ("GET", "/v1/stats/daily"),
    ("GET", "/v1/stats/weekly"),
    ("GET", "/v1/stats/monthly"),
    ("GET", "/v1/stats/summary"),
    ("GET", "/v1/stats/top-models"),
    ("GET", "/v1/stats/top-channels"),
    ("GET", "/v1/stats/cost-breakdown"),
    ("GET", "/v1/stats/alerts"),
    ("GET", "/v1/stats/channel-status"),
    ("POST", "/v1/stats/clear-alerts/ch_openai_001"),
    ("POST", "/v1/stats/clear-all-alerts"),
)


@dataclass
class ListedAlerts:
    """Alerts in a list, with the hours they are old."""

    alerts: list[tuple[int, ChannelAlert]] = field(default_factory=list)
    cleared: list[str] = field(default_factory=list)

    def get_recent_alerts(self, hours: int = 24) -> Sequence[ChannelAlert]:
        return [alert for age, alert in self.alerts if age < hours]

    def clear_channel_notifications(self, channel_id: str) -> None:
        self.cleared.append(channel_id)

    def clear_all_notifications(self) -> None:
        self.cleared.append("*")

    def get_channel_status(self) -> Mapping[str, object]:
        return {"notified_channels": ["ch_401"], "error_counts": {"ch_500": 2}, "last_error_times": {}}


def explain(model: str) -> Mapping[str, object]:
    """A routing that knows one model."""
    if model != "gpt-4o-mini":
        raise TagUnknown("no model carries the tag; GET /v1/models lists the models")
    return {"model": model, "candidates": [{"channel_id": "ch_openai_001", "score": 0.000075}]}


def services_over(records: Sequence[UsageRecord] = (), **changes: object) -> ControlServices:
    """Services whose today is 2025-08-20."""
    view = view_of(records)
    services = ControlServices(
        access=admin_access("right-admin-token", lambda token: "alice" if token == "sk-of-a-user" else None),
        statistics=view.store,
        alerts=ListedAlerts(),
        catch_up=lambda: True,
        today=lambda: TODAY,
        explain_routing=explain,
        config_status=lambda: {"file": "config/router_config.yaml", "snapshot_version": 3},
        reload_config=lambda: ReloadOutcome(True, "configuration applied", snapshot_version=4),
        system_info=lambda: {"version": "0.1.0"},
        attempts=view.attempts,
        metrics=lambda: b"router_workers_connected 1.0\n",
    )
    return replace(services, **changes)


def client_over(records: Sequence[UsageRecord] = (), **changes: object) -> TestClient:
    """The administrator's client of such a control plane."""
    return TestClient(create_control_app(services_over(records, **changes)), headers=ADMIN)


@cache
def administrator() -> TestClient:
    """The administrator's client of a control plane without any calls."""
    return client_over()


@cache
def stranger() -> TestClient:
    """A client without a token."""
    return TestClient(create_control_app(services_over([call(1)])))
