"""Totals the slow way: a loop over the records themselves, in exact decimals, without any part of the books."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import product
from zoneinfo import ZoneInfo

from smart_ai_router.core.statistics_store import AttemptTotals, Dimension, Totals, TotalsRow
from smart_ai_router.core.usage_record import UsageRecord


def totals(
    records: Iterable[UsageRecord],
    time_zone: str,
    days: tuple[date, date],
    by: Sequence[Dimension] = (),
    where: Mapping[Dimension, str] | None = None,
) -> list[TotalsRow]:
    """What `BooksReader.totals` must answer."""
    groups: dict[tuple[tuple[str, ...], str], list[UsageRecord]] = {}
    for record in records:
        if days[0] <= _day(record, time_zone) <= days[1] and _holds(record, where or {}):
            for keys in product(*(_values(record, dimension, time_zone) for dimension in by)):
                groups.setdefault((keys, record.cost_currency), []).append(record)
    return [TotalsRow(keys, _sum(currency, found)) for (keys, currency), found in sorted(groups.items())]


def attempts(records: Iterable[UsageRecord], time_zone: str, days: tuple[date, date]) -> dict[str, AttemptTotals]:
    """What `BooksReader.channel_attempts` must answer."""
    found: dict[str, list[bool]] = {}
    for record in records:
        if days[0] <= _day(record, time_zone) <= days[1]:
            for channel_id, failed in _tries(record):
                found.setdefault(channel_id, []).append(failed)
    return {channel_id: AttemptTotals(len(tries), sum(tries)) for channel_id, tries in found.items()}


def _tries(record: UsageRecord) -> Iterator[tuple[str, bool]]:
    for attempt in record.attempts:
        yield attempt.channel_id, attempt.error_kind is not None
    if not record.attempts and record.outcome != "refused":
        yield record.channel_id, record.status != "success"


def _day(record: UsageRecord, time_zone: str) -> date:
    return datetime.fromisoformat(record.timestamp).astimezone(ZoneInfo(time_zone)).date()


def _holds(record: UsageRecord, where: Mapping[Dimension, str]) -> bool:
    return all(value in _values(record, dimension, "UTC") for dimension, value in where.items())


def _values(record: UsageRecord, dimension: Dimension, time_zone: str) -> list[str]:
    if dimension is Dimension.TAG:
        return sorted(set(record.tags))
    return [
        {
            Dimension.DAY: _day(record, time_zone).isoformat(),
            Dimension.PROVIDER: record.provider,
            Dimension.CHANNEL: record.channel_id,
            Dimension.MODEL: record.model,
            Dimension.USER: record.user_id or "",
            Dimension.API_KEY: record.api_key_id or "",
            Dimension.USAGE_TYPE: record.usage_type,
            Dimension.REGION: record.region or "",
        }[dimension]
    ]


def _sum(currency: str, records: Sequence[UsageRecord]) -> Totals:
    successes = sum(record.status == "success" for record in records)
    return Totals(
        currency=currency,
        requests=len(records),
        successes=successes,
        failures=len(records) - successes,
        input_tokens=sum(record.input_tokens for record in records),
        output_tokens=sum(record.output_tokens for record in records),
        cached_tokens=sum(record.cached_tokens for record in records),
        reasoning_tokens=sum(record.reasoning_tokens for record in records),
        input_cost=sum(_pico(record.input_cost) for record in records),
        output_cost=sum(_pico(record.output_cost) for record in records),
        total_cost=sum(_pico(record.total_cost) for record in records),
        duration_ms=sum(record.response_time_ms or 0 for record in records),
        unpriced=sum(record.cost_basis == "unpriced" for record in records),
        estimated=sum(record.usage_source == "estimated" for record in records),
    )


def _pico(cost: Decimal) -> int:
    whole = cost * 10**12
    assert whole == int(whole), "the oracle rounds nothing"
    return int(whole)
