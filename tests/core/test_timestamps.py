"""Timestamps as the journal writes them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.core.timestamps import LATEST_MS, iso_utc, iso_utc_ms, utc_ms


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000000Z"),
        (1_756_038_645.0, "2025-08-24T12:30:45.000000Z"),
        (1_756_038_645.25, "2025-08-24T12:30:45.250000Z"),
        (1_709_251_199.5, "2024-02-29T23:59:59.500000Z"),
    ],
)
def test_m1_09_a_timestamp_is_iso_8601_in_utc_and_ends_in_z(moment: float, text: str) -> None:
    assert iso_utc(moment) == text


@given(st.floats(0, 4_000_000_000))
def test_a_timestamp_names_its_own_microsecond_and_never_the_next_day(moment: float) -> None:
    read = datetime.fromisoformat(iso_utc(moment))
    assert read.tzinfo is UTC
    assert 0 <= moment - read.timestamp() < 0.000_002
    assert read.date() <= datetime.fromtimestamp(moment, UTC).date()


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("1970-01-01", 0),
        ("2026-01-31", 1_769_817_600_000),
        ("2026-01-31T08:00:00+08:00", 1_769_817_600_000),
        ("2026-01-31T00:00Z", 1_769_817_600_000),
        ("2026-01-31T00:00:00.999Z", 1_769_817_600_999),
        ("2026-01-31T00:00:00.0009Z", 1_769_817_600_000),
        ("9999-12-31T23:59:59.999Z", LATEST_MS),
    ],
)
def test_a_moment_is_read_to_the_millisecond(text: str, at_ms: int) -> None:
    assert utc_ms(text) == at_ms


@pytest.mark.parametrize(
    "text",
    [
        "", "now", "20260131", "2026-1-1", "2026-02-30", "2026-W05-1", "2026-01-31T08:00:00", "2026-01-31 08:00:00Z",
        "1969-12-31", "9999-12-31T23:59:59-12:00", "2026-01-31T00:00:00+25:00", "２026-01-31", "2026-01-31T24:00:00Z",
        "2026-01-31\n",
    ],
)  # fmt: skip
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        utc_ms(text)


@given(st.integers(0, LATEST_MS))
def test_a_written_moment_reads_back(at_ms: int) -> None:
    assert utc_ms(iso_utc_ms(at_ms)) == at_ms
