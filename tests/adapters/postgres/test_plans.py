"""Which way PostgreSQL goes: no question walks a table that grows with the records."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from smart_ai_router.adapters.postgres.dialect import sum_cells
from smart_ai_router.adapters.postgres.driver import Connection
from smart_ai_router.adapters.postgres.opening import connect_owner
from smart_ai_router.adapters.postgres.store import PostgresStore
from smart_ai_router.core.rollups import CUBE_DAY, USER_CUBE_DAY, USER_DAY, Rollup
from smart_ai_router.core.store import JournalFileState
from smart_ai_router.core.usage_pages import ROWS_READ_MAX, UsageFilter
from tests.adapters.postgres.stores import fresh_schema
from tests.contract.lines import postings, record
from tests.postgres_server import PostgresServer

DAYS = 20
PER_DAY = 1200


@pytest.fixture(scope="module")
def books(postgres_server: PostgresServer) -> Iterator[tuple[PostgresStore, Connection]]:
    """More records than one page reads, of many users; the planner knows how many."""
    with fresh_schema(postgres_server) as schema:
        store = PostgresStore(postgres_server.url, "UTC", "host-a", schema=schema, is_durable=False)
        file = JournalFileState("usage_20260131.jsonl", 1)
        for day in range(1, DAYS + 1):
            made = postings(
                record(
                    f"2026-01-{day:02} {number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}",
                    number,
                    user_id=f"u{number % 300}",
                    model=f"m{number % 40}",
                    provider=f"p{number % 11}",
                    channel_id="ch_rare" if day == 1 and number == 7 else "ch_1",
                )
                for number in range(PER_DAY)
            )
            file = store.apply(file, made, []).file
        with closing(connect_owner(postgres_server.url, schema, "tests")) as connection:
            connection.script("ANALYZE")
            yield store, connection
        store.close()


def plan(connection: Connection, statement: str, *bound: int) -> str:
    """The plan of a statement with these numbers in it."""
    for place, number in reversed(list(enumerate(bound, start=1))):
        statement = statement.replace(f"${place}", str(number))
    return " ".join(line for (line,) in connection.execute(f"EXPLAIN {statement}"))


@pytest.mark.parametrize(("column", "name"), [("user", "u3"), ("model", "m3"), ("provider", "p3")])
def test_an_index_leads_and_gives_the_order(books: tuple[PostgresStore, Connection], column: str, name: str) -> None:
    number = books[1].execute("SELECT id FROM dim WHERE name = ?", (name,)).get

    found = plan(
        books[1],
        f'SELECT sid, lag_ms FROM usage WHERE ("{column}", sid) >= ($1, 0) AND ("{column}", sid) <= ($1, $2)'
        f' ORDER BY "{column}" DESC, sid DESC LIMIT 50',
        number,
        2**62,
    )

    assert f"Index Scan Backward using usage_{column} on usage" in found
    assert "Sort" not in found


def test_failures_have_an_index_of_their_own(books: tuple[PostgresStore, Connection]) -> None:
    statement = "SELECT sid FROM usage WHERE sid BETWEEN 0 AND $1 AND outcome <> 0 ORDER BY sid DESC LIMIT 50"

    assert "usage_failed" in plan(books[1], statement, 2**62)


@pytest.mark.parametrize(
    ("rollup", "where"), [(CUBE_DAY, ("model",)), (USER_CUBE_DAY, ("user",)), (USER_DAY, ("user",))]
)
def test_totals_of_one_user_or_model_probe_the_key(
    books: tuple[PostgresStore, Connection], rollup: Rollup, where: tuple[str, ...]
) -> None:
    found = plan(books[1], sum_cells(rollup, (), where), 20454, 20473, 3)

    assert f"{rollup.name}_pkey" in found
    assert f"Seq Scan on {rollup.name}" not in found


def test_a_page_that_finds_little_ends_early_and_its_cursor_goes_on(books: tuple[PostgresStore, Connection]) -> None:
    store, asked = books[0], UsageFilter(channel_id="ch_rare")  # no index, no guide: every record is tested

    first = store.usage_page(asked)
    second = store.usage_page(asked, first.next_cursor)

    assert DAYS * PER_DAY > ROWS_READ_MAX
    assert ([row.channel_id for row in first.rows], first.is_complete) == ([], False)
    assert ([row.channel_id for row in second.rows], second.next_cursor) == (["ch_rare"], None)
