"""How each channel did lately: exponentially weighted time and success share, for the live scores.

Only successes tell a time: a refusal within a millisecond is not speed. What has not been seen for ten minutes is
forgotten, so that a channel that was slow once is tried again.
"""

from typing import Final

from smart_ai_router.domain.routing_scores import UNKNOWN, reliability_score, speed_score

NEWEST_SHARE: Final = 0.2  # an observation fades to a tenth within ten more
FORGET_AFTER_S: Final = 600.0


class _ChannelTimes:
    """Running figures of one channel."""

    __slots__ = ("first_token_ms", "reliability", "seen_at", "speed", "success_ratio", "whole_call_ms")

    def __init__(self) -> None:
        self.seen_at = 0.0
        self.success_ratio = 1.0
        self.first_token_ms: float | None = None
        self.whole_call_ms: float | None = None
        self.speed = UNKNOWN
        self.reliability = 1.0


class LiveStats:
    """Live figures of all channels of one worker."""

    __slots__ = ("_channels", "version")

    def __init__(self) -> None:
        self._channels: dict[str, _ChannelTimes] = {}
        self.version = 0  # grows whenever a score changes

    def observe(self, channel_id: str, ok: bool, ms: float | None, ttft_ms: float | None, now: float) -> None:
        """Take in one attempt. `ms` of the whole call, `ttft_ms` to the first token of a stream; `now` is monotonic."""
        times = self._channels.get(channel_id)
        if times is None or now - times.seen_at > FORGET_AFTER_S:
            times = self._channels[channel_id] = _ChannelTimes()
            self.version += 1
        times.seen_at = now
        times.success_ratio += (ok - times.success_ratio) * NEWEST_SHARE
        before = (times.speed, times.reliability)
        times.reliability = reliability_score(times.success_ratio)
        if ok:
            self._observe_times(times, ms, ttft_ms)
        if before != (times.speed, times.reliability):
            self.version += 1

    @staticmethod
    def _observe_times(times: _ChannelTimes, ms: float | None, ttft_ms: float | None) -> None:
        if ttft_ms is not None:
            times.first_token_ms = _moved(times.first_token_ms, ttft_ms)
        elif ms is not None:
            times.whole_call_ms = _moved(times.whole_call_ms, ms)
        times.speed = speed_score(times.first_token_ms, times.whole_call_ms)

    def scores(self, channel_id: str, now: float) -> tuple[float, float]:
        """(speed, reliability) of a channel."""
        times = self._channels.get(channel_id)
        if times is None or now - times.seen_at > FORGET_AFTER_S:
            return UNKNOWN, 1.0
        return times.speed, times.reliability

    def success_ratio(self, channel_id: str, now: float) -> float | None:
        """The weighted share of successes; None for a channel without recent calls."""
        times = self._channels.get(channel_id)
        if times is None or now - times.seen_at > FORGET_AFTER_S:
            return None
        return times.success_ratio

    def keep_only(self, channel_ids: frozenset[str]) -> None:
        """Forget channels that a new snapshot no longer has."""
        for channel_id in [each for each in self._channels if each not in channel_ids]:
            del self._channels[channel_id]


def _moved(average: float | None, newest: float) -> float:
    return newest if average is None else average + (newest - average) * NEWEST_SHARE
