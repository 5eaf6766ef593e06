"""Every mode of the test upstream does what its name says, told apart by an independent reading of the bytes."""

import json
import math
from decimal import Decimal
from typing import Any

import pytest

from smart_ai_router.domain.faults import FaultKind
from smart_ai_router.testing.upstream import UpstreamServer
from smart_ai_router.testing.upstream_modes import catalogue
from tests.adapters.upstream_harness import Recorder, exchange, limited, opened, run

PLAIN = {"prompt_tokens": 150, "completion_tokens": 300, "total_tokens": 450}


def asking(mode: str, *, stream: bool = False, usage: bool = True, **more: object) -> bytes:
    asked: dict[str, object] = {"model": f"m+fault:{mode}", "messages": [{"role": "user", "content": "hi"}], **more}
    if stream:
        asked["stream"] = True
        if usage:
            asked["stream_options"] = {"include_usage": True}
    return json.dumps(asked).encode()


def answer_of(
    mode: str, *, stream: bool = False, usage: bool = True, path: str = "chat/completions", **more: object
) -> Recorder:
    """What one call in this mode brings, within tight limits."""
    got: list[Recorder] = []

    async def scenario() -> None:
        async with UpstreamServer() as server, opened() as upstream:
            route = limited(first_byte_s=0.2, idle_s=0.1, total_s=1.0)
            body = asking(mode, stream=stream, usage=usage, **more)
            got.append(await exchange(upstream, f"{server.base_url}/{path}", body=body, route=route))

    run(scenario)
    return got[0]


def events(heard: Recorder) -> list[Any]:
    """The data of every event, JSON read, `[DONE]` as it stands."""
    found: list[Any] = []
    for line in heard.body.decode().replace("\r\n", "\n").split("\n"):
        if line.startswith("data:"):
            data = line.removeprefix("data:").strip()
            found.append(data if data == "[DONE]" else json.loads(data))
    return found


def usages(heard: Recorder) -> list[Any]:
    return [chunk["usage"] for chunk in events(heard) if chunk != "[DONE]" and chunk.get("usage")]


@pytest.mark.parametrize("stream", [False, True])
def test_the_ordinary_answer_is_fixed_and_the_same_every_time(stream: bool) -> None:
    first, second = answer_of("normal", stream=stream), answer_of("normal", stream=stream)
    assert first.body == second.body
    if stream:
        assert events(first)[-1] == "[DONE]"
        assert usages(first) == [PLAIN]
        text = "".join(c["choices"][0]["delta"].get("content", "") for c in events(first)[:-1] if c["choices"])
    else:
        assert json.loads(first.body)["usage"] == PLAIN
        text = json.loads(first.body)["choices"][0]["message"]["content"]
    assert text == "Every call is on the books, 每一笔都有账可查。"


def test_usage_is_streamed_only_when_asked_for() -> None:
    assert usages(answer_of("normal", stream=True, usage=False)) == []
    chunks = events(answer_of("normal", stream=True))
    assert [chunk["usage"] for chunk in chunks[:-2]] == [None] * (len(chunks) - 2)
    assert chunks[-2]["choices"] == []


