"""What the two planes say to each other over their private socket.

The control plane sends the snapshot and questions; a gateway worker sends what it saw. Messages are small; nothing on
a call's path waits for one.
"""

import msgspec

from smart_ai_router.domain.faults import Fault


class Hello(msgspec.Struct, frozen=True, tag=True):
    """A worker has connected; it holds this snapshot version (0: none)."""

    worker: int
    process_id: int
    snapshot_version: int


class AttemptsSeen(msgspec.Struct, frozen=True, tag=True):
    """How upstream tries ended since the last message. Successes are counted, faults are told one by one."""

    successes: tuple[tuple[str, str, float, int], ...]  # channel id, channel name, the latest (UTC), how many
    faults: tuple[tuple[str, str, float, Fault], ...]  # channel id, channel name, when (UTC), what


class WorkerState(msgspec.Struct, frozen=True, tag=True):
    """A worker's own figures, about once a second."""

    worker: int
    calls_under_way: int
    connections: int
    journal_admits: bool
    snapshot_version: int


class NewSnapshot(msgspec.Struct, frozen=True, tag=True):
    """Decide by this from now on; `data` is an encoded `Snapshot`."""

    data: bytes


class ResetChannel(msgspec.Struct, frozen=True, tag=True):
    """Forget the faults held against a channel; "*" means all."""

    channel_id: str


class ExplainAsked(msgspec.Struct, frozen=True, tag=True):
    """Where would a call to this model field go?"""

    question: int
    model: str
    kind: str


class ExplainAnswered(msgspec.Struct, frozen=True, tag=True):
    """The explanation as JSON, or the refusal that a call would meet."""

    question: int
    status: int
    body: bytes


FromWorker = Hello | AttemptsSeen | WorkerState | ExplainAnswered
FromControl = NewSnapshot | ResetChannel | ExplainAsked
