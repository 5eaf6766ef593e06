"""Reads the body of an upstream's error, in any of the shapes that vendors use, into one value.

Shapes: {"error": {message, type, code, param}} (OpenAI and most), {"error": {code, status, message, details}} (Gemini,
also in a list), {"type": "error", "error": {...}} (Anthropic), {"error": "text"}, {"code", "message"} (DashScope,
SiliconFlow), {"base_resp": {status_code, status_msg}} (MiniMax), {"error_code", "error_msg"}, {"detail"}, {"message"},
an HTML page, plain text, nothing. Never raises, whatever the bytes.
"""

import json
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from smart_ai_router.domain.reply_hints import duration_s

BODY_BYTES_MAX: Final = 64 * 1024  # an error message is short; the rest of a long body is not looked at
TEXT_LENGTH_MAX: Final = 8192  # what is searched for words and keys
HTML_LENGTH_MAX: Final = 4096  # the title of an error page stands at its beginning
MESSAGE_LENGTH_MAX: Final = 500

_TITLE: Final = re.compile(r"<title[^>]{0,100}>([^<]{1,300})", re.IGNORECASE)
_ELEMENT: Final = re.compile(r"<[^>]{0,1000}>")
_SECRETS: Final = (
    (re.compile(r"(?i)\b(bearer|basic)[\s:]+[^\s\"',;]+"), r"\1 ***"),
    (re.compile(r"(?i)\b(sk|pk|rk|gsk|hf|xai|pplx|nvapi|fw|r8|tgp|ak)([-_])[^\s\"',;)\]}]{4,}"), r"\1\2***"),
    (re.compile(r"(?i)(key provided[\s:]+)[^\s\"',;]+"), r"\1***"),
    (re.compile(r"\bAIza[A-Za-z0-9_-]{10,}"), "AIza***"),
    (
        re.compile(r"(?i)(api[-_ ]?key|access[-_ ]?token|authorization|secret)([\"']?\s*[=:]\s*[\"']?)[^\s\"',;)\]}]+"),
        r"\1\2***",
    ),
    (re.compile(r"\b(?=[A-Za-z0-9]*[0-9])(?=[A-Za-z0-9]*[A-Za-z])[A-Za-z0-9]{32,}(?:\.[A-Za-z0-9]{8,})?"), "***"),
)


class Numbering(StrEnum):
    """How an error number was written; vendors use the same numbers for different things."""

    INTEGER = "integer"
    STRING = "string"
    MINIMAX = "minimax"  # in base_resp


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """What an error body says."""

    message: str = ""  # as it came, without control characters
    codes: tuple[str, ...] = ()  # its code, reasons, type and status words in lower case, the most exact first
    status: int | None = None  # an HTTP status that stands in the body
    number: int | None = None  # the vendor's own error number
    numbering: Numbering = Numbering.INTEGER
    is_page: bool = False  # words that are no JSON object: a proxy, a firewall or another server answered
    retry_after_s: float | None = None
    headers: dict[str, str] = field(default_factory=dict)  # rate-limit headers of the provider behind a relay


def read_error_body(body: bytes) -> ErrorBody:
    """Read what can be read."""
    head = body[:BODY_BYTES_MAX]
    text = head.decode("utf-8", "replace").strip()
    if text[:1] in {"{", "["}:
        try:
            value: object = json.loads(text)
        except (ValueError, RecursionError):
            return ErrorBody(message=clean(text), is_page=True)
        if isinstance(value, list):
            value = value[0] if value else {}
        if isinstance(value, dict):
            return _read_object({str(key): each for key, each in value.items()})
    if text[:1] == "<":
        page = text[:HTML_LENGTH_MAX]
        title = _TITLE.search(page)
        return ErrorBody(message=clean(title[1] if title else _ELEMENT.sub(" ", page)), is_page=True)
    return ErrorBody(message=clean(text), is_page=bool(text))


