"""Rankings."""

from decimal import Decimal

from smart_ai_router.core.statistics.periods import Period
from smart_ai_router.core.statistics.top import top_channels, top_models, top_tags, top_users
from tests.core.usage_samples import WEDNESDAY, call, view_of


def test_m1_36_m1_46_models_rank_by_requests_and_limit_cuts() -> None:
    view = view_of(
        [
            call(1, model="dear", cost="9"),
            *(call(number, model="busy") for number in range(2, 5)),
            *(call(number, model="busy-and-dearer", cost="1") for number in range(5, 8)),
        ]
    )

    ranking = top_models(view, Period.DAILY, WEDNESDAY, 10)

    assert list(ranking)[:3] == ["period", "target_date", "models"]
    assert [row["model"] for row in ranking["models"]] == ["busy-and-dearer", "busy", "dear"]
    assert list(ranking["models"][0])[:6] == [
        "model",
        "requests",
        "cost",
        "tokens",
        "avg_cost_per_request",
        "avg_tokens_per_request",
    ]
    assert ranking["models"][0]["avg_tokens_per_request"] == Decimal(450)
    assert len(top_models(view, Period.DAILY, WEDNESDAY, 1)["models"]) == 1


def test_m1_37_channels_rank_by_cost_and_namesakes_stay_apart() -> None:
    view = view_of([call(1, channel_id="ch_a", cost="1"), call(2, channel_id="ch_b", cost="2")])

    ranking = top_channels(view, Period.DAILY, WEDNESDAY, 10)

    assert [(row["channel"], row["channel_id"], row["cost"]) for row in ranking["channels"]] == [
        ("OpenAI Official", "ch_b", Decimal(2)),
        ("OpenAI Official", "ch_a", Decimal(1)),
    ]


def test_m1_72_users_rank_by_cost_and_calls_without_a_user_show() -> None:
    view = view_of([call(1, cost="1", user_id="ada"), call(2, cost="2", user_id="bob"), call(3, cost="0.5")])

    assert [row["user"] for row in top_users(view, Period.DAILY, WEDNESDAY, 10)["users"]] == ["bob", "ada", "(none)"]


def test_m1_74_a_call_counts_under_each_of_its_tags_once() -> None:
    view = view_of([call(1, tags=("free", "chat", "free")), call(2, tags=("chat",)), call(3, tags=())])

    rows = top_tags(view, Period.DAILY, WEDNESDAY, 10)["tags"]

    assert [(row["tag"], row["requests"]) for row in rows] == [("chat", 2), ("free", 1)]
