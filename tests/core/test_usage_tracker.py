"""The guide's UsageTracker: files in, statistics out, own dimensions by subclass."""

import asyncio
import fcntl
import gzip
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from smart_ai_router.core.statistics_store import GroupingUnavailable
from smart_ai_router.core.usage_files import DaySource, UsageFiles
from smart_ai_router.core.utils.usage_tracker import (
    UsageLineInvalid,
    UsageRecord,
    UsageTracker,
    create_usage_record,
    decode_usage_record,
    encode_usage_record,
    get_usage_tracker,
)
from smart_ai_router.domain.money import AmountInvalid, AmountTooLarge
from tests.core.usage_samples import GUIDE_LINE, SAMPLE, call, failed

NOON = datetime(2025, 8, 20, 12, tzinfo=UTC).timestamp()


def tracker_in(directory: Path) -> UsageTracker:
    return UsageTracker(directory, now=lambda: NOON)


def day_file(directory: Path, day: str = "20250820") -> Path:
    return directory / f"usage_{day}.jsonl"


def test_m1_05_m1_63_each_record_is_one_line_in_the_file_of_its_utc_day(tmp_path: Path) -> None:
    tracker = tracker_in(tmp_path / "logs")

    for number in range(3):
        tracker.record_usage(call(number))
    tracker.record_usage(replace(SAMPLE, timestamp="2025-08-21T01:30:00+08:00"))

    lines = day_file(tmp_path / "logs").read_bytes().splitlines()
    assert [json.loads(line)["request_id"] for line in lines][:3] == [f"req_2025-08-20_{number}" for number in range(3)]
    assert len(lines) == 4


def test_m1_62_recording_does_not_hold_up_the_event_loop(tmp_path: Path) -> None:
    # given: somebody else holds the file's lock for a while
    tracker = tracker_in(tmp_path)
    tracker.record_usage(call(1))
    descriptor = os.open(day_file(tmp_path), os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)

    async def record_while_the_loop_lives() -> None:
        recording = asyncio.create_task(tracker.record_usage_async(call(2)))
        for _ in range(5):
            await asyncio.sleep(0)
        assert not recording.done()
        os.close(descriptor)  # gives the lock back
        await asyncio.wait_for(recording, 10)

    asyncio.run(record_while_the_loop_lives())

    assert tracker.get_daily_stats()["total_requests"] == 2


def test_a_torn_line_of_a_killed_writer_swallows_no_neighbour(tmp_path: Path) -> None:
    tracker = tracker_in(tmp_path)
    tracker.record_usage(call(1))
    with day_file(tmp_path).open("ab") as file:
        file.write(encode_usage_record(call(2))[:100])

    tracker.record_usage(call(3))

    assert tracker.get_daily_stats()["total_requests"] == 2
    assert tracker.invalid_lines() == 1


def test_a_write_that_fails_is_raised_and_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    # given: the file may not grow beyond its first line
    tracker_in(tmp_path).record_usage(call(1))
    before = day_file(tmp_path).read_bytes()
    program = (
        "import resource, signal, sys\n"
        "from tests.core.test_usage_tracker import tracker_in, call\n"
        "from pathlib import Path\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({len(before)} + 10, {len(before)} + 10))\n"
        "try:\n    tracker_in(Path(sys.argv[1])).record_usage(call(2))\n"
        "except OSError:\n    print('raised')\n"
    )

    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)

    assert done.stdout == "raised\n"
    assert day_file(tmp_path).read_bytes() == before


def test_a_record_that_no_reader_would_accept_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(UsageLineInvalid):
        tracker_in(tmp_path).record_usage(replace(SAMPLE, input_tokens=-1))

    assert not day_file(tmp_path).exists()


def test_n_15_a_corrupt_line_costs_that_line_only(tmp_path: Path) -> None:
    lines = [encode_usage_record(call(number)) for number in range(3)]
    null_cost = GUIDE_LINE.replace(b"0.000375", b"null")
    day_file(tmp_path).write_bytes(b"\n".join([lines[0], null_cost, lines[1], b"\xff\x00 torn", b"", lines[2]]) + b"\n")

    tracker = tracker_in(tmp_path)

    assert tracker.get_daily_stats()["total_requests"] == 3
    assert tracker.invalid_lines() == 2


