"""One ledger that several hosts post into and lend from."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

from smart_ai_router.adapters.memory_store import MemoryStore
from smart_ai_router.adapters.postgres.store import PostgresStore
from smart_ai_router.core.lease_desk import LeaseDesk
from smart_ai_router.core.ledger_actions import PoolRecharged, transfer_row
from smart_ai_router.core.store import BookStore, JournalFileState
from smart_ai_router.core.usage_record import AccountPosting, UsageRecord
from smart_ai_router.domain.accounts import key_account, pool_account, user_account
from smart_ai_router.domain.leasing import CALL_S_MAX, EXPIRY_MARGIN_S, LEASE_S, Recall, Report, Wish
from smart_ai_router.domain.ledger import Order, recharge
from tests.adapters.postgres.conftest import OpenHost
from tests.contract.lines import moment, own_id, postings, record
from tests.core.administration_samples import NOW_MS, action

AT = "2026-11-22 12:00:00"
POOL = pool_account("openai", "CNY")
CENT = 10**10
HOSTS = 3
CALLS = 250
BATCH = 10
SILENCE_S = LEASE_S + CALL_S_MAX + EXPIRY_MARGIN_S


def at_once(*jobs: Callable[[], None]) -> None:
    start = Barrier(len(jobs))

    def run(job: Callable[[], None]) -> None:
        start.wait()
        job()

    with ThreadPoolExecutor(len(jobs)) as threads:
        for future in [threads.submit(run, job) for job in jobs]:
            future.result()


def calls_of(node: int) -> list[UsageRecord]:
    """Calls that take of the one pool, of a few users and of a key, in turn."""
    return [
        record(
            AT,
            request_id=own_id(moment(AT), number, node),
            holder=f"w{node}",
            postings=(
                AccountPosting("pool", "openai", "CNY", "", CENT, 0),
                AccountPosting("user", f"user-{number % 5}", "CNY", "permanent", 7 * CENT + number, 0),
                AccountPosting("key", "key_a", "text_token", "permanent", 100, 0),
            ),
        )
        for number in range(CALLS)
    ]


def post(store: PostgresStore, records: list[UsageRecord]) -> None:
    file = JournalFileState("usage_20261122.jsonl", 1)
    for start in range(0, len(records), BATCH):
        file = store.apply(file, postings(records[start : start + BATCH]), []).file


def recharged(store: BookStore, amount: int, number: int = 1) -> None:
    transfer = recharge(POOL, amount, Order(f"recharge-{number}", NOW_MS))
    change = PoolRecharged("openai", "CNY", transfers=(transfer_row(transfer, 0),))
    store.administration.apply([action(number, change)])  # type: ignore[attr-defined]  # every real store has it


def accounts(store: BookStore) -> list[tuple[object, int, int]]:
    with store.ledger() as ledger:
        return [(each.key, each.credited, each.used) for each in ledger.accounts()]


def test_hosts_that_take_of_one_pool_at_once_take_exactly_what_they_say(open_host: OpenHost) -> None:
    stores = [open_host(f"host-{number}") for number in range(HOSTS)]

    def recharges() -> None:
        for number in range(1, 31):
            recharged(stores[0], 100 * CENT, number)

    at_once(recharges, *(partial(post, store, calls_of(node)) for node, store in enumerate(stores)))

    alone = MemoryStore("UTC")
    for number in range(1, 31):
        recharged(alone, 100 * CENT, number)
    for node in range(HOSTS):
        alone.apply(JournalFileState("usage_20261122.jsonl", 1), postings(calls_of(node)), [])
    assert accounts(stores[1]) == accounts(alone)
    with stores[2].ledger() as ledger:
        pool = ledger.account(POOL)
        entries = list(ledger.usage_entries())
    assert (pool.credited, pool.used) == (30 * 100 * CENT, HOSTS * CALLS * CENT)
    assert len(entries) == HOSTS * CALLS * 3
    assert sum(entry.amount for entry in entries if entry.account == POOL) == pool.used


def test_a_call_in_two_journals_is_charged_once(open_host: OpenHost) -> None:
    stores = [open_host("host-a"), open_host("host-b")]

    at_once(*(partial(post, store, calls_of(1)) for store in stores))

    with stores[0].ledger() as ledger:
        assert ledger.account(POOL).used == CALLS * CENT
        assert ledger.account(key_account("key_a", "text_token")).used == CALLS * 100
        assert sum(ledger.account(user_account(f"user-{each}", "CNY")).used for each in range(5)) == sum(
            7 * CENT + number for number in range(CALLS)
        )


def test_rule_6_what_a_call_cost_is_posted_in_full_however_little_was_left(open_host: OpenHost) -> None:
    store = open_host()
    recharged(store, CENT)

    post(store, calls_of(1))

    with store.ledger() as ledger:
        assert ledger.account(POOL).balance == CENT - CALLS * CENT


def test_two_hosts_never_lend_more_than_there_is(open_host: OpenHost) -> None:
    stores = [open_host("host-a"), open_host("host-b")]
    desks = [LeaseDesk(store, monotonic=lambda: 1000.0, tell=lambda _: None) for store in stores]
    recharged(stores[0], 1000)
    granted: dict[str, int] = {}

    def ask(desk: LeaseDesk, holder: str) -> None:
        desk.register(holder, 0, 1)
        for sequence in range(1, 16):
            wish = Wish(POOL, granted.get(holder, 0), 0, need=17, call_size=17)
            answer = desk.hear(Report(holder, sequence, (wish,)))
            assert answer is not None
            granted[holder] = answer.rulings[0].granted

    at_once(*(partial(ask, desks[number % 2], f"w{number}") for number in range(4)))

    with stores[1].ledger() as ledger:
        account = ledger.account(POOL)
        assert account.leased == sum(granted.values()) == sum(lease.outstanding for lease in ledger.leases())
    assert 1000 - 17 < account.leased <= 1000


def test_a_host_takes_back_only_what_its_own_dead_have_left(open_host: OpenHost) -> None:
    """Another host's worker is not to be seen from here, however long it is silent."""
    now = [1000.0]
    stores = [open_host("host-a"), open_host("host-b")]
    desks = [LeaseDesk(store, monotonic=lambda: now[0], tell=lambda _: None) for store in stores]
    recharged(stores[0], 1000)
    for desk, holder in zip(desks, ("worker-of-a", "worker-of-b"), strict=True):
        desk.register(holder, 0, 1)
        desk.hear(Report(holder, 1, (Wish(POOL, 0, 0, need=100, call_size=100),)))
    now[0] += 10 * SILENCE_S

    ended = desks[1].end_over(is_dead=lambda _: True, are_orphans_booked=lambda _: True, read_to_end=lambda: True)

    assert ended == ("worker-of-b",)
    with stores[0].ledger() as ledger:
        assert [lease.holder for lease in ledger.leases()] == ["worker-of-a"]


def test_a_recall_reaches_a_holder_on_another_host_through_the_books(open_host: OpenHost) -> None:
    told: list[Recall] = []
    stores = [open_host("host-a"), open_host("host-b")]
    desks = [LeaseDesk(store, monotonic=lambda: 1000.0, tell=told.append) for store in stores]
    recharged(stores[0], 1000)
    desks[0].register("worker-of-a", 0, 1)
    desks[1].register("worker-of-b", 0, 1)
    lent = desks[0].hear(Report("worker-of-a", 1, (Wish(POOL, 0, 0, need=900, call_size=900),)))
    assert lent is not None
    held = lent.rulings[0].granted

    desks[1].hear(Report("worker-of-b", 1, (Wish(POOL, 0, 0, need=1000 - held + 50, call_size=50),)))

    assert [(recall.holder, recall.account) for recall in desks[0].recalls()] == [("worker-of-a", POOL)]
