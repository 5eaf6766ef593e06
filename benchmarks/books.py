"""What the books cost: CPU a line, bytes a record, CPU of statistics and pages, over a generated journal.

CPU time on a shared machine swells when neighbours are busy, so that beside the median the tenth percentile over all
batches is told: what a batch costs when it is left alone. The floor is the time of decoding the same lines.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import apsw

from benchmarks.generate import LAST_DAY, generate
from benchmarks.results import Figure, Goal, Side
from benchmarks.statistic import Spread, percentile, spread
from smart_ai_router.adapters.journal_files import LogsDirectory
from smart_ai_router.adapters.sqlite import SqliteStore
from smart_ai_router.core.bookkeeper import Bookkeeper
from smart_ai_router.core.posting import Posting
from smart_ai_router.core.statistics_store import Dimension
from smart_ai_router.core.usage_pages import UsageFilter
from smart_ai_router.core.usage_record import decode_usage_record
from smart_ai_router.core.verification import verify

DAYS: Final = 400
BATCH: Final = 1000
QUESTION_TURNS: Final = 15
DECODE_TURNS: Final = 20
US_PER_LINE: Final = Goal(Side.VALUE, 40.0)
BYTES_PER_RECORD: Final = Goal(Side.VALUE, 250.0)
MS_PER_STATISTIC: Final = Goal(Side.VALUE, 50.0)
WITH_GOAL: Final = ("the month so far, likewise", "day, week and month, likewise")  # what monthly and summary ask

Question = Callable[[], object]


class BatchCosts:
    """The CPU time between one batch and the next."""

    def __init__(self) -> None:
        self._last = time.process_time()
        self.us_per_line: list[float] = []
        self.lines: list[bytes] = []

    def __call__(self, fresh: Sequence[Posting]) -> None:
        now = time.process_time()
        if len(fresh) == BATCH:
            self.us_per_line.append((now - self._last) / BATCH * 1e6)
            self.lines = [posting.line for posting in fresh]
        self._last = time.process_time()


def measure(records: int, folder: Path, say: Callable[[str], None]) -> Iterator[Figure]:
    """Generate a journal of that many records in a new folder, book it, and ask it things."""
    logs = folder / "logs"
    say(f"generating {records:,} records")
    generate(logs, records, DAYS)
    store = SqliteStore(folder / "books.db", "UTC")
    say(f"booking {records:,} records")
    yield from _book(logs, store, records)
    yield from _weigh(store, records)
    for section, questions in (("statistics", _statistics(store)), ("usage records", _pages(store))):
        for name, question in questions.items():
            say(f"{records:,} records: {name}")
            goal = MS_PER_STATISTIC if name in WITH_GOAL else None
            yield Figure(f"CPU of {section}, {records:,} records", name, "ms", _question_cost(question), None, goal)
    say(f"verifying {records:,} records")
    before = time.process_time()
    report = verify(store, LogsDirectory(logs))
    assert report.is_equal, report.differences
    yield _fixed(f"Books, {records:,} records", "verify, CPU a record", "us", _us_since(before) / records)
    store.close()


def _book(logs: Path, store: SqliteStore, records: int) -> Iterator[Figure]:
    section = f"Books, {records:,} records"
    bookkeeper = Bookkeeper(store, LogsDirectory(logs), time.monotonic)
    costs = BatchCosts()
    bookkeeper.add_observer(costs)
    before, began = time.process_time(), time.monotonic()
    assert bookkeeper.catch_up()
    wall_s = time.monotonic() - began
    yield _fixed(section, "booking, CPU a line in the mean", "us", _us_since(before) / records, US_PER_LINE)
    yield _fixed(section, "booking, lines a second", "1/s", records / wall_s)
    if not costs.us_per_line:
        return
    batches = costs.us_per_line
    yield Figure(section, f"batches of {BATCH:,}, CPU a line", "us", spread(batches), None, US_PER_LINE)
    yield _fixed(section, f"batches of {BATCH:,}, CPU a line, tenth percentile", "us", percentile(batches, 10))
    floor = min(_cpu_ms(lambda: [decode_usage_record(line) for line in costs.lines]) for _ in range(DECODE_TURNS))
    yield _fixed(section, "decoding alone, CPU a line", "us", floor * 1000 / BATCH)


def _weigh(store: SqliteStore, records: int) -> Iterator[Figure]:
    connection = apsw.Connection(str(store.path))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    yield _fixed(
        f"Books, {records:,} records", "bytes a record", "B", store.path.stat().st_size / records, BYTES_PER_RECORD
    )
    sizes = connection.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC LIMIT 8")
    for name, size in sizes:
        yield _fixed(f"Bytes a record by table, {records:,} records", str(name), "B", size / records)
    connection.close()


def _statistics(store: SqliteStore) -> dict[str, Question]:
    last = LAST_DAY
    month, week = last.replace(day=1), last - timedelta(days=last.weekday())
    year = last - timedelta(days=DAYS - 1)
    thirty = last - timedelta(days=29)
    by = (Dimension.PROVIDER, Dimension.CHANNEL, Dimension.MODEL)

    def likewise(*firsts: date) -> Question:
        return lambda: [store.totals(first, last, (each,)) for first in firsts for each in by]

    return {
        "a day by provider, channel and model": likewise(last),
        "the month so far, likewise": likewise(month),
        "day, week and month, likewise": likewise(last, week, month),
        "30 days by channel and model": lambda: store.totals(thirty, last, by[1:]),
        "30 days by user": lambda: store.totals(thirty, last, (Dimension.USER,)),
        "30 days by tag": lambda: store.totals(thirty, last, (Dimension.TAG,)),
        "30 days of days": lambda: store.totals(thirty, last, (Dimension.DAY,)),
        "400 days by model": lambda: store.totals(year, last, (Dimension.MODEL,)),
        "400 days by user": lambda: store.totals(year, last, (Dimension.USER,)),
        "attempts of 30 days": lambda: store.channel_attempts(thirty, last),
    }


def _pages(store: SqliteStore) -> dict[str, Question]:
    year = LAST_DAY - timedelta(days=DAYS - 1)
    one = UsageFilter(user_id="user_00000", model="gpt-0-mini")
    never = UsageFilter(user_id="user_00000", provider="provider_gpt", model="yi-0-mini")
    deep = store.usage_page(UsageFilter(), skip=9_000).next_cursor
    return {
        "newest": lambda: store.usage_page(UsageFilter()),
        "far down by cursor": lambda: store.usage_page(UsageFilter(), deep),
        "number 450": lambda: store.usage_page(UsageFilter(), skip=9_000),
        "one user": lambda: store.usage_page(UsageFilter(user_id="user_04000")),
        "one model": lambda: store.usage_page(UsageFilter(model="yi-299-30b-a3b")),
        "one provider": lambda: store.usage_page(UsageFilter(provider="provider_gpt")),
        "one channel": lambda: store.usage_page(UsageFilter(channel_id="ch_039")),
        "one day of a year ago": lambda: store.usage_page(UsageFilter(first=year, last=year)),
        "failures": lambda: store.usage_page(UsageFilter(is_success=False)),
        "a user and a model": lambda: store.usage_page(one),
        "a user and a model, never together": lambda: store.usage_page(never),
        "count of everything": lambda: store.usage_count(UsageFilter()),
        "count of a user and a model": lambda: store.usage_count(one),
        "count of a provider": lambda: store.usage_count(UsageFilter(provider="provider_gpt")),
    }


def _question_cost(question: Question) -> Spread:
    """CPU milliseconds of several turns, warm."""
    question()
    return spread([_cpu_ms(question) for _ in range(QUESTION_TURNS)])


def _cpu_ms(work: Question) -> float:
    before = time.process_time()
    work()
    return _us_since(before) / 1000


def _us_since(before: float) -> float:
    return (time.process_time() - before) * 1e6


def _fixed(section: str, name: str, unit: str, value: float, goal: Goal | None = None) -> Figure:
    return Figure(section, name, unit, Spread(value, value, value), None, goal)
