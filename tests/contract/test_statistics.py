"""Totals from rollups, against sums over the records themselves."""

import random
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smart_ai_router.adapters.memory_store import MemoryStore
from smart_ai_router.core.local_days import LocalDays
from smart_ai_router.core.rollups import MS_PER_HOUR, latency_ms
from smart_ai_router.core.statistics_store import AttemptTotals, Dimension, GroupingUnavailable
from smart_ai_router.core.store import BookStore, JournalFileState
from smart_ai_router.core.usage_record import BillLine, UsageRecord
from smart_ai_router.domain.money import pico_to_decimal
from tests.contract import oracle
from tests.contract.conftest import OpenStore
from tests.contract.lines import attempt, moment, postings, record

FILE = JournalFileState("usage_20260131.jsonl", 1)
GROUPINGS: tuple[tuple[Dimension, ...], ...] = (
    (),
    (Dimension.DAY,),
    (Dimension.PROVIDER,),
    (Dimension.CHANNEL,),
    (Dimension.MODEL,),
    (Dimension.USAGE_TYPE,),
    (Dimension.USER,),
    (Dimension.API_KEY,),
    (Dimension.TAG,),
    (Dimension.REGION,),
    (Dimension.DAY, Dimension.PROVIDER, Dimension.MODEL, Dimension.USAGE_TYPE),
    (Dimension.CHANNEL, Dimension.MODEL),
    (Dimension.USER, Dimension.MODEL),
    (Dimension.MODEL, Dimension.DAY, Dimension.USER),
    (Dimension.USER, Dimension.API_KEY, Dimension.PROVIDER, Dimension.CHANNEL, Dimension.MODEL),
    (Dimension.DAY, Dimension.TAG),
    (Dimension.REGION, Dimension.DAY),
)


def some_records(seed: int, count: int, first: date, days: int) -> list[UsageRecord]:
    """Records of mixed kinds, spread over some days."""
    chance = random.Random(seed)
    records = []
    for number in range(count):
        day = first + timedelta(days=chance.randrange(days))
        failed = chance.random() < 0.2
        channel = chance.choice(("ch_1", "ch_2", "ch_3"))
        records.append(
            record(
                f"{day} {chance.randrange(24):02}:{chance.randrange(60):02}:00.{number % 1000:03}",
                number,
                model=chance.choice(("gpt-4o", "qwen3", "glm")),
                provider=chance.choice(("openai", "zhipu")),
                channel_id=channel,
                channel_name=channel.upper(),
                user_id=chance.choice((None, "alice", "bob")),
                api_key_id=chance.choice((None, "k1", "k2")),
                usage_type=chance.choice(("text_generation", "embedding")),
                region=chance.choice((None, "eu", "us")),
                tags=chance.choice(((), ("free",), ("free", "chat"), ("chat", "chat"))),
                cost_currency=chance.choice(("USD", "USD", "CNY")),
                input_cost=Decimal(chance.randrange(10**15)).scaleb(-12),
                output_cost=Decimal(chance.randrange(10**15)).scaleb(-12),
                status="error" if failed else "success",
                outcome="failed" if failed else "success",
                usage_source=chance.choice(("provider", "estimated")),
                cost_basis=chance.choice(("book", "unpriced")),
                attempts=chance.choice(((), (attempt("ch_9", "timeout"), attempt(channel)))),
            )
        )
    return records


def book(store: BookStore, records: Sequence[UsageRecord], batch: int = 50) -> None:
    """Book records in batches of one file."""
    made = postings(records, store.time_zone)
    file = FILE
    for start in range(0, len(made), batch):
        file = store.apply(file, made[start : start + batch], []).file


def assert_totals_are_sums(
    store: BookStore, records: Sequence[UsageRecord], ranges: Sequence[tuple[date, date]]
) -> None:
    for days in ranges:
        for by in GROUPINGS:
            assert store.totals(*days, by) == oracle.totals(records, store.time_zone, days, by), (days, by)
        assert store.channel_attempts(*days) == oracle.attempts(records, store.time_zone, days)


RANGES = [
    (date(2025, 12, 1), date(2026, 4, 30)),  # everything
    (date(2026, 1, 1), date(2026, 1, 31)),  # one whole month
    (date(2026, 1, 1), date(2026, 2, 28)),
    (date(2026, 1, 2), date(2026, 3, 30)),  # a whole month and two edges
    (date(2026, 1, 31), date(2026, 2, 1)),
    (date(2026, 2, 14), date(2026, 2, 14)),
    (date(2026, 3, 1), date(2026, 3, 31)),  # the month that the newest records are in
    (date(2026, 3, 20), date(2030, 1, 1)),
    (date(2020, 1, 1), date(2020, 1, 2)),  # nothing
    (date(2026, 2, 2), date(2026, 2, 1)),
]


