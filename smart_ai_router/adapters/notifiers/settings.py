"""Notifiers from settings: a list of mappings, each with a `type`.

alerts:
  notifiers:
    - {type: console}
    - {type: webhook, url: "https://ops.example.com/alerts", secret: "${ALERT_SECRET}"}
    - {type: smtp, host: mail.example.com, sender: router@example.com, recipients: [ops@example.com]}
    - {type: dingtalk, url: "https://oapi.dingtalk.com/robot/send?access_token=...", secret: "SEC..."}
    - {type: feishu, url: "https://open.feishu.cn/open-apis/bot/v2/hook/...", secret: "..."}
    - {type: wecom, url: "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=..."}
    - {type: slack, url: "https://hooks.slack.com/services/..."}
    - {type: apprise, urls: ["tgram://..."]}
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import msgspec

from smart_ai_router.adapters.notifiers.addresses import AddressRefused
from smart_ai_router.adapters.notifiers.apprise_sink import AppriseNotifier
from smart_ai_router.adapters.notifiers.console import ConsoleNotifier
from smart_ai_router.adapters.notifiers.mail import MailNotifier, Security
from smart_ai_router.adapters.notifiers.posting import POST_TIMEOUT_S, HttpPoster
from smart_ai_router.adapters.notifiers.robots import DingTalkNotifier, FeishuNotifier, SlackNotifier, WeComNotifier
from smart_ai_router.adapters.notifiers.webhook import WebhookNotifier
from smart_ai_router.core.alerting import Notifier


class NotifierSettingsInvalid(ValueError):
    """Settings that make no notifier; the message names the entry and the key, never a value."""


class _Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    name: str | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.name!r})"  # the other fields are secrets, or hold some


class WebhookSettings(_Settings, frozen=True, tag="webhook"):
    url: str
    secret: str
    timeout_s: float = POST_TIMEOUT_S


class MailSettings(_Settings, frozen=True, tag="smtp"):
    host: str
    sender: str
    recipients: list[str]
    port: int | None = None
    security: Security = "starttls"
    username: str | None = None
    password: str | None = None


class DingTalkSettings(_Settings, frozen=True, tag="dingtalk"):
    url: str
    secret: str | None = None


class FeishuSettings(_Settings, frozen=True, tag="feishu"):
    url: str
    secret: str | None = None


class WeComSettings(_Settings, frozen=True, tag="wecom"):
    url: str


class SlackSettings(_Settings, frozen=True, tag="slack"):
    url: str


class ConsoleSettings(_Settings, frozen=True, tag="console"):
    pass


class AppriseSettings(_Settings, frozen=True, tag="apprise"):
    urls: list[str]


OwnSettings: TypeAlias = (
    WebhookSettings | MailSettings | DingTalkSettings | FeishuSettings | WeComSettings | SlackSettings | ConsoleSettings
)
NotifierSettings: TypeAlias = OwnSettings | AppriseSettings


def notifiers_from(entries: Sequence[Mapping[str, object]], *, trusted: bool) -> list[Notifier]:
    """The notifiers of a list of settings; raises NotifierSettingsInvalid, NotifierUnavailable.

    `trusted` is True for the operator's own file: its targets may be private addresses. What arrives by API is not
    trusted: its targets are checked when connecting, and apprise, which connects by itself, is refused.
    """
    notifiers: list[Notifier] = []
    for position, entry in enumerate(entries):
        try:
            notifiers += _notifiers(msgspec.convert(dict(entry), NotifierSettings), trusted=trusted)
        except (ValueError, AddressRefused) as error:
            raise NotifierSettingsInvalid(f"notifiers[{position}]: {error}") from error
    return notifiers


def _notifiers(settings: NotifierSettings, *, trusted: bool) -> list[Notifier]:
    if not isinstance(settings, AppriseSettings):
        return [_notifier(settings, trusted=trusted)]
    if not trusted:
        raise AddressRefused("apprise connects by itself; it can be configured in the file only")
    # One for each URL: what one service refuses is tried again there, and not repeated at the others.
    name = settings.name or "apprise"
    names = [name, *(f"{name}-{number}" for number in range(2, len(settings.urls) + 1))]
    return [AppriseNotifier(url, name=each) for url, each in zip(settings.urls, names, strict=False)]


def _notifier(settings: OwnSettings, *, trusted: bool) -> Notifier:
    poster = HttpPoster(allow_private=trusted)
    match settings:
        case WebhookSettings(url=url, secret=secret, timeout_s=timeout_s):
            own = HttpPoster(allow_private=trusted, timeout_s=timeout_s)
            return WebhookNotifier(url, secret, name=settings.name or "webhook", poster=own)
        case MailSettings():
            return _mail_notifier(settings, trusted=trusted)
        case DingTalkSettings(url=url, secret=secret):
            return DingTalkNotifier(url, secret, name=settings.name or "dingtalk", poster=poster)
        case FeishuSettings(url=url, secret=secret):
            return FeishuNotifier(url, secret, name=settings.name or "feishu", poster=poster)
        case WeComSettings(url=url):
            return WeComNotifier(url, name=settings.name or "wecom", poster=poster)
        case SlackSettings(url=url):
            return SlackNotifier(url, name=settings.name or "slack", poster=poster)
        case ConsoleSettings():
            return ConsoleNotifier(name=settings.name or "console")


def _mail_notifier(settings: MailSettings, *, trusted: bool) -> MailNotifier:
    return MailNotifier(
        settings.host,
        settings.sender,
        settings.recipients,
        port=settings.port,
        security=settings.security,
        username=settings.username,
        password=settings.password,
        name=settings.name or "smtp",
        allow_private=trusted,
    )
