"""Alerts: when a channel's trouble is worth a person's attention, and when it is over.

Theory of operation. A channel has one `ChannelState`; `decide` takes it through one event and says what to announce.

- A bad key, an empty quota, a low balance: an alert at the first sign.
- Other errors (`rate_limit`, `server_error`, `api_error`): an alert at the third error of the channel, each within
  five minutes of the one before. A run of errors ends after five quiet minutes, or when the successes since its
  start outnumber it nine to one: three errors among thirty calls are news, among three thousand they are weather.
- `error_rate`: at least half of at least twenty calls of the last five minutes failed.
- At most one alert of a kind is open per channel. While it stays open it is announced again after the cool-down
  (one hour), at the next sign of trouble. No kind silences another.
- A success ends it, at once the first time. An alert that comes back within the cool-down is flapping: from then on a
  success ends it only after five minutes without a new sign. The error rate has its own hysteresis: it opens at
  50 % and ends below 25 %. What was measured or reported (a balance) and not seen in a call is ended by the
  opposite measurement only, because calls still succeed on a low balance.

Moments are seconds since 1970, UTC, and are arguments. Events may come slightly out of order (several workers).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, TypeAlias

from smart_ai_router.domain.alert_rules import DEFAULT_RULES, AlertRules
from smart_ai_router.domain.alert_words import (
    AlertKind,
    cleared_message,
    error_rate_message,
    resolved_message,
    utc_text,
)
from smart_ai_router.domain.error_counts import (
    NO_CALLS,
    CallWindow,
    ErrorRun,
    run_after_error,
    run_after_success,
    window_after,
)

Details: TypeAlias = Mapping[str, object]

AT_ONCE: Final = frozenset((AlertKind.QUOTA_EXHAUSTED, AlertKind.LOW_BALANCE, AlertKind.API_KEY_INVALID))
CLOSED_REMEMBERED_MAX: Final = 100  # per channel: what a day of the worst flapping leaves behind


class Severity(StrEnum):
    """How urgent an alert is."""

    CRITICAL = "critical"  # the channel serves nothing, or most calls fail
    WARNING = "warning"


class AlertState(StrEnum):
    """Where an alert stands."""

    OPEN = "open"
    RESOLVED = "resolved"  # by what was observed
    CLEARED = "cleared"  # by an administrator


_CRITICAL: Final = frozenset((AlertKind.QUOTA_EXHAUSTED, AlertKind.API_KEY_INVALID, AlertKind.ERROR_RATE))


@dataclass(frozen=True, slots=True)
class Trouble:
    """A sign of trouble. `is_call`: seen in a call; `reported`: only the opposite report ends it, not a success."""

    kind: str
    message: str
    details: Details | None = None
    severity: Severity = Severity.WARNING
    is_call: bool = True
    reported: bool = False


@dataclass(frozen=True, slots=True)
class Success:
    """Calls that the channel answered well."""

    count: int = 1


@dataclass(frozen=True, slots=True)
class Recovery:
    """A reported condition is over."""

    kind: str


@dataclass(frozen=True, slots=True)
class Clearing:
    """An administrator clears the channel: its alerts are put away and it can alert again."""


Event: TypeAlias = Trouble | Success | Recovery | Clearing


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """An alert that is not over."""

    id: str
    kind: str
    severity: Severity
    message: str
    details: Details | None
    opened_at: float
    last_at: float  # the newest sign of trouble
    notified_at: float
    notices: int = 1
    occurrences: int = 1
    reported: bool = False
    flaps: int = 0  # how often it came back within the cool-down

    def fields(self) -> dict[str, object]:
        """What a status page shows of it."""
        return {
            "alert_type": self.kind,
            "severity": self.severity.value,
            "message": self.message,
            "details": self.details,
            "id": self.id,
            "opened_at": utc_text(self.opened_at),
            "last_seen_at": utc_text(self.last_at),
            "occurrences": self.occurrences,
            "notices": self.notices,
        }


@dataclass(frozen=True, slots=True)
class ClosedAlert:
    """An alert that is over, remembered for its status and to know flapping."""

    id: str
    kind: str
    closed_at: float
    how: AlertState
    flaps: int


@dataclass(frozen=True, slots=True)
class ChannelState:
    """All that the monitor knows of a channel."""

    channel_id: str
    channel_name: str
    open: tuple[OpenAlert, ...] = ()
    closed: tuple[ClosedAlert, ...] = ()  # oldest first
    run: ErrorRun | None = None
    window: CallWindow = NO_CALLS
    opened: int = 0  # alerts ever opened; makes ids differ within one instant

    def open_alert(self, kind: str) -> OpenAlert | None:
        return next((alert for alert in self.open if alert.kind == kind), None)


@dataclass(frozen=True, slots=True)
class Announce:
    """Tell people: the alert is new, or still there after the cool-down."""

    alert: OpenAlert


@dataclass(frozen=True, slots=True)
class Close:
    """Tell people that it is over."""

    alert: OpenAlert
    how: AlertState


Action: TypeAlias = Announce | Close
Decision: TypeAlias = tuple[ChannelState, tuple[Action, ...]]


@dataclass(frozen=True, slots=True)
class Alert:
    """One notice about an alert, as it is written and delivered."""

    channel_id: str
    channel_name: str
    alert_type: str
    message: str
    timestamp: float
    details: Details | None
    id: str
    severity: Severity
    state: AlertState
    notice: int  # 1 for the first notice of an alert; id and notice together name a delivery

    @property
    def delivery_id(self) -> str:
        """Stays the same however often the delivery is tried, so that a receiver can drop repeats."""
        return f"{self.id}.{self.notice}"

    def fields(self) -> dict[str, object]:
        """The line's keys in order: the guide's six, then ours."""
        return {
            "channel_id": self.channel_id,
            "channel_name": self.channel_name,
            "alert_type": self.alert_type,
            "message": self.message,
            "timestamp": utc_text(self.timestamp),
            "details": self.details,
            "id": self.id,
            "severity": self.severity.value,
            "state": self.state.value,
            "notice": self.notice,
        }


def severity_of(kind: str) -> Severity:
    """Critical when the channel serves nothing or most calls fail."""
    return Severity.CRITICAL if kind in _CRITICAL else Severity.WARNING


def alert_id(channel_id: str, kind: str, at: float, sequence: int) -> str:
    """`alt_` and 16 hexadecimal digits that depend on nothing but the arguments."""
    source = f"{channel_id}\n{kind}\n{at!r}\n{sequence}".encode("utf-8", "surrogatepass")
    return "alt_" + hashlib.blake2b(source, digest_size=8).hexdigest()


def alert_by_hand(channel_id: str, alert_type: str, now: float, sequence: int) -> Alert:
    """An alert that somebody sends without a sign of trouble, still without words."""
    return Alert(
        channel_id=channel_id,
        channel_name="",
        alert_type=alert_type,
        message="",
        timestamp=now,
        details=None,
        id=alert_id(channel_id, alert_type, now, -sequence),  # below every sequence of the channel's own alerts
        severity=severity_of(alert_type),
        state=AlertState.OPEN,
        notice=1,
    )


def decide(state: ChannelState, event: Event, now: float, rules: AlertRules = DEFAULT_RULES) -> Decision:
    """What a channel's state becomes through an event, and what to tell."""
    match event:
        case Trouble():
            return _after_trouble(state, event, now, rules)
        case Success():
            return _after_success(state, event, now, rules)
        case Recovery():
            return _closed(state, [each for each in state.open if each.kind == event.kind], AlertState.RESOLVED, now)
        case Clearing():
            after, actions = _closed(state, state.open, AlertState.CLEARED, now)
            return replace(after, run=None, window=NO_CALLS), actions


