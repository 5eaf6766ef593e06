"""An alert in words, for mails and chats."""

from collections.abc import Mapping

from smart_ai_router.core.plain_json import encode_plain
from smart_ai_router.domain.alert_words import clean_text, utc_text
from smart_ai_router.domain.alerts import Alert, AlertState, Severity

_HEADINGS = {
    AlertState.OPEN: "渠道告警",
    AlertState.RESOLVED: "渠道告警 已恢复",
    AlertState.CLEARED: "渠道告警 已清除",
}


def title_of(alert: Alert) -> str:
    """One line: what kind of notice it is, and its message."""
    heading = _HEADINGS[alert.state]
    if alert.state is AlertState.OPEN and alert.severity is Severity.CRITICAL:
        heading += " 严重"
    return f"【{heading}】{alert.message}"


def text_of(alert: Alert) -> str:
    """A few lines for people, without anything that a chat would take for markup beyond the message itself."""
    lines = [
        title_of(alert),
        f"类型: {clean_text(alert.alert_type)}",
        f"渠道: {alert.channel_name} ({clean_text(alert.channel_id)})",
        f"时间: {utc_text(alert.timestamp)}",
    ]
    if alert.details:
        lines += [f"{name}: {_value_text(value)}" for name, value in alert.details.items()]
    return "\n".join([*lines, f"编号: {alert.delivery_id}"])


def cut_to_bytes(text: str, bytes_max: int) -> str:
    """The text's start that fits into so many bytes of UTF-8, with an ellipsis if something is missing."""
    data = text.encode()
    if len(data) <= bytes_max:
        return text
    return data[: bytes_max - 3].decode(errors="ignore") + "…"


def _value_text(value: object) -> str:
    if isinstance(value, str):
        return value
    return encode_plain(value if isinstance(value, Mapping) else [value]).decode().removeprefix("[").removesuffix("]")
