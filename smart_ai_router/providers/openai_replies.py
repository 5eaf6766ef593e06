"""Readers of OpenAI-compatible replies: one JSON body, or a server-sent-event stream.

A 200 is not an answer yet: it may carry an error in any vendor's shape, or nothing of what the endpoint answers with.
Both are faults, and an error is told apart by its words, as if its status had said it (`providers/hidden_errors.py`).

Theory of operation of the stream. Bytes pass through untouched and whole events at a time. Only an event that can
matter is parsed: the first ones, those without choices, and those in which a byte search finds usage, an error, a
finish reason or the terminator. Three things are kept back: the terminator `[DONE]`, which the client gets once the
call is on the books; a usage-only event, which is dropped when the client did not ask for it and waits for its cost
when the client asked for that; and an error event, which the gateway answers in its own words. However the bytes are
cut, the same events come out.
"""

import re
from decimal import Decimal
from typing import Final

import msgspec

from smart_ai_router.core.calls import Call
from smart_ai_router.domain.faults import Fault, FaultKind
from smart_ai_router.domain.meters import Usage
from smart_ai_router.domain.money import pico_from_decimal, pico_to_text
from smart_ai_router.providers.generated_text import stream_text_bytes, text_bytes
from smart_ai_router.providers.hidden_errors import fault_in_answer, is_refused_by, names_error
from smart_ai_router.providers.openai_usage import UsageInvalid, UsageReport, read_usage

DONE_EVENT: Final = b"data: [DONE]\n\n"
EVENT_BYTES_MAX: Final = 1024 * 1024  # a longer event is passed on unread: it carries content, not usage
FIRST_EVENTS_READ: Final = 3  # they tell the model, an error at once, and the size of an empty event

_NULL: Final = msgspec.Raw(b"null")
_MATTERS = re.compile(rb'"usage"[ \t]*:[ \t]*\{|\[DONE\]|"error"[ \t]*:[ \t]*[\{"]|"finish_reason"[ \t]*:[ \t]*"')
_ERROR_EVENT = re.compile(rb"^event:[ \t]*error", re.M)
_BOUNDARY = re.compile(rb"\r\n\r\n|\n\n|\r\r")


def _matters(events: bytes, count: int = 1) -> bool:
    """Whether so many events need to be read. Plain searches answer for nearly all; the expression costs thrice."""
    is_usual = count == 1 and b'"choices":[{' in events
    if not is_usual and events.count(b'"choices":[{') < count and events.count(b'"choices": [{') < count:
        return True
    if (
        events.count(b'"usage"') == events.count(b'"usage":null')
        and events.count(b'"finish_reason"') == events.count(b'"finish_reason":null')
        and b"[DONE]" not in events
        and b'"error"' not in events
    ):
        return False
    return _MATTERS.search(events) is not None


class _Choice(msgspec.Struct):
    finish_reason: str | None = None
    usage: UsageReport | None = None
    error: object = None


class _Groq(msgspec.Struct):
    usage: UsageReport | None = None


class _Facts(msgspec.Struct):
    """What of a body or chunk matters to the books."""

    model: str | None = None
    service_tier: str | None = None
    usage: UsageReport | None = None
    error: object = None
    base_resp: object = None
    choices: list[_Choice] | None = None
    data: msgspec.Raw = _NULL  # the vectors of an embedding; long, and not looked into
    x_groq: _Groq | None = None

    @property
    def is_refused(self) -> bool:
        """An error stands in it, whatever else does."""
        all_failed = bool(self.choices) and all(choice.error for choice in self.choices or ())
        return all_failed or is_refused_by(self.base_resp)

    def is_answer_to(self, call: Call) -> bool:
        """It holds what the endpoint answers with. An empty list of choices is an answer only if it was counted."""
        if call.endpoint.request_type == "embedding":
            return self.data != _NULL
        return bool(self.choices) or (self.choices is not None and self.usage is not None)


_decoder = msgspec.json.Decoder(_Facts)
_object_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])


