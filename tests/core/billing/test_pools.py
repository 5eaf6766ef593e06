"""What the page of pools shows: figures, alerts, recharges, exchange rates."""

from decimal import Decimal

import pytest

from smart_ai_router.core.billing.models import ProviderUnknown
from smart_ai_router.core.billing.pool_messages import PoolAlertFacts, PoolFacts
from smart_ai_router.core.billing.pools import (
    list_alerts,
    list_pools,
    list_rates,
    recharge_facts,
    recharge_of,
    recharge_page,
    show_pool,
)
from smart_ai_router.core.ledger_requests import AlertResolution, NewPool, NewRecharge, PoolAdjustment
from smart_ai_router.core.usage_record import UsageRecord
from smart_ai_router.domain.exchange import ExchangeRate
from tests.contract.lines import record
from tests.core.billing.money_samples import a_shop, view_on_the_day
from tests.core.ledger_samples import POOL, UNIT, Money, by, take


@pytest.fixture
def money() -> Money:
    return Money()


def pool(money: Money, provider_id: str = "openai", *records: UsageRecord) -> PoolFacts:
    with money.store.ledger() as ledger:
        return show_pool(ledger, a_shop(), view_on_the_day(records), provider_id)


def alerts(money: Money, *, is_resolved: bool | None = None, provider_id: str | None = None) -> list[PoolAlertFacts]:
    with money.store.ledger() as ledger:
        return list_alerts(ledger, view_on_the_day(), provider_id, is_resolved=is_resolved)


def test_m2_65_every_provider_has_a_row_and_so_has_a_pool_whose_provider_is_gone(money: Money) -> None:
    money.recharge("1", "qwen")
    market = a_shop()
    left = [each for each in market.snapshot.providers if each.id != "qwen"]

    with money.store.ledger() as ledger:
        whole = list_pools(ledger, market, view_on_the_day())
        object.__setattr__(market.snapshot, "providers", tuple(left))
        without = list_pools(ledger, market, view_on_the_day())

    for found in (whole, without):
        assert [(each.provider_id, each.is_opened, each.status_text) for each in found] == [
            ("openai", False, "未设置"),
            ("qwen", True, "充足"),
        ]
    assert (whole[0].total_balance, whole[0].warning_threshold, whole[0].last_check_date) == (0, 10, None)


def test_a_provider_that_nobody_knows_has_no_pool(money: Money) -> None:
    with pytest.raises(ProviderUnknown, match="nobody"):
        pool(money, "nobody")


def test_m2_51_m2_52_m2_54_total_is_used_and_available_after_every_kind_of_movement(money: Money) -> None:
    def figures() -> tuple[Decimal, Decimal, Decimal, Decimal]:
        facts = pool(money)
        assert facts.total_balance == facts.used_amount + facts.available_balance
        return facts.total_balance, facts.used_amount, facts.available_balance, facts.balance_percentage

    money.recharge("10")
    steps = [figures()]
    money.call(take(POOL, 3 * UNIT))
    steps.append(figures())
    money.recharge("13")
    steps.append(figures())
    money.pools.adjust("openai", PoolAdjustment(Decimal("-5")), by())
    steps.append(figures())
    money.call(take(POOL, 16 * UNIT))  # a unit more than there is
    steps.append(figures())

    assert steps == [
        (10, 0, 10, 100),
        (10, 3, 7, 70),
        (20, 0, 20, 100),
        (20, 5, 15, 75),
        (20, 21, -1, -5),
    ]
    facts = pool(money)
    assert (facts.total_recharged, facts.total_used, facts.status, facts.models_off) == (18, 19, "exhausted", True)
    assert facts.last_recharge_date == facts.created_at == "2026-11-22T12:00:00.000Z"


@pytest.mark.parametrize(
    ("balance", "is_low", "percentage"), [("10.01", False, "10.01"), ("10", False, "10"), ("9.99", True, "9.99")]
)
def test_m2_53_low_is_below_ten_percent(money: Money, balance: str, is_low: bool, percentage: str) -> None:
    money.recharge("100")
    money.pools.adjust("openai", PoolAdjustment(Decimal(balance) - 100), by())

    facts = pool(money)

    assert (facts.is_low_balance, facts.balance_percentage) == (is_low, Decimal(percentage))
    assert (facts.open_alert_id is not None) is is_low


def test_a_threshold_is_shown_in_percent(money: Money) -> None:
    for percent in ("12.5", "7", "0", "99.99"):
        money.pools.set_pool("openai", NewPool(Decimal(percent)), by())
        assert pool(money).warning_threshold == Decimal(percent)


def test_what_is_lent_to_gateways_is_part_of_what_is_available(money: Money) -> None:
    money.recharge("10")
    with money.store.lease_books() as books:
        account = books.account(POOL)
        books.put_account(account, account._replace(leased=4 * UNIT))

    facts = pool(money)

    assert (facts.available_balance, facts.lent_amount) == (10, 4)


