"""Reading journal files in pieces of any size, live and packed."""

import fcntl
import gzip
import io
import os
import zlib
from pathlib import Path
from typing import BinaryIO, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.adapters.journal_files import FileLineStream, LogsDirectory
from smart_ai_router.core.journal_source import LINE_BYTES_MAX, ArchiveDamaged, JournalSource, SourceGone, TooLong

DAY = "usage_20260131.jsonl"


class Dribbling(io.BytesIO):
    """A file that gives a few bytes at a time."""

    def __init__(self, content: bytes, piece: int) -> None:
        super().__init__(content)
        self._piece = piece

    def read(self, size: int | None = -1) -> bytes:
        return super().read(self._piece if size is None or size < 0 else min(size, self._piece))


LINES = st.lists(st.binary(max_size=12).map(lambda line: line.replace(b"\n", b" ")), max_size=12)


@given(
    lines=LINES,
    rest=st.binary(max_size=6),
    piece=st.integers(1, 40),
    lines_max=st.integers(1, 5),
    start=st.integers(0, 3),
)
def test_a_file_read_in_any_pieces_gives_the_same_lines(
    lines: list[bytes], rest: bytes, piece: int, lines_max: int, start: int
) -> None:
    rest = rest.replace(b"\n", b" ")
    content = b"".join(line + b"\n" for line in lines) + rest
    start = min(start, len(lines))
    before = b"".join(line + b"\n" for line in lines[:start])
    file = Dribbling(content, piece)
    file.seek(len(before))
    stream = FileLineStream(cast("BinaryIO", file), len(before), zlib.crc32(before), None)
    found: list[bytes | TooLong] = []
    end = len(before)

    while (batch := stream.next_batch(lines_max)) is not None:
        assert 0 < len(batch.lines) <= lines_max
        assert batch.start == end
        assert batch.crc32 == zlib.crc32(content[: batch.end])
        found += batch.lines
        end = batch.end

    assert found == lines[start:]
    assert end == len(content) - len(rest)
    assert stream.rest == rest
    assert stream.rest_crc32 == zlib.crc32(content)


@given(stop=st.integers(0, 60), piece=st.integers(1, 40))
def test_nothing_is_read_behind_the_stop(stop: int, piece: int) -> None:
    content = b"".join(b"line %d\n" % number for number in range(8))
    stop = min(stop, len(content))
    stream = FileLineStream(cast("BinaryIO", Dribbling(content, piece)), 0, 0, stop)
    lines: list[bytes | TooLong] = []

    while (batch := stream.next_batch(3)) is not None:
        lines += batch.lines

    assert b"".join(cast("bytes", line) + b"\n" for line in lines) + cast("bytes", stream.rest) == content[:stop]


@pytest.mark.parametrize("length", [LINE_BYTES_MAX, LINE_BYTES_MAX + 1, 9 * LINE_BYTES_MAX])
@pytest.mark.parametrize("before", [0, 1, 3000])
def test_a_line_beyond_the_bound_is_known_by_its_length_alone(tmp_path: Path, length: int, before: int) -> None:
    content = b"a\n" * before + b"x" * length + b"\nb\n"
    (tmp_path / DAY).write_bytes(content)
    logs = LogsDirectory(tmp_path)
    stream = logs.open(logs.sources()[0], 0, 0)
    found: list[bytes | TooLong] = []

    while (batch := stream.next_batch(1000)) is not None:
        found += batch.lines
        last = batch

    stream.close()
    assert found[:before] == [b"a"] * before
    assert found[before] == (b"x" * length if length <= LINE_BYTES_MAX else TooLong(length))
    assert found[before + 1 :] == [b"b"]
    assert (last.end, last.crc32) == (len(content), zlib.crc32(content))


def test_an_endless_line_without_an_end_is_waited_for_in_bounded_memory(tmp_path: Path) -> None:
    (tmp_path / DAY).write_bytes(b"x" * (LINE_BYTES_MAX * 9))
    logs = LogsDirectory(tmp_path)
    stream = logs.open(logs.sources()[0], 0, 0)

    assert stream.next_batch(10) is None
    assert stream.rest == TooLong(LINE_BYTES_MAX * 9)
    stream.close()


