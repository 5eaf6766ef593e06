"""How good a candidate is: eight scores between 0 and 1, and the strategies that weigh them.

| score       | from                                     | 1 means              | unknown |
|-------------|------------------------------------------|----------------------|---------|
| cost        | price of 3 input and 1 output tokens     | free                 | 0       |
| parameter   | parameters, logarithmic up to 1,000 b    | 1,000 b or more      | 0.5     |
| context     | context tokens, logarithmic 1 k to 1 M   | 1 M tokens or more   | 0.5     |
| quality     | the configured quality                   | the best             | 0.5     |
| free        | an explicit price of zero                | free                 | 0       |
| local       | the channel is on this machine or site   | local                | 0       |
| speed       | measured time to the first token, or else of whole calls | instant | 0.5    |
| reliability | measured share of successes              | no failures          | 1       |

The first six never change within a snapshot; speed and reliability are live and are rounded to sixteenths, so that
noise does not decide between channels that are alike. An unknown price counts as the dearest, never as free.

| strategy          | cost | parameter | context | speed | quality | reliability | free | local |
|-------------------|------|-----------|---------|-------|---------|-------------|------|-------|
| cost_first        | 0.40 | 0.25      | 0.20    | 0.15  |         |             |      |       |
| free_first        | 0.30 |           |         | 0.15  |         | 0.05        | 0.50 |       |
| local_first       | 0.10 |           |         | 0.25  |         | 0.05        |      | 0.60  |
| cost_optimized    | 0.80 |           |         | 0.05  | 0.05    | 0.10        |      |       |
| balanced          | 0.30 | 0.25      | 0.20    | 0.15  |         | 0.10        |      |       |
| speed_optimized   | 0.30 | 0.20      | 0.10    | 0.40  |         |             |      |       |
| quality_optimized | 0.10 | 0.40      | 0.30    |       | 0.20    |             |      |       |

A configuration may add strategies of its own, or give a built-in one other weights, as a list of (field, weight,
order). `order` "desc" prefers more of the field, "asc" less. For the fields that end in _score more is better; `cost`
and `latency` are quantities, so "asc" prefers the cheap and the fast.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from smart_ai_router.domain.money import PICO_PER_UNIT, Pico

UNKNOWN: Final = 0.5  # neither praised nor blamed for what is not known
LIVE_STEPS: Final = 16

_PARAMETERS_BEST: Final = 10**12
_CONTEXT_LOWEST: Final = 1024
_CONTEXT_DOUBLINGS: Final = 10  # from 1 k to 1 M
_COST_HALF: Final = PICO_PER_UNIT  # one unit of currency per million tokens scores one half
_FIRST_TOKEN_HALF_MS: Final = 1_000.0
_WHOLE_CALL_HALF_MS: Final = 4_000.0


class StrategyUnknown(ValueError):
    """A strategy or sorting field that does not exist; the message lists those that do."""


@dataclass(frozen=True, slots=True)
class Scores:
    """One value between 0 and 1 for each criterion; also a strategy's weights."""

    cost: float = 0.0
    parameter: float = 0.0
    context: float = 0.0
    speed: float = 0.0
    quality: float = 0.0
    reliability: float = 0.0
    free: float = 0.0
    local: float = 0.0

    def named(self) -> dict[str, float]:
        """The values by name, in the order of the table."""
        return {name: getattr(self, name) for name in CRITERIA}


CRITERIA: Final = ("cost", "parameter", "context", "speed", "quality", "reliability", "free", "local")


@dataclass(frozen=True, slots=True)
class Strategy:
    """Weights of the criteria. A negative weight prefers less of the criterion."""

    name: str
    weights: Scores

    def static_total(self, scores: Scores) -> float:
        """The part of the total that no call changes."""
        weights = self.weights
        return (
            weights.cost * scores.cost
            + weights.parameter * scores.parameter
            + weights.context * scores.context
            + weights.quality * scores.quality
            + weights.free * scores.free
            + weights.local * scores.local
        )

    def total(self, scores: Scores) -> float:
        """The weighted sum of all scores."""
        live = self.weights.speed * scores.speed + self.weights.reliability * scores.reliability
        return self.static_total(scores) + live


