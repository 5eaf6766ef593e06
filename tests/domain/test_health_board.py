"""Health of a channel and its models together: probes, escalation, snapshots, reports."""

import math

from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.domain.channel import Channel
from smart_ai_router.domain.faults import FaultKind
from smart_ai_router.domain.health import (
    HEALTHY,
    PROBE_PATIENCE_S,
    REST_S_MAX,
    HealthBoard,
    Phase,
)
from tests.domain.health_samples import COOLDOWN_S, MODEL, OTHER, board_after, fault, rests_s


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

    board.failed("c1", OTHER, fault(FaultKind.SERVER_ERROR), 0.0)

    assert board.admits("c1", MODEL, 0.0)


def test_a_models_fault_reopens_a_half_open_channel() -> None:
    board = board_after(FaultKind.RATE_LIMIT)
    assert board.begin("c1", MODEL, 10.0)

    board.failed("c1", MODEL, fault(FaultKind.TIMEOUT), 10.0)

    assert not board.admits("c1", OTHER, 10.0)
    assert rests_s(board, OTHER, now=10.0) == 60.0  # its second opening in a row


def test_a_models_faults_leave_a_resting_channel_as_it_is() -> None:
    board = board_after(FaultKind.RATE_LIMIT)

    for number in range(9):
        board.failed("c1", f"model-{number}", fault(FaultKind.SERVER_ERROR), 1.0)

    assert rests_s(board, "another") == 10.0


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
