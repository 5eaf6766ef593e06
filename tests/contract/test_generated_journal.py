"""The journal that measurements are taken on is a real one."""

from pathlib import Path

import pytest

from benchmarks.generate import generate
from smart_ai_router.core.usage_record import cost_in_pico, decode_usage_record
from tests.contract.conftest import OpenStore
from tests.core.journal_samples import keep


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    made = [generate(tmp_path / name, 300, days=5) for name in ("one", "two")]
    other = generate(tmp_path / "three", 300, days=5, seed=43)

    contents = [b"".join(path.read_bytes() for path in sorted((tmp_path / name).iterdir())) for name in ("one", "two")]
    assert made[0] == made[1]
    assert contents[0] == contents[1]
    assert other.total_cost != made[0].total_cost


def test_every_line_is_a_record_of_its_files_day_whose_lines_sum_to_its_cost(tmp_path: Path) -> None:
    made = generate(tmp_path, 1000, days=4)
    total = count = 0
    for path in sorted(tmp_path.iterdir()):
        for line in path.read_bytes().splitlines():
            record = decode_usage_record(line)
            assert record.timestamp[:10].replace("-", "") == path.name[6:14]
            assert sum(each.amount for each in record.lines) == record.total_cost
            assert record.status == ("success" if record.attempts[-1].error_kind is None else "error")
            total += cost_in_pico(record.total_cost)
            count += 1
    assert (count, total) == (made.records, made.total_cost)


def test_a_directory_that_holds_a_journal_is_left_alone(tmp_path: Path) -> None:
    generate(tmp_path, 10, days=1)

    with pytest.raises(FileExistsError):
        generate(tmp_path, 10, days=1)


def test_its_books_hold_every_record_at_its_cost(open_store: OpenStore, tmp_path: Path) -> None:
    made = generate(tmp_path / "logs", 2000, days=40)
    store = open_store()

    keep(tmp_path / "logs", store).catch_up()

    with store.snapshot() as books:
        sums = books.record_sums()["USD"]
    assert (sums.records, sums.total_cost) == (2000, made.total_cost)
    assert store.problem_counts() == []
