"""Console, apprise, settings, and the threads that deliver."""

import importlib.util
import io
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from smart_ai_router.adapters.alert_files import PendingFile
from smart_ai_router.adapters.notifiers import (
    AddressRefused,
    AppriseNotifier,
    ConsoleNotifier,
    DeliveryFailed,
    DeliveryThreads,
    NotifierSettingsInvalid,
    NotifierUnavailable,
    notifiers_from,
)
from smart_ai_router.adapters.notifiers.settings import WebhookSettings
from smart_ai_router.core.alerting import AlertOutbox, Notifier
from smart_ai_router.core.utils.channel_monitor import ChannelMonitor
from smart_ai_router.domain.alerts import Alert, AlertState
from smart_ai_router.domain.faults import Fault, FaultKind
from tests.adapters.alert_receivers import WAIT_S, http_sink, smtp_sink
from tests.core.alert_samples import Receiver, alert


def test_m1_79_the_console_shows_one_line() -> None:
    stream = io.StringIO()
    ConsoleNotifier(stream).notify(alert())
    ConsoleNotifier(stream).notify(replace(alert(state=AlertState.RESOLVED, notice=2), channel_id="ch\x1b[2J"))
    assert stream.getvalue().splitlines() == [
        "2025-11-22T12:00:00Z open critical: 渠道 Channel 1 配额已用完 [quota_exhausted ch_1 alt_1.1]",
        "2025-11-22T12:00:00Z resolved critical: 渠道 Channel 1 配额已用完 [quota_exhausted ch [2J alt_1.2]",
    ]


def test_the_console_is_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    ConsoleNotifier().notify(alert())
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "配额已用完" in captured.err


class Outcome:
    """apprise's answer: an object that is true when the service took the message."""

    def __init__(self, taken: bool) -> None:
        self.taken = taken

    def __bool__(self) -> bool:
        return self.taken


class ManyServices(ModuleType):
    """Stands for the optional package: knows tgram:// and nothing else."""

    def __init__(self) -> None:
        super().__init__("apprise")
        self.sent: list[tuple[str, str]] = []
        self.answer: object = Outcome(True)

    def Apprise(self) -> "ManyServices":  # noqa: N802 - the package's own name
        return self

    def add(self, url: str) -> bool:
        return url.startswith("tgram://")

    def notify(self, *, body: str, title: str) -> object:
        self.sent.append((title, body))
        return self.answer


def test_m1_71_anything_else_goes_through_apprise() -> None:
    package = ManyServices()
    notifier = AppriseNotifier("tgram://token/chat", load=lambda name: package)
    notifier.notify(alert())
    ((title, body),) = package.sent
    assert title == "【渠道告警 严重】渠道 Channel 1 配额已用完"
    assert "remaining_requests: 0" in body
    for answer in (Outcome(False), False, None):
        package.answer = answer
        with pytest.raises(DeliveryFailed):
            notifier.notify(alert())


def test_apprise_without_its_package_says_what_to_install() -> None:
    def missing(name: str) -> ModuleType:
        raise ModuleNotFoundError(name)

    with pytest.raises(NotifierUnavailable, match=r"pip install 'smart-ai-router\[alerts\]'"):
        AppriseNotifier("tgram://token/chat", load=missing)


def test_s6_an_address_unknown_to_apprise_is_not_repeated() -> None:
    with pytest.raises(ValueError, match="does not know the service") as caught:
        AppriseNotifier("secret://hidden", load=lambda name: ManyServices())
    assert "hidden" not in str(caught.value)


@pytest.mark.skipif(importlib.util.find_spec("apprise") is None, reason="the optional package is not installed")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the package's own, at its import
def test_the_real_package_delivers_and_says_when_it_could_not(caplog: pytest.LogCaptureFixture) -> None:
    with http_sink() as first, http_sink() as second:
        second.status = 500
        urls = [f"json://127.0.0.1:{sink.port}/secret-path" for sink in (first, second)]
        one, two = notifiers_from([{"type": "apprise", "urls": urls}], trusted=True)
        one.notify(alert())
        assert json.loads(first.take().body)["title"].endswith("配额已用完")
        with pytest.raises(DeliveryFailed):
            two.notify(alert())
    assert "secret-path" not in caplog.text


