"""Usage as OpenAI-compatible providers report it, converted once into disjoint quantities.

Conventions met (vendor API references; wire samples in the tests):
- OpenAI, Qwen, Zhipu, Groq, vLLM: `prompt_tokens` includes `prompt_tokens_details.cached_tokens` and audio;
  `completion_tokens` includes `completion_tokens_details.reasoning_tokens` and audio.
- DeepSeek: `prompt_cache_hit_tokens` + `prompt_cache_miss_tokens` = `prompt_tokens`.
- Moonshot: `cached_tokens` beside `prompt_tokens`; streams carry usage inside `choices[0]`.
- xAI: reasoning tokens are not part of `completion_tokens`; the total shows it.
- OpenRouter: `prompt_tokens_details.cache_write_tokens` for providers that charge for writing.
- Groq streams: `x_groq.usage`.

What a provider says is untrusted: a count that is negative, fractional, absurd or inconsistent voids the whole
report, with a flag that names it; the caller then estimates. Nothing is ever repaired silently.
"""

from collections.abc import Mapping
from typing import Final

from smart_ai_router.domain.meters import Meter, Quantities, Usage, UsageSource

TOKENS_MAX: Final = 100_000_000  # a hundred times the largest context window sold


class UsageInvalid(ValueError):
    """A usage report that cannot be billed; the text is the flag for the record."""


def read_usage(report: Mapping[str, object], service_tier: str | None = None) -> Usage:
    """Convert one usage object; raise UsageInvalid when its numbers cannot be true."""
    prompt_details = _mapping(report, "prompt_tokens_details")
    completion_details = _mapping(report, "completion_tokens_details")
    prompt = _count(report, "prompt_tokens")
    completion = _count(report, "completion_tokens", missing=0)
    if prompt is None or completion is None:
        raise UsageInvalid("usage_missing_prompt_tokens")
    cached = (
        _count(prompt_details, "cached_tokens")
        or _count(report, "prompt_cache_hit_tokens")
        or _count(report, "cached_tokens")
        or 0
    )
    cache_write = _count(prompt_details, "cache_write_tokens") or 0
    audio_in = _count(prompt_details, "audio_tokens") or 0
    reasoning = _count(completion_details, "reasoning_tokens") or 0
    audio_out = _count(completion_details, "audio_tokens") or 0
    total = _count(report, "total_tokens")
    if reasoning and total is not None and total == prompt + completion + reasoning:
        completion += reasoning
    plain_in = prompt - cached - cache_write - audio_in
    plain_out = completion - reasoning - audio_out
    if plain_in < 0:
        raise UsageInvalid("usage_parts_exceed_prompt_tokens")
    if plain_out < 0:
        raise UsageInvalid("usage_parts_exceed_completion_tokens")
    counts = (
        (Meter.INPUT, plain_in),
        (Meter.CACHED_INPUT, cached),
        (Meter.CACHE_WRITE_5M, cache_write),
        (Meter.AUDIO_INPUT, audio_in),
        (Meter.OUTPUT, plain_out),
        (Meter.REASONING, reasoning),
        (Meter.AUDIO_OUTPUT, audio_out),
    )
    quantities: Quantities = tuple([each for each in counts if each[1]])
    return Usage(quantities, UsageSource.PROVIDER, service_tier)


def _mapping(report: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = report.get(key)
    return value if isinstance(value, dict) else {}


def _count(report: Mapping[str, object], key: str, missing: int | None = None) -> int | None:
    value = report.get(key, missing)
    if value is None:
        return missing
    if type(value) is not int:
        raise UsageInvalid(f"usage_{key}_not_a_whole_number")
    if value < 0:
        raise UsageInvalid(f"usage_{key}_negative")
    if value > TOKENS_MAX:
        raise UsageInvalid(f"usage_{key}_absurd")
    return value
