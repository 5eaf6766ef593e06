"""The usage objects of a reply: as each provider writes them, and as none should.

Token counts are the call's own (150 and 300 unless said otherwise). `cached` and `reasoning` are the options that
set the two most common parts; every dialect places them where that provider does.
"""

from collections.abc import Callable, Mapping

from smart_ai_router.testing.upstream_call import Call

Usage = Mapping[str, object]
UsageShape = Callable[[Call], object]


def plain(call: Call) -> dict[str, object]:
    """Three numbers, as the seed of all dialects has them."""
    prompt, completion = call.prompt_tokens, call.completion_tokens
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def openai(call: Call) -> Usage:
    return plain(call) | {
        "prompt_tokens_details": {"cached_tokens": _cached(call), "audio_tokens": call.number("audio_in", 0)},
        "completion_tokens_details": {
            "reasoning_tokens": _reasoning(call),
            "audio_tokens": call.number("audio_out", 0),
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def deepseek(call: Call) -> Usage:
    cached = _cached(call)
    return plain(call) | {
        "prompt_tokens_details": {"cached_tokens": cached},
        "completion_tokens_details": {"reasoning_tokens": _reasoning(call)},
        "prompt_cache_hit_tokens": cached,
        "prompt_cache_miss_tokens": call.prompt_tokens - cached,
    }


def qwen(call: Call) -> Usage:
    reasoning = _reasoning(call)
    return plain(call) | {
        "prompt_tokens_details": {"cached_tokens": _cached(call), "text_tokens": call.prompt_tokens},
        "completion_tokens_details": {
            "reasoning_tokens": reasoning,
            "text_tokens": call.completion_tokens - reasoning,
        },
    }


def moonshot(call: Call) -> Usage:
    return plain(call) | {"cached_tokens": _cached(call)}


def cached_only(call: Call) -> Usage:
    """Zhipu, Doubao: the cached part, and no word on reasoning."""
    return plain(call) | {"prompt_tokens_details": {"cached_tokens": _cached(call)}}


def siliconflow(call: Call) -> Usage:
    return plain(call) | {"completion_tokens_details": {"reasoning_tokens": _reasoning(call)}}


def openrouter(call: Call) -> Usage:
    return plain(call) | {
        "cost": 0.00028125,
        "is_byok": False,
        "prompt_tokens_details": {"cached_tokens": _cached(call), "audio_tokens": 0},
        "cost_details": {"upstream_inference_cost": None},
        "completion_tokens_details": {"reasoning_tokens": _reasoning(call), "image_tokens": 0},
    }


def groq(call: Call) -> Usage:
    return plain(call) | {
        "queue_time": 0.018,
        "prompt_time": 0.002,
        "completion_time": 0.461,
        "total_time": 0.463,
    }


def vllm(call: Call) -> Usage:
    return plain(call) | {"prompt_tokens_details": None}


# --- numbers that must not be believed -----------------------------------------------------------------------------


def negative(_call: Call) -> Usage:
    return {"prompt_tokens": -1000, "completion_tokens": -1000, "total_tokens": -2000}


def huge(_call: Call) -> Usage:
    return {"prompt_tokens": 2**62, "completion_tokens": 2**62, "total_tokens": 2**63}


def string(call: Call) -> Usage:
    return {key: str(value) for key, value in plain(call).items()}


def fraction(_call: Call) -> Usage:
    return {"prompt_tokens": 150.5, "completion_tokens": 300.25, "total_tokens": 450.75}


def not_a_number(_call: Call) -> Usage:
    """Written as the bare word NaN, which is not JSON."""
    return {"prompt_tokens": float("nan"), "completion_tokens": float("nan"), "total_tokens": float("nan")}


def boolean(_call: Call) -> Usage:
    return {"prompt_tokens": True, "completion_tokens": True, "total_tokens": True}


def nulls(_call: Call) -> Usage:
    return {"prompt_tokens": None, "completion_tokens": None, "total_tokens": None}


def null(_call: Call) -> None:
    return None


def fields_missing(call: Call) -> Usage:
    return {"total_tokens": call.prompt_tokens + call.completion_tokens}


def a_list(call: Call) -> object:
    return [call.prompt_tokens, call.completion_tokens]


def wrong_total(call: Call) -> Usage:
    return plain(call) | {"total_tokens": 1}


def cached_beyond_prompt(call: Call) -> Usage:
    return plain(call) | {"prompt_tokens_details": {"cached_tokens": call.prompt_tokens + 1}}


def over_limit(call: Call) -> Usage:
    """More output than `max_tokens` allowed."""
    asked = call.asked.get("max_completion_tokens", call.asked.get("max_tokens"))
    completion = (asked if isinstance(asked, int) else call.completion_tokens) * 10
    return {
        "prompt_tokens": call.prompt_tokens,
        "completion_tokens": completion,
        "total_tokens": call.prompt_tokens + completion,
    }


def unknown_kinds(call: Call) -> Usage:
    """Token kinds that no price list knows yet."""
    return plain(call) | {
        "prompt_tokens_details": {"cached_tokens": 0, "hologram_tokens": 17},
        "completion_tokens_details": {"reasoning_tokens": 0, "dream_tokens": 23},
    }


def _cached(call: Call) -> int:
    return call.number("cached", min(64, call.prompt_tokens))


def _reasoning(call: Call) -> int:
    return call.number("reasoning", min(100, call.completion_tokens))
