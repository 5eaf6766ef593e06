"""OpenAI's own Python library against the real router: what its users do, and what they are told when it fails."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from hashlib import sha256
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from smart_ai_router.testing.upstream import UpstreamServer
from tests.e2e.fault_harness import until
from tests.e2e.router_harness import Router
from tests.e2e.sdk_scene import HASTY_KEY, KEY, TEXT, WEATHER, records_of_model, sdk_router

HELLO: Any = [{"role": "user", "content": "Hello"}]
ERRORS: dict[str, tuple[type[openai.APIStatusError], int, str]] = {
    "nobody-has-this": (openai.NotFoundError, 404, "model_not_found"),
    "tag:nobody-has-this": (openai.NotFoundError, 404, "tag_not_found"),
    "tag:": (openai.BadRequestError, 400, "tag_query_invalid"),
    "picky": (openai.BadRequestError, 400, "invalid_value"),
    "limited": (openai.RateLimitError, 429, "upstream_rate_limited"),
    "penniless": (openai.InternalServerError, 503, "upstream_out_of_money"),
}


@pytest.fixture(scope="module")
def router(upstream: UpstreamServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    with sdk_router(upstream, tmp_path_factory.mktemp("openai")) as started:
        yield started


@pytest.fixture
def client(router: Router) -> Iterator[OpenAI]:
    with OpenAI(base_url=router.base_url, api_key=KEY, max_retries=0) as made:
        yield made


def test_a_chat_is_answered_and_on_the_books(client: OpenAI, router: Router) -> None:
    reply = client.chat.completions.create(model="gpt-4o-mini", messages=HELLO, seed=7, user="somebody")

    assert reply.choices[0].message.content == TEXT
    assert reply.usage
    assert reply.usage.total_tokens == 450
    record = router.record_of(reply._request_id or "")
    assert (record["user_id"], record["end_user"], record["total_cost"]) == ("app", "somebody", Decimal("0.000375"))
    assert record["user_agent"].startswith("OpenAI/Python")


def test_a_raw_response_carries_the_routers_headers(client: OpenAI, router: Router) -> None:
    raw = client.chat.completions.with_raw_response.create(model="gpt-4o-mini", messages=HELLO)

    assert raw.headers["x-smart-ai-router-channel"] == "ch_good"
    assert raw.headers["x-smart-ai-router-attempts"] == "1"
    assert raw.headers["x-smart-ai-router-cost"] == "0.000375 USD"
    assert router.record_of(raw.headers["x-request-id"])["model"] == "gpt-4o-mini"
    assert raw.parse().choices[0].finish_reason == "stop"


@pytest.mark.parametrize("wants_usage", [False, True])
def test_a_stream_has_its_text_and_its_usage_only_when_asked(client: OpenAI, wants_usage: bool) -> None:
    options: Any = {"stream_options": {"include_usage": True}} if wants_usage else {}

    with client.chat.completions.create(model="gpt-4o-mini", messages=HELLO, stream=True, **options) as stream:
        chunks = list(stream)

    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == TEXT
    used = [chunk.usage.total_tokens for chunk in chunks if chunk.usage]
    assert used == ([450] if wants_usage else [])
    assert all(chunk.choices or chunk.usage for chunk in chunks)


def test_tools_are_called_whole_and_streamed(client: OpenAI) -> None:
    whole = client.chat.completions.create(model="tooled", messages=HELLO, tools=[WEATHER])
    with client.chat.completions.create(model="tooled", messages=HELLO, tools=[WEATHER], stream=True) as stream:
        deltas = [chunk.choices[0].delta for chunk in stream if chunk.choices]

    assert whole.choices[0].finish_reason == "tool_calls"
    calls = whole.choices[0].message.tool_calls
    assert calls
    (call,) = calls
    assert call.type == "function"
    assert (call.function.name, call.function.arguments) == ("get_weather", '{"city":"上海"}')
    pieces = [delta.tool_calls[0].function for delta in deltas if delta.tool_calls]
    assert "".join(piece.arguments or "" for piece in pieces if piece) == '{"city":"上海"}'


def test_the_conversation_after_a_tool_call_reaches_the_upstream_as_it_came(
    client: OpenAI, upstream: UpstreamServer
) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    messages: Any = [
        *HELLO,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
    ]

    raw = client.chat.completions.with_raw_response.create(
        model="gpt-4o-mini", messages=messages, tools=[WEATHER], response_format={"type": "json_object"}, logprobs=True
    )

    sent = raw.http_response.request.content
    assert upstream.served.entries[-1].body_sha256 == sha256(sent).hexdigest()
    assert upstream.served.entries[-1].headers.get("x-stainless-lang") is None  # the body goes on, and nothing else


def test_embeddings(client: OpenAI) -> None:
    reply = client.embeddings.create(model="text-embedding-3-small", input=["one", "two"])

    assert len(reply.data) == 2
    assert all(len(each.embedding) > 1 and isinstance(each.embedding[0], float) for each in reply.data)


def test_models_are_listed_and_looked_up(client: OpenAI) -> None:
    names = [model.id for model in client.models.list()]

    assert {"gpt-4o-mini", "text-embedding-3-small", "tooled"} <= set(names)
    assert client.models.retrieve("gpt-4o-mini").owned_by
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nobody-has-this")


def test_completions_of_the_old_kind(client: OpenAI) -> None:
    assert client.completions.create(model="gpt-4o-mini", prompt="Hello").choices[0].text == TEXT


@pytest.mark.parametrize("model", ERRORS)
def test_errors_are_of_the_class_that_the_library_has_for_them(client: OpenAI, router: Router, model: str) -> None:
    error, status, code = ERRORS[model]

    with pytest.raises(error) as raised:
        client.chat.completions.create(model=model, messages=HELLO)

    assert (raised.value.status_code, raised.value.code) == (status, code)
    assert router.record_of(raised.value.request_id or "")["status_code"] == status


def test_a_wrong_key_and_a_key_at_its_limit_are_told_apart(router: Router) -> None:
    with OpenAI(base_url=router.base_url, api_key="sk-of-nobody", max_retries=0) as stranger:
        with pytest.raises(openai.AuthenticationError) as refused:
            stranger.chat.completions.create(model="gpt-4o-mini", messages=HELLO)
        assert refused.value.code == "invalid_api_key"
    with OpenAI(base_url=router.base_url, api_key=HASTY_KEY, max_retries=0) as hasty:
        hasty.chat.completions.create(model="gpt-4o-mini", messages=HELLO)
        with pytest.raises(openai.RateLimitError) as limited:
            hasty.chat.completions.create(model="gpt-4o-mini", messages=HELLO)
        assert limited.value.code == "rate_limit_exceeded"
        assert 1 <= int(limited.value.response.headers["retry-after"]) <= 60


def test_a_request_that_is_no_chat_is_a_bad_request(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(model="gpt-4o-mini", messages=[])

    assert (raised.value.param, raised.value.type) == ("messages", "invalid_request_error")


def test_the_library_tries_again_where_that_helps_and_only_there(client: OpenAI, router: Router) -> None:
    patient = client.with_options(max_retries=2)

    # a server error passes: the second try succeeds, and each try is on the books
    reply = patient.chat.completions.create(model="stumbling", messages=HELLO)
    assert reply.choices[0].message.content == TEXT
    assert [record["status_code"] for record in records_of_model(router, "stumbling")] == [502, 200]

    # no money: x-should-retry is false, and the library believes it
    before = len(records_of_model(router, "penniless"))
    with pytest.raises(openai.InternalServerError) as raised:
        patient.chat.completions.create(model="penniless", messages=HELLO)
    assert raised.value.response.headers["x-should-retry"] == "false"
    assert len(records_of_model(router, "penniless")) == before + 1


def test_a_timeout_of_the_client_is_one_cancelled_record(client: OpenAI, router: Router) -> None:
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.2).chat.completions.create(model="slow", messages=HELLO)

    until(lambda: records_of_model(router, "slow"), 5, "the upstream is drained")
    (record,) = records_of_model(router, "slow")
    assert (record["outcome"], record["usage_source"], record["total_tokens"]) == ("cancelled", "provider", 450)


def test_a_stream_that_is_closed_early_is_one_cancelled_record(client: OpenAI, router: Router) -> None:
    with client.chat.completions.create(model="long", messages=HELLO, stream=True) as stream:
        request_id = stream.response.headers["x-request-id"]
        next(iter(stream))

    record = router.record_of(request_id)
    assert (record["outcome"], record["stream"]) == ("cancelled", True)
    assert len(records_of_model(router, "long")) == 1


def test_an_error_in_the_midst_of_a_stream_is_raised(client: OpenAI, router: Router) -> None:
    with client.chat.completions.create(model="breaking", messages=HELLO, stream=True) as stream:
        first = next(stream)
        with pytest.raises(openai.APIError) as raised:
            list(stream)

    assert first.choices
    assert raised.value.code == "upstream_error"
    record = router.record_of(stream.response.headers["x-request-id"])
    assert (record["outcome"], record["status"]) == ("partial", "error")


def test_the_asynchronous_client_does_the_same_many_times_at_once(router: Router) -> None:
    async def scenario() -> list[str]:
        async with AsyncOpenAI(base_url=router.base_url, api_key=KEY, max_retries=0) as client:

            async def one() -> str:
                stream = await client.chat.completions.create(model="gpt-4o-mini", messages=HELLO, stream=True)
                return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])

            return list(await asyncio.gather(*(one() for _ in range(20))))

    before = len(router.records())

    assert asyncio.run(scenario()) == [TEXT] * 20
    assert len(router.records()) == before + 20
