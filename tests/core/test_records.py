"""From the facts of an operation to its line."""

import msgspec
import pytest

from smart_ai_router.core.records import count_tokens, usage_to_bill, written_amount
from smart_ai_router.core.usage_record import decode_usage_record, encode_usage_record
from smart_ai_router.domain.meters import Meter, Quantities, Usage, UsageSource
from smart_ai_router.domain.settlement import Outcome
from tests.core.playbook import House, completion


def test_the_line_is_what_the_record_encoder_would_have_written() -> None:
    house = House()
    house.call(user="end-user", max_tokens=50, tools=[{"type": "function"}])
    house.upstream.last.answers(200, completion(prompt=7, answer=1))
    house.journal.settle()
    line = house.journal.lines[0]
    assert encode_usage_record(decode_usage_record(line)) == line


def test_a_line_stays_json_when_a_text_holds_half_a_surrogate_pair() -> None:
    house = House()
    house.call()
    house.upstream.last.answers(500, b'{"error":{"message":"bad \\ud800 text"}}')
    house.journal.settle()
    assert msgspec.json.decode(house.journal.lines[0])["status"] == "error"


CLASSES: list[tuple[Quantities, tuple[int, int, int, int, int]]] = [
    ((), (0, 0, 0, 0, 0)),
    (((Meter.INPUT, 1), (Meter.OUTPUT, 2)), (1, 2, 0, 0, 0)),
    (((Meter.INPUT, 1), (Meter.CACHED_INPUT, 10), (Meter.CACHE_WRITE_5M, 100)), (111, 0, 10, 100, 0)),
    (((Meter.CACHE_WRITE_1H, 5), (Meter.AUDIO_INPUT, 7), (Meter.IMAGE_INPUT, 9)), (21, 0, 0, 5, 0)),
    (((Meter.OUTPUT, 1), (Meter.REASONING, 20), (Meter.AUDIO_OUTPUT, 300)), (0, 321, 0, 0, 20)),
    (((Meter.IMAGE, 4), (Meter.REQUEST, 1)), (0, 0, 0, 0, 0)),
]


@pytest.mark.parametrize(("quantities", "counted"), CLASSES)
def test_tokens_are_counted_by_the_classes_that_a_record_shows(
    quantities: Quantities, counted: tuple[int, int, int, int, int]
) -> None:
    assert tuple(count_tokens(quantities)) == counted


@pytest.mark.parametrize(
    ("pico", "digits"), [(0, b"0"), (75_000_000, b"0.000075"), (1, b"0.000000000001"), (-5, b"-0.000000000005")]
)
def test_an_amount_is_written_in_plain_digits(pico: int, digits: bytes) -> None:
    assert msgspec.json.encode(written_amount(pico)) == digits


def test_a_report_of_the_provider_is_billed_even_when_the_call_failed() -> None:
    house = House()
    house.call()
    reported = Usage(((Meter.INPUT, 5),), UsageSource.PROVIDER)
    (operation,) = house.gateway._operations
    assert usage_to_bill(operation.call, Outcome.FAILED, reported, 0, ()) is reported
    assert usage_to_bill(operation.call, Outcome.FAILED, None, 999, ()).quantities == ()
    assert usage_to_bill(operation.call, Outcome.PARTIAL, None, 40, ("why",)).source is UsageSource.ESTIMATED
