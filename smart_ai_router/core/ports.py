"""What the core needs from outside: small Protocols, domain values in and out.

The hot path is event driven: an upstream exchange calls a sink, the sink calls the client's reply. There is no
task, queue or future per chunk. Every callback runs on the one event-loop thread of its worker.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from smart_ai_router.domain.faults import Fault

Headers = Sequence[tuple[str, str]]  # names in lower case


class Timer(Protocol):
    """A pending call."""

    def cancel(self) -> None: ...


class Clock(Protocol):
    """Time. Wall time names things; monotonic time measures them."""

    def now(self) -> float:
        """Seconds since 1970, UTC."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary start that never steps back."""

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer: ...


class Journal(Protocol):
    """The write-ahead truth of one worker: whole lines, appended in order, durable by group."""

    def append(self, line: bytes, timestamp: float, on_durable: Callable[[], None]) -> None:
        """Queue one line (without newline); call back once it is as durable as the policy demands.

        The callback comes after the fsync (`strict`) or after the write (`group`). If the disk refuses, the line is
        kept and retried; the callback comes when it stood in the file.
        """

    @property
    def admits(self) -> bool:
        """False while the journal cannot be written: no new paid call may start."""


class InflightTable(Protocol):
    """Calls that may have reached an upstream and have no line yet. Survives kill -9."""

    def open(self, intent: bytes) -> int:
        """Store an intent (a journal line as it would read if the worker died now); return its slot."""

    def close(self, slot: int) -> None:
        """The call has its line; the slot is free."""

    def remember_number(self, number: int) -> None:
        """Keep the highest request number handed out."""

    @property
    def is_full(self) -> bool: ...


class UpstreamRequest(msgspec.Struct, frozen=True):
    """One HTTP request to a provider."""

    method: str
    url: str
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class UpstreamRoute:
    """How to reach a channel: what of a channel the connection depends on."""

    connect_s: float
    first_byte_s: float
    idle_s: float
    total_s: float
    proxy: str | None = None
    tls_verify: bool = True
    public_only: bool = False  # refuse loopback, private and reserved addresses (an upstream that came by API)


class ExchangeSink(Protocol):
    """Receives one upstream reply: head, then data, then exactly one of end or fault."""

    def on_head(self, status: int, headers: Mapping[str, str]) -> None: ...

    def on_data(self, data: bytes) -> None: ...

    def on_end(self) -> None: ...

    def on_fault(self, fault: Fault) -> None:
        """connect_failed, tls_failed, timeout, reset or malformed; nothing follows."""


class Exchange(Protocol):
    """One upstream call under way."""

    def cancel(self) -> None:
        """Stop it; no further sink call follows. Its connection is not used again."""

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Upstream(Protocol):
    """The upstream HTTP door. `send` returns at once; everything comes through the sink, never within `send`."""

    def send(self, request: UpstreamRequest, route: UpstreamRoute, sink: ExchangeSink) -> Exchange: ...


class Reply(Protocol):
    """The answer to one client request."""

    @property
    def is_open(self) -> bool:
        """False once it is finished or the client has left."""

    @property
    def started(self) -> bool:
        """True once the head was sent."""

    def start(self, status: int, headers: Headers, length: int | None) -> None:
        """Send the head; `length` None means chunked."""

    def send(self, status: int, headers: Headers, body: bytes) -> None:
        """A whole answer at once."""

    def write(self, data: bytes) -> None: ...

    def finish(self, last: bytes = b"") -> None: ...

    def abort(self) -> None:
        """Close the connection without a proper end: the only honest end of a reply that was cut."""
