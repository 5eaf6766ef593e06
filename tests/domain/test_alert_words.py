"""Messages, cleaned texts and moments."""

import time
from decimal import Decimal

import pytest

from smart_ai_router.domain.alert_words import (
    api_key_invalid_message,
    clean_details,
    clean_text,
    error_rate_message,
    low_balance_message,
    quota_exhausted_message,
    resolved_message,
    seconds_of,
    utc_text,
)


def test_m1_30_messages_are_the_guides() -> None:
    assert quota_exhausted_message("OpenAI Official") == "渠道 OpenAI Official 配额已用完"
    assert api_key_invalid_message("OpenAI Official") == "渠道 OpenAI Official API密钥无效或已过期"
    assert low_balance_message("OpenAI Official", Decimal("2.5")) == "渠道 OpenAI Official 余额不足，剩余: $2.5000"


@pytest.mark.parametrize(
    ("currency", "amount", "text"),
    [
        ("CNY", "2.5", "¥2.5000"),
        ("GBP", "1234.56789", "GBP 1234.5679"),
        ("USD", "0", "$0.0000"),
        ("USD", "-1", "$-1.0000"),
    ],
)
def test_a_balance_is_shown_in_its_currency(currency: str, amount: str, text: str) -> None:
    assert low_balance_message("N", Decimal(amount), currency).endswith(f"剩余: {text}")


def test_the_error_rate_is_shown_as_a_share() -> None:
    assert error_rate_message("N", 12, 20, 300) == "渠道 N 错误率过高: 最近 5 分钟 12/20 次调用失败 (60.0%)"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 秒"), (59, "59 秒"), (60, "1 分 0 秒"), (3599, "59 分 59 秒"), (3600, "1 小时 0 分")]
)
def test_a_duration_is_told_in_words(seconds: float, text: str) -> None:
    assert resolved_message("N", "api_error", seconds).endswith(text)


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("a\r\nb", "a b"),
        ("a\u2028b\u2029c", "a b c"),
        ("\x1b[31mred\x1b[0m", "[31mred [0m"),
        ("\u202etxt.exe", "txt.exe"),
        ("nul\x00byte", "nul byte"),
        ("lone \ud800 surrogate", "lone   surrogate"),
        ("  plain 文字 stays  ", "plain 文字 stays"),
        ("", ""),
    ],
)
def test_s11_a_text_becomes_one_printable_line(dirty: str, clean: str) -> None:
    assert clean_text(dirty) == clean


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Incorrect API key provided: sk-proj-abcdef12********wxyz.", "Incorrect API key provided: ***"),
        ("密钥sk-0123456789abcdef无效", "密钥***无效"),
        ("Authorization: Bearer abc.def.ghi", "Authorization: Bearer ***"),
        ("Bearer abc.def.ghi failed", "Bearer *** failed"),
        ("api_key=hunter2hunter2&x=1", "api_key=***"),
        ('{"token": "abcdefgh"}', '{"token": "***"}'),
        ("key 0123456789abcdef0123456789abcdef.AbCdEfGhIjKl", "key ***"),
        ("ark 1f0e0c3a-1b2c-4d5e-8f90-abcdef012345 refused", "ark *** refused"),
        ("AIzaSyA0123456789abcdefghijklmnopqrstu", "***"),
        ("gsk_0123456789 and xai-0123456789", "*** and ***"),
    ],
)
def test_s6_what_looks_like_a_key_is_masked(text: str, clean: str) -> None:
    assert clean_text(text) == clean


@pytest.mark.parametrize(
    "text",
    [
        "Rate limit reached for gpt-4o-mini-2024-07-18 in organization on tokens per min: Limit 200000, Used 199000",
        "渠道 OpenAI Official 配额已用完",
        "qwen/qwen3-30b-a3b-instruct-2507:free is overloaded",
        "You exceeded your current quota, please check your plan and billing details.",
    ],
)
def test_ordinary_words_are_left_alone(text: str) -> None:
    assert clean_text(text) == text


def test_a_long_text_is_cut_at_500_with_an_ellipsis() -> None:
    words = "word " * 200
    assert clean_text(words[:500].strip()) == words[:500].strip()
    assert len(clean_text(words)) == 500
    assert clean_text(words).endswith("…")


def test_a_key_at_the_cut_of_a_huge_text_does_not_show_its_first_half() -> None:
    text = "sk-" + "a" * 1000 + " " + "sk-" + "b" * 980 + " sk-cccccccccc" * 3
    assert "ccc" not in clean_text(text)
    assert "bbb" not in clean_text(text)


@pytest.mark.parametrize("piece", ["sk-", "a", "Bearer ", "token=", "0", "-", "sk-a ", "\u2028", "SEC"])
def test_s15_cleaning_a_hundred_kilobytes_takes_less_than_50_ms(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    started = time.process_time()
    clean_text(text)
    assert time.process_time() - started < 0.05


def test_details_keep_numbers_and_lose_secrets() -> None:
    details = {
        "status_code": 401,
        "remaining_balance": Decimal("2.50"),
        "ok": True,
        "nothing": None,
        "share": 0.5,
        "api_key": "short",
        "error_message": "line\nbreak",
        "nested": {"access_token": "x", "list": ["a\tb", 1]},
    }
    assert clean_details(details) == {
        "status_code": 401,
        "remaining_balance": Decimal("2.50"),
        "ok": True,
        "nothing": None,
        "share": 0.5,
        "api_key": "***",
        "error_message": "line break",
        "nested": {"access_token": "***", "list": ["a b", 1]},
    }
    assert clean_details(None) is None


def test_details_are_bounded_whatever_they_are() -> None:
    deep: dict[str, object] = {}
    for _ in range(100):
        deep = {"deeper": deep}
    wild = {**{f"k{i}": i for i in range(100)}, "never": 1}
    cleaned = clean_details(
        {"deep": deep, "huge": 10**5000, "endless": Decimal("1E+999999"), "odd": object, "wild": wild}
    )
    assert cleaned is not None
    assert len(str(cleaned)) < 5000
    assert "never" not in str(cleaned)
    assert clean_details({"not": Decimal("NaN")}) == {"not": "NaN"}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1_756_038_645.0, "2025-08-24T12:30:45Z"),
        (1_795_298_638.619199, "2026-11-21T22:03:58.619199Z"),
        (1_756_038_645.5, "2025-08-24T12:30:45.500000Z"),
    ],
)
def test_moments_are_written_in_utc_with_z(seconds: float, text: str) -> None:
    assert utc_text(seconds) == text
    assert seconds_of(text) == pytest.approx(seconds, abs=1e-6)


@pytest.mark.parametrize(
    "text",
    ["2025-08-24T12:30:45", "2025-08-24T20:30:45+08:00", "2025-08-24 12:30:45Z", "2025-08-24T12:30:45.000000000Z"],
)
def test_moments_of_others_are_read_too(text: str) -> None:
    assert seconds_of(text) == 1_756_038_645.0


@pytest.mark.parametrize("text", ["", "yesterday", "2025-13-01T00:00:00Z", "12"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"isoformat|month"):
        seconds_of(text)
