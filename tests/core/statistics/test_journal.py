"""Statistics read from files that grow, move and break."""

import gzip
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from msgspec.structs import replace

from smart_ai_router.core.journal_source import LINE_BYTES_MAX
from smart_ai_router.core.usage_files import DaySource, UsageFiles
from smart_ai_router.core.utils.usage_tracker import (
    UsageTracker,
    encode_usage_record,
)
from tests.core.usage_samples import GUIDE_LINE, NOON, SAMPLE, call, day_file, tracker_in


def test_n_15_a_corrupt_line_costs_that_line_only(tmp_path: Path) -> None:
    lines = [encode_usage_record(call(number)) for number in range(3)]
    null_cost = GUIDE_LINE.replace(b"0.000375", b"null")
    day_file(tmp_path).write_bytes(b"\n".join([lines[0], null_cost, lines[1], b"\xff\x00 torn", b"", lines[2]]) + b"\n")

    tracker = tracker_in(tmp_path)

    assert tracker.get_daily_stats()["total_requests"] == 3
    assert tracker.invalid_lines() == 2


def test_a_line_is_counted_once_its_newline_stands(tmp_path: Path) -> None:
    tracker = tracker_in(tmp_path)
    line = encode_usage_record(call(1))
    day_file(tmp_path).write_bytes(line[:50])
    assert tracker.get_daily_stats()["total_requests"] == 0

    with day_file(tmp_path).open("ab") as file:
        file.write(line[50:] + b"\n")

    assert tracker.get_daily_stats()["total_requests"] == 1


def test_archived_days_count_as_before(tmp_path: Path) -> None:
    tracker = tracker_in(tmp_path)
    for number in range(3):
        tracker.record_usage(call(number))
    before = tracker.get_daily_stats()

    # when: the day is compressed into the archive, and another is only moved there
    (tmp_path / "archive").mkdir()
    with gzip.open(tmp_path / "archive" / "usage_20250820.jsonl.gz", "wb") as file:
        file.write(day_file(tmp_path).read_bytes())
    day_file(tmp_path).unlink()
    (tmp_path / "archive" / "usage_20250819.jsonl").write_bytes(encode_usage_record(call(9, "2025-08-19")) + b"\n")

    assert tracker.get_daily_stats() == before
    assert tracker.get_daily_stats("2025-08-19")["total_requests"] == 1
    assert tracker_in(tmp_path).get_monthly_stats()["total_requests"] == 4


def test_lines_that_come_late_to_an_archived_day_count_too(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    with gzip.open(tmp_path / "archive" / "usage_20250820.jsonl.gz", "wb") as file:
        file.write(encode_usage_record(call(1)))
    tracker = tracker_in(tmp_path)
    tracker.record_usage(call(1))  # archived and still here: one call
    tracker.record_usage(call(2))
    assert tracker.get_daily_stats()["total_requests"] == 2

    tracker.record_usage(call(3))

    assert tracker.get_daily_stats()["total_requests"] == 3


def test_a_file_that_was_cut_or_replaced_is_read_anew(tmp_path: Path) -> None:
    tracker = tracker_in(tmp_path)
    for number in range(3):
        tracker.record_usage(call(number))
    assert tracker.get_daily_stats()["total_requests"] == 3

    day_file(tmp_path).write_bytes(encode_usage_record(call(7)) + b"\n")

    assert tracker.get_daily_stats()["total_requests"] == 1


class VanishingOnce(UsageFiles):
    """A directory whose file is archived between being listed and being read."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.directory = directory
        self.is_first = True

    def sources(self, first: date, last: date) -> dict[date, tuple[DaySource, ...]]:
        found = super().sources(first, last)
        if self.is_first:
            self.is_first = False
            (self.directory / "archive").mkdir()
            day_file(self.directory).rename(self.directory / "archive" / "usage_20250820.jsonl")
        return found


def test_a_file_archived_while_it_is_read_is_found_in_the_archive(tmp_path: Path) -> None:
    tracker_in(tmp_path).record_usage(call(1))

    tracker = UsageTracker(tmp_path, log=VanishingOnce(tmp_path), now=lambda: NOON)

    assert tracker.get_daily_stats()["total_requests"] == 1


def test_files_that_only_look_like_ours_are_left_alone(tmp_path: Path) -> None:
    for name in ("usage_20259999.jsonl", "usage_2025.jsonl", "usage_20250820.txt", "channel_alerts.jsonl"):
        (tmp_path / name).write_bytes(encode_usage_record(call(1)) + b"\n")

    assert tracker_in(tmp_path).get_monthly_stats()["total_requests"] == 0


def test_a_day_in_a_time_zone_takes_its_calls_from_two_files(tmp_path: Path) -> None:
    tracker = UsageTracker(tmp_path, time_zone="Asia/Shanghai", now=lambda: NOON)
    tracker.record_usage(replace(SAMPLE, request_id="a", timestamp="2025-08-19T17:00:00Z"))
    tracker.record_usage(replace(SAMPLE, request_id="b", timestamp="2025-08-20T15:59:59Z"))
    tracker.record_usage(replace(SAMPLE, request_id="c", timestamp="2025-08-20T16:00:00Z"))

    assert tracker.get_daily_stats("2025-08-20")["total_requests"] == 2
    assert tracker.get_daily_stats(datetime(2025, 8, 19, 17, tzinfo=UTC))["total_requests"] == 2


def test_only_the_newest_days_are_held_in_memory(tmp_path: Path) -> None:
    tracker = tracker_in(tmp_path)
    for month in range(1, 8):
        for day in range(1, 29):
            tracker.record_usage(call(day, f"2025-{month:02d}-{day:02d}", "1"))

    assert [tracker.get_monthly_stats(2025, month)["total_cost"] for month in range(1, 8)] == [Decimal(28)] * 7
    assert tracker.get_stats_by("provider", first="2025-01-01", last="2025-12-31")[0]["requests"] == 196
    assert tracker.get_monthly_stats(2025, 1)["total_requests"] == 28


def test_a_damaged_archive_counts_up_to_the_damage_and_is_reported(tmp_path: Path) -> None:
    # given: two packed parts, the second of which is cut
    (tmp_path / "archive").mkdir()
    whole, cut = (gzip.compress(encode_usage_record(call(number)) + b"\n") for number in (1, 2))
    (tmp_path / "archive" / "usage_20250820.jsonl.gz").write_bytes(whole + cut[: len(cut) // 2])
    (tmp_path / "archive" / "usage_20250820.2.jsonl.gz").write_bytes(b"not packed at all")
    tracker = tracker_in(tmp_path)

    assert tracker.get_daily_stats()["total_requests"] == 1
    assert tracker.invalid_lines() == 2


def test_a_line_without_end_costs_itself_and_no_memory(tmp_path: Path) -> None:
    good = encode_usage_record(call(1)) + b"\n"
    day_file(tmp_path).write_bytes(good + b"x" * (LINE_BYTES_MAX + 5) + b"\n" + encode_usage_record(call(2)) + b"\n")
    tracker = tracker_in(tmp_path)

    assert tracker.get_daily_stats()["total_requests"] == 2
    assert tracker.invalid_lines() == 2  # the line comes in two pieces
