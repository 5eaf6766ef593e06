"""What can be done to the events of a stream: orders, repeats and spellings that a reader of streams has to survive."""

from collections.abc import Callable
from json import loads

from smart_ai_router.testing import upstream_usage
from smart_ai_router.testing.upstream_call import Call
from smart_ai_router.testing.upstream_content import DONE, dumped, event

Events = tuple[bytes, ...]
EventChange = Callable[[Call, Events], Events]
BIG_LINE_BYTES = 8 * 1024 * 1024


def _base(events: Events) -> dict[str, object]:
    """The keys that all chunks of this stream share."""
    first = loads(events[0].partition(b"data: ")[2])
    return {key: first[key] for key in ("id", "object", "created", "model")}


def _usage(call: Call, events: Events, completion: int | None = None) -> bytes:
    usage = upstream_usage.plain(call)
    if completion is not None:
        usage |= {"completion_tokens": completion, "total_tokens": call.prompt_tokens + completion}
    return event(_base(events) | {"choices": [], "usage": usage})


def _text(events: Events, words: str) -> bytes:
    choice = {"index": 0, "delta": {"content": words}, "logprobs": None, "finish_reason": None}
    return event(_base(events) | {"choices": [choice]})


def missing_done(_: Call, events: Events) -> Events:
    return events[:-1]


def done_twice(_: Call, events: Events) -> Events:
    return (*events, DONE)


def text_after_done(_: Call, events: Events) -> Events:
    return (*events, _text(events, "too late"))


def usage_twice(call: Call, events: Events) -> Events:
    """Two usage chunks that agree, asked or not."""
    return (*_without_usage(events)[:-1], _usage(call, events), _usage(call, events), DONE)


def usage_corrected(call: Call, events: Events) -> Events:
    """Two usage chunks that differ; the later one is right."""
    first = _usage(call, events, completion=1)
    return (*_without_usage(events)[:-1], first, _usage(call, events), DONE)


def usage_then_text(call: Call, events: Events) -> Events:
    return (*_without_usage(events)[:-1], _usage(call, events), _text(events, "and more"), DONE)


def usage_first(call: Call, events: Events) -> Events:
    return (_usage(call, events), *_without_usage(events))


def error_mid_stream(_: Call, events: Events) -> Events:
    """OpenRouter's way: a chunk that is an error, then the end."""
    error = {"error": {"code": 502, "message": "Provider disconnected unexpectedly"}, "choices": []}
    return (*events[: len(events) // 2], event(_base(events) | error), DONE)


def error_event(_: Call, events: Events) -> Events:
    """A named error event, and no `[DONE]`."""
    body = dumped({"error": {"message": "The server had an error.", "type": "server_error", "code": None}})
    return (*events[: len(events) // 2], b"event: error\ndata: " + body + b"\n\n")


def error_first(_: Call, _events: Events) -> Events:
    """Status 200, and the first event is an error."""
    return (event({"error": {"code": 429, "message": "Rate limit exceeded"}}), DONE)


def minimax_mid_stream(_: Call, events: Events) -> Events:
    """MiniMax's way: a chunk whose base_resp is not 0, and no `[DONE]`."""
    refused = {"choices": None, "base_resp": {"status_code": 1002, "status_msg": "rate limit"}}
    return (*events[: len(events) // 2], event(_base(events) | refused))


def dashscope_mid_stream(_: Call, events: Events) -> Events:
    """DashScope's own way: an event named error, its status in a comment, code and message at the top."""
    body = dumped({"code": "InternalError.Algo", "message": "An internal error has occurred.", "request_id": "7a3c"})
    return (*events[: len(events) // 2], b"id:5\nevent:error\n:HTTP_STATUS/500\ndata:" + body + b"\n\n")


def only_done(_: Call, _events: Events) -> Events:
    return (DONE,)


def malformed_event(_: Call, events: Events) -> Events:
    middle = len(events) // 2
    return (*events[:middle], b'data: {"choices": [,\n\n', *events[middle:])


def big_line(call: Call, events: Events) -> Events:
    """One line of 8 MiB (`bytes`)."""
    return (events[0], _text(events, "x" * call.number("bytes", BIG_LINE_BYTES)), *events[1:])


def crlf(_: Call, events: Events) -> Events:
    return tuple(each.replace(b"\n", b"\r\n") for each in events)


def lone_cr(_: Call, events: Events) -> Events:
    return tuple(each.replace(b"\n", b"\r") for each in events)


def comments(_: Call, events: Events) -> Events:
    return tuple(b": keep-alive\n\n" + each for each in events)


def byte_order_mark(_: Call, events: Events) -> Events:
    return (b"\xef\xbb\xbf" + events[0], *events[1:])


def no_space(_: Call, events: Events) -> Events:
    return tuple(each.replace(b"data: ", b"data:", 1) for each in events)


def named_events(_: Call, events: Events) -> Events:
    return tuple(b"event: message\nid: %d\nretry: 3000\n%b" % (n, each) for n, each in enumerate(events))


def two_lines(_: Call, events: Events) -> Events:
    """The JSON of each event over two data lines."""
    return tuple(each.replace(b',"', b',\ndata: "', 1) for each in events)


def _without_usage(events: Events) -> Events:
    """Take out a usage chunk that the ordinary answer holds because it was asked for."""
    return tuple(each for each in events if b'"choices":[]' not in each)


EVENT_CHANGES: tuple[tuple[str, str, EventChange], ...] = (
    ("missing-done", "ends properly, without [DONE]", missing_done),
    ("done-twice", "[DONE] twice", done_twice),
    ("text-after-done", "a chunk behind [DONE]", text_after_done),
    ("usage-twice", "the usage chunk twice", usage_twice),
    ("usage-corrected", "two usage chunks, the later one right", usage_corrected),
    ("usage-then-text", "usage, then more text", usage_then_text),
    ("usage-first", "usage before any text", usage_first),
    ("error-mid-stream", "an error chunk in the middle, then [DONE]", error_mid_stream),
    ("error-event", "a named error event in the middle", error_event),
    ("error-first", "the first event is an error", error_first),
    ("minimax-mid-stream", "a base_resp that is not 0 in the middle", minimax_mid_stream),
    ("dashscope-mid-stream", "DashScope's error event in the middle", dashscope_mid_stream),
    ("only-done", "nothing but [DONE]", only_done),
    ("malformed-event", "an event that is not JSON", malformed_event),
    ("big-line", "one line of 8 MiB (`bytes`)", big_line),
    ("crlf", "lines end with CR LF", crlf),
    ("lone-cr", "lines end with CR", lone_cr),
    ("comments", "a comment before each event", comments),
    ("bom", "a byte order mark first", byte_order_mark),
    ("no-space", "`data:` without a space", no_space),
    ("named-events", "event, id and retry fields", named_events),
    ("two-line-data", "JSON over two data lines", two_lines),
)
