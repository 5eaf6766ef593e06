"""The channel monitor: hears of every upstream call, and tells people when a channel needs them.

What is worth an alert is decided in `domain/alerts.py`; this file remembers each channel's state over restarts, writes
alerts to `logs/channel_alerts.jsonl` and hands them to the notifiers. In the router it is fed from the journal, once
per upstream try (`observe_fault`, `observe_success`); in a script `ChannelMonitor()` needs nothing else.

To tell people in a way of your own, give it a notifier (a class with `notify(alert)`), or override
`ChannelMonitor._send_alert`; both are kept.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from smart_ai_router.core.alert_claims import AlertClaims, may_tell
from smart_ai_router.core.alert_log import (
    AlertLog,
    AlertWriter,
    ChannelAlert,
    FileAlertLog,
    FileMonitorMemory,
    MonitorMemory,
    alerts_since,
)
from smart_ai_router.core.alerting import AlertOutbox, Notifier
from smart_ai_router.core.channel_states import ChannelStates
from smart_ai_router.domain.alert_faults import fault_of_answer, trouble_of_fault
from smart_ai_router.domain.alert_rules import DEFAULT_RULES, AlertRules, balance_is_low
from smart_ai_router.domain.alert_words import (
    AlertKind,
    api_key_invalid_message,
    clean_details,
    clean_text,
    low_balance_message,
    quota_exhausted_message,
    utc_text,
)
from smart_ai_router.domain.alerts import (
    Alert,
    AlertState,
    Clearing,
    Details,
    Event,
    Recovery,
    Severity,
    Success,
    Trouble,
    alert_by_hand,
    severity_of,
)
from smart_ai_router.domain.faults import Fault
from smart_ai_router.domain.money import pico_from_decimal

_logger = logging.getLogger(__name__)

Balance: TypeAlias = Decimal | int | float | str


class ChannelMonitor:
    """Watches channels and raises alerts. Safe to use from several threads; no method raises for a broken notifier."""

    def __init__(
        self,
        alerts_file: str | Path = "logs/channel_alerts.jsonl",
        *,
        notifiers: Sequence[Notifier] = (),
        outbox: AlertOutbox | None = None,
        rules: AlertRules = DEFAULT_RULES,
        log: AlertLog | None = None,
        memory: MonitorMemory | None = None,
        claims: AlertClaims | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Watch, and write to `alerts_file`; what is known is remembered beside it, in `<name>.state.json`.

        `notifiers` are called in the calling thread, guarded, and tried again at later calls; `outbox`, which
        someone else runs, takes their place. `log` and `memory` replace the two files. `clock` tells the seconds
        since 1970 for calls that do not say when they happened.
        """
        path = Path(alerts_file)
        self.alerts_file = path
        self._rules = rules
        self._log = log or FileAlertLog(path)
        self._writer = AlertWriter(self._log)
        self._states = ChannelStates(memory or FileMonitorMemory(path.with_suffix(".state.json")), clock)
        self._claims = claims
        self._clock = clock
        self._outbox = outbox or AlertOutbox(notifiers, clock=clock)
        self._is_inline = outbox is None
        self._telling = threading.RLock()  # held while telling; an override may call this monitor again
        self._being_told: Alert | None = None
        self._sent_by_hand = 0

    @property
    def rules(self) -> AlertRules:
        """When a channel alarms."""
        return self._rules

    @rules.setter
    def rules(self, rules: AlertRules) -> None:
        self._rules = rules

    @property
    def max_errors_before_alert(self) -> int:
        """How many errors of a channel, each within `error_time_window` of the one before, make an alert."""
        return self._rules.errors_before_alert

    @max_errors_before_alert.setter
    def max_errors_before_alert(self, count: int) -> None:
        self._rules = replace(self._rules, errors_before_alert=count)

    @property
    def error_time_window(self) -> timedelta:
        """The window of the error count and of the error rate."""
        return timedelta(seconds=self._rules.error_window_s)

    @error_time_window.setter
    def error_time_window(self, window: timedelta) -> None:
        self._rules = replace(self._rules, error_window_s=window.total_seconds())

    @property
    def cooldown_period(self) -> timedelta:
        """After this time an alert that is still open is announced again, at the next sign of trouble."""
        return timedelta(seconds=self._rules.cooldown_s)

    @cooldown_period.setter
    def cooldown_period(self, period: timedelta) -> None:
        self._rules = replace(self._rules, cooldown_s=period.total_seconds())

    def record_channel_error(
        self,
        channel_id: str,
        channel_name: str,
        error_type: str,
        error_message: str,
        details: Details | None = None,
    ) -> None:
        """A call failed: an alert at the third such error in five minutes; at once for a bad key or no money."""
        trouble = Trouble(error_type, error_message, details, severity_of(error_type))
        self._observe(channel_id, channel_name, trouble)

    def record_quota_exhausted(self, channel_id: str, channel_name: str, details: Details | None = None) -> None:
        """The channel's quota is used up: an alert at once."""
        message = quota_exhausted_message(channel_name)
        self._report(channel_id, channel_name, AlertKind.QUOTA_EXHAUSTED, message, details)

    def record_low_balance(
        self,
        channel_id: str,
        channel_name: str,
        remaining_balance: Balance,
        details: Details | None = None,
        currency: str = "USD",
    ) -> None:
        """The channel's account runs low: an alert at once. Ends with `observe_balance` or `resolve_alert`."""
        remaining = Decimal(str(remaining_balance))
        message = low_balance_message(channel_name, remaining, currency)
        details = {"remaining_balance": remaining, **(details or {})}
        self._report(channel_id, channel_name, AlertKind.LOW_BALANCE, message, details, lasts=True)

    def record_api_key_invalid(self, channel_id: str, channel_name: str, details: Details | None = None) -> None:
        """The provider refuses the channel's key: an alert at once."""
        message = api_key_invalid_message(channel_name)
        self._report(channel_id, channel_name, AlertKind.API_KEY_INVALID, message, details)

    def record_alert(
        self,
        channel_id: str,
        channel_name: str,
        alert_type: str,
        message: str,
        details: Details | None = None,
        *,
        severity: Severity = Severity.WARNING,
    ) -> None:
        """Report a condition of any other kind: an alert at once, open until `resolve_alert` or cleared."""
        self._observe(channel_id, channel_name, Trouble(alert_type, message, details, severity, False, True))

    def resolve_alert(self, channel_id: str, alert_type: str, now: float | None = None) -> None:
        """The reported condition is over."""
        self._observe(channel_id, None, Recovery(alert_type), now)

    def observe_fault(self, channel_id: str, channel_name: str, fault: Fault, now: float | None = None) -> None:
        """An upstream try failed. A fault that blames the request says nothing about the channel and counts nowhere."""
        moment = self._clock() if now is None else now
        trouble = trouble_of_fault(channel_name, fault, moment)
        if trouble is not None:
            self._observe(channel_id, channel_name, trouble, moment)

    def observe_success(self, channel_id: str, channel_name: str, now: float | None = None, count: int = 1) -> None:
        """Upstream tries succeeded."""
        self._observe(channel_id, channel_name, Success(count), now)

    def observe_balance(
        self,
        channel_id: str,
        channel_name: str,
        remaining: Decimal,
        low_below: Decimal,
        *,
        currency: str = "USD",
        now: float | None = None,
    ) -> None:
        """A balance was measured: low below `low_below`, well again from 110 % of it; both exact, in `currency`."""
        state = self._states.get(channel_id)
        was_low = state is not None and state.open_alert(AlertKind.LOW_BALANCE) is not None
        if balance_is_low(pico_from_decimal(remaining), pico_from_decimal(low_below), was_low):
            details = {"remaining_balance": remaining, "low_below": low_below, "currency": currency}
            message = low_balance_message(channel_name, remaining, currency)
            self._report(channel_id, channel_name, AlertKind.LOW_BALANCE, message, details, lasts=True, now=now)
        elif was_low:
            self._observe(channel_id, channel_name, Recovery(AlertKind.LOW_BALANCE), now)

    def get_recent_alerts(self, hours: float = 24) -> list[ChannelAlert]:
        """The alerts of the last hours, oldest first (at most the newest 10,000), each with its status now."""
        states = self._states.all()
        status = {alert.id: alert.how.value for state in states for alert in state.closed}
        status |= {alert.id: AlertState.OPEN.value for state in states for alert in state.open}
        found = alerts_since(self._log, self._clock() - hours * 3600)
        return [msgspec.structs.replace(alert, status=status.get(alert.id or "")) for alert in found]

    def clear_channel_notifications(self, channel_id: str) -> None:
        """Put a channel's alerts away and forget its errors, so that it can alert again. The log keeps its lines."""
        self._observe(channel_id, None, Clearing())

    def clear_all_notifications(self) -> None:
        """The same for every channel."""
        for state in self._states.all():
            self.clear_channel_notifications(state.channel_id)

    def get_channel_status(self) -> dict[str, object]:
        """Channels in alert, running error counts, last errors, and each open alert; how deliveries fare."""
        states = self._states.all()
        oldest = self._clock() - self._rules.error_window_s
        runs = {state.channel_id: state.run for state in states if state.run and state.run.last_at >= oldest}
        return {
            "notified_channels": [state.channel_id for state in states if state.open],
            "error_counts": {channel_id: run.errors for channel_id, run in runs.items()},
            "last_error_times": {channel_id: utc_text(run.last_at) for channel_id, run in runs.items()},
            "open_alerts": [
                {"channel_id": state.channel_id, "channel_name": state.channel_name, **alert.fields()}
                for state in states
                for alert in state.open
            ],
            "notifiers": [status.fields() for status in self._outbox.statuses()],
        }

    def open_alert_counts(self) -> dict[tuple[str, str], int]:
        """(channel id, kind) -> 1 for each open alert: the gauge `alerts_open{channel,kind}`."""
        return {(state.channel_id, alert.kind): 1 for state in self._states.all() for alert in state.open}

    def tick(self) -> None:
        """Do what waits for time to pass; call it about once a second where no calls come in."""
        self._writer.write_waiting()
        self._states.save(at_once=False)
        if self._is_inline:
            self._outbox.deliver_due()

    def close(self) -> None:
        """Write down what is not written yet."""
        self._writer.write_waiting()
        self._states.save(at_once=True)

    def _send_alert(
        self,
        channel_id: str,
        channel_name: str,
        alert_type: str,
        message: str,
        details: Details | None = None,
    ) -> None:
        """Write the alert to the log and hand it to the notifiers. Every alert of the monitor goes through here.

        This method is a promise: a subclass that overrides it receives each new alert and each repetition after the
        cool-down, once, with exactly these arguments. It may tell people in its own way, change the words, and call
        `super()` to keep the log and the notifiers, or leave that out to replace them:

            class TicketMonitor(ChannelMonitor):
                def _send_alert(self, channel_id, channel_name, alert_type, message, details=None):
                    super()._send_alert(channel_id, channel_name, alert_type, message, details)
                    open_ticket(f"{alert_type}: {message}", details)

        An override that raises loses nothing: the error is logged, and the alert is written and delivered as if there
        were no override. It runs in the thread that observed the call, so it should be quick; what waits for a network
        is better a notifier in an outbox.
        """
        alert = self._taken(channel_id, channel_name, alert_type, message, details)
        self._writer.write(alert)
        self._deliver(alert)

    def _send_resolved(
        self,
        channel_id: str,
        channel_name: str,
        alert_type: str,
        message: str,
        details: Details | None = None,
    ) -> None:
        """Tell the notifiers that an alert is over or was cleared. The same promise as `_send_alert`."""
        self._deliver(self._taken(channel_id, channel_name, alert_type, message, details))

    def _report(
        self,
        channel_id: str,
        channel_name: str,
        kind: AlertKind,
        message: str,
        details: Details | None,
        *,
        lasts: bool = False,
        now: float | None = None,
    ) -> None:
        trouble = Trouble(kind, message, details, severity_of(kind), is_call=False, reported=lasts)
        self._observe(channel_id, channel_name, trouble, now)

    def _observe(self, channel_id: str, channel_name: str | None, event: Event, now: float | None = None) -> None:
        moment = self._clock() if now is None else now
        has_notices = self._states.apply(channel_id, channel_name, event, moment, self._rules)
        if has_notices:
            self._tell()
        self._states.save(at_once=has_notices)  # after telling: a crash between repeats an alert, and loses none

    def _tell(self) -> None:
        """Send what is to be told, in the order in which it was decided, whichever thread decided it."""
        with self._telling:
            while (alert := self._states.next_notice()) is not None:
                if may_tell(self._claims, alert, self._rules.cooldown_s):
                    self._tell_one(alert)

    def _tell_one(self, alert: Alert) -> None:
        is_open = alert.state is AlertState.OPEN
        send = self._send_alert if is_open else self._send_resolved
        plain_send = ChannelMonitor._send_alert if is_open else ChannelMonitor._send_resolved
        arguments = (alert.channel_id, alert.channel_name, alert.alert_type, alert.message, alert.details)
        outer, self._being_told = self._being_told, alert
        try:
            send(*arguments)
        except Exception:  # the guard around an override
            _logger.exception("an override could not send alert %s", alert.delivery_id)
            if self._being_told is alert:
                plain_send(self, *arguments)
        finally:
            self._being_told = outer

    def _taken(
        self, channel_id: str, channel_name: str, alert_type: str, message: str, details: Details | None
    ) -> Alert:
        """The alert that is being told, in the words given now; or one that somebody sends by hand."""
        told = self._being_told
        if told is None or (told.channel_id, told.alert_type) != (channel_id, alert_type):
            self._sent_by_hand += 1
            told = alert_by_hand(channel_id, alert_type, self._clock(), self._sent_by_hand)
        else:
            self._being_told = None
        return replace(
            told,
            channel_name=clean_text(channel_name),
            message=clean_text(message),
            details=clean_details(details),
        )

    def _deliver(self, alert: Alert) -> None:
        if not self._outbox.names:
            _logger.warning("渠道告警: %s", alert.message)
        self._outbox.put(alert)
        if self._is_inline:
            self._outbox.deliver_due()


_shared: Final[dict[str, ChannelMonitor]] = {}


def get_channel_monitor() -> ChannelMonitor:
    """The process's monitor: the one given to `use_channel_monitor`, else one that writes to `logs/`."""
    if "monitor" not in _shared:
        _shared["monitor"] = ChannelMonitor()
    return _shared["monitor"]


def use_channel_monitor(monitor: ChannelMonitor) -> None:
    """Make this the process's monitor."""
    _shared["monitor"] = monitor


def check_api_error_and_alert(channel_id: str, channel_name: str, status_code: int, error_message: str) -> None:
    """An upstream answered a call with an error: count it, and alert when it is time."""
    get_channel_monitor().observe_fault(channel_id, channel_name, fault_of_answer(status_code, error_message))
