"""The routing table: what each model field selects, what it refuses and who may use it."""

import pytest

from smart_ai_router.core.routing_table import SELECTIONS_KEPT_MAX, ListedModel
from smart_ai_router.core.snapshot import ModelDisabled, RoutingPolicy
from smart_ai_router.domain.errors import (
    AutoQueryUnsupported,
    ModelDisabledForNow,
    ModelNotAllowed,
    ModelUnknown,
    NoModelMatches,
    Refusal,
    TagQueryInvalid,
    TagUnknown,
)
from tests.core.routing_samples import CHANNELS, HAIKU, LOCAL, NO_MONEY, QWEN_8B, QWEN_30B, channel, model, names, table


@pytest.mark.parametrize(
    ("field", "found"),
    [
        ("gpt-4o", {"OpenAI/gpt-4o"}),
        ("GPT-4o", {"OpenAI/gpt-4o"}),
        (" gpt-4o ", {"OpenAI/gpt-4o"}),
        ("gpt-4o-mini", {"OpenAI/gpt-4o-mini"}),
        ("openai/gpt-4o-mini", {"OpenRouter/openai/gpt-4o-mini"}),
        ("tag:gpt-4o-mini", {"OpenAI/gpt-4o-mini", "OpenRouter/openai/gpt-4o-mini"}),
        ("claude-3-haiku", {HAIKU}),
        ("claude-3-haiku-20240307", {HAIKU}),
        ("tag:free", {QWEN_30B, QWEN_8B, HAIKU, LOCAL}),
        ("tag:free,qwen3,!local", {QWEN_30B, QWEN_8B}),
        ("TAG: Free , Qwen3 ,! LOCAL", {QWEN_30B, QWEN_8B}),
        ("tags:free,claude", {HAIKU}),
        ("free,qwen3", {QWEN_30B, QWEN_8B, LOCAL}),
        ("tag:!free", {"OpenAI/gpt-4o", "OpenAI/gpt-4o-mini", "OpenRouter/openai/gpt-4o-mini"}),
        ("tag:qwen3,>20b", {QWEN_30B}),
        ("tag:>20b", {QWEN_30B}),
        ("tag:qwen3,<=8b", {QWEN_8B, LOCAL}),
        ("tag:>=128ki", {QWEN_30B}),
        ("qwen3->20b", {QWEN_30B}),
        ("qwen3-<20b", {QWEN_8B, LOCAL}),
        ("qwen3->=8b", {QWEN_30B, QWEN_8B, LOCAL}),
        ("qwen3-<=8b", {QWEN_8B, LOCAL}),
        ("text-embedding-3-small", {"OpenAI/text-embedding-3-small"}),
    ],
)
def test_a_model_field_selects_what_the_contract_says(field: str, found: set[str]) -> None:
    assert names(table().match(field)) == found


def test_the_tags_that_were_asked_for_are_kept_for_the_record() -> None:
    assert table().select("tag:Free,!local,>1b").positive_tags == ("free",)
    assert table().select("gpt-4o").positive_tags == ()


