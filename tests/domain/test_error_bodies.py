"""Error bodies of every shape are read, and nothing that looks like a key passes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.domain.error_bodies import (
    BODY_BYTES_MAX,
    MESSAGE_LENGTH_MAX,
    Numbering,
    clean,
    read_error_body,
    told,
)


def body(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"error": {"message": "no", "type": "t", "code": "c"}}, "no"),
        ([{"error": {"message": "no"}}], "no"),
        ({"type": "error", "error": {"type": "overloaded_error", "message": "no"}}, "no"),
        ({"error": [{"message": "no"}]}, "no"),
        ({"error": "no"}, "no"),
        ({"error": "invalid_token", "message": "no"}, "no"),
        ({"code": 20012, "message": "no", "data": None}, "no"),
        ({"code": 500, "msg": "no", "success": False}, "no"),
        ({"error_code": 18, "error_msg": "no"}, "no"),
        ({"base_resp": {"status_code": 1008, "status_msg": "no"}, "choices": None}, "no"),
        ({"detail": "no"}, "no"),
        ({"detail": [{"msg": "no"}]}, '[{"msg": "no"}]'),
        ({"errors": ["no"]}, '["no"]'),
        ({"Message": "no"}, "no"),
        ({"error": {"message": "Provider returned error", "metadata": {"raw": "no"}}}, "Provider returned error: no"),
        ({"error": {"message": "no", "metadata": {"raw": "no"}}}, "no"),
        ({"error": {}}, ""),
        ({"error": None, "message": "no"}, "no"),
        ({"error": []}, ""),
        ([], ""),
        ({"base_resp": {"status_code": 0}, "message": "no"}, "no"),
    ],
)
def test_the_message_is_found_in_each_shape(value: object, message: str) -> None:
    assert read_error_body(body(value)).message == message


def test_codes_come_the_most_exact_first_in_lower_case() -> None:
    error = read_error_body(
        body(
            {
                "error": {
                    "code": "Throttling.RateQuota",
                    "type": "Some Type",
                    "status": "RESOURCE_EXHAUSTED",
                    "details": [
                        {"reason": "API_KEY_INVALID"},
                        {"violations": [{"quotaId": "PerDay"}, "x"]},
                        {"retryDelay": "34.5s"},
                        "x",
                    ],
                }
            }
        )
    )

    assert error.codes == ("throttling.ratequota", "api_key_invalid", "perday", "some_type", "resource_exhausted")
    assert error.retry_after_s == 34.5


def test_a_status_and_a_vendors_number_are_told_apart() -> None:
    assert read_error_body(body({"error": {"code": 402}})).status == 402
    assert read_error_body(body({"error": {"code": 402}})).number is None
    assert read_error_body(body({"error": {"code": "503"}})).status == 503
    assert read_error_body(body({"error": {"status": 429, "code": "x"}})).status == 429
    zhipu = read_error_body(body({"error": {"code": "1113"}}))
    assert (zhipu.number, zhipu.numbering) == (1113, Numbering.STRING)
    silicon = read_error_body(body({"code": 30001}))
    assert (silicon.number, silicon.numbering) == (30001, Numbering.INTEGER)
    minimax = read_error_body(body({"base_resp": {"status_code": 1008}}))
    assert (minimax.number, minimax.numbering) == (1008, Numbering.MINIMAX)
    assert read_error_body(body({"error": {"code": True}})).number is None
    assert read_error_body(body({"error": {"code": 10**30}})).number is None


def test_rate_limit_headers_behind_a_relay_are_read() -> None:
    error = read_error_body(body({"error": {"metadata": {"headers": {"X-RateLimit-Remaining": 0}}}}))

    assert error.headers == {"x-ratelimit-remaining": "0"}


def test_a_page_gives_its_title_or_its_words() -> None:
    assert read_error_body(b"<html><title>502 Bad\n Gateway</title>").message == "502 Bad Gateway"
    assert read_error_body(b"<p>Down for <b>repair</b></p>").message == "Down for repair"
    assert read_error_body(b"<p>x</p>").is_page
    assert read_error_body(b"upstream connect error").is_page
    assert not read_error_body(b"").is_page
    assert not read_error_body(b"{}").is_page


@pytest.mark.parametrize(
    "data", [b'{"error": {"message": "cut', b'{"a":' * 30_000, b"[" * 65_536, b'{"a": ' + b"9" * 5_000 + b"}"]
)
def test_broken_json_is_read_as_words(data: bytes) -> None:
    error = read_error_body(data)

    assert error.is_page
    assert data.decode().startswith(error.message[:10].strip())


def test_only_the_beginning_of_a_long_body_is_read() -> None:
    long = body({"error": {"message": "no"}}) + b" " * BODY_BYTES_MAX + b"x"

    assert read_error_body(long).message == "no"


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        ("Incorrect API key provided: sk-proj-abcdEFGH1234. See", "Incorrect API key provided: *** See"),
        ("bad token sk-ant-api03-AbCd_ef-12 used", "bad token sk-*** used"),
        ("Authorization: Bearer abc.def-123", "Authorization: *** ***"),
        ("sent 'Bearer abcdef'", "sent 'Bearer ***'"),
        ('{"api_key": "abcdef"}', '{"api_key": "***"}'),
        ("api key=abcdef;", "api key=***;"),
        ("key AIzaSyA1234567890abcdefghijk is restricted", "key AIza*** is restricted"),
        ("gsk_abcdefgh123 and hf_abcdefgh", "gsk_*** and hf_***"),
        ("0123456789abcdef0123456789abcdef.AbCdEfGhIjKlMnOp expired", "*** expired"),
        ("model gpt-4o-mini-2024-07-18 does not exist", "model gpt-4o-mini-2024-07-18 does not exist"),
        ("request id 4b3e1a52-7f0c-4a57-9a0e-1f6a3c0f9b11", "request id 4b3e1a52-7f0c-4a57-9a0e-1f6a3c0f9b11"),
    ],
)
def test_nothing_that_looks_like_a_key_is_told(message: str, kept: str) -> None:
    assert told(message) == kept


def test_a_message_has_at_most_500_characters() -> None:
    assert told("x " * 250) == "x " * 250
    assert len(told("x " * 251)) == MESSAGE_LENGTH_MAX
    assert told("x " * 251).endswith("…")


@given(st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123456789-_", min_size=8, max_size=80), st.text(max_size=600))
def test_a_key_is_masked_wherever_it_stands(key: str, around: str) -> None:
    secret = f"sk-{key}"

    assert secret not in told(clean(f"{around} {secret} {around}"))


def test_a_word_that_a_cut_goes_through_is_dropped() -> None:
    secret = "sk-abcdefghijklmnopqrstuvwxyz"

    for padding in range(8_150, 8_200):
        text = clean("x" * 3 + " " * padding + secret)
        assert text in {"xxx", f"xxx {secret}"}
    assert len(clean("y" * 10_000)) == 8_192


def test_control_characters_and_lone_surrogates_do_not_pass() -> None:
    message = read_error_body(b'{"error": {"message": "a\\u0000b\\ud800c\\r\\nd\\u202ee"}}').message

    assert message == "a b c d e"
    assert message.encode()


@given(st.binary(max_size=2_000))
def test_any_bytes_are_read(data: bytes) -> None:
    assert read_error_body(data).message.encode() is not None


KNOWN_KEYS = [
    "error",
    "message",
    "code",
    "type",
    "details",
    "metadata",
    "headers",
    "base_resp",
    "status_code",
    "status",
    "violations",
    "retryDelay",
    "raw",
    "reason",
    "quotaId",
    "msg",
    "detail",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KNOWN_KEYS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_read(value: object) -> None:
    error = read_error_body(json.dumps(value).encode())

    assert error.message.encode() is not None
    assert all(code == code.lower() for code in error.codes)