def notice_of(state: ChannelState, action: Action, now: float) -> Alert:
    """The notice that tells of an action."""
    alert = action.alert
    if isinstance(action, Announce):
        message, details, position, notice = alert.message, alert.details, AlertState.OPEN, alert.notices
    else:
        duration_s = max(0.0, now - alert.opened_at)
        position, notice = action.how, alert.notices + 1
        details = {
            "opened_at": utc_text(alert.opened_at),
            "duration_s": round(duration_s),
            "occurrences": alert.occurrences,
        }
        if action.how is AlertState.CLEARED:
            message = cleared_message(state.channel_name, alert.kind)
        else:
            message = resolved_message(state.channel_name, alert.kind, duration_s)
    return Alert(
        channel_id=state.channel_id,
        channel_name=state.channel_name,
        alert_type=alert.kind,
        message=message,
        timestamp=now,
        details=details,
        id=alert.id,
        severity=alert.severity,
        state=position,
        notice=notice,
    )


def _after_trouble(state: ChannelState, event: Trouble, now: float, rules: AlertRules) -> Decision:
    actions: tuple[Action, ...] = ()
    if event.is_call:
        state = replace(state, window=window_after(state.window, now, 1, 1, rules.error_window_s))
    if event.kind in AT_ONCE or event.reported:
        state, actions = _open_or_repeat(state, event, now, rules)
    else:
        run = run_after_error(state.run, now, rules.error_window_s)
        state = replace(state, run=run)
        if run.errors >= rules.errors_before_alert or state.open_alert(event.kind):
            state, actions = _open_or_repeat(state, event, now, rules)
    if event.is_call:
        state, more = _check_error_rate(state, now, rules)
        actions += more
    return state, actions


