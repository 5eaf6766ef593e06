"""Several hosts post into one database at the same time."""

import random
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date
from decimal import Decimal

from smart_ai_router.adapters.memory_store import MemoryStore
from smart_ai_router.adapters.postgres.opening import connect_owner
from smart_ai_router.adapters.postgres.store import PostgresStore
from smart_ai_router.core.statistics_store import Dimension
from smart_ai_router.core.store import BookStore, JournalFileState
from smart_ai_router.core.usage_pages import UsageFilter
from smart_ai_router.core.usage_record import UsageRecord
from smart_ai_router.core.verification import books_digest
from smart_ai_router.domain.money import pico_to_decimal
from tests.adapters.postgres.conftest import OpenHost
from tests.contract.lines import attempt, moment, own_id, postings, record
from tests.postgres_server import PostgresServer

FILE = "usage_20260131.jsonl"
HOSTS = 3
BATCHES = 12
BATCH = 40


def digest(store: BookStore) -> str:
    with store.snapshot() as books:
        return books_digest(books)


def some_records(node: int, chance: random.Random) -> list[UsageRecord]:
    """Records of one host: names that all hosts have in common, and days that come and go."""
    records = []
    for number in range(BATCHES * BATCH):
        day = f"2026-{chance.choice((1, 2)):02}-{chance.randrange(1, 28):02}"
        at = f"{day} 10:00:{number % 60:02}.{number % 1000:03}"
        records.append(
            record(
                at,
                request_id=own_id(moment(at) - 2000, number, node),
                model=f"model-{chance.randrange(9)}",
                channel_id=f"ch_{chance.randrange(5)}",
                user_id=f"user-{chance.randrange(20)}",
                tags=("chat", f"tag-{chance.randrange(4)}"),
                input_cost=Decimal(chance.randrange(10**9)) / 10**12,
                attempts=(attempt("ch_9", "timeout"), attempt("ch_1", cost="0.001")),
            )
        )
    return records


def post(store: PostgresStore, records: Sequence[UsageRecord], together: threading.Barrier) -> int:
    """Post them in batches; how many were new."""
    made = postings(records)
    file = JournalFileState(FILE, 1)
    together.wait()
    fresh = 0
    for start in range(0, len(made), BATCH):
        applied = store.apply(file, made[start : start + BATCH], [])
        file = applied.file
        fresh += len(applied.fresh)
    return fresh


def post_at_once(stores: Sequence[PostgresStore], journals: Sequence[Sequence[UsageRecord]]) -> list[int]:
    together = threading.Barrier(len(stores))
    with ThreadPoolExecutor(len(stores)) as pool:
        return list(pool.map(post, stores, journals, [together] * len(stores)))


def deadlocks(server: PostgresServer, schema: str) -> int:
    with closing(connect_owner(server.url, schema, "tests")) as connection:
        connection.execute("SELECT pg_stat_force_next_flush()")
        return int(connection.execute("SELECT sum(deadlocks) FROM pg_stat_database").get)


def test_hosts_that_post_at_once_make_the_books_that_one_would_make(
    open_host: OpenHost, postgres_server: PostgresServer, schema: str
) -> None:
    journals = [some_records(node, random.Random(node)) for node in range(HOSTS)]
    stores = [open_host(f"host-{number}") for number in range(HOSTS)]
    before = deadlocks(postgres_server, schema)

    posted = post_at_once(stores, journals)

    alone = MemoryStore("UTC")
    for journal in journals:
        alone.apply(JournalFileState(FILE, 1), postings(journal), [])
    assert posted == [BATCHES * BATCH] * HOSTS
    assert digest(stores[0]) == digest(alone)
    assert deadlocks(postgres_server, schema) == before


def test_a_call_in_the_journals_of_two_hosts_is_booked_once(open_host: OpenHost) -> None:
    journal = some_records(1, random.Random(1))
    stores = [open_host(f"host-{number}") for number in range(HOSTS)]

    posted = post_at_once(stores, [journal, journal[::-1], journal])

    alone = MemoryStore("UTC")
    alone.apply(JournalFileState(FILE, 1), postings(journal), [])
    assert sum(posted) == BATCHES * BATCH
    assert stores[0].usage_count(UsageFilter()) == BATCHES * BATCH
    assert digest(stores[1]) == digest(alone)
    files = [file for store in stores for file in store.journal_files()]
    assert sum(file.lines for file in files) == BATCHES * BATCH
    assert sum(file.repeated for file in files) == (HOSTS - 1) * BATCHES * BATCH


def test_ids_of_other_make_are_told_apart_whichever_host_comes_first(open_host: OpenHost) -> None:
    journal = [record("2026-01-31 10:00:00", number, request_id=f"id-{number % 50}") for number in range(50)]
    stores = [open_host(f"host-{number}") for number in range(HOSTS)]

    posted = post_at_once(stores, [journal] * HOSTS)

    assert sum(posted) == 50
    assert {row.request_id for row in stores[0].usage_page(UsageFilter(), limit=100).rows} == {
        each.request_id for each in journal
    }


