"""Which records of a batch are new, and the numbers they get."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.core.placing import place
from smart_ai_router.core.posting import Posting
from smart_ai_router.core.record_keys import FOREIGN_NODE, foreign_sids
from tests.contract.lines import moment, own_id, postings, record

AT = moment("2026-01-31 10:00:00")


class Kept:
    """Books as a dictionary."""

    def __init__(self) -> None:
        self.records: dict[int, tuple[int | None, Posting]] = {}

    def check_bits_of(self, sid: int) -> int | None:
        if sid not in self.records:
            return None
        bits = self.records[sid][0]
        return -1 if bits is None else bits

    def foreign_sid_of(self, request_id: str) -> int | None:
        found = (sid for sid, (bits, kept) in self.records.items() if bits is None and _id(kept) == request_id)
        return next(found, None)

    def is_same(self, sid: int, posting: Posting) -> bool:
        return self.records[sid][1].record == posting.record

    def book(self, made: Sequence[Posting]) -> tuple[int, int, int]:
        placement = place(made, self)
        for posting, sid, check_bits in placement.placed:
            assert sid not in self.records
            self.records[sid] = (check_bits, posting)
        return len(placement.placed), len(placement.repeated), len(placement.conflicts)


def _id(posting: Posting) -> str:
    return posting.record.request_id


IDS = st.sampled_from([own_id(AT, 1), own_id(AT, 1, check="bbbbb"), own_id(AT, 2), own_id(AT, 3, node=1023), "a", "b"])
RECORDS = st.lists(st.tuples(IDS, st.sampled_from(["m1", "m2"])), max_size=25)


@given(batches=st.lists(RECORDS, max_size=4))
def test_each_id_is_booked_once_and_its_first_record_stands(batches: list[list[tuple[str, str]]]) -> None:
    kept = Kept()
    first: dict[str, str] = {}
    for batch in batches:
        expected = [0, 0, 0]  # new, repeated, in conflict
        for request_id, model in batch:
            is_new = request_id not in first
            known = first.setdefault(request_id, model)
            expected[0 if is_new else 1 if known == model else 2] += 1
        made = postings(record("2026-01-31 10:00:00", request_id=each, model=model) for each, model in batch)

        assert list(kept.book(made)) == expected
        assert {_id(posting): posting.record.model for _, posting in kept.records.values()} == first


def test_an_id_of_ours_is_kept_under_its_sid_and_a_foreign_one_under_a_free_number() -> None:
    kept = Kept()
    made = postings(
        [record("2026-01-31 10:00:00", request_id=own_id(AT, 5)), record("2026-01-31 10:00:00", request_id="x")]
    )

    kept.book(made)

    own, foreign = sorted(kept.records, key=lambda sid: sid >> 12 & 1023)
    assert own & 0xFFF == 5
    assert foreign >> 12 & 1023 == FOREIGN_NODE


def test_a_foreign_id_goes_on_to_the_next_free_number() -> None:
    kept = Kept()
    [made] = postings([record("2026-01-31 10:00:00", request_id="x")])
    numbers = foreign_sids("x", AT)
    taken = [next(numbers) for _ in range(3)]
    for sid in taken:
        [other] = postings([record("2026-01-31 10:00:00", request_id=f"other {sid}")])
        kept.records[sid] = (None, other)

    kept.book([made])

    assert kept.foreign_sid_of("x") == next(numbers)
