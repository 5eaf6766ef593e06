"""How much generated text a reply holds, for estimates where the provider sent no count that can be trusted.

A whole body is read and its texts are measured. A stream is not read: what it takes beyond the text is learned from
its first events, and every later event is taken to be of the same make.
"""

from typing import Final

import msgspec

TEXT_KEYS: Final = frozenset(("content", "reasoning_content", "reasoning", "refusal", "arguments", "text"))


def text_bytes(body: bytes | str) -> int:
    """The UTF-8 bytes of all generated texts in a body or chunk; 0 when it cannot be read."""
    try:
        waiting: list[object] = [msgspec.json.decode(body)]
    except (ValueError, RecursionError):  # msgspec's errors are ValueErrors, and so are those of UTF-8
        return 0
    total = 0
    while waiting:
        each = waiting.pop()
        if isinstance(each, list):
            waiting += each
        elif isinstance(each, dict):
            for key, value in each.items():
                if not isinstance(value, str):
                    waiting.append(value)
                elif key in TEXT_KEYS:
                    total += len(value.encode("utf-8", "replace"))
    return total


def stream_text_bytes(samples: list[tuple[bytes, int]], later_bytes: int, later_events: int) -> int:
    """The text of a stream: `samples` are the payloads and event sizes of its first events, the rest stands in sums."""
    measured = [(text_bytes(payload), size) for payload, size in samples]
    makes = [size - text for text, size in measured if text] or [size for _, size in measured]
    envelope = min(makes, default=0)
    return sum(text for text, _ in measured) + max(0, later_bytes - later_events * envelope)
