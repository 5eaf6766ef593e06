"""LangChain's OpenAI classes against the real router."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal

import pytest
from langchain_core.messages import HumanMessage
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import SecretStr

from smart_ai_router.testing.upstream import UpstreamServer
from tests.e2e.router_harness import Router
from tests.e2e.sdk_scene import KEY, TEXT, WEATHER, records_of_model, sdk_router


@pytest.fixture(scope="module")
def router(upstream: UpstreamServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    with sdk_router(upstream, tmp_path_factory.mktemp("langchain")) as started:
        yield started


@pytest.fixture
def chat(router: Router) -> ChatOpenAI:
    return ChatOpenAI(model="gpt-4o-mini", base_url=router.base_url, api_key=SecretStr(KEY), max_retries=0)


def test_invoke_answers_and_knows_its_tokens(chat: ChatOpenAI, router: Router) -> None:
    reply = chat.invoke([HumanMessage("Hello")])

    assert reply.text == TEXT
    assert reply.usage_metadata
    assert reply.usage_metadata["total_tokens"] == 450
    record = router.records()[-1]
    assert (record["user_id"], record["total_cost"]) == ("app", Decimal("0.000375"))


def test_stream_brings_the_text_in_pieces_and_is_one_record(chat: ChatOpenAI, router: Router) -> None:
    before = len(router.records())

    pieces = [chunk.text for chunk in chat.stream("Hello")]

    assert len([piece for piece in pieces if piece]) > 1
    assert "".join(pieces) == TEXT
    assert len(router.records()) == before + 1
    assert router.records()[-1]["stream"] is True


def test_a_bound_tool_is_called(router: Router) -> None:
    chat = ChatOpenAI(model="tooled", base_url=router.base_url, api_key=SecretStr(KEY)).bind_tools([WEATHER])

    reply = chat.invoke("What is the weather in 上海?")

    assert [(call["name"], call["args"]) for call in reply.tool_calls] == [("get_weather", {"city": "上海"})]
    assert "function_calling" in records_of_model(router, "tooled")[-1]["tags"]


def test_ainvoke_and_embeddings(chat: ChatOpenAI, router: Router) -> None:
    reply = asyncio.run(chat.ainvoke("Hello"))
    embeddings = OpenAIEmbeddings(
        model="text-embedding-3-small",
        base_url=router.base_url,
        api_key=SecretStr(KEY),
        check_embedding_ctx_length=False,
    )

    vectors = embeddings.embed_documents(["one", "two"])

    assert reply.text == TEXT
    assert len(vectors) == 2
    assert router.records()[-1]["request_type"] == "embedding"
