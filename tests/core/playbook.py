"""A gateway without sockets, disk or clock: a test scripts what the client and the upstream do, and reads the journal.

Everything runs when the script says so. `upstream.last` is the exchange the gateway opened last; `journal.settle()`
makes the queued lines durable; `clock.advance()` lets time pass and timers run.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256

import msgspec

from smart_ai_router.api.openai import ENDPOINTS, read_call
from smart_ai_router.core.calls import Caller
from smart_ai_router.core.gateway import Doors, Gateway
from smart_ai_router.core.http_messages import ClientEvents
from smart_ai_router.core.ports import ExchangeSink, Headers, UpstreamRequest, UpstreamRoute
from smart_ai_router.core.snapshot import KeyGrant, RoutingPolicy, Snapshot, User
from smart_ai_router.core.usage_record import UsageRecord, decode_usage_record
from smart_ai_router.domain.channel import Channel, ChannelModel, Provider
from smart_ai_router.domain.faults import Fault
from smart_ai_router.domain.meters import Meter
from smart_ai_router.domain.pricing import PriceVersion
from smart_ai_router.providers.openai import OpenAIDialect

NOON = 1_756_036_800.0  # 2025-08-24T12:00:00Z
CHAT = ENDPOINTS["/v1/chat/completions"]


@dataclass
class ScriptedTimer:
    at: float
    callback: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


class ScriptedClock:
    def __init__(self) -> None:
        self.passed = 0.0
        self.timers: list[ScriptedTimer] = []

    def now(self) -> float:
        return NOON + self.passed

    def monotonic(self) -> float:
        return 1000.0 + self.passed

    def call_later(self, seconds: float, callback: Callable[[], None]) -> ScriptedTimer:
        timer = ScriptedTimer(self.passed + seconds, callback)
        self.timers.append(timer)
        return timer

    def advance(self, seconds: float) -> None:
        self.passed += seconds
        for timer in list(self.timers):
            if not timer.cancelled and timer.at <= self.passed:
                self.timers.remove(timer)
                timer.callback()


class ScriptedJournal:
    def __init__(self) -> None:
        self.admits = True
        self.waiting: list[tuple[bytes, Callable[[], None]]] = []
        self.lines: list[bytes] = []

    def append(self, line: bytes, timestamp: float, on_durable: Callable[[], None]) -> None:
        self.waiting.append((line, on_durable))

    def settle(self) -> None:
        waiting, self.waiting = self.waiting, []
        for line, on_durable in waiting:
            self.lines.append(line)
            on_durable()

    @property
    def records(self) -> list[UsageRecord]:
        return [decode_usage_record(line) for line in self.lines]

    @property
    def record(self) -> UsageRecord:
        (record,) = self.records
        return record


class ScriptedInflight:
    def __init__(self) -> None:
        self.is_full = False
        self.slots: dict[int, bytes] = {}
        self.last = 0
        self.count = 0

    def open(self, intent: bytes) -> int:
        self.count += 1
        self.slots[self.count] = intent
        return self.count

    def close(self, slot: int) -> None:
        del self.slots[slot]

    def remember_number(self, number: int) -> None:
        self.last = number


@dataclass
class ScriptedExchange:
    request: UpstreamRequest
    route: UpstreamRoute
    sink: ExchangeSink
    intents_at_send: int
    cancelled: bool = False
    paused: bool = False

    def cancel(self) -> None:
        self.cancelled = True

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def answers(self, status: int, body: object, headers: Mapping[str, str] | None = None) -> None:
        data = body if isinstance(body, bytes) else msgspec.json.encode(body)
        self.sink.on_head(status, {"content-type": "application/json", **(headers or {})})
        self.sink.on_data(data)
        self.sink.on_end()

    def streams(self, *chunks: bytes, end: bool = True) -> None:
        self.sink.on_head(200, {"content-type": "text/event-stream"})
        for chunk in chunks:
            self.sink.on_data(chunk)
        if end:
            self.sink.on_end()


class ScriptedUpstream:
    def __init__(self, inflight: ScriptedInflight) -> None:
        self.exchanges: list[ScriptedExchange] = []
        self._inflight = inflight

    def send(self, request: UpstreamRequest, route: UpstreamRoute, sink: ExchangeSink) -> ScriptedExchange:
        exchange = ScriptedExchange(request, route, sink, len(self._inflight.slots))
        self.exchanges.append(exchange)
        return exchange

    @property
    def last(self) -> ScriptedExchange:
        return self.exchanges[-1]


class ScriptedReply:
    def __init__(self) -> None:
        self.events: ClientEvents | None = None
        self.extra_headers: Headers = ()
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.started = False
        self.finished = False
        self.aborted = False

    @property
    def is_open(self) -> bool:
        return not self.finished

    def start(self, status: int, headers: Headers, length: int | None) -> None:
        assert not self.started
        self.started = True
        self.status = status
        self.headers = dict(headers)

    def send(self, status: int, headers: Headers, body: bytes) -> None:
        self.start(status, headers, len(body))
        self.finish(body)

    def write(self, data: bytes) -> None:
        assert not self.finished
        self.body += data

    def finish(self, last: bytes = b"") -> None:
        self.body += last
        self.finished = True

    def abort(self) -> None:
        self.aborted = self.finished = True

    @property
    def json(self) -> dict[str, object]:
        decoded: dict[str, object] = msgspec.json.decode(self.body)
        return decoded

    @property
    def error(self) -> dict[str, object]:
        error = self.json["error"]
        assert isinstance(error, dict)
        return error


class Chances:
    def fraction(self) -> float:
        return 0.0

    def bits(self) -> int:
        return 12345


@dataclass
class Seen:
    attempts: list[tuple[str, Fault | None]] = field(default_factory=list)

    def observe_attempt(self, channel: Channel, fault: Fault | None) -> None:
        self.attempts.append((channel.id, fault))


def channel(number: int = 1, **changes: object) -> Channel:
    """The guide's channel, and more of its kind in order of priority."""
    made = Channel(
        id=f"ch_openai_00{number}",
        name="OpenAI Official" if number == 1 else f"OpenAI {number}",
        provider_id="openai",
        dialect="openai",
        base_url="https://api.example.com/v1",
        api_key=f"sk-upstream-secret-{number}",
        models=(ChannelModel("gpt-4o-mini", "gpt-4o-mini"),),
        priority=number,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def prices(*channels: Channel, input_price: str = "0.50", output_price: str = "1.00") -> tuple[PriceVersion, ...]:
    """The prices that the guide's sample record implies, in USD per million tokens."""
    return tuple(
        PriceVersion(
            id=f"channel/{each.id}/{meter.value}",
            provider="",
            model="gpt-4o-mini",
            meter=meter,
            price=Decimal(price),
            currency="USD",
            per=1_000_000,
            channel_id=each.id,
        )
        for each in channels
        for meter, price in ((Meter.INPUT, input_price), (Meter.OUTPUT, output_price))
    )


USER_KEY = "sk-user-key"


def snapshot(*channels: Channel, **changes: object) -> Snapshot:
    used = channels or (channel(),)
    made = Snapshot(
        version=1,
        made_at=NOON,
        providers=(Provider("openai", "OpenAI", "openai", "https://api.example.com/v1"),),
        channels=used,
        prices=prices(*used),
        users=(User("u1", "Ann"),),
        keys=(KeyGrant("k1", sha256(USER_KEY.encode()).hexdigest(), "u1", "laptop"),),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


class House:
    """One gateway worker, scripted."""

    def __init__(self, *channels: Channel, routing: RoutingPolicy | None = None, **changes: object) -> None:
        self.clock = ScriptedClock()
        self.journal = ScriptedJournal()
        self.inflight = ScriptedInflight()
        self.upstream = ScriptedUpstream(self.inflight)
        self.seen = Seen()
        doors = Doors(
            clock=self.clock,
            journal=self.journal,
            journal_position=lambda: ("20250824", 0),
            inflight=self.inflight,
            upstream=self.upstream,
            dialects={"openai": OpenAIDialect()},
            observer=self.seen,
            chance=Chances(),
            today=self._today,
        )
        if routing is not None:
            changes["routing"] = routing
        self.gateway = Gateway(doors, 0, 0, snapshot(*channels, **changes))

    def call(self, grant: KeyGrant | None = None, path: str = CHAT.path, **fields: object) -> ScriptedReply:
        """A client's call: the guide's body with these fields over it."""
        body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}], **fields}
        call = read_call(ENDPOINTS[path], {}, msgspec.json.encode(body), None)
        caller = Caller("127.0.0.1", "curl/8", grant.user_id if grant else None, grant.id if grant else None)
        reply = ScriptedReply()
        self.gateway.run(call, caller, grant, reply, self.clock.monotonic())
        return reply

    def _today(self) -> date:
        return datetime.fromtimestamp(self.clock.now(), UTC).date()


def completion(prompt: int = 150, answer: int = 300, **changes: object) -> dict[str, object]:
    """An upstream's answer with its usage."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer},
        **changes,
    }


def event(**changes: object) -> bytes:
    """One stream chunk."""
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "gpt-4o-mini", **changes}
    return b"data: " + msgspec.json.encode(chunk) + b"\n\n"


def text(content: str) -> bytes:
    return event(choices=[{"index": 0, "delta": {"content": content}, "finish_reason": None}])


FINISH = event(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}])
USAGE = event(choices=[], usage={"prompt_tokens": 150, "completion_tokens": 300, "total_tokens": 450})
DONE = b"data: [DONE]\n\n"
