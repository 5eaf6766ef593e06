"""The limits of keys and channels in one worker: calls a minute, calls at once, calls a day, time between calls."""

from collections.abc import Callable
from datetime import date

from smart_ai_router.core.ports import Clock
from smart_ai_router.core.snapshot import KeyGrant, Snapshot
from smart_ai_router.domain.channel import Channel
from smart_ai_router.domain.limits import CallGate, DailyCount, Refused


class Gates:
    """One gate for each key and channel that was met. A limit that did not change goes on with its count."""

    def __init__(self, clock: Clock, today: Callable[[], date], workers: int) -> None:
        """Each of `workers` workers enforces its share of every limit."""
        self._clock = clock
        self._today = today
        self._workers = workers
        self._keys: dict[str, tuple[KeyGrant, CallGate]] = {}
        self._channels: dict[str, tuple[Channel, CallGate]] = {}

    def key(self, grant: KeyGrant) -> CallGate:
        """The gate of an API key."""
        known = self._keys.get(grant.id)
        if known is None or known[0] is not grant:
            gate = CallGate(grant.requests_per_minute_max, grant.concurrency_max, shares=self._workers)
            if known is not None and _key_limits(known[0]) == _key_limits(grant):
                gate = known[1]
            known = self._keys[grant.id] = (grant, gate)
        return known[1]

    def channel(self, channel: Channel, snapshot: Snapshot) -> CallGate:
        """The gate of a channel; a count of the day that begins here goes on from the books."""
        known = self._channels.get(channel.id)
        if known is None or known[0] is not channel:
            gate = CallGate(
                channel.requests_per_minute_max,
                channel.concurrency_max,
                channel.daily_limit,
                channel.min_request_interval_s,
                shares=self._workers,
            )
            if known is not None and _limits(known[0]) == _limits(channel):
                gate = known[1]
            elif gate.daily is not None:
                self._resume_count(gate.daily, channel.id, snapshot)
            known = self._channels[channel.id] = (channel, gate)
        return known[1]

    def enter(self, gate: CallGate) -> Refused | None:
        """Take a place; the refusal says which limit and how long to wait."""
        if gate.is_open:
            return None
        verdict = gate.enter(self._clock.monotonic(), self._today())
        return verdict if isinstance(verdict, Refused) else None

    def check(self, gate: CallGate, now: float) -> Refused | None:
        """What `enter` would say, without taking a place."""
        verdict = gate.check(now, self._today())
        return verdict if isinstance(verdict, Refused) else None

    def _resume_count(self, daily: DailyCount, channel_id: str, snapshot: Snapshot) -> None:
        """A worker that has just started goes on with the day's count of the books, its share of it."""
        daily.day = snapshot.counted_day
        daily.used = -(-dict(snapshot.attempts_counted).get(channel_id, 0) // self._workers)


def _key_limits(grant: KeyGrant) -> tuple[object, ...]:
    return (grant.requests_per_minute_max, grant.concurrency_max)  # a rotated key is counted as one


def _limits(channel: Channel) -> tuple[object, ...]:
    return (
        channel.requests_per_minute_max,
        channel.concurrency_max,
        channel.daily_limit,
        channel.min_request_interval_s,
    )
