"""Faults: what an upstream did wrong, in the words the monitor and the router decide by."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum


class FaultKind(StrEnum):
    """The reason an attempt failed."""

    CONNECT_FAILED = "connect_failed"
    TLS_FAILED = "tls_failed"
    TIMEOUT = "timeout"
    RESET = "reset"  # the connection ended before the reply did
    MALFORMED = "malformed"  # the reply broke HTTP framing or is not what the endpoint answers
    API_KEY_INVALID = "api_key_invalid"
    QUOTA_EXHAUSTED = "quota_exhausted"
    LOW_BALANCE = "low_balance"  # the provider says that the account has no money
    RATE_LIMIT = "rate_limit"
    SERVER_ERROR = "server_error"
    MODEL_MISSING = "model_missing"
    REQUEST_REFUSED = "request_refused"  # the provider blames the request itself; no other channel would differ
    API_ERROR = "api_error"


@dataclass(frozen=True, slots=True)
class Fault:
    """One failed attempt: whose words, which status, and when to come back."""

    kind: FaultKind
    message: str
    status: int | None = None  # the upstream's HTTP status, None when there was none
    retry_after_s: float | None = None
    details: Mapping[str, str | int] = field(default_factory=dict)

    def without(self, secret: str) -> "Fault":
        """The same fault, with a secret that the upstream repeated taken out of its words."""
        return replace(self, message=self.message.replace(secret, "***")) if secret and secret in self.message else self

    @property
    def blames_request(self) -> bool:
        """True when the client must change something; the upstream's answer goes to the client as it is."""
        return self.kind is FaultKind.REQUEST_REFUSED
