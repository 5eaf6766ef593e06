"""What the two planes say to each other over their private socket.

The control plane sends the snapshot and questions; a gateway worker sends what it saw, and asks for the slices of
money that it lends to calls. Messages are small; only a call that finds its slice empty waits for one.
"""

import json

import msgspec

from smart_ai_router.domain.accounts import AccountKey, AccountKind
from smart_ai_router.domain.faults import Fault
from smart_ai_router.domain.leasing import Answer, Recall, Report, Ruling, Wish


class Hello(msgspec.Struct, frozen=True, tag=True):
    """A worker has connected; it holds this snapshot version (0: none)."""

    worker: int
    process_id: int
    snapshot_version: int
    holder: str = ""  # the name under which it borrows; "" until it has booked what a dead predecessor left


class LeaseReport(msgspec.Struct, frozen=True, tag=True):
    """What a worker says of its slices."""

    data: bytes  # a Report, see `pack_report`


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
    refusals: dict[str, int] = {}  # requests that were no calls, since the worker's start, by the code they were told


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


class LeaseAnswer(msgspec.Struct, frozen=True, tag=True):
    """The answer to one report. Every worker hears it; it is for the one whose holder it names."""

    data: bytes  # an Answer, see `pack_answer`


class LeaseRecalls(msgspec.Struct, frozen=True, tag=True):
    """Who is named gives back what lies idle."""

    recalls: tuple[Recall, ...]


FromWorker = Hello | LeaseReport | AttemptsSeen | WorkerState | ExplainAnswered
FromControl = NewSnapshot | LeaseAnswer | LeaseRecalls | ResetChannel | ExplainAsked


def pack_report(report: Report) -> bytes:
    """A report as it is sent. Its counters may pass 64 bits, which msgpack cannot say; JSON can."""
    return json.dumps(report).encode()


def unpack_report(data: bytes) -> Report:
    holder, sequence, wishes = json.loads(data)
    return Report(holder, sequence, tuple([Wish(_account(account), *facts) for account, *facts in wishes]))


def pack_answer(answer: Answer) -> bytes:
    """An answer as it is sent, for the same reason."""
    return json.dumps(answer).encode()


def unpack_answer(data: bytes) -> Answer:
    holder, sequence, rulings, is_over = json.loads(data)
    told = tuple([Ruling(_account(account), *facts) for account, *facts in rulings])
    return Answer(holder, sequence, told, is_over)


def _account(parts: list[str]) -> AccountKey:
    kind, *names = parts
    return AccountKey(AccountKind(kind), *names)
