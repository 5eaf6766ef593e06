"""When an alert is raised, repeated and over: decisions over a script of events."""

from dataclasses import replace

import pytest

from smart_ai_router.domain.alert_rules import AlertRules, balance_is_low
from smart_ai_router.domain.alerts import (
    Alert,
    Announce,
    ChannelState,
    Clearing,
    Event,
    Recovery,
    Severity,
    Success,
    Trouble,
    decide,
    notice_of,
    severity_of,
)

NOON = 1_763_812_800.0  # 2025-11-22T12:00:00Z
CH = ChannelState("ch_1", "OpenAI Official")


def trouble(kind: str, **fields: object) -> Trouble:
    return replace(Trouble(kind, f"{kind} seen", {"status_code": 500}, severity_of(kind)), **fields)  # type: ignore[arg-type]


SERVER = trouble("server_error")
RATE = trouble("rate_limit")
OTHER = trouble("api_error")
KEY = trouble("api_key_invalid")
QUOTA = trouble("quota_exhausted")
NO_MONEY = trouble("low_balance")
MEASURED_LOW = trouble("low_balance", is_call=False, reported=True)
OK = Success()
CLEAR = Clearing()
NO_ERROR_RATE = AlertRules(error_rate_calls_min=1_000_000)


def play(script: list[tuple[float, Event]], rules: AlertRules = NO_ERROR_RATE) -> list[str]:
    """The notices of a script, as `second:kind:state#notice`."""
    state, told = CH, []
    for second, event in script:
        now = NOON + second
        state, actions = decide(state, event, now, rules)
        for action in actions:
            alert = notice_of(state, action, now)
            told.append(f"{second:g}:{alert.alert_type}:{alert.state.value}#{alert.notice}")
    return told


TABLE: list[tuple[str, list[tuple[float, Event]], list[str]]] = [
    ("a bad key alerts at once", [(0, KEY)], ["0:api_key_invalid:open#1"]),
    ("an empty quota alerts at once", [(0, QUOTA)], ["0:quota_exhausted:open#1"]),
    ("no money alerts at once", [(0, NO_MONEY)], ["0:low_balance:open#1"]),
    ("twenty bad keys are one alert", [(i, KEY) for i in range(20)], ["0:api_key_invalid:open#1"]),
    ("two errors are none", [(0, SERVER), (1, SERVER)], []),
    ("the third error alerts", [(0, SERVER), (1, SERVER), (2, SERVER)], ["2:server_error:open#1"]),
    ("three errors 300 s apart alert", [(0, SERVER), (300, SERVER), (600, SERVER)], ["600:server_error:open#1"]),
    ("three errors 300.001 s apart do not", [(0, SERVER), (300, SERVER), (600.001, SERVER)], []),
    ("the third error of the channel names the alert", [(0, SERVER), (1, RATE), (2, OTHER)], ["2:api_error:open#1"]),
    (
        "no kind silences another",
        [(0, KEY), (1, SERVER), (2, SERVER), (3, SERVER), (4, RATE), (5, QUOTA)],
        [
            "0:api_key_invalid:open#1",
            "3:server_error:open#1",
            "4:rate_limit:open#1",
            "5:quota_exhausted:open#1",
        ],
    ),
    ("still failing before the cool-down is silence", [(0, KEY), (3599.9, KEY)], ["0:api_key_invalid:open#1"]),
    (
        "still failing after the cool-down is told again",
        [(0, KEY), (3600, KEY), (3601, KEY), (7200, KEY)],
        ["0:api_key_invalid:open#1", "3600:api_key_invalid:open#2", "7200:api_key_invalid:open#3"],
    ),
    (
        "a success ends a bad key",
        [(0, KEY), (60, OK)],
        ["0:api_key_invalid:open#1", "60:api_key_invalid:resolved#2"],
    ),
    (
        "a success ends an error alert and its count",
        [(0, SERVER), (1, SERVER), (2, SERVER), (3, OK), (4, SERVER), (5, SERVER), (6, SERVER)],
        ["2:server_error:open#1", "3:server_error:resolved#2", "6:server_error:open#1"],
    ),
    ("a success without an alert tells nothing", [(0, OK), (1, SERVER), (2, OK)], []),
    (
        "a success that was overtaken proves nothing",
        [(10, KEY), (9.9, OK)],
        ["10:api_key_invalid:open#1"],
    ),
    (
        "a flapping alert ends only after five quiet minutes",
        [(0, KEY), (1, OK), (2, KEY), (3, OK), (301.9, OK), (302, OK)],
        [
            "0:api_key_invalid:open#1",
            "1:api_key_invalid:resolved#2",
            "2:api_key_invalid:open#1",
            "302:api_key_invalid:resolved#2",
        ],
    ),
    (
        "an alert that comes back after the cool-down is new and ends at once",
        [(0, KEY), (1, OK), (3601, KEY), (3602, OK)],
        [
            "0:api_key_invalid:open#1",
            "1:api_key_invalid:resolved#2",
            "3601:api_key_invalid:open#1",
            "3602:api_key_invalid:resolved#2",
        ],
    ),
    (
        "a measured balance is not disproved by a success",
        [(0, MEASURED_LOW), (1, OK), (2, Recovery("low_balance"))],
        ["0:low_balance:open#1", "2:low_balance:resolved#2"],
    ),
    (
        "a balance error of a call is disproved by a success",
        [(0, NO_MONEY), (1, OK)],
        ["0:low_balance:open#1", "1:low_balance:resolved#2"],
    ),
    (
        "a balance once measured stays until measured again, whatever calls say",
        [(0, NO_MONEY), (1, MEASURED_LOW), (2, OK)],
        ["0:low_balance:open#1"],
    ),
    (
        "clearing ends all and lets the channel alert again, without the memory of flapping",
        [(0, KEY), (1, CLEAR), (2, KEY), (3, OK)],
        [
            "0:api_key_invalid:open#1",
            "1:api_key_invalid:cleared#2",
            "2:api_key_invalid:open#1",
            "3:api_key_invalid:resolved#2",
        ],
    ),
    ("clearing forgets the errors", [(0, SERVER), (1, SERVER), (2, CLEAR), (3, SERVER), (4, SERVER)], []),
    (
        "successes between three errors do not hide them",
        [(0, SERVER), (1, OK), (2, SERVER), (3, Success(17)), (4, SERVER)],
        ["4:server_error:open#1"],
    ),
    (
        "an error among ten calls is still counted",
        [(0, SERVER), (1, Success(9)), (2, SERVER), (3, SERVER)],
        ["3:server_error:open#1"],
    ),
    (
        "an error among eleven calls is void",
        [(0, SERVER), (1, Success(10)), (2, SERVER), (3, SERVER)],
        [],
    ),
    (
        "errors of long ago leave a single new error single, but the open alert sees it",
        [(0, SERVER), (1, SERVER), (2, SERVER), (3700, SERVER)],
        ["2:server_error:open#1", "3700:server_error:open#2"],
    ),
    (
        "a clock set back a year does not silence for a year",
        [(0, KEY), (-31_536_000, KEY), (-31_535_999, OK)],
        ["0:api_key_invalid:open#1", "-3.1536e+07:api_key_invalid:open#2", "-3.1536e+07:api_key_invalid:resolved#3"],
    ),
]


