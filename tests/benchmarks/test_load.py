"""What the load generators say."""

import pytest

from benchmarks.load import CallFigures, read_wrk
from benchmarks.machine import MeasurementImpossible

GOOD = """Running 2s test @ http://127.0.0.1:1/v1/chat/completions
  1 threads and 32 connections
  7334 requests in 2.00s, 12.04MB read
Requests/sec:   3666.21
"""


def test_requests_and_seconds_are_read() -> None:
    assert read_wrk(GOOD) == CallFigures(7334, 2.0)


@pytest.mark.parametrize(("told", "seconds"), [("900.50ms", 0.9005), ("1.50m", 90.0)])
def test_other_units_of_time_are_read(told: str, seconds: float) -> None:
    assert read_wrk(GOOD.replace("2.00s", told)).seconds == pytest.approx(seconds)


@pytest.mark.parametrize(
    "output",
    [
        GOOD + "  Non-2xx or 3xx responses: 1\n",
        GOOD + "  Socket errors: connect 0, read 3, write 0, timeout 0\n",
        GOOD.replace("7334", "0"),
        "unable to connect to 127.0.0.1:1 Connection refused\n",
    ],
)
def test_a_load_that_was_not_answered_in_full_is_no_measurement(output: str) -> None:
    with pytest.raises(MeasurementImpossible, match="not every call"):
        read_wrk(output)
