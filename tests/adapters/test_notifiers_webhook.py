"""The signed webhook's exact wire form."""

import hashlib
import hmac
import json
from collections.abc import Iterator

import pytest

from smart_ai_router.adapters.notifiers import AddressRefused, DeliveryFailed, HttpPoster, WebhookNotifier
from smart_ai_router.core.alert_log import encode_alert
from tests.adapters.alert_receivers import HttpSink, http_sink
from tests.core.alert_samples import NOON, SetClock, alert


@pytest.fixture
def sink() -> Iterator[HttpSink]:
    with http_sink() as sink:
        yield sink


def webhook(sink: HttpSink, secret: str = "shared secret 密") -> WebhookNotifier:
    return WebhookNotifier(sink.url(), secret, poster=HttpPoster(allow_private=True), clock=SetClock(NOON + 0.9))


def test_m1_69_the_body_is_the_alerts_line(sink: HttpSink) -> None:
    webhook(sink).notify(alert())
    posted = sink.take()
    assert posted.body == encode_alert(alert())
    assert json.loads(posted.body)["message"] == "渠道 Channel 1 配额已用完"
    assert posted.headers["content-type"] == "application/json; charset=utf-8"


def test_s10_the_signature_covers_timestamp_and_body(sink: HttpSink) -> None:
    webhook(sink).notify(alert())
    posted = sink.take()
    assert posted.headers["x-smart-ai-router-timestamp"] == "1763812800"
    assert posted.headers["x-smart-ai-router-delivery"] == "alt_1.1"
    expected = hmac.new("shared secret 密".encode(), b"1763812800." + posted.body, hashlib.sha256).hexdigest()
    assert posted.headers["x-smart-ai-router-signature"] == f"sha256={expected}"


def test_another_secret_timestamp_or_body_signs_differently(sink: HttpSink) -> None:
    signatures = set()
    for secret, number in (("a", 1), ("b", 1), ("a", 2)):
        webhook(sink, secret).notify(alert(number))
        signatures.add(sink.take().headers["x-smart-ai-router-signature"])
    later = WebhookNotifier(sink.url(), "a", poster=HttpPoster(allow_private=True), clock=SetClock(NOON + 2))
    later.notify(alert())
    signatures.add(sink.take().headers["x-smart-ai-router-signature"])
    assert len(signatures) == 4


@pytest.mark.parametrize("status", [302, 400, 401, 404, 429, 500, 503])
def test_anything_but_2xx_is_not_delivered(sink: HttpSink, status: int) -> None:
    sink.status = status
    with pytest.raises(DeliveryFailed, match=str(status)):
        webhook(sink).notify(alert())


def test_a_webhook_without_a_secret_or_address_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a secret"):
        WebhookNotifier("https://ops.example.com/", "")
    with pytest.raises(AddressRefused):
        WebhookNotifier("ftp://ops.example.com/", "x")


def test_s8_a_webhook_is_not_sent_inside_unless_allowed(sink: HttpSink) -> None:
    with pytest.raises(AddressRefused):
        WebhookNotifier(sink.url(), "x").notify(alert())
    assert sink.connections == 0


def test_s6_the_secret_is_not_shown() -> None:
    notifier = WebhookNotifier("https://ops.example.com/?token=hidden-token", "hidden-secret")
    assert "hidden" not in repr(notifier)
