"""Several at once: what the second guide's system lost by reading, adding and writing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier, Lock
from typing import Any

from smart_ai_router.core.lease_desk import LeaseDesk
from smart_ai_router.core.ledger_actions import PoolRecharged, transfer_row
from smart_ai_router.core.store import JournalFileState
from smart_ai_router.core.usage_record import AccountPosting
from smart_ai_router.domain.accounts import pool_account
from smart_ai_router.domain.leasing import Recall, Report, Wish
from smart_ai_router.domain.ledger import Order, recharge
from tests.contract.lines import postings, record
from tests.core.administration_samples import NOW_MS, action

WRITERS = 8
DEDUCTIONS = 250
CENT = 10**10
POOL = pool_account("openai", "CNY")


def at_once(*jobs: Callable[[], None]) -> None:
    """All jobs, each in a thread of its own, from the same moment on."""
    start = Barrier(len(jobs))

    def run(job: Callable[[], None]) -> None:
        start.wait()
        job()

    with ThreadPoolExecutor(len(jobs)) as threads:
        for future in [threads.submit(run, job) for job in jobs]:
            future.result()


def deduct(store: Any, writer: int, turn: Lock) -> None:
    """250 calls of one cent each, booked in batches of 10, from a journal file of the writer's own."""
    file = JournalFileState(f"usage_20261122_{writer}.jsonl", 1)
    taken = (AccountPosting("pool", "openai", "CNY", "", CENT, 0),)
    for start in range(0, DEDUCTIONS, 10):
        numbers = range(writer * DEDUCTIONS + start, writer * DEDUCTIONS + start + 10)
        records = [record("2026-11-22 12:00:00", number, postings=taken) for number in numbers]
        with turn:
            file = store.apply(file, postings(records), []).file


def pool(store: Any) -> tuple[int, int]:
    with store.ledger() as ledger:
        account = ledger.account(POOL)
    return account.credited, account.used


def test_n_10_eight_writers_deduct_two_hundred_and_fifty_times_a_cent_and_lose_none(store: Any) -> None:
    turn = Lock()  # one thread at a time books, in whatever order they come

    at_once(*(partial(deduct, store, number, turn) for number in range(WRITERS)))

    assert pool(store) == (0, WRITERS * DEDUCTIONS * CENT)


def test_n_11_recharges_during_deductions_are_never_lost(store: Any) -> None:
    def recharges() -> None:
        for number in range(1, 41):
            transfer = recharge(POOL, 100 * CENT, Order(f"recharge-{number}", NOW_MS))
            change = PoolRecharged("openai", "CNY", transfers=(transfer_row(transfer, 0),))
            store.administration.apply([action(number, change)])

    at_once(lambda: deduct(store, 0, Lock()), recharges)

    assert pool(store) == (4000 * CENT, DEDUCTIONS * CENT)


def test_workers_that_ask_at_once_are_never_lent_more_than_there_is(store: Any) -> None:
    told: list[Recall] = []
    desk = LeaseDesk(store, monotonic=lambda: 1000.0, tell=told.append)
    for number in range(WRITERS):
        desk.register(f"w{number}", number, number)
    transfer = recharge(POOL, 1000, Order("recharge-1", NOW_MS))
    store.administration.apply([action(1, PoolRecharged("openai", "CNY", transfers=(transfer_row(transfer, 0),)))])
    granted: dict[str, int] = {}

    def ask(holder: str) -> Callable[[], None]:
        def run() -> None:
            for sequence in range(1, 21):
                wish = Wish(POOL, granted.get(holder, 0), 0, need=17, call_size=17)
                answer = desk.hear(Report(holder, sequence, (wish,)))
                assert answer is not None
                granted[holder] = answer.rulings[0].granted

        return run

    at_once(*(ask(f"w{number}") for number in range(WRITERS)))

    with store.ledger() as ledger:
        account = ledger.account(POOL)
        leases = ledger.leases()
    assert account.leased == sum(granted.values()) == sum(lease.outstanding for lease in leases)
    assert 1000 - 17 < account.leased <= 1000


def test_posting_and_lending_at_once_leave_no_balance_behind(store: Any) -> None:
    desk = LeaseDesk(store, monotonic=lambda: 1000.0, tell=lambda _: None)
    desk.register("w1", 0, 1)
    transfer = recharge(POOL, 10**18, Order("recharge-1", NOW_MS))
    store.administration.apply([action(1, PoolRecharged("openai", "CNY", transfers=(transfer_row(transfer, 0),)))])

    def lend() -> None:
        wanted = 0
        for sequence in range(1, 101):
            answer = desk.hear(Report("w1", sequence, (Wish(POOL, wanted, 0, need=1000, call_size=1000),)))
            assert answer is not None
            wanted = answer.rulings[0].granted

    at_once(lend, lambda: deduct(store, 1, Lock()))

    with store.ledger() as ledger:
        account = ledger.account(POOL)
        assert [lease.outstanding for lease in ledger.leases()] == [account.leased]
    assert account.balance == 10**18 - DEDUCTIONS * CENT
