"""PostgreSQL away for a while, connections cut in the middle, commits that nobody answered."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from smart_ai_router.adapters.journal_files import LogsDirectory
from smart_ai_router.adapters.memory_store import MemoryStore
from smart_ai_router.adapters.postgres.opening import connect_owner
from smart_ai_router.adapters.postgres.store import PostgresStore, StoreWentBack
from smart_ai_router.core.bookkeeper import Bookkeeper
from smart_ai_router.core.posting import Posting
from smart_ai_router.core.store import BookStore, JournalFileState, LineProblem, StoreUnavailable
from smart_ai_router.core.usage_pages import UsageFilter
from smart_ai_router.core.verification import books_digest, verify
from tests.adapters.postgres.broken_line import Break, BrokenLine, broken_line
from tests.adapters.postgres.conftest import OpenHost
from tests.contract.lines import line, postings, record, write_lines
from tests.postgres_server import PostgresServer

DAY = "usage_20260131.jsonl"
FILE = JournalFileState(DAY, 1)
CUTS = 25


@pytest.fixture
def cuttable(postgres_server: PostgresServer) -> Iterator[BrokenLine]:
    with broken_line(postgres_server.port) as found:
        yield found


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    return tmp_path / "logs"


def rested(store: PostgresStore) -> None:
    """As if nobody had used its connections for long."""
    store._connection._rests_since = 0.0
    idle = store._readers._idle
    for connection, _ in [idle.get_nowait() for _ in range(idle.qsize())]:
        idle.put((connection, 0.0))


class Seen:
    """An observer of the books."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    def __call__(self, fresh: Sequence[Posting]) -> None:
        self.ids += [each.record.request_id for each in fresh]


def bookkeeper_of(store: BookStore, logs: Path, batch_lines: int = 1000) -> tuple[Bookkeeper, Seen]:
    made, seen = Bookkeeper(store, LogsDirectory(logs), lambda: 0.0, batch_lines=batch_lines), Seen()
    made.add_observer(seen)
    return made, seen


def digest(store: BookStore) -> str:
    with store.snapshot() as books:
        return books_digest(books)


def digest_of_journal(logs: Path) -> str:
    alone = MemoryStore("UTC")
    Bookkeeper(alone, LogsDirectory(logs), lambda: 0.0).catch_up()
    return digest(alone)


def test_while_the_server_is_away_the_journal_holds_the_rest(
    open_host: OpenHost, postgres_server: PostgresServer, logs: Path
) -> None:
    store = open_host()
    bookkeeper, seen = bookkeeper_of(store, logs)
    write_lines(logs / DAY, [line("2026-01-31 10:00:00", number) for number in range(10)])
    bookkeeper.catch_up()

    postgres_server.stop()
    try:
        write_lines(logs / DAY, [line("2026-01-31 10:00:01", number) for number in range(10, 30)])
        with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1"):
            bookkeeper.catch_up()
        with pytest.raises(StoreUnavailable):
            store.usage_count(UsageFilter())
    finally:
        postgres_server.start()
    bookkeeper.catch_up()

    assert store.usage_count(UsageFilter()) == 30
    assert len(seen.ids) == len(set(seen.ids)) == 30
    assert digest(store) == digest_of_journal(logs)
    assert verify(store, LogsDirectory(logs)).is_equal


def test_a_server_that_crashes_loses_nothing_that_was_committed(
    open_host: OpenHost, postgres_server: PostgresServer, logs: Path
) -> None:
    store = open_host()
    bookkeeper, seen = bookkeeper_of(store, logs, batch_lines=5)
    write_lines(logs / DAY, [line("2026-01-31 10:00:00", number) for number in range(50)])
    bookkeeper.catch_up()

    postgres_server.stop("immediate")
    postgres_server.start()
    write_lines(logs / DAY, [line("2026-01-31 10:00:01", number) for number in range(50, 60)])
    bookkeeper.catch_up()

    assert len(seen.ids) == 60
    rested(store)
    assert verify(store, LogsDirectory(logs)).is_equal


def test_a_question_after_a_restart_is_answered(open_host: OpenHost, postgres_server: PostgresServer) -> None:
    store = open_host()
    store.apply(FILE, postgres_records(3), [])
    assert store.usage_count(UsageFilter()) == 3

    postgres_server.stop("immediate")
    postgres_server.start()
    rested(store)

    assert store.usage_count(UsageFilter()) == 3


def postgres_records(count: int, first: int = 0) -> list[Posting]:
    return postings(record("2026-01-31 10:00:00", number) for number in range(first, first + count))


