"""Scores and strategies, row by row of their tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.domain.money import parse_pico
from smart_ai_router.domain.routing_scores import (
    BUILT_IN_STRATEGIES,
    CRITERIA,
    SORT_FIELDS,
    UNKNOWN,
    Scores,
    StrategyUnknown,
    choose_strategy,
    context_score,
    cost_score,
    parameter_score,
    reliability_score,
    speed_score,
)

PRICES = st.integers(0, 10**16)


def test_there_are_the_seven_strategies_of_the_contract() -> None:
    assert set(BUILT_IN_STRATEGIES) == {
        "cost_first",
        "free_first",
        "local_first",
        "cost_optimized",
        "balanced",
        "speed_optimized",
        "quality_optimized",
    }


@pytest.mark.parametrize("name", BUILT_IN_STRATEGIES)
def test_the_weights_of_a_strategy_add_up_to_one(name: str) -> None:
    assert sum(BUILT_IN_STRATEGIES[name].named().values()) == pytest.approx(1.0)


def test_cost_first_weighs_as_in_the_contract() -> None:
    weights = choose_strategy("cost_first").weights

    assert (weights.cost, weights.parameter, weights.context, weights.speed) == (0.4, 0.25, 0.2, 0.15)


@pytest.mark.parametrize(
    ("input_price", "output_price", "score"),
    [
        ("0", "0", 1.0),
        ("1", "1", 0.5),
        ("0.5", "2.5", 0.5),  # (3 x 0.5 + 2.5) / 4 = 1
        ("3", "3", 0.25),
    ],
)
def test_the_cost_score_is_one_for_free_and_a_half_at_one_unit(
    input_price: str, output_price: str, score: float
) -> None:
    assert cost_score(parse_pico(input_price), parse_pico(output_price)) == score


def test_an_unknown_price_counts_as_the_dearest() -> None:
    assert cost_score(None, None) == cost_score(0, None) == cost_score(None, 0) == 0.0
    assert cost_score(parse_pico("100000"), parse_pico("100000")) > 0.0


@pytest.mark.parametrize(
    ("count", "score"), [(None, UNKNOWN), (10**9, 0.0), (10**6, 0.0), (0, 0.0), (10**12, 1.0), (10**13, 1.0)]
)
def test_the_parameter_score_runs_from_a_billion_to_a_thousand(count: int | None, score: float) -> None:
    assert parameter_score(count) == score
    assert parameter_score(7 * 10**9) < parameter_score(70 * 10**9)


@pytest.mark.parametrize(
    ("tokens", "score"), [(None, UNKNOWN), (1024, 0.0), (0, 0.0), (131_072, 0.7), (1_048_576, 1.0), (10**8, 1.0)]
)
def test_the_context_score_runs_from_a_thousand_to_a_million(tokens: int | None, score: float) -> None:
    assert context_score(tokens) == pytest.approx(score)


def test_the_speed_score_prefers_the_first_token_and_is_rounded_to_sixteenths() -> None:
    assert speed_score(None, None) == UNKNOWN
    assert speed_score(1000.0, 60_000.0) == 0.5
    assert speed_score(None, 4000.0) == 0.5
    assert speed_score(0.0, None) == speed_score(-5.0, None) == 1.0
    assert speed_score(800.0, None) == speed_score(830.0, None) == 9 / 16  # noise does not decide
    assert speed_score(400.0, None) > speed_score(800.0, None)


def test_the_reliability_score_trusts_the_unknown() -> None:
    assert reliability_score(None) == reliability_score(1.0) == reliability_score(7.0) == 1.0
    assert reliability_score(0.0) == reliability_score(-1.0) == 0.0
    assert reliability_score(0.8) == 13 / 16


def test_the_total_is_the_weighted_sum() -> None:
    scores = Scores(cost=1.0, parameter=0.5, context=0.5, speed=0.5, quality=0.9, reliability=0.9, free=1.0, local=1.0)

    assert choose_strategy("cost_first").total(scores) == pytest.approx(0.4 + 0.125 + 0.1 + 0.075)
    assert choose_strategy("local_first").static_total(scores) == pytest.approx(0.6 + 0.1)


def test_a_configured_strategy_goes_before_a_built_in_one_of_its_name() -> None:
    configured = (("cost_first", (("speed_score", 2.0, "desc"),)),)

    assert choose_strategy("cost_first", configured).weights == Scores(speed=2.0)
    assert choose_strategy("balanced", configured).weights == BUILT_IN_STRATEGIES["balanced"]


@pytest.mark.parametrize(
    ("field", "order", "weights"),
    [
        ("cost_score", "desc", Scores(cost=1.0)),
        ("cost_score", "asc", Scores(cost=-1.0)),
        ("cost", "asc", Scores(cost=1.0)),  # a price: the less the better
        ("cost", "desc", Scores(cost=-1.0)),
        ("latency", "asc", Scores(speed=1.0)),
        ("parameter_count", "desc", Scores(parameter=1.0)),
        ("parameter_count", "asc", Scores(parameter=-1.0)),
        ("context_length", "desc", Scores(context=1.0)),
        ("local_score", "desc", Scores(local=1.0)),
    ],
)
def test_the_order_of_a_field_says_which_end_is_preferred(field: str, order: str, weights: Scores) -> None:
    assert choose_strategy("mine", (("mine", ((field, 1.0, order),)),)).weights == weights


def test_fields_of_one_criterion_add_up() -> None:
    rows = (("cost_score", 0.25, "desc"), ("cost", 0.5, "asc"), ("free_score", 1.0, "desc"))

    assert choose_strategy("mine", (("mine", rows),)).weights == Scores(cost=0.75, free=1.0)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ((("cots_score", 1.0, "desc"),), "'cots_score' does not exist; cost_score"),
        ((("cost_score", 1.0, "down"),), "neither asc nor desc"),
        ((("cost_score", -1.0, "desc"),), "not a number from 0 up"),
        ((("cost_score", float("nan"), "desc"),), "not a number from 0 up"),
        ((("cost_score", float("inf"), "desc"),), "not a number from 0 up"),
        ((("cost_score", 0.0, "desc"),), "weighs nothing"),
        ((), "weighs nothing"),
    ],
)
def test_a_strategy_that_cannot_be_followed_is_refused(rows: tuple[tuple[str, float, str], ...], words: str) -> None:
    with pytest.raises(StrategyUnknown, match=words):
        choose_strategy("mine", (("mine", rows),))


def test_an_unknown_strategy_is_refused_with_the_known_ones() -> None:
    with pytest.raises(StrategyUnknown, match=r"'fastest' does not exist; there are mine, cost_first"):
        choose_strategy("fastest", (("mine", (("cost_score", 1.0, "desc"),)),))


def test_every_criterion_can_be_named_in_a_configuration() -> None:
    assert {criterion for criterion, _ in SORT_FIELDS.values()} == set(CRITERIA)
    assert set(Scores().named()) == set(CRITERIA)


@given(PRICES, PRICES, PRICES, PRICES)
def test_who_costs_less_on_both_sides_never_scores_less(
    cheap_input: int, cheap_output: int, more_input: int, more_output: int
) -> None:
    cheap = cost_score(cheap_input, cheap_output)
    dear = cost_score(cheap_input + more_input, cheap_output + more_output)

    assert 0.0 < dear <= cheap <= 1.0
