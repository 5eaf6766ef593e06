"""Free grouping."""

from datetime import date
from decimal import Decimal

import pytest

from smart_ai_router.core.statistics.query import (
    Order,
    QueryInvalid,
    Question,
    parse_dimensions,
    query_statistics,
)
from smart_ai_router.core.statistics_store import Dimension
from tests.core.usage_samples import call, view_of

FIRST, LAST = date(2025, 8, 1), date(2025, 8, 31)


def test_m1_75_any_dimensions_group_together() -> None:
    view = view_of(
        [
            call(1, "2025-08-01", "1", user_id="ada", model="a"),
            call(2, "2025-08-02", "2", user_id="ada", model="a"),
            call(3, "2025-08-02", "4", user_id="bob", model="a"),
            call(4, "2025-09-01", "8", user_id="bob", model="a"),
        ]
    )

    answer = query_statistics(view, Question(FIRST, LAST, (Dimension.DAY, Dimension.USER)))

    assert [(row["day"], row["user"], row["cost"]) for row in answer["rows"]] == [
        ("2025-08-01", "ada", Decimal(1)),
        ("2025-08-02", "ada", Decimal(2)),
        ("2025-08-02", "bob", Decimal(4)),
    ]
    assert (answer["row_count"], answer["truncated"], answer["overlapping"]) == (3, False, False)


def test_filters_leave_only_what_matches() -> None:
    view = view_of([call(1, cost="1", user_id="ada", region="eu"), call(2, cost="2", user_id="bob", region="us")])

    question = Question(FIRST, LAST, (Dimension.MODEL,), ((Dimension.USER, "ada"), (Dimension.REGION, "eu")))
    nobody = Question(FIRST, LAST, (Dimension.MODEL,), ((Dimension.USER, "ada"), (Dimension.REGION, "us")))

    assert [row["cost"] for row in query_statistics(view, question)["rows"]] == [Decimal(1)]
    assert query_statistics(view, nobody)["rows"] == []


def test_calls_without_a_user_are_asked_for_by_none() -> None:
    view = view_of([call(1, cost="1", user_id="ada"), call(2, cost="2")])

    (row,) = query_statistics(view, Question(FIRST, LAST, (), ((Dimension.USER, "(none)"),)))["rows"]

    assert row["cost"] == Decimal(2)


def test_no_dimension_is_one_row_even_without_calls() -> None:
    (row,) = query_statistics(view_of([]), Question(FIRST, LAST))["rows"]

    assert (row["requests"], row["cost"]) == (0, Decimal(0))


def test_grouping_by_tag_says_that_rows_overlap_and_one_tag_does_not() -> None:
    view = view_of([call(1, cost="1", tags=("a", "b"))])

    by_tag = query_statistics(view, Question(FIRST, LAST, (Dimension.TAG,)))
    one_tag = query_statistics(view, Question(FIRST, LAST, (Dimension.TAG,), ((Dimension.TAG, "a"),)))

    assert (by_tag["overlapping"], [row["tag"] for row in by_tag["rows"]]) == (True, ["a", "b"])
    assert (one_tag["overlapping"], [row["cost"] for row in one_tag["rows"]]) == (False, [Decimal(1)])


def test_order_and_limit_cut_after_the_largest() -> None:
    view = view_of([call(1, cost="1", model="a"), call(2, cost="3", model="b"), call(3, cost="2", model="c")])

    answer = query_statistics(view, Question(FIRST, LAST, (Dimension.MODEL,), order=Order.COST, limit=2))

    assert [row["model"] for row in answer["rows"]] == ["b", "c"]
    assert (answer["row_count"], answer["truncated"]) == (3, True)


def test_a_channel_row_also_bears_its_name() -> None:
    (row,) = query_statistics(view_of([call(1)]), Question(FIRST, LAST, (Dimension.CHANNEL,)))["rows"]

    assert (row["channel"], row["channel_name"]) == ("ch_openai_001", "OpenAI Official")


def test_other_currencies_stand_beside_the_cost() -> None:
    view = view_of([call(1, cost="1"), call(2, cost="7", cost_currency="CNY")])

    (row,) = query_statistics(view, Question(FIRST, LAST, (Dimension.PROVIDER,)))["rows"]

    assert (row["cost"], row["other_costs"], row["avg_duration_ms"]) == (Decimal(1), {"CNY": Decimal(7)}, Decimal(1250))


@pytest.mark.parametrize(
    "question",
    [
        Question(LAST, FIRST),
        Question(FIRST, LAST, limit=0),
        Question(FIRST, LAST, limit=10_001),
        Question(FIRST, LAST, filters=((Dimension.USER, "a"), (Dimension.USER, "b"))),
    ],
)
def test_a_question_without_an_answer_is_refused(question: Question) -> None:
    with pytest.raises(QueryInvalid):
        query_statistics(view_of([]), question)


@pytest.mark.parametrize("text", ["colour", "day,,model", "day,day", "DAY", "day;model"])
def test_unknown_or_repeated_dimensions_are_refused(text: str) -> None:
    with pytest.raises(QueryInvalid):
        parse_dimensions(text)


def test_dimensions_are_read_in_their_order() -> None:
    assert parse_dimensions("model, day") == (Dimension.MODEL, Dimension.DAY)
    assert parse_dimensions(" ") == ()
