"""The order of candidates, and what is tried when some or all of them rest."""

import itertools
import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.domain.channel import Channel, ChannelModel
from smart_ai_router.domain.errors import ChannelsUnavailable, RateLimited
from smart_ai_router.domain.faults import Fault, FaultKind
from smart_ai_router.domain.health import HealthBoard
from smart_ai_router.domain.live_stats import LiveStats
from smart_ai_router.domain.money import Pico, parse_pico
from smart_ai_router.domain.routing import (
    DRAWN_MAX,
    Candidate,
    exclude,
    fit_candidates,
    health_reason,
    make_candidate,
    order_candidates,
    rank,
)
from smart_ai_router.domain.routing_scores import choose_strategy

COST_FIRST = choose_strategy("cost_first")


def candidate(
    name: str,
    price: str | None = "1",
    *,
    priority: int = 100,
    weight: float = 1.0,
    strategy: str = "cost_first",
    is_local: bool = False,
    kind: str = "chat",
    output_price: str | None = "same",
    quality: float | None = None,
    parameters: int | None = None,
) -> Candidate:
    channel = Channel(
        id=f"id-{name}",
        name=name,
        provider_id="openai",
        dialect="openai",
        base_url="https://api.openai.com",
        api_key="k",
        priority=priority,
        weight=weight,
        is_local=is_local,
    )
    model = ChannelModel("m", "m", kind=kind, quality=quality, parameter_count=parameters)
    output = price if output_price == "same" else output_price
    return make_candidate(channel, model, (pico(price), pico(output)), choose_strategy(strategy))


def pico(price: str | None) -> Pico | None:
    return None if price is None else parse_pico(price)


def names(candidates: tuple[Candidate, ...]) -> list[str]:
    return [each.channel.name for each in candidates]


def order(
    *candidates: Candidate, strategy: str = "cost_first", live: LiveStats | None = None, chance: float = 0.0
) -> list[str]:
    return names(order_candidates(candidates, choose_strategy(strategy), live or LiveStats(), chance, now=0.0))


def test_an_explicit_zero_is_free_and_an_unknown_price_is_not() -> None:
    assert candidate("a", "0").is_free
    assert not candidate("a", None).is_free
    assert not candidate("a", "0", output_price="0.000001").is_free
    assert not candidate("a", "0", output_price=None).is_free
    assert candidate("a", "0", output_price=None, kind="embedding").is_free


def test_an_embedding_model_is_scored_by_its_input_price_alone() -> None:
    assert candidate("a", "1", output_price=None, kind="embedding").scores.cost == 4 / 7
    assert candidate("a", "1", output_price=None).scores.cost == 0.0


def test_cost_first_takes_the_cheapest_and_puts_unknown_prices_last() -> None:
    assert order(candidate("a", None), candidate("b", "0.15"), candidate("c", "0.14"), candidate("d", "0")) == [
        "d",
        "c",
        "b",
        "a",
    ]


@pytest.mark.parametrize(
    ("strategy", "first"),
    [
        ("cost_first", "cheap"),
        ("cost_optimized", "cheap"),
        ("free_first", "free"),
        ("local_first", "local"),
        ("quality_optimized", "large"),
    ],
)
def test_each_strategy_prefers_what_it_is_named_for(strategy: str, first: str) -> None:
    candidates = [
        candidate("cheap", "0.01", strategy=strategy),
        candidate("large", "10", strategy=strategy, quality=1.0, parameters=10**12),
        candidate("local", "5", strategy=strategy, is_local=True),
    ]
    if strategy == "free_first":
        candidates.append(candidate("free", "0", strategy=strategy))

    assert order(*candidates, strategy=strategy)[0] == first


def test_speed_optimized_takes_the_channel_that_was_measured_faster() -> None:
    live = LiveStats()
    live.observe("id-a", ok=True, ms=None, ttft_ms=3000.0, now=0.0)
    live.observe("id-b", ok=True, ms=None, ttft_ms=200.0, now=0.0)
    slow, fast = candidate("a", strategy="speed_optimized"), candidate("b", strategy="speed_optimized")

    assert order(slow, fast, strategy="speed_optimized", live=live) == ["b", "a"]


def test_a_smaller_priority_goes_before_any_score() -> None:
    assert order(candidate("a", "0", priority=2), candidate("b", "50", priority=1)) == ["b", "a"]


def test_equals_without_chance_come_by_name() -> None:
    assert order(candidate("a", weight=0.0), candidate("b", weight=0.0), candidate("c", weight=0.0)) == ["a", "b", "c"]


def test_weights_are_the_chances_of_equals_to_come_first() -> None:
    candidates = (candidate("a", weight=60.0), candidate("b", weight=30.0), candidate("c", weight=10.0))
    draws = 1000

    first = Counter(order(*candidates, chance=number / draws)[0] for number in range(draws))

    assert first == {"a": 600, "b": 300, "c": 100}


