"""The usage record's one JSON line."""

import json
import re
from datetime import datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from smart_ai_router.core.usage_record import cost_in_pico
from smart_ai_router.core.utils.usage_tracker import (
    AttemptRecord,
    BillLine,
    UsageLineInvalid,
    UsageRecord,
    decode_usage_record,
    encode_usage_record,
)
from smart_ai_router.domain.money import AmountInvalid, pico_to_decimal
from tests.core.usage_samples import GUIDE_KEYS, GUIDE_LINE, SAMPLE

pico = st.integers(0, 2**63 - 1)


text = st.text(max_size=20)


words = st.lists(text, max_size=3).map(tuple)


optional_text = st.none() | text


counts = st.integers(0, 10**12)


amounts = pico.map(pico_to_decimal)


lines = st.builds(BillLine, text, amounts, text, amounts)


attempts = st.builds(
    AttemptRecord,
    text,
    text,
    text,
    text,
    st.none() | counts,
    optional_text,
    optional_text,
    counts,
    counts,
    amounts,
    counts,
)


records = st.builds(
    UsageRecord,
    timestamp=st.datetimes(min_value=datetime(2000, 1, 1)).map(lambda at: at.isoformat() + "Z"),  # noqa: DTZ001
    request_id=text,
    model=text,
    channel_id=text,
    channel_name=text,
    provider=text,
    input_tokens=counts,
    output_tokens=counts,
    total_tokens=counts,
    input_cost=amounts,
    output_cost=amounts,
    total_cost=amounts,
    error_message=optional_text,
    tags=words,
    lines=st.lists(lines, max_size=3).map(tuple),
    attempts=st.lists(attempts, max_size=3).map(tuple),
    user_charge=st.none() | amounts,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(records)
def test_a_record_is_read_back_exactly_as_it_was_written(record: UsageRecord) -> None:
    assert decode_usage_record(encode_usage_record(record)) == record


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(records)
def test_no_number_of_a_line_has_an_exponent(record: UsageRecord) -> None:
    line = encode_usage_record(replace(record, model="m", request_id="r", error_message=None, tags=(), lines=()))
    bare = re.sub(rb'"(\\.|[^"\\])*"', b"", line)

    assert not re.search(rb"[0-9][eE]", bare)
    assert b"\n" not in line


@pytest.mark.parametrize(
    ("cost", "digits"),
    [
        (Decimal("7.5E-8"), "0.000000075"),
        (Decimal("1E-12"), "0.000000000001"),
        (Decimal("0.000075000000"), "0.000075"),
        (Decimal("1E+6"), "1000000"),
        (Decimal("-0"), "0"),
        (Decimal("0E-12"), "0"),
        (Decimal("9223372.036854775807"), "9223372.036854775807"),
    ],
)
def test_costs_are_written_in_plain_digits(cost: Decimal, digits: str) -> None:
    line = encode_usage_record(replace(SAMPLE, total_cost=cost))

    assert f'"total_cost":{digits},'.encode() in line


@pytest.mark.parametrize("cost", [Decimal("NaN"), Decimal("Infinity"), Decimal("1E+999999")])
def test_a_cost_that_is_no_number_is_not_written(cost: Decimal) -> None:
    with pytest.raises(AmountInvalid):
        encode_usage_record(replace(SAMPLE, total_cost=cost))


def test_m1_09_to_m1_23_a_line_opens_with_the_guides_keys_in_its_order_and_nulls_written_out() -> None:
    fields = json.loads(encode_usage_record(SAMPLE), parse_float=Decimal)

    assert list(fields)[:21] == GUIDE_KEYS
    assert fields["session_id"] is None
    assert fields["user_agent"] is None
    assert (fields["input_cost"], fields["output_cost"], fields["total_cost"]) == (
        Decimal("0.000075"),
        Decimal("0.0003"),
        Decimal("0.000375"),
    )
    assert fields["tags"] == ["gpt", "4o", "mini", "chat"]


def test_m1_76_the_guides_sample_line_is_read_without_loss() -> None:
    record = decode_usage_record(GUIDE_LINE)

    for key, value in json.loads(GUIDE_LINE, parse_float=Decimal).items():
        read = getattr(record, key)
        assert (list(read) if isinstance(read, tuple) else read) == value
    assert record.outcome == "success"
    assert record.session_id is None


def test_a_line_of_the_reference_project_with_exponents_and_nulls_is_read() -> None:
    line = GUIDE_LINE.replace(b"0.000075", b"7.5e-05").replace(b'["gpt", "4o", "mini", "chat"]', b"null")

    record = decode_usage_record(line)

    assert record.input_cost == Decimal("0.000075")
    assert record.tags == ()


def test_unknown_keys_are_passed_over() -> None:
    record = decode_usage_record(GUIDE_LINE.replace(b'{"timestamp"', b'{"shape": {"deep": [1, "x"]}, "timestamp"'))

    assert record.request_id == "req_abc123"


def test_a_failed_line_of_the_guides_keys_has_a_failed_outcome() -> None:
    assert decode_usage_record(GUIDE_LINE.replace(b'"success"', b'"error"')).outcome == "failed"


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        GUIDE_LINE[:-1],
        GUIDE_LINE[: len(GUIDE_LINE) // 2],
        GUIDE_LINE.replace(b"0.000375", b"null"),
        GUIDE_LINE.replace(b'"total_cost": 0.000375,', b""),
        GUIDE_LINE.replace(b"0.000375", b'"NaN"'),
        GUIDE_LINE.replace(b"0.000375", b"-0.000375"),
        GUIDE_LINE.replace(b"0.000375", b"1e400"),
        GUIDE_LINE.replace(b'"input_tokens": 150', b'"input_tokens": -1'),
        GUIDE_LINE.replace(b'"input_tokens": 150', b'"input_tokens": 1' + b"0" * 30),
        GUIDE_LINE.replace(b"2025-08-24T12:30:45Z", b"yesterday"),
        GUIDE_LINE.replace(b"2025-08-24T12:30:45Z", b"0001-01-01T00:00:00+14:00"),
        GUIDE_LINE.replace(b"req_abc123", b"req_\xff"),
        b'{"x":' + b"[" * 100_000,
    ],
)
def test_a_line_that_is_no_record_is_a_named_error(line: bytes) -> None:
    with pytest.raises(UsageLineInvalid):
        decode_usage_record(line)


