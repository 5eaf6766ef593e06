"""The alert log as a file, its lines, and the monitor's memory."""

import errno
import json
import multiprocessing
import os
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from smart_ai_router.core.alert_log import (
    AlertWriter,
    FileAlertLog,
    FileMonitorMemory,
    alerts_since,
    decode_alert,
    decode_states,
    encode_alert,
    encode_states,
)
from smart_ai_router.domain.alerts import ChannelState, Trouble, decide
from smart_ai_router.domain.error_counts import NO_CALLS
from tests.core.alert_samples import GUIDE_LINE, NOON, alert


def test_m1_28_m1_29_a_line_is_one_json_object_with_the_guides_keys_first() -> None:
    line = encode_alert(alert())
    assert b"\n" not in line
    assert list(json.loads(line))[:6] == [
        "channel_id",
        "channel_name",
        "alert_type",
        "message",
        "timestamp",
        "details",
    ]
    assert line.startswith(b'{"channel_id":"ch_1","channel_name":"Channel 1","alert_type":"quota_exhausted",')
    assert '"message":"渠道 Channel 1 配额已用完","timestamp":"2025-11-22T12:00:00Z",'.encode() in line


def test_money_in_details_is_plain_digits_there_and_back() -> None:
    line = encode_alert(replace(alert(), details={"remaining_balance": Decimal("0.00000010")}))
    assert b'"remaining_balance":0.0000001' in line
    found = decode_alert(line)
    assert found is not None
    assert (found.details or {})["remaining_balance"] == Decimal("0.0000001")


def test_m1_77_the_guides_sample_is_read_without_loss() -> None:
    found = decode_alert(GUIDE_LINE.encode())
    assert found is not None
    assert {key: found[key] for key in json.loads(GUIDE_LINE)} == json.loads(GUIDE_LINE)
    assert (found.id, found.status) == (None, None)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        GUIDE_LINE.encode()[:-1],
        GUIDE_LINE.encode().replace(b"2025-08-24T12:30:45Z", b"some day"),
        GUIDE_LINE.encode().replace(b'"quota_exhausted"', b"7"),
        b'{"channel_id":"ch_1"}',
    ],
)
def test_what_is_not_an_alert_is_none(line: bytes) -> None:
    assert decode_alert(line) is None


def test_alerts_come_in_the_logs_order_from_a_moment_on(tmp_path: Path) -> None:
    log = FileAlertLog(tmp_path / "logs" / "channel_alerts.jsonl")
    for number, second in enumerate((-7200, -3600, -3599, 5, 1)):
        log.append(encode_alert(alert(number, at=NOON + second)))
    assert [found.channel_id for found in alerts_since(log, NOON - 3600)] == ["ch_1", "ch_2", "ch_3", "ch_4"]


def test_a_missing_file_has_no_alerts(tmp_path: Path) -> None:
    assert alerts_since(FileAlertLog(tmp_path / "none.jsonl"), 0) == []


def test_n_15_corrupt_lines_cost_only_themselves(tmp_path: Path) -> None:
    path = tmp_path / "channel_alerts.jsonl"
    good = encode_alert(alert(1))
    junk = [b"", b"\x00" * 100, b"{torn", b"\xff\xfe\n\n", b"x" * 300_000, GUIDE_LINE.encode()[:40]]
    path.write_bytes(b"\n".join([good, *junk, encode_alert(alert(2)), b"{torn again"]))
    assert [found.channel_id for found in alerts_since(FileAlertLog(path), 0)] == ["ch_1", "ch_2"]


