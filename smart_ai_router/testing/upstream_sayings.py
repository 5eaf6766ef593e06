"""What the misbehaving modes say: refusals in each provider's words, and bodies that are not answers."""

from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate
from json import loads
from time import time

from smart_ai_router.testing.upstream_call import Call
from smart_ai_router.testing.upstream_content import Content, Dialect, dumped, event, refusal, reply
from smart_ai_router.testing.upstream_events import EventChange

Saying = Callable[[Call], Content]
PLAIN = Dialect()
RATE_LIMITED = "Rate limit reached for requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 2s."
QUOTA_EXCEEDED = "You exceeded your current quota, please check your plan and billing details."
NO_CREDITS = "Insufficient credits. Add more using https://openrouter.ai/credits"
OVERLOADED = "The engine is currently overloaded."


def speaks(dialect: Dialect) -> Saying:
    """The ordinary answer in this dialect."""
    return lambda call: reply(call, dialect)


def says(content: Content) -> Saying:
    return lambda _: content


def events(change: EventChange) -> Saying:
    def say(call: Call) -> Content:
        content = reply(call, PLAIN)
        return content if content.events is None else replace(content, events=change(call, content.events))

    return say


def openai(message: str, code: str) -> dict[str, object]:
    return {"message": message, "type": "invalid_request_error", "param": None, "code": code}


def server_error(message: str) -> dict[str, object]:
    return {"message": message, "type": "server_error", "param": None, "code": None}


def refuses(status: int, error: object) -> Saying:
    return lambda _: refusal(status, error)


def any_status(call: Call) -> Content:
    return refusal(call.number("code", 500), {"message": "as asked", "type": "test_error", "code": None})


def rate_limited(dated: bool = False) -> Saying:
    def say(call: Call) -> Content:
        seconds = call.number("retry_after", 2)
        after = formatdate(time() + seconds, usegmt=True) if dated else str(seconds)
        error = {"message": RATE_LIMITED, "type": "requests", "param": None, "code": "rate_limit_exceeded"}
        return refusal(429, error, (("retry-after", after),))

    return say


def out_of_quota(_call: Call) -> Content:
    error = {"message": QUOTA_EXCEEDED, "type": "insufficient_quota", "param": None, "code": "insufficient_quota"}
    headers = (("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "6m0s"))
    return refusal(429, error, headers)


def overloaded(call: Call) -> Content:
    seconds = str(call.number("retry_after", 2))
    return refusal(503, server_error(OVERLOADED), (("retry-after", seconds),))


def reserved(_call: Call) -> Content:
    return refusal(402, {"code": 402, "message": NO_CREDITS}, (("retry-after", "1"),))


def wrong_key_shown(call: Call) -> Content:
    key = call.request.headers.get("authorization", "").removeprefix("Bearer ")
    return refusal(401, openai(f"Incorrect API key provided: {key}.", "invalid_api_key"))


def redirects(call: Call) -> Content:
    return Content(302, headers=(("location", call.options.get("to", "/_canary")),))


def cut_json(call: Call) -> Content:
    content = reply(call, PLAIN)
    whole = content.whole
    return replace(content, body=whole[: len(whole) // 2], events=None)


def blank_lines(call: Call) -> Content:
    content = reply(call, PLAIN)
    return content if content.events is not None else replace(content, body=b"\n\n\n" + content.body)


def other_model(call: Call) -> Content:
    named = replace(call, model="another-model-2026-01-01")
    return reply(named, PLAIN)


def tool_call(call: Call) -> Content:
    """A call of `get_weather` instead of text; streamed, its arguments come in two pieces."""
    content = reply(call, PLAIN)
    arguments = '{"city":"上海"}'
    if content.events is not None:
        first = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": ""}}
        pieces = [{"index": 0, "function": {"arguments": piece}} for piece in (arguments[:6], arguments[6:])]
        base = loads(content.events[0].partition(b"data: ")[2])
        deltas = [
            event(base | {"choices": [{"index": 0, "delta": {"tool_calls": [piece]}, "finish_reason": None}]})
            for piece in (first, *pieces)
        ]
        last = event(base | {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})
        rest = [each for each in content.events if b'"choices":[]' in each or b"[DONE]" in each]
        return replace(content, events=(content.events[0], *deltas, last, *rest))
    shown = loads(content.body)
    function = {"name": "get_weather", "arguments": arguments}
    calls = [{"id": "call_1", "type": "function", "function": function}]
    message = {"role": "assistant", "content": None, "tool_calls": calls}
    shown["choices"] = [{"index": 0, "message": message, "logprobs": None, "finish_reason": "tool_calls"}]
    return replace(content, body=dumped(shown))
