"""The strict reading of a request body, whatever way it is written."""

import json

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


def nested(levels: int) -> bytes:
    return b'{"a":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


@given(fields=st.dictionaries(TEXT, VALUES, max_size=5), ascii_only=st.booleans())
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


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b'{"a":1} x', "Extra data"),
        (b"[]", "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b'"a"', "must be a JSON object"),
        (b'{"a":NaN}', "contains NaN"),
        (b'{"a":-Infinity}', "contains -Infinity"),
        (b'{"a":1e999}', "too large"),
        (b'{"a":' + b"9" * 5000 + b"}", "too long"),
        (b'{"a":"\xff"}', "not valid UTF-8"),
        (b'{"a":"\xed\xa0\x80"}', "not valid UTF-8"),
        (b'{"a":"\\ud800"}', "surrogate"),
        (b'{"a":"\\udc00\\ud800"}', "surrogate"),
        (b"[" * 100_000, "nested deeper"),
        (b'{"a":' * 100_000, "nested deeper"),
    ],
)
def test_what_no_reader_should_guess_at_is_refused(body: bytes, said: str) -> None:
    with pytest.raises(RequestMalformed, match=said):
        read_object(body)


def test_nesting_is_allowed_up_to_its_limit_and_no_further() -> None:
    assert read_object(nested(DEPTH_MAX))
    with pytest.raises(RequestMalformed, match="nested deeper"):
        read_object(nested(DEPTH_MAX + 1))


def test_brackets_inside_texts_are_no_nesting() -> None:
    body = json.dumps({"a": "[{" * 1000}, separators=(",", ":")).encode()

    assert read_object(body) == {"a": "[{" * 1000}


def test_a_whole_surrogate_pair_is_a_character() -> None:
    assert read_object(b'{"a":"\\ud83d\\ude00"}') == {"a": "\N{GRINNING FACE}"}
