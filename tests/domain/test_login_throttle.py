"""How often somebody may fail to log in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.domain.login_throttle import (
    ADDRESS_MAX,
    LEAK_S,
    NAME_MAX,
    PAIR_MAX,
    LoginThrottle,
    place_of,
)


def attempts(throttle: LoginThrottle, count: int, name: str | None = "carol", address: str = "192.0.2.7") -> int:
    """How many of so many attempts at one moment are let through."""
    return sum(throttle.attempt(name, address, 0.0) is None for _ in range(count))


def test_s1_ten_attempts_from_one_place_on_one_name_and_no_eleventh() -> None:
    throttle = LoginThrottle()

    assert attempts(throttle, 30) == PAIR_MAX == 10


def test_a_refused_attempt_says_how_long_to_wait_and_not_a_second_too_little() -> None:
    throttle = LoginThrottle()
    attempts(throttle, PAIR_MAX)
    wait_s = throttle.attempt("carol", "192.0.2.7", 0.0)

    assert wait_s == LEAK_S / PAIR_MAX
    assert throttle.attempt("carol", "192.0.2.7", wait_s - 1) is not None
    assert throttle.attempt("carol", "192.0.2.7", wait_s) is None
    assert throttle.attempt("carol", "192.0.2.7", wait_s) is not None


def test_attempts_that_are_refused_do_not_lengthen_the_wait() -> None:
    throttle = LoginThrottle()
    attempts(throttle, PAIR_MAX + 1000)

    assert throttle.attempt("carol", "192.0.2.7", LEAK_S / PAIR_MAX) is None


def test_many_names_from_one_address_are_stopped_and_others_go_on() -> None:
    throttle = LoginThrottle()

    assert sum(attempts(throttle, 1, f"name{number}") for number in range(200)) == ADDRESS_MAX
    assert attempts(throttle, 1, "carol", "198.51.100.1") == 1


def test_one_name_from_many_addresses_is_stopped_and_other_names_go_on() -> None:
    throttle = LoginThrottle()

    assert sum(attempts(throttle, 1, "carol", f"198.51.100.{number}") for number in range(200)) == NAME_MAX
    assert attempts(throttle, 1, "vera", "198.51.100.1") == 1


def test_keys_are_throttled_by_address_alone() -> None:
    throttle = LoginThrottle()

    assert attempts(throttle, 200, None) == ADDRESS_MAX
    assert attempts(throttle, 1, None, "198.51.100.1") == 1
    assert attempts(throttle, 1, "carol") == 0


def test_a_success_makes_good_for_the_pair_and_for_itself() -> None:
    throttle = LoginThrottle()
    attempts(throttle, PAIR_MAX)
    throttle.succeeded("carol", "192.0.2.7", 0.0)

    assert attempts(throttle, 30) == PAIR_MAX
    for _ in range(1000):
        assert throttle.attempt("vera", "203.0.113.5", 0.0) is None
        throttle.succeeded("vera", "203.0.113.5", 0.0)


@pytest.mark.parametrize("name", ["", "x", "=", "x" * 10_000])
def test_any_text_is_a_name(name: str) -> None:
    throttle = LoginThrottle()

    assert attempts(throttle, 30, name) == PAIR_MAX


def test_memory_is_bounded_and_keeps_who_tries_most_lately() -> None:
    throttle = LoginThrottle(buckets_max=50)
    for number in range(10_000):
        throttle.attempt(f"name{number}", f"198.51.{number // 256}.{number % 256}", 0.0)
        throttle.attempt("carol", "192.0.2.7", 0.0)

    assert len(throttle) == 50
    assert throttle.attempt("carol", "192.0.2.7", 0.0) is not None


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::", "2001:db8:1:2::"),
        ("2001:db8:1:3::1", "2001:db8:1:3::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("local", "local"),
        ("x" * 1000, "x" * 64),
    ],
)
def test_one_customer_is_one_place(address: str, place: str) -> None:
    assert place_of(address) == place


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.floats(0, 200)), max_size=200))
def test_no_span_lets_more_through_than_a_full_bucket_and_its_leak(asked: list[tuple[str, float]]) -> None:
    throttle, now, passed = LoginThrottle(), 0.0, 0
    for name, wait_s in asked:
        now += wait_s
        passed += throttle.attempt(name, "192.0.2.7", now) is None

    assert passed <= 2 * (PAIR_MAX + now * PAIR_MAX / LEAK_S) + 1e-6
