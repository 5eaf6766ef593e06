"""Costs in the billing currency."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.core.billing.currency import CostSums, DatedRates, Days, unconverted
from smart_ai_router.domain.exchange import ExchangeRate
from tests.core.billing.billing_samples import USD_RATE, rate_from

DAY = date(2026, 1, 20)
COST = 375_000_000  # picos: 0.000375


def test_m2_44_a_cost_is_shown_in_the_billing_currency_with_all_its_digits() -> None:
    terms = DatedRates("CNY", "UTC", [USD_RATE]).terms("USD", DAY)

    assert (terms.shown(COST), terms.currency) == (Decimal("0.002671275"), "CNY")


def test_without_a_rate_a_cost_stays_in_its_own_currency() -> None:
    terms = DatedRates("CNY", "UTC").terms("USD", DAY)

    assert (terms.shown(COST), terms.currency, terms.conversion) == (Decimal("0.000375"), "USD", None)


def test_a_cost_of_the_billing_currency_is_not_converted() -> None:
    terms = DatedRates("CNY", "UTC", [USD_RATE]).terms("CNY", DAY)

    assert (terms.shown(COST), terms.currency, terms.conversion) == (Decimal("0.000375"), "CNY", None)


def test_nothing_is_rounded_however_many_digits_cost_and_rate_have() -> None:
    rate = ExchangeRate("USD", "CNY", Decimal("7.1234567890123456789"))
    terms = DatedRates("CNY", "UTC", [rate]).terms("USD", DAY)

    assert terms.shown(10**30 + 1) == Decimal("7123456789012345678.9000000000071234567890123456789")


def test_a_rate_that_was_entered_the_other_way_round_divides_and_rounds_at_12_decimals() -> None:
    terms = DatedRates("CNY", "UTC", [ExchangeRate("CNY", "USD", Decimal(3))]).terms("USD", DAY)

    assert terms.shown(10**12) == Decimal("0.333333333333")
    assert terms.shown(2 * 10**12) == Decimal("0.666666666667")
    assert terms.exact(10**12) == Fraction(1, 3)


@pytest.mark.parametrize(
    ("day", "wanted"),
    [
        (date(2026, 1, 9), (Decimal(1), "USD")),  # before the first rate
        (date(2026, 1, 10), (Decimal(7), "CNY")),
        (date(2026, 1, 19), (Decimal(7), "CNY")),
        (date(2026, 1, 20), (Decimal(8), "CNY")),
    ],
)
def test_the_rate_of_the_day_counts(day: date, wanted: tuple[Decimal, str]) -> None:
    rates = DatedRates("CNY", "UTC", [rate_from("2026-01-20", "8"), rate_from("2026-01-10", "7")])

    terms = rates.terms("USD", day)

    assert (terms.shown(10**12), terms.currency) == wanted


def test_all_calls_of_a_local_day_share_the_rate_of_its_beginning() -> None:
    rates = DatedRates("CNY", "Asia/Shanghai", [rate_from("2026-01-20", "8")])  # 08:00 in Shanghai

    assert rates.terms("USD", date(2026, 1, 20)).currency == "USD"
    assert rates.terms("USD", date(2026, 1, 21)).currency == "CNY"
    assert rates.spans({"USD"}, Days(date(2026, 1, 1), date(2026, 1, 31))) == [
        Days(date(2026, 1, 1), date(2026, 1, 20)),
        Days(date(2026, 1, 21), date(2026, 1, 31)),
    ]


def test_days_are_cut_only_for_currencies_that_have_rates() -> None:
    rates = DatedRates("CNY", "UTC", [rate_from("2026-01-20", "8")])
    month = Days(date(2026, 1, 1), date(2026, 1, 31))

    assert rates.spans({"CNY"}, month) == rates.spans({"EUR", "CNY"}, month) == rates.spans(set(), month) == [month]
    assert len(rates.spans({"USD", "EUR"}, month)) == 2
    assert len(rates.spans({"USD"}, Days(date(2026, 1, 20), date(2026, 1, 31)))) == 1


def test_equal_terms_are_one_object() -> None:
    rates = DatedRates("CNY", "UTC", [USD_RATE])

    assert rates.terms("USD", DAY) is rates.terms("USD", date(2020, 1, 1))


def test_sums_keep_currencies_apart_and_say_which_could_not_be_added() -> None:
    rates = DatedRates("CNY", "UTC", [USD_RATE])
    sums = CostSums()
    for amount, currency in ((10**12, "USD"), (10**12, "CNY"), (5 * 10**11, "EUR"), (0, "JPY")):
        sums.add(amount, rates.terms(currency, DAY))

    assert sums.shown("CNY") == Decimal("8.1234")
    assert sums.beside("CNY") == {"EUR": Decimal("0.5")}
    assert unconverted([sums], "CNY") == ("EUR", "JPY")


@given(
    costs=st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=30),
    rate=st.decimals("0.0001", "99999", places=7),
    inverse=st.booleans(),
)
def test_m2_49_the_converted_costs_of_records_add_up_to_the_converted_sum(
    costs: list[int], rate: Decimal, inverse: bool
) -> None:
    row = ExchangeRate("CNY", "USD", rate) if inverse else ExchangeRate("USD", "CNY", rate)
    terms = DatedRates("CNY", "UTC", [row]).terms("USD", DAY)

    assert sum((terms.exact(cost) for cost in costs), Fraction()) == terms.exact(sum(costs))
    if not inverse:
        assert all(Fraction(terms.shown(cost)) == terms.exact(cost) for cost in costs)