@pytest.mark.parametrize(
    ("mode", "stream", "kind", "phase"),
    [
        ("blackhole", False, FaultKind.TIMEOUT, "first_byte"),
        ("slow-head,ms=30", False, FaultKind.TIMEOUT, "first_byte"),
        ("slow-loris,ms=30", False, FaultKind.TIMEOUT, "total"),
        ("stall-after-head", False, FaultKind.TIMEOUT, "idle"),
        ("stall-mid-body", True, FaultKind.TIMEOUT, "idle"),
        ("infinite", True, FaultKind.TIMEOUT, "total"),
        ("reset-before-head", False, FaultKind.RESET, None),
        ("close-before-head", False, FaultKind.RESET, None),
        ("reset-after-head", False, FaultKind.RESET, None),
        ("reset-mid-body", False, FaultKind.RESET, None),
        ("reset-mid-body", True, FaultKind.RESET, None),
        ("close-mid-body", False, FaultKind.RESET, None),
        ("cut-before-done", True, FaultKind.RESET, None),
        ("length-too-long", False, FaultKind.RESET, None),
        ("length-twice", False, FaultKind.MALFORMED, None),
        ("length-and-chunked", False, FaultKind.MALFORMED, None),
        ("length-negative", False, FaultKind.MALFORMED, None),
        ("garbage", False, FaultKind.MALFORMED, None),
        ("bad-chunk", False, FaultKind.MALFORMED, None),
        ("many-headers", False, FaultKind.MALFORMED, None),
        ("huge-header", False, FaultKind.MALFORMED, None),
        ("brotli-label", False, FaultKind.MALFORMED, None),
        ("zstd-label", False, FaultKind.MALFORMED, None),
        ("gzip-bomb,mb=64", False, FaultKind.MALFORMED, None),
    ],
)
def test_modes_that_break_the_exchange(mode: str, stream: bool, kind: FaultKind, phase: str | None) -> None:
    heard = answer_of(mode, stream=stream)
    assert heard.ends == ["fault"]
    assert heard.fault is not None
    assert heard.fault.kind is kind
    assert heard.fault.details.get("phase") == phase


