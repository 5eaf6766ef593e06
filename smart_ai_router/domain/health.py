"""Which channels rest after faults, and when they are tried again.

Theory of operation. A channel, and each model behind it, is closed (healthy), open (resting until a time) or half-open
(the time is over: one call at a time may try it; its outcome closes or reopens it). No call is made only to find out:
the probe is a client's own call, which moves on to the next channel if it fails. `now` is monotonic seconds.

| fault                         | rests   | after                  | for                                 |
|-------------------------------|---------|------------------------|-------------------------------------|
| rate_limit                    | channel | 1 fault                | Retry-After exactly, else 10 s      |
| api_key_invalid               | channel | 1 fault                | until its configuration changes;    |
|                               |         |                        | 1800 s if it was a 403              |
| quota_exhausted, low_balance  | channel | 1 fault                | 1800 s                              |
| connect_failed, tls_failed    | channel | 2 faults in a row      | 30 s                                |
| model_missing                 | model   | 1 fault                | 300 s                               |
| timeout, reset                | model   | 2 faults in a row      | 30 s                                |
| server_error, malformed       | model   | 3 in a row, or 5 of the last 10 | routing.cooldown_s (60 s)  |
| api_error                     | model   | 3 in a row, or 5 of the last 10 | 60 s                       |
| request_refused               | nothing | the upstream is well: it answered | -                        |

- A single server error rests nothing. The 5-of-10 rule holds for every fault that needs more than one. Five minutes
  without a fault begin the count anew.
- Five faults of its models in a row, or three of its models resting for such faults, rest the whole channel. Faults of
  a model that rests already do not count, and missing models do not: they say nothing about the others.
- Each reopening without a success between doubles the time, up to an hour. A Retry-After is kept as it is, up to an
  hour, and opens at once. Faults of calls that were already under way when the rest began do not double it.
- A success closes. Only a rest that the provider has told us of (Retry-After, bad key, no money, missing model) is not
  ended by calls that began before it.
- When every candidate rests, the one that has the shortest time left is tried all the same (`Fit.is_last_resort`),
  unless its provider has told us that it would be in vain.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from smart_ai_router.domain.channel import Channel
from smart_ai_router.domain.faults import Fault, FaultKind

REST_S_MAX: Final = 3600.0
FORBIDDEN_REST_S: Final = 1800.0  # a 403 may forbid something else than the key, and may be lifted
WINDOW: Final = 10  # outcomes
WINDOW_FAULTS: Final = 5
COUNT_AGE_S: Final = 300.0
CHANNEL_STRIKES: Final = 5
CHANNEL_MODELS_OUT: Final = 3
PROBE_PATIENCE_S: Final = 120.0  # a probe that has told nothing for so long no longer keeps others out
DOUBLINGS_MAX: Final = 12  # 10 s doubled twelve times passes an hour; more would only grow a number


class Phase(StrEnum):
    """Where a channel or a model stands."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class Rule:
    """What one kind of fault does."""

    is_models: bool  # rests the model, not the channel
    strikes: int  # faults in a row that it takes
    rest_s: float | None  # None means the configured cool-down
    is_told: bool = False  # the provider said so: trying again would be in vain


RULES: Final[Mapping[FaultKind, Rule]] = {
    FaultKind.RATE_LIMIT: Rule(False, 1, 10.0),
    FaultKind.API_KEY_INVALID: Rule(False, 1, math.inf, True),
    FaultKind.QUOTA_EXHAUSTED: Rule(False, 1, 1800.0, True),
    FaultKind.LOW_BALANCE: Rule(False, 1, 1800.0, True),
    FaultKind.CONNECT_FAILED: Rule(False, 2, 30.0),
    FaultKind.TLS_FAILED: Rule(False, 2, 30.0),
    FaultKind.MODEL_MISSING: Rule(True, 1, 300.0, True),
    FaultKind.TIMEOUT: Rule(True, 2, 30.0),
    FaultKind.RESET: Rule(True, 2, 30.0),
    FaultKind.SERVER_ERROR: Rule(True, 3, None),
    FaultKind.MALFORMED: Rule(True, 3, None),
    FaultKind.API_ERROR: Rule(True, 3, 60.0),
}


