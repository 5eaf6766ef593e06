"""What every store does with a batch."""

import random

import pytest

from smart_ai_router.adapters.memory_store import MemoryStore
from smart_ai_router.core.local_days import LocalDays
from smart_ai_router.core.posting import post_line
from smart_ai_router.core.record_keys import FOREIGN_NODE
from smart_ai_router.core.store import PROBLEMS_LISTED_MAX, BookStore, JournalFileState, LineProblem
from smart_ai_router.core.usage_pages import UsageFilter
from smart_ai_router.core.verification import books_digest
from tests.contract.conftest import OpenStore
from tests.contract.lines import GUIDE_LINE, attempt, moment, own_id, postings, record

FILE = JournalFileState("usage_20260131.jsonl", 1)


def digest(store: BookStore) -> str:
    with store.snapshot() as books:
        return books_digest(books)


def test_a_batch_is_booked_together_with_its_offset(store: BookStore) -> None:
    made = postings(record("2026-01-31 10:00:00", number) for number in range(3))

    applied = store.apply(JournalFileState("usage_20260131.jsonl", 1, inode=7, applied=900, crc32=5), made, [])

    assert applied.fresh == made
    assert store.journal_files() == [applied.file]
    assert (applied.file.applied, applied.file.crc32, applied.file.inode, applied.file.lines) == (900, 5, 7, 3)
    assert store.usage_count(UsageFilter()) == 3


def test_the_same_lines_applied_twice_change_nothing(store: BookStore) -> None:
    made = postings(record("2026-01-31 10:00:00", number) for number in range(5))
    file = store.apply(FILE, made, []).file
    before = digest(store)

    again = store.apply(file, made, [])

    assert (again.fresh, again.repeated, again.conflicts) == ([], 5, 0)
    assert again.file.repeated == 5
    assert digest(store) == before
    assert store.problem_counts() == []


def test_a_batch_of_old_and_new_records_books_the_new_ones(store: BookStore) -> None:
    made = postings(record("2026-01-31 10:00:00", number) for number in range(6))
    file = store.apply(FILE, made[:4], []).file

    applied = store.apply(file, made[2:], [])

    assert (applied.fresh, applied.repeated) == (made[4:], 2)
    assert store.usage_count(UsageFilter()) == 6


def test_of_two_different_lines_with_one_id_the_first_stands_and_the_second_is_listed(store: BookStore) -> None:
    first = record("2026-01-31 10:00:00", 1, model="gpt-4o")
    second = record("2026-01-31 10:00:00", 1, model="gpt-4o-mini")
    file = store.apply(FILE, postings([first]), []).file

    applied = store.apply(file, postings([second]), [])

    assert (applied.fresh, applied.repeated, applied.conflicts) == ([], 0, 1)
    row = store.usage_row(first.request_id)
    assert row is not None
    assert row.model == "gpt-4o"
    [problem] = store.problems()
    assert problem.problem.reason == "duplicate_id"
    assert "usage_20260131.jsonl at 0" in problem.problem.detail


def test_two_different_lines_with_one_id_in_one_batch_are_told_apart_too(store: BookStore) -> None:
    first = record("2026-01-31 10:00:00", 1, model="gpt-4o")
    second = record("2026-01-31 10:00:00", 1, model="gpt-4o-mini")

    applied = store.apply(FILE, postings([first, second, first]), [])

    assert (len(applied.fresh), applied.repeated, applied.conflicts) == (1, 1, 1)
    assert [each.times for each in store.problem_counts()] == [1]


@pytest.mark.parametrize(
    "request_id", ["req_abc123", "0d2a6a3e-93f4-4b2e-9f0f-7d6f4f1f2b11", "x", "req_" + "i" * 18, "请求-1"]
)
def test_an_id_of_other_make_is_kept_and_found(store: BookStore, request_id: str) -> None:
    made = postings([record("2026-01-31 10:00:00", request_id=request_id)])
    file = store.apply(FILE, made, []).file

    again = store.apply(file, made, [])

    assert again.repeated == 1
    row = store.usage_row(request_id)
    assert row is not None
    assert (row.request_id, row.at_ms) == (request_id, moment("2026-01-31 10:00:00"))
    assert store.position(request_id) == (file.id, 0, len(made[0].line))


