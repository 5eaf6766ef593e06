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

from typing import Final

import msgspec

from smart_ai_router.domain.meters import Meter, Quantities, Usage, UsageSource

TOKENS_MAX: Final = 100_000_000  # a hundred times the largest context window sold


class UsageInvalid(ValueError):
    """A usage report that cannot be billed; the text is the flag for the record."""


class PromptDetails(msgspec.Struct):
    """`prompt_tokens_details`."""

    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    audio_tokens: int | None = None


class CompletionDetails(msgspec.Struct):
    """`completion_tokens_details`."""

    reasoning_tokens: int | None = None
    audio_tokens: int | None = None


class UsageReport(msgspec.Struct):
    """A usage object whose counts are whole numbers."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None
    prompt_cache_hit_tokens: int | None = None
    cached_tokens: int | None = None


_NO_PROMPT_DETAILS: Final = PromptDetails()
_NO_COMPLETION_DETAILS: Final = CompletionDetails()


def read_usage(report: UsageReport, service_tier: str | None = None) -> Usage:
    """Convert one usage object; raise UsageInvalid when its numbers cannot be true."""
    prompt = report.prompt_tokens
    if prompt is None:
        raise UsageInvalid("usage_without_prompt_tokens")
    completion = report.completion_tokens or 0
    into = report.prompt_tokens_details or _NO_PROMPT_DETAILS
    out = report.completion_tokens_details or _NO_COMPLETION_DETAILS
    cached = into.cached_tokens or report.prompt_cache_hit_tokens or report.cached_tokens or 0
    cache_write = into.cache_write_tokens or 0
    audio_in = into.audio_tokens or 0
    reasoning = out.reasoning_tokens or 0
    audio_out = out.audio_tokens or 0
    if reasoning and report.total_tokens == prompt + completion + reasoning:
        completion += reasoning
    plain_in = prompt - cached - cache_write - audio_in
    plain_out = completion - reasoning - audio_out
    if not (cached or cache_write or audio_in or reasoning or audio_out):
        quantities: Quantities = ((Meter.INPUT, plain_in), (Meter.OUTPUT, plain_out))
    else:
        quantities = (
            (Meter.INPUT, plain_in),
            (Meter.CACHED_INPUT, cached),
            (Meter.CACHE_WRITE_5M, cache_write),
            (Meter.AUDIO_INPUT, audio_in),
            (Meter.OUTPUT, plain_out),
            (Meter.REASONING, reasoning),
            (Meter.AUDIO_OUTPUT, audio_out),
        )
    for meter, count in quantities:
        if not 0 <= count <= TOKENS_MAX:
            raise UsageInvalid(f"usage_implausible:{meter}")
    return Usage(tuple([each for each in quantities if each[1]]), UsageSource.PROVIDER, service_tier)
