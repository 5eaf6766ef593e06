"""What the test upstream says: OpenAI-compatible replies, whole or as events, before anything is done to them."""

import base64
import json
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from smart_ai_router.testing import upstream_usage
from smart_ai_router.testing.upstream_call import Call
from smart_ai_router.testing.upstream_usage import UsageShape

CREATED = 1_755_993_600  # 2025-08-24T00:00:00Z: fixed, so that replies are equal from run to run
DONE = b"data: [DONE]\n\n"
JSON_TYPE = "application/json"
EVENTS_TYPE = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Content:
    """One reply before it is framed: either a body or a list of events."""

    status: int = 200
    body: bytes = b""
    events: tuple[bytes, ...] | None = None
    content_type: str = JSON_TYPE
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def whole(self) -> bytes:
        """All bytes of the body."""
        return self.body if self.events is None else b"".join(self.events)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one provider writes what the others write differently."""

    usage: UsageShape = upstream_usage.plain
    stream_usage: str = "asked"  # asked | finish | choice | every | x_groq | never
    comment: bytes = b""  # between events
    reasons: bool = False  # sends reasoning_content first
    extra: tuple[tuple[str, object], ...] = ()  # further keys of every reply and chunk


Chunk = dict[str, object]
EventsOf = Callable[[Call, Dialect], list[bytes]]


def dumped(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def event(value: object) -> bytes:
    """One server-sent event."""
    return b"data: " + dumped(value) + b"\n\n"


def reply(call: Call, dialect: Dialect) -> Content:
    """The ordinary answer of the endpoint that was asked."""
    path = call.request.path.partition("?")[0]
    if path.endswith("/chat/completions"):
        return _streamed(call, dialect, chat_events) if call.is_stream else Content(body=dumped(chat(call, dialect)))
    if path.endswith("/completions"):
        return _streamed(call, dialect, text_events) if call.is_stream else Content(body=dumped(text(call, dialect)))
    if path.endswith("/embeddings"):
        return Content(body=dumped(embeddings(call, dialect)))
    if path.endswith("/models"):
        return Content(body=dumped(models(call)))
    return refusal(404, {"message": f"no such path: {path}", "type": "invalid_request_error", "code": "not_found"})


def refusal(status: int, error: object, headers: tuple[tuple[str, str], ...] = ()) -> Content:
    """An error in OpenAI's envelope."""
    return Content(status, dumped({"error": error}), headers=headers)


def chat(call: Call, dialect: Dialect) -> dict[str, object]:
    """A whole chat completion. A usage of `NotImplemented` leaves the key out."""
    message: dict[str, object] = {"role": "assistant", "content": "".join(call.pieces)}
    if dialect.reasons:
        message["reasoning_content"] = "Let me count."
    choices = [
        {"index": index, "message": message, "logprobs": None, "finish_reason": "stop"}
        for index in range(call.choice_count)
    ]
    return _object(call, dialect, "chat.completion") | {"choices": choices} | _usage_key(call, dialect)


def text(call: Call, dialect: Dialect) -> dict[str, object]:
    """A whole text completion."""
    words = "".join(call.pieces)
    choices = [{"index": 0, "text": words, "logprobs": None, "finish_reason": "stop"}]
    return _object(call, dialect, "text_completion") | {"choices": choices} | _usage_key(call, dialect)


def embeddings(call: Call, dialect: Dialect) -> dict[str, object]:
    """One vector per input, in the encoding that was asked for."""
    asked = call.asked.get("input")
    count = len(asked) if isinstance(asked, list) else 1
    size = call.asked.get("dimensions")
    vector = [round((index % 7 - 3) / 8, 3) for index in range(size if isinstance(size, int) else 8)]
    shown: object = vector
    if call.asked.get("encoding_format") == "base64":
        shown = base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
    data = [{"object": "embedding", "index": index, "embedding": shown} for index in range(count)]
    key = _usage_key(call, dialect)
    if dialect.usage is upstream_usage.plain:
        key = {"usage": {"prompt_tokens": call.prompt_tokens, "total_tokens": call.prompt_tokens}}
    return {"object": "list", "data": data, "model": call.reply_model} | key


