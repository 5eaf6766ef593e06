"""Costs by day and by one dimension, against a loop over the records."""

import random
from collections import defaultdict
from datetime import date
from decimal import Decimal

import pytest

from smart_ai_router.core.billing import costs
from smart_ai_router.core.billing.costs import (
    GroupBy,
    aggregate_costs,
    cost_summary,
    daily_costs,
    days_to_aggregate,
)
from smart_ai_router.core.billing.currency import Days
from smart_ai_router.core.statistics.periods import DateInvalid
from smart_ai_router.core.statistics_store import Dimension
from smart_ai_router.core.usage_record import BillLine, UsageRecord
from smart_ai_router.core.users_and_keys import FieldInvalid
from tests.core.billing.billing_samples import TODAY, USD_RATE, rate_from, record, view_over

JANUARY = Days(date(2026, 1, 1), date(2026, 1, 31))


def some_records(count: int = 200) -> list[UsageRecord]:
    chance = random.Random(7)
    made = []
    for number in range(count):
        is_bad = chance.random() < 0.2
        made.append(
            record(
                f"2026-01-{chance.randint(1, 31):02} {chance.randint(0, 23):02}:00:00",
                number,
                user_id=chance.choice(("alice", "bob", None)),
                provider=chance.choice(("openai", "zhipu")),
                model=chance.choice(("a", "b")),
                channel_id=chance.choice(("ch_1", "ch_2")),
                cost_currency=chance.choice(("USD", "CNY", "EUR")),
                input_cost=f"0.{chance.randint(1, 10**12):012}",
                tags=tuple(chance.sample(("x", "y", "z"), 2)),
                status="error" if is_bad else "success",
                outcome="failed" if is_bad else "success",
            )
        )
    return made


def test_m2_15_m2_19_m2_47_to_m2_50_rows_are_the_sums_of_the_records_of_a_day_provider_model_and_kind() -> None:
    records = some_records()
    view = view_over(records, rate_from("2026-01-10", "7.1"), rate_from("2026-01-20", "7.25"))

    rows = daily_costs(view, JANUARY, {})

    wanted: dict[tuple[str, str, str, str, str], list[tuple[UsageRecord, Decimal]]] = defaultdict(list)
    for each in records:
        terms = view.rates.terms(each.cost_currency, date.fromisoformat(each.timestamp[:10]))
        key = (each.timestamp[:10], each.provider, each.model, each.usage_type, terms.currency)
        wanted[key].append((each, terms.shown(int(each.total_cost.scaleb(12)))))
    assert {
        (row.stat_date, row.provider_id or "", row.model_id, row.usage_type, row.currency): (
            row.total_cost,
            row.total_usage,
            row.call_count,
            row.success_count,
            row.failed_count,
        )
        for row in rows
    } == {
        key: (
            sum((cost for _, cost in found), Decimal()),
            Decimal(150) * len(found),
            len(found),
            sum(each.outcome == "success" for each, _ in found),
            sum(each.outcome != "success" for each, _ in found),
        )
        for key, found in wanted.items()
    }
    assert len({row.id for row in rows}) == len(rows)
    assert [row.stat_date for row in rows] == sorted((row.stat_date for row in rows), reverse=True)
    assert sum(cost.cost for row in rows for cost in row.original_costs) == sum(each.total_cost for each in records)


def test_m2_64_each_filter_leaves_only_its_own() -> None:
    records = some_records()
    view = view_over(records, USD_RATE)

    for dimension, value, field in (
        (Dimension.PROVIDER, "zhipu", "provider"),
        (Dimension.MODEL, "b", "model"),
        (Dimension.USER, "bob", "user_id"),
        (Dimension.CHANNEL, "ch_2", "channel_id"),
    ):
        rows = daily_costs(view, JANUARY, {dimension: value})
        assert sum(row.call_count for row in rows) == sum(getattr(each, field) == value for each in records), field
    both = daily_costs(view, JANUARY, {Dimension.PROVIDER: "zhipu", Dimension.MODEL: "b"})
    assert sum(row.call_count for row in both) == sum((e.provider, e.model) == ("zhipu", "b") for e in records)
    assert daily_costs(view, JANUARY, {Dimension.MODEL: "unheard-of"}) == []


