"""The in-flight table survives its process."""

import os
import signal
from pathlib import Path

import pytest

from smart_ai_router.adapters.inflight import (
    LENGTHS_AT,
    SLOT_BYTES,
    SLOTS,
    InflightFile,
    InflightFull,
    InflightTableBusy,
)


def test_an_intent_is_there_until_it_is_closed(tmp_path: Path) -> None:
    with InflightFile(tmp_path / "w.bin") as table:
        slot = table.open(b"intent")
        assert table.open_intents() == [(slot, b"intent")]
        table.close(slot)
        assert table.open_intents() == []


def test_a_killed_process_leaves_its_open_intents_to_the_next(tmp_path: Path) -> None:
    path = tmp_path / "w.bin"
    child = os.fork()
    if not child:
        table = InflightFile(path)
        table.open(b"one")
        closed = table.open(b"two")
        table.open(b"three")
        table.close(closed)
        table.remember_number(77)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    with InflightFile(path) as table:
        assert sorted(intent for _, intent in table.open_intents()) == [b"one", b"three"]
        assert table.last_number == 77
        free = {table.open(b"x") for _ in range(SLOTS - 2)}
        assert len(free) == SLOTS - 2
        assert table.is_full
        with pytest.raises(InflightFull):
            table.open(b"x")


def test_a_table_of_a_living_process_is_left_alone(tmp_path: Path) -> None:
    with InflightFile(tmp_path / "w.bin"), pytest.raises(InflightTableBusy):
        InflightFile(tmp_path / "w.bin")


def test_an_intent_beyond_a_slot_is_refused(tmp_path: Path) -> None:
    with InflightFile(tmp_path / "w.bin") as table:
        table.close(table.open(b"x" * SLOT_BYTES))
        with pytest.raises(ValueError, match="does not fit"):
            table.open(b"x" * (SLOT_BYTES + 1))
        assert not table.open_intents()


def test_the_file_takes_little_room_until_it_is_used(tmp_path: Path) -> None:
    path = tmp_path / "w.bin"
    with InflightFile(path) as table:
        table.open(b"x")
        assert path.stat().st_blocks * 512 < 256 * 1024


def test_an_intent_that_does_not_fit_costs_no_slot(tmp_path: Path) -> None:
    with InflightFile(tmp_path / "w.bin") as table:
        for _ in range(3):
            with pytest.raises(ValueError, match="does not fit"):
                table.open(b"x" * (SLOT_BYTES + 1))
        assert len({table.open(b"x") for _ in range(SLOTS)}) == SLOTS


def test_a_length_that_was_damaged_is_no_intent(tmp_path: Path) -> None:
    path = tmp_path / "w.bin"
    with InflightFile(path) as table:
        table.open(b"kept")
    content = bytearray(path.read_bytes())
    content[LENGTHS_AT + 4 : LENGTHS_AT + 8] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    with InflightFile(path) as table:
        assert [intent for _, intent in table.open_intents()] == [b"kept"]


def test_a_file_of_another_size_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "w.bin"
    path.write_bytes(b"half of an older one")
    with InflightFile(path) as table:
        assert table.open_intents() == []
        assert table.last_number == 0


def test_the_file_and_its_directory_are_for_their_owner(tmp_path: Path) -> None:
    path = tmp_path / "inflight" / "w.bin"
    with InflightFile(path):
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
