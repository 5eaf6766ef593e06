"""Mail over SMTP: what arrives, and in which ways it may travel."""

import email
import email.policy
from dataclasses import replace
from pathlib import Path

import pytest

from smart_ai_router.adapters.notifiers import AddressRefused, DeliveryFailed, MailNotifier
from smart_ai_router.domain.alerts import AlertState
from tests.adapters.alert_receivers import WAIT_S, SmtpSink, smtp_sink, tls_pair, to_loopback
from tests.core.alert_samples import alert

TO = ("ops@example.com", "值班 <duty@example.com>")


def mailer(sink: SmtpSink, host: str = "127.0.0.1", **settings: object) -> MailNotifier:
    settings = {"security": "plain", "allow_private": True, **settings}
    return MailNotifier(host, "router@example.com", TO, port=sink.port, **settings)  # type: ignore[arg-type]


def test_m1_68_a_mail_arrives_with_the_alert_in_words() -> None:
    with smtp_sink() as sink:
        mailer(sink).notify(alert())
        sender, recipients, raw = sink.mails.get(timeout=WAIT_S)
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert (sender, recipients) == ("<router@example.com>", ["ops@example.com", "duty@example.com"])
    assert mail["subject"] == "【渠道告警 严重】渠道 Channel 1 配额已用完"
    assert mail["from"] == "router@example.com"
    assert "duty@example.com" in mail["to"]
    assert mail["date"] == "Sat, 22 Nov 2025 12:00:00 +0000"
    assert mail["message-id"] == "<alt_1.1@smart-ai-router>"
    assert mail["auto-submitted"] == "auto-generated"
    body = mail.get_content()
    assert "类型: quota_exhausted" in body
    assert "reset_time: 2025-11-23T00:00:00Z" in body


def test_the_end_is_mailed_too() -> None:
    with smtp_sink() as sink:
        mailer(sink).notify(alert(state=AlertState.RESOLVED, notice=2))
        _, _, raw = sink.mails.get(timeout=WAIT_S)
    assert "已恢复" in email.message_from_bytes(raw, policy=email.policy.default)["subject"]


def test_starttls_encrypts_before_the_password_is_said(tmp_path: Path) -> None:
    server, client = tls_pair(tmp_path, "mail.test")
    with smtp_sink(starttls=server) as sink:
        mailer(
            sink,
            "mail.test",
            security="starttls",
            tls=client,
            lookup=to_loopback,
            username="router",
            password="hunter2",
        ).notify(alert())
        sink.mails.get(timeout=WAIT_S)
        verbs = [command.split()[0].upper() for command in sink.commands]
    assert verbs.index("STARTTLS") < verbs.index("AUTH") < verbs.index("DATA")


def test_tls_from_the_start_works_and_a_wrong_name_does_not(tmp_path: Path) -> None:
    server, client = tls_pair(tmp_path, "mail.test")
    with smtp_sink(tls=server) as sink:
        mailer(sink, "mail.test", security="ssl", tls=client, lookup=to_loopback).notify(alert())
        sink.mails.get(timeout=WAIT_S)
        with pytest.raises(OSError, match="certificate verify failed"):
            mailer(sink, "other.test", security="ssl", tls=client, lookup=to_loopback).notify(alert())
        assert sink.mails.empty()


@pytest.mark.parametrize("security", ["starttls", "ssl"])
def test_an_unknown_certificate_is_refused(tmp_path: Path, security: str) -> None:
    server, _ = tls_pair(tmp_path, "mail.test")
    contexts = {"starttls": {"starttls": server}, "ssl": {"tls": server}}[security]
    with smtp_sink(**contexts) as sink:  # type: ignore[arg-type]
        with pytest.raises(OSError, match="certificate verify failed"):
            mailer(sink, "mail.test", security=security, lookup=to_loopback).notify(alert())
        assert sink.mails.empty()


def test_a_server_without_starttls_gets_nothing() -> None:
    with smtp_sink() as sink:
        with pytest.raises(Exception, match="STARTTLS extension not supported"):
            mailer(sink, security="starttls").notify(alert())
        assert sink.mails.empty()


def test_mail_in_clear_goes_to_this_machine_only() -> None:
    notifier = MailNotifier(
        "mail.test",
        "a@b.c",
        TO,
        security="plain",
        allow_private=True,
        lookup=lambda host, port: ["10.0.0.5"],
    )
    with pytest.raises(AddressRefused, match=r"to this machine only, not to 10\.0\.0\.5"):
        notifier.notify(alert())


def test_s8_a_mail_server_inside_is_refused_unless_allowed() -> None:
    with smtp_sink() as sink:
        with pytest.raises(AddressRefused, match="not a public address"):
            mailer(sink, allow_private=False).notify(alert())
        assert sink.commands == []


def test_a_refused_recipient_is_named_and_not_delivered() -> None:
    with smtp_sink(refused=frozenset(("duty@example.com",))) as sink:
        with pytest.raises(DeliveryFailed, match=r"refused duty@example\.com"):
            mailer(sink).notify(alert())
        assert sink.mails.get(timeout=WAIT_S)[1] == ["ops@example.com"]


def test_a_message_cannot_add_headers() -> None:
    with smtp_sink() as sink:
        with pytest.raises(ValueError, match="linefeed"):
            mailer(sink).notify(replace(alert(), message="x\r\nBcc: everyone@example.com"))
        assert sink.mails.empty()


def test_a_mail_without_recipients_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one recipient"):
        MailNotifier("mail.test", "a@b.c", [])


@pytest.mark.parametrize(("security", "port"), [("starttls", 587), ("ssl", 465), ("plain", 25)])
def test_each_way_has_its_port(security: str, port: int) -> None:
    asked = []

    def note(host: str, port: int) -> list[str]:
        asked.append(port)
        return ["10.0.0.1"]

    notifier = MailNotifier("mail.test", "a@b.c", TO, security=security, lookup=note)  # type: ignore[arg-type]
    with pytest.raises(AddressRefused):
        notifier.notify(alert())
    assert asked == [port]


def test_s6_the_password_is_not_shown() -> None:
    assert "hidden" not in repr(MailNotifier("m", "a@b.c", TO, username="u", password="hidden"))
