"""Errors under the status 200: each vendor's shape becomes its fault, and an answer never does."""

from collections.abc import Mapping

import msgspec
import pytest

from smart_ai_router.api.openai import ENDPOINTS, read_call
from smart_ai_router.domain.faults import Fault, FaultKind
from smart_ai_router.providers.hidden_errors import fault_in_answer, is_refused_by, names_error
from smart_ai_router.providers.openai_replies import JsonReader, StreamReader
from tests.core.playbook import DONE, FINISH, USAGE, completion, event, text

PATHS = {"messages": "/v1/chat/completions", "input": "/v1/embeddings"}


def read_json(body: object, asked: str = "messages") -> JsonReader:
    fields = {"model": "m", asked: [{"role": "user", "content": "Hi"}] if asked == "messages" else "Hi"}
    reader = JsonReader(read_call(ENDPOINTS[PATHS[asked]], {}, msgspec.json.encode(fields), None))
    reader.feed(msgspec.json.encode(body))
    reader.end()
    return reader


def read_stream(*events: bytes) -> tuple[bytes, StreamReader]:
    fields = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    reader = StreamReader(read_call(ENDPOINTS[PATHS["messages"]], {}, msgspec.json.encode(fields), None))
    out = b"".join(reader.feed(each) for each in events)
    reader.end()
    return out, reader


def kind(fault: Fault | None) -> FaultKind:
    assert fault is not None
    assert fault.status == 200
    return fault.kind


def minimax(code: int, words: str) -> dict[str, object]:
    return {"id": "x", "choices": None, "base_resp": {"status_code": code, "status_msg": words}}