def test_costs_that_cannot_be_converted_are_rows_of_their_own() -> None:
    records = [
        record("2026-01-05 10:00:00", number, cost_currency=currency, input_cost="1", output_cost="0")
        for number, currency in enumerate(("USD", "CNY", "EUR", "USD"))
    ]

    rows = daily_costs(view_over(records, USD_RATE), JANUARY, {})

    assert {row.currency: (row.total_cost, row.call_count) for row in rows} == {
        "CNY": (Decimal("15.2468"), 3),
        "EUR": (Decimal(1), 1),
    }
    (shown,) = [row for row in rows if row.currency == "CNY"]
    assert [(each.currency, each.cost) for each in shown.original_costs] == [("CNY", Decimal(1)), ("USD", Decimal(2))]


@pytest.mark.parametrize(
    ("usage_type", "meter", "quantity", "usage", "unit"),
    [
        ("text_generation", "output_token", "5", 150, "token"),
        ("embedding", "input_token", "5", 150, "token"),
        ("image_generation", "image", "3", 3, "image"),
        ("audio_stt", "minute", "1.5", 90, "second"),
        ("audio_tts", "second", "2.25", Decimal("2.25"), "second"),
        ("video_generation", "second", "30", 30, "second"),
    ],
)
def test_m2_48_use_is_counted_in_the_unit_of_its_kind(
    usage_type: str, meter: str, quantity: str, usage: Decimal, unit: str
) -> None:
    line = BillLine(meter, Decimal(quantity), "v", Decimal(0))
    made = record("2026-01-31 10:00:00", usage_type=usage_type, lines=(line,))

    (row,) = daily_costs(view_over([made]), JANUARY, {})

    assert (row.total_usage, row.usage_unit) == (usage, unit)


def test_calls_that_reached_no_provider_are_counted_too() -> None:
    (row,) = daily_costs(view_over([record("2026-01-31 10:00:00", provider="")]), JANUARY, {})

    assert (row.provider_id, row.provider_name, row.call_count) == (None, None, 1)


def test_one_answer_has_a_bounded_number_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs, "ROWS_MAX", 1)
    records = [record("2026-01-30 10:00:00"), record("2026-01-31 10:00:00", 1)]

    with pytest.raises(FieldInvalid, match="2 rows"):
        daily_costs(view_over(records), JANUARY, {})
    assert len(daily_costs(view_over(records), Days(TODAY, TODAY), {})) == 1


# --- by one dimension ---


@pytest.mark.parametrize(
    ("group_by", "field"),
    [
        (GroupBy.PROVIDER, "provider"),
        (GroupBy.MODEL, "model"),
        (GroupBy.USAGE_TYPE, "usage_type"),
        (GroupBy.USER, "user_id"),
        (GroupBy.CHANNEL, "channel_id"),
        (GroupBy.API_KEY, "api_key_id"),
    ],
)
def test_m2_19_m2_75_m2_76_costs_by_anything_are_the_sums_of_the_records(group_by: GroupBy, field: str) -> None:
    records = some_records()
    view = view_over(records, USD_RATE)

    told = cost_summary(view, JANUARY, group_by, {})

    for row in told.rows:
        mine = [each for each in records if (getattr(each, field) or "(none)") == row.key]
        rate = {"USD": Decimal("7.1234"), "CNY": Decimal(1), "EUR": Decimal(0)}
        assert row.total_cost == sum(each.total_cost * rate[each.cost_currency] for each in mine)
        assert row.other_costs.get("EUR", 0) == sum(e.total_cost for e in mine if e.cost_currency == "EUR")
        assert (row.call_count, row.failed_count) == (len(mine), sum(e.outcome == "failed" for e in mine))
    assert told.totals.call_count == sum(row.call_count for row in told.rows) == len(records)
    assert told.totals.total_cost == sum(row.total_cost for row in told.rows)
    assert [row.total_cost for row in told.rows] == sorted((row.total_cost for row in told.rows), reverse=True)
    assert (told.unconverted, told.currency, told.overlapping) == (("EUR",), "CNY", False)


def test_m2_19_a_trend_is_costs_by_day_in_the_order_of_the_days() -> None:
    records = [record(f"2026-01-{day:02} 10:00:00", day, input_cost=f"0.{day}", output_cost="0") for day in (3, 1, 2)]

    told = cost_summary(view_over(records), Days(date(2026, 1, 2), date(2026, 1, 31)), GroupBy.DAY, {})

    assert [(row.key, row.other_costs["USD"]) for row in told.rows] == [
        ("2026-01-02", Decimal("0.2")),
        ("2026-01-03", Decimal("0.3")),
    ]


