"""Who tells of an alert."""

import pytest

from smart_ai_router.core.alert_claims import may_tell
from smart_ai_router.domain.alerts import AlertState
from tests.core.alert_samples import NOON, alert


class ClaimBook:
    """Claims in memory, with the words of the port."""

    def __init__(self) -> None:
        self.until: dict[tuple[str, str], float] = {}

    def claim(self, channel_id: str, kind: str, now: float, until: float) -> bool:
        if self.until.get((channel_id, kind), now) > now:
            return False
        self.until[channel_id, kind] = until
        return True

    def release(self, channel_id: str, kind: str) -> bool:
        return self.until.pop((channel_id, kind), None) is not None


class NobodyThere:
    """Claims that cannot be reached."""

    def claim(self, channel_id: str, kind: str, now: float, until: float) -> bool:
        raise ConnectionError("the store is down")

    def release(self, channel_id: str, kind: str) -> bool:
        raise ConnectionError("the store is down")


def test_without_claims_one_always_tells() -> None:
    assert may_tell(None, alert(), 3600)
    assert may_tell(None, alert(state=AlertState.RESOLVED), 3600)


def test_r6_the_first_tells_and_the_second_does_not_until_the_cool_down_is_over() -> None:
    claims = ClaimBook()
    assert may_tell(claims, alert(), 3600)
    assert not may_tell(claims, alert(at=NOON + 3599.9), 3600)
    assert may_tell(claims, alert(2), 3600)
    assert may_tell(claims, alert(at=NOON + 3600), 3600)


def test_r6_the_end_is_told_once_and_then_the_alert_can_be_told_again() -> None:
    claims = ClaimBook()
    may_tell(claims, alert(), 3600)
    assert may_tell(claims, alert(state=AlertState.RESOLVED), 3600)
    assert not may_tell(claims, alert(state=AlertState.RESOLVED), 3600)
    assert may_tell(claims, alert(at=NOON + 1), 3600)


@pytest.mark.parametrize("state", list(AlertState))
def test_claims_that_cannot_be_reached_silence_nobody(state: AlertState) -> None:
    assert may_tell(NobodyThere(), alert(state=state), 3600)