@pytest.mark.parametrize("time_zone", ["UTC", "Asia/Shanghai", "America/New_York", "Asia/Kathmandu"])
def test_m1_49_totals_of_any_days_and_dimensions_are_the_sums_of_the_records(
    open_store: OpenStore, time_zone: str
) -> None:
    store = open_store(time_zone)
    records = some_records(1, 400, date(2026, 1, 1), 88)

    book(store, records)

    assert_totals_are_sums(store, records, RANGES)


def test_totals_are_right_when_records_come_in_the_order_of_time(store: BookStore) -> None:
    records = sorted(some_records(2, 400, date(2026, 1, 1), 88), key=lambda each: each.timestamp)

    book(store, records, batch=7)

    assert_totals_are_sums(store, records, RANGES)


def test_one_record_from_the_far_future_spoils_no_other_days_totals(store: BookStore) -> None:
    records = some_records(3, 100, date(2026, 1, 1), 60)
    future = record("2090-01-01 00:00:00", 4000)

    book(store, [future, *records])

    assert_totals_are_sums(store, [future, *records], [*RANGES, (date(2026, 1, 1), date(2099, 1, 1))])


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6), first=st.integers(-3, 100), length=st.integers(0, 100), batch=st.integers(1, 60))
def test_totals_are_sums_for_any_range(seed: int, first: int, length: int, batch: int) -> None:
    store = MemoryStore("Europe/Berlin")
    records = some_records(seed, 60, date(2026, 1, 1), 95)
    begin = date(2026, 1, 1) + timedelta(days=first)

    book(store, records, batch)

    assert_totals_are_sums(store, records, [(begin, begin + timedelta(days=length))])


def test_conditions_narrow_totals(store: BookStore) -> None:
    records = some_records(5, 300, date(2026, 1, 1), 88)
    book(store, records)
    days = (date(2026, 1, 1), date(2026, 3, 31))

    for where in (
        {Dimension.USER: "alice"},
        {Dimension.MODEL: "qwen3"},
        {Dimension.USER: "alice", Dimension.MODEL: "qwen3"},
        {Dimension.PROVIDER: "zhipu", Dimension.USAGE_TYPE: "embedding"},
        {Dimension.REGION: "eu"},
        {Dimension.TAG: "free"},
    ):
        assert store.totals(*days, (), where) == oracle.totals(records, "UTC", days, (), where)


def test_conditions_on_what_the_books_have_never_met_find_nothing(store: BookStore) -> None:
    book(store, some_records(5, 10, date(2026, 1, 1), 5))

    assert store.totals(date(2026, 1, 1), date(2026, 2, 1), (), {Dimension.MODEL: "unheard-of"}) == []


def test_a_combination_that_no_rollup_has_is_refused_with_those_that_exist(store: BookStore) -> None:
    book(store, some_records(5, 10, date(2026, 1, 1), 5))

    with pytest.raises(GroupingUnavailable, match="there are: region; tag; channel, provider; model"):
        store.totals(date(2026, 1, 1), date(2026, 2, 1), (Dimension.TAG, Dimension.REGION))


def test_empty_books_answer_with_nothing(store: BookStore) -> None:
    first, last = date(2026, 1, 1), date(2026, 12, 31)

    assert [store.totals(first, last, by) for by in GROUPINGS] == [[] for _ in GROUPINGS]
    assert (store.channel_attempts(first, last), store.channel_names(), store.attempt_hours(0, 10**6)) == ({}, {}, [])


def test_sums_beyond_64_bits_are_exact(store: BookStore) -> None:
    """Two such costs pass what one cell could hold; 9.2 million rupiah are 560 dollars."""
    highest = Decimal("9223372.036854775807")
    records = [
        record("2026-01-31 10:00:00", number, input_cost=highest, output_cost=Decimal(0), cost_currency="IDR")
        for number in range(300)
    ]

    book(store, records, batch=110)
    book(store, [record("2026-02-01 10:00:00", 999, cost_currency="IDR")])

    [row] = store.totals(date(2026, 1, 1), date(2026, 1, 31))
    assert row.totals.currency == "IDR"
    assert pico_to_decimal(row.totals.total_cost) == 300 * highest == Decimal("2767011611.0564327421")
    [month] = store.totals(date(2026, 1, 1), date(2026, 2, 28))
    assert pico_to_decimal(month.totals.total_cost) == 300 * highest + Decimal("0.0003")
    with store.snapshot() as books:
        assert pico_to_decimal(books.record_sums()["IDR"].input_cost) == 300 * highest + Decimal("0.0001")


def test_a_total_that_is_not_the_sum_of_its_parts_is_kept_as_it_is(store: BookStore) -> None:
    book(
        store,
        [
            record("2026-01-31 10:00:00", 1, total_cost="0.5"),
            record("2026-01-31 10:00:00", 2, total_cost="0.0001"),  # less than its parts
        ],
    )

    [row] = store.totals(date(2026, 1, 31), date(2026, 1, 31))

    assert pico_to_decimal(row.totals.total_cost) == Decimal("0.5001")
    assert pico_to_decimal(row.totals.input_cost + row.totals.output_cost) == Decimal("0.0006")


