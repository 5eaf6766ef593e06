"""What the control plane's API needs from the rest of the router; `app.py` puts it together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from smart_ai_router.api.admin_access import AdminAccess
from smart_ai_router.api.billing.ledger_services import LedgerServices
from smart_ai_router.api.billing.services import BillingServices
from smart_ai_router.core.administration_verbs import AdministrationVerbs
from smart_ai_router.core.alert_log import ChannelAlert
from smart_ai_router.core.logins import Logins
from smart_ai_router.core.statistics_store import AttemptStore, StatisticsStore


class AlertsView(Protocol):
    """What the alert endpoints ask; `ChannelMonitor` answers it."""

    def get_recent_alerts(self, hours: int = 24) -> Sequence[ChannelAlert]:
        """The alerts of the last hours, oldest first."""

    def clear_channel_notifications(self, channel_id: str) -> None:
        """Put away a channel's alerts, so that it can alert again; nothing for a channel that is not known."""

    def clear_all_notifications(self) -> None: ...

    def get_channel_status(self) -> Mapping[str, object]:
        """`notified_channels`, `error_counts`, `last_error_times`, and what the monitor adds."""


@dataclass(frozen=True, slots=True)
class ReloadOutcome:
    """What became of a new configuration. A bad one is refused and the old one stays."""

    applied: bool
    message: str
    problems: tuple[str, ...] = ()  # each with file, line and key
    snapshot_version: int | None = None


@dataclass(frozen=True, slots=True)
class ControlServices:
    """The verbs behind the routes. All of them may block; they are called from worker threads only.

    `catch_up` waits, within its own bound, until the store has seen every call that ended before now, and says
    whether it has. `today` is the date in the configured time zone. `explain_routing` raises a `Refusal` for a
    question without an answer. No mapping may hold a secret.
    """

    access: AdminAccess
    statistics: StatisticsStore
    alerts: AlertsView
    catch_up: Callable[[], bool]
    today: Callable[[], date]
    explain_routing: Callable[[str], Mapping[str, object]]
    config_status: Callable[[], Mapping[str, object]]
    reload_config: Callable[[], ReloadOutcome]
    system_info: Callable[[], Mapping[str, object]]
    attempts: AttemptStore | None = None
    currency: str = "USD"
    time_zone: str = "UTC"  # by whose days the books are kept
    administration: AdministrationVerbs | None = None  # users, keys, prices; without them there is no /api/admin
    billing: BillingServices | None = None  # without them there is no /api/admin/billing
    ledger: LedgerServices | None = None  # without them there are no pools and no quotas
    logins: Logins | None = None  # without them only tokens and keys open anything
    metrics: Callable[[], bytes] | None = None  # Prometheus' text form; without it there is no /metrics