def clean(text: str) -> str:
    """One line of printable characters. Of a long text the beginning, without the word that the cut goes through."""
    if len(text) > TEXT_LENGTH_MAX:
        head, space, _ = text[:TEXT_LENGTH_MAX].rpartition(" ")
        text = head if space else text[:TEXT_LENGTH_MAX]
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def told(message: str) -> str:
    """A message that may be kept and shown: nothing in it looks like a key, and it has at most 500 characters."""
    for pattern, replacement in _SECRETS:
        message = pattern.sub(replacement, message)
    return message if len(message) <= MESSAGE_LENGTH_MAX else message[: MESSAGE_LENGTH_MAX - 1] + "…"


def _read_object(value: dict[str, object]) -> ErrorBody:
    minimax = value.get("base_resp")
    if isinstance(minimax, dict) and _whole(minimax.get("status_code")):
        return ErrorBody(
            message=_text(minimax.get("status_msg")),
            number=_whole(minimax.get("status_code")),
            numbering=Numbering.MINIMAX,
        )
    error = value.get("error")
    if isinstance(error, list):
        error = error[0] if error else None
    if isinstance(error, str):
        value = {**value, "message": _text(value.get("message")) or error}
        error = None
        value.setdefault("code", value["error"])
    inner = {str(key): each for key, each in error.items()} if isinstance(error, dict) else value
    reasons, waits = _read_details(inner.get("details"))
    metadata = inner.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    code = inner.get("code", inner.get("error_code", value.get("code")))
    number = _whole(code)
    if "flagged_input" in metadata or "reasons" in metadata:
        reasons.append("content_filter")  # OpenRouter's moderation
    words = (code, *reasons, inner.get("type"), inner.get("status"), metadata.get("error_type"))
    is_status = number is not None and 400 <= number <= 599
    return ErrorBody(
        message=_message_of(inner, value, metadata),
        codes=tuple(dict.fromkeys(_word(word) for word in words if isinstance(word, str) and word)),
        status=number if is_status else _status_of(inner),
        number=None if is_status else number,
        numbering=Numbering.STRING if isinstance(code, str) else Numbering.INTEGER,
        retry_after_s=waits,
        headers=_headers_of(metadata.get("headers")),
    )


def _message_of(inner: dict[str, object], value: dict[str, object], metadata: dict[str, object]) -> str:
    found = ""
    for source in (inner, value):
        for key in ("message", "msg", "error_msg", "error_message", "detail", "errors", "error", "Message"):
            found = found or _text(source.get(key))
    raw = _text(metadata.get("raw"))  # the words of the provider behind a relay
    return f"{found}: {raw}" if raw and raw not in found else found


def _read_details(details: object) -> tuple[list[str], float | None]:
    """Google's error details: the reasons and quota names, and how long to wait."""
    reasons: list[str] = []
    wait_s = None
    for detail in details[:20] if isinstance(details, list) else ():
        if not isinstance(detail, dict):
            continue
        reasons.append(_text(detail.get("reason")))
        violations = detail.get("violations")
        for violation in violations[:20] if isinstance(violations, list) else ():
            if isinstance(violation, dict):
                reasons.append(_text(violation.get("quotaId")))
        delay = detail.get("retryDelay")
        if isinstance(delay, str) and len(delay) < 40:
            wait_s = duration_s(delay)
    return [reason for reason in reasons if reason], wait_s


def _headers_of(headers: object) -> dict[str, str]:
    if not isinstance(headers, dict):
        return {}
    return {str(name).lower(): str(each)[:100] for name, each in list(headers.items())[:50]}


def _status_of(inner: dict[str, object]) -> int | None:
    for key in ("status", "status_code", "http_code"):
        number = _whole(inner.get(key))
        if number is not None and 400 <= number <= 599:
            return number
    return None


def _whole(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if abs(value) < 10**9 else None
    if isinstance(value, str) and 0 < len(value) < 10 and value.isascii() and value.isdigit():
        return int(value)
    return None


def _word(word: str) -> str:
    return word[:100].strip().lower().replace(" ", "_")


def _text(value: object) -> str:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict | list) and value:
        return clean(json.dumps(value, ensure_ascii=False))
    return ""
