"""JSON in plain digits."""

import json
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.core.plain_json import encode_plain, plain_text
from smart_ai_router.domain.money import AmountInvalid


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=20))
def test_digits_are_exact_and_plain(amount: Decimal) -> None:
    text = plain_text(amount)

    assert Decimal(text) == amount
    assert set(text) <= set("-.0123456789")
    assert "." not in text or not text.endswith(("0", "."))


@pytest.mark.parametrize(
    ("amount", "text"),
    [("7.5E-8", "0.000000075"), ("1E+3", "1000"), ("-0.0", "0"), ("0E+5", "0"), ("1.50", "1.5"), ("100", "100")],
)
def test_exponents_and_trailing_zeros_go(amount: str, text: str) -> None:
    assert plain_text(Decimal(amount)) == text


@pytest.mark.parametrize("amount", ["NaN", "sNaN", "Infinity", "-Infinity", "1E+65", "1E-65", "1E+999999"])
def test_what_has_no_usable_digits_is_refused(amount: str) -> None:
    with pytest.raises(AmountInvalid):
        plain_text(Decimal(amount))


class Row(msgspec.Struct):
    cost: Decimal
    names: tuple[str, ...] = ()


def test_numbers_are_plain_at_any_depth_and_keys_keep_their_order() -> None:
    value = {"b": [Row(Decimal("7.5E-8"), ("é",)), {"rate": 5e-05, "whole": 3.0}], "a": (None, True, "1E5", 10**20)}

    data = encode_plain(value)

    assert (
        data
        == (
            '{"b":[{"cost":0.000000075,"names":["é"]},{"rate":0.00005,"whole":3}],'
            '"a":[null,true,"1E5",100000000000000000000]}'
        ).encode()
    )
    assert list(json.loads(data)) == ["b", "a"]


def test_a_float_that_is_no_number_is_null() -> None:
    assert encode_plain([float("nan"), float("inf")]) == b"[null,null]"
