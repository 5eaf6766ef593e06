"""How many calls a key or a channel may make: by minute, at once, by day, and how far apart.

Each limit answers `check` (may a call go now? changes nothing) and `take` (if it may, count it). `CallGate` holds all
limits of one key or channel and counts a call on all of them or on none. Times are monotonic seconds; days are dates
of the configured time zone, passed in. One worker counts its own calls; `shares` divides a limit between workers, with
at least one call for each.
"""

import math
from dataclasses import dataclass
from datetime import date
from typing import Final, TypeAlias


@dataclass(frozen=True, slots=True)
class Allowed:
    """The call may go."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The call may not go; `retry_after_s` is None when no time can be told."""

    limit: str  # which limit, in words
    retry_after_s: float | None


Verdict: TypeAlias = Allowed | Refused
RateLimitHeaders: TypeAlias = tuple[tuple[str, str], ...]

ALLOWED: Final = Allowed()
CONCURRENCY_RETRY_S: Final = 1.0  # a call under way may end at any time; clients wait this long before they ask again
_MINUTE_S: Final = 60.0
_DAY_S: Final = 86_400.0


class RequestRate:
    """Calls per minute, by the generic cell rate algorithm: one number, no queue, no window that jumps.

    A rested caller may send a whole minute's calls at once; after that, one for every share of a minute. Any minute
    holds at most twice the limit, any longer time comes down to it.
    """

    __slots__ = ("_interval_s", "_label", "_per_minute", "_spent_until", "_tolerance_s")

    def __init__(self, per_minute: int, shares: int = 1) -> None:
        if per_minute < 1 or shares < 1:
            raise ValueError(f"{per_minute} requests per minute in {shares} shares: both must be at least 1")
        self._per_minute = max(per_minute // shares, 1)
        self._label = f"{per_minute} requests per minute"
        self._interval_s = _MINUTE_S * shares / per_minute
        self._tolerance_s = self._interval_s * (self._per_minute - 1) + 1e-9  # the last call of a minute, exactly
        self._spent_until = -math.inf

    def check(self, now: float) -> Verdict:
        """May a call go now?"""
        early_s = self._spent_until - now - self._tolerance_s
        return ALLOWED if early_s <= 0 else Refused(self._label, early_s)

    def take(self, now: float) -> Verdict:
        """Count a call, if it may go."""
        spent_until = self._spent_until
        early_s = spent_until - now - self._tolerance_s
        if early_s > 0:
            return Refused(self._label, early_s)
        self._spent_until = (spent_until if spent_until > now else now) + self._interval_s
        return ALLOWED

    def give_back(self) -> None:
        """Uncount the latest call: it did not go."""
        self._spent_until -= self._interval_s

    def headers(self, now: float) -> RateLimitHeaders:
        """The x-ratelimit-* headers of a reply: the limit, the calls left now, and the time until all are left."""
        spent_s = max(self._spent_until - now, 0.0)
        remaining = max(self._per_minute - math.ceil(spent_s / self._interval_s - 1e-6), 0)
        return rate_limit_headers(self._per_minute, remaining, spent_s)


class Concurrency:
    """Calls at once."""

    __slots__ = ("_label", "_most", "under_way")

    def __init__(self, most: int, shares: int = 1) -> None:
        if most < 1 or shares < 1:
            raise ValueError(f"{most} calls at once in {shares} shares: both must be at least 1")
        self._most = max(most // shares, 1)
        self._label = f"{most} calls at once"
        self.under_way = 0

    def check(self) -> Verdict:
        """May a call begin?"""
        if self.under_way < self._most:
            return ALLOWED
        return Refused(self._label, CONCURRENCY_RETRY_S)

    def take(self) -> Verdict:
        """Count a call that begins, if it may."""
        if self.under_way < self._most:
            self.under_way += 1
            return ALLOWED
        return Refused(self._label, CONCURRENCY_RETRY_S)

    def give_back(self) -> None:
        """A call ended."""
        if self.under_way < 1:
            raise ValueError("a call ended that had not begun")
        self.under_way -= 1


class DailyCount:
    """Calls on one day of the configured time zone. `used` and `day` take up a count after a restart."""

    __slots__ = ("_label", "_most", "day", "used")

    def __init__(self, most: int, shares: int = 1, used: int = 0, day: date | None = None) -> None:
        if most < 0 or shares < 1:
            raise ValueError(f"{most} calls a day in {shares} shares: at least 0 and 1")
        self._most = max(most // shares, 1) if most else 0
        self._label = f"{most} calls a day"
        self.used = used
        self.day = day

    def check(self, today: date) -> Verdict:
        """May a call go today?"""
        if self.used < self._most or (today != self.day and self._most):
            return ALLOWED
        return Refused(self._label, None)

    def take(self, today: date) -> Verdict:
        """Count a call, if it may go. A new date begins at zero."""
        if today != self.day:
            self.day = today
            self.used = 0
        if self.used < self._most:
            self.used += 1
            return ALLOWED
        return Refused(self._label, None)

    def give_back(self) -> None:
        """Uncount the latest call: it did not go."""
        self.used = max(self.used - 1, 0)

    def headers(self, today: date, seconds_left: float) -> RateLimitHeaders:
        """The x-ratelimit-* headers of a reply; `seconds_left` is what remains of the day."""
        used = self.used if today == self.day else 0
        return rate_limit_headers(self._most, max(self._most - used, 0), min(max(seconds_left, 0.0), _DAY_S))


class Spacing:
    """The least time between the beginnings of two calls."""

    __slots__ = ("_before", "_free_at", "_interval_s", "_label")

    def __init__(self, interval_s: float) -> None:
        if not interval_s > 0:
            raise ValueError(f"an interval of {interval_s} s is none")
        self._interval_s = interval_s
        self._label = f"{interval_s:g} s between calls"
        self._free_at = -math.inf
        self._before = -math.inf

    def check(self, now: float) -> Verdict:
        """May a call begin now?"""
        if now >= self._free_at:
            return ALLOWED
        return Refused(self._label, self._free_at - now)

    def take(self, now: float) -> Verdict:
        """Count a call that begins, if it may."""
        if now >= self._free_at:
            self._before = self._free_at
            self._free_at = now + self._interval_s
            return ALLOWED
        return Refused(self._label, self._free_at - now)

    def give_back(self) -> None:
        """Uncount the latest call: it did not go."""
        self._free_at = self._before


class CallGate:
    """All limits of one key or channel. A call enters all of them or none; one that entered leaves once."""

    __slots__ = ("concurrency", "daily", "is_open", "rate", "spacing")

    def __init__(
        self,
        requests_per_minute_max: int | None = None,
        concurrency_max: int | None = None,
        daily_limit: int | None = None,
        min_request_interval_s: float = 0.0,
        shares: int = 1,
    ) -> None:
        self.rate = None if requests_per_minute_max is None else RequestRate(requests_per_minute_max, shares)
        self.concurrency = None if concurrency_max is None else Concurrency(concurrency_max, shares)
        self.daily = None if daily_limit is None else DailyCount(daily_limit, shares)
        self.spacing = Spacing(min_request_interval_s * shares) if min_request_interval_s > 0 else None
        self.is_open = not (self.rate or self.concurrency or self.daily or self.spacing)  # no limit at all

    def check(self, now: float, today: date) -> Verdict:
        """May a call go now? The limit that holds up for longest answers first; nothing changes."""
        if self.is_open:
            return ALLOWED
        verdict: Verdict = ALLOWED
        if self.daily is not None:
            verdict = self.daily.check(today)
        if verdict is ALLOWED and self.concurrency is not None:
            verdict = self.concurrency.check()
        if verdict is ALLOWED and self.spacing is not None:
            verdict = self.spacing.check(now)
        if verdict is ALLOWED and self.rate is not None:
            verdict = self.rate.check(now)
        return verdict

    def enter(self, now: float, today: date) -> Verdict:
        """Count a call on every limit, or on none. Who was allowed calls `leave` when the call has ended."""
        if self.is_open:
            return ALLOWED
        verdict = self.check(now, today)
        if verdict is not ALLOWED:
            return verdict
        if self.daily is not None:
            self.daily.take(today)
        if self.concurrency is not None:
            self.concurrency.take()
        if self.spacing is not None:
            self.spacing.take(now)
        if self.rate is not None:
            self.rate.take(now)
        return ALLOWED

    def leave(self) -> None:
        """A call that had entered has ended."""
        if self.concurrency is not None:
            self.concurrency.give_back()

    def undo(self) -> None:
        """A call that had entered was not made after all: it counts nowhere."""
        self.leave()
        for limit in (self.rate, self.daily, self.spacing):
            if limit is not None:
                limit.give_back()


def rate_limit_headers(limit: int, remaining: int, reset_s: float) -> RateLimitHeaders:
    """The three headers that official clients and their users read."""
    return (
        ("x-ratelimit-limit-requests", str(limit)),
        ("x-ratelimit-remaining-requests", str(remaining)),
        ("x-ratelimit-reset-requests", duration_text(reset_s)),
    )


def duration_text(seconds: float) -> str:
    """A duration as vendors write it: 6m0s, 1h2m3s, 120ms, 0s. Rounded up, so that nobody comes too early."""
    milliseconds = math.ceil(max(seconds, 0.0) * 1000 - 1e-6)
    if milliseconds < 1000:
        return f"{milliseconds}ms" if milliseconds else "0s"
    minutes, rest = divmod(-(-milliseconds // 1000), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
