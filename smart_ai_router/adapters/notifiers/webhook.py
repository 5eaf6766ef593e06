"""The signed webhook: the alert's line as the body of a POST.

A receiver verifies it in three steps: join the header `x-smart-ai-router-timestamp`, a dot and the body's bytes;
compute their HMAC-SHA256 with the shared secret; compare its hexadecimal digits, in constant time, with what follows
`sha256=` in the header `x-smart-ai-router-signature`. It should refuse a timestamp (seconds since 1970) more than five
minutes away, and drop repeats of one `x-smart-ai-router-delivery`. Any 2xx means that the alert was taken.
"""

import hashlib
import hmac
import time
from collections.abc import Callable

from smart_ai_router.adapters.notifiers.posting import HttpPoster, checked_url
from smart_ai_router.core.alert_log import encode_alert
from smart_ai_router.domain.alerts import Alert


class WebhookNotifier:
    """Posts the alert as JSON, signed."""

    per_minute_max = 600  # a program reads it, ten a second are no burden

    def __init__(
        self,
        url: str,
        secret: str,
        *,
        name: str = "webhook",
        poster: HttpPoster | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Raises ValueError for an empty secret, AddressRefused for what is not an http or https address."""
        if not secret:
            raise ValueError("a webhook needs a secret, or its receiver could not tell our alerts from anyone's")
        checked_url(url)
        self.name = name
        self._url = url
        self._secret = secret.encode()
        self._poster = poster or HttpPoster()
        self._clock = clock

    def notify(self, alert: Alert) -> None:
        """See `Notifier`."""
        body = encode_alert(alert)
        timestamp = str(int(self._clock()))
        headers = {
            "x-smart-ai-router-delivery": alert.delivery_id,
            "x-smart-ai-router-timestamp": timestamp,
            "x-smart-ai-router-signature": "sha256=" + signature_of(self._secret, timestamp, body),
        }
        self._poster.post(self._url, body, headers).require_success()


def signature_of(secret: bytes, timestamp: str, body: bytes) -> str:
    """The hexadecimal HMAC-SHA256 of `<timestamp>.<body>`."""
    return hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
