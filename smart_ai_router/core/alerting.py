"""Delivery: alerts go to people through notifiers, each in its own lane, and none is lost because a receiver is down.

Theory of operation. `put` stores a delivery per notifier and returns at once. Somebody (threads in the router, the
caller itself in a script) asks each lane to `deliver_next`. A delivery that fails waits 1 s, 5 s, 30 s, 2 min, 10 min
and then half an hour each, for a day; the fresh ones go first, and of one alert the notices keep their order, so that
nobody reads "it is over" before "it is broken". Pending deliveries survive a restart in a `PendingStore`.

One guard stands around every plug-in: whatever a notifier raises costs that try and nothing else. A slow one holds up
only its own lane.
"""

import logging
import re
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from smart_ai_router.domain.alert_words import clean_text, utc_text
from smart_ai_router.domain.alerts import Alert, AlertState

_logger = logging.getLogger(__name__)

_ADDRESS = re.compile(r"\b[a-z]+://\S+")  # a robot's address holds its secret
_MUTED_REMEMBERED_MAX: Final = 1000
_HOUR_S: Final = 3600.0
_MINUTE_S: Final = 60.0


class Notifier(Protocol):
    """A way to tell people.

    `notify` returns when the receiver has taken the alert and raises otherwise; it is called again later with the
    same alert, so a receiver should drop repeats of one `alert.delivery_id`. Optional attributes: `name`, shown in
    statuses; `per_minute_max`, for receivers that silence a busy sender.
    """

    def notify(self, alert: Alert) -> None: ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """One alert on its way to one notifier."""

    alert: Alert
    notifier: str
    since: float
    due_at: float
    tries: int = 0


class PendingStore(Protocol):
    """Deliveries that are not done, over restarts. Raises OSError when it cannot; delivery goes on without it."""

    def load(self) -> list[Delivery]: ...

    def put(self, delivery: Delivery) -> None: ...

    def done(self, delivery: Delivery) -> None: ...


@dataclass(frozen=True, slots=True)
class DeliveryPolicy:
    """How hard to try, and how much is too much."""

    backoff_s: tuple[float, ...] = (1.0, 5.0, 30.0, 120.0, 600.0, 1800.0)  # the last one repeats
    give_up_after_s: float = 86_400.0  # an alert of yesterday is history, and stands in the log
    pending_max: int = 1000  # per notifier, about 1 MB; the oldest goes first, because the newest is news
    per_minute_max: int = 60  # what chat services publish is about one message a second
    per_alert_hour_max: int = 6  # of one kind and channel: one notice in ten minutes is read, more is noise

    def __post_init__(self) -> None:
        if not self.backoff_s or min(self.backoff_s) <= 0:
            raise ValueError(f"backoff_s is {self.backoff_s}; it must be one or more waits above 0 seconds")
        if min(self.give_up_after_s, self.pending_max, self.per_minute_max, self.per_alert_hour_max) <= 0:
            raise ValueError(f"every limit of {self} must be above 0")


DEFAULT_POLICY: Final = DeliveryPolicy()


@dataclass(frozen=True, slots=True)
class NotifierStatus:
    """What became of a notifier's deliveries since the start."""

    name: str
    pending: int
    delivered: int
    failed_tries: int
    given_up: int  # not delivered within a day
    dropped: int  # pushed out by newer ones
    last_delivered_at: float | None
    last_error: str | None
    last_error_at: float | None

    def fields(self) -> dict[str, object]:
        """The same for a page, moments as text."""
        return {
            "name": self.name,
            "pending": self.pending,
            "delivered": self.delivered,
            "failed_tries": self.failed_tries,
            "given_up": self.given_up,
            "dropped": self.dropped,
            "last_delivered_at": None if self.last_delivered_at is None else utc_text(self.last_delivered_at),
            "last_error": self.last_error,
            "last_error_at": None if self.last_error_at is None else utc_text(self.last_error_at),
        }


@dataclass(slots=True)
class _Lane:
    """One notifier's queue and counts; guarded by the outbox's lock."""

    name: str
    notifier: Notifier
    per_minute_max: int
    is_busy: bool = False  # a try is under way; a notifier that causes another alert must not start a second one
    queue: list[Delivery] = field(default_factory=list)
    recent_tries: deque[float] = field(default_factory=deque)
    delivered: int = 0
    failed_tries: int = 0
    given_up: int = 0
    dropped: int = 0
    last_delivered_at: float | None = None
    last_error: str | None = None
    last_error_at: float | None = None

    def candidates(self) -> list[Delivery]:
        """The first pending notice of each alert."""
        first: dict[str, Delivery] = {}
        for delivery in self.queue:
            first.setdefault(delivery.alert.id, delivery)
        return list(first.values())

    def status(self) -> NotifierStatus:
        return NotifierStatus(
            name=self.name,
            pending=len(self.queue),
            delivered=self.delivered,
            failed_tries=self.failed_tries,
            given_up=self.given_up,
            dropped=self.dropped,
            last_delivered_at=self.last_delivered_at,
            last_error=self.last_error,
            last_error_at=self.last_error_at,
        )


