"""Faults and boards for tests of health."""

from smart_ai_router.domain.faults import Fault, FaultKind
from smart_ai_router.domain.health import HealthBoard

MODEL = "gpt-4o-mini"
OTHER = "gpt-4o"
COOLDOWN_S = 60.0


def fault(kind: FaultKind, retry_after_s: float | None = None, status: int | None = None) -> Fault:
    return Fault(kind, f"it said {kind.value}", status, retry_after_s)


def board_after(*kinds: FaultKind, now: float = 0.0) -> HealthBoard:
    board = HealthBoard(COOLDOWN_S)
    for kind in kinds:
        board.failed("c1", MODEL, fault(kind), now)
    return board


def rests_s(board: HealthBoard, model: str = MODEL, now: float = 0.0) -> float:
    until = board.state("c1", model, now).rests_until
    return 0.0 if until is None else until - now