def test_the_second_place_is_drawn_by_weight_as_well() -> None:
    candidates = (candidate("a", weight=2.0), candidate("b", weight=1.0), candidate("c", weight=1.0))
    draws = 8000

    seconds = Counter(tuple(order(*candidates, chance=(number + 0.5) / draws)[:2]) for number in range(draws))

    assert seconds["a", "b"] == pytest.approx(draws / 4, abs=3)
    assert seconds["b", "a"] == pytest.approx(draws / 6, abs=3)
    assert seconds["c", "b"] == pytest.approx(draws / 12, abs=3)


def test_a_channel_without_weight_comes_only_after_its_equals() -> None:
    candidates = (candidate("a", weight=0.0), candidate("b", weight=1.0), candidate("c", weight=1.0))

    orders = {tuple(order(*candidates, chance=number / 50)) for number in range(50)}

    assert orders == {("b", "c", "a"), ("c", "b", "a")}


def test_chance_does_not_touch_those_who_are_not_equal() -> None:
    candidates = (candidate("a", "3"), candidate("b", "1"), candidate("c", "1"), candidate("d", "2"))

    orders = {tuple(order(*candidates, chance=number / 50)) for number in range(50)}

    assert orders == {("b", "c", "d", "a"), ("c", "b", "d", "a")}


def test_noise_in_the_measured_times_leaves_equals_equal() -> None:
    live = LiveStats()
    live.observe("id-a", ok=True, ms=None, ttft_ms=800.0, now=0.0)
    live.observe("id-b", ok=True, ms=None, ttft_ms=830.0, now=0.0)
    candidates = (candidate("a"), candidate("b"))

    assert {order(*candidates, live=live, chance=chance)[0] for chance in (0.1, 0.9)} == {"a", "b"}


def test_only_the_first_places_are_drawn_among_many() -> None:
    many = tuple(candidate(f"c{number:03d}") for number in range(100))

    drawn = order(*many, chance=0.7351)

    assert sorted(drawn) == [each.channel.name for each in many]
    assert drawn[DRAWN_MAX:] == sorted(drawn[DRAWN_MAX:])


@given(
    st.lists(
        st.tuples(st.sampled_from(["0", "1", "2", None]), st.integers(1, 3), st.sampled_from([0.0, 0.5, 1.0, 100.0])),
        max_size=7,
    ),
    st.floats(0.0, 1.0, exclude_max=True),
)
def test_an_order_is_a_permutation_by_priority_then_total(
    rows: list[tuple[str | None, int, float]], chance: float
) -> None:
    candidates = tuple(
        candidate(f"c{number}", price, priority=priority, weight=weight)
        for number, (price, priority, weight) in enumerate(rows)
    )

    ordered = order_candidates(candidates, COST_FIRST, LiveStats(), chance, now=0.0)

    assert Counter(ordered) == Counter(candidates)
    for one, next_one in itertools.pairwise(ordered):
        assert one.channel.priority <= next_one.channel.priority
        if one.channel.priority == next_one.channel.priority:
            assert one.static_total >= next_one.static_total


def test_the_rank_of_a_candidate_shows_all_eight_scores() -> None:
    live = LiveStats()
    live.observe("id-a", ok=True, ms=None, ttft_ms=1000.0, now=0.0)

    ranked = rank(candidate("a", "1", is_local=True, quality=0.9), COST_FIRST, live, now=0.0)

    assert ranked.scores.named() == {
        "cost": 0.5,
        "parameter": 0.5,
        "context": 0.5,
        "speed": 0.5,
        "quality": 0.9,
        "reliability": 1.0,
        "free": 0.0,
        "local": 1.0,
    }
    assert ranked.total == pytest.approx(0.5)
    assert (ranked.channel_id, ranked.channel_name, ranked.price_input_per_mtok) == ("id-a", "a", parse_pico("1"))


def failed(board: HealthBoard, name: str, kind: FaultKind, retry_after_s: float | None = None, times: int = 1) -> None:
    for _ in range(times):
        board.failed(f"id-{name}", "m", Fault(kind, "x", None, retry_after_s), 0.0)


def test_a_quiet_board_leaves_the_candidates_as_they_are() -> None:
    candidates = (candidate("a"), candidate("b"))

    fit = fit_candidates(candidates, HealthBoard(), 0.0)

    assert fit.candidates is candidates
    assert not fit.is_last_resort


def test_what_rests_is_left_out() -> None:
    board = HealthBoard()
    failed(board, "a", FaultKind.RATE_LIMIT)

    fit = fit_candidates((candidate("a"), candidate("b")), board, 0.0)

    assert (names(fit.candidates), fit.is_last_resort) == (["b"], False)