class AlertOutbox:
    """Takes alerts, keeps what is not delivered, and tries each notifier when asked to. Safe to use from threads."""

    def __init__(
        self,
        notifiers: Sequence[Notifier],
        pending: PendingStore | None = None,
        *,
        clock: Callable[[], float],
        policy: DeliveryPolicy = DEFAULT_POLICY,
    ) -> None:
        """`clock` tells the seconds since 1970; without `pending`, deliveries live as long as the process."""
        self._policy = policy
        self._clock = clock
        self._pending = pending
        self._lock = threading.Lock()
        self._lanes = _lanes_of(notifiers, policy)
        self._listeners: list[Callable[[], None]] = []
        self._opened_at: dict[tuple[str, str], deque[float]] = {}
        self._muted: OrderedDict[str, None] = OrderedDict()
        self._muted_count = 0
        self._take_up_pending()

    @property
    def names(self) -> tuple[str, ...]:
        """The lanes, one per notifier."""
        with self._lock:
            return tuple(self._lanes)

    @property
    def muted(self) -> int:
        """Notices that were not delivered because six of the same kind and channel went out within the hour."""
        return self._muted_count

    def on_put(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever there is something to deliver; it must return at once."""
        self._listeners.append(listener)

    def use_notifiers(self, notifiers: Sequence[Notifier]) -> None:
        """Deliver through these from now on. What is pending for a name that stays is tried at once; for one that is
        gone it is dropped."""
        now = self._clock()
        with self._lock:
            before, self._lanes = self._lanes, _lanes_of(notifiers, self._policy)
            for name, lane in self._lanes.items():
                if name in before:  # the same lane goes on, its counts and its order
                    known = before.pop(name)
                    known.notifier, known.per_minute_max = lane.notifier, lane.per_minute_max
                    known.queue = [replace(delivery, due_at=min(delivery.due_at, now)) for delivery in known.queue]
                    self._lanes[name] = known
            for lane in before.values():
                self._drop_all(lane)
        for listener in self._listeners:
            listener()

    def put(self, alert: Alert) -> None:
        """Take an alert for all notifiers. Never waits for one and never raises for one."""
        now = self._clock()
        with self._lock:
            if self._is_muted(alert, now):
                self._muted_count += 1
                _logger.warning(
                    "too many notices of %s on channel %s: not delivered", alert.alert_type, alert.channel_id
                )
                return
            for lane in self._lanes.values():
                delivery = Delivery(alert, lane.name, since=now, due_at=now)
                lane.queue.append(delivery)
                self._store(delivery)
                self._drop_surplus(lane)
        for listener in self._listeners:
            listener()

    def deliver_next(self, name: str) -> float | None:
        """Try one delivery of a lane if one is due.

        Returns the seconds until the lane should be asked again (0 when more may be due), None when it is empty or
        gone.
        """
        with self._lock:
            lane = self._lanes.get(name)
            if lane is None:
                return None
            now = self._clock()
            self._give_up(lane, now)
            delivery, wait_s = (None, None) if lane.is_busy else self._next_due(lane, now)
            if delivery is None:
                return wait_s
            lane.is_busy = True
            lane.recent_tries.append(now)
        try:
            error = _guarded(lane.notifier, delivery.alert)
        finally:
            lane.is_busy = False
        with self._lock:
            self._settle(lane, delivery, error)
        return 0.0

    def deliver_due(self) -> None:
        """Try everything that is due, in the caller's thread."""
        for name in self.names:
            while self.deliver_next(name) == 0.0:
                pass

    def statuses(self) -> list[NotifierStatus]:
        """Each notifier's results, for the console and metrics."""
        with self._lock:
            return [lane.status() for lane in self._lanes.values()]

    def _take_up_pending(self) -> None:
        if self._pending is None:
            return
        try:
            deliveries = self._pending.load()
        except OSError as error:
            _logger.error("pending alert deliveries cannot be read: %s", error)
            return
        for delivery in deliveries:
            lane = self._lanes.get(delivery.notifier)
            if lane is None:
                _logger.warning("notifier %s is gone; its delivery %s is dropped", *_named(delivery))
                self._forget(delivery)
            else:
                lane.queue.append(delivery)
                self._drop_surplus(lane)

    def _is_muted(self, alert: Alert, now: float) -> bool:
        if alert.state is not AlertState.OPEN:
            return alert.id in self._muted  # nobody was told that it is broken
        if alert.notice > 1:
            self._muted.pop(alert.id, None)  # still there after the cool-down: that is news
            return False
        key = (alert.channel_id, alert.alert_type)
        self._opened_at = {each: times for each, times in self._opened_at.items() if now - times[-1] < _HOUR_S}
        times = self._opened_at.setdefault(key, deque(maxlen=self._policy.per_alert_hour_max))
        if len(times) == times.maxlen and 0 <= now - times[0] < _HOUR_S:
            self._muted[alert.id] = None
            if len(self._muted) > _MUTED_REMEMBERED_MAX:
                self._muted.popitem(last=False)
            return True
        times.append(now)
        return False

    def _drop_surplus(self, lane: _Lane) -> None:
        while len(lane.queue) > self._policy.pending_max:
            oldest = lane.queue.pop(0)
            lane.dropped += 1
            _logger.error("notifier %s has too much pending; delivery %s is dropped", *_named(oldest))
            self._forget(oldest)

    def _drop_all(self, lane: _Lane) -> None:
        queue, lane.queue = lane.queue, []
        for delivery in queue:
            _logger.warning("notifier %s is gone; its delivery %s is dropped", *_named(delivery))
            self._forget(delivery)

    def _give_up(self, lane: _Lane, now: float) -> None:
        for delivery in [each for each in lane.queue if now - each.since > self._policy.give_up_after_s]:
            lane.queue.remove(delivery)
            lane.given_up += 1
            _logger.error("notifier %s did not take delivery %s in time", *_named(delivery))
            self._forget(delivery)

    def _next_due(self, lane: _Lane, now: float) -> tuple[Delivery | None, float | None]:
        """The delivery to try now, or how long to wait for one; (None, None) when there is none."""
        candidates = lane.candidates()
        if not candidates:
            return None, None
        while lane.recent_tries and not 0 <= now - lane.recent_tries[0] < _MINUTE_S:
            lane.recent_tries.popleft()
        if len(lane.recent_tries) >= lane.per_minute_max:
            return None, lane.recent_tries[0] + _MINUTE_S - now
        backoff_max = max(self._policy.backoff_s)  # further off than this only after the clock was set back
        due = [each for each in candidates if not 0 < each.due_at - now <= backoff_max]
        if not due:
            return None, min(each.due_at for each in candidates) - now
        return min(due, key=lambda each: (each.tries, each.due_at)), 0.0

    def _settle(self, lane: _Lane, delivery: Delivery, error: str | None) -> None:
        now = self._clock()
        if error is None:
            lane.delivered += 1
            lane.last_delivered_at = now
        else:
            lane.failed_tries += 1
            lane.last_error, lane.last_error_at = error, now
            _logger.warning("notifier %s did not take delivery %s: %s", *_named(delivery), error)
        place = next((i for i, each in enumerate(lane.queue) if each is delivery), None)
        if place is None:  # pushed out meanwhile
            return
        if error is None:
            del lane.queue[place]
            self._forget(delivery)
        else:
            wait_s = self._policy.backoff_s[min(delivery.tries, len(self._policy.backoff_s) - 1)]
            lane.queue[place] = replace(delivery, tries=delivery.tries + 1, due_at=now + wait_s)

    def _store(self, delivery: Delivery) -> None:
        if self._pending is None:
            return
        try:
            self._pending.put(delivery)
        except OSError as error:  # a full disk is one of the things to tell people about
            _logger.error("delivery %s is not stored and would not survive a restart: %s", _named(delivery)[1], error)

    def _forget(self, delivery: Delivery) -> None:
        if self._pending is None:
            return
        try:
            self._pending.done(delivery)
        except OSError as error:
            _logger.error("delivery %s may be repeated after a restart: %s", _named(delivery)[1], error)


def _lanes_of(notifiers: Sequence[Notifier], policy: DeliveryPolicy) -> dict[str, _Lane]:
    lanes: dict[str, _Lane] = {}
    for notifier in notifiers:
        name = wanted = str(getattr(notifier, "name", type(notifier).__name__))
        number = 1
        while name in lanes:
            number += 1
            name = f"{wanted}-{number}"
        lanes[name] = _Lane(name, notifier, int(getattr(notifier, "per_minute_max", policy.per_minute_max)))
    return lanes


def _guarded(notifier: Notifier, alert: Alert) -> str | None:
    """The one guard around plug-ins: None when the alert was taken, else what went wrong, without addresses or keys."""
    try:
        notifier.notify(alert)
    except (Exception, SystemExit) as error:
        return clean_text(_ADDRESS.sub("<address>", f"{type(error).__name__}: {error}"))
    return None


def _named(delivery: Delivery) -> tuple[str, str]:
    return delivery.notifier, delivery.alert.delivery_id
