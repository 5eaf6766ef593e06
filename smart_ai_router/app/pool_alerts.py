"""Carries the pools' alerts to the monitor, which tells people in their ways.

Theory of operation. The ledger says which alerts are open. What it says is carried over at once (`tell`), put away
when it is resolved (`settle`), and, because a crash may come between the ledger's commit and the telling, once more
when the control plane starts (`begin`): the monitor remembers what it has told and tells nothing twice.
"""

from collections.abc import Callable, Mapping
from threading import Lock
from typing import Final

from smart_ai_router.core.ledger_store import PAGE_MAX, LedgerStore, PoolAlertRow
from smart_ai_router.core.pool_watch import PoolNotice
from smart_ai_router.core.utils.channel_monitor import ChannelMonitor
from smart_ai_router.domain.alerts import Severity
from smart_ai_router.domain.money import pico_to_text
from smart_ai_router.domain.pools import PoolAlertKind

PREFIX: Final = "pool:"  # before the provider's id: a pool is no channel


class PoolAlerts:
    """One open alert a pool; a worse one takes the place of the other. Safe to use from any thread."""

    def __init__(self, monitor: ChannelMonitor, store: LedgerStore, name_of: Callable[[str], str]) -> None:
        self._monitor = monitor
        self._store = store
        self._name_of = name_of
        self._lock = Lock()
        self._told: dict[str, str] = {}  # provider to the alert's type

    def begin(self) -> None:
        """Tell what is open and was not told, put away what was resolved and still stands with the monitor."""
        still = self._open()
        for alert in still.values():
            kind = PoolAlertKind(alert.kind)
            self.tell(
                PoolNotice(
                    alert.provider_id, kind, alert.level, alert.message, alert.percentage, alert.available,
                    alert.currency,
                )
            )  # fmt: skip
        for channel_id, open_kind in self._monitor.open_alert_counts():
            alert_now = still.get(channel_id.removeprefix(PREFIX))
            if channel_id.startswith(PREFIX) and (alert_now is None or alert_now.kind != open_kind):
                self._monitor.resolve_alert(channel_id, open_kind)

    def tell(self, notice: PoolNotice) -> None:
        """An alert was opened, or has become worse."""
        kind = notice.kind.value
        with self._lock:
            before = self._told.get(notice.provider_id)
            self._told[notice.provider_id] = kind
        if before is not None and before != kind:
            self._monitor.resolve_alert(PREFIX + notice.provider_id, before)
        details = {
            "percentage": notice.percentage,
            "available": pico_to_text(notice.available),
            "currency": notice.currency,
            "level": notice.level,
        }
        name = f"资源池 {self._name_of(notice.provider_id)}"
        severity = Severity(notice.level)
        self._monitor.record_alert(
            PREFIX + notice.provider_id, name, kind, notice.message, details, severity=severity
        )  # fmt: skip

    def settle(self) -> None:
        """Put away what is resolved by now, by a recharge or by hand, and what has become less: it may rise again."""
        with self._lock:
            told = dict(self._told)
        if not told:
            return
        still = self._open()
        for provider_id, kind in told.items():
            alert = still.get(provider_id)
            if alert is not None and alert.kind == kind:
                continue
            with self._lock:
                if self._told.get(provider_id) != kind:
                    continue  # it was told anew since
                if alert is None:
                    del self._told[provider_id]
                else:
                    self._told[provider_id] = alert.kind
            self._monitor.resolve_alert(PREFIX + provider_id, kind)

    def _open(self) -> Mapping[str, PoolAlertRow]:
        with self._store.ledger() as ledger:
            return {alert.provider_id: alert for alert in ledger.alerts(is_resolved=False, limit=PAGE_MAX)}