def test_a_thousand_foreign_ids_of_one_second_are_all_kept(store: BookStore) -> None:
    made = postings(record("2026-01-31 10:00:00", request_id=f"req_{number}") for number in range(1000))

    store.apply(FILE, made, [])

    assert {row.request_id for row in store.usage_page(UsageFilter(), limit=1000).rows} == {
        f"req_{number}" for number in range(1000)
    }


def test_two_ids_with_one_sid_are_two_records(store: BookStore) -> None:
    at = moment("2026-01-31 10:00:00")
    ids = [own_id(at, 1, check="aaaaa"), own_id(at, 1, check="bbbbb")]
    made = postings(record("2026-01-31 10:00:00", request_id=request_id) for request_id in ids)
    file = store.apply(FILE, made[:1], []).file

    applied = store.apply(file, made, [])

    assert (applied.fresh, applied.repeated, applied.conflicts) == (made[1:], 1, 0)
    for request_id in ids:
        row = store.usage_row(request_id)
        assert row is not None
        assert row.request_id == request_id
    assert store.usage_row(own_id(at, 1, check="ccccc")) is None


@pytest.mark.parametrize("node", [0, FOREIGN_NODE])
def test_an_id_whose_time_is_far_from_its_record_is_kept(store: BookStore, node: int) -> None:
    request_id = own_id(moment("2026-01-01 10:00:00"), node=node)

    store.apply(FILE, postings([record("2026-01-31 10:00:00", request_id=request_id)]), [])

    row = store.usage_row(request_id)
    assert row is not None
    assert row.at_ms == moment("2026-01-31 10:00:00")


def test_a_record_comes_back_as_it_was_written(store: BookStore) -> None:
    written = record(
        "2026-01-31 10:00:00.123",
        input_tokens=1500,
        output_tokens=300,
        cached_tokens=500,
        cache_write_tokens=10,
        reasoning_tokens=20,
        input_cost="0.000000000001",
        output_cost="9223372.036854775806",
        user_charge="1.5",
        outcome="partial",
        status="error",
        error_kind="reset",
        status_code=200,
        region="eu",
        usage_source="estimated",
        time_to_first_token_ms=310,
        cost_currency="CNY",
    )
    store.apply(FILE, postings([written]), [])

    row = store.usage_row(written.request_id)

    assert row is not None
    assert not row.is_success
    assert (row.input_cost, row.output_cost, row.total_cost) == (1, 2**63 - 2, 2**63 - 1)
    assert (row.user_charge, row.currency, row.region) == (1_500_000_000_000, "CNY", "eu")
    assert (row.input_tokens, row.output_tokens, row.cached_tokens) == (1500, 300, 500)
    assert (row.cache_write_tokens, row.reasoning_tokens, row.first_token_ms) == (10, 20, 310)
    assert (row.outcome, row.error_kind, row.status_code) == ("partial", "reset", 200)
    assert (row.usage_source, row.cost_basis, row.duration_ms) == ("estimated", "book", 2000)


def test_names_longer_than_the_books_hold_stay_different(store: BookStore) -> None:
    long = "m" * 5000
    made = postings(record("2026-01-31 10:00:00", number, model=long + str(number)) for number in range(2))

    store.apply(FILE, made, [])

    models = {row.model for row in store.usage_page(UsageFilter()).rows}
    assert len(models) == 2
    assert all(len(model) < 250 for model in models)
    assert store.usage_count(UsageFilter(model=long + "1")) == 1