@pytest.mark.parametrize(
    ("cost", "accepted"), [("9223372.036854775807", True), ("9223372.036854775808", False), ("0", True)]
)
def test_a_cost_must_fit_one_cell_of_the_books(cost: str, accepted: bool) -> None:
    line = GUIDE_LINE.replace(b"0.000375", cost.encode())

    if accepted:
        assert decode_usage_record(line).total_cost == Decimal(cost)
    else:
        with pytest.raises(UsageLineInvalid):
            decode_usage_record(line)


def test_half_a_surrogate_pair_does_not_cost_a_call_its_line() -> None:
    broken = replace(SAMPLE, error_message="cut \ud83d", attempts=(AttemptRecord(
        "c", "n \ud800", "p", "m", None, "reset", "x", 0, 0, Decimal("7.5E-8"), 1
    ),))  # fmt: skip

    record = decode_usage_record(encode_usage_record(broken))

    assert record.error_message == "cut ?"
    assert record.attempts[0].channel_name == "n ?"
    assert record.attempts[0].cost == Decimal("0.000000075")


@pytest.mark.parametrize(
    ("cost", "pico"),
    [
        ("0.00020250000000000002", 202_500_000),
        ("0.0000000000005", 0),
        ("0.0000000000015", 2),
        ("0.0000000000025", 2),
        ("0.000000000001", 1),
    ],
)
def test_the_noise_of_foreign_floats_is_rounded_half_to_even_at_the_pico(cost: str, pico: int) -> None:
    assert cost_in_pico(Decimal(cost)) == pico


def test_a_line_is_one_json_object_for_every_reader() -> None:
    line = encode_usage_record(replace(SAMPLE, model='emoji 🎉 \n " \\ \x00'))

    assert msgspec.json.decode(line)["model"] == json.loads(line)["model"] == 'emoji 🎉 \n " \\ \x00'


def test_times_with_and_without_fractions_and_zone_are_accepted() -> None:
    for text_form in (b"2025-08-24T12:30:45Z", b"2025-08-24T12:30:45.557674Z", b"2025-08-24T20:30:45+08:00"):
        assert (
            decode_usage_record(GUIDE_LINE.replace(b"2025-08-24T12:30:45Z", text_form)).timestamp == text_form.decode()
        )
