"""Replies of OpenAI-compatible providers: the same facts however the bytes are cut."""

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.api.openai import ENDPOINTS, read_call
from smart_ai_router.core.calls import Call
from smart_ai_router.domain.faults import FaultKind
from smart_ai_router.domain.meters import Meter
from smart_ai_router.providers.openai_replies import DONE_EVENT, EVENT_BYTES_MAX, JsonReader, StreamReader
from tests.core.playbook import DONE, FINISH, USAGE, completion, event, text


def call(**fields: object) -> Call:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": True, **fields}
    return read_call(ENDPOINTS["/v1/chat/completions"], {}, msgspec.json.encode(body), None)


def read(chunks: Sequence[bytes], **fields: object) -> tuple[bytes, StreamReader]:
    reader = StreamReader(call(**fields))
    out = b"".join(reader.feed(chunk) for chunk in chunks)
    reader.end()
    return out, reader


def facts(reader: StreamReader) -> tuple[object, ...]:
    return (reader.usage, reader.flags, reader.fault, reader.model, reader.is_complete, reader.last_bytes(None))


STREAMS = {
    "plain": [text(""), text("Hel"), text("lo"), text(" you"), FINISH, USAGE, DONE],
    "carriage returns": [each.replace(b"\n\n", b"\r\n\r\n") for each in (text("a"), text("b"), FINISH, USAGE, DONE)],
    "comments and a mark": [b"\xef\xbb\xbf: hello\n\n", text("a"), b": keep-alive\n\n", FINISH, USAGE, DONE],
    "several lines of data": [b'data: {"model":"m",\ndata: "choices":[{"index":0}]}\n\n', FINISH, USAGE, DONE],
    "usage in the finish chunk": [
        text("a"),
        event(choices=[{"index": 0, "finish_reason": "stop"}], usage={"prompt_tokens": 5, "completion_tokens": 6}),
        DONE,
    ],
    "usage inside the choice": [
        text("a"),
        event(choices=[{"index": 0, "finish_reason": "stop", "usage": {"prompt_tokens": 5, "completion_tokens": 6}}]),
        DONE,
    ],
    "groq": [
        text("a"),
        FINISH,
        event(choices=[], x_groq={"usage": {"prompt_tokens": 5, "completion_tokens": 6}}),
        DONE,
    ],
    "usage, then more text": [text("a"), USAGE, text("b"), FINISH, DONE],
    "error in the middle": [text("a"), text("b"), b'data: {"error":{"message":"no"}}\n\n', text("c"), DONE],
    "dashscope's error in the middle": [
        *(text("a") for _ in range(4)),
        b'id:5\nevent:error\n:HTTP_STATUS/429\ndata:{"code":"Throttling","message":"slow down"}\n\n',
        text("c"),
    ],
    "minimax's error at the end": [
        *(text("a") for _ in range(4)),
        event(choices=None, base_resp={"status_code": 1002, "status_msg": "rate limit"}),
    ],
    "events without choices": [
        text("a"),
        event(object="ping"),
        text("b"),
        text("c"),
        event(object="ping"),
        FINISH,
        DONE,
    ],
    "nothing but the end": [b": hello\n\n", DONE],
    "unicode": [text("你好，世界🙂"), text("多字节"), text("\u2028"), text("x"), FINISH, USAGE, DONE],
}


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_cut_at_every_byte_gives_the_same_facts(name: str) -> None:
    whole = b"".join(STREAMS[name])
    out, reader = read([whole])
    expected = facts(reader)
    for cut in range(1, len(whole)):
        again, cut_reader = read([whole[:cut], whole[cut:]])
        assert (again, facts(cut_reader)) == (out, expected), f"cut at {cut}"
    again, byte_reader = read([whole[place : place + 1] for place in range(len(whole))])
    assert (again, facts(byte_reader)) == (out, expected)


@given(st.data())
def test_any_cutting_gives_the_same_facts(data: st.DataObject) -> None:
    whole = b"".join(STREAMS[data.draw(st.sampled_from(sorted(STREAMS)))])
    places = sorted(data.draw(st.sets(st.integers(1, len(whole) - 1), max_size=12)))
    chunks = [whole[start:end] for start, end in zip([0, *places], [*places, len(whole)], strict=True)]
    out, reader = read([whole])
    again, cut_reader = read(chunks)
    assert (again, facts(cut_reader)) == (out, facts(reader))


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_garbage_never_breaks_the_reader(chunks: list[bytes]) -> None:
    reader = StreamReader(call())
    for chunk in chunks:
        reader.feed(chunk)
    reader.end()
    json_reader = JsonReader(call())
    for chunk in chunks:
        json_reader.feed(chunk)
    json_reader.end()


def test_content_bytes_pass_untouched_and_the_terminator_is_kept_back() -> None:
    out, reader = read(STREAMS["plain"])
    assert out == b"".join(STREAMS["plain"][:5])
    assert reader.last_bytes(None) == DONE_EVENT
    assert reader.usage is not None
    assert (reader.usage.input_tokens, reader.usage.output_tokens) == (150, 300)


