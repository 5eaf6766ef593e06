"""The routing table: what each model field selects, what it refuses and how it explains itself."""

import itertools

import pytest

from smart_ai_router.core.routing_table import (
    EXCLUDED_LISTED_MAX,
    RANKING_KEPT_S,
    SELECTIONS_KEPT_MAX,
    Candidate,
    ListedModel,
    LiveStats,
    RoutingTable,
)
from smart_ai_router.core.snapshot import ModelDisabled, RoutingPolicy, Snapshot
from smart_ai_router.domain.channel import Channel, ChannelModel
from smart_ai_router.domain.errors import (
    AutoQueryUnsupported,
    ModelDisabledForNow,
    ModelNotAllowed,
    ModelUnknown,
    NoModelMatches,
    TagQueryInvalid,
    TagUnknown,
)
from smart_ai_router.domain.money import Pico, parse_pico
from smart_ai_router.domain.routing_scores import StrategyUnknown
from smart_ai_router.domain.tags import parameter_count

NO_MONEY = "资费不足，暂不可用"
PRICES = {"gpt-4o": "5", "gpt-4o-mini": "0.3"}


def model(name: str, kind: str = "chat", context: int | None = None) -> ChannelModel:
    return ChannelModel(name, name, parameter_count=parameter_count(name), context_tokens=context, kind=kind)


def channel(
    name: str,
    *models: ChannelModel,
    provider: str = "openai",
    tags: tuple[str, ...] = (),
    enabled: bool = True,
    is_demo: bool = False,
    priority: int = 100,
    is_local: bool = False,
) -> Channel:
    return Channel(
        id=f"id-{name}",
        name=name,
        provider_id=provider,
        dialect="openai",
        base_url="https://x.example",
        api_key="k",
        models=models,
        tags=tags,
        enabled=enabled,
        is_demo=is_demo,
        priority=priority,
        is_local=is_local,
    )


def price(_channel: Channel, of: ChannelModel) -> tuple[Pico | None, Pico | None]:
    if of.name.endswith(":free"):
        return 0, 0
    known = PRICES.get(of.name)
    return (None, None) if known is None else (parse_pico(known), parse_pico(known))


CHANNELS = (
    channel("OpenAI", model("gpt-4o"), model("gpt-4o-mini"), model("text-embedding-3-small", "embedding")),
    channel(
        "OpenRouter",
        model("qwen/qwen3-30b-a3b:free", context=131_072),
        model("qwen/qwen3-8b:free", context=32_768),
        model("anthropic/claude-3-haiku-20240307:free"),
        model("openai/gpt-4o-mini"),
        provider="openrouter",
    ),
    channel("Ollama", model("qwen3:8b"), provider="ollama", tags=("local", "Free"), is_local=True),
)


def table(*channels: Channel, policy: RoutingPolicy = RoutingPolicy(), **more: object) -> RoutingTable:  # noqa: B008  # frozen
    snapshot = Snapshot(1, 0.0, channels=channels or CHANNELS, routing=policy, **more)  # type: ignore[arg-type]
    return RoutingTable(snapshot, price)


def names(candidates: tuple[Candidate, ...]) -> set[str]:
    return {f"{each.channel.name}/{each.model.name}" for each in candidates}


HAIKU = "OpenRouter/anthropic/claude-3-haiku-20240307:free"
QWEN_30B = "OpenRouter/qwen/qwen3-30b-a3b:free"
QWEN_8B = "OpenRouter/qwen/qwen3-8b:free"
LOCAL = "Ollama/qwen3:8b"


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
    field: str, error: type[Exception], status: int, code: str, words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        table().match(field)

    refusal = caught.value
    assert isinstance(refusal, error)
    assert (refusal.status, refusal.code, refusal.param) == (status, code, "model")  # type: ignore[attr-defined]


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


def test_prices_and_freedom_stand_on_the_candidate() -> None:
    (mini,) = table().match("gpt-4o-mini")
    (haiku,) = table().match("claude-3-haiku")
    (local,) = table().match("qwen3:8b")

    assert (mini.price_input_per_mtok, mini.is_free) == (parse_pico("0.3"), False)
    assert (haiku.price_output_per_mtok, haiku.is_free) == (0, True)
    assert (local.price_input_per_mtok, local.is_free) == (None, False)