def test_costs_of_different_currencies_are_never_added(store: BookStore) -> None:
    book(store, [record("2026-01-31 10:00:00", 1), record("2026-01-31 10:00:00", 2, cost_currency="CNY")])

    rows = store.totals(date(2026, 1, 31), date(2026, 1, 31), (Dimension.MODEL,))

    assert [(row.totals.currency, row.totals.requests) for row in rows] == [("CNY", 1), ("USD", 1)]


def test_a_call_belongs_to_the_day_of_its_end_in_the_configured_zone(open_store: OpenStore) -> None:
    store = open_store("Asia/Shanghai")

    book(store, [record("2026-01-31 15:59:59.999", 1), record("2026-01-31 16:00:00", 2)])

    rows = store.totals(date(2026, 1, 1), date(2026, 2, 28), (Dimension.DAY,))
    assert [(row.keys, row.totals.requests) for row in rows] == [(("2026-01-31",), 1), (("2026-02-01",), 1)]


def test_images_and_seconds_are_summed(store: BookStore) -> None:
    image = BillLine("image", Decimal(3), "p", Decimal("0.0003"))
    second = BillLine("second", Decimal("1.5"), "p", Decimal("0.0003"))
    minute = BillLine("minute", Decimal(2), "p", Decimal("0.0003"))
    book(
        store,
        [
            record("2026-01-31 10:00:00", 1, usage_type="image_generation", lines=(image,)),
            record("2026-01-31 10:00:00", 2, usage_type="audio_stt", lines=(second,)),
            record("2026-01-31 10:00:00", 3, usage_type="video_generation", lines=(minute,)),
        ],
    )

    [row] = store.totals(date(2026, 1, 31), date(2026, 1, 31))

    assert (row.totals.images, row.totals.media_ms) == (3, 121_500)


def test_a_channels_name_is_that_of_its_latest_record(store: BookStore) -> None:
    book(store, [record("2026-01-31 10:00:00", 1, channel_name="New")])
    book(store, [record("2026-01-30 10:00:00", 2, channel_name="Old", attempts=(attempt("ch_9"),))])

    assert store.channel_names() == {"ch_1": "New", "ch_9": "Name of ch_9"}


def test_tries_are_counted_by_attempt_and_a_record_without_attempts_is_one(store: BookStore) -> None:
    book(
        store,
        [
            record("2026-01-31 10:00:00", 1, attempts=(attempt("ch_1", "timeout"), attempt("ch_2"))),
            record("2026-01-31 10:00:00", 2, channel_id="ch_2", status="error", outcome="failed"),
            record("2026-01-31 10:00:00", 3, channel_id="ch_2", status="error", outcome="refused"),
            record("2026-02-01 10:00:00", 4, channel_id="ch_2"),
        ],
    )

    assert store.channel_attempts(date(2026, 1, 31), date(2026, 1, 31)) == {
        "ch_1": AttemptTotals(1, 1),
        "ch_2": AttemptTotals(2, 1),
    }


def test_latencies_of_successful_tries_stand_in_fixed_buckets(store: BookStore) -> None:
    tries = [attempt("ch_1", ms=ms) for ms in (50, 51, 350, 10**7)] + [attempt("ch_1", "timeout", ms=1)]
    book(store, [record("2026-01-31 10:59:59", 1, attempts=tuple(tries)), record("2026-01-31 11:00:00", 2)])

    latencies = store.channel_latencies(date(2026, 1, 31), date(2026, 1, 31))["ch_1"]

    assert latencies == (1, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1)
    assert latency_ms(latencies, 0.5) == 275
    hour = moment("2026-01-31 10:00:00") // MS_PER_HOUR
    hours = store.attempt_hours(hour, hour + 1)
    assert [(each.hour, each.channel_id, each.measures.attempts, each.measures.failures) for each in hours] == [
        (hour, "ch_1", 5, 1),
        (hour + 1, "ch_1", 1, 0),
    ]
    assert store.attempt_hours(hour + 2, hour + 9) == []


def test_days_are_those_of_a_zone_with_a_clock_change(open_store: OpenStore) -> None:
    store = open_store("America/New_York")
    days = LocalDays("America/New_York")
    records = [record(f"2026-11-01 {hour:02}:30:00", hour) for hour in range(24)]

    book(store, records)

    [first, second] = store.totals(date(2026, 10, 31), date(2026, 11, 1), (Dimension.DAY,))
    assert (first.totals.requests, second.totals.requests) == (4, 20)  # midnight there is 04:00 UTC
    assert days.starts_ms(days.day_of(moment("2026-11-01 12:00:00"))) == moment("2026-11-01 04:00:00")