class _Reader:
    """What both readers keep."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self.usage: Usage | None = None
        self.flags: tuple[str, ...] = ()
        self.fault: Fault | None = None
        self.model: str | None = None
        self.is_complete = False
        self.content_bytes = 0
        self._tier: str | None = None

    def _take(self, facts: _Facts) -> None:
        """Keep what a chunk or body says; the last usage wins."""
        self.model = self.model or facts.model
        self._tier = facts.service_tier or self._tier
        report = facts.usage
        if report is None and facts.x_groq is not None:
            report = facts.x_groq.usage
        if report is None and facts.choices:
            report = facts.choices[0].usage
        if report is None:
            return
        try:
            self.usage = read_usage(report, self._tier)
            self.flags = ()
        except UsageInvalid as error:
            self.usage = None
            self.flags = (str(error),)


class JsonReader(_Reader):
    """One JSON body, kept whole until it is on the books."""

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self._parts: list[bytes] = []

    def feed(self, data: bytes) -> bytes:
        self._parts.append(data)
        return b""

    def end(self) -> None:
        body = b"".join(self._parts)
        self._parts = [body]
        try:
            facts = _decoder.decode(body)
        except (ValueError, RecursionError):  # also UTF-8 that is none
            self._read_loosely(body)
            return
        self._take(facts)
        if facts.is_refused or not facts.is_answer_to(self._call):
            self.fault, self.flags = fault_in_answer(body), ()
        else:
            self._measure_unless_counted(body)

    def _measure_unless_counted(self, body: bytes) -> None:
        """Without a count the body is looked at more closely: it has to be measured."""
        try:
            if self.usage is None:
                self.content_bytes = text_bytes(body.decode())
        except UnicodeDecodeError:
            self.fault = Fault(FaultKind.MALFORMED, "the upstream answered 200 with something that is not UTF-8", 200)
        else:
            self.is_complete = True

    def last_bytes(self, cost: Decimal | None) -> bytes:
        body = self._parts[0]
        return body if cost is None else _with_cost(body, cost)

    def _read_loosely(self, body: bytes) -> None:
        """The body is not of the known shape: refuse what is no JSON object, else flag that its usage is unusable."""
        try:
            fields = _object_decoder.decode(body)
        except (ValueError, RecursionError):  # also UTF-8 that is none
            self.fault = Fault(FaultKind.MALFORMED, "the upstream answered 200 with something that is not JSON", 200)
            return
        answer = fields.get("data" if self._call.endpoint.request_type == "embedding" else "choices", _NULL)
        if answer == _NULL:
            self.fault = fault_in_answer(body)
            return
        try:
            report = msgspec.json.decode(fields.get("usage", b"null"), type=UsageReport | None)
        except ValueError:
            self.flags = ("usage_malformed",)
        else:
            self._take(_Facts(usage=report))
        self._measure_unless_counted(body)


class StreamReader(_Reader):
    """A server-sent-event stream."""

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self._carry = bytearray()
        self._searched = 0
        self._passing_long_event = False
        self._events = 0
        self._samples: list[tuple[bytes, int]] = []  # payload and size of the first events with choices
        self._later_bytes = 0  # of the events with choices after them
        self._later_events = 0
        self._finish_seen = False
        self._held_usage = b""
        self._done = b""
        self._has_unread = False  # an event came that could not be read: an answer, as far as one can tell

    def feed(self, data: bytes) -> bytes:
        if self._done or self.fault is not None:
            return b""
        is_whole = not self._carry and not self._passing_long_event and data.endswith(b"\n\n")
        events = data.count(b"\n\n")
        if is_whole and self._events >= FIRST_EVENTS_READ and not _matters(data, events):
            self._events += events
            self._later_events += events
            self._later_bytes += len(data)
            return data
        self._carry += data
        return self._cut_events()

    def end(self) -> None:
        if self._carry and self.fault is None and not self._done:
            self._carry += b"\n\n"
            self._held_usage = self._cut_events() + self._held_usage
        if self.fault is None and (self._done or self._finish_seen or self.usage is not None):
            self.is_complete = True
        self._measure()

    def last_bytes(self, cost: Decimal | None) -> bytes:
        held = self._held_usage
        if held and cost is not None:
            held = _event_with_cost(held, cost)
        return held + (self._done or DONE_EVENT)

    def _measure(self) -> None:
        if self.usage is None:
            self.content_bytes = stream_text_bytes(self._samples, self._later_bytes, self._later_events)

    # --- events ---

    def _cut_events(self) -> bytes:
        """Take whole events off the carry; return the bytes that go to the client."""
        carry = self._carry
        out = bytearray()
        start = 0
        search_from = max(0, self._searched - 3)
        while (found := _BOUNDARY.search(carry, search_from)) is not None:
            event = bytes(carry[start : found.end()])
            start = search_from = found.end()
            out += self._take_event(event)
            if self._done or self.fault is not None:
                carry.clear()
                self._searched = 0
                return bytes(out)
        if start:
            del carry[:start]
        self._searched = len(carry)
        if len(carry) > EVENT_BYTES_MAX:
            self._passing_long_event = self._has_unread = True
            self._later_bytes += len(carry)
            out += carry
            carry.clear()
            self._searched = 0
        return bytes(out)

    def _take_event(self, event: bytes) -> bytes:
        if self._passing_long_event:
            self._passing_long_event = False
            return event
        if self._events >= FIRST_EVENTS_READ and not _matters(event):
            self._events += 1
            self._later_events += 1
            self._later_bytes += len(event)
            return event
        payload = _payload(event)
        if payload is None and not self._events and event.lstrip()[:1] == b"{":
            payload = event  # a JSON body that is called a stream: an error, nearly always
        if payload is None:
            return event
        if payload == b"[DONE]":
            self._end_at(event)
            return b""
        self._events += 1
        return self._take_chunk(event, payload)

    def _end_at(self, terminator: bytes) -> None:
        self._done = terminator
        self._measure()
        if self._samples or self._later_events or self._has_unread or self.usage is not None:
            self.is_complete = True
        else:
            self.fault = Fault(FaultKind.MALFORMED, "the upstream answered 200 with a stream of nothing", 200)

    def _take_chunk(self, event: bytes, payload: bytes) -> bytes:
        try:
            facts = _decoder.decode(payload)
        except (ValueError, RecursionError):  # also UTF-8 that is none
            if _MATTERS.search(event):
                self.flags = ("stream_chunk_malformed",)
            self._has_unread = True
            return event
        has_nothing = not facts.choices and facts.usage is None and facts.x_groq is None
        if facts.error or facts.is_refused or (has_nothing and (_is_named_error(event) or names_error(payload))):
            self.fault = fault_in_answer(payload)
            self._measure()
            return b""
        self._take(facts)
        if facts.choices:
            if len(self._samples) < FIRST_EVENTS_READ:
                self._samples.append((payload, len(event)))
            elif not facts.choices[0].finish_reason:
                self._later_events += 1
                self._later_bytes += len(event)
            if facts.choices[0].finish_reason:
                self._finish_seen = True
            return event
        if facts.usage is None:
            return event
        if not self._call.wants_usage:
            return b""
        if self._call.wants_cost:
            self._held_usage = event
            return b""
        return event


def _payload(event: bytes) -> bytes | None:
    """The data of an event, its lines joined; None for comments and events without data."""
    lines = [line[5:].strip() for line in event.lstrip(b"\xef\xbb\xbf").splitlines() if line.startswith(b"data:")]
    return b"\n".join(lines) if lines else None


def _is_named_error(event: bytes) -> bool:
    return _ERROR_EVENT.search(event) is not None


def _with_cost(body: bytes, cost: Decimal) -> bytes:
    """Add `usage.cost` to a body, everything else byte for byte as it came."""
    try:
        fields = _object_decoder.decode(body)
        if "usage" not in fields or bytes(fields["usage"])[:1] != b"{":
            return body
        usage = _object_decoder.decode(fields["usage"])
    except ValueError:  # it cannot be written anew, so it stays as it is
        return body
    usage["cost"] = msgspec.Raw(pico_to_text(pico_from_decimal(cost)).encode())
    fields["usage"] = msgspec.Raw(msgspec.json.encode(usage))
    return msgspec.json.encode(fields)


def _event_with_cost(event: bytes, cost: Decimal) -> bytes:
    payload = _payload(event)
    return b"data: " + _with_cost(payload, cost) + b"\n\n" if payload is not None else event
