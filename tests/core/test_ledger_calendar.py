"""What time does to quota: parts begin and expire, once each, by the days of the configured time zone."""

from decimal import Decimal

import pytest

from smart_ai_router.core.ledger_actions import PartsBegun
from smart_ai_router.core.ledger_calendar import AHEAD_MS, NothingDue
from smart_ai_router.core.ledger_requests import NewKeyBudget, NewRecurringGrant
from smart_ai_router.domain.accounts import QuotaUnit, key_account, user_account
from smart_ai_router.domain.ledger import Order, TransferKind, grant
from tests.core.ledger_samples import UNIT, Money, by, take

DAY_S = 86_400
NOVEMBER = user_account("alice", QuotaUnit.TEXT_TOKEN, "monthly:2026-11")
DECEMBER = user_account("alice", QuotaUnit.TEXT_TOKEN, "monthly:2026-12")
JANUARY = user_account("alice", QuotaUnit.TEXT_TOKEN, "monthly:2027-01")
TO_DECEMBER_S = 8 * DAY_S + DAY_S // 2  # the clock stands at noon on 22 November


@pytest.fixture
def monthly(money: Money) -> Money:
    """Alice is given 500 text tokens a month."""
    money.quotas.set_monthly_grant("alice", NewRecurringGrant("text_token", Decimal(500)), by())
    return money


def test_nothing_is_due_within_a_month(monthly: Money) -> None:
    before = len(monthly.log.lines)

    assert monthly.calendar.turn() == 0
    assert len(monthly.log.lines) == before


def test_the_next_month_begins_once_and_the_rest_of_the_last_one_expires_once(monthly: Money) -> None:
    monthly.call(take(NOVEMBER, 120))
    monthly.clock.now += TO_DECEMBER_S

    assert monthly.calendar.turn() == 2
    assert monthly.calendar.turn() == 0

    assert [monthly.balance(key) for key in (NOVEMBER, DECEMBER)] == [0, 500]
    assert (monthly.account(NOVEMBER).credited, monthly.account(NOVEMBER).used) == (120, 120)


def test_another_control_plane_begins_no_part_a_second_time(monthly: Money) -> None:
    monthly.clock.now += TO_DECEMBER_S
    monthly.calendar.turn()

    again = Money(monthly.store)
    again.clock.now = monthly.clock.now
    again.desk.catch_up()

    assert again.calendar.turn() == 0
    assert monthly.balance(DECEMBER) == 500


@pytest.mark.parametrize(("early_ms", "begun"), [(AHEAD_MS, 500), (AHEAD_MS + 1, 0)])
def test_a_part_begins_a_little_early_for_clocks_that_are_ahead(monthly: Money, early_ms: int, begun: int) -> None:
    monthly.clock.now += TO_DECEMBER_S - early_ms / 1000

    monthly.calendar.turn()

    assert monthly.balance(DECEMBER) == begun
    assert monthly.balance(NOVEMBER) == 500  # and none expires before its time


def test_days_are_those_of_the_configured_time_zone() -> None:
    money = Money(time_zone="Asia/Shanghai")
    money.quotas.set_monthly_grant("alice", NewRecurringGrant("text_token", Decimal(500)), by())
    money.clock.now += TO_DECEMBER_S - 8 * 3600

    money.calendar.turn()

    assert [money.balance(key) for key in (NOVEMBER, DECEMBER)] == [0, 500]


def test_months_that_nobody_saw_are_not_made_up_for(monthly: Money) -> None:
    monthly.clock.now += TO_DECEMBER_S + 31 * DAY_S

    monthly.calendar.turn()

    assert [monthly.balance(key) for key in (NOVEMBER, DECEMBER, JANUARY)] == [0, 0, 500]


def test_what_is_still_lent_expires_when_it_has_come_back(monthly: Money) -> None:
    with monthly.store.lease_books() as books:
        state = books.account(NOVEMBER)
        books.put_account(state, state._replace(leased=100))
    monthly.clock.now += TO_DECEMBER_S

    assert monthly.calendar.turn() == 1
    assert monthly.balance(NOVEMBER) == 500
    with monthly.store.lease_books() as books:
        state = books.account(NOVEMBER)
        books.put_account(state, state._replace(leased=0))

    assert monthly.calendar.turn() == 1
    assert monthly.balance(NOVEMBER) == 0


def test_a_daily_budget_begins_and_expires_every_day(money: Money) -> None:
    key_id = money.key()
    money.quotas.set_key_budget(key_id, NewKeyBudget(Decimal(2), "daily"), by())
    money.clock.now += DAY_S

    money.calendar.turn()

    days = [key_account(key_id, "CNY", f"daily:2026-11-{day}") for day in (22, 23)]
    assert [money.balance(day) for day in days] == [0, 2 * UNIT]


def test_a_part_that_somebody_asks_for_begins_at_once(monthly: Money) -> None:
    monthly.clock.now += TO_DECEMBER_S

    for _ in range(2):
        monthly.calendar.begin_part(DECEMBER)
        monthly.calendar.begin_part(JANUARY)
        monthly.calendar.begin_part(user_account("bob", QuotaUnit.TEXT_TOKEN, "monthly:2026-12"))

    assert [monthly.balance(key) for key in (DECEMBER, JANUARY)] == [500, 0]
    with monthly.store.ledger() as ledger:
        kinds = [made.transfer.kind for made in ledger.made_transfers()]
    assert kinds == [TransferKind.GRANT, TransferKind.GRANT]


def test_a_turn_that_somebody_else_has_taken_meanwhile_makes_nothing(monthly: Money) -> None:
    monthly.clock.now += TO_DECEMBER_S
    due = grant(DECEMBER, 500, Order("due", 0))
    monthly.calendar.turn()
    with monthly.store.ledger() as ledger:
        done = next(made.transfer for made in ledger.made_transfers() if DECEMBER in dict(made.transfer.entries))
    before = len(monthly.log.lines)

    assert monthly.calendar._carry_out([due._replace(key=done.key)], _never, "begin parts") == 0
    assert len(monthly.log.lines) == before
    assert NothingDue.code == "nothing_due"


def _never(_rows: object) -> PartsBegun:
    raise AssertionError("nothing is left to make")