@dataclass(frozen=True, slots=True)
class Health:
    """The state of one channel or of one model of it."""

    kind: FaultKind | None = None  # of the latest fault
    message: str = ""
    strikes: int = 0  # faults in a row
    outcomes: int = 0  # the last ten as bits, 1 for a fault
    fault_at: float = -math.inf
    rests_until: float | None = None  # None means closed
    openings: int = 0  # in a row, without a success between
    is_told: bool = False
    probe_until: float = -math.inf

    def phase(self, now: float) -> Phase:
        """Closed, open or half-open at this time."""
        if self.rests_until is None:
            return Phase.CLOSED
        return Phase.OPEN if now < self.rests_until else Phase.HALF_OPEN

    def admits(self, now: float) -> bool:
        """True when a call may go there now."""
        if self.rests_until is None:
            return True
        return self.rests_until <= now and self.probe_until <= now


HEALTHY: Final = Health()


def after_fault(health: Health, fault: Fault, now: float, cooldown_s: float) -> Health:
    """The state after a fault that counts against it."""
    rule = RULES[fault.kind]
    if now - health.fault_at > COUNT_AGE_S and health.rests_until is None:
        health = HEALTHY
    outcomes = (health.outcomes << 1 | 1) & ((1 << WINDOW) - 1)
    seen = replace(
        health,
        kind=fault.kind,
        message=fault.message,
        strikes=health.strikes + 1,
        outcomes=outcomes,
        fault_at=now,
        probe_until=-math.inf,
    )
    match health.phase(now):
        case Phase.HALF_OPEN:
            return opened(seen, fault, now, cooldown_s)
        case Phase.OPEN:
            return _still_open(health, opened(replace(seen, openings=health.openings - 1), fault, now, cooldown_s))
    is_enough = seen.strikes >= rule.strikes or outcomes.bit_count() >= WINDOW_FAULTS
    return opened(seen, fault, now, cooldown_s) if is_enough or fault.retry_after_s is not None else seen


def after_success(health: Health, now: float) -> Health:
    """The state after a success. A rest that the provider told us of goes on: the call may have begun before it."""
    if health.rests_until is not None:
        return health if health.is_told and now < health.rests_until else HEALTHY
    outcomes = health.outcomes << 1 & ((1 << WINDOW) - 1)
    if not outcomes:
        return HEALTHY
    return replace(health, strikes=0, outcomes=outcomes)


def opened(health: Health, fault: Fault, now: float, cooldown_s: float) -> Health:
    """Open for as long as the fault and the openings before it ask for."""
    rule = RULES[fault.kind]
    openings = health.openings + 1
    base_s = cooldown_s if rule.rest_s is None else rule.rest_s
    if fault.kind is FaultKind.API_KEY_INVALID and fault.status == 403:
        base_s = FORBIDDEN_REST_S
    if fault.retry_after_s is not None and base_s != math.inf:
        rest_s = min(max(fault.retry_after_s, 0.0), REST_S_MAX)
    else:
        rest_s = base_s if base_s == math.inf else min(base_s * 2 ** min(openings - 1, DOUBLINGS_MAX), REST_S_MAX)
    is_told = rule.is_told or (fault.kind is FaultKind.RATE_LIMIT and fault.retry_after_s is not None)
    return replace(
        health,
        kind=fault.kind,
        message=fault.message,
        rests_until=now + rest_s,
        openings=openings,
        is_told=is_told,
        probe_until=-math.inf,
    )


def _still_open(before: Health, after: Health) -> Health:
    """A fault while resting changes the rest only when the provider tells us something that lasts longer."""
    if after.is_told and (before.rests_until or 0.0) < (after.rests_until or 0.0):
        return after
    return before


@dataclass(frozen=True, slots=True)
class HealthReport:
    """One state that is not healthy, for people."""

    channel_id: str
    model: str | None  # None for the whole channel
    phase: Phase
    kind: FaultKind | None
    message: str
    rests_s: float  # seconds left; inf until the configuration changes; 0 when not open
    faults_in_a_row: int


