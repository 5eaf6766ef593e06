"""A journal that cannot be written, and one that is taken away: no call without its record, and no hand needed."""

import asyncio
import contextlib
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from smart_ai_router.testing.upstream import UpstreamServer
from tests.e2e.fault_calls import Answer, Load, chat, under
from tests.e2e.fault_harness import Router, check_books, configuration, until

DISK_MIB = 8  # the journal's reserve of 4 MiB, and as much again
BLOCK = bytes(64 * 1024)


@contextmanager
def disk(folder: Path, *options: str) -> Iterator[Path]:
    """A small disk of its own; skips where it cannot be mounted."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", ",".join((f"size={DISK_MIB}m", *options)), "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("this system has no mount command")
    if done.returncode:
        pytest.skip(f"a small disk needs the right to mount: {done.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Take all room that is left."""
    filler = folder / "filler"
    with contextlib.suppress(OSError), filler.open("ab", buffering=0) as file:
        while file.write(BLOCK):
            pass
    with contextlib.suppress(OSError), filler.open("ab", buffering=0) as file:
        while file.write(b"x"):
            pass
    return filler


def said_of_chat(router: Router, name: str) -> Answer:
    return asyncio.run(chat(router.port, name))


@pytest.fixture
def router(upstream: UpstreamServer, tmp_path: Path) -> Iterator[Router]:
    upstream.served.reset()
    upstream.set_mode("normal")
    started = Router(tmp_path, configuration(upstream.base_url))
    yield started
    started.close()


def test_a_full_disk_refuses_new_calls_loses_none_and_recovers_by_itself(
    router: Router, upstream: UpstreamServer
) -> None:
    with disk(router.logs_dir):
        router.start()
        upstream.set_mode("normal,ms=30")
        load = Load(lambda: router.port, ({}, {"stream": True}), clients=8)
        with under(load):
            until(lambda: len(load.acknowledged) > 20, 20, "calls go on")
            filler = fill(router.logs_dir)
            until(lambda: len(load.refused) > 20, 20, "new calls are refused")
            assert router.ask("GET", "/ready").status == 503
            assert router.ask("GET", "/health").status == 200
            assert router.statistics().requests > 0
            acknowledged = len(load.acknowledged)
            filler.unlink()
            until(lambda: len(load.acknowledged) > acknowledged + 20, 20, "calls are served again by themselves")
            router.wait_ready()
        for answer in load.refused:
            assert (answer.status, answer.error["code"]) == (503, "router_busy")
            assert answer.headers["retry-after"] == "1"
            assert answer.headers["x-should-retry"] == "true"
        totals = router.statistics()
        assert router.stop() == 0, router.said()
        journal = router.journal()
        check_books(journal, load, upstream)
        assert journal.torn == []
        assert totals == journal.totals
        assert router.open_slots() == 0
        router.verify()


def test_a_start_on_a_full_disk_serves_what_needs_no_journal_until_there_is_room(
    router: Router, upstream: UpstreamServer
) -> None:
    with disk(router.logs_dir):
        router.start()
        upstream.set_mode("blackhole")
        load = Load(lambda: router.port, ({},), clients=3)
        with under(load):
            until(lambda: upstream.served.total == 3, 10, "three calls are in flight")
            router.kill("all")
            (router.logs_dir / ".journal-reserve").unlink()
            filler = fill(router.logs_dir)
            upstream.set_mode("normal")
            router.start()
            load.stop()
        assert said_of_chat(router, "too-early").status == 503
        assert router.ask("GET", "/health").status == 200
        assert router.journal().records == []
        filler.unlink()
        router.wait_ready()
        assert said_of_chat(router, "in-time").status == 200
        assert router.stop() == 0, router.said()
        outcomes = {str(record["end_user"]): record["outcome"] for record in router.journal().records}
        assert [outcomes.pop(name, None) for name in ("call-0-1", "call-1-1", "call-2-1")] == ["interrupted"] * 3
        assert outcomes["in-time"] == "success"
        assert "too-early" not in outcomes
        router.verify()


@pytest.mark.parametrize("which", ["logs", "data"])
def test_a_directory_that_cannot_be_written_refuses_the_start(router: Router, which: str) -> None:
    with disk(router.folder / which, "ro"):
        process = router.begin()

        assert process.wait(30) == 2
        said = router.said()
        assert str(router.folder / which) in said
        assert "Read-only file system" in said
        assert "Traceback" not in said


@pytest.mark.parametrize("which", ["logs", "data"])
def test_a_directory_that_is_a_file_refuses_the_start(router: Router, which: str) -> None:
    (router.folder / which).write_text("not a directory")

    process = router.begin()

    assert process.wait(30) == 2
    assert str(router.folder / which) in router.said()
    assert "Traceback" not in router.said()


@pytest.mark.parametrize("fate", ["deleted", "renamed", "truncated"])
def test_a_journal_file_that_is_taken_away_costs_the_books_nothing(
    router: Router, upstream: UpstreamServer, fate: str
) -> None:
    router.start()
    for number in range(5):
        assert said_of_chat(router, f"before-{number}").status == 200
    before = router.statistics()
    upstream.set_mode("normal,chunk_ms=60")
    load = Load(lambda: router.port, ({"stream": True},), clients=5)
    with under(load):
        until(lambda: upstream.served.total >= 10, 10, "five streams are open")
        (path,) = router.logs_dir.glob("usage_*.jsonl")
        if fate == "deleted":
            path.unlink()
        elif fate == "renamed":
            path.rename(router.logs_dir / "kept-by-the-operator")
        else:
            path.write_bytes(b"")
        load.stop()
    assert len(load.acknowledged) >= 5
    after = router.statistics()
    assert after.requests == before.requests + len(load.acknowledged)
    assert router.stop() == 0, router.said()
    journal = router.journal()
    assert {name for name, count in journal.counts().items() if count == 1} == load.acknowledged
    assert router.open_slots() == 0
    told = {"deleted": "the file is gone", "renamed": "the file is gone", "truncated": "now it has 0"}[fate]
    assert told in router.said()
