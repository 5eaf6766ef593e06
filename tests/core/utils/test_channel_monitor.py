"""The channel monitor by its public names, on real files."""

import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from smart_ai_router.core.utils.channel_monitor import (
    ChannelMonitor,
    check_api_error_and_alert,
    get_channel_monitor,
    use_channel_monitor,
)
from smart_ai_router.domain.alerts import Severity
from smart_ai_router.domain.faults import Fault, FaultKind
from tests.core.alert_samples import GUIDE_LINE, NOON, Receiver, SetClock

CH = ("ch_openai_001", "OpenAI Official")
OTHER = ("ch_2", "Other")
BAD_KEY = Fault(FaultKind.API_KEY_INVALID, "Incorrect API key provided: sk-proj-0123456789abcdef", 401)
SERVER_ERROR = Fault(FaultKind.SERVER_ERROR, "upstream says 500", 500)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "channel_alerts.jsonl"


@pytest.fixture
def monitor(path: Path, clock: SetClock) -> ChannelMonitor:
    return ChannelMonitor(path, clock=clock)


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def types(path: Path) -> list[object]:
    return [line["alert_type"] for line in lines(path)]


def test_m1_64_it_is_made_without_arguments_and_with_a_text() -> None:
    assert ChannelMonitor().alerts_file == Path("logs/channel_alerts.jsonl")
    assert ChannelMonitor("elsewhere.jsonl").alerts_file == Path("elsewhere.jsonl")


def test_m1_30_m1_31_an_exhausted_quota_writes_the_guides_line(path: Path, monitor: ChannelMonitor) -> None:
    monitor.record_quota_exhausted(*CH, {"remaining_requests": 0, "reset_time": "2025-08-25T00:00:00Z"})
    (line,) = lines(path)
    sample = json.loads(GUIDE_LINE)
    assert list(line)[:6] == list(sample)
    assert {key: line[key] for key in sample} == {**sample, "timestamp": "2025-11-22T12:00:00Z"}
    assert {key: line[key] for key in ("severity", "state", "notice")} == {
        "severity": "critical",
        "state": "open",
        "notice": 1,
    }


def test_m1_25_a_low_balance_has_the_guides_words_and_an_exact_amount(path: Path, monitor: ChannelMonitor) -> None:
    monitor.record_low_balance(*CH, 2.5)
    monitor.record_low_balance(*OTHER, Decimal("0.000000075"), {"account": "main"}, "CNY")
    assert [line["message"] for line in lines(path)] == [
        "渠道 OpenAI Official 余额不足，剩余: $2.5000",
        "渠道 Other 余额不足，剩余: ¥0.0000",
    ]
    text = path.read_text(encoding="utf-8")
    assert '"details":{"remaining_balance":2.5}' in text
    assert '"details":{"remaining_balance":0.000000075,"account":"main"}' in text


def test_m1_26_a_bad_key_alerts_once_in_the_guides_words(path: Path, monitor: ChannelMonitor) -> None:
    for _ in range(20):
        monitor.record_api_key_invalid(*CH, {"status_code": 401, "error_message": "no"})
    (line,) = lines(path)
    assert line["message"] == "渠道 OpenAI Official API密钥无效或已过期"
    assert line["details"] == {"status_code": 401, "error_message": "no"}


def test_the_third_error_alerts_in_the_providers_words(path: Path, monitor: ChannelMonitor) -> None:
    for _ in range(2):
        monitor.record_channel_error(*CH, "rate_limit", "Too many requests", {"status_code": 429})
    assert lines(path) == []
    monitor.record_channel_error(*CH, "rate_limit", "Too many requests", {"status_code": 429})
    (line,) = lines(path)
    assert (line["alert_type"], line["message"]) == ("rate_limit", "Too many requests")


def test_no_money_alerts_at_once_whichever_way_it_is_reported(path: Path, monitor: ChannelMonitor) -> None:
    monitor.record_channel_error(*CH, "low_balance", "402", None)
    assert types(path) == ["low_balance"]


def test_w13_one_kind_silences_no_other(path: Path, monitor: ChannelMonitor) -> None:
    monitor.record_api_key_invalid(*CH)
    for _ in range(3):
        monitor.record_channel_error(*CH, "server_error", "500")
    monitor.record_quota_exhausted(*CH)
    assert types(path) == ["api_key_invalid", "server_error", "quota_exhausted"]


def test_m1_24_to_m1_27_what_calls_show_is_alerted(path: Path, monitor: ChannelMonitor) -> None:
    monitor.observe_fault(*CH, Fault(FaultKind.QUOTA_EXHAUSTED, "quota", 429, details={"remaining_requests": 0}))
    monitor.observe_fault(*CH, Fault(FaultKind.LOW_BALANCE, "Insufficient Balance", 402))
    monitor.observe_fault(*CH, BAD_KEY)
    for _ in range(17):
        monitor.observe_fault(*CH, SERVER_ERROR)
    assert types(path) == ["quota_exhausted", "low_balance", "api_key_invalid", "server_error", "error_rate"]


