"""Health: what rests after which fault, for how long, and how it comes back."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.domain.channel import Channel
from smart_ai_router.domain.faults import Fault, FaultKind
from smart_ai_router.domain.health import (
    HEALTHY,
    PROBE_PATIENCE_S,
    REST_S_MAX,
    RULES,
    HealthBoard,
    Phase,
    after_fault,
    after_success,
)

MODEL = "gpt-4o-mini"
OTHER = "gpt-4o"
COOLDOWN_S = 60.0


def fault(kind: FaultKind, retry_after_s: float | None = None, status: int | None = None) -> Fault:
    return Fault(kind, f"it said {kind.value}", status, retry_after_s)


def board_after(*kinds: FaultKind, now: float = 0.0) -> HealthBoard:
    board = HealthBoard(COOLDOWN_S)
    for kind in kinds:
        board.failed("c1", MODEL, fault(kind), now)
    return board


def rests_s(board: HealthBoard, model: str = MODEL, now: float = 0.0) -> float:
    until = board.state("c1", model, now).rests_until
    return 0.0 if until is None else until - now


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


def test_what_the_provider_tells_prolongs_a_rest_and_never_shortens_it() -> None:
    board = HealthBoard(COOLDOWN_S)
    board.failed("c1", MODEL, fault(FaultKind.RATE_LIMIT, 30.0), 0.0)

    board.failed("c1", MODEL, fault(FaultKind.RATE_LIMIT, 5.0), 1.0)
    assert rests_s(board, now=0.0) == 30.0
    board.failed("c1", MODEL, fault(FaultKind.RATE_LIMIT, 60.0), 1.0)
    assert rests_s(board, now=1.0) == 60.0
    board.failed("c1", MODEL, fault(FaultKind.API_KEY_INVALID), 2.0)
    assert rests_s(board) == math.inf


def test_half_open_lets_one_call_at_a_time_try() -> None:
    board = board_after(FaultKind.RATE_LIMIT)
    assert not board.begin("c1", MODEL, 9.9)

    assert board.begin("c1", MODEL, 10.0)
    assert not board.begin("c1", MODEL, 10.0)
    assert not board.admits("c1", OTHER, 11.0)
    assert board.state("c1", MODEL, 10.0).phase(10.0) is Phase.HALF_OPEN

    board.succeeded("c1", MODEL, 12.0)
    assert board.is_quiet


def test_a_probe_whose_client_left_makes_room_for_the_next() -> None:
    board = board_after(FaultKind.RATE_LIMIT)
    board.begin("c1", MODEL, 10.0)

    board.released("c1", MODEL)

    assert board.begin("c1", OTHER, 10.0)
    board.released("unknown", MODEL)


def test_a_probe_that_tells_nothing_keeps_others_out_for_two_minutes_only() -> None:
    board = board_after(FaultKind.RATE_LIMIT)
    board.begin("c1", MODEL, 10.0)

    assert not board.admits("c1", MODEL, 10.0 + PROBE_PATIENCE_S - 0.1)
    assert board.admits("c1", MODEL, 10.0 + PROBE_PATIENCE_S)


def test_a_request_that_was_refused_proves_the_channel_well() -> None:
    board = board_after(FaultKind.RATE_LIMIT)
    board.begin("c1", MODEL, 10.0)

    board.failed("c1", MODEL, fault(FaultKind.REQUEST_REFUSED), 11.0)

    assert board.is_quiet


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


def test_five_faults_in_a_row_over_its_models_rest_the_channel() -> None:
    board = HealthBoard(COOLDOWN_S)
    for number in range(4):
        board.failed("c1", f"model-{number}", fault(FaultKind.SERVER_ERROR), 0.0)
    assert board.admits("c1", "another", 0.0)

    board.failed("c1", "model-4", fault(FaultKind.SERVER_ERROR), 0.0)

    assert not board.admits("c1", "another", 0.0)
    assert rests_s(board, "another") == COOLDOWN_S


def test_a_success_of_any_model_begins_the_channels_count_anew() -> None:
    board = HealthBoard(COOLDOWN_S)
    for number in range(4):
        board.failed("c1", f"model-{number}", fault(FaultKind.SERVER_ERROR), 0.0)

    board.succeeded("c1", "another", 0.0)
    board.failed("c1", "model-4", fault(FaultKind.SERVER_ERROR), 0.0)

    assert board.admits("c1", "another", 0.0)


def test_three_resting_models_rest_the_channel() -> None:
    board = HealthBoard(COOLDOWN_S)
    for name in ("one", "two"):
        board.failed("c1", name, fault(FaultKind.SERVER_ERROR, 100.0), 0.0)
    board.succeeded("c1", "fine", 0.0)
    assert board.admits("c1", "fine", 0.0)

    board.failed("c1", "three", fault(FaultKind.SERVER_ERROR, 100.0), 0.0)

    assert not board.admits("c1", "fine", 0.0)


def test_missing_models_never_rest_the_channel() -> None:
    board = HealthBoard(COOLDOWN_S)

    for number in range(20):
        board.failed("c1", f"gone-{number}", fault(FaultKind.MODEL_MISSING), 0.0)

    assert board.admits("c1", MODEL, 0.0)


def test_a_models_fault_reopens_a_half_open_channel() -> None:
    board = board_after(FaultKind.RATE_LIMIT)
    assert board.begin("c1", MODEL, 10.0)

    board.failed("c1", MODEL, fault(FaultKind.TIMEOUT), 10.0)

    assert not board.admits("c1", OTHER, 10.0)
    assert rests_s(board, OTHER, now=10.0) == 60.0  # its second opening in a row


def test_a_channels_old_count_is_forgotten_after_five_minutes() -> None:
    board = HealthBoard(COOLDOWN_S)
    for number in range(4):
        board.failed("c1", f"model-{number}", fault(FaultKind.SERVER_ERROR), 0.0)

    board.failed("c1", "model-5", fault(FaultKind.SERVER_ERROR), 301.0)

    assert board.admits("c1", "another", 301.0)


def test_the_state_that_admits_later_decides() -> None:
    board = board_after(FaultKind.MODEL_MISSING)
    assert board.state("c1", MODEL, 0.0).kind is FaultKind.MODEL_MISSING
    board.failed("c1", MODEL, fault(FaultKind.RATE_LIMIT), 0.0)
    assert board.state("c1", MODEL, 0.0).kind is FaultKind.MODEL_MISSING
    board.failed("c1", MODEL, fault(FaultKind.LOW_BALANCE), 0.0)

    assert board.state("c1", MODEL, 0.0).kind is FaultKind.LOW_BALANCE
    assert board.state("c1", OTHER, 0.0).kind is FaultKind.LOW_BALANCE
    assert board.state("c9", OTHER, 0.0) == HEALTHY


def test_a_last_resort_is_begun_while_it_rests() -> None:
    board = board_after(*[FaultKind.SERVER_ERROR] * 3)

    assert not board.begin("c1", MODEL, 1.0)
    assert board.begin("c1", MODEL, 1.0, is_last_resort=True)
    assert board.begin("healthy", MODEL, 1.0)


def test_a_new_snapshot_keeps_what_is_held_against_unchanged_channels() -> None:
    def channel(channel_id: str, key: str) -> Channel:
        return Channel(channel_id, channel_id, "openai", "openai", "https://api.openai.com", key)

    board = HealthBoard(COOLDOWN_S)
    for channel_id in ("same", "rekeyed", "gone"):
        board.failed(channel_id, MODEL, fault(FaultKind.API_KEY_INVALID), 0.0)
    before = (channel("same", "k1"), channel("rekeyed", "k2"), channel("gone", "k3"))

    board.keep_unchanged(before, (channel("same", "k1"), channel("rekeyed", "k9"), channel("new", "k4")))

    assert [report.channel_id for report in board.reports(0.0)] == ["same"]


def test_reports_tell_people_what_rests_and_for_how_long() -> None:
    board = board_after(FaultKind.MODEL_MISSING)
    board.failed("c2", MODEL, fault(FaultKind.API_KEY_INVALID), 0.0)
    board.failed("c3", MODEL, fault(FaultKind.CONNECT_FAILED), 0.0)

    missing, key, strike = board.reports(100.0)

    assert (missing.channel_id, missing.model, missing.phase) == ("c1", MODEL, Phase.OPEN)
    assert (missing.rests_s, missing.kind, missing.faults_in_a_row) == (200.0, FaultKind.MODEL_MISSING, 1)
    assert missing.message == "it said model_missing"
    assert (key.model, key.rests_s) == (None, math.inf)
    assert (strike.phase, strike.rests_s) == (Phase.CLOSED, 0.0)


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["fault", "success", "begin", "release", "last_resort"]),
        st.sampled_from(list(FaultKind)),
        st.sampled_from(["a", "b", "c", "d"]),
        st.none() | st.floats(0.0, 10_000.0),
        st.floats(0.0, 2_000.0),
    ),
    max_size=60,
)


@given(EVENTS)
def test_whatever_happens_a_rest_ends_within_an_hour_unless_the_key_is_bad(
    events: list[tuple[str, FaultKind, str, float | None, float]],
) -> None:
    board, now, bad_key = HealthBoard(COOLDOWN_S), 0.0, False

    for event, kind, model, retry_after_s, pause in events:
        now += pause
        match event:
            case "fault":
                board.failed("c1", model, fault(kind, retry_after_s), now)
                bad_key = bad_key or kind is FaultKind.API_KEY_INVALID
            case "success":
                board.succeeded("c1", model, now)
            case "begin" | "last_resort":
                admitted = board.admits("c1", model, now)
                assert board.begin("c1", model, now, event == "last_resort") is (admitted or event == "last_resort")
            case "release":
                board.released("c1", model)
        for report in board.reports(now):
            assert report.rests_s <= REST_S_MAX + 1e-6 or bad_key

    later = now + REST_S_MAX + PROBE_PATIENCE_S + 1.0
    assert board.admits("c1", "a", later) or bad_key


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
