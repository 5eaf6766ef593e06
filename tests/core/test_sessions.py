"""When a session is open. What stores do with it: `tests/contract/test_access.py`."""

import pytest

from smart_ai_router.core.sessions import IDLE_MS, SessionRow

SESSION = SessionRow(b"h" * 32, "administrator:carol", 1, opened_ms=1000, seen_ms=5000, expires_ms=5000 + 2 * IDLE_MS)


@pytest.mark.parametrize(
    ("at_ms", "is_open"),
    [(5000 + IDLE_MS - 1, True), (5000 + IDLE_MS, False), (5000 + IDLE_MS + 1, False), (4000, True), (0, True)],
)
def test_a_session_is_open_until_nobody_used_it_for_a_while(at_ms: int, is_open: bool) -> None:
    assert SESSION.is_open(at_ms) is is_open


@pytest.mark.parametrize(("before_ms", "is_open"), [(1, True), (0, False), (-1, False)])
def test_a_session_is_open_until_its_time_is_over(before_ms: int, is_open: bool) -> None:
    used = SessionRow(b"h" * 32, "administrator:carol", 1, 0, SESSION.expires_ms - 1, SESSION.expires_ms)

    assert used.is_open(SESSION.expires_ms - before_ms) is is_open
