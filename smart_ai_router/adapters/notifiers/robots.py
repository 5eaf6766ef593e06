"""Group robots: DingTalk, Feishu (Lark), WeCom and Slack. Each is given the robot's address as its vendor shows it.

All send plain text: markup would let an upstream's error text mention everyone or hide a link.
"""

import base64
import hashlib
import hmac
import time
from collections.abc import Callable
from typing import ClassVar, Final
from urllib.parse import urlencode

import msgspec

from smart_ai_router.adapters.notifiers.posting import Answer, DeliveryFailed, HttpPoster, checked_url
from smart_ai_router.adapters.notifiers.texts import cut_to_bytes, text_of
from smart_ai_router.domain.alerts import Alert

TEXT_BYTES_MAX: Final = 2048  # WeCom's limit, the smallest; developer.work.weixin.qq.com/document/path/91770


class _SigningRobot:
    """A robot that may have a secret, with which each message is signed at its time."""

    vendor: ClassVar[str]

    def __init__(
        self,
        url: str,
        secret: str | None = None,
        *,
        name: str | None = None,
        poster: HttpPoster | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        checked_url(url)
        self.name = name or self.vendor
        self._url = url
        self._secret = secret
        self._poster = poster or HttpPoster()
        self._clock = clock


class DingTalkNotifier(_SigningRobot):
    """A DingTalk group robot; with a secret each message is signed (open.dingtalk.com, custom robot access)."""

    vendor = "dingtalk"
    per_minute_max = 20  # DingTalk silences a robot for ten minutes above it

    def notify(self, alert: Alert) -> None:
        """See `Notifier`."""
        body = {"msgtype": "text", "text": {"content": _text(alert)}, "at": {"isAtAll": False}}
        answer = self._poster.post(self._signed_url(), msgspec.json.encode(body), {})
        _require_code(answer, "errcode")

    def _signed_url(self) -> str:
        if self._secret is None:
            return self._url
        timestamp = str(round(self._clock() * 1000))
        signature = _hmac_base64(self._secret.encode(), f"{timestamp}\n{self._secret}".encode())
        separator = "&" if "?" in self._url else "?"
        return f"{self._url}{separator}{urlencode({'timestamp': timestamp, 'sign': signature})}"


class FeishuNotifier(_SigningRobot):
    """A Feishu or Lark group robot; with a secret each message is signed (open.feishu.cn, custom bot guide).

    The signature's key is the timestamp and the secret; what is signed is empty. That is the vendor's definition.
    """

    vendor = "feishu"
    per_minute_max = 60  # of 100 that Feishu allows, and 5 a second

    def notify(self, alert: Alert) -> None:
        """See `Notifier`."""
        text = _text(alert).replace("<", "＜")  # <at user_id="all"> in a text would mention everyone
        body: dict[str, object] = {"msg_type": "text", "content": {"text": text}}
        if self._secret is not None:
            timestamp = str(int(self._clock()))
            signature = _hmac_base64(f"{timestamp}\n{self._secret}".encode(), b"")
            body = {"timestamp": timestamp, "sign": signature, **body}
        answer = self._poster.post(self._url, msgspec.json.encode(body), {})
        _require_code(answer, "code", "StatusCode")


class WeComNotifier:
    """A WeCom (企业微信) group robot; its address is its secret (developer.work.weixin.qq.com/document/path/91770)."""

    per_minute_max = 20  # WeCom's limit for a robot

    def __init__(self, url: str, *, name: str = "wecom", poster: HttpPoster | None = None) -> None:
        checked_url(url)
        self.name = name
        self._url = url
        self._poster = poster or HttpPoster()

    def notify(self, alert: Alert) -> None:
        """See `Notifier`."""
        body = {"msgtype": "text", "text": {"content": _text(alert)}}
        _require_code(self._poster.post(self._url, msgspec.json.encode(body), {}), "errcode")


class SlackNotifier:
    """A Slack incoming webhook; its address is its secret (docs.slack.dev, incoming webhooks)."""

    per_minute_max = 60  # Slack takes one message a second

    def __init__(self, url: str, *, name: str = "slack", poster: HttpPoster | None = None) -> None:
        checked_url(url)
        self.name = name
        self._url = url
        self._poster = poster or HttpPoster()

    def notify(self, alert: Alert) -> None:
        """See `Notifier`."""
        text = _text(alert).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")  # Slack's three escapes
        self._poster.post(self._url, msgspec.json.encode({"text": text}), {}).require_success()


def _text(alert: Alert) -> str:
    return cut_to_bytes(text_of(alert), TEXT_BYTES_MAX)


def _hmac_base64(key: bytes, message: bytes) -> str:
    return base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()


def _require_code(answer: Answer, *names: str) -> None:
    """These services answer 200 to a refused message too, and say so in a code; 0 means taken."""
    answer.require_success()
    try:
        reply = msgspec.json.decode(answer.body, type=dict[str, object])
    except msgspec.DecodeError as error:
        raise DeliveryFailed(f"the robot's answer is not JSON: {answer.excerpt}") from error
    if not any(name in reply for name in names) or any(reply.get(name, 0) != 0 for name in names):
        raise DeliveryFailed(f"the robot refused the message: {answer.excerpt}")
