"""Usage records for tests: the guide's sample, and variations of one record."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from msgspec.structs import replace

from smart_ai_router.core.local_days import LocalDays
from smart_ai_router.core.posting import Posting, post_line
from smart_ai_router.core.statistics.memory import MemoryStatistics
from smart_ai_router.core.statistics.view import StatisticsView
from smart_ai_router.core.usage_record import UsageRecord, encode_usage_record
from smart_ai_router.core.utils.usage_tracker import UsageTracker

GUIDE_LINE = (
    b'{"timestamp": "2025-08-24T12:30:45Z", "request_id": "req_abc123", "model": "gpt-4o-mini", '
    b'"channel_id": "ch_openai_001", "channel_name": "OpenAI Official", "provider": "openai", "input_tokens": 150, '
    b'"output_tokens": 300, "total_tokens": 450, "input_cost": 0.000075, "output_cost": 0.0003, '
    b'"total_cost": 0.000375, "cost_currency": "USD", "request_type": "chat", "status": "success", '
    b'"response_time_ms": 1250, "tags": ["gpt", "4o", "mini", "chat"]}'
)
GUIDE_KEYS = [
    "timestamp",
    "request_id",
    "session_id",
    "model",
    "channel_id",
    "channel_name",
    "provider",
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "input_cost",
    "output_cost",
    "total_cost",
    "cost_currency",
    "request_type",
    "status",
    "error_message",
    "response_time_ms",
    "user_agent",
    "client_ip",
    "tags",
]

GUIDE_FIGURES = [
    "total_requests",
    "total_cost",
    "total_input_tokens",
    "total_output_tokens",
    "total_tokens",
    "successful_requests",
    "failed_requests",
    "providers",
    "channels",
    "models",
    "avg_cost_per_request",
    "avg_cost_per_1k_tokens",
]
WEDNESDAY = date(2025, 8, 20)
NOON = datetime(2025, 8, 20, 12, tzinfo=UTC).timestamp()

SAMPLE = UsageRecord(
    timestamp="2025-08-20T12:00:00.000000Z",
    request_id="req_sample",
    model="gpt-4o-mini",
    channel_id="ch_openai_001",
    channel_name="OpenAI Official",
    provider="openai",
    input_tokens=150,
    output_tokens=300,
    total_tokens=450,
    input_cost=Decimal("0.000075"),
    output_cost=Decimal("0.0003"),
    total_cost=Decimal("0.000375"),
    response_time_ms=1250,
    tags=("gpt", "4o", "mini", "chat"),
)


def call(number: int, day: str = "2025-08-20", cost: str = "0.000375", **changes: object) -> UsageRecord:
    """A call of a day: its number makes its id and its minute; the whole cost is output."""
    return replace(
        SAMPLE,
        **{
            "timestamp": f"{day}T12:{number % 60:02d}:00.000000Z",
            "request_id": f"req_{day}_{number}",
            "input_cost": Decimal(0),
            "output_cost": Decimal(cost),
            "total_cost": Decimal(cost),
            **changes,
        },
    )


def failed(number: int, day: str = "2025-08-20", **changes: object) -> UsageRecord:
    """A call that failed before anything was delivered."""
    nothing = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0, "status": "error", "outcome": "failed"}
    return call(number, day, "0", **{**nothing, **changes})


def view_of(records: Iterable[UsageRecord], zone: str = "UTC", currency: str = "USD") -> StatisticsView:
    """A view of these records."""
    statistics = MemoryStatistics()
    for record in records:
        assert statistics.add(posting_of(record, zone))
    return StatisticsView(statistics, currency, attempts=statistics)


def posting_of(record: UsageRecord, zone: str = "UTC") -> Posting:
    """What the books take from the record's line."""
    return post_line(encode_usage_record(record), 0, LocalDays(zone))


def tracker_in(directory: Path) -> UsageTracker:
    """A tracker whose today is 2025-08-20."""
    return UsageTracker(directory, now=lambda: NOON)


def day_file(directory: Path, day: str = "20250820") -> Path:
    """The file of a UTC day."""
    return directory / f"usage_{day}.jsonl"
