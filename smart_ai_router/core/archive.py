"""Packing old days of the journal: `logs/usage_YYYYMMDD.jsonl` becomes `logs/archive/usage_YYYYMMDD.jsonl.gz`.

A day is packed when it is more than `days_to_keep` days old, by the UTC date in its name: with 30, the file of 30 days
ago stays and the one of 31 days ago goes. Today's file always stays. Packed days still count everywhere. An archive
is never overwritten: what arrives for a packed day later becomes a second part, `usage_YYYYMMDD.2.jsonl.gz`. Alerts
are packed by the same rule, line by line, but those of the last seven days stay, which the alert list shows.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple, Protocol

DAYS_TO_KEEP: Final = 30
ALERT_DAYS_MIN: Final = 7
SETTLED_S: Final = 600.0  # a call of yesterday may still be written a moment after midnight

Progress = Callable[[int, int], None]  # files done, files to do


class DaysToKeepInvalid(ValueError):
    """A number of days that would archive the day that is being written."""


class ArchiveRefused(Exception):
    """A file that could not be packed; it stands where it stood."""


class LiveDay(NamedTuple):
    """One live file of the journal."""

    name: str
    day: date
    modified_at: float  # seconds since 1970 UTC


class Packed(NamedTuple):
    """One file that was packed."""

    name: str
    archive: str  # its name below the logs directory
    lines: int
    size: int  # bytes before
    packed_size: int


class ArchiveDoor(Protocol):
    """The files. Each step is safe against a crash: a line is in the live file, in the archive, or for a moment in
    both, where readers know it by its id."""

    def live_days(self) -> list[LiveDay]:
        """The live files, oldest first."""

    def pack(self, name: str) -> Packed:
        """Pack a live file and remove it; raises ArchiveRefused and OSError."""

    def pack_alerts(self, before: datetime) -> list[Packed]:
        """Pack the alerts before a moment and take them out of the alert log; raises ArchiveRefused and OSError."""


@dataclass(slots=True)
class ArchiveReport:
    """What an archive run did."""

    packed: list[Packed] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)  # name and what was wrong

    @property
    def exit_status(self) -> int:
        """0 when everything that was due is packed, 1 when something could not be."""
        return 1 if self.failures else 0


def archive_old_days(
    door: ArchiveDoor, now: float, days_to_keep: int = DAYS_TO_KEEP, progress: Progress | None = None
) -> ArchiveReport:
    """Pack what is old at `now` (seconds since 1970 UTC). One file that fails stops no other.

    Raises DaysToKeepInvalid.
    """
    if days_to_keep < 0:
        raise DaysToKeepInvalid(f"days to keep must be 0 or more, not {days_to_keep}")
    today = datetime.fromtimestamp(now, UTC).date()
    report = ArchiveReport()
    live = door.live_days()
    due = [each for each in live if _is_due(each, today, now, days_to_keep)]
    report.kept += [each.name for each in live if each not in due]
    for number, each in enumerate(due):
        if progress is not None:
            progress(number, len(due))
        try:
            report.packed.append(door.pack(each.name))
        except (ArchiveRefused, OSError) as error:
            report.failures.append((each.name, str(error)))
    if progress is not None:
        progress(len(due), len(due))
    oldest = today - timedelta(days=max(days_to_keep, ALERT_DAYS_MIN))
    try:
        report.packed += door.pack_alerts(datetime(oldest.year, oldest.month, oldest.day, tzinfo=UTC))
    except (ArchiveRefused, OSError) as error:
        report.failures.append(("alerts", str(error)))
    return report


def _is_due(live: LiveDay, today: date, now: float, days_to_keep: int) -> bool:
    if (today - live.day).days <= days_to_keep or live.day >= today:
        return False
    is_yesterday = live.day == today - timedelta(days=1)
    return not is_yesterday or now - live.modified_at >= SETTLED_S
