"""Statistics read from usage files: every question is answered from the lines that stand in them at that moment.

Each UTC day's file is folded once and then only read on from where it ended. A file that was moved, replaced or cut
is read anew. A line that is no usage record costs itself and is counted.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from threading import Lock
from typing import Final

from smart_ai_router.core.local_days import LocalDays
from smart_ai_router.core.posting import LineRefused, post_line
from smart_ai_router.core.statistics.memory import (
    DimensionsOf,
    MemoryStatistics,
    add_attempts,
    add_totals,
    no_further_dimensions,
)
from smart_ai_router.core.statistics_store import AttemptTotals, Dimension, GroupingUnavailable, Totals, TotalsRow
from smart_ai_router.core.usage_files import DaySource, UsageFileDamaged, UsageLog

DAYS_HELD_MAX: Final = 70  # a month and the one before it, so that a report reads each file once

BLANK: Final = "blank"  # the reason of a line without anything in it, which is nothing to report
READS_MAX: Final = 3  # a file is archived once; more than that is somebody else at work

_ONE_DAY = timedelta(days=1)


class UsageFilesBusy(OSError):
    """Files kept disappearing while they were read."""


@dataclass(slots=True)
class _DayRead:
    """What has been read of a day."""

    statistics: MemoryStatistics
    sources: tuple[DaySource, ...] = ()
    offset: int = 0  # into the last source, uncompressed
    invalid_lines: int = 0


class JournalStatistics:
    """Implements `StatisticsStore` and `AttemptStore` over a `UsageLog`. Safe to ask from several threads."""

    def __init__(
        self, log: UsageLog, zone_days: LocalDays, further_dimensions: DimensionsOf = no_further_dimensions
    ) -> None:
        """`zone_days` decides which day a record belongs to."""
        self._log = log
        self._zone_days = zone_days
        self._further_dimensions = further_dimensions
        self._days: OrderedDict[date, _DayRead] = OrderedDict()
        self._lock = Lock()

    def totals(
        self,
        first: date,
        last: date,
        by: Sequence[Dimension] = (),
        where: Mapping[Dimension, str] | None = None,
    ) -> list[TotalsRow]:
        """See `StatisticsStore`."""
        return self.totals_by(first, last, by, where)

    def totals_by(
        self, first: date, last: date, names: Sequence[str], where: Mapping[Dimension, str] | None = None
    ) -> list[TotalsRow]:
        """See `MemoryStatistics.totals_by`; raises GroupingUnavailable for a name that no record of these days has."""
        groups: dict[tuple[tuple[str, ...], str], Totals] = {}
        with self._lock:
            days = self._read(first, last)
            _require_names(names, {name for statistics in days for name in statistics.further_names(first, last)}, days)
            for statistics in days:
                for row in statistics.totals_by(first, last, names, where):
                    group = (row.keys, row.totals.currency)
                    groups[group] = add_totals(groups[group], row.totals) if group in groups else row.totals
        return [TotalsRow(keys, totals) for (keys, _), totals in sorted(groups.items(), key=lambda each: each[0])]

    def channel_attempts(self, first: date, last: date) -> dict[str, AttemptTotals]:
        """See `AttemptStore`."""
        sums: dict[str, AttemptTotals] = {}
        with self._lock:
            for statistics in self._read(first, last):
                for channel_id, tries in statistics.channel_attempts(first, last).items():
                    sums[channel_id] = add_attempts(sums.get(channel_id), tries)
        return sums

    def channel_names(self) -> dict[str, str]:
        """Channel id to its latest name in the days that have been asked for."""
        latest: dict[str, tuple[int, str]] = {}
        with self._lock:
            for read in self._days.values():
                for channel_id, dated in read.statistics.dated_channel_names().items():
                    latest[channel_id] = max(latest.get(channel_id, dated), dated)
        return {channel_id: name for channel_id, (_, name) in latest.items()}

    def invalid_lines(self, first: date, last: date) -> int:
        """How many lines of these days' files are no usage records."""
        with self._lock:
            self._read(first, last)
            return sum(read.invalid_lines for day, read in self._days.items() if first <= day <= last)

    def _read(self, first: date, last: date) -> list[MemoryStatistics]:
        """The statistics of all files that may hold records of these days: a day of the zone touches three UTC days."""
        for _ in range(READS_MAX):
            days = self._log.sources(first - _ONE_DAY, last + _ONE_DAY)
            try:
                found = [self._refreshed(day, sources) for day, sources in days.items()]
            except FileNotFoundError:
                continue  # archived while it was read: it stands in the archive now
            while len(self._days) > max(DAYS_HELD_MAX, len(found)):
                self._days.popitem(last=False)
            return found
        raise UsageFilesBusy("usage files keep moving; ask again")

    def _refreshed(self, day: date, sources: tuple[DaySource, ...]) -> MemoryStatistics:
        read = self._days.pop(day, None)
        if read is None or not (read.sources == sources or _has_only_grown(read.sources, sources)):
            read = _DayRead(MemoryStatistics(self._further_dimensions))
            for source in sources:
                read.offset = 0
                self._take_in(read, source)
        elif read.sources != sources:
            self._take_in(read, sources[-1])
        read.sources = sources
        self._days[day] = read
        return read.statistics

    def _take_in(self, read: _DayRead, source: DaySource) -> None:
        try:
            for line in self._log.read(source, read.offset):
                read.invalid_lines += not self._is_taken(read.statistics, line, read.offset)
                read.offset += len(line)
        except UsageFileDamaged:
            read.invalid_lines += 1  # what stood before the damage counts

    def _is_taken(self, statistics: MemoryStatistics, line: bytes, offset: int) -> bool:
        try:
            statistics.add(post_line(line.rstrip(b"\n"), offset, self._zone_days))
        except LineRefused as refusal:
            return refusal.reason == BLANK
        return True


def _require_names(names: Sequence[str], further: set[str], days: Sequence[object]) -> None:
    known = further.union(dimension.value for dimension in Dimension)
    unknown = [name for name in names if name not in known]
    if unknown and days:  # where nothing was recorded, any name may be right
        raise GroupingUnavailable(f"{', '.join(unknown)}: no such dimension; there are {', '.join(sorted(known))}")


def _has_only_grown(before: tuple[DaySource, ...], now: tuple[DaySource, ...]) -> bool:
    """True when all files are as they were, but for lines added to the last one."""
    if len(before) != len(now) or before[:-1] != now[:-1]:
        return False
    old, new = before[-1], now[-1]
    return (old.path, old.inode) == (new.path, new.inode) and new.size > old.size and new.path.suffix != ".gz"