def test_candidates_are_ordered_by_the_configured_strategy() -> None:
    live = LiveStats()
    cheap_first = table()
    local_first = table(policy=RoutingPolicy(strategy="local_first"))
    mine = table(
        policy=RoutingPolicy(strategy="big", sorting_strategies=(("big", (("parameter_score", 1.0, "desc"),)),))
    )

    def first(routes: RoutingTable) -> str:
        return routes.order(routes.match("tag:qwen3"), live, 0.0, 0.0)[0].model.name

    assert first(cheap_first) == "qwen/qwen3-30b-a3b:free"
    assert first(local_first) == "qwen3:8b"
    assert first(mine) == "qwen/qwen3-30b-a3b:free"
    assert mine.strategy.name == "big"
    with pytest.raises(StrategyUnknown, match="'fastest' does not exist"):
        table(policy=RoutingPolicy(strategy="fastest"))


def test_one_candidate_is_returned_as_it_is() -> None:
    routes = table()
    only = routes.match("gpt-4o")

    assert routes.order(only, LiveStats(), 0.5, 0.0) is only
    assert routes.order((), LiveStats(), 0.5, 0.0) == ()


def test_an_order_follows_the_live_scores() -> None:
    routes = table(channel("a", model("m")), channel("b", model("m")), policy=RoutingPolicy(strategy="speed_optimized"))
    candidates, live = routes.match("m"), LiveStats()

    def firsts(now: float) -> set[str]:
        return {routes.order(candidates, live, chance, now)[0].channel.name for chance in (0.1, 0.9)}

    assert firsts(0.0) == {"a", "b"}
    live.observe("id-b", ok=True, ms=None, ttft_ms=100.0, now=0.0)
    assert firsts(0.0) == {"b"}
    assert firsts(RANKING_KEPT_S + 600.0) == {"a", "b"}  # forgotten
    assert {routes.order(candidates, LiveStats(), chance, 0.0)[0].channel.name for chance in (0.1, 0.9)} == {"a", "b"}


def test_kept_orders_are_bounded_and_never_mixed_up() -> None:
    routes = table(channel("a", model("m")), channel("b", model("m")), channel("c", model("m")))
    everyone, live = routes.match("m"), LiveStats()

    for _ in range(SELECTIONS_KEPT_MAX // 3):
        for pair in itertools.combinations(everyone, 2):
            assert set(routes.order(tuple(pair), live, 0.3, 0.0)) == set(pair)


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


def test_an_explanation_shows_every_score_and_every_exclusion() -> None:
    routes = table(disabled=(ModelDisabled("ollama", "*", NO_MONEY),))

    explained = routes.explain(
        "tag:qwen3",
        LiveStats(),
        0.0,
        0.0,
        blocked=lambda each: "at its limit of 3 calls at once" if "30b" in each.model.name else None,
    )

    assert (explained.asked, explained.strategy) == ("tag:qwen3", "cost_first")
    assert [each.model for each in explained.ranked] == ["qwen/qwen3-8b:free"]
    assert explained.ranked[0].scores.cost == 1.0
    assert explained.ranked[0].total == pytest.approx(
        sum(weight * explained.ranked[0].scores.named()[name] for name, weight in explained.weights.named().items())
    )
    assert {(each.model, each.reason) for each in explained.excluded} == {
        ("qwen3:8b", NO_MONEY),
        ("qwen/qwen3-30b-a3b:free", "at its limit of 3 calls at once"),
    }


def test_an_explanation_of_a_query_names_what_the_query_left_out() -> None:
    explained = table().explain("tag:free,!local,>20b", LiveStats(), 0.0, 0.0)

    assert [each.model for each in explained.ranked] == ["qwen/qwen3-30b-a3b:free"]
    assert {each.reason for each in explained.excluded} == {
        "carries the tag local, which is excluded",
        "size filter >20b: parameters 8000000000",
        "size filter >20b: parameters unknown",
    }


def test_models_that_are_all_off_are_explained_and_unknown_ones_refused() -> None:
    routes = table(disabled=(ModelDisabled("openai", "*", NO_MONEY),))

    explained = routes.explain("gpt-4o", LiveStats(), 0.0, 0.0)

    assert explained.ranked == ()
    assert [each.reason for each in explained.excluded] == [NO_MONEY]
    with pytest.raises(ModelUnknown):
        routes.explain("gpt-9", LiveStats(), 0.0, 0.0)


def test_an_explanation_lists_so_many_exclusions_and_counts_the_rest() -> None:
    many = channel("a", *(model(f"m{n}-7b") for n in range(EXCLUDED_LISTED_MAX + 6)), model("large-70b"), tags=("x",))

    explained = table(many).explain("tag:x,>20b", LiveStats(), 0.0, 0.0)

    assert [each.model for each in explained.ranked] == ["large-70b"]
    assert (len(explained.excluded), explained.excluded_unlisted) == (EXCLUDED_LISTED_MAX, 6)
