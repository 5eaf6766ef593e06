"""kill -9 of the process that keeps the books, again and again: nothing is lost and nothing counts twice."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

from benchmarks.generate import generate
from smart_ai_router.adapters.journal_files import LogsDirectory
from smart_ai_router.adapters.memory_store import MemoryStore
from smart_ai_router.adapters.sqlite import SqliteStore
from smart_ai_router.core.bookkeeper import Bookkeeper
from smart_ai_router.core.verification import books_digest, verify

RECORDS = 3000
KILLS = 6
KEEPER = """
import sys
from pathlib import Path
from smart_ai_router.adapters.journal_files import LogsDirectory
from smart_ai_router.adapters.sqlite import SqliteStore
from smart_ai_router.core.bookkeeper import Bookkeeper
store = SqliteStore(Path(sys.argv[1]), "UTC")
bookkeeper = Bookkeeper(store, LogsDirectory(Path(sys.argv[2])), lambda: 0.0, batch_lines=20)
bookkeeper.add_observer(lambda fresh: print(len(fresh), flush=True))
bookkeeper.catch_up()
"""


def test_c1_killed_at_any_batch_the_books_end_up_right(tmp_path: Path) -> None:
    logs, books = tmp_path / "logs", tmp_path / "books.db"
    generate(logs, RECORDS, days=3)
    chance = random.Random(5)

    for _ in range(KILLS):
        keeper = subprocess.Popen(
            [sys.executable, "-c", KEEPER, str(books), str(logs)], stdout=subprocess.PIPE, cwd=Path.cwd()
        )
        assert keeper.stdout is not None
        for _ in range(chance.randint(1, 20)):  # each line is one batch that was booked
            keeper.stdout.readline()
        os.kill(keeper.pid, signal.SIGKILL)
        keeper.stdout.close()
        keeper.wait()

    store = SqliteStore(books, "UTC")
    assert Bookkeeper(store, LogsDirectory(logs), lambda: 0.0).catch_up()
    untouched = MemoryStore()
    Bookkeeper(untouched, LogsDirectory(logs), lambda: 0.0).catch_up()
    assert sum(state.lines for state in store.journal_files()) == RECORDS
    assert sum(state.repeated for state in store.journal_files()) == 0
    with store.snapshot() as kept, untouched.snapshot() as wanted:
        assert books_digest(kept) == books_digest(wanted)
    assert verify(store, LogsDirectory(logs)).is_equal
    store.close()
