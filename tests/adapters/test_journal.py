"""The journal's promises: whole lines, nothing lost to a full disk or a torn neighbour, durable before it says so."""

import asyncio
import errno
import os
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import ClassVar

import pytest

from smart_ai_router.adapters import journal as journal_module
from smart_ai_router.adapters.journal import RESERVE_NAME, JournalFile, JournalUnusable, JournalWriter, day_of

PATIENCE_TURNS = 100_000
NOON = 1_756_036_800.0  # 2025-08-24T12:00:00Z


def with_journal(
    directory: Path, scenario: Callable[[JournalWriter], Awaitable[None]], durability: str = "strict"
) -> None:
    async def run() -> None:
        writer = JournalWriter(directory, asyncio.get_running_loop(), durability)
        try:
            await scenario(writer)
        finally:
            writer.close()

    asyncio.run(run())


async def until(holds: Callable[[], bool]) -> None:
    """Let the loop turn until the writer's thread has brought the condition about."""
    for _ in range(PATIENCE_TURNS):
        if holds():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came")


async def append(writer: JournalWriter, line: bytes, timestamp: float = NOON) -> None:
    done = asyncio.get_running_loop().create_future()
    writer.append(line, timestamp, lambda: done.set_result(None))
    await asyncio.wait_for(done, 10)


def test_m1_05_a_line_stands_in_the_file_of_its_utc_day_before_the_callback(tmp_path: Path) -> None:
    async def scenario(writer: JournalWriter) -> None:
        await append(writer, b'{"n":1}')
        assert (tmp_path / "usage_20250824.jsonl").read_bytes() == b'{"n":1}\n'
        await append(writer, b'{"n":2}', NOON + 12 * 3600)
        assert (tmp_path / "usage_20250825.jsonl").read_bytes() == b'{"n":2}\n'

    with_journal(tmp_path, scenario)


def test_midnight_belongs_to_the_new_day() -> None:
    assert day_of(NOON + 12 * 3600 - 0.001) == "20250824"
    assert day_of(NOON + 12 * 3600) == "20250825"


def test_lines_keep_their_order_in_a_burst(tmp_path: Path) -> None:
    async def scenario(writer: JournalWriter) -> None:
        await asyncio.gather(*(append(writer, b"%d" % number) for number in range(500)))
        written = (tmp_path / "usage_20250824.jsonl").read_bytes().split()
        assert written == [b"%d" % number for number in range(500)]

    with_journal(tmp_path, scenario)


def test_a_torn_line_of_a_killed_process_swallows_no_neighbour(tmp_path: Path) -> None:
    path = tmp_path / "usage_20250824.jsonl"
    path.write_bytes(b'{"whole":1}\n{"torn":')

    async def scenario(writer: JournalWriter) -> None:
        await append(writer, b'{"next":1}')
        assert path.read_bytes() == b'{"whole":1}\n{"torn":\n{"next":1}\n'

    with_journal(tmp_path, scenario)


@pytest.mark.parametrize("fate", ["moved", "removed"])
def test_a_file_that_is_taken_away_is_made_anew(tmp_path: Path, fate: str) -> None:
    path = tmp_path / "usage_20250824.jsonl"

    async def scenario(writer: JournalWriter) -> None:
        await append(writer, b"1")
        path.rename(tmp_path / "elsewhere") if fate == "moved" else path.unlink()
        await append(writer, b"2")
        assert path.read_bytes() == b"2\n"

    with_journal(tmp_path, scenario)


def test_closing_writes_what_is_queued(tmp_path: Path) -> None:
    async def run() -> None:
        writer = JournalWriter(tmp_path, asyncio.get_running_loop())
        writer.append(b"last", NOON, lambda: None)
        writer.close()

    asyncio.run(run())
    assert (tmp_path / "usage_20250824.jsonl").read_bytes() == b"last\n"


def test_the_position_is_never_beyond_a_line_that_is_still_queued(tmp_path: Path) -> None:
    async def scenario(writer: JournalWriter) -> None:
        await append(writer, b"first")
        before = writer.position
        await append(writer, b"second")
        content = (tmp_path / "usage_20250824.jsonl").read_bytes()
        assert content.index(b"second") >= before.offset

    with_journal(tmp_path, scenario)


