"""What a client is told when its call did not succeed, and how the faults of all attempts become one answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from smart_ai_router.domain.errors import Refusal
from smart_ai_router.domain.faults import Fault, FaultKind

_OUT_OF_MONEY = frozenset((FaultKind.QUOTA_EXHAUSTED, FaultKind.LOW_BALANCE))
_OPERATORS_TO_MEND = _OUT_OF_MONEY | {FaultKind.API_KEY_INVALID}


@dataclass(frozen=True, slots=True)
class Failure:
    """Status, words and retry advice, before any client's shape is given to them."""

    status: int
    type: str
    code: str
    message: str
    param: str | None = None
    should_retry: bool = False
    retry_after_s: float | None = None
    details: Mapping[str, object] | None = None  # stand beside the error in the answer


def failure_of_refusal(refusal: Refusal) -> Failure:
    """The refusal's own status and words."""
    return Failure(
        refusal.status,
        refusal.type,
        refusal.code,
        refusal.message,
        refusal.param,
        refusal.should_retry,
        refusal.retry_after_s,
        refusal.details,
    )


def failure_of_faults(faults: Sequence[Fault]) -> Failure:
    """One answer for a call whose every attempt failed; the most helpful status that all of them allow.

    All rate limited: 429 with the shortest wait. All timeouts: 504. Only keys and balances that the operator must
    mend: 503 without retry. The model missing everywhere: 404. Anything else: 502.
    """
    kinds = {fault.kind for fault in faults}
    last = faults[-1].message if faults else "no upstream was reached"
    tried = f"{len(faults)} upstream {'attempt' if len(faults) == 1 else 'attempts'} failed; the last one: {last}"
    waits = [fault.retry_after_s for fault in faults if fault.retry_after_s is not None]
    wait = min(waits) if waits else None
    if kinds == {FaultKind.RATE_LIMIT}:
        return Failure(429, "rate_limit_error", "upstream_rate_limited", tried, should_retry=True, retry_after_s=wait)
    if kinds == {FaultKind.TIMEOUT}:
        return Failure(504, "upstream_error", "upstream_timeout", tried, should_retry=True)
    if kinds == {FaultKind.MODEL_MISSING}:
        return Failure(404, "invalid_request_error", "model_not_found", tried, param="model")
    if kinds and kinds <= _OPERATORS_TO_MEND:
        code = "upstream_out_of_money" if kinds <= _OUT_OF_MONEY else "upstream_key_invalid"
        return Failure(503, "upstream_error", code, tried)
    return Failure(502, "upstream_error", "upstream_error", tried, should_retry=True, retry_after_s=wait)
