"""What is asked and what is answered: a chat request of about 1 KB, a completion of about 1.5 KB."""

import json
from typing import Final

MODEL: Final = "gpt-4o-mini"
KEY: Final = "sk-benchmark-0123456789abcdef0123456789"
PATH: Final = "/v1/chat/completions"

CHAT_REQUEST: Final = {
    "model": MODEL,
    "messages": [
        {"role": "system", "content": "You are a helpful assistant that answers briefly."},
        {
            "role": "user",
            "content": "Which of these sentences is the oldest? " + "Time and tide wait for no man. " * 25,
        },
    ],
    "temperature": 0.7,
    "max_tokens": 256,
}
COMPLETION: Final = {
    "id": "chatcmpl-benchmark",
    "object": "chat.completion",
    "created": 1_700_000_000,
    "model": MODEL,
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "The quick brown fox jumps over the lazy dog. " * 28},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 150, "completion_tokens": 300, "total_tokens": 450},
}


def compact(value: object) -> bytes:
    """JSON as the official clients and providers write it."""
    return json.dumps(value, separators=(",", ":")).encode()


def chat_body() -> bytes:
    return compact(CHAT_REQUEST)


def stream_body(model: str) -> bytes:
    """A request for a stream; the model's name says what the stream server shall do."""
    return compact({**CHAT_REQUEST, "model": model, "stream": True})


def request_bytes(host: str, body: bytes, key: str | None) -> bytes:
    """One whole HTTP request."""
    authorization = f"Authorization: Bearer {key}\r\n" if key else ""
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nUser-Agent: benchmark\r\n"
        f"{authorization}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
