"""The tags of a model's name, by the table that the routing contract gives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.domain.tags import (
    complete_segments,
    exact_count,
    feature_tags,
    parameter_count,
    recorded_tags,
    routing_tags,
    split_parts,
)

NAMES = st.text(alphabet="abcxyz019/:@-_,. ABC", max_size=60)


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        ("gpt-4o-mini", ("gpt", "4o", "mini", "gpt-4o-mini")),
        ("qwen/qwen3-30b-a3b:free", ("qwen", "qwen3", "30b", "a3b", "free", "qwen3-30b-a3b")),
        (
            "anthropic/claude-3-haiku-20240307:free",
            ("anthropic", "claude", "haiku", "20240307", "free", "claude-3-haiku-20240307", "claude-3-haiku"),
        ),
        ("qwen2.5-7b-instruct", ("qwen2.5", "7b", "instruct", "qwen2.5-7b-instruct")),
        ("gpt-4", ("gpt", "gpt-4")),
        ("deepseek-v3.1", ("deepseek", "v3.1", "deepseek-v3.1")),
    ],
)
def test_a_name_gives_the_tags_of_the_contract(name: str, tags: tuple[str, ...]) -> None:
    assert routing_tags(name) == tags


def test_m1_07_a_chat_with_gpt_4o_mini_records_exactly_the_tags_of_the_guide() -> None:
    assert recorded_tags("gpt-4o-mini", "chat", (), ()) == ("gpt", "4o", "mini", "chat")


def test_recorded_tags_are_parts_then_kind_then_query_then_features_each_once() -> None:
    tags = recorded_tags("qwen/qwen3-8b:free", "chat", ("free", "fast"), ("streaming", "fast"))

    assert tags == ("qwen", "qwen3", "8b", "free", "chat", "fast", "streaming")


def test_a_call_without_a_resolved_model_records_its_kind() -> None:
    assert recorded_tags("", "embedding") == ("embedding",)


@pytest.mark.parametrize(
    ("name", "undated"),
    [
        ("gpt-4o-2024-08-06", "gpt-4o"),
        ("claude-3-haiku-20240307", "claude-3-haiku"),
        ("model-x-202406", "model-x"),
    ],
)
def test_a_dated_segment_also_gives_its_undated_form(name: str, undated: str) -> None:
    assert complete_segments(name) == (name, undated)


@pytest.mark.parametrize("name", ["gpt-4-0613", "glm-4-19991231", "phi-3", "o1-20241217"])
def test_digits_that_are_no_date_stay(name: str) -> None:
    assert complete_segments(name) == (name,)


@pytest.mark.parametrize("name", ["meta-llama/70b:free", "deepseek-ai", "x-ai/latest", "ab", "llama:8b", "1234-567"])
def test_makers_sizes_and_bare_words_are_no_segments(name: str) -> None:
    assert complete_segments(name) == ()


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("qwen3-30b-a3b", 30_000_000_000),
        ("qwen2.5-7b-instruct", 7_000_000_000),
        ("qwen2.5:1.5b", 1_500_000_000),
        ("mixtral-8x7b-32768", 56_000_000_000),
        ("Meta-Llama-3.1-405B-Instruct", 405_000_000_000),
        ("ernie-a3b", 3_000_000_000),
        ("gemma3:270m", 270_000_000),
        ("gemma-3n-e4b", 4_000_000_000),
        ("kimi-k2-1t", 1_000_000_000_000),
        ("some-20m", 20_000_000),
        ("some-19m", None),  # 1m and 10m in names are context lengths
        ("qwen2.5-7b-instruct-1m", 7_000_000_000),
        ("gpt-4o", None),
        ("4b2", None),
        ("", None),
    ],
)
def test_the_parameter_count_is_read_from_the_name(name: str, count: int | None) -> None:
    assert parameter_count(name) == count


@pytest.mark.parametrize(
    ("stream", "has_tools", "tokens", "tags"),
    [
        (False, False, None, ()),
        (True, True, None, ("streaming", "function_calling")),
        (False, False, 100, ("short_response",)),
        (False, False, 101, ()),
        (False, False, 1999, ()),
        (True, False, 2000, ("streaming", "long_response")),
    ],
)
def test_features_of_a_call_become_tags(
    stream: bool, has_tools: bool, tokens: int | None, tags: tuple[str, ...]
) -> None:
    assert feature_tags(stream, has_tools, tokens) == tags


def test_counts_are_exact() -> None:
    assert exact_count("1.5", 10**9) == 1_500_000_000
    assert exact_count("0.1", 10) == 1
    assert exact_count("128", 1024) == 131_072


@given(NAMES)
def test_parts_are_lower_case_unique_longer_than_one_and_occur_in_the_name(name: str) -> None:
    parts = split_parts(name)

    assert len(set(parts)) == len(parts)
    for part in parts:
        assert len(part) > 1
        assert part == part.lower()
        assert part in name.lower()
        assert not set(part) & set("/:@-_, ")


@given(NAMES)
def test_routing_tags_begin_with_the_parts_and_end_with_the_segments(name: str) -> None:
    tags = routing_tags(name)

    assert tags[: len(split_parts(name))] == split_parts(name)
    assert set(complete_segments(name)) <= set(tags)
    assert len(set(tags)) == len(tags)


@given(st.text(max_size=200))
def test_any_text_has_tags_and_perhaps_a_count(name: str) -> None:
    count = parameter_count(name)

    assert count is None or count >= 0
    assert set(recorded_tags(name, "chat")) == {*split_parts(name), "chat"}
    assert all(segment == segment.strip() for segment in complete_segments(name))