SETTINGS: list[dict[str, object]] = [
    {"type": "console"},
    {"type": "webhook", "url": "https://ops.example.com/a", "secret": "s", "timeout_s": 3, "name": "ops"},
    {"type": "smtp", "host": "mail.example.com", "sender": "a@b.c", "recipients": ["d@e.f"], "security": "ssl"},
    {"type": "dingtalk", "url": "https://oapi.dingtalk.com/robot/send?access_token=x", "secret": "SECx"},
    {"type": "feishu", "url": "https://open.feishu.cn/open-apis/bot/v2/hook/x"},
    {"type": "wecom", "url": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=x"},
    {"type": "slack", "url": "https://hooks.slack.com/services/x"},
]


@pytest.mark.parametrize("trusted", [True, False])
def test_each_type_of_setting_makes_its_notifier(trusted: bool) -> None:
    notifiers = notifiers_from(SETTINGS, trusted=trusted)
    names = [getattr(notifier, "name", None) for notifier in notifiers]
    assert names == ["console", "ops", "smtp", "dingtalk", "feishu", "wecom", "slack"]
    assert [type(notifier).__name__ for notifier in notifiers] == [
        "ConsoleNotifier",
        "WebhookNotifier",
        "MailNotifier",
        "DingTalkNotifier",
        "FeishuNotifier",
        "WeComNotifier",
        "SlackNotifier",
    ]


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({}, "missing required field `type`"),
        ({"type": "pigeon"}, "Invalid value 'pigeon'"),
        ({"type": "webhook", "url": "https://a.example"}, "missing required field `secret`"),
        ({"type": "webhook", "url": "https://a.example", "secret": ""}, "needs a secret"),
        ({"type": "webhook", "url": "gopher://a.example", "secret": "hidden"}, "begins with http:// or https://"),
        ({"type": "slack", "url": 5}, r"Expected `str`, got `int` - at `\$.url`"),
        ({"type": "slack", "url": "https://a.example", "hidden": "x"}, "unknown field"),
        ({"type": "smtp", "host": "m", "sender": "s", "recipients": []}, "at least one recipient"),
        ({"type": "smtp", "host": "m", "sender": "s", "recipients": ["r"], "security": "none"}, "Invalid enum value"),
    ],
)
def test_a_wrong_setting_is_named_by_its_place(entry: dict[str, object], reason: str) -> None:
    with pytest.raises(NotifierSettingsInvalid, match=rf"^notifiers\[1\]: .*{reason}"):
        notifiers_from([{"type": "console"}, entry], trusted=True)


def test_s6_settings_show_their_name_and_no_secret() -> None:
    shown = repr(WebhookSettings(url="https://ops.example.com/hidden", secret="hidden", name="ops"))
    assert shown == "WebhookSettings(name='ops')"


def test_s8_apprise_cannot_be_configured_by_api() -> None:
    with pytest.raises(NotifierSettingsInvalid, match="in the file only"):
        notifiers_from([{"type": "apprise", "urls": ["json://10.0.0.1"]}], trusted=False)


def test_s8_a_target_from_the_file_may_be_private_and_one_from_the_api_may_not() -> None:
    with http_sink() as sink:
        entry = {"type": "webhook", "url": sink.url(), "secret": "x"}
        (from_api,) = notifiers_from([entry], trusted=False)
        with pytest.raises(AddressRefused):
            from_api.notify(alert())
        assert sink.connections == 0
        (from_file,) = notifiers_from([entry], trusted=True)
        from_file.notify(alert())
        assert sink.take().body


@contextmanager
def running(outbox: AlertOutbox) -> Iterator[None]:
    threads = DeliveryThreads(outbox)
    threads.start()
    try:
        yield
    finally:
        threads.close()


def test_m1_79_an_alert_is_at_all_sinks_within_a_second_of_the_failure(tmp_path: Path) -> None:
    console = io.StringIO()
    with http_sink() as sink, smtp_sink() as mail:
        sink.reply = b'{"errcode":0,"code":0}'
        kinds: list[dict[str, object]] = [
            {"type": "webhook", "url": sink.url("/webhook"), "secret": "s"},
            {"type": "dingtalk", "url": sink.url("/dingtalk"), "secret": "s"},
            {"type": "feishu", "url": sink.url("/feishu"), "secret": "s"},
            {"type": "wecom", "url": sink.url("/wecom")},
            {"type": "slack", "url": sink.url("/slack")},
            {
                "type": "smtp",
                "host": "127.0.0.1",
                "port": mail.port,
                "security": "plain",
                "sender": "a@b.c",
                "recipients": ["d@e.f"],
            },
        ]
        outbox = AlertOutbox([ConsoleNotifier(console), *notifiers_from(kinds, trusted=True)], clock=time.time)
        monitor = ChannelMonitor(tmp_path / "logs" / "channel_alerts.jsonl", outbox=outbox)
        with running(outbox):
            # when
            started = time.monotonic()
            monitor.observe_fault("ch_1", "One", Fault(FaultKind.API_KEY_INVALID, "no", 401))
            observed_s = time.monotonic() - started
            paths = {sink.take().path.partition("?")[0] for _ in range(5)}
            mail.mails.get(timeout=WAIT_S)
            delivered_s = time.monotonic() - started
    # then
    assert paths == {"/webhook", "/dingtalk", "/feishu", "/wecom", "/slack"}
    assert "API密钥无效或已过期" in console.getvalue()
    assert delivered_s < 1.0
    assert observed_s < 0.2


