"""A client's call, as the gateway carries it: parsed once, its body kept as the bytes that came."""

from decimal import Decimal
from typing import Protocol

import msgspec

from smart_ai_router.core.ports import UpstreamRequest
from smart_ai_router.domain.channel import Channel, ChannelModel
from smart_ai_router.domain.errors import Refusal
from smart_ai_router.domain.failures import Failure
from smart_ai_router.domain.faults import Fault
from smart_ai_router.domain.meters import Usage, UsageType


class ErrorShape(Protocol):
    """How one family of clients wants to be told of errors."""

    def body(self, failure: Failure, request_id: str) -> bytes: ...

    def event(self, failure: Failure, request_id: str) -> bytes:
        """The bytes that end a stream with an error."""


class Endpoint(msgspec.Struct, frozen=True):
    """One kind of call that clients can make."""

    path: str  # the client's path, e.g. /v1/chat/completions
    request_type: str  # what the record says: chat, completion, embedding ...
    usage_type: UsageType
    model_kind: str  # the kind of model that can answer it
    errors: ErrorShape


class Caller(msgspec.Struct, frozen=True):
    """Who calls. `user_id` None is the anonymous caller on the router's own machine."""

    client_ip: str
    user_agent: str | None
    user_id: str | None = None
    api_key_id: str | None = None


class Call(msgspec.Struct, frozen=True):
    """One client call. `body` is what came, byte for byte; the other fields were read from it once."""

    endpoint: Endpoint
    model: str  # as asked: a name, an alias or a tag query
    body: bytes
    stream: bool = False
    wants_usage: bool = False  # the client asked for stream_options.include_usage
    wants_cost: bool = False  # the client asked for usage.cost
    output_tokens_max: int | None = None
    choices: int = 1  # n
    features: tuple[str, ...] = ()
    end_user: str | None = None
    session_id: str | None = None
    region: str | None = None
    prompt_bytes: int = 0  # the size of what the model reads, for estimates
    flaw: Refusal | None = None  # what is wrong with its form: it is refused for that, and on the books as refused


class Target(Protocol):
    """Where one attempt goes; a routing candidate is one."""

    @property
    def channel(self) -> Channel: ...

    @property
    def model(self) -> ChannelModel: ...


class ReplyReader(Protocol):
    """Reads one upstream reply: bytes in, bytes for the client out, facts kept for the bill.

    A reader is a state machine without clock or socket; the same bytes give the same facts however they are cut.
    """

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes; return what the client may have now (maybe nothing)."""

    def end(self) -> None:
        """The upstream's reply is complete."""

    def last_bytes(self, cost: Decimal | None) -> bytes:
        """What was held back for the end of the reply; `cost` goes into `usage.cost` when the client asked for it."""

    @property
    def is_complete(self) -> bool:
        """True once the reply said everything: its terminator or its end was seen."""

    @property
    def usage(self) -> Usage | None:
        """The provider's own numbers, checked; None when it sent none that can be trusted."""

    @property
    def flags(self) -> tuple[str, ...]:
        """Why the provider's numbers were not taken, if so."""

    @property
    def fault(self) -> Fault | None:
        """An error that the reply itself carries."""

    @property
    def model(self) -> str | None:
        """The model the provider says it used."""

    @property
    def content_bytes(self) -> int:
        """About how many bytes of generated text were seen; for estimates."""


class Dialect(Protocol):
    """How to speak to one family of providers."""

    def request(self, call: Call, target: Target) -> UpstreamRequest: ...

    def reader(self, call: Call, is_stream: bool) -> ReplyReader: ...
