"""Ways to tell people of an alert. Each is a class with `notify(alert)`; a new one needs nothing more."""

from smart_ai_router.adapters.notifiers.addresses import AddressRefused
from smart_ai_router.adapters.notifiers.apprise_sink import AppriseNotifier, NotifierUnavailable
from smart_ai_router.adapters.notifiers.console import ConsoleNotifier
from smart_ai_router.adapters.notifiers.mail import MailNotifier
from smart_ai_router.adapters.notifiers.posting import DeliveryFailed, HttpPoster
from smart_ai_router.adapters.notifiers.robots import DingTalkNotifier, FeishuNotifier, SlackNotifier, WeComNotifier
from smart_ai_router.adapters.notifiers.settings import NotifierSettingsInvalid, notifiers_from
from smart_ai_router.adapters.notifiers.threads import DeliveryThreads
from smart_ai_router.adapters.notifiers.webhook import WebhookNotifier

__all__ = [
    "AddressRefused",
    "AppriseNotifier",
    "ConsoleNotifier",
    "DeliveryFailed",
    "DeliveryThreads",
    "DingTalkNotifier",
    "FeishuNotifier",
    "HttpPoster",
    "MailNotifier",
    "NotifierSettingsInvalid",
    "NotifierUnavailable",
    "SlackNotifier",
    "WeComNotifier",
    "WebhookNotifier",
    "notifiers_from",
]
