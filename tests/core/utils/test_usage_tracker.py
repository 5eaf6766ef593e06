"""The guide's UsageTracker: records in, statistics out, own dimensions by subclass."""

import asyncio
import fcntl
import json
import os
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from smart_ai_router.core.archive_files import ArchiveDirectory
from smart_ai_router.core.statistics_store import GroupingUnavailable
from smart_ai_router.core.utils.usage_tracker import (
    LineRefused,
    UsageRecord,
    UsageTracker,
    create_usage_record,
    decode_usage_record,
    encode_usage_record,
    get_usage_tracker,
)
from smart_ai_router.domain.money import AmountInvalid, AmountTooLarge
from tests.core.usage_samples import GUIDE_LINE, NOON, SAMPLE, call, day_file, failed, tracker_in


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


def test_a_record_that_no_reader_would_accept_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(LineRefused):
        tracker_in(tmp_path).record_usage(replace(SAMPLE, input_tokens=-1))

    assert not day_file(tmp_path).exists()


def test_m1_76_the_guides_sample_file_gives_the_guides_figures(tmp_path: Path) -> None:
    day_file(tmp_path, "20250824").write_bytes(GUIDE_LINE + b"\n")

    day = tracker_in(tmp_path).get_daily_stats("2025-08-24")

    assert (day["total_requests"], day["total_tokens"], day["total_cost"]) == (1, 450, Decimal("0.000375"))


def test_m1_55_old_days_are_archived_and_count_as_before(tmp_path: Path) -> None:
    tracker = UsageTracker(tmp_path, now=lambda: NOON)
    for number, day in enumerate(["2025-07-20", "2025-07-21", "2025-08-20"]):
        tracker.record_usage(call(number, day))
    before = tracker.get_monthly_stats(2025, 7)

    report = tracker.archive_old_logs()

    assert [packed.name for packed in report.packed] == ["usage_20250720.jsonl"]
    assert tracker.get_monthly_stats(2025, 7) == before


def test_a_tracker_over_a_missing_directory_has_nothing_to_archive(tmp_path: Path) -> None:
    report = UsageTracker(tmp_path / "nowhere").archive_old_logs()

    assert (report.packed, report.exit_status) == ([], 0)


def test_an_archive_of_ones_own_takes_the_place_of_the_files(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    UsageTracker(elsewhere).record_usage(call(1, "2025-07-20"))
    tracker = UsageTracker(tmp_path / "logs", archive=ArchiveDirectory(elsewhere), now=lambda: NOON)

    report = tracker.archive_old_logs()

    assert [packed.name for packed in report.packed] == ["usage_20250720.jsonl"]
    assert (elsewhere / "archive" / "usage_20250720.jsonl.gz").exists()


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
