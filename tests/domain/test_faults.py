"""Faults: whose move it is."""

import pytest

from smart_ai_router.domain.faults import Fault, FaultKind


@pytest.mark.parametrize("kind", FaultKind)
def test_only_a_refused_request_is_for_the_client_to_change(kind: FaultKind) -> None:
    assert Fault(kind, "x").blames_request is (kind is FaultKind.REQUEST_REFUSED)