def test_w14_a_402_is_a_low_balance_at_once(path: Path, monitor: ChannelMonitor) -> None:
    use_channel_monitor(monitor)
    assert get_channel_monitor() is monitor
    check_api_error_and_alert(*CH, 402, "Insufficient Balance")
    check_api_error_and_alert(*OTHER, 429, "quota exceeded")
    for _ in range(3):
        check_api_error_and_alert("ch_3", "Third", 503, "overloaded")
    assert types(path) == ["low_balance", "quota_exhausted", "server_error"]


def test_a_request_of_the_clients_own_fault_counts_nowhere(path: Path, monitor: ChannelMonitor) -> None:
    for _ in range(50):
        monitor.observe_fault(*CH, Fault(FaultKind.REQUEST_REFUSED, "max_tokens is too large", 400))
    assert lines(path) == []
    assert monitor.get_channel_status()["error_counts"] == {}


def test_s6_a_key_in_an_error_text_is_neither_written_nor_delivered(path: Path, clock: SetClock) -> None:
    receiver = Receiver()
    ChannelMonitor(path, notifiers=[receiver], clock=clock).observe_fault(*CH, BAD_KEY)
    everything = "".join(file.read_text(encoding="utf-8") for file in path.parent.iterdir()) + repr(receiver.alerts)
    assert "0123456789abcdef" not in everything
    assert "Incorrect API key provided: ***" in everything


def test_a_success_ends_the_alert_and_the_list_says_so(monitor: ChannelMonitor, clock: SetClock) -> None:
    monitor.observe_fault(*CH, BAD_KEY)
    assert [alert.status for alert in monitor.get_recent_alerts()] == ["open"]
    clock.now += 60
    monitor.observe_success(*CH)
    assert [alert.status for alert in monitor.get_recent_alerts()] == ["resolved"]
    assert monitor.get_channel_status()["open_alerts"] == []


def test_still_failing_after_the_cool_down_is_told_again(path: Path, monitor: ChannelMonitor) -> None:
    for second in (0, 3599, 3600, 3601):
        monitor.observe_fault(*CH, BAD_KEY, NOON + second)
    assert [(line["notice"], line["timestamp"]) for line in lines(path)] == [
        (1, "2025-11-22T12:00:00Z"),
        (2, "2025-11-22T13:00:00Z"),
    ]
    assert len({line["id"] for line in lines(path)}) == 1


def test_a12_state_survives_a_restart(path: Path, clock: SetClock) -> None:
    before = ChannelMonitor(path, clock=clock)
    before.observe_fault(*CH, BAD_KEY)
    before.record_channel_error(*OTHER, "server_error", "500")
    before.record_channel_error(*OTHER, "server_error", "500")
    before.close()

    after = ChannelMonitor(path, clock=clock)
    after.observe_fault(*CH, BAD_KEY)  # known
    after.record_channel_error(*OTHER, "server_error", "500")  # the third
    assert types(path) == ["api_key_invalid", "server_error"]
    assert after.get_channel_status()["notified_channels"] == ["ch_openai_001", "ch_2"]


def test_an_alert_survives_even_without_a_proper_end(path: Path, clock: SetClock) -> None:
    ChannelMonitor(path, clock=clock).observe_fault(*CH, BAD_KEY)  # killed here
    ChannelMonitor(path, clock=clock).observe_fault(*CH, BAD_KEY)
    assert types(path) == ["api_key_invalid"]


def test_m1_39_m1_47_m1_48_recent_alerts_are_those_of_the_asked_hours(
    path: Path, monitor: ChannelMonitor, clock: SetClock
) -> None:
    monitor.observe_fault(*CH, BAD_KEY, NOON - 25 * 3600)
    monitor.observe_fault("ch_a", "A", BAD_KEY, NOON - 24 * 3600)
    monitor.observe_fault("ch_b", "B", BAD_KEY, NOON - 2 * 3600)
    assert [alert.channel_id for alert in monitor.get_recent_alerts()] == ["ch_a", "ch_b"]
    assert [alert.channel_id for alert in monitor.get_recent_alerts(hours=24)] == ["ch_a", "ch_b"]
    assert [alert.channel_id for alert in monitor.get_recent_alerts(hours=1)] == []
    assert [alert.channel_id for alert in monitor.get_recent_alerts(hours=168)] == ["ch_openai_001", "ch_a", "ch_b"]


def test_w3_lines_of_all_kinds_of_writers_are_listed(path: Path, monitor: ChannelMonitor, clock: SetClock) -> None:
    clock.now = 1_756_040_000.0  # 2025-08-24T12:53:20Z
    seed_line = GUIDE_LINE.replace("12:30:45Z", "12:40:45.619199Z").replace("ch_openai_001", "ch_micro")
    path.parent.mkdir()
    path.write_text(GUIDE_LINE + "\n" + '{"torn": \n' + seed_line + "\n", encoding="utf-8")
    monitor.observe_fault(*OTHER, BAD_KEY)
    found = monitor.get_recent_alerts()
    assert [alert.channel_id for alert in found] == ["ch_openai_001", "ch_micro", "ch_2"]
    assert [alert.timestamp for alert in found][1] == "2025-08-24T12:40:45.619199Z"
    assert [alert["status"] for alert in found] == [None, None, "open"]
    assert list(found[0].fields())[:6] == list(json.loads(GUIDE_LINE))


