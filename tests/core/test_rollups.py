"""Cells of records, and cells of cells."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.adapters.memory_store import TEXTS
from smart_ai_router.core.rollups import (
    CUBE_DAY,
    CUBE_MONTH,
    FOLDED,
    HOUR,
    LATENCY_BOUNDS_MS,
    LIVE,
    REGION_DAY,
    ROLLUPS,
    TAG_DAY,
    TAGS_MAX,
    USER_CUBE_DAY,
    USER_DAY,
    Grain,
    Measures,
    add_attempt_measures,
    add_rows,
    fold,
    fold_over,
    latency_ms,
    latest_names,
)
from tests.contract.lines import attempt, postings, record


def test_every_folded_rollup_has_a_live_source_with_its_dimensions() -> None:
    for target, source in FOLDED.items():
        assert source in LIVE
        assert source.grain is Grain.DAY
        assert set(target.dimensions) <= set(source.dimensions)
    assert len({rollup.name for rollup in ROLLUPS}) == len(ROLLUPS)


def test_a_record_stands_in_one_cell_of_each_rollup_and_in_one_for_each_tag() -> None:
    made = postings([record("2026-01-31 10:00:00", tags=("a", "b", "a"))])

    cells = fold(made, TEXTS).cells

    assert {rollup: len(found) for rollup, found in cells.items()} == {
        HOUR: 1,
        CUBE_DAY: 1,
        USER_CUBE_DAY: 1,
        TAG_DAY: 2,
        REGION_DAY: 1,
    }
    [row] = cells[CUBE_DAY].values()
    assert Measures(*row) == Measures(
        requests=1,
        successes=1,
        input_tokens=100,
        output_tokens=50,
        input_cost=100_000_000,
        output_cost=200_000_000,
        duration_ms=2000,
    )


def test_a_record_counts_under_so_many_tags_and_no_more() -> None:
    made = postings([record("2026-01-31 10:00:00", tags=tuple(f"t{number}" for number in range(TAGS_MAX + 5)))])

    assert len(fold(made, TEXTS).cells[TAG_DAY]) == TAGS_MAX


@given(split=st.integers(0, 40))
def test_a_batch_and_its_halves_add_up_to_the_same_cells(split: int) -> None:
    made = postings(
        record(
            f"2026-01-{28 + number % 5 if number % 5 < 4 else 1:02} 10:00:00",
            number,
            model=f"m{number % 3}",
            user_id=f"u{number % 4}",
            attempts=(attempt("ch_1", ms=number),),
        )
        for number in range(40)
    )

    whole, first, second = fold(made, TEXTS), fold(made[:split], TEXTS), fold(made[split:], TEXTS)

    for rollup in LIVE:
        added = dict(first.cells[rollup])
        for key, row in second.cells[rollup].items():
            added[key] = add_rows(added.get(key), row)
        assert added == whole.cells[rollup]
    for tries, cells in whole.attempts.items():
        sums = dict(first.attempts[tries])
        for key, measures in second.attempts[tries].items():
            sums[key] = add_attempt_measures(sums.get(key), measures)
        assert sums == cells


def test_cells_of_days_fold_into_months_and_users() -> None:
    made = postings(
        [
            record("2026-01-31 10:00:00", 1),
            record("2026-01-30 10:00:00", 2, model="other"),
            record("2026-02-01 10:00:00", 3),
        ]
    )
    cells = fold(made, TEXTS).cells

    months = fold_over(cells[CUBE_DAY], CUBE_DAY, CUBE_MONTH)
    users = fold_over(cells[USER_CUBE_DAY], USER_CUBE_DAY, USER_DAY)

    assert sorted((key[0], key[1], row[0]) for key, row in months.items()) == [
        (2026 * 12, "gpt-4o-mini", 1),
        (2026 * 12, "other", 1),
        (2026 * 12 + 1, "gpt-4o-mini", 1),
    ]
    assert sorted(row[0] for row in users.values()) == [1, 1, 1]
    assert {key[1:] for key in users} == {("alice", "key_a", "USD")}


@pytest.mark.parametrize(
    ("counts", "share", "wanted"),
    [
        ({}, 0.5, None),
        ({0: 10}, 0.5, 25),
        ({0: 10}, 1.0, 50),
        ({0: 1, 1: 1}, 0.5, 50),
        ({3: 4}, 0.25, 238),
        ({15: 3}, 0.5, LATENCY_BOUNDS_MS[-1]),
        ({0: 99, 15: 1}, 0.99, 50),
    ],
)
def test_a_percentile_is_read_off_the_buckets(counts: dict[int, int], share: float, wanted: int | None) -> None:
    latencies = [counts.get(bucket, 0) for bucket in range(len(LATENCY_BOUNDS_MS) + 1)]

    assert latency_ms(latencies, share) == wanted


def test_the_latest_name_wins_and_of_two_at_one_time_the_greater() -> None:
    made = postings(
        [
            record("2026-01-31 10:00:02", 1, channel_name="Late"),
            record("2026-01-31 10:00:01", 2, channel_name="Early", attempts=(attempt("ch_9", "timeout"),)),
            record("2026-01-31 10:00:02", 3, channel_name="Also"),
            record("2026-01-31 10:00:09", 4, channel_id="", channel_name=""),
        ]
    )

    names = {channel_id: name for channel_id, (_, name) in latest_names(made).items()}

    assert names == {"ch_1": "Late", "ch_9": "Name of ch_9"}
