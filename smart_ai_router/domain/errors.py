"""Refusals: what a client is told when a call does not go ahead, each with its own status and code.

A refusal is the caller's or the operator's to mend, never a bug of ours. Its message says what was wrong, with the
value, and the way out. The edges render it and map nothing: status, code, type, parameter, retry hint stand here.
`should_retry` says whether the same call can succeed by itself a little later; official clients repeat 429 and 5xx
on their own unless told otherwise, so a refusal that only a person can mend says no.
"""

from collections.abc import Mapping
from typing import ClassVar, Self


class Refusal(Exception):
    """A call that is not carried out. Subclasses are named by cause."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad_request"
    type: ClassVar[str] = "invalid_request_error"
    should_retry: bool = False

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        retry_after_s: float | None = None,
        should_retry: bool | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.details = details  # what a program can read of it; stands beside the error in the answer
        self.retry_after_s = retry_after_s
        if should_retry is not None:
            self.should_retry = should_retry

    def anew(self) -> Self:
        """The same, never raised. A refusal that is kept must not hold the frames it came through: they hold it."""
        return type(self)(
            self.message, param=self.param, retry_after_s=self.retry_after_s, should_retry=self.should_retry
        )


# --- the caller must change the request ---


class RequestMalformed(Refusal):
    """The body is not what the endpoint takes."""

    code = "invalid_request"


class RequestTooLarge(Refusal):
    """The body is larger than the router takes."""

    status = 413
    code = "request_too_large"


class MediaTypeUnsupported(Refusal):
    """The body is not sent as plain JSON."""

    status = 415
    code = "unsupported_media_type"


class EncodingUnsupported(Refusal):
    """The body is compressed."""

    status = 415
    code = "unsupported_encoding"


class TagQueryInvalid(Refusal):
    """The model field is a tag query that cannot be read, or asks for nothing."""

    code = "tag_query_invalid"


class AutoQueryUnsupported(Refusal):
    """The model field is `auto:...`, which this router does not offer."""

    code = "auto_query_unsupported"


class ModelUnknown(Refusal):
    """No channel has a model or an alias of this name."""

    status = 404
    code = "model_not_found"


class TagUnknown(Refusal):
    """No model carries the tag."""

    status = 404
    code = "tag_not_found"


class NoModelMatches(Refusal):
    """Every tag of the query exists, but no model meets the whole query."""

    status = 404
    code = "no_model_matches"


# --- the caller may not ---


class KeyInvalid(Refusal):
    """No API key came, or one that the router does not know, or one that is off or has expired."""

    status = 401
    code = "invalid_api_key"
    type = "authentication_error"


class ModelNotAllowed(Refusal):
    """The API key may not use this model."""

    status = 403
    code = "model_not_allowed"
    type = "permission_error"


class QuotaExhausted(Refusal):
    """The user's own money or quota does not cover the call."""

    status = 402
    code = "user_quota_exhausted"
    type = "insufficient_quota"


class RateLimited(Refusal):
    """Too many calls in too short a time, or too many at once."""

    status = 429
    code = "rate_limit_exceeded"
    type = "rate_limit_error"
    should_retry = True


# --- nothing can serve the call now ---


class ModelDisabledForNow(Refusal):
    """Every channel of the model is off, and the reason is known."""

    status = 503
    code = "model_disabled"
    type = "service_unavailable"


class ChannelsUnavailable(Refusal):
    """Every channel that could serve the call is resting after faults, or at its limit."""

    status = 503
    code = "no_channel_available"
    type = "service_unavailable"
    should_retry = True


class PriceUnknown(Refusal):
    """The model has no price, and the operator refuses calls that cannot be billed."""

    status = 503
    code = "model_unpriced"
    type = "service_unavailable"


class RateUnknownForNow(Refusal):
    """The price stands in a currency that cannot be carried over into the quota's: an exchange rate is missing."""

    status = 503
    code = "exchange_rate_unknown"
    type = "service_unavailable"


class RouterBusy(Refusal):
    """The router cannot take another call now: its journal cannot be written, or it sheds load."""

    status = 503
    code = "router_busy"
    type = "service_unavailable"
    should_retry = True
