"""The routing table orders what it selected, and explains it."""

import itertools

import pytest

from smart_ai_router.core.routing_table import (
    EXCLUDED_LISTED_MAX,
    RANKING_KEPT_S,
    SELECTIONS_KEPT_MAX,
    LiveStats,
    RoutingTable,
)
from smart_ai_router.core.snapshot import ModelDisabled, RoutingPolicy
from smart_ai_router.domain.errors import ModelUnknown
from smart_ai_router.domain.money import parse_pico
from smart_ai_router.domain.routing_scores import StrategyUnknown
from tests.core.routing_samples import NO_MONEY, channel, model, table


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

    pairs = [pair for _ in range(SELECTIONS_KEPT_MAX // 3 + 1) for pair in itertools.combinations(everyone, 2)]

    assert len(pairs) > SELECTIONS_KEPT_MAX
    for pair in pairs:
        assert set(routes.order(pair, live, 0.3, 0.0)) == set(pair)
    assert set(routes.order(pairs[0], live, 0.3, 0.0)) == set(pairs[0])


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
