from dataclasses import replace
from datetime import date

from smart_ai_router.core.gates import Gates
from smart_ai_router.core.snapshot import KeyGrant
from tests.core.playbook import ScriptedClock, channel, snapshot

DAY = date(2026, 11, 22)
GRANT = KeyGrant("k1", "aa", "u1", "laptop", concurrency_max=1)


def gates(workers: int = 1) -> Gates:
    return Gates(ScriptedClock(), lambda: DAY, workers)


def test_a_limit_is_shared_between_the_workers() -> None:
    made = gates(workers=2)
    gate = made.channel(channel(concurrency_max=4), snapshot())
    assert [made.enter(gate) is None for _ in range(3)] == [True, True, False]


def test_a_key_that_was_rotated_goes_on_with_its_count() -> None:
    made = gates()
    assert made.enter(made.key(GRANT)) is None
    rotated = replace(GRANT, sha256_hex="bb")
    refused = made.enter(made.key(rotated))
    assert refused is not None
    assert "1" in refused.limit


def test_a_limit_that_changed_begins_anew() -> None:
    made = gates()
    assert made.enter(made.key(GRANT)) is None
    assert made.enter(made.key(replace(GRANT, concurrency_max=2))) is None


def test_a_gate_without_limits_is_open() -> None:
    made = gates()
    gate = made.channel(channel(), snapshot())
    assert gate.is_open
    assert made.enter(gate) is None
    assert made.check(gate, 0.0) is None


def test_the_days_count_goes_on_from_the_books() -> None:
    counted = snapshot(counted_day=DAY, attempts_counted=(("ch_openai_001", 9),))
    made = gates()
    gate = made.channel(channel(daily_limit=10), counted)
    assert made.check(gate, 0.0) is None
    assert made.enter(gate) is None
    assert made.enter(gate) is not None
