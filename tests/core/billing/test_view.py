"""Totals whose costs can be converted."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from smart_ai_router.core.billing.currency import Days
from smart_ai_router.core.billing.view import SPANS_MAX, Gathered, dated_totals
from smart_ai_router.core.statistics_store import Dimension
from smart_ai_router.domain.exchange import ExchangeRate
from tests.core.billing.billing_samples import rate_from, record, view_over

JANUARY = Days(date(2026, 1, 1), date(2026, 1, 31))
RECORDS = [
    record(f"2026-01-{day:02} 12:00:00", day + 100 * (model == "b"), input_cost="1", output_cost="0", model=model)
    for day in (5, 10, 15, 20, 25)
    for model in ("a", "b")
]


@pytest.mark.parametrize(
    "rates",
    [
        (),
        (ExchangeRate("USD", "CNY", Decimal(7)),),
        (rate_from("2026-01-10", "7"), rate_from("2026-01-20", "8")),
        tuple(rate_from(f"2025-{month:02}-{day:02}", f"7.{day:02}") for month in (11, 12) for day in range(1, 31))
        + tuple(rate_from(f"2026-01-{day:02}", f"8.{day:02}") for day in range(1, 31)),
    ],
    ids=["none", "one", "two", "every day"],
)
@pytest.mark.parametrize("by", [(), (Dimension.MODEL,), (Dimension.DAY, Dimension.MODEL)])
def test_however_rates_change_the_sum_is_that_of_the_records(
    rates: tuple[ExchangeRate, ...], by: tuple[Dimension, ...]
) -> None:
    view = view_over(RECORDS, *rates)
    days = Days(date(2025, 11, 1), date(2026, 1, 31))
    found = Gathered()
    for keys, totals, day in dated_totals(view, days, by):
        assert len(keys) == len(by)
        found.add(view.rates, totals, day)

    wanted: dict[str, Decimal] = {}
    for each in RECORDS:
        terms = view.rates.terms("USD", date.fromisoformat(each.timestamp[:10]))
        wanted[terms.currency] = wanted.get(terms.currency, Decimal()) + terms.shown(10**12)
    assert found.calls == len(RECORDS)
    assert {currency: found.costs.shown(currency) for currency in wanted} == wanted


def test_rates_that_change_every_day_cost_one_more_question_and_not_one_a_day() -> None:
    rates = [
        rate_from((date(2025, 11, 1) + timedelta(days=day)).isoformat(), f"7.{day + 1:02}") for day in range(SPANS_MAX)
    ]
    view = view_over(RECORDS, *rates)
    asked: list[tuple[date, date]] = []
    totals = view.books.totals

    def counting(first: date, last: date, *rest: object) -> object:
        asked.append((first, last))
        return totals(first, last, *rest)  # type: ignore[arg-type]

    view.books.totals = counting  # type: ignore[method-assign,assignment]
    list(dated_totals(view, Days(date(2025, 10, 1), date(2026, 1, 31))))

    assert len(asked) == 2


def test_what_two_groups_gathered_is_what_one_would_have() -> None:
    view = view_over(RECORDS, rate_from("2026-01-10", "7"))
    parts = [Gathered(), Gathered()]
    whole = Gathered()
    for number, (_, totals, day) in enumerate(dated_totals(view, JANUARY, (Dimension.MODEL,))):
        parts[number % 2].add(view.rates, totals, day)
        whole.add(view.rates, totals, day)

    parts[0].add_all(parts[1])

    assert parts[0] == whole
