"""Free grouping: any dimensions that the store keeps together, over any days, filtered by values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypedDict

from smart_ai_router.core.statistics.ratios import ratio
from smart_ai_router.core.statistics.view import UNNAMED, StatisticsView, Sums, channel_name
from smart_ai_router.core.statistics_store import Dimension

ROWS_MAX: Final = 10_000  # one answer of at most about 3 MB


class QueryInvalid(ValueError):
    """A question that has no answer as it was put; the message says what to change."""


class Order(StrEnum):
    """What the rows are ordered by: the groups' own order, or the largest first."""

    GROUP = "group"
    COST = "cost"
    REQUESTS = "requests"
    TOKENS = "tokens"


@dataclass(frozen=True, slots=True)
class Question:
    """Totals of the days first..last by some dimensions, only of the calls that match all filters."""

    first: date
    last: date
    by: tuple[Dimension, ...] = ()
    filters: tuple[tuple[Dimension, str], ...] = ()
    order: Order = Order.GROUP
    limit: int = 1000


class QueryRow(TypedDict):
    """One group's figures, after the keys of its group."""

    requests: int
    successful_requests: int
    failed_requests: int
    cost: Decimal
    tokens: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    unpriced_requests: int
    estimated_requests: int
    avg_cost_per_request: Decimal
    avg_duration_ms: Decimal
    other_costs: dict[str, Decimal]


class QueryAnswer(TypedDict):
    """The rows, and how they were asked for. `overlapping`: a call may stand in several rows (one for each tag)."""

    first: str
    last: str
    by: list[str]
    filters: dict[str, str]
    rows: list[dict[str, object]]
    row_count: int
    truncated: bool
    overlapping: bool
    currency: str
    complete: bool


def parse_dimensions(text: str) -> tuple[Dimension, ...]:
    """Read `provider,model`; raises QueryInvalid with the names that exist."""
    names = [name.strip() for name in text.split(",")] if text.strip() else []
    known = {dimension.value for dimension in Dimension}
    if any(name not in known for name in names):
        raise QueryInvalid(f"by: 可用的维度为 {', '.join(sorted(known))}")
    if len(set(names)) != len(names):
        raise QueryInvalid("by: 每个维度只能出现一次")
    return tuple(Dimension(name) for name in names)


def query_statistics(view: StatisticsView, question: Question) -> QueryAnswer:
    """Answer a question; raises QueryInvalid, or GroupingUnavailable for dimensions the store keeps no totals of."""
    if question.first > question.last:
        raise QueryInvalid("first 不能晚于 last")
    if not 1 <= question.limit <= ROWS_MAX:
        raise QueryInvalid(f"limit 应为 1 到 {ROWS_MAX}")
    groups = _groups(view, question)
    ordered = sorted(groups.items(), key=lambda each: each[0])
    if question.order is not Order.GROUP:
        ordered.sort(key=lambda each: _size(each[1], question.order, view.currency), reverse=True)
    names = view.store.channel_names() if Dimension.CHANNEL in question.by else {}
    asked = {dimension for dimension, _ in question.filters}
    return {
        "first": question.first.isoformat(),
        "last": question.last.isoformat(),
        "by": [dimension.value for dimension in question.by],
        "filters": {dimension.value: value for dimension, value in question.filters},
        "rows": [
            {**_keys(question.by, keys, names), **_figures(sums, view.currency)}
            for keys, sums in ordered[: question.limit]
        ],
        "row_count": len(groups),
        "truncated": len(groups) > question.limit,
        "overlapping": Dimension.TAG in question.by and Dimension.TAG not in asked,
        "currency": view.currency,
        "complete": view.complete,
    }


def _groups(view: StatisticsView, question: Question) -> dict[tuple[str, ...], Sums]:
    where = {dimension: "" if value == UNNAMED else value for dimension, value in question.filters}
    if len(where) != len(question.filters):
        raise QueryInvalid("每个过滤维度只能出现一次")
    groups: dict[tuple[str, ...], Sums] = {} if question.by else {(): Sums()}
    for row in view.store.totals(question.first, question.last, question.by, where):
        groups.setdefault(tuple(key or UNNAMED for key in row.keys), Sums()).add(row.totals)
    return groups


def _size(sums: Sums, order: Order, currency: str) -> int:
    if order is Order.COST:
        return sums.cost_pico(currency)
    return sums.requests if order is Order.REQUESTS else sums.tokens


def _keys(by: Sequence[Dimension], keys: tuple[str, ...], names: dict[str, str]) -> dict[str, object]:
    row: dict[str, object] = {dimension.value: key for dimension, key in zip(by, keys, strict=True)}
    if Dimension.CHANNEL in by:
        row["channel_name"] = channel_name(names, str(row["channel"]))
    return row


def _figures(sums: Sums, currency: str) -> QueryRow:
    return {
        "requests": sums.requests,
        "successful_requests": sums.successes,
        "failed_requests": sums.failures,
        "cost": sums.cost(currency),
        "tokens": sums.tokens,
        "input_tokens": sums.input_tokens,
        "output_tokens": sums.output_tokens,
        "cached_tokens": sums.cached_tokens,
        "reasoning_tokens": sums.reasoning_tokens,
        "unpriced_requests": sums.unpriced,
        "estimated_requests": sums.estimated,
        "avg_cost_per_request": sums.in_currency(currency).cost_per_request,
        "avg_duration_ms": ratio(sums.duration_ms, sums.requests),
        "other_costs": {other: sums.cost(other) for other in sorted(sums.by_currency) if other != currency},
    }