def test_a_text_that_speaks_of_usage_is_only_text() -> None:
    tricky = text('"usage": {"prompt_tokens": 1}, "error": "x" [DONE]')
    out, reader = read([text("a"), text("b"), text("c"), text("d"), tricky, FINISH, USAGE, DONE])
    assert tricky in out
    assert reader.fault is None
    assert reader.usage is not None
    assert reader.usage.input_tokens == 150


def test_null_usage_in_every_chunk_is_no_usage() -> None:
    nulls = [event(choices=[{"index": 0, "delta": {"content": "a"}}], usage=None) for _ in range(9)]
    out, reader = read([*nulls, FINISH, DONE])
    assert out == b"".join(nulls) + FINISH
    assert reader.usage is None


def test_an_event_beyond_a_megabyte_is_passed_on_unread() -> None:
    long = text("x" * (EVENT_BYTES_MAX + 100_000))
    chunks = [long[place : place + 65_536] for place in range(0, len(long), 65_536)]
    out, reader = read([text("a"), *chunks, FINISH, USAGE, DONE])
    assert out == text("a") + long + FINISH
    assert reader.usage is not None


INVALID = {
    "negative": {"prompt_tokens": -1000, "completion_tokens": -1000},
    "huge": {"prompt_tokens": 2**62, "completion_tokens": 1},
    "text": {"prompt_tokens": "150", "completion_tokens": 300},
    "fraction": {"prompt_tokens": 1.5, "completion_tokens": 300},
    "missing": {"total_tokens": 5},
    "more cached than sent": {
        "prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 6},
    },
    "more reasoning than written": {
        "prompt_tokens": 5, "completion_tokens": 1, "completion_tokens_details": {"reasoning_tokens": 2},
    },
}  # fmt: skip


@pytest.mark.parametrize("name", INVALID)
def test_usage_that_cannot_be_true_is_not_taken_and_flagged(name: str) -> None:
    reader = JsonReader(call(stream=False))
    reader.feed(msgspec.json.encode(completion(usage=INVALID[name])))
    reader.end()
    assert reader.fault is None
    assert reader.is_complete
    assert reader.usage is None
    assert reader.flags


@pytest.mark.parametrize(
    "body", [b"", b"<html>busy</html>", b"null", b"[1]", b'{"choices":[', b"\xff\xfe", b'"text"', b"NaN"]
)
def test_a_200_that_is_no_json_object_is_a_fault(body: bytes) -> None:
    reader = JsonReader(call(stream=False))
    reader.feed(body)
    reader.end()
    assert reader.fault is not None
    assert reader.fault.kind is FaultKind.MALFORMED


CONVENTIONS = {
    "openai": (
        {
            "prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500,
            "prompt_tokens_details": {"cached_tokens": 600, "audio_tokens": 100},
            "completion_tokens_details": {"reasoning_tokens": 200, "audio_tokens": 50},
        },
        {
            Meter.INPUT: 300, Meter.CACHED_INPUT: 600, Meter.AUDIO_INPUT: 100,
            Meter.OUTPUT: 250, Meter.REASONING: 200, Meter.AUDIO_OUTPUT: 50,
        },
    ),
    "deepseek": (
        {
            "prompt_tokens": 1000, "completion_tokens": 10, "total_tokens": 1010,
            "prompt_cache_hit_tokens": 900, "prompt_cache_miss_tokens": 100,
        },
        {Meter.INPUT: 100, Meter.CACHED_INPUT: 900, Meter.OUTPUT: 10},
    ),
    "moonshot": (
        {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110, "cached_tokens": 60},
        {Meter.INPUT: 40, Meter.CACHED_INPUT: 60, Meter.OUTPUT: 10},
    ),
    "xai, reasoning beside the completion": (
        {
            "prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 160,
            "completion_tokens_details": {"reasoning_tokens": 50},
        },
        {Meter.INPUT: 100, Meter.OUTPUT: 10, Meter.REASONING: 50},
    ),
    "openrouter, cache written": (
        {
            "prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110, "cost": 0.01,
            "prompt_tokens_details": {"cached_tokens": 20, "cache_write_tokens": 30},
        },
        {Meter.INPUT: 50, Meter.CACHED_INPUT: 20, Meter.CACHE_WRITE_5M: 30, Meter.OUTPUT: 10},
    ),
    "embeddings": ({"prompt_tokens": 8, "total_tokens": 8}, {Meter.INPUT: 8}),
}  # fmt: skip


@pytest.mark.parametrize("name", CONVENTIONS)
def test_each_providers_convention_becomes_disjoint_quantities(name: str) -> None:
    usage, quantities = CONVENTIONS[name]
    reader = JsonReader(call(stream=False))
    reader.feed(msgspec.json.encode(completion(usage=usage)))
    reader.end()
    assert reader.usage is not None
    assert dict(reader.usage.quantities) == quantities
