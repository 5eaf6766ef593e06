"""From a request's body to a call: what the books and the routing need is checked, the rest passes as it came."""

import contextlib
import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.api.openai import (
    CHOICES_MAX,
    COST_HEADER,
    ENDPOINTS,
    MODEL_CHARACTERS_MAX,
    OPENAI_ERRORS,
    SESSION_HEADER,
    TEXT_CHARACTERS_MAX,
    TOKENS_ASKED_MAX,
    read_call,
)
from smart_ai_router.core.calls import Call
from smart_ai_router.domain.errors import Refusal, RequestMalformed
from smart_ai_router.domain.failures import Failure

CHAT: dict[str, object] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
BODIES: dict[str, dict[str, object]] = {
    "/v1/chat/completions": CHAT,
    "/v1/completions": {"model": "m", "prompt": "once"},
    "/v1/embeddings": {"model": "m", "input": ["a", "b"]},
}


def read(
    path: str = "/v1/chat/completions",
    headers: Mapping[str, str] | None = None,
    region: str | None = None,
    **fields: object,
) -> Call:
    return read_call(ENDPOINTS[path], headers or {}, json.dumps({**BODIES[path], **fields}).encode(), region)


def refused(path: str = "/v1/chat/completions", **fields: object) -> RequestMalformed:
    with pytest.raises(RequestMalformed) as refusal:
        read_call(ENDPOINTS[path], {}, json.dumps({**BODIES[path], **fields}).encode(), None)
    assert refusal.value.status == 400
    return refusal.value


@pytest.mark.parametrize("path", BODIES)
def test_a_plain_call_is_read_and_its_bytes_are_kept(path: str) -> None:
    body = json.dumps(BODIES[path]).encode()
    call = read_call(ENDPOINTS[path], {}, body, None)
    assert (call.model, call.body, call.prompt_bytes) == ("m", body, len(body))
    assert (call.stream, call.choices, call.output_tokens_max, call.end_user) == (False, 1, None, None)


@pytest.mark.parametrize(("path", "field"), [(path, list(body)[1]) for path, body in BODIES.items()])
def test_what_an_endpoint_reads_must_be_there(path: str, field: str) -> None:
    assert refused(path, **{field: None}).param == field


@pytest.mark.parametrize("messages", [[], {}, "hi", 0, False])
def test_messages_are_a_list_of_at_least_one(messages: object) -> None:
    assert refused(messages=messages).param == "messages"


@pytest.mark.parametrize("model", [None, "", " \t", 5, [], {}, True])
def test_a_model_is_named(model: object) -> None:
    assert refused(model=model).param == "model"


def test_both_sides_of_a_models_length() -> None:
    assert read(model="m" * MODEL_CHARACTERS_MAX).model
    assert refused(model="m" * (MODEL_CHARACTERS_MAX + 1)).param == "model"


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_both_sides_of_the_tokens_asked_for(name: str) -> None:
    for value in (1, TOKENS_ASKED_MAX):
        assert read(**{name: value}).output_tokens_max == value  # type: ignore[arg-type]
    for wrong in (0, -1, TOKENS_ASKED_MAX + 1, 10**18, 2**63, 1.0, "1", True):
        assert refused(**{name: wrong}).param == name  # type: ignore[arg-type]


def test_of_two_token_limits_the_smaller_one_holds() -> None:
    assert read(max_tokens=5, max_completion_tokens=7).output_tokens_max == 5
    assert read(max_tokens=9, max_completion_tokens=7).output_tokens_max == 7


def test_both_sides_of_the_choices() -> None:
    assert [read(n=value).choices for value in (None, 1, CHOICES_MAX)] == [1, 1, CHOICES_MAX]
    for wrong in (0, -1, CHOICES_MAX + 1, 10**9, 1.0, "2", True):
        assert refused(n=wrong).param == "n"


def test_stream_is_true_or_false_and_its_options_are_an_object() -> None:
    assert (read(stream=True).stream, read(stream=False).stream, read(stream=None).stream) == (True, False, False)
    for wrong in (1, 0, "true"):
        assert refused(stream=wrong).param == "stream"
    for wrong in (1, "x", [], True):
        assert refused(stream_options=wrong).param == "stream_options"
    assert read(stream=True, stream_options={"include_usage": True}).wants_usage
    assert not read(stream=True, stream_options={}).wants_usage
    assert not read(stream=True, stream_options=None).wants_usage


def test_the_cost_is_told_to_a_client_that_asks_for_it() -> None:
    assert read(usage={"include": True}).wants_cost
    assert read(headers={COST_HEADER: "1"}).wants_cost
    for other in (None, {"include": 1}, {"include": "true"}, [True], "x"):
        assert not read(usage=other).wants_cost


def test_the_callers_own_words_are_kept_within_their_length_and_other_kinds_left_alone() -> None:
    long = "x" * (TEXT_CHARACTERS_MAX + 1)
    call = read(headers={SESSION_HEADER: long, "x-region": long}, region="x-region", user=long)
    assert {call.end_user, call.session_id, call.region} == {"x" * TEXT_CHARACTERS_MAX}
    for other in (5, {"id": "a"}, [5], "", None):
        assert read(user=other).end_user is None
    assert read(headers={"x-region": "CN"}).region is None


NAMES = st.sampled_from((*CHAT, "n", "stream", "user", "max_tokens", "tools", "usage"))
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9)
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


@given(st.dictionaries(NAMES, VALUES))
def test_any_fields_make_a_call_or_a_refusal(fields: dict[str, object]) -> None:
    body = json.dumps({**CHAT, **fields}).encode()
    with contextlib.suppress(Refusal):  # anything else that is raised would be a mistake of ours
        call = read_call(ENDPOINTS["/v1/chat/completions"], {}, body, None)
        assert call.body == body
        assert 1 <= call.choices <= CHOICES_MAX


def test_an_error_has_openais_envelope_and_names_the_call() -> None:
    failure = Failure(400, "invalid_request_error", "invalid_request", "'n' must be \U0001f600 \u2028", "n")
    told = json.loads(OPENAI_ERRORS.body(failure, "req_1"))
    assert told == {
        "error": {
            "message": failure.message, "type": failure.type, "param": "n", "code": failure.code, "request_id": "req_1",
        }
    }  # fmt: skip
    event = OPENAI_ERRORS.event(failure, "req_1")
    assert event == b"data: " + OPENAI_ERRORS.body(failure, "req_1") + b"\n\ndata: [DONE]\n\n"
    assert event.count(b"\n\n") == 2