BUILT_IN_STRATEGIES: Final[Mapping[str, Scores]] = {
    "cost_first": Scores(cost=0.40, parameter=0.25, context=0.20, speed=0.15),
    "free_first": Scores(free=0.50, cost=0.30, speed=0.15, reliability=0.05),
    "local_first": Scores(local=0.60, speed=0.25, cost=0.10, reliability=0.05),
    "cost_optimized": Scores(cost=0.80, reliability=0.10, speed=0.05, quality=0.05),
    "balanced": Scores(cost=0.30, parameter=0.25, context=0.20, speed=0.15, reliability=0.10),
    "speed_optimized": Scores(speed=0.40, cost=0.30, parameter=0.20, context=0.10),
    "quality_optimized": Scores(parameter=0.40, context=0.30, quality=0.20, cost=0.10),
}

# field of a configured strategy -> the criterion, and +1 when more of the field is more of the criterion
SORT_FIELDS: Final[Mapping[str, tuple[str, int]]] = {
    **{f"{name}_score": (name, 1) for name in CRITERIA},
    "cost": ("cost", -1),
    "latency": ("speed", -1),
    "parameter_count": ("parameter", 1),
    "context_length": ("context", 1),
    "quality": ("quality", 1),
    "reliability": ("reliability", 1),
}


def choose_strategy(name: str, configured: Sequence[tuple[str, Sequence[tuple[str, float, str]]]] = ()) -> Strategy:
    """The configured strategy of this name, or else the built-in one; raises StrategyUnknown."""
    for configured_name, rows in configured:
        if configured_name == name:
            return Strategy(name, _weights_of(name, rows))
    weights = BUILT_IN_STRATEGIES.get(name)
    if weights is None:
        known = ", ".join(dict.fromkeys((*(each for each, _ in configured), *BUILT_IN_STRATEGIES)))
        raise StrategyUnknown(f"routing strategy {name!r} does not exist; there are {known}")
    return Strategy(name, weights)


def _weights_of(strategy: str, rows: Sequence[tuple[str, float, str]]) -> Scores:
    weights = dict.fromkeys(CRITERIA, 0.0)
    for field, weight, order in rows:
        if field not in SORT_FIELDS:
            raise StrategyUnknown(f"strategy {strategy!r}: field {field!r} does not exist; {', '.join(SORT_FIELDS)} do")
        if order not in {"asc", "desc"}:
            raise StrategyUnknown(f"strategy {strategy!r}: order {order!r} of {field!r} is neither asc nor desc")
        if not math.isfinite(weight) or weight < 0:
            raise StrategyUnknown(f"strategy {strategy!r}: weight {weight} of {field!r} is not a number from 0 up")
        criterion, direction = SORT_FIELDS[field]
        weights[criterion] += weight * direction * (1 if order == "desc" else -1)
    if not any(weights.values()):
        raise StrategyUnknown(f"strategy {strategy!r} weighs nothing; give at least one field a weight")
    return Scores(**weights)


def cost_score(input_per_mtok: Pico | None, output_per_mtok: Pico | None) -> float:
    """1 for free, one half at one unit of currency per million tokens, 0 when a price is not known."""
    if input_per_mtok is None or output_per_mtok is None:
        return 0.0
    blended_times_four = max(3 * input_per_mtok + output_per_mtok, 0)
    return 4 * _COST_HALF / (4 * _COST_HALF + blended_times_four)


def parameter_score(count: int | None) -> float:
    """0 at one billion and below, 1 at a thousand billions, even steps per doubling between."""
    if count is None:
        return UNKNOWN
    return min(max(math.log(max(count, 1) / 10**9) / math.log(_PARAMETERS_BEST / 10**9), 0.0), 1.0)


def context_score(tokens: int | None) -> float:
    """0 at 1,024 tokens and below, 1 at a million, even steps per doubling between."""
    if tokens is None:
        return UNKNOWN
    return min(max(math.log2(max(tokens, 1) / _CONTEXT_LOWEST) / _CONTEXT_DOUBLINGS, 0.0), 1.0)


def speed_score(first_token_ms: float | None, whole_call_ms: float | None) -> float:
    """One half at 1 s to the first token, or at 4 s for whole calls where no stream was measured."""
    if first_token_ms is not None:
        return _to_step(_FIRST_TOKEN_HALF_MS / (_FIRST_TOKEN_HALF_MS + max(first_token_ms, 0.0)))
    if whole_call_ms is not None:
        return _to_step(_WHOLE_CALL_HALF_MS / (_WHOLE_CALL_HALF_MS + max(whole_call_ms, 0.0)))
    return UNKNOWN


def reliability_score(success_ratio: float | None) -> float:
    """The measured share of successes; a channel without calls is trusted."""
    return 1.0 if success_ratio is None else _to_step(min(max(success_ratio, 0.0), 1.0))


def _to_step(score: float) -> float:
    return int(score * LIVE_STEPS + 0.5) / LIVE_STEPS
