"""Monitoring in the control plane: the monitor, the outbox and its threads, as the settings want them now."""

import time
from pathlib import Path

from smart_ai_router.adapters.alert_files import PendingFile
from smart_ai_router.adapters.notifiers.threads import DeliveryThreads
from smart_ai_router.app.extensions import accept_extensions, make_monitor, notifiers_of
from smart_ai_router.config.loading import Loaded
from smart_ai_router.config.policies import alert_rules
from smart_ai_router.config.settings import Settings
from smart_ai_router.core.alerting import AlertOutbox
from smart_ai_router.core.utils.channel_monitor import use_channel_monitor


class Monitoring:
    """Owns what tells people. Rules and notifiers follow the settings; the monitor's class is that of the start."""

    def __init__(self, loaded: Loaded, data_dir: Path, logs_dir: Path) -> None:
        """Raises ConfigurationInvalid when code that the configuration names cannot be used."""
        settings = accept_extensions(loaded).settings
        self._notifiers = settings.monitoring.alerts.notifiers
        pending = PendingFile(data_dir / "alerts.pending.jsonl")
        self._outbox = AlertOutbox(notifiers_of(settings), pending, clock=time.time)
        self._deliveries = DeliveryThreads(self._outbox)
        self.monitor = make_monitor(loaded, logs_dir / "channel_alerts.jsonl", self._outbox)
        use_channel_monitor(self.monitor)

    def start(self) -> None:
        self._deliveries.start()

    def follow(self, settings: Settings) -> None:
        """The settings changed: alarm by their rules and tell their receivers from now on."""
        self.monitor.rules = alert_rules(settings)
        if settings.monitoring.alerts.notifiers != self._notifiers:
            self._notifiers = settings.monitoring.alerts.notifiers
            self._outbox.use_notifiers(notifiers_of(settings))
            self._deliveries.follow()

    def close(self) -> None:
        """Finish the deliveries under way; the monitor is closed by whoever feeds it."""
        self._deliveries.close()