def test_when_all_rest_the_one_with_the_shortest_time_left_is_tried_all_the_same() -> None:
    board = HealthBoard()
    failed(board, "a", FaultKind.SERVER_ERROR, times=3)  # 60 s
    failed(board, "b", FaultKind.TIMEOUT, times=2)  # 30 s
    failed(board, "c", FaultKind.LOW_BALANCE)  # told: in vain

    fit = fit_candidates((candidate("a"), candidate("b"), candidate("c")), board, 1.0)

    assert (names(fit.candidates), fit.is_last_resort) == (["b", "a"], True)


def test_one_server_error_does_not_silence_the_only_channel_and_three_do_not_either() -> None:
    only = (candidate("a"),)
    board = HealthBoard()

    failed(board, "a", FaultKind.SERVER_ERROR)
    assert not fit_candidates(only, board, 0.0).is_last_resort
    failed(board, "a", FaultKind.SERVER_ERROR, times=9)
    assert fit_candidates(only, board, 0.0).candidates == only


def test_u5_a_rate_limit_with_retry_after_is_kept_and_told_to_the_client() -> None:
    board = HealthBoard()
    failed(board, "a", FaultKind.RATE_LIMIT, 30.0)
    failed(board, "b", FaultKind.RATE_LIMIT, 20.0)

    with pytest.raises(RateLimited, match=r"all 2 channels .* rate_limit \(2\); try again in 15 s") as caught:
        fit_candidates((candidate("a"), candidate("b")), board, 5.0)

    assert caught.value.retry_after_s == 15.0
    assert names(fit_candidates((candidate("b"),), board, 20.0).candidates) == ["b"]


def test_a_rate_limit_without_retry_after_is_our_guess_and_may_be_tried() -> None:
    board = HealthBoard()
    failed(board, "a", FaultKind.RATE_LIMIT)

    assert fit_candidates((candidate("a"),), board, 0.0).is_last_resort


def test_channels_without_money_are_not_tried_in_vain() -> None:
    board = HealthBoard()
    failed(board, "a", FaultKind.LOW_BALANCE)
    failed(board, "b", FaultKind.API_KEY_INVALID)

    with pytest.raises(ChannelsUnavailable, match=r"low_balance \(1\), api_key_invalid \(1\)") as caught:
        fit_candidates((candidate("a"), candidate("b")), board, 0.0)

    assert (caught.value.status, caught.value.retry_after_s) == (503, 1800.0)
    assert not caught.value.should_retry  # no client waits so long


@pytest.mark.parametrize(("rests_s", "helps"), [(59.0, True), (60.0, True), (61.0, False)])
def test_a_client_is_told_to_try_again_only_within_the_minute_that_it_waits(rests_s: float, helps: bool) -> None:
    board = HealthBoard()
    failed(board, "a", FaultKind.RATE_LIMIT, rests_s)

    with pytest.raises(RateLimited) as caught:
        fit_candidates((candidate("a"),), board, 0.0)

    assert (caught.value.retry_after_s, caught.value.should_retry) == (rests_s, helps)


def test_when_every_key_is_bad_waiting_is_useless() -> None:
    board = HealthBoard()
    failed(board, "a", FaultKind.API_KEY_INVALID)

    with pytest.raises(ChannelsUnavailable, match="operator must correct their keys") as caught:
        fit_candidates((candidate("a"),), board, 0.0)

    assert (caught.value.retry_after_s, caught.value.should_retry) == (None, False)


def test_behind_a_probe_on_the_only_channel_others_go_as_a_last_resort() -> None:
    board = HealthBoard()
    failed(board, "a", FaultKind.RATE_LIMIT, 10.0)
    board.begin("id-a", "m", 10.0)

    fit = fit_candidates((candidate("a"),), board, 10.0)

    assert (names(fit.candidates), fit.is_last_resort) == (["a"], True)


def test_the_reason_of_health_is_told_in_words() -> None:
    board = HealthBoard()
    one = candidate("a")
    assert health_reason(one, board, 0.0) is None

    failed(board, "a", FaultKind.RATE_LIMIT, 7.5)
    assert health_reason(one, board, 0.0) == "open after rate_limit for another 8 s"
    board.begin("id-a", "m", 8.0)
    assert health_reason(one, board, 8.0) == "half-open after rate_limit: another call is trying it"
    failed(board, "a", FaultKind.API_KEY_INVALID)
    assert health_reason(one, board, 8.0) == "open after api_key_invalid until its configuration changes"
    assert board.state("id-a", "m", 8.0).rests_until == math.inf


def test_an_exclusion_names_channel_model_and_reason() -> None:
    excluded = exclude(candidate("a"), "the channel is disabled")

    assert (excluded.channel_id, excluded.channel_name, excluded.model) == ("id-a", "a", "m")
    assert excluded.reason == "the channel is disabled"
