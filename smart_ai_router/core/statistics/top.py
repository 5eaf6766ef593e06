"""Rankings: models and tags by how often, channels and users by how much."""

from datetime import date

from smart_ai_router.core.statistics.periods import Period, days_of
from smart_ai_router.core.statistics.ratios import ratio
from smart_ai_router.core.statistics.shapes import (
    RankedFigures,
    TopChannels,
    TopModels,
    TopTags,
    TopUsers,
)
from smart_ai_router.core.statistics.view import StatisticsView, Sums, channel_name, grouped
from smart_ai_router.core.statistics_store import Dimension


def top_models(view: StatisticsView, period: Period, day: date, limit: int) -> TopModels:
    """The models with the most requests; equal ones by cost, then by name."""
    return {
        "period": period.value,
        "target_date": day.isoformat(),
        "models": [
            {"model": name, **_figures(view, sums)}
            for name, sums in _most_used(view, Dimension.MODEL, period, day)[:limit]
        ],
        "currency": view.currency,
        "complete": view.complete,
    }


def top_channels(view: StatisticsView, period: Period, day: date, limit: int) -> TopChannels:
    """The channels with the highest cost; equal ones by requests, then by id."""
    names = view.store.channel_names()
    return {
        "period": period.value,
        "target_date": day.isoformat(),
        "channels": [
            {"channel": channel_name(names, channel_id), **_figures(view, sums), "channel_id": channel_id}
            for channel_id, sums in _most_expensive(view, Dimension.CHANNEL, period, day)[:limit]
        ],
        "currency": view.currency,
        "complete": view.complete,
    }


def top_users(view: StatisticsView, period: Period, day: date, limit: int) -> TopUsers:
    """The users with the highest cost; calls without a user stand under `(none)`."""
    return {
        "period": period.value,
        "target_date": day.isoformat(),
        "users": [
            {"user": name, **_figures(view, sums)}
            for name, sums in _most_expensive(view, Dimension.USER, period, day)[:limit]
        ],
        "currency": view.currency,
        "complete": view.complete,
    }


def top_tags(view: StatisticsView, period: Period, day: date, limit: int) -> TopTags:
    """The tags with the most requests. A call counts under each of its tags, so rows do not add up to a total."""
    return {
        "period": period.value,
        "target_date": day.isoformat(),
        "tags": [
            {"tag": name, **_figures(view, sums)} for name, sums in _most_used(view, Dimension.TAG, period, day)[:limit]
        ],
        "currency": view.currency,
        "complete": view.complete,
    }


def _most_used(view: StatisticsView, dimension: Dimension, period: Period, day: date) -> list[tuple[str, Sums]]:
    groups = grouped(view, *days_of(period, day), dimension)
    return sorted(groups.items(), key=lambda each: (-each[1].requests, -each[1].cost_pico(view.currency), each[0]))


def _most_expensive(view: StatisticsView, dimension: Dimension, period: Period, day: date) -> list[tuple[str, Sums]]:
    groups = grouped(view, *days_of(period, day), dimension)
    return sorted(groups.items(), key=lambda each: (-each[1].cost_pico(view.currency), -each[1].requests, each[0]))


def _figures(view: StatisticsView, sums: Sums) -> RankedFigures:
    return {
        "requests": sums.requests,
        "cost": sums.cost(view.currency),
        "tokens": sums.tokens,
        "avg_cost_per_request": sums.in_currency(view.currency).cost_per_request,
        "avg_tokens_per_request": ratio(sums.tokens, sums.requests),
        "successful_requests": sums.successes,
        "failed_requests": sums.failures,
    }