def test_m1_40_the_status_shows_who_is_in_alert(monitor: ChannelMonitor) -> None:
    monitor.observe_fault("ch_401", "K", BAD_KEY)
    for second in (0.619199, 1.0):
        monitor.observe_fault("ch_500", "E", SERVER_ERROR, NOON + second)
    status = monitor.get_channel_status()
    assert status["notified_channels"] == ["ch_401"]
    assert status["error_counts"] == {"ch_500": 2}
    assert status["last_error_times"] == {"ch_500": "2025-11-22T12:00:01Z"}
    (open_alert,) = status["open_alerts"]  # type: ignore[misc]
    assert (open_alert["channel_id"], open_alert["alert_type"], open_alert["occurrences"]) == (
        "ch_401",
        "api_key_invalid",
        1,
    )


def test_old_errors_are_not_shown_as_running(monitor: ChannelMonitor, clock: SetClock) -> None:
    monitor.observe_fault(*CH, SERVER_ERROR)
    clock.now += 300.1
    assert monitor.get_channel_status()["error_counts"] == {}


def test_m1_41_clearing_a_channel_clears_only_it_and_it_can_alert_again(path: Path, monitor: ChannelMonitor) -> None:
    monitor.observe_fault(*CH, BAD_KEY)
    monitor.observe_fault(*OTHER, BAD_KEY)
    monitor.clear_channel_notifications("ch_openai_001")
    monitor.clear_channel_notifications("ch_unknown")
    assert monitor.get_channel_status()["notified_channels"] == ["ch_2"]
    assert [alert.status for alert in monitor.get_recent_alerts()] == ["cleared", "open"]
    monitor.observe_fault(*CH, BAD_KEY)
    monitor.observe_fault(*OTHER, BAD_KEY)
    assert [line["channel_id"] for line in lines(path)] == ["ch_openai_001", "ch_2", "ch_openai_001"]


def test_m1_42_clearing_all_clears_all(path: Path, monitor: ChannelMonitor) -> None:
    monitor.observe_fault(*CH, BAD_KEY)
    monitor.observe_fault(*OTHER, SERVER_ERROR)
    monitor.clear_all_notifications()
    status = monitor.get_channel_status()
    assert (status["notified_channels"], status["error_counts"]) == ([], {})
    assert monitor.open_alert_counts() == {}
    assert types(path) == ["api_key_invalid"]


def test_m1_71_open_alerts_are_counted_for_metrics(monitor: ChannelMonitor) -> None:
    monitor.observe_fault(*CH, BAD_KEY)
    monitor.record_quota_exhausted(*CH)
    monitor.record_low_balance(*OTHER, 1)
    assert monitor.open_alert_counts() == {
        ("ch_openai_001", "api_key_invalid"): 1,
        ("ch_openai_001", "quota_exhausted"): 1,
        ("ch_2", "low_balance"): 1,
    }


def test_a12_a_measured_balance_is_one_alert_until_it_recovers(path: Path, clock: SetClock) -> None:
    receiver = Receiver()
    monitor = ChannelMonitor(path, notifiers=[receiver], clock=clock)
    for remaining in ("10", "9.99", "10.01", "9.99", "10.99"):
        monitor.observe_balance(*CH, Decimal(remaining), Decimal("10"))
        monitor.observe_success(*CH)
    monitor.observe_balance(*CH, Decimal("11"), Decimal("10"))
    assert receiver.told == ["low_balance:open", "low_balance:resolved"]
    assert lines(path)[0]["message"] == "渠道 OpenAI Official 余额不足，剩余: $9.9900"


def test_any_other_condition_is_reported_and_resolved(path: Path, clock: SetClock) -> None:
    receiver = Receiver()
    monitor = ChannelMonitor(path, notifiers=[receiver], clock=clock)
    for _ in range(3):
        monitor.record_alert(*CH, "price_missing", "模型 x 没有价格", {"model": "x"}, severity=Severity.CRITICAL)
        monitor.observe_success(*CH)
    monitor.resolve_alert("ch_openai_001", "price_missing")
    assert receiver.told == ["price_missing:open", "price_missing:resolved"]
    assert lines(path)[0]["severity"] == "critical"


def test_the_guides_attributes_can_be_read_and_set(path: Path, monitor: ChannelMonitor) -> None:
    assert monitor.max_errors_before_alert == 3
    assert monitor.error_time_window == timedelta(minutes=5)
    assert monitor.cooldown_period == timedelta(hours=1)
    monitor.max_errors_before_alert = 1
    monitor.cooldown_period = timedelta(minutes=1)
    monitor.error_time_window = timedelta(seconds=30)
    monitor.observe_fault(*CH, SERVER_ERROR, NOON)
    monitor.observe_fault(*CH, SERVER_ERROR, NOON + 60)
    assert types(path) == ["server_error", "server_error"]
    assert monitor.error_time_window == timedelta(seconds=30)