def test_two_hosts_with_one_node_number_lose_no_call(open_host: OpenHost) -> None:
    """Their ids carry the same number, and differ in their check part."""
    at = "2026-01-31 10:00:00"
    journals = [
        [record(at, request_id=own_id(moment(at), number, node=7, check=check)) for number in range(100)]
        for check in ("aaaaa", "bbbbb")
    ]
    stores = [open_host("host-a"), open_host("host-b")]

    posted = post_at_once(stores, journals)

    assert posted == [100, 100]
    for each in (*journals[0], *journals[1]):
        row = stores[0].usage_row(each.request_id)
        assert row is not None
        assert row.request_id == each.request_id


def test_a_name_that_all_hosts_meet_at_once_has_one_number(
    open_host: OpenHost, postgres_server: PostgresServer, schema: str
) -> None:
    stores = [open_host(f"host-{number}") for number in range(HOSTS)]
    at = "2026-01-31 10:00:00"
    journals = [
        [record(at, request_id=own_id(moment(at), number, node), user_id=f"u-{number}") for number in range(200)]
        for node in range(HOSTS)
    ]

    post_at_once(stores, journals)

    with closing(connect_owner(postgres_server.url, schema, "tests")) as connection:
        named = connection.execute("SELECT count(*), count(DISTINCT name) FROM dim WHERE name LIKE 'u-%'").fetchone()
        profiles = connection.execute("SELECT count(*) FROM profile").get
    assert tuple(named) == (200, 200)
    assert profiles == 1


def test_a_day_that_one_host_ends_loses_nothing_of_what_others_add_to_it(open_host: OpenHost) -> None:
    """Each batch of one host begins a new day, which folds the day before, while others post late records to it."""
    days = [f"2026-03-{day:02} 12:00:00" for day in range(1, 1 + BATCHES)]
    leading = [record(day, request_id=own_id(moment(day), n, 1)) for day in days for n in range(BATCH)]
    late = [record(day, request_id=own_id(moment(day), n, 2)) for day in days for n in range(BATCH)]
    stores = [open_host("host-a"), open_host("host-b"), open_host("host-c")]
    later = [record(day, request_id=own_id(moment(day), n, 3)) for day in days for n in range(BATCH)]

    post_at_once(stores, [leading, late, later])

    rows = stores[0].totals(date(2026, 3, 1), date(2026, 3, 31), (Dimension.DAY, Dimension.CHANNEL))
    assert [row.totals.requests for row in rows] == [3 * BATCH] * BATCHES
    (whole,) = stores[0].totals(date(2026, 1, 1), date(2026, 12, 31))
    assert whole.totals.requests == 3 * BATCH * BATCHES
    assert pico_to_decimal(whole.totals.total_cost) == Decimal("0.0003") * 3 * BATCH * BATCHES
    alone = MemoryStore("UTC")
    alone.apply(JournalFileState(FILE, 1), postings([*leading, *late, *later]), [])
    assert digest(stores[0]) == digest(alone)


def test_each_host_knows_how_far_its_own_journal_was_read(open_host: OpenHost) -> None:
    one, other = open_host("host-a"), open_host("host-b")

    first = one.apply(JournalFileState(FILE, 1, applied=100, crc32=1), [], []).file
    second = other.apply(JournalFileState(FILE, 1, applied=900, crc32=2), [], []).file

    assert first.id != second.id
    assert [(file.host, file.applied) for file in one.journal_files()] == [("host-a", 100)]
    assert [(file.host, file.applied) for file in other.journal_files()] == [("host-b", 900)]
    with one.snapshot() as books:
        assert books.journal_files() == [first, second]


def test_a_cell_that_passes_64_bits_keeps_its_last_digit(open_host: OpenHost) -> None:
    store = open_host()
    at = "2026-01-31 10:00:00"
    costs = [Decimal("9000000.000000000001")] * 6
    made = [
        record(
            at, number, request_id=own_id(moment(at), number), input_cost=cost, output_cost=cost, total_cost=cost * 2
        )
        for number, cost in enumerate(costs)
    ]

    store.apply(JournalFileState(FILE, 1), postings(made[:4]), [])
    store.apply(JournalFileState(FILE, 1), postings(made[4:]), [])

    (totals,) = store.totals(date(2026, 1, 31), date(2026, 1, 31))
    assert pico_to_decimal(totals.totals.total_cost) == Decimal("108000000.000000000012")
    with store.snapshot() as books:
        assert pico_to_decimal(books.record_sums()["USD"].total_cost) == Decimal("108000000.000000000012")
