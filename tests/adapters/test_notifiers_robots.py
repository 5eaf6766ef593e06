"""Group robots: the exact wire form of each vendor, signatures recomputed."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeAlias
from urllib.parse import parse_qs, urlsplit

import pytest

from smart_ai_router.adapters.notifiers import (
    DeliveryFailed,
    DingTalkNotifier,
    FeishuNotifier,
    HttpPoster,
    SlackNotifier,
    WeComNotifier,
)
from smart_ai_router.core.alerting import Notifier
from smart_ai_router.domain.alerts import AlertState, Severity
from tests.adapters.alert_receivers import HttpSink, http_sink
from tests.core.alert_samples import NOON, SetClock, alert

TEXT = (
    "【渠道告警 严重】渠道 Channel 1 配额已用完\n"
    "类型: quota_exhausted\n"
    "渠道: Channel 1 (ch_1)\n"
    "时间: 2025-11-22T12:00:00Z\n"
    "remaining_requests: 0\n"
    "reset_time: 2025-11-23T00:00:00Z\n"
    "编号: alt_1.1"
)
TO_LOOPBACK = HttpPoster(allow_private=True)

Make: TypeAlias = Callable[[HttpSink], Notifier]


@pytest.fixture
def sink() -> Iterator[HttpSink]:
    with http_sink() as sink:
        sink.reply = b'{"errcode":0,"errmsg":"ok","code":0,"msg":"success"}'
        yield sink


def dingtalk(sink: HttpSink, secret: str | None = None) -> DingTalkNotifier:
    url = sink.url("/robot/send?access_token=TOKEN")
    return DingTalkNotifier(url, secret, poster=TO_LOOPBACK, clock=SetClock(NOON + 0.0004))


def feishu(sink: HttpSink, secret: str | None = None) -> FeishuNotifier:
    return FeishuNotifier(sink.url("/open-apis/bot/v2/hook/TOKEN"), secret, poster=TO_LOOPBACK, clock=SetClock())


def wecom(sink: HttpSink) -> WeComNotifier:
    return WeComNotifier(sink.url("/cgi-bin/webhook/send?key=TOKEN"), poster=TO_LOOPBACK)


def slack(sink: HttpSink) -> SlackNotifier:
    return SlackNotifier(sink.url("/services/T/B/TOKEN"), poster=TO_LOOPBACK)


def test_dingtalk_gets_a_text_and_without_a_secret_no_signature(sink: HttpSink) -> None:
    dingtalk(sink).notify(alert())
    posted = sink.take()
    assert posted.path == "/robot/send?access_token=TOKEN"
    assert json.loads(posted.body) == {"msgtype": "text", "text": {"content": TEXT}, "at": {"isAtAll": False}}


def test_dingtalk_is_signed_in_the_address_with_milliseconds(sink: HttpSink) -> None:
    dingtalk(sink, "SECabc").notify(alert())
    query = parse_qs(urlsplit(sink.take().path).query, strict_parsing=True)
    assert query["access_token"] == ["TOKEN"]
    assert query["timestamp"] == ["1763812800000"]
    digest = hmac.new(b"SECabc", b"1763812800000\nSECabc", hashlib.sha256).digest()
    assert query["sign"] == [base64.b64encode(digest).decode()]


def test_every_character_of_a_signature_survives_the_address(sink: HttpSink) -> None:
    seen = ""
    for number in range(12):  # enough for + and / and = to occur
        dingtalk(sink, f"SEC{number}").notify(alert())
        (sign,) = parse_qs(urlsplit(sink.take().path).query)["sign"]
        expected = hmac.new(f"SEC{number}".encode(), f"1763812800000\nSEC{number}".encode(), hashlib.sha256).digest()
        assert base64.b64decode(sign, validate=True) == expected
        seen += sign
    assert {"+", "/", "="} <= set(seen)


def test_feishu_gets_a_text_and_without_a_secret_no_signature(sink: HttpSink) -> None:
    feishu(sink).notify(alert())
    posted = sink.take()
    assert posted.path == "/open-apis/bot/v2/hook/TOKEN"
    assert json.loads(posted.body) == {"msg_type": "text", "content": {"text": TEXT}}


def test_feishu_is_signed_in_the_body_with_the_secret_in_the_key(sink: HttpSink) -> None:
    feishu(sink, "s3cret").notify(alert())
    body = json.loads(sink.take().body)
    digest = hmac.new(b"1763812800\ns3cret", b"", hashlib.sha256).digest()
    assert (body["timestamp"], body["sign"]) == ("1763812800", base64.b64encode(digest).decode())
    assert body["content"] == {"text": TEXT}


def test_wecom_gets_a_text(sink: HttpSink) -> None:
    wecom(sink).notify(alert())
    posted = sink.take()
    assert posted.path == "/cgi-bin/webhook/send?key=TOKEN"
    assert json.loads(posted.body) == {"msgtype": "text", "text": {"content": TEXT}}


def test_slack_gets_a_text_and_may_answer_in_words(sink: HttpSink) -> None:
    sink.reply = b"ok"
    slack(sink).notify(alert())
    posted = sink.take()
    assert posted.path == "/services/T/B/TOKEN"
    assert json.loads(posted.body) == {"text": TEXT}


ALL: list[Make] = [dingtalk, feishu, wecom, slack]


@pytest.mark.parametrize("make", ALL)
def test_the_end_and_the_clearing_are_told_too(sink: HttpSink, make: Make) -> None:
    for state, heading in ((AlertState.RESOLVED, "【渠道告警 已恢复】"), (AlertState.CLEARED, "【渠道告警 已清除】")):
        make(sink).notify(alert(state=state, notice=2))
        assert heading in sink.take().body.decode()


@pytest.mark.parametrize("make", ALL)
def test_a_warning_is_not_called_critical(sink: HttpSink, make: Make) -> None:
    make(sink).notify(replace(alert(), severity=Severity.WARNING, details=None))
    assert "【渠道告警】渠道 Channel 1" in sink.take().body.decode()


@pytest.mark.parametrize("make", ALL)
def test_an_error_text_cannot_mention_everyone(sink: HttpSink, make: Make) -> None:
    make(sink).notify(replace(alert(), message='<at user_id="all">x</at> <!channel> @all'))
    text = sink.take().body.decode()
    if make in (feishu, slack):
        assert "<at" not in text
        assert "<!channel>" not in text
    else:  # plain text there mentions through fields only, and those are not set
        body = json.loads(text)
        assert set(body) <= {"msgtype", "text", "at"}
        assert set(body["text"]) == {"content"}
        assert body.get("at", {"isAtAll": False}) == {"isAtAll": False}


@pytest.mark.parametrize("make", ALL)
def test_a_text_fits_the_smallest_limit(sink: HttpSink, make: Make) -> None:
    details = {f"key{number}": "字" * 400 for number in range(5)}
    make(sink).notify(replace(alert(), details=details))
    content = json.loads(sink.take().body)
    text = content["text"] if isinstance(content.get("text"), str) else (content.get("text") or content["content"])
    text = text if isinstance(text, str) else text.get("content") or text["text"]
    assert 2040 < len(text.encode()) <= 2048
    assert text.endswith("…")


REFUSALS: list[tuple[Make, bytes]] = [
    (dingtalk, b'{"errcode":310000,"errmsg":"sign not match"}'),
    (dingtalk, b'{"errcode":130101,"errmsg":"send too fast"}'),
    (dingtalk, b"{}"),
    (dingtalk, b"<html>"),
    (dingtalk, b"[]"),
    (feishu, b'{"code":19021,"msg":"sign match fail or timestamp is not within one hour from current time"}'),
    (feishu, b'{"StatusCode":1,"StatusMessage":"no"}'),
    (feishu, b'{"code":9499,"StatusCode":0}'),
    (feishu, b""),
    (wecom, b'{"errcode":93000,"errmsg":"invalid webhook url"}'),
    (wecom, b'{"errcode":45009,"errmsg":"api freq out of limit"}'),
]


@pytest.mark.parametrize(("make", "reply"), REFUSALS)
def test_a_refusal_inside_a_200_is_not_delivered(sink: HttpSink, make: Make, reply: bytes) -> None:
    sink.reply = reply
    with pytest.raises(DeliveryFailed, match=r"refused the message|is not JSON"):
        make(sink).notify(alert())


@pytest.mark.parametrize("reply", [b'{"code":0}', b'{"StatusCode":0,"StatusMessage":"success"}'])
def test_both_of_feishus_ways_to_say_yes_are_understood(sink: HttpSink, reply: bytes) -> None:
    sink.reply = reply
    feishu(sink).notify(alert())


@pytest.mark.parametrize("make", ALL)
def test_an_http_error_is_not_delivered(sink: HttpSink, make: Make) -> None:
    sink.status = 503
    with pytest.raises(DeliveryFailed, match="503"):
        make(sink).notify(alert())


@pytest.mark.parametrize("make", ALL)
def test_s6_no_token_or_secret_is_shown(sink: HttpSink, make: Make) -> None:
    assert "TOKEN" not in repr(make(sink))