@pytest.mark.parametrize(
    ("cost", "days"),
    [("2", "35"), ("7", "10"), ("3", "23.3"), ("0", None)],
)
def test_the_days_left_follow_from_the_use_of_a_week(money: Money, cost: str, days: str | None) -> None:
    money.recharge("10")
    given = {"cost_currency": "CNY", "input_cost": Decimal(0), "output_cost": Decimal(cost), "total_cost": cost}
    used = record("2026-11-16 00:00:00", 1, **given)
    before = record("2026-11-15 23:59:59", 2, **given)

    assert pool(money, "openai", used, before).days_left == (None if days is None else Decimal(days))


def test_an_empty_pool_has_no_days_left(money: Money) -> None:
    money.recharge("1")
    money.call(take(POOL, UNIT))
    used = record("2026-11-22 00:00:00", 1, cost_currency="CNY")

    assert pool(money, "openai", used).days_left == 0


def test_m2_28_n_02_recharges_come_in_pages(money: Money) -> None:
    for amount in ("1", "2", "3"):
        money.recharge(amount)

    with money.store.ledger() as ledger:
        first, last = (recharge_page(ledger, "openai", "CNY", page, 2) for page in (0, 1))
        none = recharge_page(ledger, "qwen", "CNY", 0, 2)

    assert [each.recharge_amount for each in first.recharges] == [3, 2]
    assert [(each.recharge_amount, each.balance_before, each.balance_after) for each in last.recharges] == [(1, 0, 1)]
    assert (first.total_elements, first.total_pages, last.current_page, last.page_size) == (3, 2, 1, 2)
    assert (none.total_elements, none.total_pages, none.recharges) == (0, 0, ())


def test_m2_27_n_01_a_recharge_is_told_as_the_page_lists_it(money: Money) -> None:
    money.recharge("5")
    made = money.pools.recharge("openai", NewRecharge(Decimal("2.5"), "六月"), by("key-1"))
    again = money.pools.recharge("openai", NewRecharge(Decimal("2.5"), "六月"), by("key-1"))

    told, repeated = (recharge_facts(recharge_of(each, "openai"), "CNY") for each in (made, again))
    with money.store.ledger() as ledger:
        listed = recharge_page(ledger, "openai", "CNY", 0, 1).recharges[0]

    assert told == repeated == listed
    assert (told.recharge_amount, told.balance_before, told.balance_after) == (Decimal("2.5"), 5, Decimal("7.5"))
    assert (told.recharge_type, told.remark, told.created_at) == ("manual", "六月", "2026-11-22T12:00:00.000Z")


def test_the_operator_is_who_the_request_names_and_otherwise_who_sent_it(money: Money) -> None:
    made = money.pools.recharge("openai", NewRecharge(Decimal(1), operator_id="op-7"), by())
    money.recharge("2")

    with money.store.ledger() as ledger:
        rows = recharge_page(ledger, "openai", "CNY", 0, 2).recharges

    assert recharge_facts(recharge_of(made, "openai"), "CNY") == rows[1]
    assert [each.operator_id for each in rows] == ["admin", "op-7"]


def test_m2_24_to_m2_26_m2_68_alerts_are_told_newest_first_and_open_and_resolved_are_disjoint(money: Money) -> None:
    money.recharge("100")
    money.recharge("100", "qwen")
    money.call(take(POOL, 95 * UNIT))
    money.pools.adjust("qwen", PoolAdjustment(Decimal(-100)), by())
    (critical, low) = alerts(money)
    money.pools.resolve_alert(low.id, AlertResolution("carol"), by())

    assert [(each.provider_id, each.alert_type, each.alert_level) for each in (critical, low)] == [
        ("qwen", "insufficient_balance", "critical"),
        ("openai", "low_balance", "warning"),
    ]
    assert (low.balance_percentage, low.available_balance, low.created_at) == (5, 5, "2026-11-22T12:00:00.000Z")
    assert (low.provider_name, low.currency) == ("Name of openai", "CNY")
    still, over = alerts(money, is_resolved=False), alerts(money, is_resolved=True)
    assert [each.id for each in still] == [critical.id]
    assert [(each.id, each.is_resolved, each.resolved_by) for each in over] == [(low.id, True, "carol")]
    assert alerts(money) == [*still, *over]
    assert alerts(money, provider_id="openai") == over


def test_exchange_rates_are_told_by_currencies_and_date() -> None:
    told = list_rates(
        [
            ExchangeRate("USD", "CNY", Decimal("7.2"), 1_795_348_800_000, "bank"),
            ExchangeRate("EUR", "CNY", Decimal(8), 0),
            ExchangeRate("USD", "CNY", Decimal("7.1"), 0),
        ]
    )

    assert [(each.base, each.rate, each.effective_from) for each in told] == [
        ("EUR", 8, "1970-01-01T00:00:00.000Z"),
        ("USD", Decimal("7.1"), "1970-01-01T00:00:00.000Z"),
        ("USD", Decimal("7.2"), "2026-11-22T12:00:00.000Z"),
    ]
    assert told[2].source == "bank"
