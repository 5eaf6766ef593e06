"""The control plane's end of lending: reports are answered, recalls told until they are, the dead are found."""

import asyncio
from collections.abc import Callable
from decimal import Decimal

from smart_ai_router.app.lending import Lending
from smart_ai_router.core.lease_desk import LeaseDesk
from smart_ai_router.core.ledger_requests import NewGrant, NewRecurringGrant
from smart_ai_router.core.link_messages import (
    FromControl,
    Hello,
    LeaseAnswer,
    LeaseRecalls,
    pack_report,
    unpack_answer,
)
from smart_ai_router.core.store import StoreUnavailable
from smart_ai_router.domain.accounts import AccountKey, user_account
from smart_ai_router.domain.leasing import Report, Wish
from tests.core.ledger_samples import Money, by

TOKENS = user_account("alice", "text_token")
THIS_MONTHS = user_account("alice", "text_token", "monthly:2026-12")


class Host:
    """One host's lending, with what it sent; the store can be out of reach."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.money = Money()
        self.money.quotas.grant("alice", NewGrant("text_token", Decimal(1000)), by())
        self.money.quotas.set_monthly_grant("alice", NewRecurringGrant("text_token", Decimal(1000)), by())
        self.money.clock.now += 31 * 86_400  # a month later, whose part has not begun yet
        self.sent: list[FromControl] = []
        self.news = asyncio.Event()
        self.is_store_away = False
        self.lending = Lending(loop, self._desk, self._send, lambda: True, workers=3)

    def restart_control_plane(self) -> None:
        """Another control plane over the same books: it has met nobody yet."""
        self.lending = Lending(asyncio.get_running_loop(), self._desk, self._send, lambda: True, workers=3)

    def _desk(self, tell: Callable[..., None]) -> LeaseDesk:
        return LeaseDesk(self.money.store, monotonic=lambda: 1000.0, tell=tell, begin_part=self._begin_part)

    def _begin_part(self, account: AccountKey) -> None:
        if self.is_store_away:
            raise StoreUnavailable("the disk is full")
        self.money.calendar.begin_part(account)

    def _send(self, message: FromControl) -> None:
        self.sent.append(message)
        self.news.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not holds():
                self.news.clear()
                await self.news.wait()

    def hear(self, holder: str, sequence: int, *wishes: Wish) -> None:
        self.lending.hear(pack_report(Report(holder, sequence, wishes)))

    def answers(self) -> list[LeaseAnswer]:
        return [each for each in self.sent if isinstance(each, LeaseAnswer)]

    def recalls(self) -> list[LeaseRecalls]:
        return [each for each in self.sent if isinstance(each, LeaseRecalls)]


def test_a_worker_that_has_a_name_is_lent_what_it_wishes() -> None:
    async def scene() -> None:
        host = Host(asyncio.get_running_loop())
        host.lending.meet(Hello(1, 101, 3, "w1"))
        host.hear("w1", 1, Wish(TOKENS, 0, 0, need=100))
        await host.until(lambda: bool(host.answers()))
        await host.lending.close()

        (ruling,) = unpack_answer(host.answers()[0].data).rulings
        assert ruling.granted >= 100
        assert host.money.account(TOKENS).leased == ruling.granted

    asyncio.run(scene())


def test_one_without_a_name_is_told_to_begin_anew() -> None:
    async def scene() -> None:
        host = Host(asyncio.get_running_loop())
        host.lending.meet(Hello(1, 101, 3))
        host.hear("w1", 1, Wish(TOKENS, 0, 0, need=100))
        await host.until(lambda: bool(host.answers()))
        await host.lending.close()

        assert unpack_answer(host.answers()[0].data).is_over is True
        assert host.money.account(TOKENS).leased == 0

    asyncio.run(scene())


def test_a_recall_is_told_again_until_it_is_answered() -> None:
    async def scene() -> None:
        host = Host(asyncio.get_running_loop())
        for worker, holder in ((1, "w1"), (2, "w2")):
            host.lending.meet(Hello(worker, 100 + worker, 3, holder))
        host.hear("w1", 1, Wish(TOKENS, 0, 0, need=1000))
        host.hear("w2", 1, Wish(TOKENS, 0, 0, need=500))
        await host.until(lambda: len(host.recalls()) >= 3)
        await host.lending.close()

        assert {(recall.holder, recall.account) for told in host.recalls() for recall in told.recalls} == {
            ("w1", TOKENS)
        }

    asyncio.run(scene())


def test_what_a_dead_worker_had_borrowed_comes_back_when_its_successor_has_a_name() -> None:
    async def scene() -> None:
        host = Host(asyncio.get_running_loop())
        host.lending.meet(Hello(1, 101, 3, "w1"))
        host.hear("w1", 1, Wish(TOKENS, 0, 0, need=100))
        await host.until(lambda: bool(host.answers()))
        host.lending.tick()
        host.hear("w1", 2)
        await host.until(lambda: len(host.answers()) == 2)
        assert host.money.account(TOKENS).leased > 0, "it lives"

        host.lending.meet(Hello(1, 102, 3, "w1-again"))
        host.lending.tick()
        host.hear("w1-again", 1)
        await host.until(lambda: len(host.answers()) == 3)
        await host.lending.close()

        assert host.money.account(TOKENS).leased == 0

    asyncio.run(scene())


def test_a_worker_that_has_not_connected_again_after_a_restart_keeps_what_it_borrowed() -> None:
    async def scene() -> None:
        host = Host(asyncio.get_running_loop())
        host.lending.meet(Hello(1, 101, 3, "w1"))
        host.hear("w1", 1, Wish(TOKENS, 0, 0, need=100))
        await host.until(lambda: bool(host.answers()))
        lent = host.money.account(TOKENS).leased
        assert lent > 0

        host.restart_control_plane()
        host.lending.meet(Hello(0, 100, 3, "w0"))
        host.lending.tick()
        host.hear("w0", 1)
        await host.until(lambda: len(host.answers()) == 2)
        await host.lending.close()

        assert host.money.account(TOKENS).leased == lent

    asyncio.run(scene())


def test_what_a_worker_of_a_number_that_is_gone_had_borrowed_comes_back_with_worker_0() -> None:
    async def scene() -> None:
        host = Host(asyncio.get_running_loop())
        host.lending.meet(Hello(7, 107, 3, "w7"))  # when there were more of them
        host.hear("w7", 1, Wish(TOKENS, 0, 0, need=100))
        await host.until(lambda: bool(host.answers()))

        host.restart_control_plane()
        host.lending.meet(Hello(0, 100, 3, "w0"))
        host.lending.tick()
        host.hear("w0", 1)
        await host.until(lambda: len(host.answers()) == 2)
        await host.lending.close()

        assert host.money.account(TOKENS).leased == 0

    asyncio.run(scene())


def test_a_store_that_is_away_costs_the_answer_and_the_next_report_is_answered() -> None:
    async def scene() -> None:
        host = Host(asyncio.get_running_loop())
        host.lending.meet(Hello(1, 101, 3, "w1"))
        host.is_store_away = True
        host.hear("w1", 1, Wish(THIS_MONTHS, 0, 0, need=100))
        host.hear("w1", 2)  # on the same thread, after the one that fails
        await host.until(lambda: len(host.answers()) == 1)
        assert unpack_answer(host.answers()[0].data).sequence == 2

        host.is_store_away = False
        host.hear("w1", 3, Wish(THIS_MONTHS, 0, 0, need=100))
        await host.until(lambda: len(host.answers()) == 2)
        await host.lending.close()

        assert unpack_answer(host.answers()[1].data).rulings[0].granted >= 100

    asyncio.run(scene())