@pytest.mark.parametrize(
    "mode",
    [
        *("latency,ms=1", "gzip", "deflate", "chunk-extras", "http10", "until-close", "interim-100", "interim-103"),
        *("close-after-reply", "close-on-next", "announce-close", "extra-bytes", "per-byte", "sliced", "sliced,size=3"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_modes_that_change_the_delivery_and_not_the_answer(mode: str, stream: bool) -> None:
    heard, plain = answer_of(mode, stream=stream), answer_of("normal", stream=stream)
    assert heard.ends == ["end"]
    assert blind(heard.body) == blind(plain.body)


def blind(body: bytes) -> bytes:
    """Without the id, which follows the request's own bytes and so the mode's name."""
    marker = b'"id":"chatcmpl-'
    pieces = body.split(marker)
    return marker.join([pieces[0], *(piece[24:] for piece in pieces[1:])])


def test_a_reply_cut_before_done_keeps_all_but_the_last_events() -> None:
    assert events(answer_of("cut-before-done", stream=True))[-1]["choices"][0]["finish_reason"] == "stop"


def test_a_reply_that_is_too_long_for_its_length_loses_its_tail() -> None:
    whole = answer_of("normal").body
    assert blind(answer_of("length-too-short").body) == blind(whole)[:-10]


@pytest.mark.parametrize(
    ("mode", "status", "words"),
    [
        ("status-400", 400, "invalid_value"),
        ("status-401", 401, "invalid_api_key"),
        ("status-402-deepseek", 402, "Insufficient Balance"),
        ("status-402-openrouter", 402, '"code":402'),
        ("status-402-reserved", 402, '"code":402'),
        ("status-403", 403, "permission_denied"),
        ("status-403-one-api", 403, "insufficient_user_quota"),
        ("status-404", 404, "model_not_found"),
        ("status-429", 429, "rate_limit_exceeded"),
        ("status-429-date", 429, "rate_limit_exceeded"),
        ("status-429-quota", 429, "insufficient_quota"),
        ("status-429-zhipu", 429, "1113"),
        ("status-429-moonshot", 429, "exceeded_current_quota_error"),
        ("status-500", 500, "server_error"),
        ("status-502", 502, "server_error"),
        ("status-503", 503, "overloaded"),
        ("status-503-retry", 503, "overloaded"),
        ("status-529", 529, "overloaded_error"),
        ("status,code=418", 418, "test_error"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_refusals_have_their_status_and_their_providers_words(mode: str, status: int, words: str, stream: bool) -> None:
    heard = answer_of(mode, stream=stream)
    assert (heard.status, heard.ends) == (status, ["end"])
    assert words in heard.body.decode()
    assert json.loads(heard.body)["error"]["message"]


def test_retry_after_is_said_in_seconds_or_as_a_date() -> None:
    assert answer_of("status-429,retry_after=7").headers["retry-after"] == "7"
    assert answer_of("status-429-date").headers["retry-after"].endswith("GMT")
    assert answer_of("status-429-quota").headers["x-ratelimit-remaining-requests"] == "0"


@pytest.mark.parametrize(
    ("mode", "body"),
    [
        ("empty-200", b""),
        ("json-null", b"null"),
        ("json-list", b"[]"),
        ("html-200", b"<!doctype html><h1>nginx</h1>"),
    ],
)
def test_bodies_that_are_no_answer(mode: str, body: bytes) -> None:
    heard = answer_of(mode)
    assert (heard.status, heard.body) == (200, body)


@pytest.mark.parametrize("mode", ["malformed-json", "cut-json", "not-utf8"])
def test_bodies_that_are_no_json(mode: str) -> None:
    heard = answer_of(mode)
    assert (heard.status, heard.ends) == (200, ["end"])
    with pytest.raises(ValueError, match=r"Expecting|Unterminated|decode"):
        json.loads(heard.body)


@pytest.mark.parametrize(("mode", "code"), [("error-in-200", 502), ("error-in-200-text", "internal_error")])
def test_an_error_may_hide_under_200(mode: str, code: object) -> None:
    heard = answer_of(mode)
    assert heard.status == 200
    assert json.loads(heard.body)["error"]["code"] == code


def test_odd_answers() -> None:
    assert json.loads(answer_of("wrong-model").body)["model"] == "another-model-2026-01-01"
    assert answer_of("blank-lines").body.startswith(b"\n\n\n{")
    assert answer_of("redirect").headers["location"] == "/_canary"
    whole = json.loads(answer_of("tool-call").body)["choices"][0]
    assert (whole["finish_reason"], whole["message"]["tool_calls"][0]["function"]["name"]) == (
        "tool_calls",
        "get_weather",
    )
    chunks = [chunk for chunk in events(answer_of("tool-call", stream=True)) if chunk != "[DONE]" and chunk["choices"]]
    pieces = [chunk["choices"][0]["delta"].get("tool_calls", []) for chunk in chunks]
    arguments = "".join(call["function"]["arguments"] for piece in pieces for call in piece)
    assert json.loads(arguments) == {"city": "上海"}


def test_what_we_send_is_echoed_key_and_cookie_included() -> None:
    got: list[Recorder] = []

    async def scenario() -> None:
        async with UpstreamServer() as server, opened() as upstream:
            url = f"{server.base_url}/chat/completions"
            headers = (("authorization", "Bearer sk-secret"),)
            for mode in ("echo", "status-401-shown"):
                got.append(await exchange(upstream, url, body=asking(mode), headers=headers))

    run(scenario)
    assert got[0].headers["x-echo-authorization"] == "Bearer sk-secret"
    assert all(b"sk-secret" in heard.body for heard in got)


@pytest.mark.parametrize(
    ("mode", "field"),
    [
        ("usage-negative", {"prompt_tokens": -1000, "completion_tokens": -1000}),
        ("usage-huge", {"prompt_tokens": 2**62, "completion_tokens": 2**62}),
        ("usage-string", {"prompt_tokens": "150", "completion_tokens": "300"}),
        ("usage-boolean", {"prompt_tokens": True, "completion_tokens": True}),
        ("usage-nulls", {"prompt_tokens": None, "completion_tokens": None}),
        ("usage-wrong-total", {"prompt_tokens": 150, "total_tokens": 1}),
        ("usage-over-max", {"prompt_tokens": 150, "completion_tokens": 3000}),
        ("usage-cached-beyond-prompt", {"prompt_tokens_details": {"cached_tokens": 151}}),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_usage_that_must_not_be_believed(mode: str, field: dict[str, object], stream: bool) -> None:
    heard = answer_of(mode, stream=stream)
    usage = usages(heard)[-1] if stream else json.loads(heard.body)["usage"]
    assert {key: usage[key] for key in field} == field
    assert [type(usage[key]) for key in field] == [type(value) for value in field.values()]


def test_usage_that_is_hardly_one() -> None:
    assert "usage" not in json.loads(answer_of("no-usage").body)
    assert usages(answer_of("no-usage", stream=True)) == []
    assert json.loads(answer_of("usage-null").body)["usage"] is None
    assert json.loads(answer_of("usage-list").body)["usage"] == [150, 300]
    assert list(json.loads(answer_of("usage-fields-missing").body)["usage"]) == ["total_tokens"]
    assert math.isnan(json.loads(answer_of("usage-nan").body)["usage"]["prompt_tokens"])
    fraction = json.loads(answer_of("usage-float").body, parse_float=Decimal)["usage"]
    assert fraction["prompt_tokens"] == Decimal("150.5")
    unknown = json.loads(answer_of("usage-unknown-kinds").body)["usage"]
    assert unknown["prompt_tokens_details"]["hologram_tokens"] == 17
    limited_by_request = json.loads(answer_of("usage-over-max", max_tokens=5).body)["usage"]
    assert limited_by_request["completion_tokens"] == 50


def test_usage_orders_in_a_stream() -> None:
    def kinds(mode: str) -> list[str]:
        found = []
        for chunk in events(answer_of(mode, stream=True)):
            if chunk == "[DONE]":
                found.append("done")
            elif chunk.get("usage"):
                found.append("usage")
            elif chunk["choices"] and chunk["choices"][0]["delta"].get("content"):
                found.append("text")
        return found

    assert kinds("normal") == ["text"] * 8 + ["usage", "done"]
    assert kinds("usage-twice") == ["text"] * 8 + ["usage", "usage", "done"]
    assert kinds("usage-corrected") == ["text"] * 8 + ["usage", "usage", "done"]
    assert kinds("usage-then-text") == ["text"] * 8 + ["usage", "text", "done"]
    assert kinds("usage-first") == ["usage"] + ["text"] * 8 + ["done"]
    assert kinds("missing-done") == ["text"] * 8 + ["usage"]
    assert kinds("done-twice") == ["text"] * 8 + ["usage", "done", "done"]
    assert kinds("text-after-done") == ["text"] * 8 + ["usage", "done", "text"]
    assert [usage["completion_tokens"] for usage in usages(answer_of("usage-corrected", stream=True))] == [1, 300]
    growing = [usage["completion_tokens"] for usage in usages(answer_of("usage-cumulative", stream=True))]
    assert growing == sorted(growing)
    assert (len(growing), growing[-1]) == (10, 300)


def test_errors_in_the_middle_of_a_stream() -> None:
    middle = events(answer_of("error-mid-stream", stream=True))
    assert [chunk["error"]["code"] for chunk in middle if chunk != "[DONE]" and "error" in chunk] == [502]
    assert middle[-1] == "[DONE]"
    named = answer_of("error-event", stream=True)
    assert b"event: error\ndata: {" in named.body
    assert "[DONE]" not in events(named)
    assert events(answer_of("error-first", stream=True))[0]["error"]["code"] == 429
    assert b'data: {"choices": [,\n\n' in answer_of("malformed-event", stream=True).body


def test_spellings_of_a_stream() -> None:
    plain = events(answer_of("normal", stream=True))

    def same(mode: str) -> bool:
        heard = events(answer_of(mode, stream=True))
        return [c if c == "[DONE]" else c["choices"] for c in heard] == [
            c if c == "[DONE]" else c["choices"] for c in plain
        ]

    assert all(same(mode) for mode in ("crlf", "comments", "no-space", "named-events"))
    assert b"\r\n\r\n" in answer_of("crlf", stream=True).body
    assert b"\n" not in answer_of("lone-cr", stream=True).body
    assert answer_of("comments", stream=True).body.count(b": keep-alive\n\n") == len(plain)
    assert answer_of("bom", stream=True).body.startswith(b"\xef\xbb\xbfdata: ")
    assert b"data:{" in answer_of("no-space", stream=True).body
    assert b"id: 3\n" in answer_of("named-events", stream=True).body
    assert b',\ndata: "' in answer_of("two-line-data", stream=True).body
    assert max(len(line) for line in answer_of("big-line,bytes=100000", stream=True).body.split(b"\n")) > 100_000


@pytest.mark.parametrize(
    ("mode", "place", "part"),
    [
        ("openai", "asked", {"prompt_tokens_details": {"cached_tokens": 64, "audio_tokens": 0}}),
        ("deepseek", "finish", {"prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 86}),
        ("qwen", "asked", {"completion_tokens_details": {"reasoning_tokens": 100, "text_tokens": 200}}),
        ("moonshot", "choice", {"cached_tokens": 64}),
        ("zhipu", "finish", {"prompt_tokens_details": {"cached_tokens": 64}}),
        ("doubao", "asked", {"prompt_tokens_details": {"cached_tokens": 64}}),
        ("siliconflow", "finish", {"completion_tokens_details": {"reasoning_tokens": 100}}),
        ("openrouter", "asked", {"is_byok": False}),
        ("groq", "x_groq", {"queue_time": 0.018}),
        ("vllm", "asked", {"prompt_tokens_details": None}),
        ("ollama", "asked", {}),
        ("usage-in-finish", "finish", {}),
    ],
)
def test_each_dialect_puts_its_usage_where_that_provider_does(mode: str, place: str, part: dict[str, object]) -> None:
    whole = json.loads(answer_of(mode).body)
    assert PLAIN.items() <= whole["usage"].items()
    assert {key: whole["usage"][key] for key in part} == part
    for asked in (True, False):
        heard = answer_of(mode, stream=True, usage=asked)
        chunks = [chunk for chunk in events(heard) if chunk != "[DONE]"]
        last = chunks[-1]
        if place == "asked":
            assert (last["choices"] == []) is asked
            found = last["usage"] if asked else PLAIN
        else:
            assert last["choices"][0]["finish_reason"] == "stop"
            found = {
                "finish": last.get("usage"),
                "choice": last["choices"][0].get("usage"),
                "x_groq": last.get("x_groq", {}).get("usage"),
            }[place]
        assert PLAIN.items() <= found.items()
    assert answer_of("openrouter", stream=True).body.count(b": OPENROUTER PROCESSING\n\n") > 1


@pytest.mark.parametrize("path", ["completions", "embeddings"])
@pytest.mark.parametrize("mode", ["normal", "reset-mid-body", "status-429", "gzip", "usage-negative", "no-usage"])
def test_the_other_endpoints_take_modes_too(path: str, mode: str) -> None:
    heard = answer_of(mode, path=path, input=["a", "b"])
    if mode == "reset-mid-body":
        assert heard.ends == ["fault"]
    elif mode == "status-429":
        assert heard.status == 429
    else:
        usage = json.loads(heard.body).get("usage")
        expected = {"normal": 150, "gzip": 150, "usage-negative": -1000, "no-usage": None}[mode]
        assert (usage or {}).get("prompt_tokens") == expected


def test_every_mode_answers_something_that_is_not_the_ordinary_answer_or_says_so() -> None:
    """No mode is a name without a deed: bytes, end or connection differ from the ordinary ones."""
    same_answer = {"normal", "latency", "interim-100", "interim-103", "chunk-extras", "per-byte", "sliced", "gzip"}
    same_answer |= {"deflate", "http10", "until-close", "close-after-reply", "close-on-next", "announce-close"}
    same_answer |= {"extra-bytes"}  # all of these are told apart in the tests above
    silent = {"slow-loris", "slow-head", "huge-header", "gzip-bomb", "big-line", "infinite"}  # slow or large; above too
    plain = [blind(answer_of("normal", stream=stream).body) for stream in (False, True)]
    for name in catalogue().keys() - same_answer - silent:
        heard = [answer_of(name, stream=stream) for stream in (False, True)]
        assert any(
            each.ends == ["fault"] or each.status != 200 or blind(each.body) != ordinary
            for each, ordinary in zip(heard, plain, strict=True)
        ), name
