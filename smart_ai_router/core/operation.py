"""One client call from admission to its line in the journal: a state machine without socket or clock of its own.

Theory of operation. Events come in (upstream head, data, end, fault; client gone, slow, ready; journal durable) and
commands go out (send upstream, answer the client, append the line). The life of an operation:

    planned -> (waiting for its hold) -> attempt 1 .. n -> settled -> on the books -> answered

- Before an attempt's first upstream byte its intent stands in the in-flight table.
- A failed attempt moves on to the next candidate until a byte of an answer has reached the client; never after.
- Settlement happens once. The last bytes of the answer leave when the journal says that the line is durable, and
  only then is the in-flight slot free.
- A client that leaves does not end the operation: the upstream is drained to its own count within a bound, else
  cancelled and estimated. There is always exactly one line.
"""

from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import Final, Literal, Protocol

from smart_ai_router.core.answering import JSON_TYPE, ClientAnswer
from smart_ai_router.core.calls import Call, Caller, Dialect, ReplyReader, Target
from smart_ai_router.core.funds import Funded
from smart_ai_router.core.http_messages import ClientReply
from smart_ai_router.core.intents import INTERRUPTED
from smart_ai_router.core.operation_facts import OperationFacts
from smart_ai_router.core.ports import Clock, Exchange, ExchangeSink, Timer
from smart_ai_router.core.records import Ending, Moments, finished_attempt
from smart_ai_router.core.snapshot import KeyGrant
from smart_ai_router.domain.errors import Refusal, RouterBusy
from smart_ai_router.domain.failures import Failure, failure_of_faults, failure_of_refusal
from smart_ai_router.domain.fault_classes import classify_fault
from smart_ai_router.domain.faults import Fault, FaultKind
from smart_ai_router.domain.money import pico_to_decimal
from smart_ai_router.domain.pricing import PriceSheet
from smart_ai_router.domain.settlement import Outcome

ERROR_BODY_BYTES_MAX: Final = 64 * 1024  # more of an error page says nothing more
REPLY_BYTES_MAX: Final = 64 * 1024 * 1024  # a JSON reply is held until it is on the books
MAY_BILL: Final = (FaultKind.RESET, FaultKind.TIMEOUT, FaultKind.MALFORMED)  # the provider may have done the work
CLIENT_CLOSED_REQUEST: Final = 499  # nginx's word for a client that left; recorded, never sent
CLIENT_LEFT: Final = Ending(
    Outcome.CANCELLED, "client_gone", "the client left before the answer was complete", CLIENT_CLOSED_REQUEST
)


class Services(Protocol):
    """What an operation needs of the gateway that runs it."""

    clock: Clock
    attempts_max: int
    drain_s: float  # 0: an abandoned upstream call is cancelled at once

    def admit(self, operation: "Operation") -> None:
        """Take the caller's limits and plan the candidates; raises Refusal."""

    def next_target(self, operation: "Operation") -> Target | Literal[Funded.WAITS] | None:
        """The next candidate that may be tried now; None: there is none left. One that waits is told later by
        `on_funds`. Raises Refusal."""

    def nothing_to_try(self, operation: "Operation") -> Refusal: ...

    def sheet(self, target: Target) -> PriceSheet | None: ...

    def dialect(self, target: Target) -> Dialect: ...

    def send(self, operation: "Operation", target: Target) -> Exchange:
        """Write the intent, then start the upstream call."""

    def attempt_over(
        self, operation: "Operation", target: Target, fault: Fault | None, duration_s: float, first_byte_s: float | None
    ) -> None:
        """Tell health, limits and the monitor how a try ended."""

    def book(self, operation: "Operation", moments: Moments, ending: Ending, on_books: Callable[[], None]) -> None:
        """Append the operation's line; call back once it is durable and its slot is free."""


class _Stage(Enum):
    PLANNED = auto()
    WAITING = auto()  # for the hold of the next attempt
    ATTEMPTING = auto()
    SETTLED = auto()


