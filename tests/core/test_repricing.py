"""What a call should have been charged by other prices."""

from datetime import date
from decimal import Decimal

import pytest

from smart_ai_router.core.repricing import RepricingUnsupported, right_charges
from smart_ai_router.core.usage_record import BillLine, UsageRecord
from smart_ai_router.domain.accounts import AccountKey, QuotaUnit, user_account
from smart_ai_router.domain.charges import Tariff, tariff_of
from smart_ai_router.domain.exchange import ExchangeRate, ExchangeRates
from smart_ai_router.domain.ledger import taken_of
from smart_ai_router.domain.meters import Meter
from smart_ai_router.domain.quotas import UserQuota, quota_plan
from tests.contract.lines import attempt, record
from tests.core.ledger_samples import ALICE, POOL, Money, by, take
from tests.domain.pricing_samples import row, sheet_of

MONTHLY = user_account("alice", "CNY", "monthly:2026-11")
TOKENS = user_account("alice", QuotaUnit.TEXT_TOKEN)
RATES = ExchangeRates([ExchangeRate("USD", "CNY", Decimal(7))])
SHEET = sheet_of([row(Meter.INPUT, "1"), row(Meter.OUTPUT, "2")])
COST_CNY = 100 * 7_000_000 + 50 * 14_000_000  # 100 tokens in, 50 out


def lines(**quantities: str) -> tuple[BillLine, ...]:
    meters = {meter.name.lower(): meter.value for meter in Meter}
    return tuple(BillLine(meters.get(name, name), Decimal(each), "", Decimal(0)) for name, each in quantities.items())


def call(**given: object) -> UsageRecord:
    used = {"lines": lines(input="100", output="50")}
    return record("2026-11-22 12:00:00", 0, **{**used, **given})


def tariff(ratio: str = "1", *, monthly: bool = False, rates: ExchangeRates = RATES) -> Tariff:
    parts = frozenset({"CNY"})
    quota = UserQuota("alice", "CNY", parts, parts if monthly else frozenset(), ratio)
    return tariff_of(quota_plan(quota, None, date(2026, 11, 22)), POOL, SHEET, rates, 0)


def right(taken: dict[AccountKey, int], found: Tariff | None = None, **given: object) -> dict[AccountKey, int]:
    return right_charges(call(**given), taken, found or tariff()).amounts


def test_a_call_that_had_no_price_is_charged_by_the_one_that_became_known() -> None:
    found = right_charges(call(), {}, tariff("1.5"))

    assert found.amounts == {ALICE: COST_CNY * 3 // 2, POOL: COST_CNY}
    assert found.prices == SHEET.id
    assert found.bill.total_cost * 7 == COST_CNY


def test_quota_that_is_counted_in_tokens_stays_as_it_was() -> None:
    assert right({TOKENS: 150}) == {TOKENS: 150, ALICE: COST_CNY, POOL: COST_CNY}


@pytest.mark.parametrize(
    ("taken", "monthly", "permanent"),
    [
        ({MONTHLY: 10}, 10, COST_CNY - 10),
        ({MONTHLY: COST_CNY + 5}, COST_CNY, 0),
        ({MONTHLY: COST_CNY}, COST_CNY, 0),
        ({}, 0, COST_CNY),
        ({MONTHLY: -3}, 0, COST_CNY),
    ],
)
def test_the_charge_stays_where_it_was_taken_as_far_as_it_goes(
    taken: dict[AccountKey, int], monthly: int, permanent: int
) -> None:
    found = right(taken, tariff(monthly=True))

    assert (found.get(MONTHLY, 0), found.get(ALICE, 0)) == (monthly, permanent)


def test_who_pays_nothing_at_first_pays_nothing_now() -> None:
    assert right({}, outcome="failed", status="error") == {POOL: COST_CNY}


@pytest.mark.parametrize(
    "given",
    [
        {"lines": ()},
        {"lines": lines(input="100", gold="1")},
        {"lines": lines(input="-1")},
        {"lines": lines(input="NaN")},
        {"lines": lines(input="1" + "0" * 30)},
        {"outcome": "lost"},
        {"attempts": (attempt("ch_1", "timeout", "0.01"), attempt("ch_2"))},
    ],
)
def test_what_cannot_be_priced_anew_is_left_to_a_person(given: dict[str, object]) -> None:
    with pytest.raises(RepricingUnsupported):
        right_charges(call(**given), {}, tariff())


def test_a_price_for_some_of_it_is_not_enough() -> None:
    half = sheet_of([row(Meter.INPUT, "1")])

    with pytest.raises(RepricingUnsupported):
        right({}, tariff_of(None, POOL, half, RATES, 0))


def test_a_fee_for_each_request_is_that_of_the_right_prices() -> None:
    fee = sheet_of([row(Meter.INPUT, "1"), row(Meter.OUTPUT, "2"), row(Meter.REQUEST, "0.5", per=1)])

    found = right_charges(
        call(lines=lines(input="100", output="50", request="1")), {}, tariff_of(None, POOL, fee, RATES, 0)
    )

    assert found.amounts == {POOL: COST_CNY + 3_500_000_000_000}


def test_without_a_price_or_a_rate_there_is_nothing_right_yet() -> None:
    for found in (tariff(rates=ExchangeRates()), tariff_of(None, POOL, None, RATES, 0)):
        with pytest.raises(RepricingUnsupported):
            right({}, found)


def test_the_correction_brings_the_books_to_what_the_right_price_says(money: Money) -> None:
    booked = money.call(take(ALICE, 5), take(POOL, 5), lines=lines(input="100", output="50"))
    with money.store.ledger() as ledger:
        taken = taken_of(ledger.call_transfers(booked.request_id))

    found = right_charges(booked, taken, tariff())
    money.corrections.reprice(booked.request_id, found.amounts, found.prices, by())

    assert [money.balance(key) for key in (ALICE, POOL)] == [-COST_CNY, -COST_CNY]