class HealthBoard:
    """The health of all channels and models that one worker uses. Healthy ones take no room."""

    __slots__ = ("_states", "cooldown_s")

    def __init__(self, cooldown_s: float = 60.0) -> None:
        self.cooldown_s = cooldown_s
        # channel id -> model name -> state; the whole channel stands under ""
        self._states: dict[str, dict[str, Health]] = {}

    @property
    def is_quiet(self) -> bool:
        """True when no fault is remembered at all: every channel admits calls."""
        return not self._states

    def state(self, channel_id: str, model: str, now: float) -> Health:
        """The state that decides about this model: of the two, the one that admits later."""
        models = self._states.get(channel_id)
        if models is None:
            return HEALTHY
        own, whole = models.get(model, HEALTHY), models.get("", HEALTHY)
        if whole.phase(now) is Phase.CLOSED:
            return own
        if own.phase(now) is Phase.CLOSED:
            return whole
        return max(own, whole, key=lambda health: health.rests_until or 0.0)

    def admits(self, channel_id: str, model: str, now: float) -> bool:
        """True when a call may go there now."""
        models = self._states.get(channel_id)
        if models is None:
            return True
        return all(models[key].admits(now) for key in ("", model) if key in models)

    def begin(self, channel_id: str, model: str, now: float, is_last_resort: bool = False) -> bool:
        """Take the way for one attempt; False when it has closed since the candidates were chosen.

        On a half-open way the attempt is the probe and keeps others out until `succeeded`, `failed` or `released`.
        """
        models = self._states.get(channel_id)
        if models is None:
            return True
        if not is_last_resort and not self.admits(channel_id, model, now):
            return False
        for key in ("", model):
            health = models.get(key, HEALTHY)
            if health.phase(now) is Phase.HALF_OPEN:
                models[key] = replace(health, probe_until=now + PROBE_PATIENCE_S)
        return True

    def succeeded(self, channel_id: str, model: str, now: float) -> None:
        """An attempt was answered."""
        models = self._states.get(channel_id)
        if models is None:
            return
        for key in ("", model):
            if key in models:
                self._put(channel_id, key, after_success(models[key], now))

    def failed(self, channel_id: str, model: str, fault: Fault, now: float) -> None:
        """An attempt failed."""
        rule = RULES.get(fault.kind)
        if rule is None:
            self.succeeded(channel_id, model, now)
            return
        models = self._states.setdefault(channel_id, {})
        key = model if rule.is_models else ""
        before = models.get(key, HEALTHY)
        self._put(channel_id, key, after_fault(before, fault, now, self.cooldown_s))
        if rule.is_models and not rule.is_told and before.phase(now) is not Phase.OPEN:
            self._escalate(channel_id, fault, now)

    def released(self, channel_id: str, model: str) -> None:
        """An attempt ended without a verdict (its client left): the next one may probe."""
        models = self._states.get(channel_id, {})
        for key in ("", model):
            if key in models:
                models[key] = replace(models[key], probe_until=-math.inf)

    def reset(self, channel_id: str) -> None:
        """Forget what is held against a channel: its key, balance or configuration changed."""
        self._states.pop(channel_id, None)

    def keep_unchanged(self, before: Sequence[Channel], after: Sequence[Channel]) -> None:
        """Take over into a new snapshot only what is held against channels that are the same in both."""
        same = {channel.id: channel for channel in before}
        kept = {channel.id for channel in after if same.get(channel.id) == channel}
        self._states = {channel_id: models for channel_id, models in self._states.items() if channel_id in kept}

    def reports(self, now: float) -> tuple[HealthReport, ...]:
        """Every state that is not healthy."""
        return tuple(
            HealthReport(
                channel_id=channel_id,
                model=key or None,
                phase=health.phase(now),
                kind=health.kind,
                message=health.message,
                rests_s=max((health.rests_until or now) - now, 0.0),
                faults_in_a_row=health.strikes,
            )
            for channel_id, models in self._states.items()
            for key, health in models.items()
        )

    def _escalate(self, channel_id: str, fault: Fault, now: float) -> None:
        """Count a model's fault against the channel, and rest the channel when it is not one model's fault alone."""
        models = self._states[channel_id]
        whole = models.get("", HEALTHY)
        phase = whole.phase(now)
        if phase is Phase.OPEN:
            return
        if now - whole.fault_at > COUNT_AGE_S and phase is Phase.CLOSED:
            whole = HEALTHY
        whole = replace(
            whole,
            kind=fault.kind,
            message=fault.message,
            strikes=whole.strikes + 1,
            fault_at=now,
            probe_until=-math.inf,
        )
        models_out = sum(
            1 for key, health in models.items() if key and not health.is_told and health.phase(now) is Phase.OPEN
        )
        is_enough = whole.strikes >= CHANNEL_STRIKES or models_out >= CHANNEL_MODELS_OUT
        if phase is Phase.HALF_OPEN or is_enough:
            whole = opened(whole, fault, now, self.cooldown_s)
        self._put(channel_id, "", whole)

    def _put(self, channel_id: str, key: str, health: Health) -> None:
        models = self._states[channel_id]
        if health is not HEALTHY:
            models[key] = health
            return
        models.pop(key, None)
        if not models:
            del self._states[channel_id]
