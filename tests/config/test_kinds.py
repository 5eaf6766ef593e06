"""What each kind of setting takes, exactly, on both sides of every edge."""

import subprocess
import sys
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.config.address_kinds import ProxyUrl, Url, Webhook, is_loopback, is_private
from smart_ai_router.config.kinds import (
    Amount,
    Boolean,
    Choice,
    Currency,
    Day,
    Integer,
    Kind,
    ListOf,
    MapOf,
    Number,
    Secret,
    Text,
    TimeZone,
)
from smart_ai_router.config.problems import ValueRefused
from smart_ai_router.config.tree import DEFAULT_ORIGIN, Branch, Items, Leaf


def read(kind: Kind, text: str) -> object:
    return kind.read(Leaf(text, DEFAULT_ORIGIN))


def refused(kind: Kind, text: str) -> ValueRefused:
    with pytest.raises(ValueRefused) as caught:
        read(kind, text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0.00000015", "0.00000015"),
        ("1e-7", "0.0000001"),
        ("1.5E-7", "0.00000015"),
        ("1.1428571428571428e-06", "0.0000011428571428571428"),
        ("0.1", "0.1"),
        ("0", "0"),
        ("1_000.50", "1000.50"),
        (".5", "0.5"),
        ("5.", "5"),
        ("3e2", "300"),
    ],
)
def test_an_amount_is_every_digit_it_was_written_with(text: str, amount: str):
    value = read(Amount(), text)

    assert value == Decimal(amount)
    assert "E" not in str(format(value, "f"))


@given(st.integers(0, 10**9 - 1), st.integers(0, 10**20), st.integers(0, 3))
def test_an_amount_written_with_an_exponent_is_the_same_amount(whole: int, digits: int, exponent: int):
    plain = f"{whole}.{digits:020d}"

    value = read(Amount(), f"{plain}e-{exponent}")

    assert isinstance(value, Decimal)
    assert Fraction(value) == Fraction(plain) / 10**exponent


@pytest.mark.parametrize(
    "text", ["-0.1", "abc", "", "1,5", "0x10", "NaN", "Infinity", "1e999", "--1", "1e-31", "1000000000"]
)
def test_what_is_no_amount_is_refused(text: str):
    refused(Amount(), text)


def test_an_amount_that_must_be_above_zero_is():
    assert read(Amount(positive=True), "0.000001") == Decimal("0.000001")
    assert "above zero" in refused(Amount(positive=True), "0").message


def test_a_budget_has_twelve_decimals():
    budget = Amount(decimals_max=12)

    assert read(budget, "0.000000000001") == Decimal("0.000000000001")
    assert "13 decimals" in refused(budget, "0.0000000000001").message


@pytest.mark.parametrize(("text", "value"), [("1", 1), ("10", 10), ("007", 7), ("+3", 3), ("1_0", 10)])
def test_whole_numbers_within_their_bounds(text: str, value: int):
    assert read(Integer(1, 10), text) == value


@pytest.mark.parametrize("text", ["0", "11", "1.0", "ten", "", "1e1", "9" * 40])
def test_whole_numbers_beyond_their_bounds_are_refused(text: str):
    refused(Integer(1, 10), text)


@pytest.mark.parametrize("text", ["0.0009", "86401", "nan", "inf", "x", "1e99"])
def test_measures_beyond_their_bounds_are_refused(text: str):
    refused(Number(0.001, 86_400), text)


def test_measures_within_their_bounds():
    assert read(Number(0.001, 86_400), "0.001") == 0.001
    assert read(Number(0.001, 86_400), "86400") == 86_400.0


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("Yes", True), ("on", True), ("FALSE", False), ("no", False), ("0", False)]
)
def test_truths(text: str, value: bool):
    assert read(Boolean(), text) is value


def test_what_is_neither_true_nor_false_is_refused():
    refused(Boolean(), "maybe")


def test_a_choice_suggests_the_word_that_was_meant():
    assert read(Choice(("serve", "refuse")), "Serve") == "serve"
    assert refused(Choice(("serve", "refuse")), "serv").suggestion == "did you mean serve?"


@pytest.mark.parametrize("text", ["sk abc", "sk-abc\n", "ключ", "a\tb"])
def test_a_key_has_no_character_that_a_header_cannot_carry(text: str):
    refused(Secret(), text)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://api.openai.com/v1/", "https://api.openai.com/v1"),
        ("http://127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("https://api.example.com", "https://api.example.com"),
    ],
)
def test_addresses(text: str, url: str):
    assert read(Url(), text) == url


