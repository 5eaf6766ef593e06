"""Journal lines for tests: real records with what a test says of them, and defaults for the rest."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from smart_ai_router.core.local_days import LocalDays
from smart_ai_router.core.posting import Posting, post_line
from smart_ai_router.core.usage_record import AttemptRecord, UsageRecord, encode_usage_record
from smart_ai_router.domain.request_ids import EPOCH_MS, encode_request_id

GUIDE_LINE = (
    b'{"timestamp": "2025-08-24T12:30:45Z", "request_id": "req_abc123", "model": "gpt-4o-mini", '
    b'"channel_id": "ch_openai_001", "channel_name": "OpenAI Official", "provider": "openai", '
    b'"input_tokens": 150, "output_tokens": 300, "total_tokens": 450, "input_cost": 0.000075, "output_cost": 0.0003, '
    b'"total_cost": 0.000375, "cost_currency": "USD", "request_type": "chat", "status": "success", '
    b'"response_time_ms": 1250, "tags": ["gpt", "4o", "mini", "chat"]}'
)


def moment(text: str) -> int:
    """Milliseconds since 1970 of `2026-01-31 23:59:59.999`, UTC."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def own_id(at_ms: int, number: int = 0, node: int = 1, check: str = "aaaaa") -> str:
    """A request id of ours."""
    return encode_request_id((at_ms - EPOCH_MS) << 22 | node << 12 | number & 0xFFF, check)


def record(at: str, number: int = 0, **given: object) -> UsageRecord:
    """A successful call of 2 seconds that ended at `at`; costs may be given as text."""
    at_ms = moment(at)
    for name in ("input_cost", "output_cost", "total_cost", "user_charge"):
        if isinstance(given.get(name), str):
            given[name] = Decimal(str(given[name]))
    tokens = {"input_tokens": 100, "output_tokens": 50} | {key: given.pop(key) for key in list(given) if key in _TOKENS}
    costs = {"input_cost": Decimal("0.0001"), "output_cost": Decimal("0.0002")}
    costs |= {key: given.pop(key) for key in list(given) if key in costs}  # type: ignore[misc]
    values: dict[str, object] = {
        "timestamp": datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")[:-6] + "Z",
        "request_id": own_id(at_ms - 2000, number),
        "model": "gpt-4o-mini",
        "channel_id": "ch_1",
        "channel_name": "Channel One",
        "provider": "openai",
        **tokens,
        "total_tokens": int(str(tokens["input_tokens"])) + int(str(tokens["output_tokens"])),
        **costs,
        "total_cost": costs["input_cost"] + costs["output_cost"],
        "response_time_ms": 2000,
        "user_id": "alice",
        "api_key_id": "key_a",
        "tags": ("gpt", "chat"),
        "cost_basis": "book",
    }
    return UsageRecord(**(values | given))  # type: ignore[arg-type]


_TOKENS = ("input_tokens", "output_tokens")


def attempt(channel_id: str, error_kind: str | None = None, cost: str = "0", ms: int = 100) -> AttemptRecord:
    """One upstream try."""
    return AttemptRecord(
        channel_id, f"Name of {channel_id}", "openai", "m", 200 if error_kind is None else 500, error_kind, error_kind,
        1, 2, Decimal(cost), ms,
    )  # fmt: skip


def line(at: str, number: int = 0, **given: object) -> bytes:
    """The journal line of `record`."""
    return encode_usage_record(record(at, number, **given))


def postings(records: Iterable[UsageRecord], time_zone: str = "UTC") -> list[Posting]:
    """Records as the bookkeeper hands them to a store, one after the other in a file."""
    days = LocalDays(time_zone)
    offset = 0
    made = []
    for each in records:
        encoded = encode_usage_record(each)
        made.append(post_line(encoded, offset, days))
        offset += len(encoded) + 1
    return made


def write_lines(path: Path, lines: Iterable[bytes]) -> None:
    """Append whole lines to a journal file."""
    with path.open("ab") as file:
        for each in lines:
            file.write(each + b"\n")
