"""What a dead worker left in flight becomes one record each: neither none, nor two, whatever it had written before."""

import asyncio
import gzip
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from smart_ai_router.adapters.inflight import SLOT_BYTES, InflightFile
from smart_ai_router.adapters.journal import JournalWriter
from smart_ai_router.app.recovery import dead_tables, inflight_path, recover
from smart_ai_router.core.intents import Intent, encode_intent, interrupted_record
from smart_ai_router.core.snapshot import Snapshot
from smart_ai_router.core.usage_record import UsageRecord, decode_usage_record, encode_usage_record
from smart_ai_router.domain.charges import tariff_of
from smart_ai_router.domain.exchange import NO_RATES
from tests.core.playbook import NOON, channel, prices, snapshot

UNPRICED = tariff_of(None, None, None, NO_RATES, 0)
INTENT = Intent(
    request_id="req_06y683t3m0000ah2a0",
    started_at=NOON,
    journal_day="20250824",
    journal_offset=0,
    channel_id="ch_openai_001",
    channel_name="OpenAI Official",
    provider="openai",
    provider_region=None,
    model="gpt-4o-mini",
    upstream_model="gpt-4o-mini",
    requested_model="tag:gpt",
    request_type="chat",
    usage_type="text_generation",
    stream=True,
    prompt_bytes=4000,
    currency="USD",
    user_id="u1",
)
TODAY = "usage_20250824.jsonl"
DAY_S = 86_400.0


def intent(number: int, **changes: object) -> Intent:
    return replace(INTENT, request_id=f"req_{number:018d}", **changes)


def line_of(one: Intent, now: float = NOON) -> bytes:
    """A line like the one the call would have got."""
    return encode_usage_record(replace(interrupted_record(one, UNPRICED, now), outcome="success")) + b"\n"


class Crash:
    """A worker's directories as a killed worker leaves them."""

    def __init__(self, folder: Path) -> None:
        self.data_dir, self.logs_dir = folder / "data", folder / "logs"
        self.logs_dir.mkdir()
        self.path = inflight_path(self.data_dir, 0)

    def leave_open(self, *intents: Intent | bytes) -> None:
        with InflightFile(self.path) as table:
            for each in intents:
                table.open(each if isinstance(each, bytes) else encode_intent(each))

    def write(self, content: bytes, name: str = TODAY) -> None:
        with (self.logs_dir / name).open("ab") as file:
            file.write(content)

    def recover(self, now: float = NOON + 5, known: Snapshot | None = None) -> int:
        async def scenario() -> int:
            journal = JournalWriter(self.logs_dir, asyncio.get_running_loop())
            with InflightFile(self.path) as table:
                booked = await recover(table, journal, self.logs_dir, known or snapshot(), now)
                assert table.open_intents() == []
            journal.close()
            return booked

        return asyncio.run(scenario())

    @property
    def records(self) -> list[UsageRecord]:
        found = []
        for path in sorted(self.logs_dir.glob("usage_*.jsonl")):
            for line in path.read_bytes().splitlines():
                if line.startswith(b"{") and line.endswith(b"}"):
                    found.append(decode_usage_record(line))
        return found


@pytest.fixture
def crash(tmp_path: Path) -> Crash:
    return Crash(tmp_path)


def test_a_call_without_a_line_becomes_one_interrupted_record_with_its_estimate(crash: Crash) -> None:
    crash.leave_open(INTENT)
    assert crash.recover() == 1
    (record,) = crash.records
    assert (record.request_id, record.outcome, record.status, record.error_kind) == (
        INTENT.request_id, "interrupted", "error", "interrupted",
    )  # fmt: skip
    assert (record.timestamp, record.response_time_ms) == ("2025-08-24T12:00:05.000000Z", 5000)
    assert (record.input_tokens, record.output_tokens, record.usage_source) == (1000, 0, "estimated")
    assert record.total_cost == record.input_cost == Decimal("0.0005")  # 1,000 tokens at 0.50 a million
    assert (record.user_charge, record.flags) == (Decimal(0), ("upstream_may_bill",))
    assert (record.requested_model, record.stream) == ("tag:gpt", True)


def test_a_call_that_has_its_line_gets_no_second_one(crash: Crash) -> None:
    crash.leave_open(intent(1), intent(2))
    crash.write(line_of(intent(1)))
    assert crash.recover() == 1
    assert [record.request_id for record in crash.records] == [intent(1).request_id, intent(2).request_id]


def test_recovering_twice_or_dying_half_way_changes_nothing(crash: Crash) -> None:
    crash.leave_open(intent(1), intent(2))
    assert crash.recover() == 2
    assert crash.recover() == 0
    crash.leave_open(intent(1), intent(2))  # the recovery was killed after its lines, before its slots were free
    assert crash.recover() == 0
    assert len(crash.records) == 2