@pytest.mark.parametrize(
    ("field", "error", "status", "code", "words"),
    [
        ("tag:", TagQueryInvalid, 400, "tag_query_invalid", "asks for nothing"),
        ("auto:x", AutoQueryUnsupported, 400, "auto_query_unsupported", "tag:free"),
        ("a" * 100_000, TagQueryInvalid, 400, "tag_query_invalid", "at most 400"),
        ("gpt-9", ModelUnknown, 404, "model_not_found", "'gpt-9' is not served here; GET /v1/models"),
        ("", ModelUnknown, 404, "model_not_found", "''"),
        ("qwen", ModelUnknown, 404, "model_not_found", "to ask by tag, write tag:qwen"),
        ("tag:nosuch", TagUnknown, 404, "tag_not_found", "'nosuch'"),
        ("tag:free,nosuch", TagUnknown, 404, "tag_not_found", "'nosuch'"),
        ("tag:free,gpt", NoModelMatches, 404, "no_model_matches", "does not carry the tag"),
        ("tag:>900b", NoModelMatches, 404, "no_model_matches", "size filter >900b"),
        ("mistral->1b", NoModelMatches, 404, "no_model_matches", "does not begin with mistral"),
    ],
)
def test_what_selects_nothing_is_refused_by_name(
    field: str, error: type[Refusal], status: int, code: str, words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        table().match(field)

    assert (caught.value.status, caught.value.code, caught.value.param) == (status, code, "model")


def test_an_alias_stands_for_a_name_or_a_query_and_goes_before_names() -> None:
    aliases = (("Best", "gpt-4o"), ("cheap", "tag:free,!local"), ("gpt-4o-mini", "qwen3:8b"), ("loop", "best"))
    routes = table(aliases=aliases)

    assert names(routes.match("best")) == {"OpenAI/gpt-4o"}
    assert names(routes.match("cheap")) == {QWEN_30B, QWEN_8B, HAIKU}
    assert routes.select("cheap").positive_tags == ("free",)
    assert names(routes.match("gpt-4o-mini")) == {LOCAL}
    with pytest.raises(ModelUnknown, match="alias 'loop'"):
        routes.match("loop")


def test_a_name_with_a_comma_is_a_name_when_it_exists() -> None:
    routes = table(channel("a", model("one,two")))

    assert names(routes.match("one,two")) == {"a/one,two"}


def test_model_filters_apply_to_queries_and_not_to_names() -> None:
    policy = RoutingPolicy(context_tokens_min=100_000, parameter_count_min=10_000_000_000)
    routes = table(policy=policy)

    # what is not known is not held against a model
    assert names(routes.match("tag:free")) == {QWEN_30B, HAIKU}
    assert names(routes.match("qwen3:8b")) == {LOCAL}
    with pytest.raises(NoModelMatches, match="model filter: 8000000000 parameters, at least 10000000000"):
        routes.match("qwen3-<9b")
    with pytest.raises(NoModelMatches, match="model filter: 32768 context tokens, at least 100000"):
        table(policy=RoutingPolicy(context_tokens_min=100_000)).match("tag:qwen3-8b,!local,<=32ki")


def test_chat_queries_leave_out_models_that_cannot_chat() -> None:
    channels = (
        channel(
            "a",
            model("chat"),
            model("embed", "embedding"),
            model("paint", "image"),
            model("film", "video"),
            tags=("x",),
        ),
        channel("b", model("speak", "audio"), model("judge", "moderation"), tags=("x",)),
    )

    assert names(table(*channels).match("tag:x")) == {"a/chat"}
    assert names(table(*channels).match("tag:x", kind="embedding")) == {"a/embed"}
    assert names(table(*channels).match("tag:x", kind="image")) == {"a/paint"}
    both = RoutingPolicy(exclude_embedding_models=False, exclude_vision_only_models=False)
    assert names(table(*channels, policy=both).match("tag:x")) == {"a/chat", "a/embed", "a/paint", "a/film"}


def test_the_demo_answers_only_when_nothing_real_is_selected() -> None:
    demo = channel("demo", model("demo"), tags=("free",), is_demo=True)

    assert names(table(demo).match("tag:free")) == {"demo/demo"}
    with_real = table(demo, *CHANNELS)
    assert "demo/demo" not in names(with_real.match("tag:free"))
    assert names(with_real.match("demo")) == {"demo/demo"}
    ill = table(demo, channel("a", model("gpt-4o"), tags=("free",), enabled=False))
    with pytest.raises(ModelDisabledForNow):
        ill.match("tag:free")


def test_m2_57_a_model_that_is_off_for_money_is_refused_with_its_reason() -> None:
    off = (ModelDisabled("openai", "*", NO_MONEY),)
    routes = table(disabled=off)

    for _ in range(2):  # the second answer comes from what was kept
        with pytest.raises(ModelDisabledForNow, match=NO_MONEY) as caught:
            routes.match("gpt-4o")
    assert (caught.value.status, caught.value.code, caught.value.should_retry) == (503, "model_disabled", False)
    assert names(routes.match("tag:gpt-4o-mini")) == {"OpenRouter/openai/gpt-4o-mini"}


def test_several_reasons_are_told_and_many_are_counted() -> None:
    channels = tuple(channel(f"c{n}", model("m"), provider=f"p{n}") for n in range(5))
    off = tuple(ModelDisabled(f"p{n}", "m", f"reason {n}") for n in range(5))

    with pytest.raises(ModelDisabledForNow, match="reason 0; reason 1; reason 2; and 2 more"):
        table(*channels, disabled=off).match("m")


def test_selections_are_kept_by_field_and_kind_and_bounded() -> None:
    routes = table()

    assert routes.match("tag:free") is routes.match("tag:free")
    assert routes.match("tag:free") is not routes.match("tag:FREE")
    first = routes.match("tag:free")
    for number in range(SELECTIONS_KEPT_MAX):
        routes.match(f"tag:free,!no{number}")
    assert routes.match("tag:free") is not first
    assert names(routes.match("tag:free")) == names(first)


def test_the_models_list_has_names_and_aliases_once_and_sorted() -> None:
    routes = table(
        *CHANNELS,
        channel("Second", model("gpt-4o"), provider="azure", priority=1),
        aliases=(("best", "gpt-4o"), ("nothing", "gpt-9"), ("broken", "tag:"), ("free-one", "tag:free,claude")),
        disabled=(ModelDisabled("ollama", "*", NO_MONEY),),
    )

    listed = routes.models()

    assert [each.id for each in listed] == sorted(
        [
            "anthropic/claude-3-haiku-20240307:free",
            "best",
            "free-one",
            "gpt-4o",
            "gpt-4o-mini",
            "openai/gpt-4o-mini",
            "qwen/qwen3-30b-a3b:free",
            "qwen/qwen3-8b:free",
            "text-embedding-3-small",
        ]
    )
    assert ListedModel("gpt-4o", "azure") in listed
    assert ListedModel("best", "azure") in listed
    assert ListedModel("free-one", "openrouter") in listed


def test_a_key_is_held_to_its_models() -> None:
    routes = table(aliases=(("best", "gpt-4o"),))
    free = routes.match("tag:free")

    assert routes.permitted(free, ()) is free
    assert names(routes.permitted(free, ("tag:local", "gpt-4o"))) == {LOCAL}
    assert routes.permitted(free, ("tag:local", "gpt-4o")) is routes.permitted(free, ("tag:local", "gpt-4o"))
    assert names(routes.permitted(routes.match("gpt-4o"), ("best",))) == {"OpenAI/gpt-4o"}
    assert names(routes.permitted(routes.match("text-embedding-3-small"), ("tag:embedding",))) == {
        "OpenAI/text-embedding-3-small"
    }
    with pytest.raises(ModelNotAllowed, match=r"may not use gpt-4o; it may use tag:free, tag:.*widen") as caught:
        routes.permitted(routes.match("gpt-4o"), ("tag:free", "tag:"))
    assert caught.value.status == 403


def test_a_keys_models_list_shows_what_it_may_use() -> None:
    routes = table(aliases=(("best", "gpt-4o"),))

    assert [each.id for each in routes.models(("gpt-4o",))] == ["best", "gpt-4o"]
    assert routes.models(("gpt-9",)) == ()


def test_permissions_kept_are_bounded() -> None:
    routes = table()
    free = routes.match("tag:free")

    for number in range(SELECTIONS_KEPT_MAX + 1):
        assert routes.permitted(free, ("tag:free", f"m{number}")) == free