def test_m1_76_the_guides_sample_file_gives_the_guides_figures(tmp_path: Path) -> None:
    day_file(tmp_path, "20250824").write_bytes(GUIDE_LINE + b"\n")

    day = tracker_in(tmp_path).get_daily_stats("2025-08-24")

    assert (day["total_requests"], day["total_tokens"], day["total_cost"]) == (1, 450, Decimal("0.000375"))


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


def test_an_empty_or_missing_directory_is_a_day_without_calls(tmp_path: Path) -> None:
    assert tracker_in(tmp_path / "nowhere").get_weekly_stats()["total_requests"] == 0


def test_weeks_and_months_default_to_now_and_take_a_date(tmp_path: Path) -> None:
    tracker = tracker_in(tmp_path)
    for number, day in enumerate(["2025-07-31", "2025-08-18", "2025-08-24"]):
        tracker.record_usage(call(number, day))

    assert tracker.get_weekly_stats()["total_requests"] == 2
    assert tracker.get_weekly_stats(date(2025, 7, 28))["total_requests"] == 1
    assert tracker.get_monthly_stats()["total_requests"] == 2
    assert tracker.get_monthly_stats(2025, 7)["total_requests"] == 1
    assert tracker.get_monthly_stats(year=2024)["month"] == 8


def test_a_day_in_a_time_zone_takes_its_calls_from_two_files(tmp_path: Path) -> None:
    tracker = UsageTracker(tmp_path, time_zone=ZoneInfo("Asia/Shanghai"), now=lambda: NOON)
    tracker.record_usage(replace(SAMPLE, request_id="a", timestamp="2025-08-19T17:00:00Z"))
    tracker.record_usage(replace(SAMPLE, request_id="b", timestamp="2025-08-20T15:59:59Z"))
    tracker.record_usage(replace(SAMPLE, request_id="c", timestamp="2025-08-20T16:00:00Z"))

    assert tracker.get_daily_stats("2025-08-20")["total_requests"] == 2
    assert tracker.get_daily_stats(datetime(2025, 8, 19, 17, tzinfo=UTC))["total_requests"] == 2


class PerUser(UsageTracker):
    """Groups by the caller's own user field."""

    def dimensions(self, record: UsageRecord) -> Mapping[str, str]:
        return {"end_user": record.end_user or "nobody"}


class PerCountry(UsageTracker):
    """Groups by where a call came from."""

    countries: Mapping[str, str] = {"203.0.113.7": "DE", "198.51.100.9": "CN"}

    def dimensions(self, record: UsageRecord) -> Mapping[str, str]:
        return {"country": self.countries.get(record.client_ip or "", "unknown")}


class PerProject(UsageTracker):
    """Groups by a tag of the form project=name, and by how long a call took."""

    def dimensions(self, record: UsageRecord) -> Mapping[str, str]:
        projects = [tag.removeprefix("project=") for tag in record.tags if tag.startswith("project=")]
        slow = (record.response_time_ms or 0) >= 1000
        return {"pace": "slow" if slow else "fast", **({"project": projects[0]} if projects else {})}


def test_m1_72_a_subclass_adds_statistics_by_user(tmp_path: Path) -> None:
    tracker = PerUser(tmp_path, now=lambda: NOON)
    for number, user in enumerate(["ada", "bob", "ada", None]):
        tracker.record_usage(call(number, cost="0.1", end_user=user))

    groups = tracker.get_stats_by("end_user")

    assert [(group["keys"]["end_user"], group["requests"], group["cost"]) for group in groups] == [
        ("ada", 2, Decimal("0.2")),
        ("bob", 1, Decimal("0.1")),
        ("nobody", 1, Decimal("0.1")),
    ]


def test_m1_73_a_subclass_adds_a_geographic_dimension(tmp_path: Path) -> None:
    tracker = PerCountry(tmp_path, now=lambda: NOON)
    tracker.record_usage(call(1, cost="1", client_ip="203.0.113.7"))
    tracker.record_usage(call(2, cost="2", client_ip="198.51.100.9"))
    tracker.record_usage(failed(3, client_ip=None))

    groups = {group["keys"]["country"]: group for group in tracker.get_stats_by("country")}

    assert {country: group["cost"] for country, group in groups.items()} == {
        "CN": Decimal(2),
        "DE": Decimal(1),
        "unknown": Decimal(0),
    }
    assert groups["unknown"]["failed_requests"] == 1


