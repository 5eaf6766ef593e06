"""Pending deliveries and claims as files."""

import multiprocessing
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from smart_ai_router.adapters.alert_files import ClaimFile, PendingFile
from smart_ai_router.core.alerting import Delivery
from smart_ai_router.core.utils.channel_monitor import ChannelMonitor
from smart_ai_router.domain.faults import Fault, FaultKind
from tests.core.alert_samples import NOON, Receiver, SetClock, alert


def delivery(number: int = 1, notifier: str = "webhook") -> Delivery:
    details = {"remaining_balance": Decimal("0.00000010"), "nested": {"list": [1, "二"]}}
    return Delivery(replace(alert(number), details=details), notifier, since=NOON, due_at=NOON)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "alert_deliveries.jsonl"


def loaded(path: Path) -> list[Delivery]:
    return PendingFile(path).load()


def test_nothing_is_pending_at_first(path: Path) -> None:
    assert loaded(path) == []
    assert not path.exists()


def test_what_was_put_and_is_not_done_is_loaded_as_it_was(path: Path) -> None:
    store = PendingFile(path)
    for each in (delivery(1), delivery(1, "smtp"), delivery(2)):
        store.put(each)
    store.done(delivery(1))
    assert loaded(path) == [delivery(1, "smtp"), delivery(2)]


def test_loading_twice_changes_nothing(path: Path) -> None:
    PendingFile(path).put(delivery(1))
    assert loaded(path) == loaded(path) == [delivery(1)]


@pytest.mark.parametrize("cut", [1, 2, 20, 100])
def test_a_torn_line_costs_only_itself(path: Path, cut: int) -> None:
    store = PendingFile(path)
    store.put(delivery(1))
    store.put(delivery(2))
    path.write_bytes(path.read_bytes()[:-cut])
    after = PendingFile(path)
    assert after.load() == ([delivery(1), delivery(2)] if cut == 1 else [delivery(1)])
    after.put(delivery(3))
    assert loaded(path)[-1] == delivery(3)


def test_a_fragment_of_a_failed_write_swallows_no_neighbour(path: Path) -> None:
    store = PendingFile(path)
    store.put(delivery(1))
    with path.open("ab") as file:
        file.write(b'{"put":{"al')  # a write that the disk cut short
    store.put(delivery(2))
    assert loaded(path) == [delivery(1), delivery(2)]


def test_the_file_does_not_grow_with_what_is_done(path: Path) -> None:
    store = PendingFile(path)
    store.put(delivery(0))
    for number in range(1, 4000):
        store.put(delivery(number))
        store.done(delivery(number))
    assert path.stat().st_size < 1_100_000
    assert loaded(path) == [delivery(0)]
    assert path.stat().st_size < 1_000


@pytest.fixture
def claims(tmp_path: Path) -> ClaimFile:
    return ClaimFile(tmp_path / "data" / "alert_claims.json")


def test_r6_the_first_claim_holds_until_its_end_or_release(claims: ClaimFile) -> None:
    assert claims.claim("ch_1", "api_error", NOON, NOON + 3600)
    assert not claims.claim("ch_1", "api_error", NOON + 3599.9, NOON + 7200)
    assert claims.claim("ch_1", "server_error", NOON, NOON + 3600)
    assert claims.claim("ch_1", "api_error", NOON + 3600, NOON + 7200)
    assert claims.release("ch_1", "api_error")
    assert not claims.release("ch_1", "api_error")
    assert claims.claim("ch_1", "api_error", NOON + 3601, NOON + 7201)


def test_claims_of_channels_that_are_gone_are_forgotten_after_a_week(claims: ClaimFile) -> None:
    claims.claim("gone", "api_error", NOON, NOON)
    claims.claim("ch_1", "api_error", NOON + 7 * 86_400, NOON + 7 * 86_400)
    assert claims.release("gone", "api_error")
    claims.claim("gone", "api_error", NOON, NOON)
    claims.claim("ch_2", "api_error", NOON + 7 * 86_400 + 1, NOON + 8 * 86_400)
    assert not claims.release("gone", "api_error")


def test_a_garbled_claim_file_counts_as_empty(tmp_path: Path) -> None:
    path = tmp_path / "claims.json"
    path.write_bytes(b"\x00{")
    assert ClaimFile(path).claim("ch_1", "api_error", NOON, NOON + 1)
    assert not ClaimFile(path).claim("ch_1", "api_error", NOON, NOON + 1)


def _count_won(path: Path, won: "multiprocessing.Queue[int]") -> None:
    claims = ClaimFile(path)
    won.put(sum(claims.claim(f"ch_{number}", "api_error", NOON, NOON + 3600) for number in range(100)))


def in_processes(target: Callable[..., None], path: Path, count: int) -> list[int]:
    context = multiprocessing.get_context("fork")
    results: multiprocessing.Queue[int] = context.Queue()  # type: ignore[assignment]
    processes = [context.Process(target=target, args=(path, results)) for _ in range(count)]
    for process in processes:
        process.start()
    found = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(60)
    return found


def test_r6_of_several_processes_exactly_one_wins_each_claim(tmp_path: Path) -> None:
    assert sum(in_processes(_count_won, tmp_path / "claims.json", 3)) == 100


def test_r6_two_monitors_with_one_claim_file_tell_once(tmp_path: Path) -> None:
    receiver, clock = Receiver(), SetClock()
    monitors = [
        ChannelMonitor(
            tmp_path / f"host_{number}" / "channel_alerts.jsonl",
            notifiers=[receiver],
            claims=ClaimFile(tmp_path / "claims.json"),
            clock=clock,
        )
        for number in range(2)
    ]
    for monitor in monitors:
        monitor.observe_fault("ch_1", "One", Fault(FaultKind.API_KEY_INVALID, "no", 401))
    for monitor in monitors:
        monitor.observe_success("ch_1", "One")
    assert receiver.told == ["api_key_invalid:open", "api_key_invalid:resolved"]
