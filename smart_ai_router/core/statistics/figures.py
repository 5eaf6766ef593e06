"""The figures that a day, a week and a month share."""

from decimal import Decimal

from smart_ai_router.core.statistics.periods import Days
from smart_ai_router.core.statistics.ratios import percentage
from smart_ai_router.core.statistics.shapes import (
    ChannelDetail,
    ChannelShare,
    CurrencyShare,
    Figures,
    FurtherFigures,
    Share,
)
from smart_ai_router.core.statistics.view import (
    StatisticsView,
    Sums,
    attempts_of,
    channel_name,
    gather,
    grouped,
)
from smart_ai_router.core.statistics_store import AttemptTotals, Dimension, TotalsRow


def figures_of(view: StatisticsView, days: Days) -> tuple[Figures, FurtherFigures]:
    """The guide's figures of some days, and ours."""
    channel_rows = view.store.totals(days.first, days.last, (Dimension.CHANNEL,))
    total = Sums()
    for row in channel_rows:  # every call stands under one channel, or under none
        total.add(row.totals)
    shown = total.in_currency(view.currency)
    names = view.store.channel_names()
    figures: Figures = {
        "total_requests": total.requests,
        "total_cost": total.cost(view.currency),
        "total_input_tokens": total.input_tokens,
        "total_output_tokens": total.output_tokens,
        "total_tokens": total.tokens,
        "successful_requests": total.successes,
        "failed_requests": total.failures,
        "providers": _shares(grouped(view, days.first, days.last, Dimension.PROVIDER), view.currency),
        "channels": _channels_by_name(channel_rows, names, view.currency),
        "models": _shares(grouped(view, days.first, days.last, Dimension.MODEL), view.currency),
        "avg_cost_per_request": shown.cost_per_request,
        "avg_cost_per_1k_tokens": shown.cost_per_1k_tokens,
    }
    attempts = attempts_of(view, days.first, days.last)
    further: FurtherFigures = {
        "channel_details": _channel_details(channel_rows, names, attempts, view.currency),
        "currency": view.currency,
        "other_currencies": other_currencies(total, view.currency),
        "cached_tokens": total.cached_tokens,
        "reasoning_tokens": total.reasoning_tokens,
        "unpriced_requests": total.unpriced,
        "estimated_requests": total.estimated,
        "estimated_share": percentage(total.estimated, total.requests),
        "complete": view.complete,
    }
    return figures, further


def share_of(sums: Sums, currency: str) -> Share:
    """One group's figures, its cost in one currency."""
    return {
        "requests": sums.requests,
        "cost": sums.cost(currency),
        "tokens": sums.tokens,
        "successful_requests": sums.successes,
        "failed_requests": sums.failures,
        "input_tokens": sums.input_tokens,
        "output_tokens": sums.output_tokens,
        "cached_tokens": sums.cached_tokens,
        "unpriced_requests": sums.unpriced,
    }


def other_currencies(sums: Sums, currency: str) -> dict[str, CurrencyShare]:
    """What the cost figures leave out because no rate is stored for it."""
    return {
        other: {"requests": part.requests, "cost": sums.cost(other), "tokens": part.tokens}
        for other, part in sorted(sums.by_currency.items())
        if other != currency and part.cost
    }


def _shares(groups: dict[str, Sums], currency: str) -> dict[str, Share]:
    return {key: share_of(sums, currency) for key, sums in groups.items()}


def _channels_by_name(rows: list[TotalsRow], names: dict[str, str], currency: str) -> dict[str, ChannelShare]:
    ids: dict[str, set[str]] = {}
    for row in rows:
        if row.keys[0]:
            ids.setdefault(channel_name(names, row.keys[0]), set()).add(row.keys[0])
    groups = gather((channel_name(names, row.keys[0]), row.totals) for row in rows)
    return {
        name: {**share_of(sums, currency), "channel_ids": sorted(ids.get(name, ()))} for name, sums in groups.items()
    }


def _channel_details(
    rows: list[TotalsRow], names: dict[str, str], attempts: dict[str, AttemptTotals] | None, currency: str
) -> dict[str, ChannelDetail]:
    groups = gather((row.keys[0], row.totals) for row in rows)
    for channel_id in attempts or ():
        groups.setdefault(channel_id, Sums())  # tried, but every call ended elsewhere
    details: dict[str, ChannelDetail] = {}
    for channel_id, sums in sorted(groups.items()):
        tries = None if attempts is None else attempts.get(channel_id, AttemptTotals(0, 0))
        details[channel_id] = {
            **share_of(sums, currency),
            "channel_name": channel_name(names, channel_id),
            "attempts": None if tries is None else tries.attempts,
            "failed_attempts": None if tries is None else tries.failures,
            "failure_rate": _failure_rate(sums, tries),
        }
    return details


def _failure_rate(sums: Sums, tries: AttemptTotals | None) -> Decimal:
    if tries is None or not tries.attempts:
        return percentage(sums.failures, sums.requests)
    return percentage(tries.failures, tries.attempts)