class Stuck:
    """A receiver that never answers, until let go."""

    name = "stuck"

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.let_go = threading.Event()

    def notify(self, alert_: Alert) -> None:
        self.entered.set()
        self.let_go.wait(WAIT_S)


class Arrival:
    """A notifier that tells when something arrives."""

    name = "arrival"

    def __init__(self) -> None:
        self.arrived = threading.Event()

    def notify(self, alert_: Alert) -> None:
        self.arrived.set()


def test_a_stuck_receiver_delays_neither_the_caller_nor_other_receivers() -> None:
    stuck, arrival = Stuck(), Arrival()
    notifiers: list[Notifier] = [stuck, arrival]
    outbox = AlertOutbox(notifiers, clock=time.time)
    with running(outbox):
        outbox.put(alert(1))
        assert stuck.entered.wait(WAIT_S)
        assert arrival.arrived.wait(WAIT_S)
        arrival.arrived.clear()
        started = time.monotonic()
        outbox.put(alert(2))
        assert time.monotonic() - started < 0.1
        assert arrival.arrived.wait(WAIT_S)
        stuck.let_go.set()


def test_a_failed_delivery_is_tried_again_by_the_thread_itself() -> None:
    arrived = threading.Event()

    class SecondTime(Receiver):
        def notify(self, alert_: Alert) -> None:
            super().notify(alert_)
            arrived.set()

    receiver = SecondTime(failures=1)
    outbox = AlertOutbox([receiver], clock=time.time)
    with running(outbox):
        outbox.put(alert())
        assert arrived.wait(WAIT_S)
    assert (receiver.tries, len(receiver.alerts)) == (2, 1)


def test_what_was_pending_at_the_end_is_delivered_after_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "alert_deliveries.jsonl"
    down = AlertOutbox([Receiver("arrival", failures=99)], clock=time.time, pending=PendingFile(path))
    with running(down):
        down.put(alert())
    arrival = Arrival()
    with running(AlertOutbox([arrival], clock=time.time, pending=PendingFile(path))):
        assert arrival.arrived.wait(WAIT_S)


def test_closing_does_not_wait_for_a_stuck_receiver() -> None:
    stuck = Stuck()
    outbox = AlertOutbox([stuck], clock=time.time)
    threads = DeliveryThreads(outbox)
    threads.start()
    outbox.put(alert())
    assert stuck.entered.wait(WAIT_S)
    started = time.monotonic()
    threads.close(wait_s=0.1)
    assert time.monotonic() - started < 2
    stuck.let_go.set()


def test_a_receiver_that_is_added_while_running_gets_a_thread_and_one_that_is_gone_loses_it() -> None:
    first, second = Arrival(), Arrival()
    first.name, second.name = "first", "second"
    outbox = AlertOutbox([first], clock=time.time)
    threads = DeliveryThreads(outbox)
    threads.start()
    try:
        (old,) = (each for each in threading.enumerate() if each.name == "alerts-first")
        outbox.use_notifiers([second])
        threads.follow()
        outbox.put(alert())
        assert second.arrived.wait(WAIT_S)
        old.join(WAIT_S)
        assert not old.is_alive()
        assert not first.arrived.is_set()
    finally:
        threads.close()


def test_a_receiver_that_comes_back_is_served_again() -> None:
    arrival = Arrival()
    outbox = AlertOutbox([arrival], clock=time.time)
    with running(outbox):
        threads = [each for each in threading.enumerate() if each.name == f"alerts-{arrival.name}"]
        outbox.use_notifiers([])
        for thread in threads:
            thread.join(WAIT_S)
    again = DeliveryThreads(outbox)
    outbox.use_notifiers([arrival])
    again.follow()
    try:
        outbox.put(alert())
        assert arrival.arrived.wait(WAIT_S)
    finally:
        again.close()
