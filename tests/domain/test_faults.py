"""Faults: whose move it is."""

import pytest

from smart_ai_router.domain.faults import Fault, FaultKind


@pytest.mark.parametrize("kind", FaultKind)
def test_only_a_refused_request_is_for_the_client_to_change(kind: FaultKind) -> None:
    assert Fault(kind, "x").blames_request is (kind is FaultKind.REQUEST_REFUSED)


def test_a_key_that_an_upstream_repeats_is_taken_out_of_its_words() -> None:
    fault = Fault(FaultKind.API_ERROR, "no account for plainkey and plainkey", 403, 2.0, {"remaining_requests": 1})
    assert fault.without("plainkey") == Fault(
        FaultKind.API_ERROR, "no account for *** and ***", 403, 2.0, {"remaining_requests": 1}
    )
    assert fault.without("") is fault.without("another") is fault
