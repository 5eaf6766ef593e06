"""Costs by day, and by one dimension. Everything comes from rollups, today's live ones included.

Nothing has to be aggregated by anybody: `aggregate_costs` lets the books catch up and says what the days hold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final

from smart_ai_router.core.billing.cost_messages import (
    CostAggregation,
    CostGroup,
    CostRow,
    CostSummary,
    CurrencyCost,
)
from smart_ai_router.core.billing.currency import Days, unconverted
from smart_ai_router.core.billing.periods import DAYS_MAX
from smart_ai_router.core.billing.view import BillingView, Gathered, dated_totals
from smart_ai_router.core.statistics.periods import parse_day
from smart_ai_router.core.statistics.ratios import percentage
from smart_ai_router.core.statistics.view import UNNAMED
from smart_ai_router.core.statistics_store import Dimension
from smart_ai_router.core.timestamps import iso_utc_ms
from smart_ai_router.core.users_and_keys import FieldInvalid
from smart_ai_router.domain.meters import UsageType
from smart_ai_router.domain.money import Pico, pico_to_decimal

ROWS_MAX: Final = 20_000  # of one answer by day; 30 days of 600 models
GROUPS_MAX: Final = 1000
GROUPS_BY_DEFAULT: Final = 100

_MEDIA: Final = frozenset((UsageType.AUDIO_TTS.value, UsageType.AUDIO_STT.value, UsageType.VIDEO_GENERATION.value))
_ROW: Final = (Dimension.DAY, Dimension.PROVIDER, Dimension.MODEL, Dimension.USAGE_TYPE)


class GroupBy(StrEnum):
    """What costs can be summed up by."""

    DAY = "day"
    PROVIDER = "provider"
    MODEL = "model"
    USAGE_TYPE = "usageType"
    USER = "user"
    API_KEY = "apiKey"
    CHANNEL = "channel"
    TAG = "tag"
    REGION = "region"


_DIMENSIONS: Final = {
    GroupBy.DAY: Dimension.DAY,
    GroupBy.PROVIDER: Dimension.PROVIDER,
    GroupBy.MODEL: Dimension.MODEL,
    GroupBy.USAGE_TYPE: Dimension.USAGE_TYPE,
    GroupBy.USER: Dimension.USER,
    GroupBy.API_KEY: Dimension.API_KEY,
    GroupBy.CHANNEL: Dimension.CHANNEL,
    GroupBy.TAG: Dimension.TAG,
    GroupBy.REGION: Dimension.REGION,
}


@dataclass(slots=True)
class _Cell:
    """One row of the page under way."""

    found: Gathered = field(default_factory=Gathered)
    originals: dict[str, Pico] = field(default_factory=dict)


def daily_costs(view: BillingView, days: Days, where: Mapping[Dimension, str]) -> list[CostRow]:
    """What every model did on every day, the newest day first; raises FieldInvalid for more rows than one answer has.

    A row has one currency: costs that cannot be converted are rows of their own.
    """
    cells: dict[tuple[str, ...], _Cell] = {}
    for keys, totals, day in dated_totals(view, days, _ROW, where):
        key = (*keys, view.rates.terms(totals.currency, day).currency)
        cell = cells.get(key)
        if cell is None:
            cell = cells[key] = _Cell()
        cell.found.add(view.rates, totals, day)
        cell.originals[totals.currency] = cell.originals.get(totals.currency, 0) + totals.total_cost
    if len(cells) > ROWS_MAX:
        raise FieldInvalid(f"{len(cells)} rows, one answer has {ROWS_MAX}; ask for fewer days", param="startDate")
    now = iso_utc_ms(view.now_ms)
    rows = [_row(view, keys, cell, now) for keys, cell in sorted(cells.items())]
    rows.sort(key=lambda row: row.stat_date, reverse=True)
    return rows


def cost_summary(
    view: BillingView,
    days: Days,
    group_by: GroupBy,
    where: Mapping[Dimension, str],
    limit: int = GROUPS_BY_DEFAULT,
) -> CostSummary:
    """Costs by one dimension; raises FieldInvalid, GroupingUnavailable."""
    if not 1 <= limit <= GROUPS_MAX:
        raise FieldInvalid(f"limit is a whole number from 1 to {GROUPS_MAX}", param="limit")
    groups: dict[str, Gathered] = {}
    for keys, totals, day in dated_totals(view, days, (_DIMENSIONS[group_by],), where):
        groups.setdefault(keys[0] or UNNAMED, Gathered()).add(view.rates, totals, day)
    is_overlapping = group_by is GroupBy.TAG
    whole = _whole(view, days, where) if is_overlapping else _sum(groups)
    order = sorted(groups)
    if group_by is not GroupBy.DAY:
        order.sort(key=lambda key: (groups[key].costs.exact(view.currency), groups[key].calls), reverse=True)
    names = view.books.channel_names() if group_by is GroupBy.CHANNEL else {}
    if group_by is GroupBy.PROVIDER:
        names = {key: view.provider_name(key) for key in order if key != UNNAMED}
    total_cost = whole.costs.exact(view.currency)
    return CostSummary(
        start_date=days.first.isoformat(),
        end_date=days.last.isoformat(),
        group_by=group_by.value,
        rows=tuple(_group(view, key, names.get(key, key), groups[key], total_cost) for key in order[:limit]),
        row_count=len(groups),
        truncated=len(groups) > limit,
        overlapping=is_overlapping,
        totals=_group(view, "", "", whole, total_cost),
        currency=view.currency,
        unconverted=unconverted((whole.costs,), view.currency),
        complete=view.complete,
    )


def days_to_aggregate(view: BillingView, day: str | None, count: int | None) -> Days:
    """The days of a request to aggregate: one day, so many days before today, or yesterday.

    Raises DateInvalid, FieldInvalid.
    """
    if day is not None and count is not None:
        raise FieldInvalid("give date or days, not both", param="days")
    if day is not None:
        return Days(parse_day(day), parse_day(day))
    if count is not None and not 1 <= count <= DAYS_MAX:
        raise FieldInvalid(f"days is a whole number from 1 to {DAYS_MAX}", param="days")
    yesterday = view.today - timedelta(days=1)
    return Days(view.today - timedelta(days=count or 1), yesterday)


def aggregate_costs(view: BillingView, days: Days, count: int | None) -> CostAggregation:
    """What the days hold now. The sums are kept as calls end, so doing this changes nothing."""
    calls = rows = 0
    for each in dated_totals(view, days, _ROW):
        calls += each.totals.requests
        rows += 1
    is_one_day = days.first == days.last
    span = days.first.isoformat() if is_one_day else f"{days.first} 至 {days.last}"
    message = f"{span} 的成本已汇总" if view.complete else f"{span} 的成本尚未汇总完，账目正在跟上日志，请稍后再试"
    return CostAggregation(
        success=view.complete,
        message=message,
        start_date=days.first.isoformat(),
        end_date=days.last.isoformat(),
        date=days.first.isoformat() if is_one_day else None,
        days=count,
        rows=rows,
        call_count=calls,
    )


def _row(view: BillingView, keys: Sequence[str], cell: _Cell, now: str) -> CostRow:
    day, provider, model, usage_type, currency = keys
    found = cell.found
    amount, unit = _usage(usage_type, found)
    return CostRow(
        id="/".join(keys),
        stat_date=day,
        provider_id=provider or None,
        model_id=model,
        usage_type=usage_type,
        total_usage=amount,
        total_cost=found.costs.shown(currency),
        call_count=found.calls,
        created_at=now,
        provider_name=view.provider_name(provider) if provider else None,
        model_name=model,
        usage_unit=unit,
        currency=currency,
        original_costs=tuple(
            CurrencyCost(original, pico_to_decimal(cost)) for original, cost in sorted(cell.originals.items())
        ),
        success_count=found.successes,
        failed_count=found.calls - found.successes,
        input_tokens=found.input_tokens,
        output_tokens=found.output_tokens,
        cached_tokens=found.cached_tokens,
        unpriced_count=found.unpriced,
        estimated_count=found.estimated,
    )


def _usage(usage_type: str, found: Gathered) -> tuple[Decimal, str]:
    """How much was used, in the unit of its kind."""
    if usage_type == UsageType.IMAGE_GENERATION:
        return Decimal(found.images), "image"
    if usage_type in _MEDIA:
        return Decimal(found.media_ms) / 1000, "second"
    return Decimal(found.input_tokens + found.output_tokens), "token"


def _group(view: BillingView, key: str, name: str, found: Gathered, total_cost: Fraction) -> CostGroup:
    return CostGroup(
        key=key,
        name=name,
        call_count=found.calls,
        success_count=found.successes,
        failed_count=found.calls - found.successes,
        input_tokens=found.input_tokens,
        output_tokens=found.output_tokens,
        total_tokens=found.input_tokens + found.output_tokens,
        cached_tokens=found.cached_tokens,
        image_count=found.images,
        media_seconds=Decimal(found.media_ms) / 1000,
        total_cost=found.costs.shown(view.currency),
        other_costs=found.costs.beside(view.currency),
        percentage=_share(found.costs.exact(view.currency), total_cost),
        unpriced_count=found.unpriced,
        estimated_count=found.estimated,
    )


def _share(part: Fraction, whole: Fraction) -> Decimal:
    if not whole:
        return Decimal(0)
    share = part / whole
    return percentage(share.numerator, share.denominator)


def _sum(groups: Mapping[str, Gathered]) -> Gathered:
    whole = Gathered()
    for group in groups.values():
        whole.add_all(group)
    return whole


def _whole(view: BillingView, days: Days, where: Mapping[Dimension, str]) -> Gathered:
    whole = Gathered()
    for each in dated_totals(view, days, (), where):
        whole.add(view.rates, each.totals, each.day)
    return whole
