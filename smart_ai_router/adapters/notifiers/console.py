"""One line on standard error, or another stream."""

import sys
from typing import TextIO

from smart_ai_router.domain.alert_words import clean_text, utc_text
from smart_ai_router.domain.alerts import Alert


class ConsoleNotifier:
    """Prints each alert where the router was started."""

    per_minute_max = 6000  # a terminal keeps up

    def __init__(self, stream: TextIO | None = None, *, name: str = "console") -> None:
        self.name = name
        self._stream = stream

    def notify(self, alert: Alert) -> None:
        """See `Notifier`. Texts hold no control characters, so an error text cannot paint the terminal."""
        stream = self._stream or sys.stderr
        origin = clean_text(f"{alert.alert_type} {alert.channel_id} {alert.delivery_id}")
        stream.write(
            f"{utc_text(alert.timestamp)} {alert.state.value} {alert.severity.value}: {alert.message} [{origin}]\n"
        )
        stream.flush()
