"""`data/actions.jsonl` on the disk."""

import os
import stat
from pathlib import Path

import pytest

from smart_ai_router.adapters.action_file import ActionFile
from smart_ai_router.core.administration import ACTION_BYTES_MAX, ActionsUnwritable


@pytest.fixture
def file(tmp_path: Path) -> ActionFile:
    return ActionFile(tmp_path)


def test_lines_come_back_in_order_and_the_file_is_for_its_owner_alone(file: ActionFile) -> None:
    file.append([b"one", b"two"])
    file.append([b"three"])

    assert list(file.read().lines) == [b"one", b"two", b"three"]
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


def test_there_is_nothing_before_the_first_line(file: ActionFile) -> None:
    assert (list(file.read().lines), file.is_current(), file.path.exists()) == ([], True, False)
    file.append([])
    assert not file.path.exists()


@pytest.mark.parametrize("torn", [b"half a li", b"", b"\n"])
def test_a_torn_line_stands_alone_and_swallows_no_neighbour(file: ActionFile, torn: bytes) -> None:
    file.append([b"one"])
    with file.path.open("ab") as raw:
        raw.write(torn)

    ActionFile(file.path.parent).append([b"two"])

    lines = list(file.read().lines)
    assert (lines[0], lines[-1]) == (b"one", b"two")
    assert lines[1:-1] == ([torn] if torn.strip() else [])


def test_a_line_longer_than_any_action_is_counted_and_left_out(file: ActionFile) -> None:
    with file.path.open("wb") as raw:
        raw.write(b"one\n" + b"x" * (ACTION_BYTES_MAX + 1) + b"\n" + b"y" * ACTION_BYTES_MAX + b"\n")

    read = file.read()

    assert ([len(line) for line in read.lines], read.too_long) == ([3, ACTION_BYTES_MAX], 1)


def test_a_file_that_was_changed_behind_its_back_is_noticed(file: ActionFile) -> None:
    file.append([b"one"])
    assert file.is_current()

    for change in (
        lambda: file.path.write_bytes(b"on"),
        lambda: file.path.write_bytes(b""),
        lambda: file.path.rename(file.path.with_suffix(".moved")),
        lambda: file.path.write_bytes(b"another"),
    ):
        change()
        assert not file.is_current()
        file.read()
        assert file.is_current()


def test_what_cannot_be_written_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = ActionFile(tmp_path)
    file.append([b"one"])

    def failing(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", failing)
        with pytest.raises(ActionsUnwritable, match="Input/output error"):
            file.append([b"two"])

    assert file.path.read_bytes() == b"one\n"
    file.append([b"three"])
    assert list(file.read().lines) == [b"one", b"three"]


def test_a_place_where_nothing_can_be_written_is_named(tmp_path: Path) -> None:
    file = ActionFile(tmp_path / "missing")

    with pytest.raises(ActionsUnwritable, match=r"missing/actions\.jsonl cannot be written: No such file or directory"):
        file.append([b"one"])
    (tmp_path / "actions.jsonl").mkdir()
    with pytest.raises(ActionsUnwritable, match="Is a directory"):
        ActionFile(tmp_path).read()
