"""The same records give the same answers from memory and from the books' rollups."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from smart_ai_router.adapters.sqlite.store import SqliteStore
from smart_ai_router.core.statistics.breakdown import cost_breakdown
from smart_ai_router.core.statistics.daily import daily_statistics
from smart_ai_router.core.statistics.memory import MemoryStatistics
from smart_ai_router.core.statistics.monthly import monthly_statistics
from smart_ai_router.core.statistics.periods import Period
from smart_ai_router.core.statistics.query import Order, Question, query_statistics
from smart_ai_router.core.statistics.summary import summary_statistics
from smart_ai_router.core.statistics.top import top_channels, top_models, top_tags, top_users
from smart_ai_router.core.statistics.view import StatisticsView
from smart_ai_router.core.statistics.weekly import weekly_statistics
from smart_ai_router.core.statistics_store import Dimension
from smart_ai_router.core.store import JournalFileState
from smart_ai_router.core.usage_record import AttemptRecord, UsageRecord
from smart_ai_router.domain.money import pico_to_decimal
from tests.core.usage_samples import call, posting_of

FIRST = date(2025, 7, 20)
DAYS = 45

moved_on = AttemptRecord("ch_z", "Zed", "openai", "m", 500, "server_error", "broken", 0, 0, Decimal(0), 5)


@st.composite
def usage_records(draw: st.DrawFn) -> list[UsageRecord]:
    """Some calls over six weeks, with every dimension in few values so that groups collide."""
    records = []
    for number in range(draw(st.integers(0, 25))):
        channel = draw(st.sampled_from("abc"))
        succeeded = draw(st.booleans())
        name = draw(st.sampled_from(["One", "Two", ""]))
        landed = AttemptRecord(f"ch_{channel}", name, "openai", "m", 200, None, None, 1, 1, Decimal(0), 5)
        records.append(
            call(
                number,
                (FIRST + timedelta(days=draw(st.integers(0, DAYS - 1)))).isoformat(),
                str(pico_to_decimal(draw(st.integers(0, 10**13)))),
                channel_id=f"ch_{channel}",
                channel_name=name,
                provider=draw(st.sampled_from(["openai", "qwen", ""])),
                model=draw(st.sampled_from(["m1", "m2"])),
                user_id=draw(st.sampled_from([None, "ada", "bob"])),
                region=draw(st.sampled_from([None, "eu"])),
                cost_currency=draw(st.sampled_from(["USD", "CNY"])),
                cost_basis=draw(st.sampled_from(["book", "unpriced"])),
                usage_source=draw(st.sampled_from(["provider", "estimated"])),
                tags=tuple(draw(st.lists(st.sampled_from("xyz"), max_size=3))),
                attempts=draw(st.sampled_from([(), (moved_on, landed)])),
                status="success" if succeeded else "error",
                outcome="success" if succeeded else "failed",
            )
        )
    return records


def questions(day: date) -> list[Callable[[StatisticsView], object]]:
    """Every verb, asked about a day."""
    last = FIRST + timedelta(days=DAYS)
    by_tag = Question(day, last, (Dimension.TAG,), ((Dimension.TAG, "x"),))
    by_user = Question(FIRST, day, (Dimension.DAY, Dimension.USER), ((Dimension.MODEL, "m1"),), Order.COST)
    nobody = Question(FIRST, day, (Dimension.PROVIDER,), ((Dimension.USER, "(none)"),))
    return [
        lambda view: daily_statistics(view, day),
        lambda view: weekly_statistics(view, day),
        lambda view: monthly_statistics(view, day),
        lambda view: summary_statistics(view, day),
        lambda view: top_models(view, Period.WEEKLY, day, 5),
        lambda view: top_channels(view, Period.MONTHLY, day, 5),
        lambda view: top_users(view, Period.MONTHLY, day, 5),
        lambda view: top_tags(view, Period.WEEKLY, day, 5),
        lambda view: cost_breakdown(view, Period.MONTHLY, Dimension.CHANNEL, day),
        lambda view: query_statistics(view, by_tag),
        lambda view: query_statistics(view, by_user),
        lambda view: query_statistics(view, nobody),
        lambda view: query_statistics(view, Question(day, last, (Dimension.REGION,))),
        lambda view: query_statistics(view, Question(FIRST, last)),
    ]


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(records=usage_records(), offset=st.integers(0, DAYS - 1))
def test_memory_and_books_answer_alike(
    tmp_path_factory: pytest.TempPathFactory, records: list[UsageRecord], offset: int
) -> None:
    # given: the same lines, folded in memory and booked in two batches
    postings = [replace(posting_of(record), offset=number) for number, record in enumerate(records)]
    memory = MemoryStatistics()
    for posting in postings:
        memory.add(posting)
    books = SqliteStore(Path(tmp_path_factory.mktemp("books")) / "books.db", "UTC", is_durable=False)
    file = JournalFileState("usage_20250820.jsonl", 0)
    half = len(postings) // 2
    for batch in (postings[:half], postings[half:]):
        file = books.apply(file, batch, []).file

    # then
    try:
        for ask in questions(FIRST + timedelta(days=offset)):
            assert ask(StatisticsView(books, attempts=books)) == ask(StatisticsView(memory, attempts=memory))
    finally:
        books.close()
