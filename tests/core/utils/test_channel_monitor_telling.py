"""How the channel monitor tells: overrides, notifiers, full disks, several monitors, several threads."""

import errno
import io
import json
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from smart_ai_router.core.alerting import AlertOutbox
from smart_ai_router.core.utils.channel_monitor import ChannelMonitor
from smart_ai_router.domain.alert_rules import AlertRules
from smart_ai_router.domain.alerts import Details
from smart_ai_router.domain.faults import Fault, FaultKind
from tests.core.alert_samples import Receiver, SetClock

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


Sent = tuple[str, str, str, str, Details | None]


class OwnWay(ChannelMonitor):
    """Tells people in its own way as well."""

    sent: list[Sent]

    def _send_alert(
        self, channel_id: str, channel_name: str, alert_type: str, message: str, details: Details | None = None
    ) -> None:
        self.sent.append((channel_id, channel_name, alert_type, message, details))
        super()._send_alert(channel_id, channel_name, alert_type, f"[own] {message}", details)


class Instead(OwnWay):
    """Tells people only in its own way."""

    def _send_alert(
        self, channel_id: str, channel_name: str, alert_type: str, message: str, details: Details | None = None
    ) -> None:
        self.sent.append((channel_id, channel_name, alert_type, message, details))


def everything_once(monitor: ChannelMonitor) -> None:
    for _ in range(4):
        monitor.record_quota_exhausted(*CH, {"remaining_requests": 0})
        monitor.record_low_balance(*CH, Decimal("2.5"))
        monitor.record_api_key_invalid(*CH)
        monitor.record_channel_error(*CH, "server_error", "500")
    monitor.record_alert(*OTHER, "own_kind", "words")


EVERYTHING: list[Sent] = [
    (*CH, "quota_exhausted", "渠道 OpenAI Official 配额已用完", {"remaining_requests": 0}),
    (*CH, "low_balance", "渠道 OpenAI Official 余额不足，剩余: $2.5000", {"remaining_balance": Decimal("2.5")}),
    (*CH, "api_key_invalid", "渠道 OpenAI Official API密钥无效或已过期", None),
    (*CH, "server_error", "500", None),
    (*OTHER, "own_kind", "words", None),
]


def test_m1_67_an_override_of_send_alert_receives_each_alert_and_may_change_the_words(
    path: Path, clock: SetClock
) -> None:
    receiver = Receiver()
    monitor = OwnWay(path, notifiers=[receiver], clock=clock)
    monitor.sent = []
    everything_once(monitor)
    assert monitor.sent == EVERYTHING
    assert [line["message"] for line in lines(path)] == [f"[own] {each[3]}" for each in EVERYTHING]
    assert [alert.message for alert in receiver.alerts] == [f"[own] {each[3]}" for each in EVERYTHING]
    assert [alert.status for alert in monitor.get_recent_alerts()] == ["open"] * 5


def test_m1_67_an_override_may_replace_file_and_notifiers(path: Path, clock: SetClock) -> None:
    receiver = Receiver()
    monitor = Instead(path, notifiers=[receiver], clock=clock)
    monitor.sent = []
    everything_once(monitor)
    assert monitor.sent == EVERYTHING
    assert (lines(path), receiver.alerts) == ([], [])


class BrokenBefore(ChannelMonitor):
    """An override that fails before it sends."""

    def _send_alert(
        self, channel_id: str, channel_name: str, alert_type: str, message: str, details: Details | None = None
    ) -> None:
        raise RuntimeError("broken before")


class BrokenAfter(ChannelMonitor):
    """An override that fails after it sent."""

    def _send_alert(
        self, channel_id: str, channel_name: str, alert_type: str, message: str, details: Details | None = None
    ) -> None:
        super()._send_alert(channel_id, channel_name, alert_type, message, details)
        raise RuntimeError("broken after")


@pytest.mark.parametrize("broken", [BrokenBefore, BrokenAfter])
def test_m1_67_a_broken_override_loses_nothing_and_doubles_nothing(
    path: Path, clock: SetClock, broken: type[ChannelMonitor]
) -> None:
    receiver = Receiver()
    monitor = broken(path, notifiers=[receiver], clock=clock)
    monitor.observe_fault(*CH, BAD_KEY)
    monitor.observe_fault(*OTHER, BAD_KEY)
    assert [line["channel_id"] for line in lines(path)] == ["ch_openai_001", "ch_2"]
    assert receiver.told == ["api_key_invalid:open"] * 2


class Chained(ChannelMonitor):
    """An override that causes another alert while it tells of the first."""

    def _send_alert(
        self, channel_id: str, channel_name: str, alert_type: str, message: str, details: Details | None = None
    ) -> None:
        if alert_type == "api_key_invalid":
            self.record_alert("ch_chain", "Chain", "follow_up", "caused by another")
        super()._send_alert(channel_id, channel_name, alert_type, message, details)


def test_an_override_may_call_the_monitor_again(path: Path, clock: SetClock) -> None:
    monitor = Chained(path, clock=clock)
    monitor.observe_fault(*CH, BAD_KEY)
    assert types(path) == ["follow_up", "api_key_invalid"]
    assert [alert.status for alert in monitor.get_recent_alerts()] == ["open", "open"]