def test_a_call_counts_under_each_of_its_tags_and_once_in_all() -> None:
    records = [record("2026-01-31 10:00:00", tags=("x", "y"), cost_currency="CNY", input_cost="1", output_cost="0")]

    told = cost_summary(view_over(records), JANUARY, GroupBy.TAG, {})

    assert [(row.key, row.total_cost, row.percentage) for row in told.rows] == [
        ("x", Decimal(1), Decimal(100)),
        ("y", Decimal(1), Decimal(100)),
    ]
    assert (told.totals.total_cost, told.totals.call_count, told.overlapping) == (Decimal(1), 1, True)


def test_names_are_shown_beside_ids() -> None:
    view = view_over([record("2026-01-31 10:00:00"), record("2026-01-31 11:00:00", 1, provider="", channel_id="")])

    by_provider = cost_summary(view, JANUARY, GroupBy.PROVIDER, {}).rows
    by_channel = cost_summary(view, JANUARY, GroupBy.CHANNEL, {}).rows

    assert {row.key: row.name for row in by_provider} == {"openai": "Name of openai", "(none)": "(none)"}
    assert {row.key: row.name for row in by_channel} == {"ch_1": "Channel One", "(none)": "(none)"}


def test_shares_add_up_and_nothing_is_a_share_of_nothing() -> None:
    records = [
        record("2026-01-31 10:00:00", number, model=model, cost_currency="CNY", input_cost=cost, output_cost="0")
        for number, (model, cost) in enumerate((("a", "1"), ("b", "2"), ("c", "0")))
    ]
    told = cost_summary(view_over(records), JANUARY, GroupBy.MODEL, {})

    assert [row.percentage for row in told.rows] == [Decimal("66.67"), Decimal("33.33"), Decimal(0)]
    free = cost_summary(view_over(records[2:]), JANUARY, GroupBy.MODEL, {})
    assert [row.percentage for row in free.rows] == [Decimal(0)]


def test_the_largest_groups_come_first_and_the_rest_is_said_to_exist() -> None:
    records = [
        record("2026-01-31 10:00:00", n, user_id=f"u{n}", input_cost=f"{n}", cost_currency="CNY") for n in range(5)
    ]

    told = cost_summary(view_over(records), JANUARY, GroupBy.USER, {}, 2)

    assert ([row.key for row in told.rows], told.row_count, told.truncated) == (["u4", "u3"], 5, True)
    assert told.totals.call_count == 5


@pytest.mark.parametrize("limit", [0, 1001, -1])
def test_the_number_of_groups_is_bounded(limit: int) -> None:
    with pytest.raises(FieldInvalid):
        cost_summary(view_over([]), JANUARY, GroupBy.USER, {}, limit)


# --- aggregation on demand ---


@pytest.mark.parametrize(
    ("day", "count", "wanted"),
    [
        (None, None, Days(date(2026, 1, 30), date(2026, 1, 30))),
        (None, 30, Days(date(2026, 1, 1), date(2026, 1, 30))),
        ("2026-01-31", None, Days(TODAY, TODAY)),
    ],
)
def test_n_08_the_days_to_aggregate_are_yesterday_or_those_that_are_named(
    day: str | None, count: int | None, wanted: Days
) -> None:
    assert days_to_aggregate(view_over([]), day, count) == wanted


def test_n_08_senseless_days_to_aggregate_are_refused() -> None:
    for day, count in ((None, 0), (None, -1), (None, 367), ("2026-01-31", 3)):
        with pytest.raises(FieldInvalid):
            days_to_aggregate(view_over([]), day, count)
    with pytest.raises(DateInvalid):
        days_to_aggregate(view_over([]), "yesterday", None)


def test_n_08_aggregating_twice_says_the_same_and_changes_nothing() -> None:
    view = view_over(some_records())
    before = daily_costs(view, JANUARY, {})

    told = [aggregate_costs(view, JANUARY, 30) for _ in range(2)]

    assert told[0] == told[1]
    assert (told[0].success, told[0].call_count, told[0].days, told[0].date) == (True, 200, 30, None)
    assert daily_costs(view, JANUARY, {}) == before
    assert aggregate_costs(view_over([], complete=False), Days(TODAY, TODAY), None).success is False
