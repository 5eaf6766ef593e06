"""What looks after money in the control plane: the check of every five minutes, the calendar, refunds, the alerts."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from smart_ai_router.adapters.sqlite import SqliteStore
from smart_ai_router.app.administration import AdministrationOffice
from smart_ai_router.app.books import open_bookkeeper
from smart_ai_router.app.money import CHECK_S, MoneyOffice
from smart_ai_router.core.administration_messages import NewUser
from smart_ai_router.core.ledger_requests import CallRefund, NewRecharge, NewRecurringGrant, PoolAdjustment
from smart_ai_router.core.store import JournalFileState
from smart_ai_router.core.utils.channel_monitor import ChannelMonitor
from smart_ai_router.domain.accounts import user_account
from tests.contract.lines import postings, record
from tests.core.ledger_samples import POOL, UNIT, by, take


class Till:
    """A control plane's money over real books, with a monotonic clock that stands where it is put."""

    def __init__(self, folder: Path) -> None:
        self.now = 1000.0
        self.published = 0
        self.store = SqliteStore(folder / "books.db", "UTC")
        self.administration = AdministrationOffice(self.store, folder, given_prices=tuple, tell_gateways=self._publish)
        self.monitor = ChannelMonitor(folder / "channel_alerts.jsonl")
        self.loop = asyncio.new_event_loop()
        self.office = MoneyOffice(
            self.store,
            self.administration,
            open_bookkeeper(self.store, folder / "logs"),
            self.monitor,
            time_zone="UTC",
            billing_currency="CNY",
            provider_name=str.title,
            is_provider="openai".__eq__,
            tell_gateways=self._publish,
            loop=self.loop,
            workers=1,
            broadcast=lambda _message: None,
            monotonic=lambda: self.now,
        )

    def _publish(self) -> bool:
        self.published += 1
        return True

    def checked(self) -> object:
        """When the pool was last looked at."""
        with self.store.ledger() as ledger:
            (pool,) = ledger.pools()
        return pool.state.checked_ms

    def forget_check(self) -> None:
        """As if nobody had ever looked."""
        with self.store.pool_books() as books:
            (pool,) = books.pools()
            books.put_pool(replace(pool.state, checked_ms=None), 0)

    def book_beside(self, amount: str) -> str:
        """A call that takes this of the pool, booked by somebody who tells nobody."""
        line = record("2026-11-22 12:00:00", 1, postings=(take(POOL, int(amount) * UNIT),))
        self.store.apply(JournalFileState("usage_20261122.jsonl", 1), postings([line]), [])
        return line.request_id

    def close(self) -> None:
        self.loop.run_until_complete(self.office.lending.close())
        self.loop.close()
        self.monitor.close()
        self.store.close()


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Till]:
    made = Till(tmp_path)
    yield made
    made.close()


def test_m2_72_every_pool_is_looked_at_when_it_starts_and_every_five_minutes(till: Till) -> None:
    assert CHECK_S == 5 * 60
    till.office.pools.recharge("openai", NewRecharge(Decimal(100)), by())
    looks = []

    for seconds in (0, 1, 298, 1, 299, 1):
        till.now += seconds
        till.forget_check()
        till.office.tick()
        looks.append(till.checked() is not None)

    assert looks == [True, False, False, True, False, True]


def test_m2_72_a_pool_that_sank_while_nobody_looked_has_its_alert_within_five_minutes(till: Till) -> None:
    till.office.pools.recharge("openai", NewRecharge(Decimal(1)), by())
    till.office.tick()
    till.book_beside("1")

    till.now += CHECK_S - 1
    till.office.tick()
    assert till.monitor.open_alert_counts() == {}
    till.now += 1
    till.office.tick()

    assert set(till.monitor.open_alert_counts()) == {("pool:openai", "insufficient_balance")}


def test_a_refund_brings_back_what_money_had_switched_off_before_it_is_answered(till: Till) -> None:
    till.office.pools.recharge("openai", NewRecharge(Decimal(1)), by())
    request_id = till.book_beside("1")
    till.office.check()
    assert [each.reason for each in till.administration.state().disabled] == ["资费不足，暂不可用"]
    published = till.published

    till.office.refund(request_id, CallRefund("pool"), by())

    assert till.administration.state().disabled == ()
    assert till.published > published


def test_the_alerts_of_pools_reach_the_monitor_and_are_put_away_again(till: Till) -> None:
    till.office.pools.recharge("openai", NewRecharge(Decimal(100)), by())
    till.office.pools.adjust("openai", PoolAdjustment(Decimal(-95)), by())
    assert set(till.monitor.open_alert_counts()) == {("pool:openai", "low_balance")}

    till.office.pools.recharge("openai", NewRecharge(Decimal(95)), by())
    till.office.tick()

    assert till.monitor.open_alert_counts() == {}


def test_the_month_is_turned_with_time(till: Till) -> None:
    till.administration.verbs.create_user(NewUser("Alice", "alice"), by())
    till.office.quotas.set_monthly_grant("alice", NewRecurringGrant("image", Decimal(3)), by())

    till.office.tick()
    till.office.tick()

    with till.store.ledger() as ledger:
        parts = [each for each in ledger.accounts() if each.key.owner == "alice"]
    assert [(each.key.unit, each.credited) for each in parts] == [("image", 3)]
    assert parts[0].key == user_account("alice", "image", parts[0].key.part)
