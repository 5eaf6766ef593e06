"""Rows M1.24 to M1.31, M1.39 to M1.42, M1.68, M1.69, M1.71, M1.77, M1.79: a channel that fails, and who is told.

Each kind of failure has a channel of its own, so that no test waits for another's.
"""

import email
import email.policy
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest

from smart_ai_router.adapters.notifiers.webhook import signature_of
from smart_ai_router.testing.upstream import UpstreamServer
from tests.adapters.alert_receivers import HttpSink, SmtpSink, http_sink, smtp_sink
from tests.core.alert_samples import GUIDE_LINE
from tests.e2e.fault_harness import until
from tests.e2e.router_harness import Router, channel, running

SECRET = "webhook-secret-of-this-test"
GUIDE_KEYS = ["channel_id", "channel_name", "alert_type", "message", "timestamp", "details"]
OLD_HOURS = (100, 25, 23)  # of the lines that stand in the file beside the guide's own


class Scene(NamedTuple):
    """A router that fails where it is asked to, and those who hear of it."""

    router: Router
    webhook: HttpSink
    mailbox: SmtpSink


def old_line(hours: float) -> str:
    """The guide's alert, some hours ago."""
    alert = json.loads(GUIDE_LINE)
    alert["timestamp"] = f"{datetime.now(UTC) - timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"
    return json.dumps(alert, ensure_ascii=False)