def test_a_directory_that_cannot_be_written_refuses_the_start(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")

    async def run() -> None:
        with pytest.raises(JournalUnusable, match="cannot be written"):
            JournalWriter(blocked / "logs", asyncio.get_running_loop())

    asyncio.run(run())


class FailingFile(JournalFile):
    """A day file whose disk refuses for a while."""

    refusals: ClassVar[list[int]] = []
    syncs: ClassVar[list[int]] = []

    def append(self, data: bytes) -> int:
        if self.refusals:
            raise OSError(self.refusals.pop(), "refused")
        return super().append(data)

    def sync(self) -> None:
        if self.syncs:
            raise OSError(self.syncs.pop(), "refused")
        super().sync()


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> type[FailingFile]:
    monkeypatch.setattr(journal_module, "JournalFile", FailingFile)
    monkeypatch.setattr(journal_module, "RETRY_S", 0.02)
    FailingFile.refusals, FailingFile.syncs = [], []
    return FailingFile


def test_a_full_disk_stops_admission_loses_nothing_and_recovers_by_itself(
    tmp_path: Path, failing: type[FailingFile]
) -> None:
    async def scenario(writer: JournalWriter) -> None:
        assert writer.admits
        failing.refusals = [errno.ENOSPC] * 5
        written = asyncio.ensure_future(append(writer, b"kept"))
        await until(lambda: not writer.admits)
        await written
        assert (tmp_path / "usage_20250824.jsonl").read_bytes() == b"kept\n"
        await until(lambda: writer.admits)
        assert (tmp_path / RESERVE_NAME).exists()

    with_journal(tmp_path, scenario)


def test_a_failed_fsync_is_not_trusted_the_line_is_written_once_more(
    tmp_path: Path, failing: type[FailingFile]
) -> None:
    async def scenario(writer: JournalWriter) -> None:
        failing.syncs = [errno.EIO]
        await append(writer, b"again")
        assert (tmp_path / "usage_20250824.jsonl").read_bytes() == b"again\nagain\n"

    with_journal(tmp_path, scenario)


def test_a_short_write_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    day = JournalFile(tmp_path, "20250824")
    day.append(b"before\n")
    real = os.write
    calls = iter([5])

    def short(fd: int, data: bytes) -> int:
        for count in calls:
            return real(fd, data[:count])
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "write", short)
    with pytest.raises(OSError, match="full"):
        day.append(b"a longer line\n")
    monkeypatch.undo()
    assert day.path.read_bytes() == b"before\n"
    day.append(b"after\n")
    assert day.path.read_bytes() == b"before\nafter\n"
    day.close()


def test_a_file_that_is_cut_short_underneath_is_written_on_from_its_new_end(tmp_path: Path) -> None:
    path = tmp_path / "usage_20250824.jsonl"

    async def scenario(writer: JournalWriter) -> None:
        await append(writer, b'{"first":1}')
        path.write_bytes(b'{"fir')
        await append(writer, b'{"second":1}')
        assert path.read_bytes() == b'{"fir\n{"second":1}\n'
        assert writer.position.offset == path.stat().st_size

    with_journal(tmp_path, scenario)


def test_two_writers_of_one_directory_never_mix_their_lines(tmp_path: Path) -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        writers = [JournalWriter(tmp_path, loop) for _ in range(2)]
        line = b'{"x":"' + b"y" * 3000 + b'"}'
        await asyncio.gather(*(append(writers[number % 2], line) for number in range(200)))
        for writer in writers:
            writer.close()
        assert (tmp_path / "usage_20250824.jsonl").read_bytes() == (line + b"\n") * 200

    asyncio.run(run())


def test_a_mistake_in_answering_one_call_leaves_no_other_waiting(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(writer: JournalWriter) -> None:
        def mistake() -> None:
            raise KeyError("a mistake")

        writer.append(b"1", NOON, mistake)
        await append(writer, b"2")
        assert (tmp_path / "usage_20250824.jsonl").read_bytes() == b"1\n2\n"

    with_journal(tmp_path, scenario)
    assert "a call could not be answered after its line was written" in caplog.text


@pytest.mark.parametrize("moment", ["2024-02-29", "2025-12-31", "2028-02-29", "2026-03-29"])
def test_a_day_ends_at_midnight_utc_in_every_time_zone(moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = datetime.fromisoformat(f"{moment}T00:00:00+00:00").timestamp()
    for zone in ("UTC", "Asia/Kathmandu", "America/St_Johns", "Pacific/Kiritimati"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        assert day_of(first) == day_of(first + 86_399.999_999) == moment.replace("-", "")
        assert day_of(first - 0.000_001) < moment.replace("-", "") < day_of(first + 86_400)
    monkeypatch.undo()
    time.tzset()