def sources(logs: LogsDirectory) -> list[tuple[str, str, bool]]:
    return [(source.name, source.path, source.is_archive) for source in logs.sources()]


def test_files_are_listed_by_day_and_archives_before_the_live_file(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    for name in (DAY, "usage_20260201.jsonl", f"archive/{DAY}.gz", "archive/usage_20260131.2.jsonl.gz", "archive/x.gz"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "archive" / f".{DAY}.gz.unfinished").write_bytes(b"")

    assert sources(LogsDirectory(tmp_path)) == [
        (DAY, "archive/usage_20260131.2.jsonl.gz", True),
        (DAY, f"archive/{DAY}.gz", True),
        (DAY, DAY, False),
        ("usage_20260201.jsonl", "usage_20260201.jsonl", False),
    ]


def test_the_end_is_the_sizes_of_the_live_files(tmp_path: Path) -> None:
    (tmp_path / DAY).write_bytes(b"12345")

    [source] = LogsDirectory(tmp_path).end().files

    assert (source.name, source.size, source.inode) == (DAY, 5, (tmp_path / DAY).stat().st_ino)


def test_an_archive_reads_like_the_file_it_was(tmp_path: Path) -> None:
    content = b"".join(b"line %d\n" % number for number in range(5000))
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / f"{DAY}.gz").write_bytes(gzip.compress(content))
    logs = LogsDirectory(tmp_path)
    [source] = logs.sources()

    assert logs.archive_seal(source) == (zlib.crc32(content), len(content))
    assert logs.crc32_of(source, 100) == zlib.crc32(content[:100])
    assert logs.crc32_of(source, len(content) + 1) is None
    assert logs.read_at(source, 40_000, 30) == content[40_000:40_030]
    assert logs.read_at(source, len(content) - 5, 30) == content[-5:]
    stream = logs.open(source, 70, zlib.crc32(content[:70]))
    batch = stream.next_batch(10_000)
    stream.close()
    assert batch is not None
    assert (batch.start, batch.end, batch.crc32) == (70, len(content), zlib.crc32(content))


def test_a_damaged_archive_says_so(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    path = tmp_path / "archive" / f"{DAY}.gz"
    path.write_bytes(gzip.compress(os.urandom(50_000))[:30_000])
    logs = LogsDirectory(tmp_path)
    [source] = logs.sources()

    with pytest.raises(ArchiveDamaged):
        logs.crc32_of(source, 50_000)
    path.write_bytes(b"tiny")
    assert logs.archive_seal(JournalSource(DAY, source.path, path.stat().st_ino, 4, is_archive=True)) is None


def test_a_file_that_was_swapped_or_removed_is_not_read(tmp_path: Path) -> None:
    (tmp_path / DAY).write_bytes(b"one\n")
    logs = LogsDirectory(tmp_path)
    [source] = logs.sources()

    (tmp_path / "other").write_bytes(b"other\n")
    (tmp_path / "other").replace(tmp_path / DAY)
    with pytest.raises(SourceGone):
        logs.open(source, 0, 0)
    (tmp_path / DAY).unlink()
    with pytest.raises(SourceGone):
        logs.read_at(source, 0, 1)


def test_bytes_that_a_writer_may_take_back_are_not_read(tmp_path: Path) -> None:
    """A writer under its lock has written half of a batch and will cut it off again."""
    (tmp_path / DAY).write_bytes(b"one\n")
    logs = LogsDirectory(tmp_path)
    [source] = logs.sources()
    stream = logs.open(source, 0, 0)
    with (tmp_path / DAY).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(b"two\n")
        file.flush()

        batch = stream.next_batch(10)

    stream.close()
    assert batch is not None
    assert batch.lines == [b"one"]


def test_a_writer_that_was_stopped_inside_an_append_does_not_stop_the_books(tmp_path: Path) -> None:
    (tmp_path / DAY).write_bytes(b"one\n")
    logs = LogsDirectory(tmp_path)
    [source] = logs.sources()
    with (tmp_path / DAY).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)

        stream = logs.open(source, 0, 0)
        batch = stream.next_batch(10)

    stream.close()
    assert batch is not None
    assert batch.lines == [b"one"]