def models(call: Call) -> dict[str, object]:
    """The models this upstream claims to have."""
    data = [
        {"id": name, "object": "model", "created": CREATED, "owned_by": "test-upstream"}
        for name in call.defaults.models
    ]
    return {"object": "list", "data": data}


def chat_events(call: Call, dialect: Dialect) -> list[bytes]:
    """The events of a streamed chat completion, without `[DONE]`."""
    deltas: list[dict[str, object]] = [{"role": "assistant", "content": ""}]
    if dialect.reasons:
        deltas.append({"reasoning_content": "Let me count."})
    deltas += [{"content": piece} for piece in call.pieces]
    chunks: list[Chunk] = [
        {"choices": [{"index": index, "delta": delta, "logprobs": None, "finish_reason": None}]}
        for delta in deltas
        for index in range(call.choice_count)
    ]
    finishes: list[Chunk] = [
        {"choices": [{"index": index, "delta": {}, "logprobs": None, "finish_reason": "stop"}]}
        for index in range(call.choice_count)
    ]
    return _placed(call, dialect, "chat.completion.chunk", [*chunks, *finishes])


def text_events(call: Call, dialect: Dialect) -> list[bytes]:
    """The events of a streamed text completion, without `[DONE]`."""
    chunks: list[Chunk] = [
        {"choices": [{"index": 0, "text": piece, "logprobs": None, "finish_reason": None}]} for piece in call.pieces
    ]
    finish: Chunk = {"choices": [{"index": 0, "text": "", "logprobs": None, "finish_reason": "stop"}]}
    return _placed(call, dialect, "text_completion", [*chunks, finish])


def _streamed(call: Call, dialect: Dialect, events_of: EventsOf) -> Content:
    return Content(events=(*events_of(call, dialect), DONE), content_type=EVENTS_TYPE)


def _placed(call: Call, dialect: Dialect, kind: str, chunks: Sequence[Chunk]) -> list[bytes]:
    """Chunks as events, with the usage where the dialect puts it."""
    base = _object(call, dialect, kind)
    place = dialect.stream_usage
    events = []
    for number, chunk in enumerate(chunks, 1):
        last = number == len(chunks)
        whole = base | chunk
        if place == "asked" and call.includes_usage:
            whole |= {"usage": None}
        elif (place == "finish" and last) or (place == "every" and last):
            whole |= {"usage": dialect.usage(call)}
        elif place == "every":
            whole |= {"usage": _growing(call, number, len(chunks))}
        elif place == "choice" and last:
            choices = chunk["choices"]
            assert isinstance(choices, list)
            whole |= {"choices": [choices[0] | {"usage": dialect.usage(call)}, *choices[1:]]}
        elif place == "x_groq" and (last or number == 1):
            whole |= {"x_groq": {"id": "req_test"} | ({"usage": dialect.usage(call)} if last else {})}
        events.append(dialect.comment + event(whole))
    if place == "asked" and call.includes_usage:
        events.append(dialect.comment + event(base | {"choices": [], "usage": dialect.usage(call)}))
    return events


def _growing(call: Call, number: int, count: int) -> object:
    """Usage as it stands after `number` of `count` chunks."""
    sofar = replace(call, options={**call.options, "completion": str(call.completion_tokens * number // count)})
    return upstream_usage.plain(sofar)


def _object(call: Call, dialect: Dialect, kind: str) -> dict[str, object]:
    head: dict[str, object] = {"id": call.reply_id, "object": kind, "created": CREATED, "model": call.reply_model}
    return head | dict(dialect.extra)


def _usage_key(call: Call, dialect: Dialect) -> dict[str, object]:
    usage = dialect.usage(call)
    return {} if usage is NotImplemented else {"usage": usage}
