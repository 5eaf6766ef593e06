"""One answer for a call whose every attempt failed."""

import pytest

from smart_ai_router.domain.errors import ModelUnknown, RateLimited
from smart_ai_router.domain.failures import failure_of_faults, failure_of_refusal
from smart_ai_router.domain.faults import Fault, FaultKind

ROWS = [
    ([FaultKind.RATE_LIMIT, FaultKind.RATE_LIMIT], 429, "upstream_rate_limited", True),
    ([FaultKind.RATE_LIMIT, FaultKind.SERVER_ERROR], 502, "upstream_error", True),
    ([FaultKind.TIMEOUT], 504, "upstream_timeout", True),
    ([FaultKind.TIMEOUT, FaultKind.CONNECT_FAILED], 502, "upstream_error", True),
    ([FaultKind.MODEL_MISSING], 404, "model_not_found", False),
    ([FaultKind.QUOTA_EXHAUSTED], 503, "upstream_out_of_money", False),
    ([FaultKind.LOW_BALANCE, FaultKind.QUOTA_EXHAUSTED], 503, "upstream_out_of_money", False),
    ([FaultKind.API_KEY_INVALID], 503, "upstream_key_invalid", False),
    ([FaultKind.API_KEY_INVALID, FaultKind.LOW_BALANCE], 503, "upstream_key_invalid", False),
    ([FaultKind.API_KEY_INVALID, FaultKind.RESET], 502, "upstream_error", True),
    ([FaultKind.MALFORMED], 502, "upstream_error", True),
]


@pytest.mark.parametrize(("kinds", "status", "code", "should_retry"), ROWS)
def test_the_status_is_the_most_helpful_one_that_all_faults_allow(
    kinds: list[FaultKind], status: int, code: str, should_retry: bool
) -> None:
    failure = failure_of_faults([Fault(kind, "why") for kind in kinds])
    assert (failure.status, failure.code, failure.should_retry) == (status, code, should_retry)


def test_an_upstreams_402_is_never_passed_off_as_the_users_own() -> None:
    failure = failure_of_faults([Fault(FaultKind.LOW_BALANCE, "Insufficient Balance", 402)])
    assert failure.status != 402
    assert failure.type != "insufficient_quota"


def test_the_shortest_wait_is_told() -> None:
    faults = [Fault(FaultKind.RATE_LIMIT, "a", 429, retry_after_s=20), Fault(FaultKind.RATE_LIMIT, "b", 429, 5)]
    assert failure_of_faults(faults).retry_after_s == 5


def test_the_message_counts_the_attempts_and_quotes_the_last() -> None:
    one = failure_of_faults([Fault(FaultKind.RESET, "gone")])
    two = failure_of_faults([Fault(FaultKind.RESET, "first"), Fault(FaultKind.RESET, "last")])
    assert one.message == "1 upstream attempt failed; the last one: gone"
    assert two.message == "2 upstream attempts failed; the last one: last"


def test_a_refusal_keeps_its_own_status_and_words() -> None:
    failure = failure_of_refusal(ModelUnknown("no such model", param="model"))
    assert (failure.status, failure.code, failure.param, failure.should_retry) == (
        404, "model_not_found", "model", False,
    )  # fmt: skip
    limited = failure_of_refusal(RateLimited("slow down", retry_after_s=3.0))
    assert (limited.status, limited.should_retry, limited.retry_after_s) == (429, True, 3.0)