def test_m1_74_own_tags_and_ours_can_be_grouped_by(tmp_path: Path) -> None:
    tracker = PerProject(tmp_path, now=lambda: NOON)
    tracker.record_usage(call(1, cost="1", tags=("chat", "project=apollo")))
    tracker.record_usage(call(2, cost="2", tags=("chat", "project=gemini")))
    tracker.record_usage(call(3, cost="4", tags=("chat",)))

    by_project = {group["keys"]["project"]: group["cost"] for group in tracker.get_stats_by("project")}
    by_tag = {group["keys"]["tag"]: group["requests"] for group in tracker.get_stats_by("tag")}

    assert by_project == {"apollo": Decimal(1), "gemini": Decimal(2), "": Decimal(4)}
    assert by_tag["chat"] == 3


def test_m1_75_own_dimensions_combine_with_ours_over_any_days(tmp_path: Path) -> None:
    tracker = PerProject(tmp_path, now=lambda: NOON)
    tracker.record_usage(call(1, "2025-08-01", "1", tags=("project=apollo",), response_time_ms=999))
    tracker.record_usage(call(2, "2025-08-02", "2", tags=("project=apollo",), response_time_ms=1000))
    tracker.record_usage(call(3, "2025-08-02", "4", tags=("project=apollo",), response_time_ms=1000))
    tracker.record_usage(call(4, "2025-08-03", "0.5", tags=(), response_time_ms=10))  # a day without the dimension

    groups = tracker.get_stats_by("project", "day", "pace", first="2025-08-01", last="2025-08-31")

    assert [(tuple(group["keys"].values()), group["cost"]) for group in groups] == [
        (("apollo", "2025-08-02", "slow"), Decimal(6)),
        (("apollo", "2025-08-01", "fast"), Decimal(1)),
        (("", "2025-08-03", "fast"), Decimal("0.5")),
    ]


def test_a_dimension_that_no_record_has_is_a_named_error(tmp_path: Path) -> None:
    tracker = tracker_in(tmp_path)
    tracker.record_usage(call(1))

    with pytest.raises(GroupingUnavailable, match="colour"):
        tracker.get_stats_by("colour")


def test_create_usage_record_takes_the_guides_arguments() -> None:
    record = create_usage_record(
        "gpt-4o-mini", "ch_openai_001", "OpenAI Official", "openai", 150, 300, "0.000075", Decimal("0.0003"), tags=["a"]
    )

    assert record.request_id.startswith("req_")
    assert record.timestamp.endswith("Z")
    assert (record.total_tokens, record.total_cost, record.tags) == (450, Decimal("0.000375"), ("a",))
    assert (record.outcome, record.status, record.request_type) == ("success", "success", "chat")
    assert decode_usage_record(encode_usage_record(record)) == record
    assert create_usage_record("m", "c", "n", "p", 0, 0, 0, 0, status="error").outcome == "failed"


@pytest.mark.parametrize(
    ("amount", "expected"),
    [(0.1, "0.1"), (7.5e-05, "0.000075"), (1 / 3, "0.333333333333"), (2, "2"), ("0.10", "0.1"), (0.1 + 0.2, "0.3")],
)
def test_a_float_is_taken_as_its_text_says(amount: float | int | str, expected: str) -> None:
    record = create_usage_record("m", "c", "n", "p", 1, 1, amount, 0)

    assert record.input_cost == record.total_cost == Decimal(expected)


@pytest.mark.parametrize("amount", ["", "one", float("nan"), float("inf"), "-0.01", Decimal("1E+400")])
def test_what_is_no_amount_makes_no_record(amount: float | str | Decimal) -> None:
    with pytest.raises((AmountInvalid, AmountTooLarge)):
        create_usage_record("m", "c", "n", "p", 1, 1, amount, 0)


def test_the_process_has_one_tracker_over_the_logs_directory() -> None:
    assert get_usage_tracker() is get_usage_tracker()
    assert get_usage_tracker().logs_dir == Path("logs")


def test_only_the_newest_days_are_held_in_memory(tmp_path: Path) -> None:
    tracker = tracker_in(tmp_path)
    for month in range(1, 8):
        for day in range(1, 29):
            tracker.record_usage(call(day, f"2025-{month:02d}-{day:02d}", "1"))

    assert [tracker.get_monthly_stats(2025, month)["total_cost"] for month in range(1, 8)] == [Decimal(28)] * 7
    assert tracker.get_stats_by("provider", first="2025-01-01", last="2025-12-31")[0]["requests"] == 196
    assert tracker.get_monthly_stats(2025, 1)["total_requests"] == 28
