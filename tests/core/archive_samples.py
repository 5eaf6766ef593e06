"""Old days, old alerts and runs of the archive for the tests of packing."""

import gzip
import os
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from smart_ai_router.core.archive import ArchiveReport, archive_old_days
from smart_ai_router.core.archive_files import ArchiveDirectory
from smart_ai_router.core.verification import books_digest
from tests.contract.lines import line, write_lines
from tests.core.journal_samples import booked

TODAY = date(2026, 3, 1)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()


def write_day(logs: Path, days_ago: int, count: int = 3) -> Path:
    day = TODAY - timedelta(days=days_ago)
    path = logs / f"usage_{day:%Y%m%d}.jsonl"
    write_lines(path, [line(f"{day} 10:00:0{number}", number) for number in range(count)])
    os.utime(path, (NOW - 3600, NOW - 3600))
    return path


def write_alerts(logs: Path, days_ago: list[int]) -> Path:
    path = logs / "channel_alerts.jsonl"
    write_lines(path, [alert_line(each) for each in days_ago])
    return path


def alert_line(days_ago: int) -> bytes:
    at = f"{TODAY - timedelta(days=days_ago)}T10:00:00Z"
    return (
        f'{{"channel_id":"ch_1","channel_name":"One","alert_type":"rate_limit","message":"m","timestamp":"{at}",'
        '"details":null}'
    ).encode()


def run(logs: Path, days_to_keep: int = 30, before_step: Callable[[str], None] = lambda _name: None) -> ArchiveReport:
    return archive_old_days(ArchiveDirectory(logs, before_step), NOW, days_to_keep)


def digest(logs: Path) -> str:
    with booked(logs).snapshot() as books:
        return books_digest(books)


def unpacked(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes())
