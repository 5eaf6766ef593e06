"""Statistics of records held in memory: what the tracker answers from, and what tests are made of.

Records of one day are folded into cells, one for each combination of all their dimensions. It suits a library, a
script and a report over some days of one machine; the router's own books answer from rollups in the store.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, tzinfo
from itertools import product
from typing import Final, NamedTuple

from smart_ai_router.core.statistics_store import (
    AttemptTotals,
    Dimension,
    Totals,
    TotalsRow,
)
from smart_ai_router.core.usage_record import UsageRecord, cost_in_pico, usage_moment

_OURS: Final = frozenset(dimension.value for dimension in Dimension)

DimensionsOf = Callable[[UsageRecord], Mapping[str, str]]


class _Cell(NamedTuple):
    """All dimensions of a record. The names are those of `Dimension`, so that a group is read off by name."""

    day: str
    provider: str
    channel: str
    model: str
    user: str
    api_key: str
    usage_type: str
    region: str
    currency: str
    tags: tuple[str, ...]
    further: tuple[tuple[str, str], ...]


def no_further_dimensions(_record: UsageRecord) -> Mapping[str, str]:
    """The dimensions beyond our own when nobody adds any."""
    return {}


class MemoryStatistics:
    """Implements `StatisticsStore` and `AttemptStore`; every combination of dimensions can be asked for."""

    def __init__(self, zone: tzinfo = UTC, further_dimensions: DimensionsOf = no_further_dimensions) -> None:
        """`zone` decides which day a record belongs to; `further_dimensions` names what else to group it by."""
        self._zone = zone
        self._further_dimensions = further_dimensions
        self._cells: dict[_Cell, Totals] = {}
        self._attempts: dict[tuple[str, str], AttemptTotals] = {}  # by day and channel id
        self._names: dict[str, tuple[str, str]] = {}  # channel id to timestamp and name
        self._seen: set[str] = set()

    def add(self, record: UsageRecord) -> bool:
        """Count a record; False when its request id has been counted before."""
        if record.request_id in self._seen:
            return False
        self._seen.add(record.request_id)
        day = usage_moment(record.timestamp).astimezone(self._zone).date().isoformat()
        cell = _cell_of(record, day, self._further_dimensions(record))
        totals = _totals_of(record)
        self._cells[cell] = add_totals(self._cells[cell], totals) if cell in self._cells else totals
        self._take_names(record)
        self._count_attempts(record, day)
        return True

    def totals(
        self,
        first: date,
        last: date,
        by: Sequence[Dimension] = (),
        where: Mapping[Dimension, str] | None = None,
    ) -> list[TotalsRow]:
        """See `StatisticsStore`; the order of the rows is that of their keys."""
        return self.totals_by(first, last, by, where)

    def totals_by(
        self, first: date, last: date, names: Sequence[str], where: Mapping[Dimension, str] | None = None
    ) -> list[TotalsRow]:
        """Like `totals`, by any names: those of `Dimension` and those that the further dimensions bring along.

        A record that lacks a further dimension stands under the empty key.
        """
        wanted = dict(where or {})
        groups: dict[tuple[tuple[str, ...], str], Totals] = {}
        for cell in self._cells_of(first, last):
            if not all(value in _values(cell, name) for name, value in wanted.items()):
                continue
            totals = self._cells[cell]
            for keys in product(*(_values(cell, name, wanted) for name in names)):
                group = (keys, cell.currency)
                groups[group] = add_totals(groups[group], totals) if group in groups else totals
        return [TotalsRow(keys, totals) for (keys, _), totals in sorted(groups.items(), key=lambda each: each[0])]

    def further_names(self, first: date, last: date) -> set[str]:
        """The further dimensions that records of these days have."""
        return {name for cell in self._cells_of(first, last) for name, _ in cell.further}

    def channel_attempts(self, first: date, last: date) -> dict[str, AttemptTotals]:
        """See `AttemptStore`; a record without attempts is one try of its channel."""
        sums: dict[str, AttemptTotals] = {}
        for (day, channel_id), tries in self._attempts.items():
            if first.isoformat() <= day <= last.isoformat():
                sums[channel_id] = add_attempts(sums.get(channel_id), tries)
        return sums

    def channel_names(self) -> dict[str, str]:
        """Channel id to its latest name."""
        return {channel_id: name for channel_id, (_, name) in self._names.items()}

    def dated_channel_names(self) -> dict[str, tuple[str, str]]:
        """Channel id to the timestamp of its latest record and the name it bore there."""
        return self._names

    def _cells_of(self, first: date, last: date) -> list[_Cell]:
        return [cell for cell in self._cells if first.isoformat() <= cell.day <= last.isoformat()]

    def _take_names(self, record: UsageRecord) -> None:
        names = [(each.channel_id, each.channel_name) for each in record.attempts]
        for channel_id, name in (*names, (record.channel_id, record.channel_name)):
            if channel_id and name and record.timestamp >= self._names.get(channel_id, ("", ""))[0]:
                self._names[channel_id] = (record.timestamp, name)

    def _count_attempts(self, record: UsageRecord, day: str) -> None:
        tries = [(each.channel_id, each.error_kind is not None) for each in record.attempts]
        if not tries and record.channel_id and record.outcome != "refused":
            tries = [(record.channel_id, record.status != "success")]
        for channel_id, has_failed in tries:
            one = AttemptTotals(1, int(has_failed))
            self._attempts[day, channel_id] = add_attempts(self._attempts.get((day, channel_id)), one)


def add_attempts(one: AttemptTotals | None, other: AttemptTotals) -> AttemptTotals:
    """The sums of two channels' tries, or the other's when there is only that."""
    if one is None:
        return other
    return AttemptTotals(one.attempts + other.attempts, one.failures + other.failures)


def add_totals(one: Totals, other: Totals) -> Totals:
    """The sums of two totals of one currency."""
    return Totals(
        currency=one.currency,
        requests=one.requests + other.requests,
        successes=one.successes + other.successes,
        failures=one.failures + other.failures,
        input_tokens=one.input_tokens + other.input_tokens,
        output_tokens=one.output_tokens + other.output_tokens,
        cached_tokens=one.cached_tokens + other.cached_tokens,
        reasoning_tokens=one.reasoning_tokens + other.reasoning_tokens,
        input_cost=one.input_cost + other.input_cost,
        output_cost=one.output_cost + other.output_cost,
        total_cost=one.total_cost + other.total_cost,
        duration_ms=one.duration_ms + other.duration_ms,
        unpriced=one.unpriced + other.unpriced,
        estimated=one.estimated + other.estimated,
    )


def _totals_of(record: UsageRecord) -> Totals:
    is_success = record.status == "success" and record.outcome == "success"
    return Totals(
        currency=record.cost_currency,
        requests=1,
        successes=int(is_success),
        failures=int(not is_success),
        input_tokens=record.input_tokens,
        output_tokens=record.output_tokens,
        cached_tokens=record.cached_tokens,
        reasoning_tokens=record.reasoning_tokens,
        input_cost=cost_in_pico(record.input_cost),
        output_cost=cost_in_pico(record.output_cost),
        total_cost=cost_in_pico(record.total_cost),
        duration_ms=record.response_time_ms or 0,
        unpriced=int(record.cost_basis == "unpriced"),
        estimated=int(record.usage_source == "estimated"),
    )


def _cell_of(record: UsageRecord, day: str, further: Mapping[str, str]) -> _Cell:
    return _Cell(
        day=day,
        provider=record.provider,
        channel=record.channel_id,
        model=record.model,
        user=record.user_id or "",
        api_key=record.api_key_id or "",
        usage_type=record.usage_type,
        region=record.region or "",
        currency=record.cost_currency,
        tags=tuple(dict.fromkeys(record.tags)),
        further=tuple(sorted(further.items())),
    )


def _values(cell: _Cell, name: str, wanted: Mapping[Dimension, str] | None = None) -> tuple[str, ...]:
    """What a cell has under a dimension's name: one value, or none or several tags, only the wanted one if any is."""
    further = dict(cell.further)
    if name in further:
        return (further[name],)
    if name == Dimension.TAG:
        return (wanted[Dimension.TAG],) if wanted and Dimension.TAG in wanted else cell.tags
    return (str(getattr(cell, name)),) if name in _OURS else ("",)