@pytest.mark.parametrize(
    "text",
    [
        "api.openai.com",
        "ftp://x.com",
        "https://",
        "https://user:pw@x.com",
        "https://x.com?a=1",
        "https://x.com#f",
        "https://x.com:0",
        "https://x.com:99999",
        "https://x_.com-",
        "https://x.com/a b",
        "https://[::1",
        "file:///etc/passwd",
        "https://例子.com",
    ],
)
def test_what_is_no_address_is_refused(text: str):
    refused(Url(), text)


def test_a_robots_address_may_carry_its_token_and_is_secret():
    address = "https://oapi.dingtalk.com/robot/send?access_token=abc"

    assert read(Webhook(), address) == address
    assert Webhook().secret


def test_a_proxy_has_a_port_and_maybe_a_password():
    assert read(ProxyUrl(), "http://user:pw@proxy:3128") == "http://user:pw@proxy:3128"
    assert ProxyUrl().secret
    for text in ("http://proxy", "https://proxy:1", "proxy:3128", "http://proxy:3128/path", "http://proxy:port"):
        refused(ProxyUrl(), text)


def test_currencies_days_and_time_zones():
    assert read(Currency(), "cny") == "CNY"
    assert read(Day(), "2026-02-28") == "2026-02-28"
    assert read(TimeZone(), "UTC") == "UTC"
    assert read(TimeZone(), "Asia/Shanghai") == "Asia/Shanghai"
    refused(Currency(), "RMB!")
    refused(Day(), "2026-02-30")
    refused(Day(), "0")
    assert "Asia/Shanghai" in refused(TimeZone(), "Asia/Shanghi").suggestion
    refused(TimeZone(), "../etc/passwd")


def test_time_zones_are_known_on_a_machine_that_has_no_database_of_them():
    asked = "from zoneinfo import ZoneInfo; print(ZoneInfo('Asia/Shanghai'), ZoneInfo('America/New_York'))"

    answer = subprocess.run(
        [sys.executable, "-c", asked], env={"PYTHONTZPATH": ""}, capture_output=True, text=True, check=True
    )

    assert answer.stdout == "Asia/Shanghai America/New_York\n"


def test_a_list_may_be_written_with_commas_and_keeps_each_item_once():
    tags = ListOf(Text())

    assert read(tags, "free, fast,free") == ("free", "fast")
    assert tags.read(Items((Leaf("a", DEFAULT_ORIGIN), Leaf("b", DEFAULT_ORIGIN)), DEFAULT_ORIGIN)) == ("a", "b")
    with pytest.raises(ValueRefused, match="item 2 is not a whole number"):
        ListOf(Integer(0, 9)).read(Items((Leaf("1", DEFAULT_ORIGIN), Leaf("x", DEFAULT_ORIGIN)), DEFAULT_ORIGIN))
    with pytest.raises(ValueRefused, match="not a mapping"):
        tags.read(Branch({}, DEFAULT_ORIGIN))


def test_headers_are_small_letters_and_printable():
    headers = MapOf(Secret(), is_headers=True)

    assert headers.read(Branch({"X-Title": Leaf("abc", DEFAULT_ORIGIN)}, DEFAULT_ORIGIN)) == (("x-title", "abc"),)
    with pytest.raises(ValueRefused, match="not a header name"):
        headers.read(Branch({"bad name": Leaf("abc", DEFAULT_ORIGIN)}, DEFAULT_ORIGIN))


@pytest.mark.parametrize(
    "kind", [Text(), Secret(), Integer(0, 1), Number(0, 1), Amount(), Boolean(), Choice(("a",)), Url(), Currency()]
)
@pytest.mark.parametrize("tree", [Branch({}, DEFAULT_ORIGIN), Items((), DEFAULT_ORIGIN), Leaf(None, DEFAULT_ORIGIN)])
def test_a_single_value_is_neither_a_list_nor_a_mapping_nor_nothing(kind: Kind, tree):
    with pytest.raises(ValueRefused, match=r"not (a mapping|a list|nothing)"):
        kind.read(tree)


@pytest.mark.parametrize(
    ("host", "loopback", "private"),
    [
        ("127.0.0.1", True, True),
        ("127.8.8.8", True, True),
        ("::1", True, True),
        ("localhost", True, True),
        ("10.0.0.1", False, True),
        ("192.168.1.2", False, True),
        ("0.0.0.0", False, True),
        ("::", False, True),
        ("8.8.8.8", False, False),
        ("api.openai.com", False, False),
    ],
)
def test_which_hosts_are_this_machine(host: str, loopback: bool, private: bool):
    assert is_loopback(host) is loopback
    assert is_private(host) is private
