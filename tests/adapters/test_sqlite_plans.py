"""Which way SQLite goes: no question walks a table that grows with the records, unless it is cut off."""

from datetime import date

import apsw
import pytest

from smart_ai_router.adapters.sqlite import SqliteStore
from smart_ai_router.adapters.sqlite.pages import PIECE_SHIFT
from smart_ai_router.adapters.sqlite.statements import sum_cells
from smart_ai_router.core.rollups import CUBE_DAY, CUBE_MONTH, USER_CUBE_DAY, USER_DAY
from smart_ai_router.core.statistics_store import Dimension
from smart_ai_router.core.store import JournalFileState
from smart_ai_router.core.usage_pages import ROWS_READ_MAX, UsageFilter
from tests.contract.lines import postings, record

FILE = JournalFileState("usage_20260131.jsonl", 1)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> SqliteStore:
    """More records than one page reads; alice's only use of the model "rare" is the oldest of them."""
    store = SqliteStore(tmp_path_factory.mktemp("books") / "books.db", "UTC", is_durable=False)
    file = FILE
    total = ROWS_READ_MAX + 2000
    for start in range(0, total, 2000):
        made = postings(
            record(
                f"2026-01-31 {number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}",
                number,
                model="rare" if number == 0 else "gpt",
                provider="seldom" if number == 0 else "openai",
                channel_id="ch_rare" if number == 0 else "ch_1",
            )
            for number in range(start, start + 2000)
        )
        file = store.apply(file, made, []).file
    return store


def plan(store: SqliteStore, statement: str) -> str:
    assert store._connection is not None
    bound = (1,) * statement.count("?")
    return " | ".join(row[3] for row in store._connection.execute(f"EXPLAIN QUERY PLAN {statement}", bound))


@pytest.mark.parametrize("column", ["user", "model", "provider"])
def test_an_index_leads_within_each_piece_of_time_and_gives_the_order(store: SqliteStore, column: str) -> None:
    found = plan(
        store,
        f"SELECT sid, lag_ms FROM usage INDEXED BY usage_{column}"
        f" WHERE sid >> {PIECE_SHIFT} = ? AND {column} = ? AND sid BETWEEN ? AND ? ORDER BY sid DESC",
    )

    assert found == f"SEARCH usage USING INDEX usage_{column} (<expr>=? AND {column}=? AND rowid>? AND rowid<?)"


def test_failures_have_an_index_of_their_own(store: SqliteStore) -> None:
    found = plan(
        store,
        "SELECT sid, lag_ms FROM usage INDEXED BY usage_failed"
        f" WHERE sid >> {PIECE_SHIFT} = ? AND outcome <> 0 AND sid BETWEEN ? AND ? ORDER BY sid DESC",
    )

    assert found == "SEARCH usage USING INDEX usage_failed (<expr>=? AND rowid>? AND rowid<?)"


@pytest.mark.parametrize(
    ("rollup", "where", "wanted"),
    [
        (CUBE_MONTH, (), "SEARCH cube_month USING PRIMARY KEY (period>? AND period<?)"),
        (CUBE_DAY, ("model",), "SEARCH cube_day USING PRIMARY KEY (period=? AND model=?)"),
        (USER_DAY, ("user",), "SEARCH user_day USING PRIMARY KEY (period=? AND user=?)"),
        (USER_CUBE_DAY, ("user",), "SEARCH user_cube_day USING PRIMARY KEY (period=? AND user=?)"),
    ],
)
def test_totals_walk_their_periods_and_probe_for_a_user_or_model(  # type: ignore[no-untyped-def]
    store: SqliteStore, rollup, where: tuple[str, ...], wanted: str
) -> None:
    assert wanted in plan(store, sum_cells(rollup, ("provider",) if rollup is CUBE_MONTH else (), where))


def test_a_page_that_finds_little_ends_early_and_its_cursor_goes_on(store: SqliteStore) -> None:
    asked = UsageFilter(channel_id="ch_rare")  # no index, no guide: every record is tested

    first = store.usage_page(asked)
    second = store.usage_page(asked, first.next_cursor)

    assert (first.rows, first.is_complete) == ((), False)
    assert first.next_cursor is not None
    assert ([row.channel_id for row in second.rows], second.next_cursor, second.is_complete) == (
        ["ch_rare"],
        None,
        True,
    )
    assert store.usage_count(asked) == 1


@pytest.mark.parametrize(
    "asked",
    [
        UsageFilter(model="rare"),
        UsageFilter(provider="seldom"),
        UsageFilter(is_success=False),
        UsageFilter(user_id="alice", is_success=False),
        UsageFilter(user_id="alice", first=date(2026, 1, 1), last=date(2026, 1, 30)),
        UsageFilter(model="gpt", provider="seldom"),
        UsageFilter(model="gpt", is_success=False),
    ],
)
def test_rollups_and_indexes_save_the_search_where_they_know(store: SqliteStore, asked: UsageFilter) -> None:
    page = store.usage_page(asked)

    assert page.is_complete
    assert len(page.rows) == store.usage_count(asked)


def test_a_readers_connection_cannot_write(store: SqliteStore) -> None:
    with store.snapshot() as books, pytest.raises(apsw.ReadOnlyError):
        books._connection.execute("DELETE FROM usage")
    assert store.totals(date(2026, 1, 1), date(2026, 1, 31), (Dimension.USER,))[0].totals.requests > ROWS_READ_MAX
