"""The gateway of one worker: what every operation shares, and the newest snapshot they decide by.

`adopt` swaps everything that a snapshot decides at once: routes, prices, keys, limits. Operations under way keep the
targets and price sheets they were admitted with.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal, Protocol

from smart_ai_router.core.admission import Keyring
from smart_ai_router.core.calls import Call, Caller, Dialect, Target
from smart_ai_router.core.decisions import Decisions
from smart_ai_router.core.funds import Funded, Funds, no_pool_covers
from smart_ai_router.core.gates import Gates
from smart_ai_router.core.http_messages import ClientReply
from smart_ai_router.core.intents import TEXT_MAX, Intent, encode_intent
from smart_ai_router.core.operation import Operation
from smart_ai_router.core.ports import Clock, Exchange, InflightTable, Journal, Upstream
from smart_ai_router.core.records import Ending, Facts, Moments, make_line
from smart_ai_router.core.routing_table import RoutingTable
from smart_ai_router.core.snapshot import KeyGrant, Snapshot
from smart_ai_router.domain.channel import Channel
from smart_ai_router.domain.errors import (
    ChannelsUnavailable,
    PriceUnknown,
    RateLimited,
    Refusal,
    RouterBusy,
)
from smart_ai_router.domain.faults import Fault
from smart_ai_router.domain.health import HealthBoard
from smart_ai_router.domain.live_stats import LiveStats
from smart_ai_router.domain.meters import NO_USAGE
from smart_ai_router.domain.pricing import PriceSheet
from smart_ai_router.domain.request_ids import SidSequence, check_text, encode_request_id
from smart_ai_router.domain.routing import Candidate, Explanation, fit_candidates, health_reason
from smart_ai_router.domain.settlement import Outcome


class AttemptObserver(Protocol):
    """Hears how every upstream try ended: the channel monitor, through the control plane."""

    def observe_attempt(self, channel: Channel, fault: Fault | None) -> None: ...


class Chance(Protocol):
    """Randomness."""

    def fraction(self) -> float:
        """A number in [0, 1)."""

    def bits(self) -> int:
        """At least 25 random bits."""


@dataclass(frozen=True, slots=True)
class Doors:
    """What the gateway reaches outside of itself."""

    clock: Clock
    journal: Journal
    journal_position: Callable[[], tuple[str, int]]
    inflight: InflightTable
    upstream: Upstream
    dialects: Mapping[str, Dialect]
    observer: AttemptObserver
    chance: Chance
    today: Callable[[], date]  # the date in the configured time zone


class Gateway:
    """Implements `core.operation.Services`."""

    def __init__(self, doors: Doors, node: int, last_number: int, snapshot: Snapshot, workers: int = 1) -> None:
        self._doors = doors
        self.clock = doors.clock
        self._ids = SidSequence(node, last_number)
        self._live = LiveStats()
        self._health = HealthBoard(snapshot.routing.cooldown_s)
        self._gates = Gates(doors.clock, doors.today, workers)
        self.funds = Funds(doors.clock, doors.today, snapshot)
        self._operations: set[Operation] = set()
        self._decisions = Decisions(snapshot, self.clock.now())
        self._apply_policy()

    @property
    def snapshot(self) -> Snapshot:
        """What is decided by now."""
        return self._decisions.snapshot

    @property
    def keyring(self) -> Keyring:
        return self._decisions.keyring

    @property
    def table(self) -> RoutingTable:
        return self._decisions.table

    @property
    def calls_under_way(self) -> int:
        return len(self._operations)

    @property
    def journal_admits(self) -> bool:
        return self._doors.journal.admits

    def adopt(self, snapshot: Snapshot) -> None:
        """Decide by this snapshot from now on."""
        before = self._decisions.snapshot
        self._decisions = Decisions(snapshot, self.clock.now())
        self._health.keep_unchanged(before.channels, snapshot.channels)
        self._health.cooldown_s = snapshot.routing.cooldown_s
        self.funds.adopt(snapshot)
        self._live.keep_only(frozenset(channel.id for channel in snapshot.channels))
        self._apply_policy()

    def explain(self, model: str, kind: str) -> Explanation:
        """Where a call to this model field would go now, and why."""
        now = self.clock.monotonic()
        chance = self._doors.chance.fraction()
        return self.table.explain(
            model, self._live, chance, now, kind=kind, blocked=lambda each: self._blocked(each, now)
        )

    def reset_channel(self, channel_id: str) -> None:
        """Forget the faults held against a channel; "*" means all."""
        for channel in self._decisions.snapshot.channels if channel_id == "*" else ():
            self._health.reset(channel.id)
        self._health.reset(channel_id)

    def new_request_id(self) -> str:
        number = self._ids.next(int(self.clock.now() * 1000))
        self._doors.inflight.remember_number(number)
        return encode_request_id(number, check_text(self._doors.chance.bits()))

    def run(self, call: Call, caller: Caller, grant: KeyGrant | None, reply: ClientReply, started: float) -> None:
        """Carry a call out; everything further comes through events."""
        operation = Operation(
            self,
            call=call,
            caller=caller,
            grant=grant,
            reply=reply,
            request_id=self.new_request_id(),
            started=started,
        )
        reply.events = operation
        self._operations.add(operation)
        try:
            operation.begin()
        except Exception:
            self._operations.discard(operation)  # a mistake of ours: the edge answers it, a drain must not wait for it
            raise

    def cut_all(self) -> None:
        """End every call under way now, with what is known of it; each has its line."""
        for operation in tuple(self._operations):
            operation.cut()

    # --- services of an operation ---

    def admit(self, operation: Operation) -> None:
        """Take the caller's limits and plan the candidates; the most certain refusal first."""
        doors, call, grant = self._doors, operation.call, operation.grant
        if call.flaw is not None:
            raise call.flaw.anew()
        if not doors.journal.admits:
            raise RouterBusy("the journal cannot be written, so no call can be accounted for", retry_after_s=1.0)
        if doors.inflight.is_full:
            raise RouterBusy("too many calls are in flight", retry_after_s=1.0)
        selection = self.table.select(call.model, call.endpoint.model_kind)
        operation.query_tags = selection.positive_tags
        candidates = selection.candidates
        if grant is not None:
            candidates = self.table.permitted(candidates, grant.models)
            self._enter_key_gate(operation, grant)
        now = self.clock.monotonic()
        ordered = self.table.order(candidates, self._live, doors.chance.fraction(), now)
        fit = fit_candidates(ordered, self._health, now)
        operation.candidates = list(fit.candidates)
        operation.is_last_resort = fit.is_last_resort

    def next_target(self, operation: Operation) -> Candidate | Literal[Funded.WAITS] | None:
        now = self.clock.monotonic()
        while operation.candidates:
            candidate = operation.candidates[0]
            channel = candidate.channel
            funded = self._fund(operation, candidate)
            if funded is Funded.WAITS:
                return Funded.WAITS  # it stays the first candidate
            del operation.candidates[0]
            if funded is Funded.NEXT_CHANNEL:
                continue
            gate = self._gates.channel(channel, self._decisions.snapshot)
            refused = self._gates.enter(gate)
            if refused is not None:
                message = f"channel {channel.name} is at its limit of {refused.limit}"
                operation.refusals.append(RateLimited(message, retry_after_s=refused.retry_after_s))
                continue
            if not self._health.begin(channel.id, candidate.model.name, now, operation.is_last_resort):
                gate.undo()
                continue
            operation.channel_gate = gate
            return candidate
        return None

    def nothing_to_try(self, operation: Operation) -> Refusal:
        if operation.refusals:
            return operation.refusals[-1]
        return ChannelsUnavailable(
            f"every channel for {operation.call.model[:TEXT_MAX]!r} is resting after faults; try again shortly",
            retry_after_s=1.0,
        )

    def sheet(self, target: Target) -> PriceSheet | None:
        return self._decisions.sheet(target.channel, target.model, self.clock.now())

    def dialect(self, target: Target) -> Dialect:
        return self._doors.dialects[target.channel.dialect]

    def send(self, operation: Operation, target: Target) -> Exchange:
        """Write the intent, then start the upstream call."""
        inflight = self._doors.inflight
        previous = operation.slot
        operation.slot = inflight.open(encode_intent(self._intent(operation, target)))
        if previous is not None:
            inflight.close(previous)
        request = self.dialect(target).request(operation.call, target)
        return self._doors.upstream.send(request, self._decisions.route(target.channel), operation)

    def attempt_over(
        self, operation: Operation, target: Target, fault: Fault | None, duration_s: float, first_byte_s: float | None
    ) -> None:
        now = self.clock.monotonic()
        channel, model = target.channel, target.model.name
        bill = operation.attempts[-1].bill
        self.funds.attempt_over(operation.funding, 0 if bill is None else bill.total_cost)
        if operation.channel_gate is not None:
            operation.channel_gate.leave()
            operation.channel_gate = None
        first_byte_ms = None if first_byte_s is None or not operation.call.stream else first_byte_s * 1000
        if fault is not None:
            self._health.failed(channel.id, model, fault, now)
            if not fault.blames_request:
                self._live.observe(channel.id, False, duration_s * 1000, first_byte_ms, now)
                self._doors.observer.observe_attempt(channel, fault)
                return
        elif operation.is_abandoned:
            self._health.released(channel.id, model)
            return
        else:
            self._health.succeeded(channel.id, model, now)
        self._live.observe(channel.id, True, duration_s * 1000, first_byte_ms, now)
        self._doors.observer.observe_attempt(channel, None)

    def book(self, operation: Operation, moments: Moments, ending: Ending, on_books: Callable[[], None]) -> None:
        """Append the operation's line; call back once it is durable and its slot is free."""
        last = operation.attempts[-1] if operation.attempts else None
        cost = 0 if last is None or last.bill is None else last.bill.total_cost
        settlement = self.funds.settle(
            operation.funding, ending.outcome, NO_USAGE if last is None else last.usage, cost
        )
        facts = Facts(
            request_id=operation.request_id,
            call=operation.call,
            caller=operation.caller,
            moments=moments,
            ending=ending,
            attempts=operation.attempts,
            tags=self._tags(operation),
            currency=self._decisions.snapshot.currency,
            settlement=settlement,
            upstream_model=operation.upstream_model,
        )
        if operation.key_gate is not None:
            operation.key_gate.leave()
        self._operations.discard(operation)

        def durable() -> None:
            if operation.slot is not None:
                self._doors.inflight.close(operation.slot)
            self.funds.line_written(operation.funding)
            on_books()

        if ending.outcome is Outcome.REFUSED and not self._doors.journal.admits:
            self.funds.line_written(operation.funding)
            on_books()  # nothing was spent, and a queue that cannot drain must not grow
            return
        self._doors.journal.append(make_line(facts), moments.ended_at, durable)

    # --- parts ---

    def _apply_policy(self) -> None:
        policy = self._decisions.snapshot.routing
        self.attempts_max = policy.attempts_max if policy.fallback else 1
        self.drain_s = policy.drain_s if policy.client_gone == "drain" else 0.0
        self.region_header = self._decisions.snapshot.region_header
        self._refuses_unpriced = policy.unpriced_models == "refuse"

    def _blocked(self, candidate: Candidate, now: float) -> str | None:
        refused = self._gates.check(self._gates.channel(candidate.channel, self._decisions.snapshot), now)
        if refused is not None:
            return f"at its limit of {refused.limit}"
        return health_reason(candidate, self._health, now)

    def _fund(self, operation: Operation, candidate: Candidate) -> Funded:
        """Set aside what a try may cost; a refusal that another channel may not share is noted. Raises Refusal."""
        channel = candidate.channel
        sheet = self.sheet(candidate)
        if sheet is None and self._refuses_unpriced:
            operation.refusals.append(PriceUnknown(f"{candidate.model.name} has no price on {channel.name}"))
            return Funded.NEXT_CHANNEL
        call, caller = operation.call, operation.caller
        funded = self.funds.fund(operation, operation.funding, call, caller, channel, candidate.model, sheet)
        if funded is Funded.NEXT_CHANNEL:
            operation.refusals.append(no_pool_covers(channel))
        return funded

    def _enter_key_gate(self, operation: Operation, grant: KeyGrant) -> None:
        gate = self._gates.key(grant)
        refused = self._gates.enter(gate)
        if refused is not None:
            message = f"this API key is at its limit of {refused.limit}"
            raise RateLimited(message, retry_after_s=refused.retry_after_s)
        if not gate.is_open:
            operation.key_gate = gate

    def _tags(self, operation: Operation) -> tuple[str, ...]:
        model = operation.attempts[-1].target.model.name if operation.attempts else ""
        call = operation.call
        return self._decisions.tags(model, call.endpoint.request_type, operation.query_tags, call.features)

    def _intent(self, operation: Operation, target: Target) -> Intent:
        call, caller, channel = operation.call, operation.caller, target.channel
        day, offset = self._doors.journal_position()
        holder, held = self.funds.attempt_begins(operation.funding)
        return Intent(
            request_id=operation.request_id,
            started_at=self.clock.now(),
            journal_day=day,
            journal_offset=offset,
            channel_id=channel.id,
            channel_name=channel.name,
            provider=channel.provider_id,
            provider_region=channel.region,
            model=target.model.name,
            upstream_model=target.model.upstream_name,
            requested_model=call.model[:TEXT_MAX],
            request_type=call.endpoint.request_type,
            usage_type=call.endpoint.usage_type,
            stream=call.stream,
            prompt_bytes=call.prompt_bytes,
            currency=self._decisions.snapshot.currency,
            user_id=caller.user_id,
            api_key_id=caller.api_key_id,
            end_user=call.end_user,
            session_id=call.session_id,
            client_ip=caller.client_ip,
            user_agent=caller.user_agent,
            region=call.region,
            holder=holder,
            held=held,
        )
