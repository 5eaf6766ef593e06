"""The offline demo provider: the only thing here that pretends, and every answer of it says so.

It gives a machine without any key something to route to, so that the guide's first commands work. It answers with a
fixed text, counts about four bytes a token, and its price is an explicit zero.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from smart_ai_router.core.calls import Call, Target
from smart_ai_router.core.ports import UpstreamRequest
from smart_ai_router.domain.estimates import estimated_tokens
from smart_ai_router.providers.openai import OpenAIDialect

SCHEME: Final = "demo:"
MODEL: Final = "demo-chat"
TEXT: Final = (
    "This is the offline demo provider of Smart AI Router: no model was asked. Add a channel with a real key to "
    "config/router_config.yaml. 这是 Smart AI Router 的离线演示渠道，没有调用任何真实模型。"
)
DIMENSIONS: Final = 8


class _Asked(msgspec.Struct):
    model: str = MODEL
    stream: bool = False
    messages: list[msgspec.Raw] = []
    prompt: msgspec.Raw = msgspec.Raw(b'""')
    input: msgspec.Raw = msgspec.Raw(b'""')


class DemoDialect(OpenAIDialect):
    """Speaks to `answer` inside the process instead of a server."""

    def request(self, call: Call, target: Target) -> UpstreamRequest:
        return UpstreamRequest("POST", SCHEME + call.endpoint.path, (), self.body(call, target))


def answer(path: str, body: bytes) -> tuple[int, Mapping[str, str], list[bytes]]:
    """Status, headers and body chunks of the demo's reply to one OpenAI-style request."""
    asked = msgspec.json.decode(body, type=_Asked)
    if path.endswith("/embeddings"):
        return 200, {"content-type": "application/json"}, [_embedding(asked)]
    prompt = sum(len(bytes(each)) for each in asked.messages) or len(bytes(asked.prompt))
    usage = {"prompt_tokens": estimated_tokens(prompt), "completion_tokens": estimated_tokens(len(TEXT.encode()))}
    usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]
    is_chat = path.endswith("/chat/completions")
    if not asked.stream:
        return 200, {"content-type": "application/json"}, [_completion(asked, usage, is_chat)]
    return 200, {"content-type": "text/event-stream"}, _events(asked, usage, is_chat)


def _completion(asked: _Asked, usage: dict[str, int], is_chat: bool) -> bytes:
    part: dict[str, object] = {"message": {"role": "assistant", "content": TEXT}} if is_chat else {"text": TEXT}
    choice = {"index": 0, **part, "finish_reason": "stop"}
    return msgspec.json.encode(
        {
            "id": "chatcmpl-demo",
            "object": "chat.completion" if is_chat else "text_completion",
            "created": 0,
            "model": asked.model,
            "choices": [choice],
            "usage": usage,
            "system_fingerprint": "offline-demo",
        }
    )


def _events(asked: _Asked, usage: dict[str, int], is_chat: bool) -> list[bytes]:
    head = {
        "id": "chatcmpl-demo",
        "object": "chat.completion.chunk" if is_chat else "text_completion",
        "created": 0,
        "model": asked.model,
        "system_fingerprint": "offline-demo",
    }
    words = TEXT.split(" ")
    texts = [words[0], *[f" {word}" for word in words[1:]]]
    chunks: list[dict[str, object]] = []
    for number, text in enumerate(texts):
        delta: dict[str, object] = {"role": "assistant", "content": text} if number == 0 else {"content": text}
        part: dict[str, object] = {"delta": delta} if is_chat else {"text": text}
        chunks.append({**head, "choices": [{"index": 0, **part, "finish_reason": None}]})
    last: dict[str, object] = {"delta": {}} if is_chat else {"text": ""}
    chunks.append({**head, "choices": [{"index": 0, **last, "finish_reason": "stop"}]})
    chunks.append({**head, "choices": [], "usage": usage})
    return [b"data: " + msgspec.json.encode(chunk) + b"\n\n" for chunk in chunks] + [b"data: [DONE]\n\n"]


def _embedding(asked: _Asked) -> bytes:
    text = bytes(asked.input)
    numbers = [((sum(text[place::DIMENSIONS]) % 2001) - 1000) / 1000 for place in range(DIMENSIONS)]
    tokens = estimated_tokens(len(text))
    return msgspec.json.encode(
        {
            "object": "list",
            "data": [{"object": "embedding", "index": 0, "embedding": numbers}],
            "model": asked.model,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }
    )
