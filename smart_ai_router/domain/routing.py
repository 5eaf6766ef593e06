"""Candidates for a call, the order in which they are tried, and why.

Order: smaller priority first; within a priority the higher total of the strategy's weighted scores (see
`routing_scores.py`); among equal totals a random order in which a channel's weight is its chance to come first; then
by channel name. The chance is an argument, so the same inputs give the same order.
"""

import math
from collections import Counter
from dataclasses import dataclass
from typing import Final, NamedTuple

from smart_ai_router.domain.channel import Channel, ChannelModel
from smart_ai_router.domain.errors import ChannelsUnavailable, RateLimited
from smart_ai_router.domain.faults import FaultKind
from smart_ai_router.domain.health import HealthBoard
from smart_ai_router.domain.live_stats import LiveStats
from smart_ai_router.domain.money import Pico
from smart_ai_router.domain.routing_scores import (
    Scores,
    Strategy,
    context_score,
    cost_score,
    parameter_score,
)

DRAWN_MAX: Final = 8  # places that chance decides; no call tries that many channels
CLIENT_WAIT_S_MAX: Final = 60.0  # official clients wait as told up to a minute; told more, they ask again at once
_UNKNOWN_QUALITY: Final = 0.5
_KINDS_WITHOUT_OUTPUT: Final = frozenset(("embedding", "rerank", "moderation"))


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One model behind one channel. Prices are pico per million tokens; None means unknown."""

    channel: Channel
    model: ChannelModel
    is_free: bool  # an explicit price of zero; an unknown price is not free
    price_input_per_mtok: Pico | None
    price_output_per_mtok: Pico | None
    scores: Scores  # the static ones; the live ones are 0 here
    static_total: float


def make_candidate(
    channel: Channel, model: ChannelModel, prices: tuple[Pico | None, Pico | None], strategy: Strategy
) -> Candidate:
    """Weigh what does not change within a snapshot."""
    input_price, output_price = prices
    billed_output = 0 if output_price is None and model.kind in _KINDS_WITHOUT_OUTPUT else output_price
    is_free = input_price == 0 and billed_output == 0
    scores = Scores(
        cost=cost_score(input_price, billed_output),
        parameter=parameter_score(model.parameter_count),
        context=context_score(model.context_tokens),
        quality=_UNKNOWN_QUALITY if model.quality is None else min(max(model.quality, 0.0), 1.0),
        free=float(is_free),
        local=float(channel.is_local),
    )
    return Candidate(
        channel=channel,
        model=model,
        is_free=is_free,
        price_input_per_mtok=input_price,
        price_output_per_mtok=output_price,
        scores=scores,
        static_total=strategy.static_total(scores),
    )


class Equals(NamedTuple):
    """A stretch [start, end) of an order. A tuple and not a dataclass: unpacked for every call."""

    start: int
    end: int
    drawn: tuple[Candidate, ...]  # those with a weight
    weights: tuple[float, ...]  # of these
    weight: float  # of all of these
    last: tuple[Candidate, ...]  # those without a weight


@dataclass(frozen=True, slots=True)
class Ranking:
    """Candidates in order, and the stretches of equals within which chance decides."""

    order: tuple[Candidate, ...]
    equals: tuple[Equals, ...]


def rank_candidates(candidates: tuple[Candidate, ...], strategy: Strategy, live: LiveStats, now: float) -> Ranking:
    """Order by priority and total. The candidates come sorted by channel name, which decides between equals."""
    speed_weight, reliability_weight = strategy.weights.speed, strategy.weights.reliability
    rows = []
    for index, candidate in enumerate(candidates):
        channel = candidate.channel
        speed, reliability = live.scores(channel.id, now)
        total = candidate.static_total + (speed_weight * speed + reliability_weight * reliability)
        rows.append((channel.priority, -total, index))
    rows.sort()
    equals = []
    start = 0
    for end in range(1, len(rows) + 1):
        if end == len(rows) or rows[end][:2] != rows[start][:2]:
            if end - start > 1 and start < DRAWN_MAX:
                equals.append(_equals(start, [candidates[index] for _, _, index in rows[start:end]]))
            start = end
    return Ranking(tuple(candidates[index] for _, _, index in rows), tuple(equals))


def _equals(start: int, candidates: list[Candidate]) -> Equals:
    drawn = tuple(candidate for candidate in candidates if candidate.channel.weight > 0)
    last = tuple(candidate for candidate in candidates if candidate.channel.weight <= 0)
    weights = tuple(candidate.channel.weight for candidate in drawn)
    return Equals(start, start + len(candidates), drawn, weights, math.fsum(weights), last)


def draw_order(ranking: Ranking, chance: float) -> tuple[Candidate, ...]:
    """Put equals into a random order by weight. `chance` is a random number in [0, 1)."""
    if not ranking.equals:
        return ranking.order
    order = list(ranking.order)
    for equals in ranking.equals:
        order[equals.start : equals.end] = _draw(equals, chance)
    return tuple(order)


def order_candidates(
    candidates: tuple[Candidate, ...], strategy: Strategy, live: LiveStats, chance: float, now: float
) -> tuple[Candidate, ...]:
    """The candidates, best first."""
    return draw_order(rank_candidates(candidates, strategy, live, now), chance)


def _draw(equals: Equals, chance: float) -> list[Candidate]:
    """Draw without putting back, a channel's weight being its chance; those without weight stay last, in their order.

    One random number serves all draws: what is left of it within the drawn share is again random in [0, 1).
    """
    left, weights, total = list(equals.drawn), list(equals.weights), equals.weight
    drawn: list[Candidate] = []
    while len(left) > 1 and len(drawn) < DRAWN_MAX:
        point = chance * total
        chosen = 0
        for chosen, weight in enumerate(weights):  # noqa: B007 - where the loop stops, or the last one
            if point < weight:
                chance = point / weight
                break
            point -= weight
        total -= weights.pop(chosen)
        drawn.append(left.pop(chosen))
    return [*drawn, *left, *equals.last]


@dataclass(frozen=True, slots=True)
class Fit:
    """The candidates to try, in order. As a last resort all of them are resting, and are tried all the same."""

    candidates: tuple[Candidate, ...]
    is_last_resort: bool = False


def fit_candidates(ordered: tuple[Candidate, ...], board: HealthBoard, now: float) -> Fit:
    """Leave out what rests. Raises ChannelsUnavailable or RateLimited when nothing may be tried."""
    if board.is_quiet:
        return Fit(ordered)
    fit = tuple(each for each in ordered if board.admits(each.channel.id, each.model.name, now))
    if fit:
        return Fit(fit)
    resting = [(each, board.state(each.channel.id, each.model.name, now)) for each in ordered]
    kinds = Counter(health.kind for _, health in resting if health.kind is not None)
    hopes = []
    comes_back_s = math.inf
    for index, (candidate, health) in enumerate(resting):
        left_s = max((health.rests_until or now) - now, 0.0)
        comes_back_s = min(comes_back_s, left_s)
        if not health.is_told or left_s == 0.0:
            hopes.append((left_s, index, candidate))
    if hopes:
        hopes.sort(key=lambda hope: hope[:2])
        return Fit(tuple(candidate for _, _, candidate in hopes), is_last_resort=True)
    raise _unavailable(len(resting), kinds, comes_back_s)


def _unavailable(count: int, kinds: Counter[FaultKind], comes_back_s: float) -> ChannelsUnavailable | RateLimited:
    causes = ", ".join(f"{kind.value} ({times})" for kind, times in kinds.most_common())
    if comes_back_s == math.inf:
        return ChannelsUnavailable(
            f"none of the {count} channels for this model can be used: {causes}; the operator must correct their keys",
            should_retry=False,
        )
    message = f"all {count} channels for this model are resting: {causes}; try again in {math.ceil(comes_back_s)} s"
    helps = comes_back_s <= CLIENT_WAIT_S_MAX
    if set(kinds) == {FaultKind.RATE_LIMIT}:
        return RateLimited(message, retry_after_s=comes_back_s, should_retry=helps)
    return ChannelsUnavailable(message, retry_after_s=comes_back_s, should_retry=helps)


@dataclass(frozen=True, slots=True)
class Ranked:
    """One candidate of an explanation."""

    channel_id: str
    channel_name: str
    provider_id: str
    model: str
    upstream_model: str
    priority: int
    weight: float
    is_free: bool
    price_input_per_mtok: Pico | None
    price_output_per_mtok: Pico | None
    scores: Scores  # all eight
    total: float


@dataclass(frozen=True, slots=True)
class Excluded:
    """One candidate that is not tried, and why."""

    channel_id: str
    channel_name: str
    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a call to this model field would go where it would go."""

    asked: str
    strategy: str
    weights: Scores
    ranked: tuple[Ranked, ...]
    excluded: tuple[Excluded, ...]
    excluded_unlisted: int = 0  # more than an explanation lists