@pytest.mark.parametrize(("script", "told"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_decisions_follow_the_table(script: list[tuple[float, Event]], told: list[str]) -> None:
    assert play(script) == told


def rate_script(failures: int, successes: int, second: float = 0.0) -> list[tuple[float, Event]]:
    """Failures first; a kind of call error that raises no other alert below its own threshold."""
    return [(second, OTHER)] * failures + [(second, OK)] * successes


ONLY_RATE = AlertRules(errors_before_alert=1_000_000)


@pytest.mark.parametrize(
    ("failures", "successes", "alerts"),
    [
        (10, 10, True),  # 50 % of 20
        (9, 11, False),  # 45 %
        (10, 9, False),  # 19 calls
        (11, 9, True),
        (20, 0, True),
        (19, 0, False),
        (0, 20, False),
    ],
)
def test_m1_27_half_of_twenty_calls_failing_raises_the_error_rate(failures: int, successes: int, alerts: bool) -> None:
    told = play(rate_script(failures, successes), ONLY_RATE)
    assert told == (["0:error_rate:open#1"] if alerts else [])


def test_m1_27_the_error_rate_says_how_many_failed() -> None:
    state, now = CH, NOON
    for _ in range(20):
        state, actions = decide(state, OTHER, now, ONLY_RATE)
    (action,) = actions
    assert isinstance(action, Announce)
    assert action.alert.message == "渠道 OpenAI Official 错误率过高: 最近 5 分钟 20/20 次调用失败 (100.0%)"
    assert action.alert.details == {"failed_calls": 20, "calls": 20, "error_rate_percent": 100.0, "window_s": 300}
    assert action.alert.severity is Severity.CRITICAL


def test_the_error_rate_ends_below_a_quarter_and_not_at_it() -> None:
    # 20 failures of 20, then successes: 20/80 is exactly 25 %, 20/81 is below
    assert play([*rate_script(20, 60)], ONLY_RATE) == ["0:error_rate:open#1"]
    assert play([*rate_script(20, 61)], ONLY_RATE) == ["0:error_rate:open#1", "0:error_rate:resolved#2"]


def test_the_error_rate_does_not_flicker_between_its_two_edges() -> None:
    # from 100 % to 40 %, up to 57 %, down to 40 %: one alert
    script = [*rate_script(20, 30), *rate_script(20, 0), *rate_script(0, 30)]
    assert play(script, ONLY_RATE) == ["0:error_rate:open#1"]


@pytest.mark.parametrize(("second", "alerts"), [(289.0, True), (311.0, False)])
def test_failures_leave_the_window_after_five_minutes(second: float, alerts: bool) -> None:
    # given 19 failures at second 0, when one more comes, then they still count or do not
    script = [*rate_script(19, 0), (second, OTHER)]
    assert bool(play(script, ONLY_RATE)) is alerts


def test_a_late_call_counts_with_the_newest_and_a_clock_set_back_begins_anew() -> None:
    assert play([*rate_script(19, 0, 100), (40, OTHER)], ONLY_RATE) == ["40:error_rate:open#1"]
    assert play([*rate_script(19, 0, 100), (-4000, OTHER)], ONLY_RATE) == []


def test_rules_can_be_changed() -> None:
    rules = AlertRules(
        errors_before_alert=1, cooldown_s=10, error_rate_percent=80, error_rate_calls_min=5, error_window_s=60
    )
    script: list[tuple[float, Event]] = [(0, RATE), (9, RATE), (19, RATE), (19, RATE), (19, RATE)]
    assert play(script, rules) == ["0:rate_limit:open#1", "19:rate_limit:open#2", "19:error_rate:open#1"]


def test_the_notice_of_an_end_says_how_long_it_lasted() -> None:
    state, _ = decide(CH, QUOTA, NOON)
    state, _ = decide(state, QUOTA, NOON + 100)
    state, (action,) = decide(state, OK, NOON + 3725)
    alert = notice_of(state, action, NOON + 3725)
    assert alert.message == "渠道 OpenAI Official 已恢复: quota_exhausted，持续 1 小时 2 分"
    assert alert.details == {"opened_at": "2025-11-22T12:00:00Z", "duration_s": 3725, "occurrences": 2}


def test_every_alert_has_its_own_id_and_every_notice_its_own_delivery() -> None:
    state, seen = CH, []
    for event in (KEY, CLEAR, KEY, CLEAR, QUOTA, OK):  # all within one instant
        state, actions = decide(state, event, NOON)
        seen += [notice_of(state, action, NOON) for action in actions]
    assert len({alert.id for alert in seen}) == 3
    assert len({alert.delivery_id for alert in seen}) == 6


def test_m1_29_an_alert_opens_with_the_guides_six_keys() -> None:
    state, (action,) = decide(CH, QUOTA, NOON)
    alert: Alert = notice_of(state, action, NOON)
    assert list(alert.fields()) == [
        "channel_id",
        "channel_name",
        "alert_type",
        "message",
        "timestamp",
        "details",
        "id",
        "severity",
        "state",
        "notice",
    ]
    assert alert.fields()["timestamp"] == "2025-11-22T12:00:00Z"


def test_a_repeated_alert_keeps_its_id_and_counts() -> None:
    state, _ = decide(CH, KEY, NOON)
    state, _ = decide(state, replace(KEY, message="newer words"), NOON + 5)
    (alert,) = state.open
    assert (alert.occurrences, alert.message, alert.opened_at, alert.last_at) == (2, "newer words", NOON, NOON + 5)


def test_closed_alerts_are_remembered_within_a_bound() -> None:
    state = CH
    for turn in range(300):
        state, _ = decide(state, KEY, NOON + turn)
        state, _ = decide(state, CLEAR, NOON + turn)
    assert len(state.closed) == 100


TEN = 10 * 10**12


def test_a12_a_balance_around_its_edge_a_hundred_times_is_one_alert_for_each_real_recovery() -> None:
    # given a balance that hops over the edge, but recovers (110 %) only once
    state, told, low = CH, [], False
    hops = [TEN - 1, TEN + 1] * 50 + [12 * 10**12] + [TEN - 1, TEN + 1] * 50
    for second, remaining in enumerate(hops):
        was_low, low = low, balance_is_low(remaining, TEN, low)
        if low or was_low:
            state, actions = decide(state, MEASURED_LOW if low else Recovery("low_balance"), NOON + second)
            told += [notice_of(state, action, NOON).state.value for action in actions]
    assert told == ["open", "resolved", "open"]
