"""Statistics of records held in memory: what the tracker answers from, and what tests are made of.

Records of one day are folded into cells, one for each combination of all their dimensions. It suits a library, a
script and a report over some days of one machine; the router's own books answer from rollups in the store. What a
record amounts to is decided in `core/posting.py` for both.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from itertools import product
from typing import NamedTuple

from smart_ai_router.core.local_days import date_of
from smart_ai_router.core.posting import Posting, book_name
from smart_ai_router.core.rollups import TAGS_MAX
from smart_ai_router.core.statistics_store import AttemptTotals, Dimension, Totals, TotalsRow
from smart_ai_router.core.usage_record import UsageRecord

_OURS = frozenset(dimension.value for dimension in Dimension)

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

    def __init__(self, further_dimensions: DimensionsOf = no_further_dimensions) -> None:
        """`further_dimensions` names what else to group a record by."""
        self._further_dimensions = further_dimensions
        self._cells: dict[_Cell, Totals] = {}
        self._attempts: dict[tuple[str, str], AttemptTotals] = {}  # by day and channel id
        self._names: dict[str, tuple[int, str]] = {}  # channel id to the time of a record and the name it bore there
        self._seen: set[str] = set()

    def add(self, posting: Posting) -> bool:
        """Count a record; False when its request id has been counted before."""
        record = posting.record
        if record.request_id in self._seen:
            return False
        self._seen.add(record.request_id)
        day = date_of(posting.day).isoformat()
        cell = _cell_of(record, day, self._further_dimensions(record))
        totals = _totals_of(posting)
        self._cells[cell] = add_totals(self._cells[cell], totals) if cell in self._cells else totals
        for channel_id, attempts, failures, *_ in posting.tries:
            tries = AttemptTotals(attempts, failures)
            self._attempts[day, channel_id] = add_attempts(self._attempts.get((day, channel_id)), tries)
        self._take_names(posting)
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

    def dated_channel_names(self) -> dict[str, tuple[int, str]]:
        """Channel id to the time of its latest record (milliseconds since 1970) and the name it bore there."""
        return self._names

    def _cells_of(self, first: date, last: date) -> list[_Cell]:
        return [cell for cell in self._cells if first.isoformat() <= cell.day <= last.isoformat()]

    def _take_names(self, posting: Posting) -> None:
        record = posting.record
        names = [(each.channel_id, each.channel_name) for each in record.attempts]
        for channel_id, name in (*names, (record.channel_id, record.channel_name)):
            if channel_id and name:
                key = book_name(channel_id)
                self._names[key] = max(self._names.get(key, (-1, "")), (posting.at_ms, name))


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
        images=one.images + other.images,
        media_ms=one.media_ms + other.media_ms,
    )


def _totals_of(posting: Posting) -> Totals:
    record = posting.record
    return Totals(
        currency=record.cost_currency,
        requests=1,
        successes=int(posting.is_success),
        failures=int(not posting.is_success),
        input_tokens=record.input_tokens,
        output_tokens=record.output_tokens,
        cached_tokens=record.cached_tokens,
        reasoning_tokens=record.reasoning_tokens,
        input_cost=posting.input_cost,
        output_cost=posting.output_cost,
        total_cost=posting.input_cost + posting.output_cost + posting.other_cost,
        duration_ms=posting.duration_ms,
        unpriced=int(record.cost_basis == "unpriced"),
        estimated=int(record.usage_source == "estimated"),
        images=posting.images,
        media_ms=posting.media_ms,
    )


def _cell_of(record: UsageRecord, day: str, further: Mapping[str, str]) -> _Cell:
    return _Cell(
        day=day,
        provider=book_name(record.provider),
        channel=book_name(record.channel_id),
        model=book_name(record.model),
        user=book_name(record.user_id),
        api_key=book_name(record.api_key_id),
        usage_type=book_name(record.usage_type),
        region=book_name(record.region),
        currency=book_name(record.cost_currency),
        tags=tuple(dict.fromkeys(book_name(tag) for tag in record.tags))[:TAGS_MAX],
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
