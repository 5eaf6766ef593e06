"""Says to the client what became of its call: an answer, an error, or the broken end of a stream."""

from typing import Final

from smart_ai_router.core.calls import ErrorShape
from smart_ai_router.core.http_messages import ClientReply
from smart_ai_router.core.ports import Headers
from smart_ai_router.domain.failures import Failure
from smart_ai_router.domain.money import pico_to_text
from smart_ai_router.domain.pricing import Bill

JSON_TYPE: Final = "application/json"
STREAM_HEADERS: Final = (
    ("content-type", "text/event-stream; charset=utf-8"),
    ("cache-control", "no-cache"),
    ("x-accel-buffering", "no"),  # asks a proxy in front not to gather chunks
)
NO_RETRY: Final = ("x-should-retry", "false")
RETRY: Final = ("x-should-retry", "true")


class ClientAnswer:
    """One client's answer. The trail names the channel that was asked last and how many were."""

    __slots__ = ("_errors", "_request_id", "reply", "trail")

    def __init__(self, reply: ClientReply, errors: ErrorShape, request_id: str) -> None:
        self.reply = reply
        self._errors = errors
        self._request_id = request_id
        self.trail: tuple[str, int] = ("", 0)

    def stream(self, data: bytes) -> None:
        """Bytes of a stream that may go now."""
        reply = self.reply
        if not reply.started:
            reply.start(200, (*STREAM_HEADERS, *self._own_headers()), None)
        reply.write(data)

    def end_stream(self, last: bytes) -> None:
        """The last bytes of a stream that is on the books."""
        self.stream(b"")
        self.reply.finish(last)

    def send(self, status: int, content_type: str, body: bytes, bill: Bill | None) -> None:
        """A whole answer, with what it cost."""
        headers = [("content-type", content_type), *self._own_headers()]
        if bill is not None:
            headers.append(("x-smart-ai-router-cost", f"{pico_to_text(bill.total_cost)} {bill.currency}"))
        self.reply.send(status, headers, body)

    def fail(self, failure: Failure) -> None:
        """An error: as an answer, or as the end of a stream that has begun."""
        if self.reply.started:
            self.reply.finish(self._errors.event(failure, self._request_id))
            return
        headers = [("content-type", JSON_TYPE), *self._own_headers(), RETRY if failure.should_retry else NO_RETRY]
        if failure.retry_after_s is not None:
            headers.append(("retry-after", str(max(1, round(failure.retry_after_s)))))
        self.reply.send(failure.status, headers, self._errors.body(failure, self._request_id))

    def pass_refusal_on(self, status: int, content_type: str, body: bytes, secret: str) -> None:
        """The provider blames the request: its own status and words, without our key."""
        if secret:
            body = body.replace(secret.encode(), b"***")
        self.reply.send(status, (("content-type", content_type), *self._own_headers(), NO_RETRY), body)

    def _own_headers(self) -> Headers:
        channel_id, attempts = self.trail
        return (
            ("x-request-id", self._request_id),
            ("x-smart-ai-router-channel", channel_id),
            ("x-smart-ai-router-attempts", str(attempts)),
        )
