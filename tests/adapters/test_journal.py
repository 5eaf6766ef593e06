"""The journal's promises: whole lines, nothing lost to a full disk or a torn neighbour, durable before it says so."""

import asyncio
import errno
import os
from collections.abc import Awaitable, Callable
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