def test_send_alert_can_be_called_by_hand(path: Path, clock: SetClock) -> None:
    receiver = Receiver()
    monitor = ChannelMonitor(path, notifiers=[receiver], clock=clock)
    monitor._send_alert(*CH, "quota_exhausted", "渠道 OpenAI Official 配额已用完", {"remaining_requests": 0})
    monitor._send_alert(*CH, "quota_exhausted", "渠道 OpenAI Official 配额已用完")
    assert len({line["id"] for line in lines(path)}) == 2
    assert len(receiver.alerts) == 2


def test_m1_79_a_notifier_is_told_of_beginning_and_end_and_a_broken_one_is_tried_again(
    path: Path, clock: SetClock
) -> None:
    receiver = Receiver(failures=1)
    monitor = ChannelMonitor(path, notifiers=[receiver], clock=clock)
    monitor.observe_fault(*CH, BAD_KEY)
    assert receiver.told == []
    clock.now += 1
    monitor.tick()
    monitor.observe_success(*CH)
    assert receiver.told == ["api_key_invalid:open", "api_key_invalid:resolved"]
    (status,) = monitor.get_channel_status()["notifiers"]  # type: ignore[misc]
    assert (status["name"], status["delivered"], status["failed_tries"]) == ("receiver", 2, 1)


def test_an_outbox_of_somebody_else_is_filled_and_not_run(path: Path, clock: SetClock) -> None:
    receiver = Receiver()
    outbox = AlertOutbox([receiver], clock=clock)
    monitor = ChannelMonitor(path, outbox=outbox, clock=clock)
    monitor.observe_fault(*CH, BAD_KEY)
    monitor.tick()
    assert receiver.tries == 0
    outbox.deliver_due()
    assert receiver.told == ["api_key_invalid:open"]


def test_without_a_notifier_the_alert_is_in_the_programs_log(
    monitor: ChannelMonitor, caplog: pytest.LogCaptureFixture
) -> None:
    monitor.record_quota_exhausted(*CH)
    assert "渠道告警: 渠道 OpenAI Official 配额已用完" in caplog.messages


class FullDisk:
    """A log on a full disk."""

    def __init__(self) -> None:
        self.is_full = True
        self.file = io.BytesIO()

    def append(self, line: bytes) -> None:
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.file.write(line + b"\n")

    def newest_first(self) -> Iterator[bytes]:
        return reversed(self.file.getvalue().splitlines())


def test_d1_a_full_disk_delays_the_line_and_not_the_delivery(path: Path, clock: SetClock) -> None:
    log, receiver = FullDisk(), Receiver()
    monitor = ChannelMonitor(path, log=log, notifiers=[receiver], clock=clock)
    monitor.observe_fault(*CH, BAD_KEY)
    assert receiver.told == ["api_key_invalid:open"]
    assert monitor.get_recent_alerts() == []
    log.is_full = False
    monitor.tick()
    assert [alert.channel_id for alert in monitor.get_recent_alerts()] == ["ch_openai_001"]


class OneBook:
    """Claims that two monitors share."""

    def __init__(self) -> None:
        self.until: dict[tuple[str, str], float] = {}

    def claim(self, channel_id: str, kind: str, now: float, until: float) -> bool:
        if self.until.get((channel_id, kind), now) > now:
            return False
        self.until[channel_id, kind] = until
        return True

    def release(self, channel_id: str, kind: str) -> bool:
        return self.until.pop((channel_id, kind), None) is not None


def test_r6_an_alert_that_two_monitors_see_is_told_once_and_so_is_its_end(tmp_path: Path, clock: SetClock) -> None:
    claims, receiver = OneBook(), Receiver()
    first, second = (
        ChannelMonitor(tmp_path / name, notifiers=[receiver], claims=claims, clock=clock) for name in ("a", "b")
    )
    for _ in range(3):
        first.observe_fault(*CH, BAD_KEY)
        second.observe_fault(*CH, BAD_KEY)
    assert receiver.told == ["api_key_invalid:open"]
    second.observe_success(*CH)
    first.observe_success(*CH)
    assert receiver.told == ["api_key_invalid:open", "api_key_invalid:resolved"]


def test_many_threads_make_one_alert_of_each_kind_and_channel(path: Path, clock: SetClock) -> None:
    receiver = Receiver()
    monitor = ChannelMonitor(path, notifiers=[receiver], clock=clock, rules=AlertRules(error_rate_calls_min=10**6))
    barrier = threading.Barrier(8)

    def work() -> None:
        barrier.wait(10)
        for turn in range(50):
            monitor.observe_fault(f"ch_{turn % 5}", "N", BAD_KEY if turn % 2 else SERVER_ERROR)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    expected = {(f"ch_{number}", kind) for number in range(5) for kind in ("api_key_invalid", "server_error")}
    assert {(alert.channel_id, alert.alert_type) for alert in receiver.alerts} == expected
    assert len(receiver.alerts) == len(lines(path)) == 10
