"""What the gateway keeps of one operation: the call, its plan, its attempts, its limits and its money."""

from smart_ai_router.core.calls import Call, Caller
from smart_ai_router.core.funds import Funding
from smart_ai_router.core.records import Attempt
from smart_ai_router.core.snapshot import KeyGrant
from smart_ai_router.domain.errors import Refusal
from smart_ai_router.domain.limits import CallGate
from smart_ai_router.domain.routing import Candidate


class OperationFacts:
    """Written by the gateway at admission and by the operation as it goes on."""

    __slots__ = (
        "attempts",
        "call",
        "caller",
        "candidates",
        "channel_gate",
        "funding",
        "grant",
        "is_abandoned",
        "is_last_resort",
        "key_gate",
        "query_tags",
        "refusals",
        "request_id",
        "slot",
        "started",
    )

    def __init__(self, call: Call, caller: Caller, grant: KeyGrant | None, request_id: str, started: float) -> None:
        self.call = call
        self.caller = caller
        self.grant = grant
        self.request_id = request_id
        self.started = started
        self.is_abandoned = False  # the client has left
        self.attempts: list[Attempt] = []
        self.candidates: list[Candidate] = []
        self.is_last_resort = False
        self.query_tags: tuple[str, ...] = ()
        self.refusals: list[Refusal] = []
        self.key_gate: CallGate | None = None
        self.channel_gate: CallGate | None = None
        self.funding = Funding()
        self.slot: int | None = None
