"""CSV that is safe to open."""

import csv
import io
import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.core.billing.spreadsheet import csv_line, harmless

FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠x", "=cmd|' /C calc'!A0")


def cells(line: str) -> list[str]:
    return next(csv.reader(io.StringIO(line, newline="")))


@pytest.mark.parametrize("text", FORMULAS)
def test_a_text_that_begins_like_a_formula_is_shown_as_text(text: str) -> None:
    (cell,) = cells(csv_line([text]))

    assert cell == f"'{text}"


@pytest.mark.parametrize("text", [f"a{mark}{rest}" for mark in ',;|\t\r\n"' for rest in ("=1", " =1", "+1", "@x")])
def test_nor_does_a_formula_begin_inside_a_text_for_a_program_with_another_separator(text: str) -> None:
    assert not re.search(r"(^|[,;|\t\r\n\"])\s*[=+\-@]", harmless(text))
    assert harmless(text).replace("'", "") == text


@pytest.mark.parametrize(
    "text", ["gpt-4o-mini", "a b", "渠道", "req_0abc", "2026-01-31T12:00:00.000Z", "a=b", "x@y", ""]
)
def test_what_is_no_formula_stays_as_it_is(text: str) -> None:
    assert cells(csv_line([text])) == [text]


def test_numbers_are_plain_digits_and_nothing_is_an_empty_cell() -> None:
    assert csv_line(["a", None, 5, Decimal("7.5E-8"), Decimal("-1.50")]) == '"a",,5,0.000000075,-1.5\r\n'


def test_quotation_marks_and_line_ends_stay_inside_their_cell() -> None:
    assert cells(csv_line(['say "hi", you', "two\nlines", "last"])) == ['say "hi", you', "two\nlines", "last"]


@given(st.lists(st.text(max_size=30), min_size=1, max_size=5))
def test_no_text_whatever_becomes_a_formula_or_another_cell(texts: list[str]) -> None:
    line = csv_line(texts)

    found = cells(line)

    assert len(found) == len(texts)
    assert not [cell for cell in found if re.match(r"\s*[=+\-@＝＋－＠]", cell)]
    assert [cell.replace("'", "") for cell in found] == [text.replace("\0", "").replace("'", "") for text in texts]