def test_connections_cut_at_any_moment_lose_and_double_nothing(
    open_host: OpenHost, postgres_server: PostgresServer, schema: str, logs: Path
) -> None:
    """A neighbour ends the host's session again and again while it books, wherever it is just then."""
    store = open_host()
    bookkeeper, seen = bookkeeper_of(store, logs, batch_lines=20)
    write_lines(
        logs / DAY,
        [line(f"2026-01-{1 + number // 50:02} 10:00:00", number, user_id=f"u{number % 7}") for number in range(1500)],
    )
    is_done = threading.Event()
    cuts = 0

    def cut() -> None:
        nonlocal cuts
        with closing(connect_owner(postgres_server.url, schema, "tests")) as connection:
            while not is_done.wait(0.01) and cuts < CUTS:
                cuts += connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'smart-ai-router host-a' AND state = 'active'"
                ).count

    neighbour = threading.Thread(target=cut)
    neighbour.start()
    try:
        for _ in range(10 * CUTS):
            try:
                if bookkeeper.catch_up():
                    break
            except StoreUnavailable:
                continue
    finally:
        is_done.set()
        neighbour.join()

    assert cuts > 0
    assert len(seen.ids) == len(set(seen.ids)) == 1500
    assert digest(store) == digest_of_journal(logs)
    (file,) = store.journal_files()
    assert (file.lines, file.repeated) == (1500, 0)


@pytest.mark.parametrize("lost", [Break.ANSWER, Break.QUESTION])
def test_a_commit_that_was_not_answered_is_looked_up(open_host: OpenHost, cuttable: BrokenLine, lost: Break) -> None:
    store = open_host(url=cuttable.url)
    file = store.apply(FILE, postgres_records(5), []).file
    cuttable.at_commit, cuttable.stays_broken = lost, True
    with pytest.raises(StoreUnavailable):
        store.apply(file, postgres_records(5, first=5), [])
    cuttable.stays_broken = False

    applied = store.apply(file, postgres_records(8, first=5), [])  # the journal has grown meanwhile

    assert sorted(each.record.request_id for each in applied.fresh) == sorted(
        each.record.request_id for each in postgres_records(8, first=5)
    )
    assert (applied.repeated, applied.file.lines, applied.file.repeated) == (0, 13, 0)
    again = store.apply(applied.file, postgres_records(8, first=5), [])
    assert (again.fresh, again.repeated) == ([], 8)


@pytest.mark.parametrize("lost", [Break.ANSWER, Break.QUESTION])
def test_the_first_commit_of_a_file_may_be_the_one_that_was_not_answered(
    open_host: OpenHost, cuttable: BrokenLine, lost: Break
) -> None:
    store = open_host(url=cuttable.url)
    cuttable.at_commit = lost
    problem = LineProblem(5, 6, "corrupt", "no JSON")

    applied = store.apply(FILE, postgres_records(5), [problem])  # is connected again by itself

    assert (len(applied.fresh), applied.repeated) == (5, 0)
    assert [(each.name, each.lines, each.repeated) for each in store.journal_files()] == [(DAY, 5, 0)]
    assert [each.problem for each in store.problems()] == [problem]


def test_another_file_may_come_before_the_one_whose_commit_was_not_answered(
    open_host: OpenHost, cuttable: BrokenLine
) -> None:
    store = open_host(url=cuttable.url)
    cuttable.at_commit, cuttable.stays_broken = Break.ANSWER, True
    with pytest.raises(StoreUnavailable):
        store.apply(FILE, postgres_records(5), [])
    cuttable.stays_broken = False

    other = store.apply(JournalFileState("usage_20260201.jsonl", 1), postgres_records(3, first=50), [])
    applied = store.apply(FILE, postgres_records(5), [])

    assert (len(other.fresh), len(applied.fresh), applied.repeated) == (3, 5, 0)
    assert sorted((each.name, each.lines) for each in store.journal_files()) == [
        (DAY, 5),
        ("usage_20260201.jsonl", 3),
    ]


def test_a_change_whose_commit_was_not_answered_is_made_once(open_host: OpenHost, cuttable: BrokenLine) -> None:
    store = open_host(url=cuttable.url)
    cuttable.at_commit = Break.ANSWER
    with pytest.raises(StoreUnavailable), store.pool_books() as books:
        books.pools()

    with store.pool_books() as books:
        assert books.pools() == []


def test_a_server_that_lost_the_last_commits_is_not_posted_to(
    open_host: OpenHost, postgres_server: PostgresServer, schema: str
) -> None:
    """As after a failover to a copy that lagged behind: going on would leave a hole in the books."""
    store = open_host()
    file = store.apply(JournalFileState(DAY, 1, applied=500), postgres_records(5), []).file
    with closing(connect_owner(postgres_server.url, schema, "tests")) as connection:
        connection.execute("UPDATE journal_file SET applied = 100")
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '%host-a'"
        )
    rested(store)

    with pytest.raises(StoreWentBack, match=r"has lost what it had of usage_20260131\.jsonl: restart the router"):
        store.apply(file, [], [])
    store.close()
    again = open_host()
    assert [each.applied for each in again.journal_files()] == [100]  # read on from there


def test_books_can_be_opened_where_a_loop_is_running(postgres_server: PostgresServer, schema: str) -> None:
    """The control plane opens its books within its own loop."""

    async def opened() -> int:
        store = PostgresStore(postgres_server.url, "UTC", "host-a", schema=schema)
        try:
            return store.usage_count(UsageFilter())
        finally:
            store.close()

    assert asyncio.run(opened()) == 0
