"""What a monitor knows of each channel, in memory and in its file, and what it has decided to tell but not told yet.

Safe to use from several threads. Decisions are taken one after the other, and their notices come out in that order.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from smart_ai_router.core.alert_log import MonitorMemory, decode_states, encode_states
from smart_ai_router.domain.alert_rules import AlertRules
from smart_ai_router.domain.alert_words import clean_details, clean_text
from smart_ai_router.domain.alerts import Alert, ChannelState, Event, Trouble, decide, notice_of

CHANNELS_MAX: Final = 10_000  # more than any configuration; bounds what made-up channel ids could take
SAVE_EVERY_S: Final = 1.0  # counts change with every error of an outage; a second of them may be lost, an alert not

_logger = logging.getLogger(__name__)


class ChannelStates:
    """Takes channels through events, remembers the outcome, and lines up the notices."""

    def __init__(self, memory: MonitorMemory, clock: Callable[[], float]) -> None:
        self._memory = memory
        self._clock = clock
        self._lock = threading.Lock()
        self._saving = threading.Lock()
        self._notices: deque[Alert] = deque()
        self._is_dirty = False
        self._saved_at = float("-inf")
        self._states = self._remembered()

    def apply(self, channel_id: str, channel_name: str | None, event: Event, moment: float, rules: AlertRules) -> bool:
        """Take a channel through an event; True when there are notices. Without a name: only a known channel."""
        if isinstance(event, Trouble):
            event = replace(event, message=clean_text(event.message), details=clean_details(event.details))
        with self._lock:
            before = self._states.get(channel_id)
            if before is None:
                if channel_name is None:
                    return False
                before = self._new_state(channel_id, channel_name)
            elif channel_name is not None and isinstance(event, Trouble):
                before = replace(before, channel_name=clean_text(channel_name))
            after, actions = decide(before, event, moment, rules)
            self._states[channel_id] = after
            self._notices.extend(notice_of(after, action, moment) for action in actions)
            self._is_dirty |= after.open is not before.open or after.run is not before.run
        return bool(actions)

    def next_notice(self) -> Alert | None:
        """The oldest notice that is not told yet."""
        with self._lock:
            return self._notices.popleft() if self._notices else None

    def all(self) -> list[ChannelState]:
        """Every known channel."""
        with self._lock:
            return list(self._states.values())

    def get(self, channel_id: str) -> ChannelState | None:
        """One channel, if known."""
        with self._lock:
            return self._states.get(channel_id)

    def save(self, *, at_once: bool) -> None:
        """Write to the file what has changed, at most once a second unless at once. A refusing disk is tried again."""
        if not self._is_dirty:
            return
        with self._saving:
            now = self._clock()
            if not self._is_dirty or (not at_once and 0 <= now - self._saved_at < SAVE_EVERY_S):
                return
            with self._lock:
                self._is_dirty = False
                states = [state for state in self._states.values() if state.open or state.closed or state.run]
            self._saved_at = now
            try:
                self._memory.save(encode_states(states))
            except OSError as error:
                self._is_dirty = True
                _logger.error("what the monitor knows is not saved: %s", error)

    def _new_state(self, channel_id: str, channel_name: str) -> ChannelState:
        if len(self._states) >= CHANNELS_MAX:
            quiet = next((each for each, state in self._states.items() if not state.open), channel_id)
            self._states.pop(quiet, None)
        return ChannelState(channel_id, clean_text(channel_name))

    def _remembered(self) -> dict[str, ChannelState]:
        try:
            data = self._memory.load()
            return {state.channel_id: state for state in decode_states(data)} if data else {}
        except (OSError, ValueError) as error:
            _logger.error("what the monitor knew cannot be read, it begins anew: %s", error)
            return {}
