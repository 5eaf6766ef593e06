"""Recording usage and asking about it from Python: the guide's `UsageTracker`.

The running router writes the same files by itself and answers the same questions over HTTP; the tracker is for
scripts, reports and programs of one's own, in the router's logs directory or in another. Own dimensions come from a
subclass that names them for each record, and is then asked by those names, alone or together with ours:

    class TeamTracker(UsageTracker):
        def dimensions(self, record):
            return {"team": (record.end_user or "nobody").partition("/")[0]}

    TeamTracker("logs").get_stats_by("team", "model", first="2025-08-01", last="2025-08-31")
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Final, TypedDict

from smart_ai_router.core.archive import DAYS_TO_KEEP, ArchiveDoor, ArchiveReport, archive_old_days
from smart_ai_router.core.archive_files import ArchiveDirectory
from smart_ai_router.core.local_days import LocalDays, date_of
from smart_ai_router.core.posting import LineRefused, post_line
from smart_ai_router.core.report import UsageReport, usage_report
from smart_ai_router.core.statistics.daily import daily_statistics
from smart_ai_router.core.statistics.journal import JournalStatistics
from smart_ai_router.core.statistics.monthly import monthly_statistics
from smart_ai_router.core.statistics.periods import month, month_of, parse_day, require_day
from smart_ai_router.core.statistics.shapes import DailyStatistics, MonthlyStatistics, WeeklyStatistics
from smart_ai_router.core.statistics.view import StatisticsView, Sums
from smart_ai_router.core.statistics.weekly import weekly_statistics
from smart_ai_router.core.timestamps import iso_utc
from smart_ai_router.core.usage_files import UsageFiles, UsageLog
from smart_ai_router.core.usage_record import (
    AttemptRecord,
    BillLine,
    UsageLineInvalid,
    UsageRecord,
    cost_in_pico,
    decode_usage_record,
    encode_usage_record,
)
from smart_ai_router.domain.money import AmountInvalid, pico_to_decimal, require_cell

__all__ = [
    "AttemptRecord",
    "BillLine",
    "LineRefused",
    "UsageLineInvalid",
    "UsageRecord",
    "UsageTracker",
    "create_usage_record",
    "decode_usage_record",
    "encode_usage_record",
    "get_usage_tracker",
]

MS_PER_DAY: Final = 86_400_000

Amount = Decimal | int | str | float
Day = date | str | None


class GroupStatistics(TypedDict):
    """One group of `get_stats_by`: its values by dimension name, and its figures."""

    keys: dict[str, str]
    requests: int
    successful_requests: int
    failed_requests: int
    cost: Decimal
    tokens: int
    input_tokens: int
    output_tokens: int


class UsageTracker:
    """Writes usage records into daily files and answers questions about them, always from what stands in the files."""

    def __init__(
        self,
        logs_dir: str | Path = "logs",
        *,
        log: UsageLog | None = None,
        archive: ArchiveDoor | None = None,
        time_zone: str = "UTC",
        currency: str = "USD",
        now: Callable[[], float] = time.time,
    ) -> None:
        """`time_zone` (an IANA name) decides which day a call belongs to; file names are those of the UTC day.

        `log` and `archive` replace the files in `logs_dir`. Raises TimeZoneUnknown.
        """
        self.logs_dir = Path(logs_dir)
        self._log: UsageLog = UsageFiles(self.logs_dir) if log is None else log
        self._archive: ArchiveDoor = ArchiveDirectory(self.logs_dir) if archive is None else archive
        self._zone_days = LocalDays(time_zone)
        self._currency = currency
        self._now = now
        self._statistics = JournalStatistics(self._log, self._zone_days, self.dimensions)

    def dimensions(self, record: UsageRecord) -> Mapping[str, str]:  # noqa: ARG002 - the hook's own answer is: none
        """What else a record can be grouped by, as name to value. Override this to add dimensions of your own.

        It is called once for each record that is read. A name of ours (provider, channel, model, user, api_key, tag,
        usage_type, region, day) overrides our value.
        """
        return {}

    def record_usage(self, record: UsageRecord) -> None:
        """Append one record to the file of its UTC day; it is on the disk on return.

        Raises OSError if it could not be written, and LineRefused for a record that the books would not take.
        """
        line = encode_usage_record(record)
        posting = post_line(line, 0, self._zone_days)
        self._log.append(date_of(posting.at_ms // MS_PER_DAY), line)

    async def record_usage_async(self, record: UsageRecord) -> None:
        """`record_usage` without holding up the event loop."""
        await asyncio.to_thread(self.record_usage, record)

    def get_daily_stats(self, date: Day = None) -> DailyStatistics:
        """One day (a date, YYYY-MM-DD, or today); raises DateInvalid."""
        return daily_statistics(self._view(), self._day(date))

    def get_weekly_stats(self, date: Day = None) -> WeeklyStatistics:
        """The week of a day, Monday to Sunday; raises DateInvalid."""
        return weekly_statistics(self._view(), self._day(date))

    def get_monthly_stats(self, year: int | None = None, month: int | None = None) -> MonthlyStatistics:
        """One month; this month when either number is missing. Raises MonthInvalid."""
        return monthly_statistics(self._view(), self._month_day(year, month))

    def get_report(self, date: Day = None) -> UsageReport:
        """The report of a day with its week and month, for `report_text` or JSON; raises DateInvalid."""
        day = self._day(date)
        return usage_report(self._view(), day, self._statistics.invalid_lines(*month_of(day)))

    def get_stats_by(self, *dimensions: str, first: Day = None, last: Day = None) -> list[GroupStatistics]:
        """The totals of the days first..last (today) by dimensions, ours and those of `dimensions()`, dearest first.

        A call counts under each of its tags. Raises GroupingUnavailable for a name that no record has.
        """
        last_day = self._day(last)
        first_day = last_day if first is None else self._day(first)
        groups: dict[tuple[str, ...], Sums] = {}
        for row in self._statistics.totals_by(first_day, last_day, dimensions):
            groups.setdefault(row.keys, Sums()).add(row.totals)
        dearest_first = sorted(groups.items(), key=lambda each: (-each[1].cost_pico(self._currency), each[0]))
        return [_group(dimensions, keys, sums, self._currency) for keys, sums in dearest_first]

    def archive_old_logs(self, days_to_keep: int = DAYS_TO_KEEP) -> ArchiveReport:
        """Pack the days that are more than `days_to_keep` days old; they count everywhere as before.

        Raises DaysToKeepInvalid.
        """
        return archive_old_days(self._archive, self._now(), days_to_keep)

    def invalid_lines(self, first: Day = None, last: Day = None) -> int:
        """How many lines of these UTC days' files are no usage records (and cost only themselves)."""
        last_day = self._day(last)
        return self._statistics.invalid_lines(last_day if first is None else self._day(first), last_day)

    def _view(self) -> StatisticsView:
        return StatisticsView(self._statistics, self._currency, attempts=self._statistics)

    def _day(self, day: Day) -> date:
        if day is None:
            return datetime.fromtimestamp(self._now(), self._zone_days.zone).date()
        if isinstance(day, str):
            return parse_day(day)
        return require_day(day.astimezone(self._zone_days.zone).date() if isinstance(day, datetime) else day)

    def _month_day(self, year: int | None, number: int | None) -> date:
        return self._day(None) if year is None or number is None else month(year, number).first


