"""The strict reading of a request body, whatever way it is written."""

import json
from math import isinf
from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.api.json_gate import DEPTH_MAX, read_object
from smart_ai_router.domain.errors import RequestMalformed

TEXT = st.text(st.characters(exclude_categories=("Cs",)))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(TEXT, VALUES, max_size=5)
SECRET = "sk-must-not-come-back"


class Refused(Exception):
    """What the oracle says to a body that may not pass."""


def oracle(body: bytes) -> object:
    """The rules once more, with the standard library alone and without any shortcut."""

    def pairs(found: list[tuple[str, object]]) -> dict[str, object]:
        if len(dict(found)) != len(found):
            raise Refused
        return dict(found)

    def number(text: str) -> float:
        if isinf(float(text)):
            raise Refused
        return float(text)

    def constant(name: str) -> NoReturn:
        raise Refused(name)

    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=pairs, parse_float=number, parse_constant=constant)
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except ValueError as error:
        raise Refused from error
    if not isinstance(value, dict):
        raise Refused
    return value


def agrees_with_oracle(body: bytes) -> bool:
    try:
        expected = oracle(body)
    except Refused:
        with pytest.raises(RequestMalformed):
            read_object(body)
        return True
    return read_object(body) == expected


def lists(levels: int) -> bytes:
    return b'{"a":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


def objects(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


@pytest.mark.parametrize(
    "text",
    ["{}", ' {"a" : 1 } \n', '{"模型":"\\u4f60🙂"}', '{"a":1e5,"b":1.50,"c":[true,null]}'],
)
def test_a_plain_object_is_read_as_everybody_reads_it(text: str) -> None:
    assert read_object(text.encode()) == json.loads(text)


@given(fields=OBJECTS, ascii_only=st.booleans())
def test_a_body_reads_the_same_whether_it_is_written_compactly_or_not(
    fields: dict[str, object], ascii_only: bool
) -> None:
    compact = json.dumps(fields, separators=(",", ":"), ensure_ascii=ascii_only).encode()
    wide = json.dumps(fields, indent=2, ensure_ascii=ascii_only).encode()

    assert read_object(compact) == read_object(wide) == fields


@given(fields=st.dictionaries(TEXT, VALUES, min_size=1, max_size=5), twice=st.data(), is_compact=st.booleans())
def test_a_key_that_stands_twice_is_refused_however_it_is_written(
    fields: dict[str, object], twice: st.DataObject, is_compact: bool
) -> None:
    key = twice.draw(st.sampled_from(sorted(fields)))
    comma, colon = (",", ":") if is_compact else (" , ", " : ")
    pairs = [*fields.items(), (key, fields[key])]
    inner = comma.join(f"{json.dumps(name)}{colon}{json.dumps(value)}" for name, value in pairs)
    body = f'{{"outer"{colon}{{{inner}}}}}'.encode()

    with pytest.raises(RequestMalformed, match="duplicate keys"):
        read_object(body)


@given(fields=OBJECTS, ascii_only=st.booleans(), separators=st.sampled_from([(",", ":"), (", ", ": ")]))
def test_whatever_json_writes_is_read_as_the_oracle_reads_it(
    fields: dict[str, object], ascii_only: bool, separators: tuple[str, str]
) -> None:
    assert agrees_with_oracle(json.dumps(fields, ensure_ascii=ascii_only, separators=separators).encode())


@given(fields=OBJECTS, place=st.integers(0, 200), piece=st.binary(max_size=3), removed=st.integers(0, 3))
def test_whatever_is_damaged_is_read_as_the_oracle_reads_it(
    fields: dict[str, object], place: int, piece: bytes, removed: int
) -> None:
    body = json.dumps(fields, separators=(",", ":")).encode()

    assert agrees_with_oracle(body[:place] + piece + body[place + removed :])


@given(noise=st.binary(max_size=200))
def test_noise_is_refused_and_never_breaks_the_gate(noise: bytes) -> None:
    assert agrees_with_oracle(noise)
    assert agrees_with_oracle(b'{"a":' + noise + b"}")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param(b"", "not valid JSON", id="nothing"),
        pytest.param(b" \n\t", "not valid JSON", id="white space"),
        pytest.param(b"{", "not valid JSON", id="an object that does not end"),
        pytest.param(b'{"a":1} x', "Extra data", id="text behind"),
        pytest.param(b"[]", "must be a JSON object", id="a list"),
        pytest.param(b"null", "must be a JSON object", id="null"),
        pytest.param(b'"a"', "must be a JSON object", id="a text"),
        pytest.param(b'{"a":1,"a":2}', "duplicate keys", id="a key twice"),
        pytest.param(b'{"a":1,"\\u0061":2}', "duplicate keys", id="a key twice, once escaped"),
        pytest.param(b'{"b":[{"a":1,"a":1}]}', "duplicate keys", id="a key twice within a list"),
        pytest.param(b'{"a":NaN}', "contains NaN", id="NaN"),
        pytest.param(b'{"a":Infinity}', "contains Infinity", id="Infinity"),
        pytest.param(b'{"a":-Infinity}', "contains -Infinity", id="minus Infinity"),
        pytest.param(b'{"a":1.8e308}', "too large", id="beyond doubles"),
        pytest.param(b'{"a":1e999}', "too large", id="far beyond doubles"),
        pytest.param(b'{"a":' + b"9" * 5000 + b"}", "too long", id="a long number"),
        pytest.param(b'{"a":"\xff"}', "not valid UTF-8", id="a broken byte"),
        pytest.param(b'{"a":"\xed\xa0\x80"}', "not valid UTF-8", id="a surrogate in bytes"),
        pytest.param('{"a":1}'.encode("utf-16"), "not valid UTF-8", id="UTF-16"),
        pytest.param(b'\xef\xbb\xbf{"a":1}', "not valid JSON", id="a byte order mark"),
        pytest.param(b'{"a":"\x01"}', "not valid JSON", id="a control character"),
        pytest.param(b'{"a":"\\ud800"}', "surrogate", id="half a pair"),
        pytest.param(b'{"a":"\\udc00"}', "surrogate", id="the other half"),
        pytest.param(b'{"a":"\\udc00\\ud800"}', "surrogate", id="both halves the wrong way round"),
        pytest.param(b'{"\\ud800":1}', "surrogate", id="half a pair in a key"),
    ],
)
def test_each_fault_is_named(body: bytes, said: str) -> None:
    with pytest.raises(RequestMalformed, match=said):
        read_object(body)


