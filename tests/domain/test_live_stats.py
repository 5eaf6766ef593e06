"""Live figures: what is seen counts, what was seen long ago does not."""

import pytest

from smart_ai_router.domain.live_stats import FORGET_AFTER_S, LiveStats
from smart_ai_router.domain.routing_scores import UNKNOWN


def test_a_channel_that_was_never_used_is_neither_fast_nor_slow_and_trusted() -> None:
    live = LiveStats()

    assert live.scores("c1", now=0.0) == (UNKNOWN, 1.0)
    assert live.success_ratio("c1", now=0.0) is None


def test_the_first_observation_sets_the_time_and_later_ones_move_it() -> None:
    live = LiveStats()

    live.observe("c1", ok=True, ms=9000.0, ttft_ms=1000.0, now=1.0)
    assert live.scores("c1", now=1.0) == (0.5, 1.0)
    for _ in range(20):
        live.observe("c1", ok=True, ms=9000.0, ttft_ms=100.0, now=2.0)

    speed, _ = live.scores("c1", now=2.0)
    assert speed > 0.8


def test_whole_calls_count_where_no_stream_was_measured() -> None:
    live = LiveStats()

    live.observe("c1", ok=True, ms=4000.0, ttft_ms=None, now=1.0)
    assert live.scores("c1", now=1.0)[0] == 0.5
    live.observe("c1", ok=True, ms=60_000.0, ttft_ms=1.0, now=1.0)
    assert live.scores("c1", now=1.0)[0] == 1.0


def test_a_fast_refusal_is_not_speed() -> None:
    live = LiveStats()

    live.observe("c1", ok=False, ms=1.0, ttft_ms=1.0, now=1.0)

    assert live.scores("c1", now=1.0) == (UNKNOWN, 13 / 16)
    assert live.success_ratio("c1", now=1.0) == pytest.approx(0.8)


def test_failures_weigh_on_reliability_and_successes_restore_it() -> None:
    live = LiveStats()

    for _ in range(30):
        live.observe("c1", ok=False, ms=None, ttft_ms=None, now=1.0)
    assert live.scores("c1", now=1.0)[1] == 0.0
    for _ in range(30):
        live.observe("c1", ok=True, ms=None, ttft_ms=None, now=1.0)

    assert live.scores("c1", now=1.0) == (UNKNOWN, 1.0)


def test_what_was_not_seen_for_ten_minutes_is_forgotten() -> None:
    live = LiveStats()
    live.observe("c1", ok=False, ms=None, ttft_ms=None, now=0.0)
    live.observe("c1", ok=True, ms=40_000.0, ttft_ms=None, now=0.0)

    assert live.scores("c1", now=FORGET_AFTER_S) != (UNKNOWN, 1.0)
    assert live.scores("c1", now=FORGET_AFTER_S + 1) == (UNKNOWN, 1.0)
    assert live.success_ratio("c1", now=FORGET_AFTER_S + 1) is None
    live.observe("c1", ok=True, ms=None, ttft_ms=None, now=FORGET_AFTER_S + 1)
    assert live.scores("c1", now=FORGET_AFTER_S + 1) == (UNKNOWN, 1.0)


def test_the_version_grows_only_when_a_score_changes() -> None:
    live = LiveStats()
    live.observe("c1", ok=True, ms=4000.0, ttft_ms=None, now=1.0)
    version = live.version

    live.observe("c1", ok=True, ms=4000.0, ttft_ms=None, now=1.0)
    assert live.version == version
    live.observe("c1", ok=False, ms=4000.0, ttft_ms=None, now=1.0)
    assert live.version > version


def test_channels_that_are_gone_are_forgotten() -> None:
    live = LiveStats()
    live.observe("c1", ok=False, ms=None, ttft_ms=None, now=1.0)
    live.observe("c2", ok=False, ms=None, ttft_ms=None, now=1.0)

    live.keep_only(frozenset({"c2", "c3"}))

    assert live.success_ratio("c1", now=1.0) is None
    assert live.success_ratio("c2", now=1.0) == pytest.approx(0.8)
