"""From a line to what the books take from it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.core.local_days import LocalDays
from smart_ai_router.core.posting import (
    DURATION_MS_MAX,
    TEXT_LENGTH_MAX,
    TOKENS_MAX,
    LineRefused,
    Posting,
    book_name,
    exact_pico,
    post_line,
    small_number,
)
from smart_ai_router.core.usage_record import BillLine, UsageLineInvalid, cost_in_pico, decode_usage_record
from smart_ai_router.domain.money import CELL_MAX, pico_to_decimal
from tests.contract.lines import GUIDE_LINE, attempt, line, moment

DAYS = LocalDays("UTC")


def post(encoded: bytes) -> Posting:
    return post_line(encoded, 0, DAYS)


@given(pico=st.integers(0, CELL_MAX))
def test_whole_picos_are_taken_as_they_are(pico: int) -> None:
    assert exact_pico(pico_to_decimal(pico)) == pico


@given(amount=st.decimals(0, 9_000_000, allow_nan=False, allow_infinity=False, places=18))
def test_finer_amounts_are_rounded_where_the_record_says(amount: Decimal) -> None:
    assert exact_pico(amount) == cost_in_pico(amount)


@pytest.mark.parametrize(
    ("text", "pico"),
    [
        ("0.0000000000005", 0),
        ("0.0000000000015", 2),
        ("0.00000000000051", 1),
        ("2.25e-05", 22_500_000),
        ("1E+3", 10**15),
    ],
)
def test_rounding_is_half_to_even(text: str, pico: int) -> None:
    assert exact_pico(Decimal(text)) == pico


@pytest.mark.parametrize("text", ["-0.000000000001", "9223372.036854775808", "NaN", "Infinity", "sNaN", "1E+999999"])
def test_what_no_cell_can_hold_is_refused(text: str) -> None:
    with pytest.raises(LineRefused):
        exact_pico(Decimal(text))


def test_the_greatest_amount_fits() -> None:
    assert exact_pico(Decimal("9223372.036854775807")) == CELL_MAX


@given(
    line_text=st.sampled_from([GUIDE_LINE, line("2026-01-31 10:00:00")]),
    place=st.integers(0, 2000),
    patch=st.binary(max_size=6),
    cut=st.integers(0, 6),
)
def test_the_short_way_lets_nothing_pass_that_a_usage_record_is_not(
    line_text: bytes, place: int, patch: bytes, cut: int
) -> None:
    place %= len(line_text)
    changed = line_text[:place] + patch + line_text[place + cut :]
    try:
        posting = post(changed)
    except LineRefused:
        return

    record = decode_usage_record(changed)
    assert posting.record == record
    assert posting.input_cost == cost_in_pico(record.input_cost)
    assert posting.input_cost + posting.output_cost + posting.other_cost == cost_in_pico(record.total_cost)


def test_a_valid_record_beyond_the_books_bounds_is_refused_by_the_books_alone() -> None:
    encoded = line("2026-01-31 10:00:00", input_tokens=TOKENS_MAX + 1, output_tokens=0)
    assert decode_usage_record(encoded).input_tokens == TOKENS_MAX + 1

    with pytest.raises(LineRefused, match="token count"):
        post(encoded)
    assert post(line("2026-01-31 10:00:00", input_tokens=TOKENS_MAX, output_tokens=0)).record.input_tokens == TOKENS_MAX


@pytest.mark.parametrize(
    ("timestamp", "at"),
    [
        ("2026-01-31T10:00:00Z", "2026-01-31 10:00:00"),
        ("2026-01-31T10:00:00.999999Z", "2026-01-31 10:00:00.999"),
        ("2026-01-31T10:00:00", "2026-01-31 10:00:00"),
        ("2026-01-31T18:00:00+08:00", "2026-01-31 10:00:00"),
        ("2026-01-31 10:00:00.5+00:00", "2026-01-31 10:00:00.500"),
    ],
)
def test_whole_seconds_microseconds_and_offsets_are_moments(timestamp: str, at: str) -> None:
    encoded = line("2026-01-31 10:00:00").replace(b"2026-01-31T10:00:00.000Z", timestamp.encode())

    assert post(encoded).at_ms == moment(at)


def test_a_foreign_line_that_only_says_error_in_its_status_is_a_failure() -> None:
    posting = post(GUIDE_LINE.replace(b'"status": "success"', b'"status": "error"'))

    assert (posting.is_success, posting.record.outcome) == (False, "failed")
    assert posting.tries == (("ch_openai_001", 1, 1, 150, 300, 375_000_000, 1250),)


def test_nulls_of_other_writers_stand_for_defaults_but_a_null_cost_is_refused() -> None:
    assert post(GUIDE_LINE.replace(b'["gpt", "4o", "mini", "chat"]', b"null")).record.tags == ()
    with pytest.raises(LineRefused) as refused:
        post(GUIDE_LINE.replace(b'"total_cost": 0.000375', b'"total_cost": null'))
    assert refused.value.reason == "invalid"
    with pytest.raises(UsageLineInvalid):
        decode_usage_record(GUIDE_LINE.replace(b'"total_cost": 0.000375', b'"total_cost": null'))


def test_tries_carry_their_own_cost_and_a_refused_call_has_none() -> None:
    posting = post(
        line("2026-01-31 10:00:00", attempts=(attempt("a", "timeout", "0.5", 9), attempt("b", None, "0.0003")))
    )

    assert posting.tries == (("a", 1, 1, 1, 2, 5 * 10**11, 9), ("b", 1, 0, 1, 2, 3 * 10**8, 100))
    assert post(line("2026-01-31 10:00:00", outcome="refused", status="error")).tries == ()


@pytest.mark.parametrize("bad", [attempt("a", cost="-1"), attempt("a", cost="99999999")])
def test_a_try_with_an_impossible_cost_refuses_the_line(bad: object) -> None:
    with pytest.raises(LineRefused):
        post(line("2026-01-31 10:00:00", attempts=(bad,)))


@pytest.mark.parametrize(("charge", "pico"), [(None, None), ("0.0003", 3 * 10**8), ("0", 0), ("1.25", 125 * 10**10)])
def test_the_users_charge_is_exact(charge: str | None, pico: int | None) -> None:
    assert post(line("2026-01-31 10:00:00", user_charge=charge)).user_charge == pico


@pytest.mark.parametrize(
    ("meter", "quantity"),
    [("image", "1e30"), ("image", "-1"), ("second", "-1"), ("minute", "1e15"), ("second", "1e400")],
)
def test_senseless_quantities_of_media_are_refused(meter: str, quantity: str) -> None:
    billed = (BillLine(meter, Decimal(7), "p", Decimal("0.0003")),)
    encoded = line("2026-01-31 10:00:00", usage_type="image_generation", lines=billed)
    assert b'"quantity":7' in encoded

    with pytest.raises(LineRefused):
        post(encoded.replace(b'"quantity":7', b'"quantity":' + quantity.encode()))


@pytest.mark.parametrize(("ms", "kept"), [(None, 0), (-5, 0), (7, 7), (10**18, DURATION_MS_MAX)])
def test_a_senseless_duration_costs_no_line(ms: int | None, kept: int) -> None:
    assert post(line("2026-01-31 10:00:00", response_time_ms=ms)).duration_ms == kept


@pytest.mark.parametrize(("number", "kept"), [(None, None), (-1, None), (0, 0), (200, 200), (10**12, None)])
def test_a_senseless_status_is_none(number: int | None, kept: int | None) -> None:
    assert small_number(number) == kept


def test_names_are_kept_up_to_a_length_and_told_apart_beyond() -> None:
    assert book_name(None) == ""
    assert book_name("n" * TEXT_LENGTH_MAX) == "n" * TEXT_LENGTH_MAX
    assert book_name("n" * 1000) != book_name("n" * 1001)
    assert book_name(book_name("n" * 1000)) != book_name("n" * 1001)
