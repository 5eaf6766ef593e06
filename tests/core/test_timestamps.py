"""Timestamps as the journal writes them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.core.timestamps import iso_utc


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