@pytest.mark.parametrize("fault", ['"{}":1,"{}":2', '"a":"{}\\ud800"', '"a":{}', '"a":"{}"} x'])
def test_what_is_refused_is_not_repeated(fault: str) -> None:
    with pytest.raises(RequestMalformed) as refusal:
        read_object(b"{" + fault.replace("{}", SECRET).encode() + b"}")

    assert SECRET not in str(refusal.value)


@pytest.mark.parametrize("nested", [lists, objects])
def test_both_sides_of_the_depth(nested: object) -> None:
    assert callable(nested)
    assert read_object(nested(DEPTH_MAX))
    with pytest.raises(RequestMalformed, match="nested deeper"):
        read_object(nested(DEPTH_MAX + 1))


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_depth_a_hundred_thousand_is_refused_and_not_suffered(opening: bytes) -> None:
    with pytest.raises(RequestMalformed, match="nested deeper"):
        read_object(opening * 100_000)


def test_many_brackets_side_by_side_are_not_depth() -> None:
    body = b'{"a":[' + b",".join([b"[{}]"] * 1000) + b"]}"

    assert read_object(body) == {"a": [[{}]] * 1000}


def test_brackets_inside_texts_are_no_nesting() -> None:
    body = json.dumps({"a": "[{" * 1000}, separators=(",", ":")).encode()

    assert read_object(body) == {"a": "[{" * 1000}


def test_a_whole_pair_and_an_escaped_backslash_are_no_half_pair() -> None:
    assert read_object(b'{"a":"\\ud83d\\ude00","b":"\\\\ud800"}') == {"a": "\N{GRINNING FACE}", "b": "\\ud800"}
