"""Token estimates where no provider count exists. Always marked as estimates, never passed off as counts.

Four bytes of UTF-8 a token: English text runs at 4 to 4.5 characters a token and Chinese at 0.6 to 0.8 tokens a
character of three bytes, so one rule fits both within a quarter (o200k and the Qwen and DeepSeek vocabularies;
JSON of numbers is denser).
"""

from typing import Final

from smart_ai_router.domain.meters import Meter, Usage, UsageSource

BYTES_PER_TOKEN: Final = 4


def estimated_tokens(text_bytes: int) -> int:
    """About how many tokens a text of this many UTF-8 bytes has; at least 1 for a text that is not empty."""
    return -(-text_bytes // BYTES_PER_TOKEN)


def estimate_usage(prompt_bytes: int, content_bytes: int, flags: tuple[str, ...] = ()) -> Usage:
    """The usage of a call from the sizes of what went in and what came out."""
    quantities = (
        (Meter.INPUT, estimated_tokens(prompt_bytes)),
        (Meter.OUTPUT, estimated_tokens(content_bytes)),
    )
    return Usage(tuple([each for each in quantities if each[1]]), UsageSource.ESTIMATED, flags=flags)
