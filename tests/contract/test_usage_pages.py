"""Pages of records, against a plain list."""

import itertools
import random
from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from smart_ai_router.core.store import BookStore, JournalFileState
from smart_ai_router.core.usage_pages import LIMIT_MAX, SKIP_MAX, CursorInvalid, UsageFilter, UsageRow, cursor_of
from smart_ai_router.core.usage_record import UsageRecord
from tests.contract.conftest import OpenStore
from tests.contract.lines import own_id, postings, record

FILE = JournalFileState("usage_20260131.jsonl", 1)


def some_records(count: int, time_zone: str = "UTC") -> list[UsageRecord]:
    """Records over three months; some calls take hours, some ids are of other make."""
    chance = random.Random(11)
    records = []
    for number in range(count):
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(milliseconds=chance.randrange(90 * 86_400_000))
        began_ms = round(at.timestamp() * 1000) - chance.choice((100, 5000, 9_000_000))
        own = own_id(began_ms, number)
        failed = chance.random() < 0.3
        records.append(
            record(
                f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03}",
                request_id=chance.choice((own, own, f"foreign-{number}")),
                user_id=chance.choice(("alice", "bob", None)),
                api_key_id=chance.choice(("k1", "k2")),
                model=chance.choice(("gpt-4o", "qwen3")),
                provider=chance.choice(("openai", "zhipu", "glm")),
                channel_id=chance.choice(("ch_1", "ch_2")),
                usage_type=chance.choice(("text_generation", "embedding")),
                status="error" if failed else "success",
                outcome="failed" if failed else "success",
            )
        )
    return records


