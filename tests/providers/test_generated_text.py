"""Estimates of generated text: the same answer weighs the same, streamed or whole, and never nothing."""

from decimal import Decimal

import msgspec
import pytest

from smart_ai_router.domain.faults import FaultKind
from smart_ai_router.providers.generated_text import stream_text_bytes, text_bytes
from smart_ai_router.providers.openai_replies import JsonReader, StreamReader
from tests.core.playbook import DONE, FINISH, USAGE, completion, event, text
from tests.providers.test_openai_replies import call

PIECES = ("Every ", "call ", "is ", "on ", "the ", "books, ", "每一笔", "都有账可查。")
WHOLE = "".join(PIECES)
BYTES = len(WHOLE.encode())


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"choices": [{"message": {"role": "assistant", "content": "abc"}}]}, 3),
        ({"choices": [{"message": {"content": "每一笔"}}, {"message": {"content": "x"}}]}, 10),
        ({"choices": [{"message": {"reasoning_content": "why", "content": None}}]}, 3),
        ({"choices": [{"message": {"content": [{"type": "text", "text": "ab"}]}}]}, 2),
        ({"choices": [{"message": {"tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}}]}, 2),
        ({"choices": [{"text": "done"}]}, 4),
        ({"data": [{"embedding": [0.1, 0.2]}], "model": "a long name"}, 0),
        ({}, 0),
    ],
)
def test_the_texts_of_a_body_are_measured_and_nothing_else(body: object, expected: int) -> None:
    assert text_bytes(msgspec.json.encode(body)) == expected


@pytest.mark.parametrize("body", [b"", b"null", b"{", b"\xff", b'{"text":"\xff"}', b"[" * 100_000])
def test_what_cannot_be_read_has_no_text(body: bytes) -> None:
    assert text_bytes(body) == 0


def test_a_stream_without_events_has_no_text() -> None:
    assert stream_text_bytes([], 0, 0) == 0


def stream(*events: bytes) -> StreamReader:
    reader = StreamReader(call())
    for each in events:
        reader.feed(each)
    reader.end()
    return reader


def test_an_answer_without_a_count_weighs_the_same_streamed_and_whole() -> None:
    whole = JsonReader(call(stream=False))
    message = {"role": "assistant", "content": WHOLE}
    whole.feed(msgspec.json.encode(completion(usage=None, choices=[{"index": 0, "message": message}])))
    whole.end()
    role = event(choices=[{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}])
    assert whole.content_bytes == BYTES
    assert stream(role, *map(text, PIECES), FINISH, DONE).content_bytes == BYTES
    assert stream(*map(text, PIECES), FINISH).content_bytes == BYTES


def test_a_stream_that_was_cut_weighs_what_came() -> None:
    for count in range(1, len(PIECES) + 1):
        assert stream(*map(text, PIECES[:count])).content_bytes == len("".join(PIECES[:count]).encode())


def test_a_count_that_cannot_be_read_is_no_text() -> None:
    wrong = event(choices=[], usage={"prompt_tokens": "150", "completion_tokens": "300"})
    assert stream(*map(text, PIECES), FINISH, wrong, DONE).content_bytes == BYTES


NOT_UTF8 = (
    b'{"model":"\xff","choices":[]}',
    b'{"\xff":1,"choices":[]}',
    b'{"id":"\xff","choices":[]}',
    b'{"id":1,"x":"\xff"}',
)


@pytest.mark.parametrize("body", NOT_UTF8)
def test_a_body_that_is_not_utf8_and_has_no_count_is_a_fault(body: bytes) -> None:
    reader = JsonReader(call(stream=False))
    reader.feed(body)
    reader.end()
    assert reader.fault is not None
    assert reader.fault.kind is FaultKind.MALFORMED


@pytest.mark.parametrize("body", NOT_UTF8)
def test_a_chunk_that_is_not_utf8_is_passed_on_and_the_stream_goes_on(body: bytes) -> None:
    reader = stream(b"data: " + body + b"\n\n", *map(text, PIECES), FINISH, USAGE, DONE)
    assert reader.is_complete
    assert reader.usage is not None


def test_a_body_that_cannot_be_written_anew_keeps_its_bytes_though_the_cost_was_asked_for() -> None:
    body = b'{"\xff":1,"usage":{"prompt_tokens":1,"completion_tokens":2},"choices":[{}]}'
    reader = JsonReader(call(stream=False))
    reader.feed(body)
    reader.end()
    assert reader.last_bytes(Decimal("0.5")) == body
