"""What the books cost: CPU a line, bytes a record, CPU of statistics and pages, over a generated journal.

CPU time on a shared machine swells when neighbours are busy, so that besides the mean the tenth percentile over all
batches is printed: what a batch costs when it is left alone. The floor is the time of decoding the same lines.

    python -m benchmarks.books --records 1000000 --directory /tmp/books
"""

import argparse
import shutil
import time
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from statistics import median

from benchmarks.generate import LAST_DAY, generate
from smart_ai_router.adapters.journal_files import LogsDirectory
from smart_ai_router.adapters.sqlite import SqliteStore
from smart_ai_router.core.bookkeeper import Bookkeeper
from smart_ai_router.core.posting import Posting
from smart_ai_router.core.statistics_store import Dimension
from smart_ai_router.core.usage_pages import UsageFilter
from smart_ai_router.core.usage_record import decode_usage_record
from smart_ai_router.core.verification import verify

QUESTION_TURNS = 15


class BatchCosts:
    """The CPU time between one batch and the next."""

    def __init__(self) -> None:
        self._last = time.process_time()
        self.us_per_line: list[float] = []
        self.lines: list[bytes] = []

    def __call__(self, fresh: Sequence[Posting]) -> None:
        now = time.process_time()
        if len(fresh) == 1000:
            self.us_per_line.append((now - self._last) * 1e3)
            self.lines = [posting.line for posting in fresh]
        self._last = time.process_time()


def book(logs: Path, books: Path) -> SqliteStore:
    """Book everything and print what it cost."""
    store = SqliteStore(books, "UTC")
    bookkeeper = Bookkeeper(store, LogsDirectory(logs), time.monotonic)
    costs = BatchCosts()
    bookkeeper.add_observer(costs)
    before, began = time.process_time(), time.monotonic()
    assert bookkeeper.catch_up()
    cpu_s, wall_s = time.process_time() - before, time.monotonic() - began
    records = sum(state.lines for state in store.journal_files())
    batches = sorted(costs.us_per_line)
    floor = min(cpu_ms(lambda: [decode_usage_record(line) for line in costs.lines]) for _ in range(20))
    print(
        f"booked {records} lines: {cpu_s / records * 1e6:.1f} us CPU a line in the mean, {records / wall_s:.0f} lines/s"
    )
    if batches:
        print(
            f"full batches of 1000: p10 {batches[len(batches) // 10]:.1f}, median {median(batches):.1f} us CPU a line;"
            f" decoding alone {floor:.1f} us"
        )
    return store


def cpu_ms(work: Callable[[], object]) -> float:
    """CPU milliseconds of one call."""
    before = time.process_time()
    work()
    return (time.process_time() - before) * 1e3


def ask(store: SqliteStore, last: date) -> None:
    """Print what questions cost: the least and the median of several turns, warm."""
    month, week = last.replace(day=1), last - timedelta(days=last.weekday())
    year = last - timedelta(days=399)
    by = (Dimension.PROVIDER, Dimension.CHANNEL, Dimension.MODEL)
    one = UsageFilter(user_id="user_00000", model="gpt-0-mini")
    deep = store.usage_page(UsageFilter(), skip=9_000).next_cursor
    questions: dict[str, Callable[[], object]] = {
        "a day by provider, channel, model": lambda: [store.totals(last, last, (each,)) for each in by],
        "the month so far, likewise": lambda: [store.totals(month, last, (each,)) for each in by],
        "day, week and month, likewise": lambda: [
            store.totals(first, last, (each,)) for first in (last, week, month) for each in by
        ],
        "30 days by channel and model": lambda: store.totals(last - timedelta(days=29), last, by[1:]),
        "400 days by model": lambda: store.totals(year, last, (Dimension.MODEL,)),
        "30 days by user": lambda: store.totals(last - timedelta(days=29), last, (Dimension.USER,)),
        "400 days by user": lambda: store.totals(year, last, (Dimension.USER,)),
        "30 days by tag": lambda: store.totals(last - timedelta(days=29), last, (Dimension.TAG,)),
        "30 days of days": lambda: store.totals(last - timedelta(days=29), last, (Dimension.DAY,)),
        "tries of 30 days": lambda: store.channel_attempts(last - timedelta(days=29), last),
        "page: newest": lambda: store.usage_page(UsageFilter()),
        "page: far down by cursor": lambda: store.usage_page(UsageFilter(), deep),
        "page: number 450": lambda: store.usage_page(UsageFilter(), skip=9_000),
        "page: one user": lambda: store.usage_page(UsageFilter(user_id="user_04000")),
        "page: one model": lambda: store.usage_page(UsageFilter(model="yi-299-30b-a3b")),
        "page: one provider": lambda: store.usage_page(UsageFilter(provider="provider_gpt")),
        "page: failures": lambda: store.usage_page(UsageFilter(is_success=False)),
        "page: user and model": lambda: store.usage_page(one),
        "page: user, model, never together": lambda: store.usage_page(
            UsageFilter(user_id="user_00000", provider="provider_gpt", model="yi-0-mini")
        ),
        "page: one channel": lambda: store.usage_page(UsageFilter(channel_id="ch_039")),
        "page: one day of a year ago": lambda: store.usage_page(UsageFilter(first=year, last=year)),
        "count: everything": lambda: store.usage_count(UsageFilter()),
        "count: user and model": lambda: store.usage_count(one),
        "count: one provider": lambda: store.usage_count(UsageFilter(provider="provider_gpt")),
    }
    for name, question in questions.items():
        question()
        times = sorted(cpu_ms(question) for _ in range(QUESTION_TURNS))
        print(f"{name:36} {times[0]:8.2f} ms  median {median(times):8.2f} ms")


def weigh(store: SqliteStore) -> None:
    """Print the bytes a record, table by table."""
    connection = store._connection
    assert connection is not None
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    records = sum(state.lines for state in store.journal_files())
    print(f"{store.path.stat().st_size / records:.1f} bytes a record")
    sizes = connection.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC LIMIT 14")
    print("  " + ", ".join(f"{name} {size / records:.1f}" for name, size in sizes))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=400)
    parser.add_argument("--directory", type=Path, required=True, help="is made for the journal, and removed afterwards")
    parser.add_argument("--keep", action="store_true", help="do not remove it, and use what an earlier run kept")
    parser.add_argument("--verify", action="store_true")
    arguments = parser.parse_args()
    logs, books = arguments.directory / "logs", arguments.directory / "books.db"
    if not logs.exists():
        generate(logs, arguments.records, arguments.days)
    for path in arguments.directory.glob("books.*"):
        path.unlink()
    store = book(logs, books)
    weigh(store)
    ask(store, LAST_DAY)
    if arguments.verify:
        before = time.process_time()
        report = verify(store, LogsDirectory(logs))
        cpu_s = time.process_time() - before
        print(f"verified, equal: {report.is_equal}, {cpu_s / report.records * 1e6:.1f} us CPU a record")
    store.close()
    if not arguments.keep:
        shutil.rmtree(arguments.directory)


if __name__ == "__main__":
    main()