def book(store: BookStore, records: Sequence[UsageRecord]) -> None:
    """Book records in two batches."""
    made = postings(records, store.time_zone)
    file = store.apply(FILE, made[: len(made) // 2], []).file
    store.apply(file, made[len(made) // 2 :], [])


def matching(records: Sequence[UsageRecord], asked: UsageFilter, time_zone: str = "UTC") -> set[str]:
    """The ids of the records that a filter lets through."""
    found = set()
    for each in records:
        day = datetime.fromisoformat(each.timestamp).astimezone(ZoneInfo(time_zone)).date()
        is_wanted = (
            asked.user_id in {None, each.user_id or ""}
            and asked.api_key_id in {None, each.api_key_id}
            and asked.provider in {None, each.provider}
            and asked.channel_id in {None, each.channel_id}
            and asked.model in {None, each.model}
            and asked.usage_type in {None, each.usage_type}
            and asked.is_success in {None, each.status == "success"}
            and (asked.first is None or asked.first <= day)
            and (asked.last is None or day <= asked.last)
        )
        if is_wanted:
            found.add(each.request_id)
    return found


def all_pages(store: BookStore, asked: UsageFilter, limit: int) -> list[UsageRow]:
    """Every page, one after the other."""
    rows: list[UsageRow] = []
    cursor = None
    while True:
        page = store.usage_page(asked, cursor, limit)
        rows += page.rows
        assert page.is_complete
        assert len(page.rows) <= limit
        if page.next_cursor is None:
            return rows
        assert len(page.rows) == limit
        cursor = page.next_cursor


CONDITIONS = UsageFilter(
    user_id="alice",
    api_key_id="k2",
    provider="zhipu",
    channel_id="ch_2",
    model="qwen3",
    usage_type="embedding",
    is_success=False,
    first=date(2026, 1, 20),
    last=date(2026, 2, 10),
)
NAMES = tuple(field.name for field in fields(UsageFilter))
FILTERS = [
    replace(CONDITIONS, **dict.fromkeys(set(NAMES) - set(kept)))
    for size in (0, 1, 2, 3, len(NAMES))
    for kept in itertools.combinations(NAMES, size)
]


@pytest.mark.parametrize("time_zone", ["UTC", "Asia/Shanghai"])
def test_m2_62_every_filter_alone_and_together_finds_what_a_plain_list_holds(
    open_store: OpenStore, time_zone: str
) -> None:
    store = open_store(time_zone)
    records = some_records(400)
    book(store, records)

    for asked in FILTERS:
        wanted = matching(records, asked, time_zone)
        rows = all_pages(store, asked, 60)
        assert [row.sid for row in rows] == sorted((row.sid for row in rows), reverse=True), asked
        assert {row.request_id for row in rows} == wanted, asked
        assert len(rows) == len(wanted) == store.usage_count(asked), asked


def test_successes_and_failures_are_disjoint_and_all(store: BookStore) -> None:
    records = some_records(100)
    book(store, records)

    good, bad = (
        {row.request_id for row in all_pages(store, UsageFilter(is_success=wanted), 50)} for wanted in (True, False)
    )

    assert good.isdisjoint(bad)
    assert good | bad == {each.request_id for each in records}


def test_calls_without_a_user_can_be_asked_for(store: BookStore) -> None:
    records = some_records(50)
    book(store, records)

    rows = store.usage_page(UsageFilter(user_id=""), limit=100).rows

    assert {row.request_id for row in rows} == {each.request_id for each in records if each.user_id is None}


def test_a14_pages_neither_repeat_nor_skip_a_record_while_new_ones_arrive(store: BookStore) -> None:
    records = some_records(120)
    book(store, records[:100])
    before = {each.request_id for each in records[:100]}
    first = store.usage_page(UsageFilter(), limit=30)
    seen = [row.request_id for row in first.rows]

    store.apply(FILE, postings(records[100:]), [])
    cursor = first.next_cursor
    while cursor is not None:
        page = store.usage_page(UsageFilter(), cursor, 30)
        seen += [row.request_id for row in page.rows]
        cursor = page.next_cursor

    assert len(seen) == len(set(seen))
    assert before <= set(seen)


def test_pages_can_be_counted_as_well(store: BookStore) -> None:
    records = some_records(95)
    book(store, records)
    whole = [row.request_id for row in store.usage_page(UsageFilter(), limit=LIMIT_MAX).rows]

    pages = [store.usage_page(UsageFilter(), limit=20, skip=20 * number) for number in range(6)]

    assert [[row.request_id for row in page.rows] for page in pages] == [
        whole[start : start + 20] for start in range(0, 120, 20)
    ]
    assert [page.next_cursor is None for page in pages] == [False] * 4 + [True, True]


def test_the_last_page_that_is_just_full_says_that_there_is_no_more(store: BookStore) -> None:
    book(store, some_records(40))

    assert store.usage_page(UsageFilter(), limit=40).next_cursor is None
    assert store.usage_page(UsageFilter(), limit=39).next_cursor is not None


def test_senseless_limits_are_forced_into_bounds(store: BookStore) -> None:
    book(store, some_records(5))

    assert len(store.usage_page(UsageFilter(), limit=0).rows) == 1
    assert len(store.usage_page(UsageFilter(), limit=10**9, skip=-5).rows) == 5
    assert store.usage_page(UsageFilter(), skip=SKIP_MAX * 10).rows == ()


@pytest.mark.parametrize("cursor", ["", "x", "1.5", "9" * 30, "-", "１２", "1 OR 1=1"])
def test_a_cursor_that_no_page_gave_out_is_refused(store: BookStore, cursor: str) -> None:
    with pytest.raises(CursorInvalid):
        store.usage_page(UsageFilter(), cursor)


@pytest.mark.parametrize("sid", [0, -1, 2**63 - 1, -(2**63) + 1])
def test_a_cursor_beyond_all_records_is_harmless(store: BookStore, sid: int) -> None:
    book(store, some_records(5))

    assert len(store.usage_page(UsageFilter(), cursor_of(sid)).rows) in {0, 5}


@pytest.mark.parametrize("asked", [UsageFilter(model="unheard-of"), UsageFilter(last=date(1999, 1, 1))])
def test_what_is_not_there_is_an_empty_page(store: BookStore, asked: UsageFilter) -> None:
    book(store, some_records(5))

    page = store.usage_page(asked)

    assert (page.rows, page.next_cursor, page.is_complete, store.usage_count(asked)) == ((), None, True, 0)


def test_empty_books_have_an_empty_page(store: BookStore) -> None:
    page = store.usage_page(UsageFilter(user_id="alice"))

    assert (page.rows, page.next_cursor, page.is_complete) == ((), None, True)
    assert store.usage_row("req_abc123") is None
    assert store.position("req_abc123") is None