class Operation(OperationFacts, ExchangeSink):
    """Takes the events of its upstream and of its client."""

    __slots__ = (
        "_answer",
        "_attempt_started",
        "_body_bytes",
        "_closing",
        "_drain_timer",
        "_error_body",
        "_exchange",
        "_faults",
        "_first_byte_at",
        "_head",
        "_reader",
        "_services",
        "_sheet",
        "_stage",
        "_status",
        "_streaming",
        "_target",
    )

    def __init__(
        self,
        services: Services,
        *,
        call: Call,
        caller: Caller,
        grant: KeyGrant | None,
        reply: ClientReply,
        request_id: str,
        started: float,
    ) -> None:
        super().__init__(call, caller, grant, request_id, started)
        self._services = services
        self._answer = ClientAnswer(reply, call.endpoint.errors, request_id)
        self._stage = _Stage.PLANNED
        self._target: Target | None = None
        self._exchange: Exchange | None = None
        self._reader: ReplyReader | None = None
        self._sheet: PriceSheet | None = None
        self._faults: list[Fault] = []
        self._status = 0
        self._head: Mapping[str, str] = {}
        self._streaming = False
        self._error_body = b""
        self._body_bytes = 0
        self._attempt_started = 0.0
        self._first_byte_at: float | None = None
        self._drain_timer: Timer | None = None
        self._closing: Callable[[], None] = _nothing

    @property
    def upstream_model(self) -> str | None:
        """The model that the provider says answered."""
        return None if self._reader is None else self._reader.model

    # --- planning and attempts ---

    def begin(self) -> None:
        """Admit the call and start its first attempt, or refuse it."""
        try:
            self._services.admit(self)
            self._try_next()
        except Refusal as refusal:
            self._refuse(refusal)

    def on_funds(self) -> None:
        """The hold may be there by now."""
        if self._stage is not _Stage.WAITING:
            return
        try:
            self._try_next()
        except Refusal as refusal:
            self._refuse(refusal)

    def _refuse(self, refusal: Refusal) -> None:
        """The call goes no further; after an attempt it has failed, before the first one it is refused."""
        failure = failure_of_refusal(refusal)
        if self.attempts:
            self._fail(failure)
        else:
            ending = Ending(Outcome.REFUSED, failure.code, failure.message, failure.status)
            self._settle(ending, lambda: self._answer.fail(failure))

    def _try_next(self) -> None:
        """Start the next attempt; raises Refusal when none could even be tried."""
        services = self._services
        target = services.next_target(self) if len(self.attempts) < services.attempts_max else None
        if target is Funded.WAITS:
            self._stage = _Stage.WAITING
            return
        if target is None:
            if not self.attempts:
                raise services.nothing_to_try(self)
            self._fail(failure_of_faults(self._faults))
            return
        self._stage = _Stage.ATTEMPTING
        self._target = target
        self._answer.trail = (target.channel.id, len(self.attempts) + 1)
        self._attempt_started = services.clock.monotonic()
        self._first_byte_at = None
        self._sheet = services.sheet(target)
        self._reader = None
        self._status = 0
        self._error_body = b""
        self._exchange = services.send(self, target)

    # --- upstream ---

    def on_head(self, status: int, headers: Mapping[str, str]) -> None:
        self._status = status
        self._head = headers
        if 200 <= status < 300 and self._target is not None:
            content_type = headers.get("content-type", "")
            self._streaming = self.call.stream and content_type.startswith("text/event-stream")
            self._reader = self._services.dialect(self._target).reader(self.call, self._streaming)

    def on_data(self, data: bytes) -> None:
        if self._stage is _Stage.SETTLED:
            return
        if self._first_byte_at is None:
            self._first_byte_at = self._services.clock.monotonic()
        reader = self._reader
        if reader is None:
            if len(self._error_body) < ERROR_BODY_BYTES_MAX:
                self._error_body += data[:ERROR_BODY_BYTES_MAX]
            return
        out = reader.feed(data)
        if not self._streaming:
            self._body_bytes += len(data)
            if self._body_bytes > REPLY_BYTES_MAX:
                self._stop_upstream()
                self._attempt_failed(Fault(FaultKind.MALFORMED, f"the reply is larger than {REPLY_BYTES_MAX} bytes"))
            return
        if out and not self.is_abandoned:
            self._answer.stream(out)
        if reader.fault is not None:
            self._stop_upstream()
            self._attempt_failed(reader.fault)
        elif reader.is_complete:
            self._complete()

    def on_end(self) -> None:
        if self._stage is _Stage.SETTLED:
            return
        reader = self._reader
        if reader is None:
            self._attempt_failed(classify_fault(self._status, self._head, self._error_body, self._services.clock.now()))
            return
        self._reader = None  # a reader that fails at its end is not asked again
        reader.end()
        self._reader = reader
        if reader.fault is not None:
            self._attempt_failed(reader.fault)
        elif reader.is_complete:
            self._complete()
        else:
            self._attempt_failed(Fault(FaultKind.RESET, "the stream broke off before its end", self._status))

    def on_fault(self, fault: Fault) -> None:
        if self._stage is _Stage.SETTLED:
            return
        if self._reader is not None:
            self._reader.end()
        self._attempt_failed(fault)

    # --- client ---

    def on_client_gone(self) -> None:
        if self._stage is _Stage.WAITING:
            self.is_abandoned = True
            self._settle(CLIENT_LEFT, _nothing)
            return
        if self._stage is not _Stage.ATTEMPTING or self._exchange is None:
            return
        self.is_abandoned = True
        drain_s = self._services.drain_s
        if drain_s <= 0:
            self._stop_draining()
            return
        self._drain_timer = self._services.clock.call_later(drain_s, self._stop_draining)
        self._exchange.resume_reading()

    def on_client_slow(self) -> None:
        if self._exchange is not None and not self.is_abandoned:
            self._exchange.pause_reading()

    def on_client_ready(self) -> None:
        if self._exchange is not None:
            self._exchange.resume_reading()

    def cut(self) -> None:
        """The router stops: end the call with what is known of it, and say so to a client that still waits."""
        if self._stage is _Stage.WAITING:
            self._refuse(RouterBusy(INTERRUPTED, retry_after_s=1.0))
            return
        if self.is_abandoned:
            self._stop_draining()
            return
        self.is_abandoned = True  # nothing of this counts against the channel
        failure = failure_of_refusal(RouterBusy(INTERRUPTED, retry_after_s=1.0))
        ending = Ending(Outcome.INTERRUPTED, "interrupted", INTERRUPTED, failure.status, ("upstream_may_bill",))
        self._give_up(ending, lambda: self._answer.fail(failure))

    def _stop_draining(self) -> None:
        self._drain_timer = None
        self._give_up(CLIENT_LEFT, _nothing)

    def _give_up(self, ending: Ending, closing: Callable[[], None]) -> None:
        if self._stage is _Stage.ATTEMPTING:
            self._stop_upstream()
            if self._reader is not None:
                self._reader.end()
            self._end_attempt(ending.outcome, None)
            self._settle(ending, closing)

    def _stop_upstream(self) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.cancel()

    # --- endings ---

    def _complete(self) -> None:
        """The upstream answered in full."""
        if self.is_abandoned:
            self._end_attempt(Outcome.CANCELLED, None)
            self._settle(CLIENT_LEFT, _nothing)
            return
        self._end_attempt(Outcome.SUCCESS, None)
        self._settle(Ending(Outcome.SUCCESS, None, None, 200 if self._streaming else self._status), self._send_answer)

    def _attempt_failed(self, fault: Fault) -> None:
        self._exchange = None
        fault = fault.without(self._target.channel.api_key if self._target is not None else "")
        self._faults.append(fault)
        if self.is_abandoned:
            self._end_attempt(Outcome.CANCELLED, fault)
            self._settle(CLIENT_LEFT, _nothing)
        elif self._answer.reply.started:
            self._end_attempt(Outcome.PARTIAL, fault)
            failure = failure_of_faults([fault])
            flags = self._reader.flags if self._reader is not None else ()
            ending = Ending(Outcome.PARTIAL, fault.kind.value, fault.message, 200, flags)
            self._settle(ending, lambda: self._answer.fail(failure))
        else:
            self._end_attempt(Outcome.FAILED, fault)
            if fault.blames_request:
                self._refused_by_provider(fault)
                return
            try:
                self._try_next()
            except Refusal as refusal:
                self._refuse(refusal)

    def _refused_by_provider(self, fault: Fault) -> None:
        """The provider blames the request: another one would too. Some say it within a 200."""
        failure = Failure(400, "invalid_request_error", fault.kind.value, fault.message)
        status = self._status if self._status >= 400 else failure.status
        closing = self._pass_refusal_on if status == self._status else lambda: self._answer.fail(failure)
        self._settle(Ending(Outcome.FAILED, fault.kind.value, fault.message, status), closing)

    def _fail(self, failure: Failure) -> None:
        """Every attempt failed before a byte of an answer left."""
        fault = self._faults[-1]
        flags = ("upstream_may_bill",) if fault.kind in MAY_BILL else ()
        ending = Ending(Outcome.FAILED, fault.kind.value, fault.message, failure.status, flags)
        self._settle(ending, lambda: self._answer.fail(failure))

    def _end_attempt(self, outcome: Outcome, fault: Fault | None) -> None:
        """Bill the try and tell the gateway how it went."""
        target, reader = self._target, self._reader
        assert target is not None
        duration_s = self._services.clock.monotonic() - self._attempt_started
        first_byte_s = None if self._first_byte_at is None else self._first_byte_at - self._attempt_started
        attempt = finished_attempt(self.call, target, outcome, fault, reader, self._sheet, self._status, duration_s)
        self.attempts.append(attempt)
        self._services.attempt_over(self, target, fault, duration_s, first_byte_s)

    def _settle(self, ending: Ending, closing: Callable[[], None]) -> None:
        self._stage = _Stage.SETTLED
        if self._drain_timer is not None:
            self._drain_timer.cancel()
        clock = self._services.clock
        first_byte_s = None if self._first_byte_at is None else self._first_byte_at - self.started
        moments = Moments(clock.now(), clock.monotonic() - self.started, first_byte_s)
        self._closing = closing
        self._services.book(self, moments, ending, self._on_books)

    def _on_books(self) -> None:
        closing, self._closing = self._closing, _nothing
        self._exchange = None  # no cycle is left behind for the garbage collector
        closing()
        self._answer.reply.events = None

    def _send_answer(self) -> None:
        assert self._reader is not None
        bill = self.attempts[-1].bill
        cost = pico_to_decimal(bill.total_cost) if bill is not None and self.call.wants_cost else None
        body = self._reader.last_bytes(cost)
        if self._streaming:
            self._answer.end_stream(body)
        else:
            self._answer.send(self._status, self._head.get("content-type", JSON_TYPE), body, bill)

    def _pass_refusal_on(self) -> None:
        assert self._target is not None
        content_type = self._head.get("content-type", JSON_TYPE)
        self._answer.pass_refusal_on(self._status, content_type, self._error_body, self._target.channel.api_key)


def _nothing() -> None:
    """There is no client to answer."""
