"""Health: what rests after which fault, and for how long."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.domain.faults import FaultKind
from smart_ai_router.domain.health import (
    HEALTHY,
    REST_S_MAX,
    RULES,
    HealthBoard,
    Phase,
    after_fault,
    after_success,
)
from tests.domain.health_samples import COOLDOWN_S, MODEL, OTHER, board_after, fault, rests_s


@pytest.mark.parametrize(
    ("kind", "faults", "seconds"),
    [
        (FaultKind.RATE_LIMIT, 1, 10.0),
        (FaultKind.API_KEY_INVALID, 1, math.inf),
        (FaultKind.QUOTA_EXHAUSTED, 1, 1800.0),
        (FaultKind.LOW_BALANCE, 1, 1800.0),
        (FaultKind.CONNECT_FAILED, 2, 30.0),
        (FaultKind.TLS_FAILED, 2, 30.0),
        (FaultKind.MODEL_MISSING, 1, 300.0),
        (FaultKind.TIMEOUT, 2, 30.0),
        (FaultKind.RESET, 2, 30.0),
        (FaultKind.SERVER_ERROR, 3, COOLDOWN_S),
        (FaultKind.MALFORMED, 3, COOLDOWN_S),
        (FaultKind.API_ERROR, 3, 60.0),
    ],
)
def test_each_fault_rests_after_its_number_and_for_its_time(kind: FaultKind, faults: int, seconds: float) -> None:
    board = board_after(*[kind] * (faults - 1))
    assert board.admits("c1", MODEL, 0.0)

    board.failed("c1", MODEL, fault(kind), 0.0)

    assert not board.admits("c1", MODEL, 0.0)
    assert rests_s(board) == seconds
    if seconds < math.inf:
        assert not board.admits("c1", MODEL, seconds - 0.001)
        assert board.admits("c1", MODEL, seconds)


def test_every_kind_of_fault_has_a_rule_except_the_one_that_blames_the_request() -> None:
    assert set(FaultKind) - set(RULES) == {FaultKind.REQUEST_REFUSED}


@pytest.mark.parametrize(
    ("kind", "other_rests"),
    [
        (FaultKind.RATE_LIMIT, True),
        (FaultKind.API_KEY_INVALID, True),
        (FaultKind.LOW_BALANCE, True),
        (FaultKind.MODEL_MISSING, False),
    ],
)
def test_a_missing_model_rests_alone_and_a_key_rests_with_all_models(kind: FaultKind, other_rests: bool) -> None:
    board = board_after(kind)

    assert not board.admits("c1", MODEL, 0.0)
    assert board.admits("c1", OTHER, 0.0) is not other_rests
    assert board.admits("c2", MODEL, 0.0)


def test_one_server_error_silences_nothing() -> None:
    board = board_after(FaultKind.SERVER_ERROR)

    assert board.admits("c1", MODEL, 0.0)
    assert not board.is_quiet


def test_a_success_between_faults_begins_the_count_anew() -> None:
    board = board_after(FaultKind.SERVER_ERROR, FaultKind.SERVER_ERROR)

    board.succeeded("c1", MODEL, 1.0)
    board.failed("c1", MODEL, fault(FaultKind.SERVER_ERROR), 2.0)
    board.failed("c1", MODEL, fault(FaultKind.SERVER_ERROR), 2.0)

    assert board.admits("c1", MODEL, 2.0)


def test_five_faults_of_the_last_ten_outcomes_rest_it() -> None:
    board = HealthBoard(COOLDOWN_S)
    for _ in range(4):
        board.failed("c1", MODEL, fault(FaultKind.SERVER_ERROR), 0.0)
        board.succeeded("c1", MODEL, 0.0)
    assert board.admits("c1", MODEL, 0.0)

    board.failed("c1", MODEL, fault(FaultKind.SERVER_ERROR), 0.0)

    assert not board.admits("c1", MODEL, 0.0)


def test_ten_successes_forget_the_faults_before_them() -> None:
    board = board_after(FaultKind.SERVER_ERROR, FaultKind.SERVER_ERROR)

    for _ in range(10):
        board.succeeded("c1", MODEL, 0.0)

    assert board.is_quiet


def test_five_minutes_without_a_fault_begin_the_count_anew() -> None:
    board = board_after(FaultKind.SERVER_ERROR, FaultKind.SERVER_ERROR, now=0.0)
    board.failed("c1", MODEL, fault(FaultKind.SERVER_ERROR), 301.0)
    assert board.admits("c1", MODEL, 301.0)

    board = board_after(FaultKind.SERVER_ERROR, FaultKind.SERVER_ERROR, now=0.0)
    board.failed("c1", MODEL, fault(FaultKind.SERVER_ERROR), 300.0)
    assert not board.admits("c1", MODEL, 300.0)


def test_retry_after_is_kept_to_the_second_and_capped_at_an_hour() -> None:
    for given_s, kept_s in ((7.5, 7.5), (0.0, 0.0), (3600.0, 3600.0), (86_400.0, REST_S_MAX)):
        board = HealthBoard(COOLDOWN_S)
        board.failed("c1", MODEL, fault(FaultKind.RATE_LIMIT, given_s), 5.0)
        assert rests_s(board, now=5.0) == kept_s


def test_a_server_error_with_retry_after_rests_at_once() -> None:
    board = HealthBoard(COOLDOWN_S)

    board.failed("c1", MODEL, fault(FaultKind.SERVER_ERROR, 4.0), 0.0)

    assert rests_s(board) == 4.0


def test_calls_that_began_before_a_rate_limit_do_not_end_it() -> None:
    board = HealthBoard(COOLDOWN_S)
    board.failed("c1", MODEL, fault(FaultKind.RATE_LIMIT, 30.0), 0.0)

    board.succeeded("c1", MODEL, 1.0)

    assert not board.admits("c1", MODEL, 29.9)
    board.succeeded("c1", MODEL, 30.0)
    assert board.is_quiet


def test_a_success_ends_a_rest_that_was_only_our_guess() -> None:
    board = board_after(*[FaultKind.SERVER_ERROR] * 3)

    board.succeeded("c1", MODEL, 1.0)

    assert board.is_quiet


def test_a_failed_probe_doubles_the_rest_up_to_an_hour() -> None:
    board, now, rests = board_after(FaultKind.RATE_LIMIT), 0.0, [10.0]

    for _ in range(11):
        now += rests[-1]
        assert board.begin("c1", MODEL, now)
        board.failed("c1", MODEL, fault(FaultKind.RATE_LIMIT), now)
        rests.append(rests_s(board, now=now))

    assert rests == [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600, 3600]


def test_faults_of_calls_under_way_do_not_double_the_rest() -> None:
    board = board_after(*[FaultKind.SERVER_ERROR] * 3)

    for _ in range(50):
        board.failed("c1", MODEL, fault(FaultKind.TIMEOUT), 0.5)

    assert board.state("c1", OTHER, 0.5) == HEALTHY
    assert rests_s(board, now=0.0) == COOLDOWN_S


def test_faults_of_calls_under_way_do_not_prolong_the_rest() -> None:
    board = board_after(*[FaultKind.SERVER_ERROR] * 3)

    board.failed("c1", MODEL, fault(FaultKind.SERVER_ERROR), 30.0)

    assert rests_s(board, now=0.0) == COOLDOWN_S


def test_what_the_provider_tells_prolongs_a_rest_and_never_shortens_it() -> None:
    board = HealthBoard(COOLDOWN_S)
    board.failed("c1", MODEL, fault(FaultKind.RATE_LIMIT, 30.0), 0.0)

    board.failed("c1", MODEL, fault(FaultKind.RATE_LIMIT, 5.0), 1.0)
    assert rests_s(board, now=0.0) == 30.0
    board.failed("c1", MODEL, fault(FaultKind.RATE_LIMIT, 60.0), 1.0)
    assert rests_s(board, now=1.0) == 60.0
    board.failed("c1", MODEL, fault(FaultKind.API_KEY_INVALID), 2.0)
    assert rests_s(board) == math.inf


def test_u7_a_bad_key_rests_until_its_configuration_changes() -> None:
    board = HealthBoard(COOLDOWN_S)
    board.failed("c1", MODEL, fault(FaultKind.API_KEY_INVALID, status=401), 0.0)
    board.succeeded("c1", MODEL, 1.0)
    assert not board.admits("c1", MODEL, 10.0**9)

    board.reset("c1")

    assert board.admits("c1", MODEL, 2.0)


def test_a_403_is_lifted_by_time_and_a_401_is_not() -> None:
    board = HealthBoard(COOLDOWN_S)

    board.failed("c1", MODEL, fault(FaultKind.API_KEY_INVALID, status=403), 0.0)
    assert rests_s(board) == 1800.0
    board.failed("c1", MODEL, fault(FaultKind.API_KEY_INVALID, 1.0, status=401), 1.0)
    assert rests_s(board) == math.inf


@given(st.lists(st.booleans(), max_size=40))
def test_without_three_in_a_row_or_five_of_ten_nothing_rests(outcomes: list[bool]) -> None:
    health, history = HEALTHY, []

    for ok in outcomes:
        history.append(ok)
        health = (
            after_success(health, 0.0) if ok else after_fault(health, fault(FaultKind.SERVER_ERROR), 0.0, COOLDOWN_S)
        )
        in_a_row = len(history) >= 3 and not any(history[-3:])
        expected = in_a_row or history[-10:].count(False) >= 5
        assert (health.phase(0.0) is Phase.OPEN) is (expected and not ok)
        if expected:
            return
