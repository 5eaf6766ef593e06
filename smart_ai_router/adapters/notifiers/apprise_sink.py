"""Everything else, through the optional package apprise: more than a hundred services, from PagerDuty to Telegram."""

import importlib
import logging
from collections.abc import Callable
from types import ModuleType

from smart_ai_router.adapters.notifiers.posting import DeliveryFailed
from smart_ai_router.adapters.notifiers.texts import text_of, title_of
from smart_ai_router.domain.alerts import Alert


class NotifierUnavailable(Exception):
    """A notifier is configured whose package is not installed."""


class AppriseNotifier:
    """Hands each alert to the service behind one of apprise's URLs."""

    per_minute_max = 20  # among its services are robots that silence a sender above it

    def __init__(
        self, url: str, *, name: str = "apprise", load: Callable[[str], ModuleType] = importlib.import_module
    ) -> None:
        """Raises NotifierUnavailable without the package, ValueError for a URL that apprise does not know.

        The package is loaded here and not before, because it costs a quarter of a second and 24 MB.
        """
        try:
            package = load("apprise")
        except ModuleNotFoundError as error:
            raise NotifierUnavailable(
                "the notifier apprise needs its package: pip install 'smart-ai-router[alerts]'"
            ) from error
        logging.getLogger("apprise").setLevel(logging.CRITICAL)  # it logs whole URLs, and they hold secrets
        self.name = name
        self._sender = package.Apprise()
        if not self._sender.add(url):
            raise ValueError("apprise does not know the service of this url")

    def notify(self, alert: Alert) -> None:
        """See `Notifier`. apprise says in the truth value of its answer whether the service took it."""
        if not self._sender.notify(body=text_of(alert), title=title_of(alert)):
            raise DeliveryFailed("the service behind apprise did not take the alert")