@cache
def get_usage_tracker() -> UsageTracker:
    """The tracker of this process over `logs/` in the working directory."""
    return UsageTracker()


def create_usage_record(  # noqa: PLR0917 - the guide's signature
    model: str,
    channel_id: str,
    channel_name: str,
    provider: str,
    input_tokens: int,
    output_tokens: int,
    input_cost: Amount,
    output_cost: Amount,
    request_id: str | None = None,
    session_id: str | None = None,
    request_type: str = "chat",
    status: str = "success",
    error_message: str | None = None,
    response_time_ms: int | None = None,
    user_agent: str | None = None,
    client_ip: str | None = None,
    tags: Iterable[str] | None = None,
) -> UsageRecord:
    """A record of a call that ends now; tokens and costs are added up. Raises AmountInvalid for a cost that is none.

    A float is taken as its shortest text says (0.1 is 0.1), so that no binary remainder enters the books; what is
    finer than 10^-12 is rounded half to even.
    """
    costs = (_amount(input_cost), _amount(output_cost))
    return UsageRecord(
        timestamp=iso_utc(time.time()),
        request_id=request_id or f"req_{secrets.token_hex(9)}",
        session_id=session_id,
        model=model,
        channel_id=channel_id,
        channel_name=channel_name,
        provider=provider,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        total_tokens=input_tokens + output_tokens,
        input_cost=costs[0],
        output_cost=costs[1],
        total_cost=costs[0] + costs[1],
        request_type=request_type,
        status=status,
        error_message=error_message,
        response_time_ms=response_time_ms,
        user_agent=user_agent,
        client_ip=client_ip,
        tags=tuple(tags or ()),
        outcome="success" if status == "success" else "failed",
    )


def _amount(amount: Amount) -> Decimal:
    try:
        exact = Decimal(repr(amount)) if isinstance(amount, float) else Decimal(amount)
        cost = pico_to_decimal(require_cell(cost_in_pico(exact)))
    except ArithmeticError as error:
        raise AmountInvalid(f"{amount!r} is not an amount") from error
    if cost < 0:
        raise AmountInvalid(f"{amount!r} is below zero; a call costs nothing or more")
    return cost


def _group(dimensions: tuple[str, ...], keys: tuple[str, ...], sums: Sums, currency: str) -> GroupStatistics:
    return {
        "keys": dict(zip(dimensions, keys, strict=True)),
        "requests": sums.requests,
        "successful_requests": sums.successes,
        "failed_requests": sums.failures,
        "cost": sums.cost(currency),
        "tokens": sums.tokens,
        "input_tokens": sums.input_tokens,
        "output_tokens": sums.output_tokens,
    }