def rank(candidate: Candidate, strategy: Strategy, live: LiveStats, now: float) -> Ranked:
    """All scores of a candidate, and their total."""
    speed, reliability = live.scores(candidate.channel.id, now)
    static = candidate.scores
    scores = Scores(
        cost=static.cost,
        parameter=static.parameter,
        context=static.context,
        speed=speed,
        quality=static.quality,
        reliability=reliability,
        free=static.free,
        local=static.local,
    )
    return Ranked(
        channel_id=candidate.channel.id,
        channel_name=candidate.channel.name,
        provider_id=candidate.channel.provider_id,
        model=candidate.model.name,
        upstream_model=candidate.model.upstream_name,
        priority=candidate.channel.priority,
        weight=candidate.channel.weight,
        is_free=candidate.is_free,
        price_input_per_mtok=candidate.price_input_per_mtok,
        price_output_per_mtok=candidate.price_output_per_mtok,
        scores=scores,
        total=strategy.total(scores),
    )


def exclude(candidate: Candidate, reason: str) -> Excluded:
    """The candidate as one that is not tried."""
    return Excluded(candidate.channel.id, candidate.channel.name, candidate.model.name, reason)


def health_reason(candidate: Candidate, board: HealthBoard, now: float) -> str | None:
    """Why the candidate's health keeps it out now; None when it does not."""
    if board.admits(candidate.channel.id, candidate.model.name, now):
        return None
    health = board.state(candidate.channel.id, candidate.model.name, now)
    kind = "unknown" if health.kind is None else health.kind.value
    if health.rests_until is None or health.rests_until <= now:
        return f"half-open after {kind}: another call is trying it"
    if health.rests_until == math.inf:
        return f"open after {kind} until its configuration changes"
    return f"open after {kind} for another {math.ceil(health.rests_until - now)} s"