@pytest.mark.parametrize("cut", range(1, 40, 7))
def test_n_15_a_torn_last_line_swallows_no_neighbour(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "channel_alerts.jsonl"
    log = FileAlertLog(path)
    log.append(encode_alert(alert(1)))
    log.append(encode_alert(alert(2)))
    path.write_bytes(path.read_bytes()[:-cut])
    log.append(encode_alert(alert(3)))
    found = [each.channel_id for each in alerts_since(log, 0)]
    assert found == (["ch_1", "ch_2", "ch_3"] if cut == 1 else ["ch_1", "ch_3"])


@pytest.mark.parametrize("padding", [*range(65_536 - 700, 65_536 + 30, 101), 131_072])
def test_a_line_over_the_edge_of_a_block_is_read_whole(tmp_path: Path, padding: int) -> None:
    path = tmp_path / "channel_alerts.jsonl"
    lines = [encode_alert(alert(1)), b"x" * (padding - 1), encode_alert(alert(2)), encode_alert(alert(3))]
    path.write_bytes(b"\n".join(lines) + b"\n")
    assert [found.channel_id for found in alerts_since(FileAlertLog(path), 0)] == ["ch_1", "ch_2", "ch_3"]


class CountedLines:
    """A log that counts how much of it is read."""

    def __init__(self, lines: list[bytes]) -> None:
        self.lines = lines
        self.read = 0

    def append(self, line: bytes) -> None:
        self.lines.append(line)

    def newest_first(self) -> Iterator[bytes]:
        for line in reversed(self.lines):
            self.read += 1
            yield line


def test_the_search_ends_after_a_thousand_older_lines_and_not_at_the_first() -> None:
    old = encode_alert(replace(alert(9), timestamp=NOON - 90_000))
    log = CountedLines([*[old.replace(b"alt_9", b"alt_%d" % i) for i in range(5000)]])
    log.lines += [encode_alert(alert(1)), GUIDE_LINE.encode(), old, encode_alert(alert(2))]
    assert [found.channel_id for found in alerts_since(log, NOON - 3600)] == ["ch_1", "ch_2"]
    assert log.read == 1004


def test_a_big_file_is_read_from_its_end_in_bounded_steps(tmp_path: Path) -> None:
    # given more than 30 MB of old alerts and two new ones
    path = tmp_path / "channel_alerts.jsonl"
    old = b"".join(encode_alert(replace(alert(1), id=f"alt_{i}", timestamp=NOON - 90_000)) + b"\n" for i in range(1000))
    with path.open("wb") as file:
        for _ in range(140):
            file.write(old)
    log = FileAlertLog(path)
    log.append(encode_alert(alert(2)))
    log.append(encode_alert(alert(3)))
    read_before = _bytes_read()

    # when
    found = alerts_since(log, NOON - 60)

    # then about a thousand lines were read, not the file
    assert [each.channel_id for each in found] == ["ch_2", "ch_3"]
    assert path.stat().st_size > 30_000_000
    assert _bytes_read() - read_before < 1_000_000


def _bytes_read() -> int:
    counters = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(counters["rchar"])


def test_a_line_written_twice_is_listed_once(tmp_path: Path) -> None:
    log = FileAlertLog(tmp_path / "a.jsonl")
    for line in (encode_alert(alert(1)), encode_alert(alert(1)), encode_alert(alert(1, notice=2))):
        log.append(line)
    assert [found.notice for found in alerts_since(log, 0)] == [1, 2]


def test_a_full_log_gives_way_and_both_files_are_read(tmp_path: Path) -> None:
    log = FileAlertLog(tmp_path / "channel_alerts.jsonl", rotate_bytes=500)
    for number in range(4):
        log.append(encode_alert(alert(number)))
    sizes = {path.name: path.read_bytes().count(b"\n") for path in tmp_path.iterdir()}
    assert sizes == {"channel_alerts.1.jsonl": 2, "channel_alerts.jsonl": 2}
    assert [found.channel_id for found in alerts_since(log, 0)] == ["ch_0", "ch_1", "ch_2", "ch_3"]


def _append_many(path: Path, process: int) -> None:
    log = FileAlertLog(path, rotate_bytes=20_000)
    for turn in range(50):
        log.append(encode_alert(replace(alert(process), id=f"alt_{process}_{turn}")))


def test_r4_processes_that_append_and_rotate_at_once_lose_and_mix_nothing(tmp_path: Path) -> None:
    path = tmp_path / "channel_alerts.jsonl"
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_append_many, args=(path, number)) for number in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    lines = b"".join(each.read_bytes() for each in tmp_path.iterdir()).splitlines()
    assert len({json.loads(line)["id"] for line in lines}) == 100


class FullDisk:
    """A log whose disk is full for a while."""

    def __init__(self) -> None:
        self.is_full = True
        self.lines: list[bytes] = []

    def append(self, line: bytes) -> None:
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.lines.append(line)

    def newest_first(self) -> list[bytes]:
        return self.lines[::-1]


def test_d1_alerts_wait_for_a_full_disk_and_are_written_in_order() -> None:
    log = FullDisk()
    writer = AlertWriter(log)
    for number in (1, 2, 3):
        writer.write(alert(number))
    writer.write_waiting()
    assert log.lines == []
    log.is_full = False
    writer.write(alert(4))
    assert [found.channel_id for found in alerts_since(log, 0)] == ["ch_1", "ch_2", "ch_3", "ch_4"]
    assert [decode_alert(line).id for line in log.lines] == ["alt_1", "alt_2", "alt_3", "alt_4"]  # type: ignore[union-attr]


def test_the_disk_refuses_for_ever_and_memory_stays_bounded() -> None:
    log = FullDisk()
    writer = AlertWriter(log)
    for number in range(1500):
        writer.write(alert(number))
    log.is_full = False
    writer.write_waiting()
    assert len(log.lines) == 1000
    assert log.lines[-1] == encode_alert(alert(1499))


def states() -> list[ChannelState]:
    state = ChannelState("ch_1", "通道")
    for event in (Trouble("api_key_invalid", "words", {"remaining_balance": Decimal("2.5")}), Trouble("x", "y")):
        state, _ = decide(state, event, NOON)
    return [state, ChannelState("ch_2", "Two")]


def test_what_a_monitor_knows_is_remembered_except_the_window_of_calls() -> None:
    assert decode_states(encode_states(states())) == [replace(state, window=NO_CALLS) for state in states()]


@pytest.mark.parametrize("data", [b"", b"{}", b"\x00", b'{"version":2,"channels":[]}', encode_states([])[:-1]])
def test_a_memory_that_makes_no_sense_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="."):  # noqa: RUF043 - any reason will do
        decode_states(data)


def test_a_memory_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    memory = FileMonitorMemory(tmp_path / "logs" / "channel_alerts.state.json")
    assert memory.load() is None
    memory.save(b"one")
    memory.save(b"two")
    assert memory.load() == b"two"
    assert [path.name for path in (tmp_path / "logs").iterdir()] == ["channel_alerts.state.json"]


def test_a_memory_that_cannot_be_written_keeps_the_old_one(tmp_path: Path) -> None:
    memory = FileMonitorMemory(tmp_path / "state.json")
    memory.save(b"one")
    (tmp_path / f".state.json.{os.getpid()}").mkdir()  # stands where the new one would be written
    with pytest.raises(OSError, match="directory"):
        memory.save(b"two")
    assert memory.load() == b"one"
