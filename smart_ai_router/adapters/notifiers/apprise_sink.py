"""Everything else, through the optional package apprise: 170 services, from PagerDuty to Telegram."""

import importlib
from collections.abc import Callable, Sequence
from types import ModuleType

from smart_ai_router.adapters.notifiers.posting import DeliveryFailed
from smart_ai_router.adapters.notifiers.texts import text_of, title_of
from smart_ai_router.domain.alerts import Alert


class NotifierUnavailable(Exception):
    """A notifier is configured whose package is not installed."""


class AppriseNotifier:
    """Hands each alert to the services behind apprise's URLs."""

    per_minute_max = 20  # among the 170 are robots that silence a sender above it

    def __init__(
        self,
        urls: Sequence[str],
        *,
        name: str = "apprise",
        load: Callable[[str], ModuleType] = importlib.import_module,
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
        self.name = name
        self._sender = package.Apprise()
        for position, url in enumerate(urls):
            if not self._sender.add(url):  # the URL holds secrets and is not repeated
                raise ValueError(f"apprise does not know the service of urls[{position}]")

    def notify(self, alert: Alert) -> None:
        """See `Notifier`. apprise says only whether all services took it; a repeat reaches them all again."""
        if self._sender.notify(body=text_of(alert), title=title_of(alert)) is not True:
            raise DeliveryFailed("at least one service behind apprise did not take the alert")