def _after_success(state: ChannelState, event: Success, now: float, rules: AlertRules) -> Decision:
    window = window_after(state.window, now, event.count, 0, rules.error_window_s)
    if not (state.open or state.run or window.failures):  # nearly every call: no more work than counting it
        return ChannelState(state.channel_id, state.channel_name, (), state.closed, None, window, state.opened), ()
    run = run_after_success(state.run, event.count, rules.error_share_floor_percent)
    state = replace(state, run=run, window=window)
    over = [alert for alert in state.open if _proves_over(alert, now, rules)]
    if AlertKind.ERROR_RATE in (alert.kind for alert in state.open):
        if 100 * window.failures < rules.error_rate_resolved_percent * window.calls:
            over += [alert for alert in state.open if alert.kind == AlertKind.ERROR_RATE]
        more: tuple[Action, ...] = ()
    else:
        state, more = _check_error_rate(state, now, rules)
    if any(alert.kind not in AT_ONCE for alert in over):
        state = replace(state, run=None)
    state, actions = _closed(state, over, AlertState.RESOLVED, now)
    return state, more + actions


def _proves_over(alert: OpenAlert, now: float, rules: AlertRules) -> bool:
    if alert.reported or alert.kind == AlertKind.ERROR_RATE or _is_late(now, alert.last_at, rules):
        return False
    return not alert.flaps or now - alert.last_at >= rules.flap_quiet_s or now < alert.last_at


def _is_late(now: float, newest: float, rules: AlertRules) -> bool:
    """True for an event that another overtook. Further back than the window is not lateness but a clock set back."""
    return now < newest <= now + rules.error_window_s


def _open_or_repeat(state: ChannelState, event: Trouble, now: float, rules: AlertRules) -> Decision:
    present = state.open_alert(event.kind)
    if present is None:
        alert = _opened(state, event, now, rules)
        return replace(state, open=(*state.open, alert), opened=state.opened + 1), (Announce(alert),)
    waited = now - present.notified_at
    due = waited >= rules.cooldown_s or waited < -rules.error_window_s  # the latter: the clock was set back
    repeated = replace(
        present,
        message=event.message,
        details=event.details,
        last_at=now if not _is_late(now, present.last_at, rules) else present.last_at,
        notified_at=now if due else present.notified_at,
        notices=present.notices + int(due),
        occurrences=present.occurrences + 1,
        reported=present.reported or event.reported,
    )
    state = replace(state, open=tuple(repeated if each is present else each for each in state.open))
    return state, ((Announce(repeated),) if due else ())


def _opened(state: ChannelState, event: Trouble, now: float, rules: AlertRules) -> OpenAlert:
    before = next((each for each in reversed(state.closed) if each.kind == event.kind), None)
    came_back = before and before.how is AlertState.RESOLVED and now - before.closed_at < rules.cooldown_s
    return OpenAlert(
        id=alert_id(state.channel_id, event.kind, now, state.opened),
        kind=event.kind,
        severity=event.severity,
        message=event.message,
        details=event.details,
        opened_at=now,
        last_at=now,
        notified_at=now,
        reported=event.reported,
        flaps=before.flaps + 1 if before and came_back else 0,
    )


def _closed(state: ChannelState, over: Sequence[OpenAlert], how: AlertState, now: float) -> Decision:
    if not over:
        return state, ()
    gone = tuple(ClosedAlert(alert.id, alert.kind, now, how, alert.flaps) for alert in over)
    state = replace(
        state,
        open=tuple(alert for alert in state.open if alert not in over),
        closed=(*state.closed, *gone)[-CLOSED_REMEMBERED_MAX:],
    )
    return state, tuple(Close(alert, how) for alert in over)


def _check_error_rate(state: ChannelState, now: float, rules: AlertRules) -> Decision:
    failures, calls = state.window.failures, state.window.calls
    if calls < rules.error_rate_calls_min or 100 * failures < rules.error_rate_percent * calls:
        return state, ()
    details: dict[str, object] = {
        "failed_calls": failures,
        "calls": calls,
        "error_rate_percent": round(100 * failures / calls, 1),
        "window_s": round(rules.error_window_s),
    }
    message = error_rate_message(state.channel_name, failures, calls, rules.error_window_s)
    trouble = Trouble(AlertKind.ERROR_RATE, message, details, Severity.CRITICAL)
    return _open_or_repeat(state, trouble, now, rules)