def test_a_torn_line_is_no_record_wherever_it_was_torn(crash: Crash) -> None:
    whole = line_of(INTENT)
    for kept in range(0, len(whole) - 1, 61):
        crash.leave_open(INTENT)
        (crash.logs_dir / TODAY).write_bytes(line_of(intent(7)) + whole[:kept])
        assert crash.recover() == 1, whole[:kept]
        content = (crash.logs_dir / TODAY).read_bytes()
        assert content.startswith(line_of(intent(7)) + whole[:kept])
        assert decode_usage_record(content.splitlines()[-1]).outcome == "interrupted"


def test_a_whole_line_without_its_newline_is_a_record(crash: Crash) -> None:
    crash.leave_open(INTENT)
    crash.write(line_of(INTENT).rstrip(b"\n"))
    assert crash.recover() == 0


def test_an_id_in_a_text_of_another_call_is_not_its_record(crash: Crash) -> None:
    crash.leave_open(INTENT)
    text = f'x","request_id":"{INTENT.request_id}","y":"'
    crash.write(line_of(intent(9, session_id=text, end_user=INTENT.request_id)))
    assert crash.recover() == 1


def test_only_what_was_written_after_the_intent_is_searched(crash: Crash) -> None:
    before = line_of(intent(5)) * 3
    crash.write(before + line_of(intent(1)))
    crash.leave_open(intent(1, journal_offset=len(before)))
    assert crash.recover() == 0


def test_a_file_that_was_cut_short_since_is_searched_from_its_beginning(crash: Crash) -> None:
    crash.write(line_of(intent(1)))
    crash.leave_open(intent(1, journal_offset=1_000_000))
    assert crash.recover() == 0


def test_a_line_of_the_next_day_is_found(crash: Crash) -> None:
    late = intent(1, started_at=NOON + 12 * 3600 - 1)
    crash.leave_open(late)
    crash.write(line_of(late, NOON + 12 * 3600 + 1), "usage_20250825.jsonl")
    assert crash.recover(NOON + 2 * DAY_S) == 0


def test_a_record_made_after_midnight_stands_in_the_file_of_its_own_day(crash: Crash) -> None:
    crash.leave_open(intent(1, started_at=NOON + 12 * 3600 - 1))
    assert crash.recover(NOON + 12 * 3600) == 1
    (record,) = crash.records
    assert record.timestamp == "2025-08-25T00:00:00.000000Z"
    assert (crash.logs_dir / "usage_20250825.jsonl").exists()


def test_a_clock_that_stepped_back_costs_no_call_and_gives_no_negative_time(crash: Crash) -> None:
    crash.leave_open(INTENT)
    assert crash.recover(NOON - 3600) == 1
    assert crash.records[0].response_time_ms == 0


@pytest.mark.parametrize(
    "damaged", [b"\xc1", b"\x93\x01", encode_intent(INTENT)[:-3], b"\xff" * SLOT_BYTES, b"\xd9\x02\xff\xff"]
)
def test_an_intent_that_cannot_be_read_does_not_keep_the_others_from_the_books(crash: Crash, damaged: bytes) -> None:
    crash.leave_open(damaged, intent(1))
    assert crash.recover() == 1


def test_a_call_that_moved_on_between_two_channels_is_one_call(crash: Crash) -> None:
    crash.leave_open(intent(1), intent(1, channel_id="ch_openai_002", channel_name="OpenAI 2"))
    assert crash.recover(known=snapshot(channel(1), channel(2))) == 1


def test_a_channel_that_is_no_longer_configured_leaves_a_call_unpriced(crash: Crash) -> None:
    crash.leave_open(intent(1, channel_id="gone", model="gone", upstream_model="gone", provider="gone"))
    assert crash.recover(known=snapshot(channel(1), prices=prices(channel(1)))) == 1
    (record,) = crash.records
    assert (record.cost_basis, record.total_cost, record.input_tokens) == ("unpriced", Decimal(0), 1000)


def test_lines_that_are_no_records_are_passed_over(crash: Crash) -> None:
    crash.write(b"\n\xff\xfe\nnull\n" + gzip.compress(b"x") + b"\n" + b"x" * 100_000 + b"\n" + line_of(intent(1)))
    crash.leave_open(intent(1))
    assert crash.recover() == 0


def test_tables_of_workers_that_are_no_more_are_found_and_those_of_the_living_left_alone(tmp_path: Path) -> None:
    tables = [InflightFile(inflight_path(tmp_path, worker)) for worker in range(4)]
    tables[2].close_file()
    (tmp_path / "inflight" / "worker-x.bin").write_bytes(b"")
    found = dead_tables(tmp_path, 1)
    assert [table.path.name for table in found] == ["worker-2.bin"]
    for table in (tables[0], tables[1], tables[3], *found):
        table.close_file()