@pytest.mark.parametrize("name", ["", "'; DROP TABLE usage; --", "a\x00b", "模型 \u2028 x", "%_*"])
def test_a_name_is_only_ever_a_name(store: BookStore, name: str) -> None:
    store.apply(FILE, postings([record("2026-01-31 10:00:00", model=name, user_id=name, tags=(name,))]), [])

    assert [row.model for row in store.usage_page(UsageFilter(model=name, user_id=name)).rows] == [name]
    assert store.usage_count(UsageFilter(model=name)) == 1


def test_problems_are_listed_up_to_a_bound_and_counted_without(store: BookStore) -> None:
    problems = [LineProblem(offset, 5, "corrupt", "x") for offset in range(PROBLEMS_LISTED_MAX + 20)]
    file = store.apply(FILE, [], problems[:10]).file

    store.apply(file, [], problems[10:])

    assert len(store.problems(limit=5000)) == PROBLEMS_LISTED_MAX
    [count] = store.problem_counts()
    assert (count.file, count.reason, count.times) == ("usage_20260131.jsonl", "corrupt", PROBLEMS_LISTED_MAX + 20)


def test_books_of_the_same_records_are_equal_whatever_the_order_and_the_batches(open_store: OpenStore) -> None:
    chance = random.Random(7)
    records = [
        record(
            f"2026-0{chance.randint(1, 3)}-{chance.randint(1, 28):02} {chance.randint(0, 23):02}:00:00",
            number,
            model=chance.choice(("a", "b", "c")),
            user_id=chance.choice((None, "u1", "u2")),
            tags=chance.choice(((), ("x",), ("x", "y"))),
            cost_currency=chance.choice(("USD", "CNY")),
            channel_name=chance.choice(("Old", "New")),
            attempts=(attempt("ch_1", chance.choice((None, "timeout")), ms=chance.randint(1, 90_000)),),
        )
        for number in range(300)
    ]
    digests = set()
    for _ in range(3):
        store = open_store("Asia/Kathmandu")
        chance.shuffle(records)
        made = postings(records, "Asia/Kathmandu")
        file = FILE
        while made:
            size = chance.randint(1, 120)
            file = store.apply(file, made[:size], []).file
            made = made[size:]
        digests.add(digest(store))

    other = MemoryStore("Asia/Kathmandu")
    other.apply(FILE, postings(records, "Asia/Kathmandu"), [])
    assert digests == {digest(other)}


def test_one_changed_pico_changes_the_digest(open_store: OpenStore) -> None:
    one, other = open_store(), open_store()
    one.apply(FILE, postings([record("2026-01-31 10:00:00", output_cost="0.000000000001")]), [])
    other.apply(FILE, postings([record("2026-01-31 10:00:00", output_cost="0.000000000002")]), [])

    assert digest(one) != digest(other)


def test_a_snapshot_does_not_see_what_is_booked_later(store: BookStore) -> None:
    made = postings(record("2026-01-31 10:00:00", number) for number in range(2))
    file = store.apply(FILE, made[:1], []).file

    with store.snapshot() as books:
        store.apply(file, made[1:], [])

        assert books.usage_count(UsageFilter()) == 1
        assert [each.lines for each in books.journal_files()] == [1]
    assert store.usage_count(UsageFilter()) == 2


def test_a_scratch_store_is_empty_and_of_the_same_zone(open_store: OpenStore) -> None:
    store = open_store("Asia/Shanghai")
    store.apply(FILE, postings([record("2026-01-31 10:00:00")], "Asia/Shanghai"), [])

    with store.scratch() as scratch:
        assert scratch.time_zone == "Asia/Shanghai"
        assert scratch.journal_files() == []
        assert scratch.usage_count(UsageFilter()) == 0


def test_m1_76_the_guides_sample_line_is_booked(store: BookStore) -> None:
    store.apply(FILE, [post_line(GUIDE_LINE, 0, LocalDays("UTC"))], [])

    row = store.usage_row("req_abc123")

    assert row is not None
    assert (row.total_cost, row.input_tokens + row.output_tokens) == (375_000_000, 450)
    assert row.at_ms == moment("2025-08-24 12:30:45")