ERRORS: Mapping[str, tuple[dict[str, object], FaultKind]] = {
    "minimax, key": (minimax(1004, "login fail"), FaultKind.API_KEY_INVALID),
    "minimax, balance": (minimax(1008, "insufficient balance"), FaultKind.LOW_BALANCE),
    "minimax, rate": (minimax(1002, "rate limit"), FaultKind.RATE_LIMIT),
    "minimax, content": (minimax(1026, "input new_sensitive"), FaultKind.REQUEST_REFUSED),
    "minimax, unknown number": (minimax(999_999, "unknown error, 999 (1000)"), FaultKind.API_ERROR),
    "dashscope, throttled": (
        {"code": "Throttling.RateQuota", "message": "Requests rate limit exceeded", "request_id": "r"},
        FaultKind.RATE_LIMIT,
    ),
    "dashscope, in arrears": ({"code": "Arrearage", "message": "Access denied."}, FaultKind.LOW_BALANCE),
    "dashscope, key": ({"code": "InvalidApiKey", "message": "Invalid API-key."}, FaultKind.API_KEY_INVALID),
    "dashscope, parameter": ({"code": "InvalidParameter", "message": "Range of n."}, FaultKind.REQUEST_REFUSED),
    "dashscope, code alone": ({"code": "Throttling"}, FaultKind.RATE_LIMIT),
    "zhipu": ({"code": 500, "msg": "404 NOT_FOUND", "success": False}, FaultKind.SERVER_ERROR),
    "siliconflow": ({"code": 30001, "message": "balance", "data": None}, FaultKind.LOW_BALANCE),
    "qianfan": ({"error_code": 336_100, "error_msg": "the model is busy"}, FaultKind.SERVER_ERROR),
    "modelscope": ({"errors": {"message": "rate limit"}, "request_id": "r"}, FaultKind.RATE_LIMIT),
    "a web framework": ({"detail": "Internal Server Error"}, FaultKind.SERVER_ERROR),
    "openai's shape": ({"error": {"code": 502, "message": "Provider returned error"}}, FaultKind.SERVER_ERROR),
    "a text": ({"error": "overloaded"}, FaultKind.SERVER_ERROR),
    "openrouter, in place of the choice": (
        {"choices": [{"index": 0, "finish_reason": "error", "error": {"code": 429, "message": "Rate limited"}}]},
        FaultKind.RATE_LIMIT,
    ),
    "an empty list of choices": ({"choices": [], "error": {"code": 502, "message": "m"}}, FaultKind.SERVER_ERROR),
    "a relay's empty envelope": ({"id": "", "model": "", "choices": None, "usage": None}, FaultKind.MALFORMED),
    "an empty object": ({}, FaultKind.MALFORMED),
    "all is well, without an answer": ({"code": 200, "msg": "", "data": None}, FaultKind.MALFORMED),
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_under_200_is_the_fault_that_it_names(name: str) -> None:
    body, expected = ERRORS[name]
    reader = read_json(body)
    assert kind(reader.fault) is expected
    assert not reader.is_complete
    assert reader.flags == ()


@pytest.mark.parametrize("name", [name for name in ERRORS if ERRORS[name][1] is not FaultKind.MALFORMED])
def test_the_same_error_as_a_streams_first_event_is_the_same_fault_and_reaches_nobody(name: str) -> None:
    body, expected = ERRORS[name]
    out, reader = read_stream(event(**body), DONE)
    assert kind(reader.fault) is expected
    assert out == b""


@pytest.mark.parametrize("name", [name for name in ERRORS if ERRORS[name][1] is not FaultKind.MALFORMED])
def test_the_same_error_late_in_a_stream_ends_it(name: str) -> None:
    body, expected = ERRORS[name]
    before = [text("a"), text("b"), text("c"), text("d"), text("e")]
    out, reader = read_stream(*before, event(**body), text("never"), DONE)
    assert kind(reader.fault) is expected
    assert out == b"".join(before)


def test_dashscopes_own_error_event_is_read() -> None:
    body = b'{"code":"InvalidApiKey","message":"Invalid API-key provided.","request_id":"r"}'
    out, reader = read_stream(b"id:1\nevent:error\n:HTTP_STATUS/401\ndata:" + body + b"\n\n")
    assert kind(reader.fault) is FaultKind.API_KEY_INVALID
    assert out == b""


def test_json_that_calls_itself_a_stream_is_read() -> None:
    out, reader = read_stream(b'{"error":{"message":"Insufficient Balance","code":"insufficient_balance"}}')
    assert kind(reader.fault) is FaultKind.LOW_BALANCE
    assert out == b""


def test_a_stream_of_nothing_is_no_answer() -> None:
    for events in ([DONE], [b": keep-alive\n\n", DONE]):
        _, reader = read_stream(*events)
        assert kind(reader.fault) is FaultKind.MALFORMED


@pytest.mark.parametrize("events", [[text(""), DONE], [USAGE, DONE], [b"data: {broken\n\n", DONE]])
def test_a_stream_of_something_is_an_answer(events: list[bytes]) -> None:
    _, reader = read_stream(*events)
    assert reader.fault is None
    assert reader.is_complete


ANSWERS: Mapping[str, dict[str, object]] = {
    "minimax, well": completion(base_resp={"status_code": 0, "status_msg": ""}),
    "minimax, well, without words": completion(base_resp={"status_code": 0}),
    "no base_resp": completion(base_resp=None),
    "a relay's code": completion(code=0, message="success"),
    "an error beside an answer": completion(error={"message": "a warning"}),
    "one of two choices failed": completion(
        choices=[{"index": 0, "message": {"content": "Hi"}}, {"index": 1, "error": {"message": "no"}}]
    ),
    "no choice, but counted": completion(choices=[]),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_stays_an_answer(name: str) -> None:
    reader = read_json(ANSWERS[name])
    assert reader.fault is None
    assert reader.is_complete
    assert reader.usage is not None


def test_minimaxs_last_chunk_is_an_answer_while_its_status_is_zero() -> None:
    last = event(choices=[{"index": 0, "finish_reason": "stop"}], base_resp={"status_code": 0, "status_msg": ""})
    _, reader = read_stream(*(text("a") for _ in range(5)), last, USAGE, DONE)
    assert reader.fault is None
    assert reader.is_complete


def test_an_event_without_choices_and_without_words_passes() -> None:
    ping = event(object="ping")
    out, reader = read_stream(text("a"), text("b"), text("c"), text("d"), ping, FINISH, USAGE, DONE)
    assert reader.fault is None
    assert ping in out


def test_an_embedding_is_answered_by_its_data() -> None:
    vectors = {"object": "list", "data": [{"index": 0, "embedding": [0.5]}], "usage": {"prompt_tokens": 8}}
    assert read_json(vectors, "input").fault is None
    assert kind(read_json({**vectors, "data": None}, "input").fault) is FaultKind.MALFORMED
    refused = {"code": "Throttling", "message": "slow down", "data": None}
    assert kind(read_json(refused, "input").fault) is FaultKind.RATE_LIMIT


def test_what_a_failed_answer_counts_is_kept_for_the_providers_bill() -> None:
    body = {
        "choices": [{"error": {"code": 502, "message": "m"}}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 2},
    }
    reader = read_json(body)
    assert reader.fault is not None
    assert reader.usage is not None
    assert (reader.usage.input_tokens, reader.usage.output_tokens) == (7, 2)


def test_a_vendors_key_in_the_words_is_masked() -> None:
    fault = fault_in_answer(b'{"code":"InvalidApiKey","message":"Invalid API key provided: sk-abcdef0123456789abcdef"}')
    assert "abcdef0123456789" not in fault.message


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_object_names_nothing(body: bytes) -> None:
    assert not names_error(body)


@pytest.mark.parametrize("base_resp", [None, {}, [], "x", {"status_code": 0}, {"status_code": "0"}])
def test_the_zero_of_base_resp_is_well_in_any_spelling(base_resp: object) -> None:
    assert not is_refused_by(base_resp)


@pytest.mark.parametrize("code", [1, 1008, "1008", -1])
def test_any_other_number_of_base_resp_is_a_refusal(code: object) -> None:
    assert is_refused_by({"status_code": code})