@pytest.fixture(scope="module")
def scene(upstream: UpstreamServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    url = upstream.base_url
    kinds = {
        "ch_openai_001": ("gpt-4o-mini", "status-429-quota", "OpenAI Official"),
        "ch_401": ("locked-out", "status-401", "Locked Out"),
        "ch_402": ("penniless", "status-402-deepseek", "Penniless"),
        "ch_500": ("broken", "status-500", "Broken"),
        "ch_half": ("flaky", "status-500,every=2", "Flaky"),
        "ch_errs": ("erring", "status-500", "Erring"),
        "ch_again": ("again", "status-429-quota", "Again"),
        "ch_push": ("push", "status-401", "Push"),
        "ch_metric": ("metric", "status-401", "Metric"),
    }
    channels = [channel(key, url, model, fault, name=name) for key, (model, fault, name) in kinds.items()]
    folder = tmp_path_factory.mktemp("alerts")
    (folder / "logs").mkdir()
    lines = (GUIDE_LINE, *map(old_line, OLD_HOURS))
    (folder / "logs" / "channel_alerts.jsonl").write_text("".join(f"{line}\n" for line in lines))
    with http_sink() as webhook, smtp_sink() as mailbox:
        mail = {"type": "smtp", "host": "127.0.0.1", "port": mailbox.port, "security": "plain"}
        mail |= {"sender": "router@example.com", "recipients": ["ops@example.com"]}
        notifiers = [{"type": "webhook", "url": webhook.url(), "secret": SECRET}, mail]
        monitoring = {"error_rate_calls_min": 6, "alerts": {"notifiers": notifiers}}
        with running(folder, {"channels": channels, "monitoring": monitoring}) as router:
            yield Scene(router, webhook, mailbox)


def recent(router: Router, **parameters: object) -> dict[str, Any]:
    found: dict[str, Any] = router.stats("alerts", **parameters)
    return found


def test_m1_24_m1_28_to_m1_31_an_exhausted_quota_is_one_line_in_the_guides_words(scene: Scene) -> None:
    for _ in range(3):
        scene.router.chat("gpt-4o-mini")

    alert = scene.router.wait_for_alert("ch_openai_001", "quota_exhausted", count=len(OLD_HOURS) + 2)

    assert list(alert)[:6] == GUIDE_KEYS
    assert alert["channel_name"] == "OpenAI Official"
    assert alert["message"] == "渠道 OpenAI Official 配额已用完"
    assert datetime.fromisoformat(alert["timestamp"]).tzinfo == UTC
    assert alert["timestamp"].endswith("Z")
    assert alert["details"]["remaining_requests"] == 0
    reset = datetime.fromisoformat(alert["details"]["reset_time"])
    assert alert["details"]["reset_time"].endswith("Z")
    ahead = reset - datetime.fromisoformat(alert["timestamp"])
    assert abs(ahead - timedelta(minutes=6)) < timedelta(seconds=2)  # the upstream's header said 6m0s


def test_m1_25_an_account_without_money_is_alerted(scene: Scene) -> None:
    scene.router.chat("penniless")

    alert = scene.router.wait_for_alert("ch_402", "low_balance")
    assert alert["message"].startswith("渠道 Penniless 余额不足")


def test_m1_26_a_key_that_is_refused_is_alerted_once(scene: Scene) -> None:
    for _ in range(2):
        scene.router.chat("locked-out")

    alert = scene.router.wait_for_alert("ch_401", "api_key_invalid")
    assert alert["message"] == "渠道 Locked Out API密钥无效或已过期"
    assert "sk-upstream" not in scene.router.said() + json.dumps(alert)


def test_m1_27_errors_and_a_high_error_rate_are_alerted(scene: Scene) -> None:
    for _ in range(3):
        scene.router.chat("broken")
    for _ in range(6):
        scene.router.chat("flaky")

    assert scene.router.wait_for_alert("ch_500", "server_error")["message"] == "The server had an error."
    rate = scene.router.wait_for_alert("ch_half", "error_rate")
    assert (rate["details"]["failed_calls"], rate["details"]["calls"]) == (3, 6)


def test_m1_39_alerts_lists_what_was_alerted_oldest_first(scene: Scene) -> None:
    scene.router.chat("locked-out")
    scene.router.wait_for_alert("ch_401", "api_key_invalid")

    data = recent(scene.router)

    assert list(data)[:4] == ["time_range_hours", "total_alerts", "alert_counts", "alerts"]
    assert data["total_alerts"] == len(data["alerts"]) == sum(data["alert_counts"].values())
    assert data["alert_counts"]["api_key_invalid"] >= 1
    times = [datetime.fromisoformat(alert["timestamp"]) for alert in data["alerts"]]
    assert times == sorted(times)
    on_file = scene.router.alerts("ch_401")[0]
    assert on_file.items() <= next(each for each in data["alerts"] if each["channel_id"] == "ch_401").items()


def test_m1_47_m1_48_alerts_are_those_of_the_asked_hours_and_of_a_day_by_default(scene: Scene) -> None:
    def old_ones(**parameters: object) -> int:
        listed = recent(scene.router, **parameters)["alerts"]
        return sum(alert["details"] == json.loads(GUIDE_LINE)["details"] for alert in listed)

    assert [old_ones(hours=hours) for hours in (1, 24, 26, 168)] == [0, 1, 2, 3]
    assert old_ones() == 1
    assert recent(scene.router)["time_range_hours"] == 24
    for hours in ("0", "169", "day"):
        assert scene.router.admin("GET", f"/v1/stats/alerts?hours={hours}").status == 422


def test_m1_77_the_guides_own_alert_is_read_without_loss(scene: Scene) -> None:
    given = json.loads(old_line(23))

    shown = [alert for alert in recent(scene.router)["alerts"] if alert["details"] == given["details"]]

    assert len(shown) == 1
    shown_keys = {key: value for key, value in shown[0].items() if key in given}
    assert {**shown_keys, "timestamp": ""} == {**given, "timestamp": ""}


def test_m1_40_the_channel_status_shows_who_is_in_alert_and_who_errs(scene: Scene) -> None:
    scene.router.chat("locked-out")
    scene.router.wait_for_alert("ch_401", "api_key_invalid")
    for _ in range(2):
        scene.router.chat("erring")
    until(lambda: "ch_errs" in scene.router.stats("channel-status")["error_counts"], 5, "the errors are counted")

    status = scene.router.stats("channel-status")

    assert {"notified_channels", "error_counts", "last_error_times"} <= set(status)
    assert "ch_401" in status["notified_channels"]
    assert "ch_errs" not in status["notified_channels"]  # two errors are none too many
    assert status["error_counts"]["ch_errs"] == 2
    assert status["last_error_times"]["ch_errs"].endswith("Z")


def test_m1_41_m1_42_clearing_one_channel_or_all_lets_them_alert_again(scene: Scene) -> None:
    # given: two channels in alert
    router = scene.router
    router.chat("again")
    router.wait_for_alert("ch_again", "quota_exhausted")
    router.chat("locked-out")
    router.wait_for_alert("ch_401", "api_key_invalid")

    # when: one is cleared
    answer = router.admin("POST", "/v1/stats/clear-alerts/ch_again")

    # then: only that one, and it alerts again
    assert (answer.status, answer.json) == (200, {"success": True, "message": "已清除渠道 ch_again 的告警状态"})
    notified = router.stats("channel-status")["notified_channels"]
    assert "ch_again" not in notified
    assert "ch_401" in notified
    until(lambda: router.chat("again").status and len(router.alerts("ch_again")) == 2, 5, "it is told a second time")

    # when: all are cleared
    answer = router.admin("POST", "/v1/stats/clear-all-alerts")

    # then
    assert (answer.status, answer.json) == (200, {"success": True, "message": "已清除所有渠道的告警状态"})
    assert router.stats("channel-status")["notified_channels"] == []
    unknown = router.admin("POST", "/v1/stats/clear-alerts/ch_nobody")
    assert (unknown.status, unknown.json["success"]) == (200, True)


def test_m1_68_m1_69_m1_79_an_alert_is_pushed_to_console_webhook_and_mail_within_a_second(scene: Scene) -> None:
    # when
    begun = time.monotonic()
    scene.router.chat("push")

    # then: the webhook has it, signed
    def pushed() -> bytes | None:
        return next((each.body for each in list(scene.webhook.posted.queue) if b'"ch_push"' in each.body), None)

    until(pushed, 5, "the webhook is called")
    assert time.monotonic() - begun < 1.5  # a second, and half of one for a busy machine
    posted = next(each for each in list(scene.webhook.posted.queue) if b'"ch_push"' in each.body)
    sent = json.loads(posted.body)
    assert sent["message"] == "渠道 Push API密钥无效或已过期"
    expected = signature_of(SECRET.encode(), posted.headers["x-smart-ai-router-timestamp"], posted.body)
    assert posted.headers["x-smart-ai-router-signature"] == f"sha256={expected}"

    # and: the console and a mail say the same
    assert "渠道 Push API密钥无效或已过期" in scene.router.said()
    until(lambda: any(b"ch_push" in mail for _, _, mail in list(scene.mailbox.mails.queue)), 5, "a mail arrives")
    sender, recipients, mail = next(each for each in list(scene.mailbox.mails.queue) if b"ch_push" in each[2])
    assert ("router@example.com" in sender, recipients) == (True, ["ops@example.com"])
    body = email.message_from_bytes(mail, policy=email.policy.default).get_body()
    assert body is not None
    assert "渠道 Push API密钥无效或已过期" in body.get_content()


def test_m1_71_other_monitoring_reads_open_alerts_from_metrics(scene: Scene) -> None:
    scene.router.chat("metric")
    scene.router.wait_for_alert("ch_metric", "api_key_invalid")

    metrics = scene.router.admin("GET", "/metrics")

    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'router_alerts_open{channel="ch_metric",kind="api_key_invalid"} 1.0' in metrics.body.decode()
